"""Says how much of a growing completion can be shown already, because no rule will take it back.

It knows lines and what the rules of `stopping` and `postprocess` look at; it does not know tokens or who is shown the text.
"""

from copilot_lib import postprocess
from copilot_lib.cursor import Cursor, line_spans


def settled(text: str, cursor: Cursor) -> str:
    r"""What will stand at the start of the clean completion, however the text goes on.

    A line that is not ended may still turn out to repeat what stands below, and lines that begin like the ones above them
    may turn out to be a circle: both wait. So text comes by whole lines, each with the newline before it.

    >>> below = Cursor("def f(x):\n    ", 14)
    >>> settled("if x:\n        return 1\n    ret", below)
    'if x:\n        return 1'
    """
    typed = len(cursor.line_prefix)
    whole = cursor.line_prefix + text
    spans = [(start, end) for start, end in line_spans(whole)[:-1] if whole[start:end].strip()]
    safe = len(spans) - may_circle([whole[start:end].rstrip() for start, end in spans])
    return postprocess.clean(text[: max(0, spans[safe - 1][1] - typed)], cursor) if safe else ""


def may_circle(lines: list[str]) -> int:
    """How many of the last lines may be the beginning of a repetition of those before them.

    >>> may_circle(["a", "b", "c"]), may_circle(["a", "b", "a"]), may_circle(["a", "b", "c", "a", "b"])
    (0, 1, 2)
    """
    repeated = (
        len(lines) - start
        for start in range(len(lines))
        for length in range(len(lines) - start, start + 1)
        if lines[start:] == lines[start - length : len(lines) - length]
    )
    return max(repeated, default=0)
