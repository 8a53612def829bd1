"""Commands that make an adapter of a repository, and that measure what adapters are worth.

It knows arguments and a terminal; it does not know how an adapter is trained.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from copilot_lib.cli.inputs import INTERRUPTED, TO_BE_FIXED, Add, BadInput

NO_HELP = (
    "no adapter was saved, since in the files to see when to stop it is no better than the model without it: there may be too "
    "little to learn from (--tests, a larger repository), or the model has read this code before"
)


def finetune(arguments) -> int:
    from copilot_lib import models
    from copilot_lib.registry import checked
    from copilot_lib.tuning import finetune, material, processes, summary
    from copilot_lib.tuning.settings import suited

    name = checked(arguments.name)
    model = arguments.model or models.default_name()
    folder = arguments.folder or Path("build/finetune") / name
    cards = graphics_cards()
    processes.check_cards(os.environ, cards)
    one = processes.join(models.best_device())
    if line := processes.warning(os.environ, cards):
        print(f"copilot_lib: {line}", file=sys.stderr)

    def decide():
        found = material.collect(arguments.repository, arguments.seed, arguments.tests, reading_bar)
        print(summary.text(found.report), flush=True)
        if arguments.resume:
            plan = finetune.planned(folder, found, model, one.count)
            check_same(arguments, plan)
            return found, plan
        settings = replace(suited(models.load(model).parameters, models.best_device()), seed=arguments.seed)
        settings = settings if arguments.rank is None else replace(settings, rank=arguments.rank, alpha=2 * arguments.rank)
        settings = settings if arguments.epochs is None else replace(settings, epochs=arguments.epochs)
        settings = settings if arguments.layers is None else replace(settings, targets=tuple(arguments.layers))
        drawing = finetune.Drawing(context_share=0.5 if arguments.context else 0.0, instructions=arguments.instructions)
        return found, finetune.prepare(found, model, folder, settings, drawing, arguments.minutes, processes=one.count)

    found, plan = one.decided(decide)
    if one.first:
        print(
            f"\n{plan.steps} steps of {of(plan)} in {plan.precision} on {plan.device}: "
            f"about {plan.steps * plan.seconds_per_step / 60:.0f} minutes at {plan.seconds_per_step:.2f} s a step",
            flush=True,
        )
    try:
        with Bar(plan, one.first) as bar:
            course = finetune.run(plan, found, folder, arguments.resume, bar.show, bar.say, one.first)
        processes.leave(one)
        return concluded(arguments, name, folder, course) if one.first else 0
    except KeyboardInterrupt:
        return interrupted(folder) if one.first else INTERRUPTED


def check_same(arguments, plan) -> None:
    """`BadInput` for an option that is not what a run was planned with: it goes on by its plan."""
    layers = arguments.layers and tuple(arguments.layers)
    planned = {
        "rank": (arguments.rank, plan.settings.rank),
        "layers": (layers, plan.settings.targets),
        "context": (arguments.context, plan.drawing.context_share > 0),
        "instructions": (arguments.instructions, plan.drawing.instructions),
    }
    for option, (said, was) in planned.items():
        if said and said != was:
            raise BadInput(
                f"the run was begun with another --{option}: leave that out to go on, or name another --folder to begin"
            )


def concluded(arguments, name: str, folder: Path, course) -> int:
    """`conclude` for what a base has learnt, and the exit status: what is no better than the base takes no adapter's place."""
    if course.helped:
        conclude(arguments, name, folder, course)
        return 0
    print(f"copilot_lib: {course.in_words()}\n{NO_HELP}", file=sys.stderr)
    return TO_BE_FIXED


def conclude(arguments, name: str, folder: Path, course) -> None:
    """Puts what a run came to into the user's registry, and says what it is worth beside its base."""
    from copilot_lib.registry import Registry
    from copilot_lib.tuning import finetune, making

    plan = finetune.plan_in(folder)  # where memory was short, it is another than the run began with
    print(f"{course.in_words()}\nSaved: {making.save(name, arguments.repository, plan, folder, Registry())}")
    if arguments.targets:
        print(making.compare(name, arguments.repository, plan, folder, arguments.targets, asked))


def interrupted(folder: Path) -> int:
    """Says how to go on with a run that was stopped."""
    print(f"\nStopped. What there is of it is in {folder}: the same command with --resume goes on.", file=sys.stderr)
    return INTERRUPTED


def of(plan) -> str:
    """What one step is."""
    tokens = f"{plan.settings.batch_tokens} tokens"
    return tokens if plan.processes == 1 else f"{plan.processes} x {tokens}, a batch for each process,"


def graphics_cards() -> int:
    """How many of them torch sees."""
    import torch

    return torch.cuda.device_count()


def sweep(arguments) -> int:
    from copilot_lib.sweep import asking, pairs, plan, running, sharing, summary

    runs, folder = plan.of_groups(arguments.groups), running.records_now()
    print(plan.table(runs, [file.stem for file in folder.glob("*.json")]), flush=True)
    if arguments.plan:
        return 0
    try:
        if not arguments.sum_up:
            if any(isinstance(run, plan.Run) and run.undecayed for run in runs):
                running.check_undecayed()  # before hours are spent on others
            with sharing.lock_of("base", running.WORK):
                running.base(plan.REPOSITORIES, folder, say=announced)
        for run in () if arguments.sum_up else sharing.shared(runs, running.WORK):
            do = running.combination if isinstance(run, plan.Combination) else running.run
            do(run, folder, say=announced)
    except KeyboardInterrupt:
        print(f"\nStopped. Records are in {folder}: the same command goes on.", file=sys.stderr)
        return INTERRUPTED
    found = summary.records(folder)
    if not found:
        raise BadInput(f"there is no record in {folder}: run the sweep without --sum-up")
    rows, beside = summary.rows(found, running.WORK), pairs.beside(found, running.WORK)
    print(summary.text(rows), pairs.text(beside), sep="\n\n")
    file = running.RECORDS.parent / "tuning.json"
    if gone := summary.gone((asking.read(file) or {"rows": []})["rows"], rows):
        print(f"\n{file} stays as it is: there is no record yet of {', '.join(gone)}", file=sys.stderr)
        return 0
    running.write(file, running.about({"command": "python -m copilot_lib sweep"}) | {"rows": rows, "beside": beside})
    return 0


def announced(line: str) -> None:
    """Says what is being done now."""
    print(line, file=sys.stderr, flush=True)


class Bar:
    """A line that says how far training is: loss, tokens a second, time left."""

    def __init__(self, plan, shown: bool = True):
        from tqdm import tqdm

        self._tokens = plan.settings.batch_tokens * plan.processes
        self._bar = tqdm(total=plan.steps, unit="step", file=sys.stderr, disable=None if shown else True)
        self._held_out = None

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self._bar.close()

    def show(self, seen) -> None:
        if seen.held_out_loss is not None:
            self._held_out = seen.held_out_loss
        if seen.loss is None:
            return
        self._bar.update(seen.step - self._bar.n)
        rate = self._bar.format_dict["rate"]
        numbers = {"loss": f"{seen.loss:.3f}", "unseen": f"{self._held_out:.3f}" if self._held_out is not None else "-"}
        self._bar.set_postfix(numbers | ({"tokens/s": f"{rate * self._tokens:.0f}"} if rate else {}), refresh=False)

    def say(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)


def reading_bar(name: str, items):
    """Shows how far the reading of a repository is."""
    from tqdm import tqdm

    return tqdm(items, desc=name, unit="file", file=sys.stderr, leave=False, disable=None)


def asked(name: str, items, done: int):
    """Shows how far an evaluation is."""
    from tqdm import tqdm

    return tqdm(
        items, desc=name, initial=done, total=done + len(items), unit="place", file=sys.stderr, leave=False, disable=None
    )


def minutes(text: str) -> float:
    """A time above zero."""
    return positive(text, "time: expected minutes, such as 10")


def epochs(text: str) -> float:
    """How often to go through the files, above zero."""
    return positive(text, "number of epochs: expected one such as 3, or 0.5")


def positive(text: str, what: str) -> float:
    """The number that a text is."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e5:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
    return number


def rank(text: str) -> int:
    """A rank that makes sense."""
    if not text.isdecimal() or not 0 < int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is no rank: expected a whole number from 1 to 256")
    return int(text)


def add(command: Add) -> None:
    """Adds these commands with their options."""
    added = command(
        sweep, "train and ask all adapters that the claims need: hours; a stopped one goes on, two share the work", model=False
    )
    added.add_argument("groups", nargs="*", metavar="GROUP", help="such as lora, as --plan shows them; all for none")
    added.add_argument("--plan", action="store_true", help="only print what there is to do")
    added.add_argument("--sum-up", action="store_true", help="run nothing more, and sum up the records that there are")
    added = command(finetune, "make an adapter that writes a repository's code better, and measure whether it does")
    add_run(added, "build/finetune")
    length = added.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=minutes, metavar="M", help="train for about so long on this machine")
    length.add_argument("--epochs", type=epochs, metavar="E", help="go through the files so often at most")
    added.add_argument("--rank", type=rank, metavar="R", help="32 for small models, else 16; a smaller one learns less")
    added.add_argument(
        "--layers",
        nargs="+",
        metavar="NAME",
        help="those that get an adapter, by the ends of their names: c_fc mlp.c_proj",
    )
    added.add_argument("--context", action="store_true", help="show pieces of other files in half of the examples")
    added.add_argument(
        "--instructions",
        action="store_true",
        help="ask for functions by docstring and signature in a quarter of the examples",
    )


def add_run(added: argparse.ArgumentParser, folder: str) -> None:
    """Adds what every command takes that makes an adapter of a repository."""
    added.add_argument(
        "repository", type=Path, metavar="REPO", help="a folder with Python files; nothing in it is run or changed"
    )
    added.add_argument("--name", required=True, help="the adapter's name; one that has it already is replaced at the end")
    added.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    added.add_argument("--seed", type=int, default=0, help="which files are held out, and what chance decides")
    added.add_argument("--tests", action="store_true", help="learn from test files too")
    added.add_argument(
        "--targets", type=int, default=40, metavar="N", help="places of each kind to compare at, before and after; 0 for none"
    )
    added.add_argument("--folder", type=Path, help=f"where the run is kept; default {folder} and the name")
