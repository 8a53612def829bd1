"""Counts tokens: of what is missing at real cursors, and of what a model answers there.

It knows targets and a codec; it does not know whether an answer is right.
"""

from collections.abc import Sequence
from pathlib import Path

from copilot_lib import targets
from copilot_lib.codec import Codec
from copilot_lib.completer import Completer
from copilot_lib.evaluate import LINE_TOKENS, MAX_NEW_TOKENS, raw_answer
from copilot_lib.targets import KINDS, Target

TARGETS = Path("results/pocket/targets.json")
EVERY = 12
"""So many targets to one that the model answers: lengths vary less than right and wrong do."""
LEAST, MOST = 20, 50
"""What the article says, in tokens of a vocabulary of 49,152. One of 4,096 needs more tokens for the same text."""


def rows(completer: Completer) -> list[dict]:
    """One row for each kind of cursor and for what was counted there."""
    asked = targets.load(TARGETS)
    made = []
    for kind in KINDS:
        of_kind = [target for target in asked if target.kind == kind]
        answered = of_kind[::EVERY]
        limit = MAX_NEW_TOKENS.get(kind, LINE_TOKENS)
        texts = {
            "reference": [target.reference for target in of_kind],
            "what the model says": [raw_answer(completer, target.cursor, limit)[0] for target in answered],
            "what an editor shows": [shown(completer, target, limit) for target in answered],
        }
        made += [
            {"kind": kind, "of": name, "limit_tokens": limit} | summary(said, completer.model.codec)
            for name, said in texts.items()
        ]
    return made


def shown(completer: Completer, target: Target, limit: int) -> str:
    """An answer with stopping rules and clean-up."""
    completer.engine.forget()
    return completer.complete(target.cursor, max_new_tokens=limit).text


def summary(texts: Sequence[str], codec: Codec) -> dict:
    """Quantiles of the lengths in tokens and in characters, and how many are shorter and longer than was claimed."""
    lengths = sorted(len(codec.encode(text)) for text in texts)
    characters = sorted(map(len, texts))
    return {
        "texts": len(texts),
        "tokens": {
            name: lengths[int(share * (len(lengths) - 1))] for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9))
        },
        "characters_p50": characters[len(characters) // 2],
        "below": round(sum(n < LEAST for n in lengths) / len(lengths), 4),
        "within": round(sum(LEAST <= n <= MOST for n in lengths) / len(lengths), 4),
        "above": round(sum(n > MOST for n in lengths) / len(lengths), 4),
    }
