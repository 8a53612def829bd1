"""Pieces of other files that a request brings along, as the place that the open file has among them.

It knows names and texts; it does not know protocols, and opens no file. What is not for reading in a repository is not for
showing here: names and texts of secrets, generated text, data.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from copilot_lib.completer import CONTEXT_SHARE, LARGEST_WINDOW, LONGEST_TOKEN
from copilot_lib.cursor import LINE_END, Cursor
from copilot_lib.repository import SECRET_NAME, why_not
from copilot_lib.snippet import Count, Snippet, fit

MOST_PIECES = 16
"""As many as llama.vim keeps, and more than a model has room for."""
MOST_CHARACTERS = int(LARGEST_WINDOW * CONTEXT_SHARE) * LONGEST_TOKEN
"""Of one text, beyond which no model has room. Requests are remembered together with what they bring, so this is cut first."""
NAME_PARTS, NAME_CHARACTERS = 2, 100
"""Of a file's path its end is shown: where a project begins in it, requests do not say."""
NAMELESS = "snippet"


@dataclass(frozen=True)
class Brought:
    """Where a file is of which is known what its editor sends along. Equal ones have equal pieces."""

    pieces: tuple[Snippet, ...]
    """The newest last, as editors send them."""
    name: str = "filename"
    """What llama.cpp calls the open file, since requests do not name it."""

    def gather(self, cursor: Cursor, budget_tokens: int, count: Count) -> list[Snippet]:
        """The newest pieces that fit, the newest last: nearest to the open file."""
        # A line has a token or more. What has more lines than that is cut at once, not line by line.
        newest_first = (replace(piece, text=first_lines(piece.text, budget_tokens)) for piece in reversed(self.pieces))
        return fit(newest_first, budget_tokens, count)[::-1]


def brought(named_texts: Iterable[tuple[str, str]]) -> Brought | None:
    r"""The place with the last of some pieces, each a file's name and a text; None where none of them is to be shown.

    >>> [piece.file for piece in brought([("/srv/me/shop/tax.py", "x = 1\n"), ("", "y"), ("a.py", " "), (".env", "z")]).pieces]
    ['shop/tax.py', 'snippet']
    """
    found = (piece_of(*named) for named in list(named_texts)[-MOST_PIECES:])
    pieces = tuple(piece for piece in found if piece)
    return Brought(pieces) if pieces else None


def piece_of(name: str, text: str) -> Snippet | None:
    """The piece as a prompt may have it; None where it is blank or not for showing."""
    parts = " ".join(name.split()).replace("\\", "/").split("/")
    text = LINE_END.sub("\n", text[:MOST_CHARACTERS]).strip("\n")
    if not text.strip() or is_secret(parts[-1]) or why_not(text):
        return None
    file = "/".join(parts[-NAME_PARTS:])[-NAME_CHARACTERS:] or NAMELESS
    return Snippet(file, 1, text.count("\n") + 1, text, "brought", "sent along by the editor")


def is_secret(name: str) -> bool:
    """Whether a file's name is that of a secret, whatever kind of file it is.

    >>> is_secret(".netrc"), is_secret("secrets.yaml"), is_secret("server.key"), is_secret("keys.py")
    (True, True, True, False)
    """
    return name.startswith(".") or any(SECRET_NAME.fullmatch(spelling) for spelling in (name, name.partition(".")[0]))


def first_lines(text: str, count: int) -> str:
    r"""The first lines of a text.

    >>> first_lines("a\nb\nc", 2)
    'a\nb'
    """
    return "\n".join(text.split("\n", max(0, count))[: max(0, count)])
