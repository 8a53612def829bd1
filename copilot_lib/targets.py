"""Frozen places in code that no model has seen, where evaluation asks: four kinds of cursor, chosen before any model.

It knows files, lines and statements; it does not know models or scores. What is frozen are places, not code: the files come
from the installed distributions, whose versions must be the same.
"""

import ast
import hashlib
import json
import random
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from copilot_lib.corpus import HELD_OUT, MAX_BYTES
from copilot_lib.cursor import Cursor

PER_FILE = 5
"""Targets of one kind from one file at most, so that no long file owns an average."""
FIRST_LINE = 3
"""Lines at a file's start that are never asked about: nothing stands above them."""
WORD = re.compile(r"\w{3,}")
MOST_BLOCK_LINES = 6


@dataclass(frozen=True)
class Target:
    """A cursor in a file that the pocket model never saw, and what its author wrote there."""

    cursor: Cursor
    reference: str
    file: str
    kind: str = "rest of line"

    @property
    def group(self) -> str:
        """What is resampled as a whole for an interval: the file, without line and column."""
        return self.file.split(":")[0]


def code_lines(text: str) -> list[int]:
    """The numbers (0-based) of lines worth asking about: no blanks, comments, imports, docstrings or lone brackets."""
    inside, kept = False, []
    for n, line in enumerate(text.split("\n")):
        quotes = len(re.findall(r'"""|\'\'\'', line))
        if not inside and not quotes and re.search(r"\w{3}", line) and not re.match(r"\s*(#|import |from )", line):
            kept.append(n)
        inside ^= quotes % 2 == 1
    return kept


def whole_line(line: str, random: random.Random) -> int | None:
    """The column behind the indentation."""
    return len(line) - len(line.lstrip())


def rest_of_line(line: str, random: random.Random) -> int | None:
    """A column between two words or signs, behind the first and before the last."""
    columns = [m.start() for m in re.finditer(r"\w+|[^\w\s]", line)][1:]
    return random.choice(columns) if columns else None


def mid_word(line: str, random: random.Random) -> int | None:
    """A column inside a word of three or more characters."""
    words = [m.span() for m in WORD.finditer(line)]
    if not words:
        return None
    start, end = random.choice(words)
    return random.randrange(start + 1, end)


COLUMNS: dict[str, Callable[[str, random.Random], int | None]] = {
    "whole line": whole_line,
    "rest of line": rest_of_line,
    "mid-word": mid_word,
}
"""Kinds that ask for the rest of a line, and where in the line the cursor stands."""
KINDS = (*COLUMNS, "block")


def line_gaps(text: str, kind: str, random: random.Random) -> list[tuple[int, int]]:
    """At most `PER_FILE` gaps from a cursor to the end of its line."""
    starts = [0, *(m.end() for m in re.finditer("\n", text))]
    lines = text.split("\n")
    chosen = [n for n in code_lines(text) if n >= FIRST_LINE]
    random.shuffle(chosen)
    spans = []
    for n in chosen:
        column = COLUMNS[kind](lines[n], random)
        if column is not None and len(spans) < PER_FILE:
            spans.append((starts[n] + column, starts[n] + len(lines[n])))
    return spans


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of a file; None where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def block_gaps(text: str, random: random.Random) -> list[tuple[int, int]]:
    """At most `PER_FILE` statements of two to six lines, inside a function or class; none of them a lone string.

    None in a file that does not parse.
    """
    if not text.isascii():  # syntax trees count columns in bytes
        return []
    tree = parsed(text)
    if tree is None:
        return []
    starts = [0, *(m.end() for m in re.finditer("\n", text))]
    found = {
        (starts[n.lineno - 1] + n.col_offset, starts[n.end_lineno - 1] + n.end_col_offset)
        for n in ast.walk(tree)
        if isinstance(n, ast.stmt)
        and not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
        and n.col_offset > 0
        and 1 <= n.end_lineno - n.lineno < MOST_BLOCK_LINES
    }
    spans = sorted(span for span in found if not text[text.rfind("\n", 0, span[0]) + 1 : span[0]].strip())
    return random.sample(spans, min(PER_FILE, len(spans)))


def held_out_files(distribution: str) -> Iterator[tuple[str, str]]:
    """Path and text of a distribution's own modules (no tests), ordered by the hash of their paths."""
    files = [f for f in metadata.distribution(distribution).files or () if f.suffix == ".py" and "tests" not in f.parts]
    for file in sorted(files, key=lambda f: hashlib.sha1(str(f).encode()).digest()):
        text = Path(str(file.locate())).read_text(encoding="utf-8")
        if 500 < len(text) < MAX_BYTES:
            yield str(file), text


def sample(files: Iterable[tuple[str, str]], count: int, seed: int) -> list[dict]:
    """Up to `count` places of each kind from (path, text) pairs, as rows for JSON: file, kind, start and end of the gap."""
    random_ = random.Random(seed)
    rows: dict[str, list[dict]] = {kind: [] for kind in KINDS}
    for path, text in files:
        for kind, made in rows.items():
            spans = block_gaps(text, random_) if kind == "block" else line_gaps(text, kind, random_)
            made += [{"file": path, "kind": kind, "start": a, "end": b} for a, b in spans]
    return [row for made in rows.values() for row in sorted(made[:count], key=lambda row: (row["file"], row["start"]))]


def freeze(file: Path, per_distribution: int, seed: int = 0) -> None:
    """Chooses places in all held-out distributions and writes them down, with the versions they are places of."""
    rows = [row for name in sorted(HELD_OUT) for row in sample(held_out_files(name), per_distribution, seed)]
    versions = {name: metadata.version(name) for name in sorted(HELD_OUT)}
    head = json.dumps({"versions": versions, "seed": seed, "per_file": PER_FILE})[:-1]
    file.write_text(head + ', "targets": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]}\n", encoding="utf-8")


def load(file: Path) -> list[Target]:
    """The targets of a frozen file; `ValueError` where another version of a distribution is installed."""
    frozen = json.loads(file.read_text(encoding="utf-8"))
    texts = {}
    for name, version in frozen["versions"].items():
        if metadata.version(name) != version:
            raise ValueError(
                f"{file.name} holds places in {name} {version}, but {metadata.version(name)} is installed: "
                "install the tested set (constraints.txt)"
            )
        texts |= dict(held_out_files(name))
    return [place(texts[row["file"]], row) for row in frozen["targets"]]


def place(text: str, row: dict) -> Target:
    """The target that a frozen row describes.

    >>> place("a = 1\\nb = 22\\n", {"file": "x.py", "kind": "rest of line", "start": 10, "end": 12})
    Target(cursor=Cursor(text='a = 1\\nb = \\n', offset=10), reference='22', file='x.py:2:5', kind='rest of line')
    """
    start, end = row["start"], row["end"]
    cursor = Cursor(text[:start] + text[end:], start)
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    return Target(cursor, text[start:end], f"{row['file']}:{line}:{column}", row["kind"])
