"""Says where the names that a target needs are to be found: what a model can see, what it may know, what it has to guess.

It knows names in texts; it does not know models, scores or files. Names are compared as words, without resolving any scope:
`join` that stands above counts as seen, whatever object it belongs to.
"""

import builtins
import keyword
import re
from collections.abc import Callable, Collection, Iterable

STRATA = ("no name", "above", "below", "library", "repository", "new")
"""From easy to hard. The names of a target are all in the same file above the cursor, or one is only below it, or only in what
Python or an imported library defines, or only in another file of the repository, or nowhere: a new name."""

STRING = re.compile(r"'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|#[^\n]*", re.S)
"""A string or a comment: the words in it are no names."""
NAME = re.compile(r"(?<!\w)[^\W\d]\w*")
DEFINITION = re.compile(r"\b(?:def|class)\s+(\w+)|^[ \t]*(?:self\.|cls\.)?(\w+)[ \t]*(?::[^=\n]+)?=(?!=)", re.M)
IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import|import[ \t]+([\w., ]+))", re.M)
WORDS_OF_PYTHON = frozenset(keyword.kwlist) | {"self", "cls"}
BUILTIN = frozenset(dir(builtins)).union(
    *(dir(kind) for kind in (str, bytes, int, float, list, dict, set, tuple, BaseException, property, type(lambda: None)))
)


def code_only(text: str) -> str:
    """The text with blanks for what is inside strings and comments, as long as it was."""
    return STRING.sub(lambda found: " " * len(found[0]), text)


def names(code: str) -> set[str]:
    """The names in a piece of code, which need not parse: no keywords, nothing inside strings and comments.

    >>> sorted(names("total += self.price(item, 'net price')  # in cents"))
    ['item', 'price', 'total']
    """
    return set(NAME.findall(code_only(code))) - WORDS_OF_PYTHON


def around(text: str, start: int, end: int) -> tuple[set[str], set[str], set[str]]:
    """The names that a gap touches, those above it, and those below it.

    >>> [sorted(names) for names in around("new = old(one); print(new)", 7, 13)]
    [['old', 'one'], ['new'], ['new', 'print']]
    """
    touched, above, below = set(), set(), set()
    for found in NAME.finditer(code_only(text)):
        side = above if found.end() <= start else below if found.start() >= end else touched
        side.add(found[0])
    return touched - WORDS_OF_PYTHON, above, below


def definitions(text: str) -> set[str]:
    """The names that a file defines: functions, classes, and what is assigned to, also of `self`.

    >>> sorted(definitions("class A:\\n    size: int = 3\\n    def grow(self):\\n        self.grown = self.size == 4"))
    ['A', 'grow', 'grown', 'size']
    """
    return {name for pair in DEFINITION.findall(text) for name in pair if name}


def imported_modules(text: str) -> set[str]:
    """The modules that a file imports by absolute names.

    >>> sorted(imported_modules("import os.path as p, re\\nfrom json.decoder import scanner\\nfrom . import x"))
    ['json.decoder', 'os.path', 're']
    """
    found = set()
    for source, listed in IMPORT.findall(text):
        found |= {source} if source else {part.split()[0] for part in listed.split(",") if part.split()}
    return {module for module in found if not module.startswith(".")}


def stratum(
    wanted: Collection[str],
    above: Collection[str],
    below: Collection[str],
    library: Collection[str],
    repository: Collection[str],
) -> str:
    """Where the hardest of the wanted names is to be found; each collection holds the names that are found there.

    >>> stratum({"a", "b"}, above={"a"}, below={"b"}, library=set(), repository={"b"})
    'below'
    >>> stratum({"a", "c"}, above={"a"}, below=set(), library=set(), repository=set())
    'new'
    """
    places = (above, below, library, repository)
    hardest = max((next((n for n, place in enumerate(places) if name in place), len(places)) for name in wanted), default=-1)
    return STRATA[hardest + 1]


def library_names(modules: Iterable[str], text_of: Callable[[str], str]) -> set[str]:
    """The names that Python itself has, and those in the sources of the given modules, as `text_of` finds them."""
    return BUILTIN.union(*(names(text_of(module)) for module in modules))
