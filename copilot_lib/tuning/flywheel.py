"""Turns the wheel for a simulated user, round by round, in several ways to learn, and keeps what came of each.

It knows arms, rounds and files; it does not know how a user decides (`simulation`), or how training works. What is there is not
done again, so a run that was stopped goes on:

    work/plan.json                what all of it is of: other files or numbers go into another folder
    work/ARM/ROUND/shown.json     what was shown at each place
    work/ARM/ROUND/bits.json      how surprising what the author wrote was, at some of the places
    work/ARM/ROUND/events.sqlite  what was reported of it
    work/adapters/ARM-ROUND/      the adapter that was made after the round
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import add
from pathlib import Path

from copilot_lib import models
from copilot_lib.checkpoint import write_json
from copilot_lib.completer import Completer
from copilot_lib.feedback import Event
from copilot_lib.measure import middle_bits
from copilot_lib.paired import difference
from copilot_lib.registry import Entry
from copilot_lib.repository import SourceFile
from copilot_lib.targets import Target
from copilot_lib.tuning import accepted, simulation
from copilot_lib.tuning.accepted import CORRECTED, KEPT, Judged
from copilot_lib.tuning.drawing import Example
from copilot_lib.tuning.material import fingerprint
from copilot_lib.tuning.simulation import Round
from copilot_lib.tuning.teaching import SETTINGS, taught

ROUNDS, PER_KIND = 3, 50
STEPS = 40
"""After each round, of `SETTINGS.batch_tokens` each: an example of an event alone is then seen a few times."""
BITS_EVERY = 3
"""Of so many places one is asked how surprising the author's text is there."""
PLAN, SHOWN, BITS, EVENTS = "plan.json", "shown.json", "bits.json", "events.sqlite"

Say = Callable[[str], object]
Events = Sequence[Event]


def nothing(events: Events, now: Round) -> list[Judged]:
    """Learns from no event."""
    return []


def reviewed(events: Events, now: Round) -> list[Judged]:
    """Learns what `learn` would: what was accepted, as it stands in the finished file."""
    return accepted.judge(events, now.files)


def everything(events: Events, now: Round) -> list[Judged]:
    """Learns all that was shown, right or wrong: the model's own words."""
    return [Judged(event, KEPT, event.text) for event in events if event.kind == "shown"]


def written(events: Events, now: Round) -> list[Judged]:
    """Learns what the author wrote, whatever was shown there."""

    def made(at: Target) -> Judged:
        return Judged(simulation.event(at, at.reference, "accepted", "", len(at.reference)), CORRECTED, at.reference)

    return [made(at) for at in now.targets]


@dataclass(frozen=True)
class Arm:
    """A way to learn from what happened."""

    says: str
    of_events: Callable[[Events, Round], list[Judged]] = nothing
    own_code: bool = False
    """Whether the files that were written so far are learnt from too, as `finetune` does."""
    learns: bool = True


ARMS = {
    "never": Arm("never learns", learns=False),
    "accepted": Arm("learns what was accepted, as it stands now", reviewed),
    "everything": Arm("learns all that was shown, its own words", everything),
    "written": Arm("learns what the author wrote at these places", written),
    "code": Arm("learns gaps of the files written so far", own_code=True),
    "both": Arm("learns gaps, and among them what was accepted", reviewed, own_code=True),
}


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


def run(
    files: Sequence[SourceFile],
    work: Path,
    arms: Sequence[str] = tuple(ARMS),
    rounds: int = ROUNDS,
    per_kind: int = PER_KIND,
    steps: int = STEPS,
    seed: int = 0,
    model: str = "pocket",
    say: Say = print,
) -> list[dict]:
    """All arms through all rounds; a row for each of both, and one of each arm's rounds after the first together.

    In the first round every arm is the base, which is asked once. `ValueError` where the folder is of another simulation.
    """
    completer = Completer(models.load(model, precision="float32" if models.runs_on_its_own(model) else None))
    numbers = {"rounds": rounds, "per_kind": per_kind, "steps": steps, "seed": seed}
    keep_to(work, numbers | {"model": models.fingerprint(model), "files": fingerprint(files)})
    plan = simulation.rounds(files, rounds, per_kind, seed)
    came: dict[str, list[Outcome]] = {}
    rows = []
    for name in dict.fromkeys(["never", *arms]):
        arm, came[name], examples, adapter = ARMS[name], [], [], None
        for number, now in enumerate(plan, 1):
            folder = work / name / str(number)
            first = name != "never" and number == 1
            came[name].append(came["never"][0] if first else asked(completer, now, folder, adapter))
            head = {"arm": name, "says": arm.says, "round": number, "learnt": len(examples)}
            rows.append(head | row(came[name][-1], came["never"][number - 1]))
            say(f"{name}, round {number}: {rows[-1]['accepted']} of {rows[-1]['places']} accepted")
            if arm.learns and number < rounds:
                examples += lessons(arm, completer, now, came[name][-1].texts, folder, adapter)
                own = [file for past in plan[:number] for file in past.files] if arm.own_code else []
                adapter = taught(f"{name}-{number}", examples, own, model, work, adapter, steps, seed)
        if rounds > 1:
            head = {"arm": name, "says": arm.says, "round": "later"}
            rows.append(head | row(reduce(add, came[name][1:]), reduce(add, came["never"][1:])))
    return rows


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
    for name in ARMS:
        for folder in (work / name, *(work / "adapters").glob(f"{name}-*")):
            shutil.rmtree(folder, ignore_errors=True)
    (work / PLAN).unlink(missing_ok=True)


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
