"""Measures how fast a model reads and writes when it is asked: tokens a second of one core.

It knows completers and places; it does not know networks, or how fast a model is trained (`pretrain` says that).
"""

import time
from collections.abc import Callable, Sequence

from copilot_lib import hardware, models
from copilot_lib.completer import Completer
from copilot_lib.evaluate import LINE_TOKENS
from copilot_lib.targets import Target


def rates(completer: Completer, targets: Sequence[Target]) -> dict[str, float]:
    """Tokens a second that are read before an answer, and written in it, over all targets, nothing remembered in between.

    The seconds are those of the completer's own clock. An answer goes on to the model's end token or the limit.

    Raises `ValueError` if no answer had a token.
    """
    read = written = 0
    reading = writing = 0.0
    for target in targets:
        completer.engine.forget()
        _, run, pieces = completer.begin(target.cursor, LINE_TOKENS)
        for _ in pieces:
            pass
        read, reading = read + run.computed, reading + run.prefill_ms / 1000
        written, writing = written + len(run.ids), writing + run.decode_ms / 1000
    if not written:
        raise ValueError(f"nothing was written at {len(targets)} places: expected answers to time; name more targets")
    return {"read": round(read / reading, 1), "written": round(written / writing, 1)}


def record(name: str, targets: Sequence[Target], clock: Callable[[], float] = time.process_time) -> dict:
    """The rates of a model in both precisions, ready for JSON.

    Time is that of the processor, so that what else the machine does falls on nobody; onnxruntime has one thread.
    """
    loaded = {precision: models.load(name, precision=precision) for precision in models.PRECISIONS}
    return {
        "hardware": hardware.describe("cpu"),
        "targets": len(targets),
        "tokens_a_second": {precision: rates(Completer(model, clock), targets) for precision, model in loaded.items()},
    }
