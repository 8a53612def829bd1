"""Puts everything that is measured of a model on held-out code into one record: what it was, on what, by what, how good.

It knows which measurements belong together; it does not know how one of them is made.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata

from copilot_lib import behaviour, evaluate, hardware, measure
from copilot_lib.completer import Completer
from copilot_lib.targets import KINDS, Target

EVERY = 50
"""Targets between two reports of progress."""


def digest(model) -> str:
    """Twelve digits that change when a weight does."""
    sha = hashlib.sha256()
    for name, weight in sorted(model.network.state_dict().items()):
        sha.update(name.encode() + weight.detach().float().cpu().numpy().tobytes())
    return sha.hexdigest()[:12]


def asked(
    completer: Completer, targets: list[Target], documents: Iterable[str], progress: Callable[[str], object]
) -> list[dict]:
    """What is answered at the targets, summed up."""
    answers = []
    for number, answer in enumerate(evaluate.answers(completer, targets), start=1):
        answers.append(answer)
        if number % EVERY == 0:
            progress(f"{number} of {len(targets)} targets")
    return evaluate.summary(answers)


def middles_by_kind(completer: Completer, targets: list[Target], documents: Iterable[str], progress) -> dict[str, float]:
    """Bits per byte of the middles of each kind, told both sides."""
    kinds = [(kind, [target for target in targets if target.kind == kind]) for kind in KINDS]
    return {kind: round(measure.middle_bits_per_byte(completer, mine), 4) for kind, mine in kinds if mine}


PARTS: dict[str, Callable] = {
    "left_to_right": lambda completer, targets, documents, progress: measure.table(completer.model, documents),
    "middles": lambda completer, targets, documents, progress: measure.middle_table(completer, targets, documents),
    "middle_bits_per_byte": middles_by_kind,
    "answers": asked,
    "behaviour": lambda completer, targets, documents, progress: [
        behaviour.measure(completer, one, targets) for one in behaviour.BEHAVIOURS
    ],
}
"""What is measured, by its name in the record. `documents` is what the model learnt from: the n-gram model's food."""


def record(
    completer: Completer,
    targets: list[Target],
    documents: Callable[[], Iterable[str]],
    progress: Callable[[str], object] = lambda line: None,
    parts: Sequence[str] = tuple(PARTS),
    before: dict | None = None,
) -> dict:
    """All numbers of one model, ready for JSON, with versions and processor.

    With some `parts` only, those of an earlier record are measured again and the others kept; `ValueError` where that was of
    other weights, or of other versions.
    """
    about = {
        "model": digest(completer.model),
        "hardware": hardware.describe(completer.model.device),
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "tokenizers")},
    }
    if differing := [name for name, value in about.items() if before and before.get(name) != value]:
        raise ValueError(f"the record is of another {' and '.join(differing)}: measure all parts anew")
    found = dict(before or {})
    for part in parts:
        progress(part.replace("_", " "))
        found[part] = PARTS[part](completer, targets, documents(), progress)
    return about | {part: found[part] for part in PARTS if part in found}
