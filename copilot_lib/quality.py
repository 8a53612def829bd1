"""Puts everything that is measured of a model on held-out code into one record: what it was, on what, by what, how good.

It knows which measurements belong together; it does not know how one of them is made.
"""

import hashlib
from collections.abc import Callable, Iterable
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


def record(
    completer: Completer, targets: list[Target], documents: Iterable[str], progress: Callable[[str], object] = lambda line: None
) -> dict:
    """All numbers of one model, ready for JSON. `documents` is what it learnt from: the n-gram model's food.

    Bits per byte left to right and of the middles alone, and `evaluate.summary`; with versions and processor.
    """
    answers = []
    for number, answer in enumerate(evaluate.answers(completer, targets), start=1):
        answers.append(answer)
        if number % EVERY == 0:
            progress(f"{number} of {len(targets)} targets")
    progress("behaviour")
    behaves = [behaviour.measure(completer, one, targets) for one in behaviour.BEHAVIOURS]
    progress("bits per byte")
    return {
        "model": digest(completer.model),
        "hardware": hardware.describe(completer.model.device),
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "tokenizers")},
        "left_to_right": measure.table(completer.model, documents),
        "middle_bits_per_byte": {
            kind: round(measure.middle_bits_per_byte(completer, of_kind), 4)
            for kind in KINDS
            if (of_kind := [target for target in targets if target.kind == kind])
        },
        "answers": evaluate.summary(answers),
        "behaviour": behaves,
    }
