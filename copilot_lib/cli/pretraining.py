"""Commands that make the pocket model: its corpus, training, pilots, quality, export and card.

It knows arguments; it does not know how anything of it is done.
"""

import json
import os
import sys
from functools import partial
from pathlib import Path

from copilot_lib.checkpoint import write_json
from copilot_lib.cli.inputs import INTERRUPTED, Add, BadInput

MOST_WORKERS = 15
"""Processes that make rows for one card: they are far ahead of it then, and what is ready fits into shared memory."""


def corpus(arguments) -> None:
    from copilot_lib.corpus import build

    manifest = build(arguments.folder)
    size = manifest["bytes"] / 1e6
    print(f"{manifest['files']} files, {size:.1f} MB from {len(manifest['sources'])} sources in {arguments.folder}")


def corpus_of(folder: Path) -> Path:
    """The folder, if a corpus is in it."""
    if not (folder / "corpus.jsonl").exists():
        raise BadInput(f"{folder} has no corpus.jsonl: make it with `python -m copilot_lib corpus` first")
    return folder


def pretrain(arguments) -> int:
    import torch

    from copilot_lib import checkpoint, pretrain, recipe

    folder, device = corpus_of(arguments.folder), "cuda" if arguments.preset == "gpu" else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("the gpu preset needs a CUDA graphics card, and torch sees none here: use --preset cpu")
    try:
        pretrain.train(
            folder,
            recipe.preset(arguments.preset),
            arguments.steps,
            resume=arguments.resume,
            cooldown_steps=arguments.cooldown_steps,
            device=device,
            start=arguments.start,
            workers=min(MOST_WORKERS, (os.cpu_count() or 2) - 1) if device == "cuda" else 0,
            progress=partial(print, file=sys.stderr, flush=True),
        )
    except KeyboardInterrupt:
        kept = any((folder / name).exists() for name in (checkpoint.NAME, checkpoint.COOLING))
        then = "with --resume the same command goes on from its last checkpoint" if kept else "it had no checkpoint yet"
        print(f"\nStopped. The run is in {folder}; {then}.", file=sys.stderr)
        return INTERRUPTED
    return 0


def pilots(arguments) -> None:
    from copilot_lib import corpus, pilots, targets
    from copilot_lib.checkpoint import fingerprint

    if arguments.name not in pilots.PILOTS:
        raise BadInput(f"{arguments.name!r} is no pilot: expected one of {', '.join(pilots.PILOTS)}")
    texts = [document.text for document in corpus.read(corpus_of(arguments.folder))]
    progress = partial(print, file=sys.stderr, flush=True)
    models = arguments.models / fingerprint(arguments.folder / "corpus.jsonl")[:12]  # models of another corpus are others
    record = pilots.record(arguments.name, models, texts, targets.load(arguments.targets), progress)
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_json(arguments.output / f"{arguments.name}.json", record)


def quality(arguments) -> None:
    from copilot_lib import corpus, quality, targets
    from copilot_lib.completer import Completer

    folder, asked, parts = corpus_of(arguments.folder), targets.load(arguments.targets), arguments.only or tuple(quality.PARTS)
    if unknown := set(parts) - quality.PARTS.keys():
        raise BadInput(f"{', '.join(sorted(unknown))} is no part: expected some of {', '.join(quality.PARTS)}")
    before = json.loads(arguments.output.read_text(encoding="utf-8")) if arguments.only else None
    record = quality.record(
        Completer.load(arguments.model),
        asked,
        lambda: (document.text for document in corpus.read(folder)),
        partial(print, file=sys.stderr, flush=True),
        parts,
        before,
    )
    write_json(arguments.output, record)


def export(arguments) -> None:
    from copilot_lib import export, models, targets

    name = arguments.model or models.default_name()
    file = export.write(name, arguments.precision)
    difference, spread = export.against_torch(name, arguments.precision)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, {arguments.precision}")
    print(f"A logit differs from torch's by {difference:.2g} at most; logits spread by {spread:.2g}.")
    if arguments.compare:
        progress = partial(print, file=sys.stderr, flush=True)
        record = export.compare(name, targets.load(arguments.targets)[:: arguments.every], progress)
        write_json(arguments.compare, record)


def speed(arguments) -> None:
    from copilot_lib import models, speed, targets

    lines = [target for target in targets.load(arguments.targets) if target.kind != "block"]
    record = speed.record(arguments.model or models.default_name(), lines[:: arguments.every])
    write_json(arguments.output, record)


def card(arguments) -> None:
    from copilot_lib import card

    files = arguments.model / "training.json", arguments.quality, arguments.compared, arguments.speed
    training, *measured = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    (arguments.model / "README.md").write_text(card.text(training, arguments.records, *measured), encoding="utf-8")


def add(command: Add) -> None:
    """Adds these commands with their options."""
    folder = {"type": Path, "default": Path("build/pocket"), "help": "working folder, default build/pocket"}
    results = Path("results/pocket")
    command(corpus, "collect the text the pocket model learns from", model=False).add_argument("--folder", **folder)
    added = command(pretrain, "train the pocket model", model=False)
    added.add_argument("--folder", **folder)
    added.add_argument(
        "--preset", choices=("cpu", "gpu"), default="cpu", help="what is trained, and where: two cores, or one graphics card"
    )
    added.add_argument("--steps", type=int, default=8200, help="steps in all; 8200 are 100 million tokens with the cpu preset")
    added.add_argument(
        "--cooldown-steps", type=int, default=1600, help="lower the rate over the last so many, write the model; default 1600"
    )
    added.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    added.add_argument("--from", type=Path, dest="start", metavar="MODEL", help="begin from a finished model's weights")
    added = command(pilots, "train small models that differ in one thing, and compare them: minutes to hours", model=False)
    added.add_argument("name", help="which comparison: a name in copilot_lib/pilots.py, such as fim_for_free")
    added.add_argument("--folder", **folder)
    added.add_argument("--models", type=Path, default=Path("build/pilots"), help="where the trained models are kept")
    added.add_argument("--targets", type=Path, default=results / "targets.json", help="the frozen places to ask at")
    added.add_argument("--output", type=Path, default=results / "pilots", help="the folder that the JSON goes to")
    added = command(quality, "measure a model on held-out code, half an hour on two cores")
    added.add_argument("--only", nargs="+", metavar="PART", help="measure these parts of the output anew and keep the others")
    added.add_argument("--folder", **folder)
    added.add_argument("--targets", type=Path, default=results / "targets.json", help="the frozen places to ask at")
    added.add_argument("--output", type=Path, default=results / "quality.json", help="where the JSON goes")
    added = command(export, "write a small model's network as one file for onnxruntime, which loading then uses")
    added.add_argument("--precision", choices=("int8", "float32"), default="int8")
    added.add_argument(
        "--compare", type=Path, metavar="FILE", help="measure what 8 bits cost in exact answers, and write it there"
    )
    added.add_argument("--targets", type=Path, default=results / "targets.json", help="the frozen places to ask at")
    added.add_argument("--every", type=int, default=1, metavar="N", help="ask at every Nth of them only")
    added = command(speed, "measure how many tokens a second of one core a small model reads and writes")
    added.add_argument("--targets", type=Path, default=results / "targets.json", help="the frozen places to ask at")
    added.add_argument("--every", type=int, default=5, metavar="N", help="ask at every Nth of those on single lines, default 5")
    added.add_argument("--output", type=Path, default=results / "speed.json", help="where the JSON goes")
    added = command(card, "write a trained model's card from its records", model=False)
    added.add_argument("--model", type=Path, default=Path("copilot_lib/pocket"), help="the model's folder, where the card goes")
    added.add_argument("--records", type=Path, default=results / "run", help="the records of its training")
    added.add_argument("--quality", type=Path, default=results / "quality.json", help="what `quality` has measured")
    added.add_argument("--compared", type=Path, default=results / "int8.json", help="what `export --compare` has measured")
    added.add_argument("--speed", type=Path, default=results / "speed.json", help="what `speed` has measured")
