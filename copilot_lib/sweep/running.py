"""Does the runs of the plan, one after the other, and keeps a record of each: what is there is not done again.

It knows runs and files; it does not know what is concluded from them.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from importlib import metadata
from pathlib import Path

from copilot_lib import combining, hardware, models
from copilot_lib.adapter_files import CONFIG, TENSORS, AdapterRefused
from copilot_lib.models import Model
from copilot_lib.registry import Registry
from copilot_lib.sweep.asking import asked_of, outcomes, packed, read
from copilot_lib.sweep.materials import material_of
from copilot_lib.sweep.plan import ALONE, Combination, Run, conditions
from copilot_lib.sweep.sharing import lock_of
from copilot_lib.tuning import finetune
from copilot_lib.tuning.finetune import Plan
from copilot_lib.tuning.material import Material
from copilot_lib.tuning.training import BEST

MODEL, PRECISION = "pocket", "float32"
RECORDS = Path("results/claims/runs")
"""In it a folder for each base that was asked, by its fingerprint: when weights change, everything is done anew."""
WORK = Path("build/claims")
UNDECAYED = Path("results/pocket/undecayed")
"""The pocket's weights from before its rates fell, and of which pocket they are; the rest of that model is the pocket's own."""
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
Say = Callable[[str], object]
Wanted = Mapping[str, Sequence[str]]
"""Packages at whose places a model is asked, and in which conditions."""


def base(packages: Sequence[str], records: Path, work: Path = WORK, say: Say = print) -> None:
    """Asks the base at the places of all packages."""
    for package in packages:
        file, wanted = records / f"base-{package}.json", {package: conditions("base")}
        if record := read(file):
            ask_further(file, record, untouched, wanted, work, say)
        else:
            say(f"base at the places of {package}")
            write(file, about({"group": "base", "name": package}) | asked(untouched(), wanted, work))


def run(one: Run, records: Path, work: Path = WORK, say: Say = print) -> None:
    """One training and its asking, unless its record is there; a training that was stopped goes on."""
    file, folder = records / f"{one.key}.json", work / one.key
    if record := read(file):
        check_same(file, record, one)
        ask_further(file, record, lambda: with_adapter(one.key, Registry(work / "adapters")), wanted_of(one), work, say)
        return
    say(f"{one.key}: about {one.minutes:.0f} minutes of one core")
    started = time.process_time()
    material = material_of(one)
    plan = plan_of(one, material, begun_with(one, work))
    resumed = goes_on(folder, plan, material)
    course = finetune.run(plan, material, folder, resumed)
    cpu_seconds = time.process_time() - started
    model = trained(one, folder / finetune.TRAINING / BEST, Registry(work / "adapters"))
    found = asked(model, wanted_of(one), work)
    write(
        file,
        about({"group": one.group, "name": one.name})
        | {
            "seed": one.settings.seed,
            "settings": asdict(one.settings),
            "drawing": asdict(one.drawing),
            "learns": {"files": material.report["files"]["train"], "bytes": material.report["bytes"]["train"]},
            "training": {
                "steps": course.steps,
                "cpu_minutes": round(cpu_seconds / 60, 2),
                "resumed": resumed,
                "first_loss": course.first_loss,
                "best_loss": course.best_loss,
            },
        }
        | found,
    )
    shutil.rmtree(folder)


def check_same(file: Path, record: dict, one: Run) -> None:
    """`ValueError` where a record is of other settings than the plan has now."""
    planned = json.loads(json.dumps({"settings": asdict(one.settings), "drawing": asdict(one.drawing)}))
    if {name: record[name] for name in planned} != planned:
        raise ValueError(f"{file} is of a run with other settings: delete it to have that made anew")


def goes_on(folder: Path, plan: Plan, material: Material) -> bool:
    """Whether a folder has a training by just this plan to go on from; what it has of another is cleared away.

    Of a training that was gone on from, the minutes in its record are those since then.
    """
    try:
        same = finetune.planned(folder, material, plan.model) == plan
    except ValueError:
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        finetune.write_json(folder / finetune.PLAN, asdict(plan))
    return same


def combination(one: Combination, records: Path, work: Path = WORK, say: Say = print) -> None:
    """Combines adapters that were trained before, and asks what came of it; `AdapterRefused` where one is not there."""
    file, registry = records / f"{one.key}.json", Registry(work / "adapters")
    if record := read(file):
        ask_further(file, record, lambda: with_adapter(one.key, registry), wanted_of(one), work, say)
        return
    say(f"{one.key}: about {one.minutes:.0f} minutes of one core")
    try:
        combining.combine(one.key, untouched(), dict(one.weights), one.way, registry=registry, seed=one.seed)
    except AdapterRefused as error:
        raise AdapterRefused(f"{error}; `sweep lora` trains it where {records} has no record of it: delete that") from error
    head = about({"group": one.group, "name": one.name}) | {"seed": one.seed, "weights": dict(one.weights)}
    write(file, head | asked(with_adapter(one.key, registry), wanted_of(one), work))


def begun_with(one: Run, work: Path) -> str:
    """The model that a run begins with: the base, or what that was before its rates fell, which is put together first."""
    if not one.undecayed:
        return MODEL
    check_undecayed()
    folder = work / f"{UNDECAYED.name}-{fingerprint_now()}"
    with lock_of(folder.name, work):
        if not folder.is_dir():
            unfinished = Path(tempfile.mkdtemp(dir=work))
            for file in (*(models.POCKET / name for name in ("config.json", *TOKENIZER)), UNDECAYED / "model.safetensors"):
                shutil.copy(file, unfinished)
            unfinished.rename(folder)
    return str(folder)


def check_undecayed() -> None:
    """`ValueError` where the weights from before the rates fell are not there, or are those of another base."""
    about = read(UNDECAYED / "about.json")
    if not about:
        raise ValueError(f"{UNDECAYED} is not there: run this in the project's own folder, or name groups without `undecayed`")
    if about["became"] != (now := fingerprint_now()):
        raise ValueError(f"{UNDECAYED} became the model {about['became']}, and this is {now}: name groups without `undecayed`")


def plan_of(one: Run, material: Material, model: str = MODEL) -> Plan:
    """A plan that does not depend on how busy the machine is: the same steps for every run."""
    return Plan(
        model=model,
        fingerprint=models.fingerprint(model),
        material=material.report["sha256"],
        settings=one.settings,
        drawing=one.drawing,
        steps=one.steps,
        precision="bfloat16" if one.settings.rank else "float32",
        device="cpu",
        seconds_per_step=0.0,
    )


def trained(one: Run, best: Path, registry: Registry) -> Model:
    """The model as a run has changed it."""
    if not one.settings.rank:
        for name in TOKENIZER:
            shutil.copy(models.POCKET / name, best / name)
        return models.load(str(best), precision=PRECISION)
    return changed(best, one.key, registry)


def changed(best: Path, name: str, registry: Registry) -> Model:
    """The base with an adapter that was trained, which is kept in a registry of the claims' own."""
    keep(best, name, registry)
    return with_adapter(name, registry)


def keep(best: Path, name: str, registry: Registry) -> None:
    """Puts what a training has left into a registry."""
    head = {"base": {"name": MODEL, "fingerprint": models.fingerprint(MODEL)}, "repository": {"root": None, "remote": None}}
    registry.save(name, lambda new: [shutil.copy(best / file, new / file) for file in (CONFIG, TENSORS)], head)


def with_adapter(name: str, registry: Registry, scale: float = 1.0) -> Model:
    """The base with an adapter of that registry, or with a part of it."""
    model = untouched()
    return model.changed_by(model.read_adapter(registry.find(name).folder, scale), name)


def untouched() -> Model:
    """The base, in numbers of 32 bits whatever the environment says: in 8 bits another processor may answer otherwise."""
    return models.load(MODEL, precision=PRECISION)


def ask_further(file: Path, record: dict, model: Callable[[], Model], wanted: Wanted, work: Path, say: Say) -> None:
    """Asks what a record does not have yet of what is wanted, where its adapter is still there."""
    known = record["outcomes"]
    missing = {package: [one for one in ways if one not in known.get(package, ())] for package, ways in wanted.items()}
    missing = {package: ways for package, ways in missing.items() if ways}
    if not missing:
        return
    if record["model"] != (now := fingerprint_now()):
        raise ValueError(f"{file} is about the model {record['model']}, and this is {now}: delete it to ask this one")
    say(f"{file.stem}: asked further, " + "; ".join(f"{package} {', '.join(ways)}" for package, ways in missing.items()))
    try:
        found = asked(model(), missing, work)
    except AdapterRefused as error:
        say(f"{error}; delete {file} to make it again")
        return
    if found["places"] != {package: record["places"].get(package, mark) for package, mark in found["places"].items()}:
        raise ValueError(f"{file} is about other places than those of its release in the plan: delete it")
    outcomes = {package: known.get(package, {}) | more for package, more in found["outcomes"].items()}
    write(file, record | {"places": record["places"] | found["places"], "outcomes": known | outcomes})


def wanted_of(one: Run | Combination) -> Wanted:
    """Where and how a run is asked."""
    return dict.fromkeys(one.places_of, conditions(one.group)) | dict.fromkeys(one.elsewhere, (ALONE,))


def asked(model: Model, wanted: Wanted, work: Path) -> dict:
    """The outcomes at the places of each package, in each condition."""
    places = {package: asked_of(package, work / "places") for package in wanted}
    return {
        "places": {package: at.fingerprint for package, at in places.items()},
        "outcomes": {
            package: {condition: packed(outcomes(model, at, condition)) for condition in wanted[package]}
            for package, at in places.items()
        },
    }


def about(head: dict) -> dict:
    """What, when, on what."""
    return head | {
        "hardware": hardware.describe(),
        "threads": models.CORES,
        "date": date.today().isoformat(),
        "model": fingerprint_now(),
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "peft", "trl")},
    }


def records_now() -> Path:
    """Where the records about the base as it is now are kept."""
    return RECORDS / fingerprint_now()


def fingerprint_now() -> str:
    """What a record says of the base that was asked."""
    return models.fingerprint(MODEL)[:12]


def write(file: Path, record: dict) -> None:
    """Puts a record into its place whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    finetune.write_json(file, record)
