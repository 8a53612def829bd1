"""Collects what a model should see besides the open file: from imports, open documents and the repository, within a budget.

It knows the order of these sources; it does not know how each finds its pieces or how a prompt is put together.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, zip_longest
from pathlib import Path

from copilot_lib import models
from copilot_lib.codec import Codec
from copilot_lib.context.imports import imported
from copilot_lib.context.open_files import opened
from copilot_lib.context.project import Project
from copilot_lib.context.retrieval import Searchable, retrieved
from copilot_lib.cursor import Cursor
from copilot_lib.snippet import Count, Snippet, fit

Source = Callable[[Cursor, Path, Project], Iterable[Snippet]]
Sources = tuple[tuple[str, Source], ...]
SOURCES: Sources = (("open", opened), ("imported", imported))
"""What needs no index, in the order in which it stands in a prompt: what changes least comes first, so that the keys and
values of it can be kept from one keystroke to the next."""


def with_index(index: Searchable) -> Sources:
    """All sources: those that need no index, and what it finds. An `Index`, a `VectorIndex`, or both as `Fused`."""
    return (*SOURCES, ("retrieved", partial(retrieved, index=index)))


@cache
def pocket_codec() -> Codec:
    """The codec that tokens are counted with where nobody says otherwise."""
    return models.load("pocket").codec


def in_pocket_tokens(snippet: Snippet) -> int:
    """How many tokens of the pocket model a snippet takes."""
    return len(pocket_codec().snippet(snippet.file, snippet.text))


def gather(
    cursor: Cursor,
    path: Path | str,
    project: Project,
    budget_tokens: int,
    count: Count = in_pocket_tokens,
    sources: Sources = SOURCES,
) -> list[Snippet]:
    """Pieces of other files that may help at a cursor in the file `path`, in the order in which they stand in a prompt.

    `count` gives the tokens that a snippet takes in a prompt, and the sum of them is at most `budget_tokens`. The sources take
    turns, each with its best first, until the budget is used; one that does not fit is cut at a line's end. No two snippets
    show the same lines, and none those of the open file.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "tax.py").write_text("def net(gross, rate=0.19):\\n    'Without tax.'\\n    return gross / (1 + rate)\\n")
    >>> text = "from tax import net\\nprint(net("
    >>> for found in gather(Cursor(text, len(text)), "shop.py", Project(root), 100):
    ...     print(found.file, found.reason, found.text, sep="\\n")
    tax.py
    net is used on line 2
    def net(gross, rate=0.19):
        \"\"\"Without tax.\"\"\"
    """
    place = project.path(path)
    offers = [source(cursor, place, project) for _, source in sources]
    chosen = fit(without_overlaps(in_turns(offers), project.name_of(place)), budget_tokens, count)
    # The best of each source stands last of it, nearest to the open file.
    return [one for name, _ in sources for one in reversed(chosen) if one.source == name]


@dataclass(frozen=True)
class InProject:
    """An open file's place in a project, in the state that the editor's other documents were in when this was made."""

    project: Project
    path: Path
    sources: Sources
    revision: int

    @property
    def name(self) -> str:
        """The file's path in the project."""
        return self.project.name_of(self.path)

    def gather(self, cursor: Cursor, budget_tokens: int, count: Count) -> list[Snippet]:
        """As the function of that name."""
        return gather(cursor, self.path, self.project, budget_tokens, count, self.sources)


def place(project: Project, path: Path | str, sources: Sources = SOURCES) -> InProject:
    """The place of a file in a project, as it is now: what a completer takes as `place`."""
    return InProject(project, project.path(path), sources, project.revision(path))


def in_turns(offers: Iterable[Iterable[Snippet]]) -> Iterator[Snippet]:
    """The first of each, the second of each, and so on.

    >>> "".join(in_turns(["ad", "b", "ce"]))
    'abcde'
    """
    return (snippet for snippet in chain.from_iterable(zip_longest(*offers)) if snippet is not None)


def without_overlaps(snippets: Iterable[Snippet], open_file: str) -> Iterator[Snippet]:
    """Those that show nothing which one before them shows, and nothing of the open file."""
    given: list[Snippet] = []
    for one in snippets:
        if one.file != open_file and one.text.strip() and not any(overlap(one, other) for other in given):
            given.append(one)
            yield one


def overlap(one: Snippet, other: Snippet) -> bool:
    """Whether two snippets have a line of a file in common."""
    return one.file == other.file and one.first_line <= other.last_line and other.first_line <= one.last_line
