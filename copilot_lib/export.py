"""Writes a model's network as one small file for onnxruntime, and measures what the fewer bits cost.

It knows precisions and how to compare them; it does not know how a graph is built or run (`onnx_graph`, `onnx_runner`).
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy

from copilot_lib import evaluate, hardware, metrics, models, weights
from copilot_lib.checkpoint import write_whole
from copilot_lib.completer import Completer
from copilot_lib.onnx_runner import EXPORTED, can_run, exported
from copilot_lib.runner import TorchRunner
from copilot_lib.samples import EXAMPLES

EVERY = 50
"""Targets between two reports of progress."""


def write(name: str, precision: str) -> Path:
    """Puts the exported file beside a checkpoint, where loading finds it; `ModelNotAvailable` where there is none."""
    folder = Path(models.folder_of(name))
    if not can_run(folder, models.SMALL):
        raise models.ModelNotAvailable(
            f"{name} cannot be exported: expected a folder with a GPTBigCode checkpoint (config.json, model.safetensors) "
            f"of at most {models.SMALL // 1_000_000} million parameters; merge an adapter into its model first"
        )
    data = exported(folder, precision)
    write_whole(folder / EXPORTED, lambda file: file.write_bytes(data))
    return folder / EXPORTED


def against_torch(name: str, precision: str) -> tuple[float, float]:
    """The largest difference of a logit from the one that torch computes, and how far these spread; at the ends of examples."""
    model = models.load(name, precision=precision)
    mine, reference = model.runner(), TorchRunner(model.network)
    differences, spreads = [], []
    for cursor in EXAMPLES.values():
        ids = model.codec.fim(cursor.prefix, cursor.suffix).ids[-model.context_tokens + 1 :]
        for runner in (mine, reference):
            runner.cut(0)
        expected = reference.advance(ids)
        differences.append(float(numpy.abs(mine.advance(ids) - expected).max()))
        spreads.append(float(expected.std()))
    return max(differences), statistics.mean(spreads)


def compare(name: str, targets: Sequence, progress: Callable[[str], object] = lambda line: None) -> dict:
    """What 8 bits cost: exact answers at the frozen targets in both precisions, and how long both took; ready for JSON.

    The difference has an interval of its own, since both were asked at the same places.
    """
    completers = {precision: Completer(models.load(name, precision=precision)) for precision in models.PRECISIONS}
    texts: dict[str, list[str]] = {precision: [] for precision in models.PRECISIONS}
    times: dict[str, list[float]] = {precision: [] for precision in models.PRECISIONS}
    for number, target in enumerate(targets, start=1):
        limit = evaluate.MAX_NEW_TOKENS.get(target.kind, evaluate.LINE_TOKENS)
        for precision, completer in completers.items():
            completion = completer.complete(target.cursor, max_new_tokens=limit)
            texts[precision].append(completion.text)
            times[precision].append(completion.times_ms["total"])
        if number % EVERY == 0:
            progress(f"{number} of {len(targets)} targets")
    kinds = sorted({target.kind for target in targets})
    return {
        "weights": weights.identity(Path(models.folder_of(name)))["weights"][:12],
        "hardware": hardware.describe("cpu"),
        "same_text": round(statistics.mean(one == other for one, other in zip(*texts.values(), strict=True)), 4),
        "median_ms": {precision: round(statistics.median(values), 2) for precision, values in times.items()},
        "exact": [row(kind, targets, texts) for kind in kinds],
    }


def row(kind: str, targets: Sequence, texts: dict[str, list[str]]) -> dict:
    """Exact answers of one kind of cursor by precision, and the difference, each as [mean, low, high]."""
    chosen = [number for number, target in enumerate(targets) if target.kind == kind]
    groups = [targets[number].group for number in chosen]

    def interval(values: Iterable[float]) -> list[float]:
        return [round(value, 4) for value in metrics.interval(list(values), groups)]

    hits = {
        precision: [metrics.exact(evaluate.first_line(said[number], targets[number]), targets[number]) for number in chosen]
        for precision, said in texts.items()
    }
    difference = [few - full for full, few in zip(*hits.values(), strict=True)]
    return {"kind": kind, "targets": len(chosen), "difference": interval(difference)} | {
        precision: interval(values) for precision, values in hits.items()
    }
