"""Fill in the middle: a gap cut out of a text, and the pieces of its prompt put in order and within their budgets.

It knows texts and ids; it does not know tokenizers (`codec`), or how families spell their sentinels (`formats`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from copilot_lib.formats import Layout

if TYPE_CHECKING:
    from copilot_lib.codec import Codec


@dataclass(frozen=True)
class Prompt:
    """What a model is given, and how it came about."""

    ids: tuple[int, ...]
    mode: str
    """`fim` or `left-to-right`."""
    order: str | None
    """`PSM`, `SPM`, or None for left-to-right."""
    prefix_count: int
    """How many tokens of the prefix were kept."""
    suffix_count: int
    context_count: int = 0
    """How many of the tokens are of other files."""


def arrange(layout: Layout, pieces: Mapping[str, Sequence[int]]) -> list[int]:
    """The ids of the pieces, in the layout's order.

    >>> arrange(("prefix", "P", "suffix", "S", "middle"), {"prefix": [1], "middle": [2], "suffix": [3], "P": [7], "S": [8]})
    [1, 7, 3, 8, 2]
    """
    return [token for name in layout for token in pieces[name]]


def cut(text: str, start: int, end: int) -> tuple[str, str, str]:
    """Prefix, middle and suffix of a text, for a gap from `start` to `end`.

    >>> cut("return x + y", 7, 8)
    ('return ', 'x', ' + y')
    """
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"the gap from {start} to {end} is not in the text: expected 0 <= start <= end <= {len(text)}")
    return text[:start], text[start:end], text[end:]


def transform(prefix: str, middle: str, suffix: str, codec: "Codec", order: str | None = None) -> list[int]:
    """The training example for a gap: the prompt that asks for it, its answer, and the end token."""
    return [*codec.fim(prefix, suffix, order).ids, *codec.encode(middle), codec.end_id]


def keep_end(ids: list[int], budget: int | None, decode: Callable[[list[int]], str]) -> list[int]:
    """The last `budget` ids; half a character at the cut edge is dropped too."""
    if budget is None or len(ids) <= budget:
        return ids
    kept = ids[len(ids) - budget :]
    while kept and all(decode(kept[:n]).startswith("\ufffd") for n in range(1, 5)):
        kept = kept[1:]
    return kept


def keep_start(ids: list[int], budget: int | None, decode: Callable[[list[int]], str]) -> list[int]:
    """The first `budget` ids; half a character at the cut edge is dropped too."""
    if budget is None or len(ids) <= budget:
        return ids
    kept = ids[:budget]
    while kept and all(decode(kept[-n:]).endswith("\ufffd") for n in range(1, 5)):
        kept = kept[:-1]
    return kept
