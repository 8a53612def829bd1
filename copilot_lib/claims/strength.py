"""Asks how much of an adapter is best added, at places that decide nothing else: in files taken out of what it learns from.

It knows those places and strengths; it does not know what an adapter is worth in files that nobody chose anything by (`sweep`).
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from copilot_lib import frozen, split, targets
from copilot_lib.ablation import KIND, Outcome, outcome
from copilot_lib.completer import Completer
from copilot_lib.models import Model
from copilot_lib.paired import difference
from copilot_lib.registry import Entry, Registry
from copilot_lib.sweep import materials, plan, running
from copilot_lib.targets import Target
from copilot_lib.tuning import finetune, training
from copilot_lib.tuning.material import Material, fingerprint

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
SHARE = 0.3
"""Of the files to learn from, about so many are asked about instead."""
PLACES = 500
"""At most, of each repository."""


def rows(completer: Completer) -> list[dict]:
    """A row for each repository and strength: what its adapter wins, loses and saves beside the base, with intervals."""
    return [row for run in plan.lora() if run.seed == plan.SEEDS[0] for row in at_all_strengths(run)]


def at_all_strengths(run: plan.Run) -> list[dict]:
    """The rows of one repository."""
    material, asked = divided(materials.material_of(run))
    base = outcomes(running.untouched(), asked)
    with tempfile.TemporaryDirectory() as folder:
        finetune.run(running.plan_of(run, material), material, Path(folder))
        registry = Registry(Path(folder) / "adapters")
        running.changed(Path(folder) / finetune.TRAINING / training.BEST, run.name, registry)
        entries = [registry.find(run.name, strength) for strength in STRENGTHS]
        return [
            {"repository": run.name, "strength": entry.scale} | beside(asked, base, outcomes(made_so(entry), asked))
            for entry in entries
        ]


def made_so(entry: Entry) -> Model:
    """The base with so much of an adapter as it is asked for."""
    model = running.untouched()
    return model.changed_by(model.read_adapter(entry.folder, entry.scale), entry.name)


def divided(material: Material) -> tuple[Material, list[Target]]:
    """The material without some of its files, and places in those; files that are near-duplicates stay together."""
    parts = split.of_groups(split.clusters(material.train), SHARE)
    texts = {file.path: file.text for file in parts.test}
    asked = [targets.place(texts[row["file"]], row) for row in frozen.sample(parts.test, PLACES) if row["kind"] == KIND]
    return replace(material, train=parts.train, report=material.report | {"sha256": fingerprint(parts.train)}), asked


def outcomes(model: Model, asked: Sequence[Target]) -> list[Outcome]:
    """One for each place."""
    completer = Completer(model)
    return [outcome(completer, target, None) for target in asked]


def beside(asked: Sequence[Target], base: Sequence[Outcome], tuned: Sequence[Outcome]) -> dict:
    """What is written down: lines that only one of both has right, and by how many bits a byte the tuned one is above."""
    files = [target.group for target in asked]
    pairs = list(zip(base, tuned, strict=True))
    exact = difference([one.exact for one in base], [one.exact for one in tuned], files)
    sizes = [len(target.reference.encode()) for target in asked]
    bits = difference([one.bits for one in base], [one.bits for one in tuned], files, sizes)
    return {
        "places": len(asked),
        "files": len(set(files)),
        "base_right": int(sum(one.exact for one in base)),
        "lost": sum(before.exact > after.exact for before, after in pairs),
        "won": sum(before.exact < after.exact for before, after in pairs),
        "exact_above_base": [round(value, 4) for value in exact],
        "bits_above_base": [round(value, 4) for value in bits],
    }
