"""Steps back from a cursor inside a word, so that the model can write the word in its usual tokens: token healing.

It knows texts and a vocabulary; it does not know prompts, networks or how an id is chosen.

A word cut in two is two leftovers that running text hardly ever contains, and a small model that copies tokens finds
nothing to copy. So the prompt ends before the word, and what was typed of it is what the model must begin with.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

import numpy

from copilot_lib.codec import Codec
from copilot_lib.cursor import Cursor

LONGEST, REACH = 32, 10_000
"""Characters of a word that are stepped over at most, and how far around the cursor indentations are looked for."""
BEGUN = re.compile(rf"(?:(?<=\S) [A-Za-z0-9_]{{0,{LONGEST}}}|[A-Za-z0-9_]{{1,{LONGEST}}})\Z")
"""The word that a text ends with, and the space before it, which is part of its token; not after indentation."""


def step_back(cursor: Cursor) -> tuple[Cursor, str]:
    r"""The cursor before what is begun at it, which is cut out, and what that is.

    It is a word, a space after text, or an indentation that no other line has: one that is half typed.

    >>> def begun(prefix, suffix=""):
    ...     return step_back(Cursor(prefix + suffix, len(prefix)))[1]
    >>> begun("return num"), begun("return "), begun("    num"), begun("f(")
    (' num', ' ', 'num', '')
    >>> begun("if a:\n    b()\n  "), begun("if a:\n    b()\n    ")
    ('  ', '')
    """
    indented = cursor.line_prefix
    if indented.strip():
        found = BEGUN.search(cursor.prefix, max(0, cursor.offset - LONGEST - 2))
        typed = found.group() if found else ""
    else:
        typed = "" if other_line_has(indented, cursor) else indented
    at = cursor.offset - len(typed)
    return Cursor(cursor.text[:at] + cursor.suffix, at), typed


def other_line_has(indentation: str, cursor: Cursor) -> bool:
    """Whether a line with text is indented exactly so, some way above or below the cursor's own; none always is."""
    around = cursor.prefix[-REACH:] + "\n" + cursor.suffix[len(cursor.line_suffix) :][:REACH]
    return not indentation or re.search(rf"[\r\n]{indentation}(?=[^\s])", around) is not None


class Vocabulary:
    """The texts of a codec's ordinary tokens, sorted, to find those that begin with something."""

    def __init__(self, codec: Codec):
        self._codec = codec
        ordinary = set(codec.tokenizer.get_vocab().values()) - codec.stop_ids
        pairs = sorted((text, id) for id in ordinary if (text := codec.decode([id])) and "\ufffd" not in text)
        self._texts, self._ids = [text for text, _ in pairs], numpy.array([id for _, id in pairs])

    def beginning(self, text: str) -> numpy.ndarray:
        """The ids of all tokens that begin with a text."""
        low, high = bisect_left(self._texts, text), bisect_left(self._texts, text + "\U0010ffff")
        return self._ids[low:high]

    def equal(self, text: str) -> numpy.ndarray:
        """The ids of all tokens that are a text."""
        low, high = bisect_left(self._texts, text), bisect_left(self._texts, text + "\0")
        return self._ids[low:high]

    def opening(self, typed: str):
        """A rule for `engine.generate`: which ids may come next, if the text is to begin with `typed`; None: all of them."""

        def allowed(ids: Sequence[int]) -> numpy.ndarray | None:
            rest = typed[len(self._codec.decode(ids)) :]
            if not rest:
                return None
            return numpy.concatenate([self.beginning(rest), *(self.equal(rest[:n]) for n in range(1, len(rest)))])

        return allowed
