"""A piece of another file of the repository that a model may be shown, and how many of them fit into a budget.

It knows text, files and reasons; it does not know how a piece was found, tokens or models.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Protocol

from copilot_lib.cursor import Cursor

LEAST_LINES = 2
"""A snippet that does not fit is cut at a line's end; what would be shorter than this is left out."""


@dataclass(frozen=True)
class Snippet:
    """Some lines of a file, or what they declare, and why they may help."""

    file: str
    """Its path inside the project, with forward slashes."""
    first_line: int
    """Counted from 1, as an editor shows them."""
    last_line: int
    text: str
    source: str
    """Which of the ways to find snippets has found it: `imported`, `open`, `retrieved`; `brought` by a request."""
    reason: str
    """Why this one, in a few words for the one who asks."""


Count = Callable[[Snippet], int]
"""The tokens that a snippet takes as it is written into a prompt."""


class Place(Protocol):
    """Where an open file is, as far as it matters to a completion. Equal ones give the same snippets at the same cursor."""

    @property
    def name(self) -> str:
        """The file's path in its project."""

    def gather(self, cursor: Cursor, budget_tokens: int, count: Count) -> list[Snippet]:
        """Pieces of other files that may help at a cursor, in the order of the prompt, within the budget."""

    def __hash__(self) -> int:
        """Requests are told apart by it."""


class Shown:
    """A place that remembers what was gathered there last, as `shown`."""

    def __init__(self, place: Place):
        self._place = place
        self.name = place.name
        self.shown: list[Snippet] = []

    def gather(self, cursor: Cursor, budget_tokens: int, count: Count) -> list[Snippet]:
        """As the place does."""
        self.shown = self._place.gather(cursor, budget_tokens, count)
        return self.shown


def fit(snippets: Iterable[Snippet], budget_tokens: int, count: Count) -> list[Snippet]:
    """The first snippets, in their order, that fit into a budget together; one that does not is cut at a line's end.

    `count` gives the tokens of a snippet as it is written into a prompt; the sum over what is returned is at most the budget.

    >>> pieces = [Snippet("a.py", 1, 4, "a\\nb\\nc\\nd", "open", ""), Snippet("b.py", 1, 1, "e", "open", "")]
    >>> [piece.text for piece in fit(pieces, 4, lambda piece: len(piece.text.split()))]
    ['a\\nb\\nc\\nd']
    >>> [piece.text for piece in fit(pieces, 3, lambda piece: len(piece.text.split()))]
    ['a\\nb\\nc']
    """
    kept: list[Snippet] = []
    left = budget_tokens
    for snippet in snippets:
        if left <= 0:
            break
        fitting = next((piece for piece in shorter_and_shorter(snippet) if count(piece) <= left), None)
        if fitting:
            kept.append(fitting)
            left -= count(fitting)
    return kept


def shorter_and_shorter(snippet: Snippet) -> Iterator[Snippet]:
    """The snippet, and what is left of it as its last lines go, down to `LEAST_LINES`."""
    yield snippet
    beginnings = list(accumulate(snippet.text.splitlines(keepends=True)))
    for text in reversed(beginnings[LEAST_LINES - 1 : -1]):
        yield replace(snippet, text=text.rstrip("\n"))
