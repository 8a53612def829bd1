"""Asks what adapters are worth, whole and in part, in files taken out of what they learn from: places that decide nothing else.

It knows those places and strengths; it does not know what an adapter is worth in files that were held out from all (`sweep`).
"""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

from copilot_lib import frozen, split, targets
from copilot_lib.ablation import KIND, Outcome, outcome
from copilot_lib.completer import Completer
from copilot_lib.models import Model
from copilot_lib.paired import difference
from copilot_lib.registry import Registry
from copilot_lib.sweep import asking, materials, plan, running
from copilot_lib.targets import Target
from copilot_lib.tuning import finetune, training
from copilot_lib.tuning.material import Material, fingerprint

STRENGTHS = (0.5, 0.75, 1.0)
SHARE = 0.3
"""Of the files to learn from, about so many are asked about instead; with each seed others."""
PLACES = 500
"""At most, of each repository and seed."""
BASE = "0"
"""The strength at which nothing is added."""
Answered = dict[str, list[Outcome]]
"""By the strength, an outcome for each place."""


def rows(completer: Completer) -> list[dict]:
    """A row for each repository and strength: what adapters win, lose and save beside the base, with intervals over files."""
    return [row for repository in plan.REPOSITORIES for row in in_one(repository)]


def in_one(repository: str, work: Path = running.WORK) -> Iterator[dict]:
    """The rows of one repository, in which the places of all seeds are together."""
    runs = [run for run in plan.lora() if run.name == repository]
    asked, answered = zip(*(answers(run, work) for run in runs), strict=True)
    places = [*chain.from_iterable(asked)]
    base, *tuned = ([*chain.from_iterable(one[key] for one in answered)] for key in answered[0])
    for strength, outcomes in zip(STRENGTHS, tuned, strict=True):
        yield {"repository": repository, "strength": strength, "seeds": len(runs)} | beside(places, base, outcomes)


def answers(run: plan.Run, work: Path) -> tuple[list[Target], Answered]:
    """The places of one seed, and what was answered; what was asked before, about the same, is not asked again."""
    material, asked = divided(materials.material_of(run), run.seed)
    file = work / "strength" / f"{run.name}-{run.seed}.json"
    places = frozen.digest(repr([(target.file, target.reference) for target in asked]))
    about = json.loads(json.dumps({"strengths": STRENGTHS, "places": places} | asdict(running.plan_of(run, material))))
    record = asking.read(file)
    if not record or record["about"] != about:
        print(f"{run.name}, seed {run.seed}: {len(asked)} places", file=sys.stderr, flush=True)
        record = {"about": about, "answered": dict(anew(run, material, asked, work))}
        running.write(file, record)
    return asked, {strength: asking.unpacked(packed) for strength, packed in record["answered"].items()}


def anew(run: plan.Run, material: Material, asked: Sequence[Target], work: Path) -> Iterator[tuple[str, dict]]:
    """Trains, and asks the base and the adapter at each strength."""
    yield BASE, outcomes(running.untouched(), asked)
    folder, registry = work / "strength" / run.key, Registry(work / "strength" / "adapters")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    finetune.run(running.plan_of(run, material), material, folder)
    running.keep(folder / finetune.TRAINING / training.BEST, run.key, registry)
    shutil.rmtree(folder)
    for strength in STRENGTHS:
        yield f"{strength:g}", outcomes(running.with_adapter(run.key, registry, strength), asked)


def divided(material: Material, seed: int) -> tuple[Material, list[Target]]:
    """The material without some of its files, and places in those, as an evaluation asks about them."""
    parts = split.of_groups(split.clusters(material.train), SHARE, seed)
    known = frozenset(number for file in parts.train for number in frozen.passages(file.text))
    found = frozen.sample(parts.test, PLACES, seed, known)
    texts = {file.path: file.text for file in parts.test}
    asked = [targets.place(texts[row["file"]], row) for row in found if row["kind"] == KIND]
    return replace(material, train=parts.train, report=material.report | {"sha256": fingerprint(parts.train)}), asked


def outcomes(model: Model, asked: Sequence[Target]) -> dict:
    """One for each place, packed."""
    completer = Completer(model)
    return asking.packed(outcome(completer, target, None) for target in asked)


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
