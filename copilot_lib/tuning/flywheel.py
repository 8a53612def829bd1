"""Turns the wheel for a simulated user, round by round, in several ways to learn, and keeps what came of each.

It knows arms, rounds and files; it does not know how a user decides (`simulation`), or how training works. What is there is not
done again, so a run that was stopped goes on:

    work/SEED/plan.json                what all of it is of: other files or numbers go into another folder
    work/SEED/ARM/ROUND/shown.json     what was shown at each place
    work/SEED/ARM/ROUND/bits.json      how surprising what the author wrote was, at some of the places
    work/SEED/ARM/ROUND/events.sqlite  what was reported of it
    work/SEED/adapters/ARM-ROUND/      the adapter that was made after the round
"""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from itertools import chain
from operator import add
from pathlib import Path

from copilot_lib import models
from copilot_lib.checkpoint import write_json
from copilot_lib.completer import Completer
from copilot_lib.measure import middle_bits
from copilot_lib.paired import difference
from copilot_lib.registry import Entry
from copilot_lib.repository import SourceFile
from copilot_lib.targets import Target
from copilot_lib.tuning import accepted, simulation
from copilot_lib.tuning.arms import ARMS, Arm
from copilot_lib.tuning.drawing import Example
from copilot_lib.tuning.material import fingerprint
from copilot_lib.tuning.simulation import Round
from copilot_lib.tuning.teaching import SETTINGS, taught

ROUNDS, PER_KIND, SEEDS = 3, 50, 3
STEPS = 40
"""After each round, of `SETTINGS.batch_tokens` each: an example of an event alone is then seen a few times."""
BITS_EVERY = 3
"""Of so many places one is asked how surprising the author's text is there."""
PLAN, SHOWN, BITS, EVENTS = "plan.json", "shown.json", "bits.json", "events.sqlite"

Say = Callable[[str], object]


@dataclass(frozen=True)
class Outcome:
    """What came of one or more rounds of an arm."""

    targets: list[Target]
    texts: list[str]
    """What was shown at each."""
    looked_at: list[Target]
    """Every third of them."""
    bits: list[float]
    """The information of what the author wrote at these."""

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True)
class Turn:
    """One round of an arm, with one seed."""

    learnt: int
    """From so many examples of events, until then."""
    outcome: Outcome


def run(
    files: Sequence[SourceFile],
    work: Path,
    arms: Sequence[str] = tuple(ARMS),
    rounds: int = ROUNDS,
    per_kind: int = PER_KIND,
    steps: int = STEPS,
    seeds: int = SEEDS,
    model: str = "pocket",
    say: Say = print,
) -> list[dict]:
    """All arms through all rounds, with so many seeds; a row for each arm and round, and one of its later rounds together.

    Places of all seeds count together. In the first round every arm is the base, which is asked once. `ValueError` where a
    folder is of another simulation.
    """
    completer = Completer(models.load(model, precision="float32" if models.runs_on_its_own(model) else None))
    names = [*dict.fromkeys(["never", *arms])]
    turned = [
        turns(completer, files, work / str(seed), names, rounds, per_kind, steps, seed, model, say) for seed in range(seeds)
    ]
    rows = []
    for name in names:
        head = {"arm": name, "says": ARMS[name].says}
        came, never = ([[one[arm][number] for one in turned] for number in range(rounds)] for arm in (name, "never"))
        for number, (ours, theirs) in enumerate(zip(came, never, strict=True), 1):
            learnt = {"round": number, "learnt": sum(turn.learnt for turn in ours)}
            rows.append(head | learnt | row(together(ours), together(theirs)))
        if rounds > 1:
            later = (together(chain.from_iterable(one[1:])) for one in (came, never))
            rows.append(head | {"round": "later"} | row(*later))
    return rows


def together(turns: Iterable[Turn]) -> Outcome:
    """What came of several turns."""
    return reduce(add, (turn.outcome for turn in turns))


def turns(
    completer: Completer,
    files: Sequence[SourceFile],
    work: Path,
    names: Sequence[str],
    rounds: int,
    per_kind: int,
    steps: int,
    seed: int,
    model: str,
    say: Say,
) -> dict[str, list[Turn]]:
    """Every round of the named arms, of which the first is `never`, with one seed."""
    numbers = {"rounds": rounds, "per_kind": per_kind, "steps": steps, "seed": seed}
    keep_to(work, numbers | {"model": models.fingerprint(model), "files": fingerprint(files)})
    plan = simulation.rounds(files, rounds, per_kind, seed)
    made: dict[str, list[Turn]] = {}
    for name in names:
        arm, made[name], examples, adapter = ARMS[name], [], [], None
        for number, now in enumerate(plan, 1):
            folder = work / name / str(number)
            first = name != "never" and number == 1
            outcome = made["never"][0].outcome if first else asked(completer, now, folder, adapter)
            made[name].append(Turn(len(examples), outcome))
            say(f"seed {seed}, {name}, round {number}: asked at {len(now.targets)} places")
            if arm.learns and number < rounds:
                examples += lessons(arm, completer, now, outcome.texts, folder, adapter)
                own = [file for past in plan[:number] for file in past.files] if arm.own_code else []
                adapter = taught(f"{name}-{number}", examples, own, model, work, adapter, steps, seed)
    return made


def keep_to(work: Path, about: dict) -> None:
    """Notes what a folder is for; `ValueError` where it is for something else."""
    file = work / PLAN
    if file.exists() and (was := json.loads(file.read_text(encoding="utf-8"))) != about:
        differing = ", ".join(key for key in about if was.get(key) != about[key])
        raise ValueError(f"{work} holds another simulation ({differing} differ): name another --folder")
    work.mkdir(parents=True, exist_ok=True)
    write_json(file, about)


def asked(completer: Completer, now: Round, folder: Path, adapter: Entry | None) -> Outcome:
    """What comes of a round, asked unless it was."""
    texts = kept(folder / SHOWN, "texts", lambda: simulation.shown_to_typist(completer, now.targets, adapter))
    looked_at = now.targets[::BITS_EVERY]
    return Outcome(now.targets, texts, looked_at, kept(folder / BITS, "bits", lambda: surprise(completer, looked_at, adapter)))


def kept(file: Path, key: str, make: Callable[[], list]) -> list:
    """What a file holds, which is made and written where it is not there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {key: make()})
    return json.loads(file.read_text(encoding="utf-8"))[key]


def clear(work: Path) -> None:
    """Removes what a simulation has kept, once it is written down: a later one would take it for its own, with a new date."""
    for plan in work.glob(f"*/{PLAN}"):
        for name in ARMS:
            for folder in (plan.parent / name, *(plan.parent / "adapters").glob(f"{name}-*")):
                shutil.rmtree(folder, ignore_errors=True)
        plan.unlink()


def surprise(completer: Completer, targets: Sequence[Target], adapter: Entry | None) -> list[float]:
    """The information in bits of what the author wrote at each place, to the model as an adapter changes it."""
    model = completer.model
    if adapter:
        completer = Completer(model.changed_by(model.read_adapter(adapter.folder), adapter.name))
    return [round(middle_bits(completer, at), 3) for at in targets]


def lessons(
    arm: Arm, completer: Completer, now: Round, texts: Sequence[str], folder: Path, adapter: Entry | None
) -> list[Example]:
    """What an arm learns of a round's events."""
    folder.mkdir(parents=True, exist_ok=True)
    events = simulation.record(folder / EVENTS, now.targets, texts, adapter.name if adapter else completer.model.name)
    return accepted.examples(arm.of_events(events, now), completer, SETTINGS.example_tokens)[0]


def row(came: Outcome, never: Outcome) -> dict:
    """The numbers of an outcome, and how much more there is than with who never learns at the same places (95 % intervals)."""
    groups, written = [at.group for at in came.targets], [float(len(at.reference)) for at in came.targets]
    ours, theirs = simulation.worth_of_each(came.targets, came.texts), simulation.worth_of_each(never.targets, never.texts)
    of_bits = [at.group for at in came.looked_at], [float(len(at.reference)) for at in came.looked_at]
    more = {
        "accepted_more": difference(theirs[0], ours[0], groups),
        "saved_more": difference(theirs[1], ours[1], groups, written),
        "bits_more": difference(never.bits, came.bits, *of_bits),
    }
    told = simulation.row(came.targets, came.texts) | {"bits": round(sum(came.bits) / sum(of_bits[1]), 4)}
    return told | {name: [round(value, 4) for value in three] for name, three in more.items()}
