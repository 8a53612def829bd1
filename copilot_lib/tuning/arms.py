"""Ways to learn from what happened in a round, which a simulation compares: what each makes of the events.

It knows events and files; it does not know how anything is learnt, or what comes of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copilot_lib.feedback import Event
from copilot_lib.targets import Target
from copilot_lib.tuning import accepted, simulation
from copilot_lib.tuning.accepted import CORRECTED, KEPT, Judged
from copilot_lib.tuning.simulation import Round

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
