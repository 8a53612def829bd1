"""Runs a program that nobody has read, in a child process that may do little, and says whether it came to its end.

It knows processes and limits; it does not know what the program is for. It holds what a model writes by accident: endless
loops, memory, large files, deleted files, other processes, the network. It is no wall against somebody who wants to break out.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
MOST_SAID = 400


@dataclass(frozen=True)
class Limits:
    """What a program may use. Processor time, not the clock's, decides: on a busy machine a right program is slow too."""

    cpu_s: int = 2
    memory_mb: int = 512
    file_kb: int = 64
    wall_s: float = 60.0
    """Only against programs that sleep."""


@dataclass(frozen=True)
class Outcome:
    """What became of a program."""

    passed: bool
    why: str
    """`passed`, or in a few words what stopped it."""


def run(program: str, limits: Limits | None = None) -> Outcome:
    """Whether a program reaches its last line, in an interpreter of its own: empty folder, no environment, no site-packages.

    That it did is said by the child with a number that is drawn anew and goes through a pipe of its own: `sys.exit(0)`, or
    printing something, does not pass.

    >>> [run(program).why for program in ("assert 1 + 1 == 2", "assert 1 + 1 == 3", "import os; os._exit(0)")]
    ['passed', 'AssertionError', 'ended before its end']
    """
    limits = limits or Limits()
    nonce = secrets.token_hex(16)
    ours, theirs = os.pipe()
    numbers = (theirs, limits.cpu_s, limits.memory_mb << 20, limits.file_kb << 10)
    with tempfile.TemporaryDirectory(prefix="task-") as folder, os.fdopen(ours, "rb") as said:
        command = [sys.executable, "-I", "-S", "-B", str(CHILD), *map(str, numbers)]
        nothing = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {}}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, cwd=folder, pass_fds=(theirs,), start_new_session=True, **nothing
        ) as process:
            os.close(theirs)
            late = False
            try:
                process.communicate(f"{nonce}\n{program}".encode("utf-8", "surrogatepass"), timeout=limits.wall_s)
            except subprocess.TimeoutExpired:
                late = True
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        word = said.read(MOST_SAID).decode("utf-8", "replace")
    if word == nonce:
        return Outcome(True, "passed")
    return Outcome(False, f"slept for {limits.wall_s:g} s" if late else word.strip(" :") or why_ended(process.returncode))


def why_ended(status: int) -> str:
    """In words, why a child ended that said nothing.

    >>> why_ended(-signal.SIGKILL), why_ended(0)
    ('more processor time than allowed', 'ended before its end')
    """
    if -status in (signal.SIGXCPU, signal.SIGKILL):
        return "more processor time than allowed"
    return "a file larger than allowed" if -status == signal.SIGXFSZ else "ended before its end"
