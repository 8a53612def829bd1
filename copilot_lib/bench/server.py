"""Times a running server: eight editors at once, answers from memory, and its own memory over ten thousand requests.

It knows HTTP from the client's side and the process's size; it does not know what is inside the server.
"""

import datetime
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from copilot_lib import hardware
from copilot_lib.bench.keystrokes import quantile
from copilot_lib.bench.replay import document, typing

EDITORS, KEY_S, KEYS, REQUESTS = 8, 0.11, 60, 10_000


class Editor:
    """One editor's connection, kept open as editors keep it."""

    def __init__(self, port: int):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        self._connection.close()

    def ask(self, prefix: str, suffix: str = "", **more) -> tuple[int, str, float]:
        """Status, text and milliseconds of one request."""
        body = json.dumps({"input_prefix": prefix, "input_suffix": suffix, "n_predict": 32} | more)
        started = time.perf_counter()
        self._connection.request("POST", "/infill", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        said = json.loads(answer.read())
        return answer.status, said.get("content", ""), (time.perf_counter() - started) * 1000


@contextmanager
def running(model_name: str | None) -> Iterator[tuple[int, int]]:
    """A server process: its port and its number."""
    command = [sys.executable, "-m", "copilot_lib", "serve", "--port", "0"]
    command += ["--model", model_name] if model_name else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(re.search(r":(\d+)", process.stdout.readline())[1]), process.pid
        finally:
            process.terminate()


def type_at_once(port: int) -> list[float]:
    """How long each request of eight editors took that was answered; each types in its own place, a key every 110 ms."""
    times: list[float] = []

    def type_along(number: int) -> None:
        typist, said = typing(document(500), seed=number, statements=KEYS), None  # more than there will be time for
        with closing(Editor(port)) as editor:
            for _ in range(KEYS):
                cursor = typist.send(said).cursor
                due = time.monotonic() + KEY_S
                status, said, took = editor.ask(cursor.prefix, cursor.suffix)
                if status == http.client.OK:
                    times.append(took)
                time.sleep(max(0, due - time.monotonic()))

    threads = [threading.Thread(target=type_along, args=(number,)) for number in range(EDITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def megabytes(process: int) -> float | None:
    """How much memory a process has; None where the system does not tell."""
    file = Path(f"/proc/{process}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", file.read_text()) if file.exists() else None
    return int(found[1]) / 1000 if found else None


def run(model_name: str | None = None) -> str:
    """Runs everything and returns the report."""
    with running(model_name) as (port, process), closing(Editor(port)) as editor:
        at_once = type_at_once(port)
        editor.ask("def area(width, height):\n    return ")
        again = [editor.ask("def area(width, height):\n    return ")[2] for _ in range(200)]
        sizes = {}
        for number in range(1, REQUESTS + 1):
            editor.ask(f"x_{number} = {number} + ", n_predict=2)
            if number in (REQUESTS // 10, REQUESTS):
                sizes[number] = megabytes(process)
    spare = ", ".join(f"{size:.0f} MB after {number:,} requests" for number, size in sizes.items() if size)
    return "\n".join(
        [
            f"A server on {hardware.describe('cpu')}, {datetime.date.today()}",
            f"{EDITORS} editors at once, a key every {KEY_S * 1000:.0f} ms each, {len(at_once)} requests answered: "
            f"p50 {quantile(at_once, 0.5):.0f} ms, p95 {quantile(at_once, 0.95):.0f} ms",
            f"asked again, answered from memory: p50 {quantile(again, 0.5):.1f} ms, p95 {quantile(again, 0.95):.1f} ms",
            f"memory of the process: {spare or 'not told by this system'}",
        ]
    )
