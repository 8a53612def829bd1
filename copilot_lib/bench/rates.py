"""Measures how much one core does in a second of what a repository costs: collect, index, draw, train, ask.

It knows clocks and the steps; it does not know what they add up to, which `tuning.costs` computes.
"""

import json
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from copilot_lib import hardware, models, scoreboard
from copilot_lib.completer import Completer
from copilot_lib.context import Index, Project
from copilot_lib.installed import package_folder
from copilot_lib.tuning import finetune, material, pace
from copilot_lib.tuning.drawing import Drawing, draw
from copilot_lib.tuning.settings import Settings

REPOSITORY = "networkx"
"""A package that the pocket has never read, and that is installed with this one."""
PLACES = 30


def with_seconds(work: Callable[[], object]) -> tuple[object, float]:
    """What some work gives, and the processor's seconds that it took: those are the same however busy the machine is."""
    started = time.process_time()
    return work(), time.process_time() - started


def measure(root: Path) -> dict:
    """The rates on a folder, each with its unit, for one thread of this machine."""
    import torch

    torch.set_num_threads(1)
    found, collecting = with_seconds(lambda: material.collect(root))
    lines, files = sum(found.report["lines"].values()), sum(found.report["files"].values())
    with tempfile.TemporaryDirectory() as folder:
        _, indexing = with_seconds(lambda: Index(Project(root), Path(folder)).refresh())
    read = sum(file.read_bytes().count(b"\n") for file in root.rglob("*.py"))
    loaded, settings = models.load("pocket"), Settings()
    drawn, drawing = with_seconds(lambda: list(draw(found.train, loaded.codec, settings.example_tokens)))
    ids = sum(len(example.ids) for example in drawn)
    network, _ = models.load_network("pocket", "cpu")
    batches = list(finetune.of_epoch(found, loaded.codec, settings, Drawing(), 0))[: pace.BATCHES]
    step = pace.fastest(network, batches, settings, time.process_time).seconds_per_step
    completer = Completer.load("pocket")
    targets = scoreboard.targets()[:PLACES]
    completer.complete(targets[0].cursor)  # the first one loads
    _, asking = with_seconds(lambda: [completer.complete(target.cursor) for target in targets])
    return {
        "files": files,
        "lines_per_file": round(lines / files, 1),
        "tokens_per_line": round(ids / found.report["lines"]["train"], 2),
        "rates": [
            {"what": "collect: read, look for secrets, find copies", "unit": "lines", "per_second": round(lines / collecting)},
            {"what": "index for retrieval", "unit": "lines", "per_second": round(read / indexing)},
            {"what": "draw the examples of an epoch", "unit": "tokens", "per_second": round(ids / drawing)},
            {
                "what": "train the pocket's adapter for an epoch",
                "unit": "tokens",
                "per_second": round(sum(batch.tokens for batch in batches) / len(batches) / step),
            },
            {"what": "ask the pocket", "unit": "places", "per_second": round(len(targets) / asking, 2)},
        ],
    }


if __name__ == "__main__":
    about = {
        "command": "python -m copilot_lib.bench.rates",
        "basis": f"seconds of one core's work, one thread, on {REPOSITORY}",
        "hardware": hardware.describe(),
        "date": date.today().isoformat(),
    }
    print(json.dumps(about | measure(package_folder(REPOSITORY)), indent=1))
