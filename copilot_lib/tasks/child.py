"""Runs in the child: takes its limits, forbids itself what a task never needs, and runs the program that comes in.

It knows what may be done; it never knows whether that was right, only that the end was reached. It imports nothing of the
package.
"""

import contextlib
import os
import sys

FORBIDDEN = (
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.kill",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.mkdir",
    "os.putenv",
    "os.setxattr",
    "pty.",
    "shutil.",
    "socket.",
    "ctypes.",
    "signal.pthread_kill",
    "sys.setprofile",
    "sys.settrace",
    "gc.",
    "mmap.",
    "sqlite3.",
)
"""Audit events, by their beginnings, that end in an error: processes, the network, what happens to files, looks at this one."""


def limit(cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    """Takes the operating system's limits upon this process, where it has such."""
    with contextlib.suppress(ImportError):
        import resource

        wanted = {
            resource.RLIMIT_CPU: (cpu_s, cpu_s + 1),
            resource.RLIMIT_AS: (memory_bytes, memory_bytes),
            resource.RLIMIT_FSIZE: (file_bytes, file_bytes),
            resource.RLIMIT_NOFILE: (32, 32),
            resource.RLIMIT_CORE: (0, 0),
        }
        for kind, (soft, hard) in wanted.items():
            with contextlib.suppress(ValueError, OSError):  # macOS does not know a limit of memory
                resource.setrlimit(kind, (soft, hard))


def without_network() -> None:
    """Leaves the network and goes where there is none, where the system lets an ordinary process do so."""
    with contextlib.suppress(Exception):
        import ctypes

        user_and_network = 0x10000000 | 0x40000000
        ctypes.CDLL(None).unshare(user_and_network)


def forbid(folder: str) -> None:
    """Lets every event of `FORBIDDEN` fail from here on, and writing anywhere but in the folder. It cannot be taken back."""
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def watch(event: str, arguments: tuple) -> None:
        if event.startswith(FORBIDDEN):
            raise PermissionError(f"{event} may not be used")
        if event == "open":
            path, _, flags = arguments
            inside = isinstance(path, str) and os.path.realpath(path).startswith(folder + os.sep)
            if flags & writing and not inside:
                raise PermissionError("open may not be used")

    sys.addaudithook(watch)


def main(pipe: int, cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    """Reads the number and the program, runs it, and says the number; or what was wrong."""
    nonce, _, program = sys.stdin.buffer.read().decode("utf-8", "surrogatepass").partition("\n")
    limit(cpu_s, memory_bytes, file_bytes)
    without_network()
    # Bound before the program can put something else in their place.
    write, leave, folder = os.write, os._exit, os.path.realpath(".")
    try:
        code = compile(program, "program", "exec")
        forbid(folder)
        exec(code, {"__name__": "program"})
        word = nonce
    except BaseException as error:  # whatever it raises, SystemExit too
        word = f"{type(error).__name__}: {error}".split("\n")[0]
    write(pipe, word.encode("utf-8", "replace"))
    leave(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
