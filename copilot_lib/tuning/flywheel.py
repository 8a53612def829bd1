"""Turns the wheel for a simulated user, round by round, in several ways to learn, and keeps what came of each.

It knows arms, rounds and files; it does not know how a user decides (`simulation`), or how training works. What is there is not
done again, so a run that was stopped goes on:

    work/plan.json                what all of it is of: other files or numbers go into another folder
    work/ARM/ROUND/shown.json     what was shown at each place
    work/ARM/ROUND/events.sqlite  what was reported of it
    work/adapters/ARM-ROUND/      the adapter that was made after the round
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot_lib import models
from copilot_lib.completer import Completer
from copilot_lib.feedback import Event
from copilot_lib.paired import difference
from copilot_lib.registry import Entry
from copilot_lib.repository import SourceFile
from copilot_lib.tuning import accepted, simulation
from copilot_lib.tuning.accepted import CORRECTED, KEPT, Judged
from copilot_lib.tuning.drawing import Example
from copilot_lib.tuning.finetune import write_json
from copilot_lib.tuning.material import fingerprint
from copilot_lib.tuning.simulation import Round
from copilot_lib.tuning.teaching import SETTINGS, taught

ROUNDS, PER_KIND = 3, 50
STEPS = 40
"""After each round, of `SETTINGS.batch_tokens` each: an example of an event alone is then seen a few times."""
PLAN, SHOWN, EVENTS = "plan.json", "shown.json", "events.sqlite"

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
    return [Judged(simulation.event(at, at.reference, "accepted", ""), CORRECTED, at.reference) for at in now.targets]


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
    shown: dict[str, list[list[str]]] = {}
    rows = []
    for name in dict.fromkeys(["never", *arms]):
        arm, shown[name], examples, adapter = ARMS[name], [], [], None
        for number, now in enumerate(plan, 1):
            folder = work / name / str(number)
            first = shown["never"][0] if number == 1 and name != "never" else None
            texts = first or asked(completer, now, folder, adapter)
            shown[name].append(texts)
            head = {"arm": name, "says": arm.says, "round": number, "learnt": len(examples)}
            rows.append(head | simulation.row(now.targets, texts) | beside(shown["never"][number - 1], texts, now))
            say(f"{name}, round {number}: {rows[-1]['accepted']} of {len(texts)} accepted, {rows[-1]['saved']} characters")
            if arm.learns and number < rounds:
                examples += lessons(arm, completer, now, texts, folder, adapter)
                own = [file for past in plan[:number] for file in past.files] if arm.own_code else []
                adapter = taught(f"{name}-{number}", examples, own, model, work, adapter, steps, seed)
        rows.append(together(name, plan[1:], shown[name][1:], shown["never"][1:]))
    return rows


def keep_to(work: Path, about: dict) -> None:
    """Notes what a folder is for; `ValueError` where it is for something else."""
    file = work / PLAN
    if file.exists() and (was := json.loads(file.read_text(encoding="utf-8"))) != about:
        differing = ", ".join(key for key in about if was.get(key) != about[key])
        raise ValueError(f"{work} holds another simulation ({differing} differ): name another --folder")
    work.mkdir(parents=True, exist_ok=True)
    write_json(file, about)


def asked(completer: Completer, now: Round, folder: Path, adapter: Entry | None) -> list[str]:
    """What is shown in a round, asked unless it was."""
    file = folder / SHOWN
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(file, {"texts": simulation.typed(completer, now.targets, adapter)})
    return json.loads(file.read_text(encoding="utf-8"))["texts"]


def lessons(
    arm: Arm, completer: Completer, now: Round, texts: Sequence[str], folder: Path, adapter: Entry | None
) -> list[Example]:
    """What an arm learns of a round's events."""
    folder.mkdir(parents=True, exist_ok=True)
    events = simulation.record(folder / EVENTS, now.targets, texts, adapter.name if adapter else completer.model.name)
    return accepted.examples(arm.of_events(events, now), completer, SETTINGS.example_tokens)[0]


def beside(base: Sequence[str], texts: Sequence[str], now: Round) -> dict:
    """How much more is accepted and saved than by who never learns, at the same places, with 95 % intervals."""
    groups, written = [at.group for at in now.targets], [float(len(at.reference)) for at in now.targets]
    took = [[float(simulation.takes(text, at)) for text, at in zip(said, now.targets, strict=True)] for said in (base, texts)]
    saved = [
        [len(text) * taken for text, taken in zip(said, by, strict=True)] for said, by in zip((base, texts), took, strict=True)
    ]
    more = {"accepted_more": difference(*took, groups), "saved_more": difference(*saved, groups, written)}
    return {name: [round(value, 4) for value in three] for name, three in more.items()}


def together(name: str, plan: Sequence[Round], texts: Sequence[list[str]], base: Sequence[list[str]]) -> dict:
    """One row for several rounds of an arm."""
    whole = Round([], [at for now in plan for at in now.targets])
    said, never = ([text for one in several for text in one] for several in (texts, base))
    head = {"arm": name, "says": ARMS[name].says, "round": "later"}
    return head | simulation.row(whole.targets, said) | beside(never, said, whole)
