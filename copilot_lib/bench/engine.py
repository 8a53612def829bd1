"""Times the engine: a process's first completion, and later ones beside `model.generate`.

It knows clocks and cursors; it does not judge.
"""

import datetime
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from copilot_lib import hardware
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.scoreboard import targets

PROMPT_TOKENS, NEW_TOKENS, CURSORS, PROCESSES = 500, 16, 25, 3


def cursors(completer: Completer, count: int = CURSORS) -> list[Cursor]:
    """Cursors in files of which about 400 tokens stand before and 100 after the cursor."""
    codec = completer.model.codec
    made = []
    for target in targets():
        before, after = codec.encode(target.cursor.prefix), codec.encode(target.cursor.suffix)
        if len(before) > PROMPT_TOKENS * 0.6:
            prefix = codec.decode(before[-int(PROMPT_TOKENS * 0.75) :])
            made.append(Cursor(prefix + codec.decode(after[: PROMPT_TOKENS // 5]), len(prefix)))
    return random.Random(0).sample(made, min(count, len(made)))


def milliseconds(ask: Callable[[Cursor], object], asked: list[Cursor]) -> list[float]:
    """How long each cursor took."""
    times = []
    for cursor in asked:
        started = time.perf_counter()
        ask(cursor)
        times.append((time.perf_counter() - started) * 1000)
    return times


def by_generate(completer: Completer, cursor: Cursor) -> None:
    """The baseline: one call of transformers' `generate` for every request, nothing reused, no stopping rule of our own."""
    import torch

    prompt = completer.prompt(cursor, NEW_TOKENS)
    ids = torch.tensor([prompt.ids], device=completer.model.network.device)
    stop = sorted(completer.model.codec.stop_ids)
    completer.model.network.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=stop, pad_token_id=stop[0])


def first_completion_ms(model_name: str | None) -> list[float]:
    """From starting `python -m copilot_lib complete` to its end, in new processes."""
    command = [sys.executable, "-m", "copilot_lib", "complete", "-:2:12"]
    if model_name:
        command += ["--model", model_name]
    source = b"def add(a, b):\n    return \n\n\nprint(add(1, 2))\n"

    def ask(_):
        subprocess.run(command, input=source, capture_output=True, check=True)

    return milliseconds(ask, [None] * PROCESSES)


def run(model_name: str | None = None) -> str:
    """Runs everything once and returns the report."""
    completer = Completer.load(model_name)
    asked = cursors(completer)

    def fresh(cursor):
        completer.engine.forget()
        completer.complete(cursor, max_new_tokens=NEW_TOKENS)

    def typed(cursor):
        completer.complete(cursor, max_new_tokens=NEW_TOKENS, order="SPM")

    def keystroke(cursor):
        return Cursor(cursor.prefix + "x" + cursor.suffix, cursor.offset + 1)

    fresh(asked[0])
    by_generate(completer, asked[0])  # loads the baseline's network, which no request is to pay for
    rows = {"first completion of a process": first_completion_ms(model_name)}
    rows["model.generate, every time afresh"] = milliseconds(lambda c: by_generate(completer, c), asked)
    rows["this engine, every time afresh"] = milliseconds(fresh, asked)
    rows["one more keystroke, suffix first, reused"] = [
        after for c in asked for _, after in [milliseconds(typed, [c, keystroke(c)])]
    ]
    baseline = statistics.median(rows["model.generate, every time afresh"])
    model = completer.model
    where = f"{model.name} on {model.device}, {hardware.describe(model.device)}, Python {platform.python_version()}"
    report = [f"{where}, {datetime.date.today()}"]
    report.append(f"{len(asked)} cursors, {PROMPT_TOKENS} tokens of file, at most {NEW_TOKENS} new tokens; ms\n")
    report.append(f"{'':44}{'p50':>8}{'p95':>8}{'generate / p50':>16}")
    for name, times in rows.items():
        p50, p95 = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
        ratio = "" if name.startswith("first") else f"{baseline / p50:.1f}"
        report.append(f"{name:44}{p50:8.0f}{p95:8.0f}{ratio:>16}")
    return "\n".join(report)
