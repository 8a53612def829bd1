"""Turns a repository into an adapter: material, a plan, training, and the adapter with what it was made of.

It knows the order of these steps and the files they leave; it does not know how one of them is done, or how good it comes out.

    folder/plan.json         what was decided before the first step: a run that was stopped goes on by it
    folder/report.json       what is learnt from, and what was left out and why
    folder/training/         checkpoints, and `best`
    folder/learnt.txt        which files are learnt from
    folder/training.json     what training came to
"""

import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain, islice
from pathlib import Path

from copilot_lib import hardware, learnt, models
from copilot_lib.checkpoint import write_json
from copilot_lib.codec import Codec
from copilot_lib.recipe import Mix
from copilot_lib.tuning import batches, going_on, mixing, neighbours, pace, training
from copilot_lib.tuning.batches import Batch
from copilot_lib.tuning.drawing import Drawing, Example, Places, draw
from copilot_lib.tuning.instructions import instruction_examples, pairs
from copilot_lib.tuning.material import Material
from copilot_lib.tuning.settings import Settings
from copilot_lib.tuning.training import Course

HELD_OUT_BATCHES = 12
"""Enough to see the loss fall, and few enough to cost little of a run."""
LEAST_BATCH_TOKENS = 512
PLAN, REPORT, RESULT, TRAINING = "plan.json", "report.json", "training.json", "training"


@dataclass(frozen=True)
class Plan:
    """What is decided before the first step."""

    model: str
    fingerprint: str
    """Whose weights the adapter is for."""
    material: str
    """Tells what is learnt from, and what says when to stop."""
    settings: Settings
    drawing: Drawing
    steps: int
    precision: str
    device: str
    seconds_per_step: float
    """As measured beforehand, of one process alone."""
    processes: int = 1
    """How many train together; each step is a batch for each of them."""


Say = Callable[[str], object]
"""Is told, in a line, what was decided on the way."""


def prepare(
    material: Material,
    model: str,
    folder: Path,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    drawing: Drawing = Drawing(),  # noqa: B008 - frozen
    minutes: float | None = None,
    device: str | None = None,
    processes: int = 1,
    say: Say = print,
) -> Plan:
    """Decides how a run goes, and writes it down in `folder`, which must not hold another run.

    With `minutes`, as many steps as fit into them on this machine, and no more than the epochs need. Raises `ValueError` where
    the folder has a plan, or the files have nothing to learn from in the way that was asked for.
    """
    if (folder / PLAN).exists():
        raise ValueError(f"{folder} holds a run: go on with --resume, name another --folder, or delete it to begin anew")
    if drawing.instructions and not any(map(pairs, material.train)):
        raise ValueError(f"{material.name} has no function with a docstring above a body: train without --instructions")
    device = device or models.best_device()
    codec, context_tokens = models.codec(model)
    settings = replace(settings, example_tokens=min(settings.example_tokens, context_tokens))
    while True:
        # One pass over the files, drawn as the first epoch will be, says how many batches an epoch has.
        first = list(of_epoch(material, codec, settings, drawing, 0))
        if not first:
            raise ValueError(f"{material.name} gives no examples: its files are too short")
        try:
            measured = pace.fastest(models.load_network(model, device)[0], first[: pace.BATCHES], settings)
            break
        except (MemoryError, RuntimeError) as error:
            if not may_be_halved(error, settings):
                raise
            settings = replace(settings, batch_tokens=settings.batch_tokens // 2)
            say(f"out of memory before the first step: {settings.batch_tokens} tokens a step are tried")
    steps = max(1, round(settings.epochs * len(first) / processes))
    if minutes is not None:
        steps = max(1, min(steps, int(minutes * 60 / measured.seconds_per_step)))
    plan = Plan(
        model=model,
        fingerprint=models.fingerprint(model),
        material=material.report["sha256"],
        settings=settings,
        drawing=drawing,
        steps=steps,
        precision=measured.precision,
        device=device,
        seconds_per_step=round(measured.seconds_per_step, 4),
        processes=processes,
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / REPORT, material.report)
    write_json(folder / PLAN, asdict(plan))
    return plan


def planned(folder: Path, material: Material, model: str, processes: int = 1) -> Plan:
    """The plan of a run that was stopped; `ValueError` where there is none, or what it was made for is not what is there."""
    plan = plan_in(folder)
    changed = {
        "the files": plan.material != material.report["sha256"],
        "the model": plan.fingerprint != models.fingerprint(model),
        "the number of processes": plan.processes != processes,
    }
    if names := [name for name, differs in changed.items() if differs]:
        raise ValueError(
            f"{' and '.join(names)} changed since the run in {folder} began: bring back what was, or begin in another folder"
        )
    return plan


def plan_in(folder: Path) -> Plan:
    """The plan of a run, with all that was changed since it began; `ValueError` where there is none."""
    try:
        data = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        return Plan(**data | {"settings": settings_of(data["settings"]), "drawing": drawing_of(data["drawing"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder} has no {PLAN} to go on by: leave --resume out to begin") from error


def settings_of(data: dict) -> Settings:
    """Settings as JSON gives them back."""
    return Settings(**data | {"targets": tuple(data["targets"])})


def drawing_of(data: dict) -> Drawing:
    """The way of drawing as JSON gives it back."""
    return Drawing(**data | {"mix": Mix(**data["mix"])})


def run(
    plan: Plan,
    material: Material,
    folder: Path,
    resume: bool = False,
    show: training.Show = lambda seen: None,
    say: Say = print,
    first: bool = True,
    further: Sequence[Example] = (),
    begin: Path | None = None,
) -> Course:
    """Trains by a plan, and leaves what was best in `folder/training/best`.

    `further` examples are put among those of the repository (`mixing`). `begin` is the folder of an adapter to go on from, of
    the plan's rank; without, one begins that changes nothing yet.

    Where memory does not suffice, the batch is halved, the steps are doubled, the plan is written anew, and `say` is told. Of
    several processes only one knows it then, and the others wait for it: it raises `ValueError`, and the run is to be begun
    anew by the new plan. `first` is whether this process is the one that writes what training came to. With `resume` a run that
    had come to its end is not trained further: what it came to is read again.
    """
    if resume and (folder / RESULT).exists():
        return come_to(folder)
    if not resume and first:  # of a run whose plan somebody has deleted
        (folder / RESULT).unlink(missing_ok=True)
        shutil.rmtree(folder / TRAINING, ignore_errors=True)
    if first:
        files = (*material.train, *material.validation)
        found = chain.from_iterable(learnt.marks(material.name, file) for file in files)
        learnt.write(folder, found, [begin] if begin else ())
    while True:
        try:
            return trained(plan, material, folder, resume, show, first, further, begin)
        except (MemoryError, RuntimeError) as error:
            if not may_be_halved(error, plan.settings):
                raise
            plan = halved(plan)
            line = f"out of memory: from now on {plan.settings.batch_tokens} tokens a step, {plan.steps} steps, from the start"
            write_json(folder / PLAN, asdict(plan))
            shutil.rmtree(folder / TRAINING, ignore_errors=True)
            if plan.processes > 1:
                raise ValueError(f"{line}: begin anew by the same command with --resume") from error
            say(line)
            resume = False


def may_be_halved(error: BaseException, settings: Settings) -> bool:
    """Whether memory did not suffice for a batch, and half of it still has room for an example."""
    return is_out_of_memory(error) and settings.batch_tokens // 2 >= max(LEAST_BATCH_TOKENS, settings.example_tokens)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice; torch has a kind of its own for it, on a CPU only words."""
    return (
        isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "can't allocate memory" in str(error).lower()
    )


def halved(plan: Plan) -> Plan:
    """The same number of tokens in twice the steps of half the size."""
    settings = replace(plan.settings, batch_tokens=plan.settings.batch_tokens // 2)
    return replace(plan, settings=settings, steps=plan.steps * 2, seconds_per_step=plan.seconds_per_step / 2)


def trained(
    plan: Plan,
    material: Material,
    folder: Path,
    resume: bool,
    show: training.Show,
    first: bool = True,
    further: Sequence[Example] = (),
    begin: Path | None = None,
) -> Course:
    """One attempt at a plan."""
    import torch

    codec, _ = models.codec(plan.model)  # the model itself is loaded once: a large one has no room twice
    network, tokenizer = models.load_network(plan.model, plan.device)
    network.to(getattr(torch, plan.precision))
    if begin:
        adapter = models.of_network(plan.model, network, tokenizer.backend_tokenizer).read_adapter(begin)
        network = going_on.begun(network, adapter, plan.settings)
    started = time.perf_counter()
    with ExitStack() as open_until_the_end:
        places = open_until_the_end.enter_context(neighbours.places(material.train)) if plan.drawing.context_share else None
        course = training.train(
            network,
            tokenizer,
            lambda: stream(plan, material, codec, places, further),
            lambda: iter(held_out(material, codec, plan)),
            plan.settings,
            plan.steps,
            folder / TRAINING,
            resume,
            show,
        )
    seconds = round(time.perf_counter() - started, 1)
    about = {"seconds": seconds, "resumed": resume, "hardware": hardware.describe(plan.device)}
    if first:
        write_json(folder / RESULT, asdict(course) | about)
    return course


def come_to(folder: Path) -> Course:
    """What a run came to that has ended."""
    found = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    return Course(**{field.name: found[field.name] for field in fields(Course)})


def stream(
    plan: Plan, material: Material, codec: Codec, places: Places | None = None, further: Sequence[Example] = ()
) -> Iterator[Batch]:
    """The batches of a run, without end: always the same for a plan."""
    settings = plan.settings

    def epoch(number: int) -> Iterator[Example]:
        return examples(material, codec, settings, plan.drawing, number, places, further)

    return batches.endless(epoch, settings.batch_tokens, settings.answer_weight, codec.end_id, settings.seed)


def examples(
    material: Material,
    codec: Codec,
    settings: Settings,
    drawing: Drawing,
    number: int,
    places: Places | None = None,
    further: Sequence[Example] = (),
) -> Iterator[Example]:
    """What is learnt in one epoch: the files as they are drawn, and among them what else there is to learn."""
    own = draw(material.train, codec, settings.example_tokens, settings.seed, number, drawing, places)
    if drawing.instructions:
        asked = instruction_examples(material.train, codec, settings.example_tokens, settings.seed, number)
        further = (*further, *asked)
    return mixing.among(own, further, random.Random(f"{settings.seed}/further/{number}"))


def of_epoch(material: Material, codec: Codec, settings: Settings, drawing: Drawing, number: int) -> Iterator[Batch]:
    """The batches of one epoch, without pieces of other files."""
    drawn = examples(material, codec, settings, drawing, number)
    return batches.of_epoch(
        drawn, settings.batch_tokens, settings.answer_weight, codec.end_id, random.Random(f"{settings.seed}/batches/{number}")
    )


def held_out(material: Material, codec: Codec, plan: Plan) -> list[Batch]:
    """Batches of gaps in the validation part, the same in every run; answers weigh as much as they do in training."""
    drawing = Drawing(mix=replace(plan.drawing.mix, fim_share=1.0))
    drawn = draw(material.validation, codec, plan.settings.example_tokens, 0, 0, drawing)
    made = batches.of_epoch(drawn, plan.settings.batch_tokens, plan.settings.answer_weight, codec.end_id, random.Random(0))
    return list(islice(made, HELD_OUT_BATCHES))
