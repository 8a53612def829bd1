"""Reads the functions with their tests, and cuts holes into them: a line, a line with its newline, or a whole body.

It knows Python's grammar and cursors; it does not know who fills a hole, or what happens when it is run.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from copilot_lib.cursor import Cursor
from copilot_lib.targets import Target, code_lines

FOLDER = Path(__file__).parent / "functions"


@dataclass(frozen=True)
class Task:
    """A function or class, with what it imports above it, and the test that it must pass."""

    name: str
    topic: str
    text: str
    test: str

    def program(self, text: str) -> str:
        """What is run to try a text in the place of the task's own."""
        return f"{text}\n\n\n{self.test}\n\n\ntest_{self.name}()\n"


@dataclass(frozen=True)
class Hole(Target):
    """A place in a task, and what its author wrote there; all holes of a task are one group."""

    task: Task | None = None

    def filled(self, answer: str) -> str:
        """The program with an answer in the hole."""
        return self.task.program(self.cursor.prefix + answer + self.cursor.suffix)


@cache
def tasks() -> tuple[Task, ...]:
    """All of them, in the order of their topics."""
    return tuple(task for file in sorted(FOLDER.glob("[a-z]*.py")) for task in tasks_in(file.stem, file.read_text("utf-8")))


def tasks_in(topic: str, text: str) -> Iterator[Task]:
    """The tasks of one topic: each definition that has a test named after it.

    >>> [task] = tasks_in("signs", "import re\\n\\n\\ndef f():\\n    return 1\\n\\n\\ndef test_f():\\n    assert f()\\n")
    >>> print(task.text)
    import re
    <BLANKLINE>
    <BLANKLINE>
    def f():
        return 1
    <BLANKLINE>
    """
    body = ast.parse(text).body
    source = {
        node.name: ast.get_source_segment(text, node) for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    imports = [ast.get_source_segment(text, node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    above = "".join(f"{line}\n" for line in imports) + ("\n\n" if imports else "")
    for name, code in source.items():
        if test := source.get(f"test_{name}"):
            yield Task(name, topic, f"{above}{code}\n", test)


def line_spans(task: Task) -> Iterator[tuple[int, int]]:
    """From the indentation to the end of each line of the body that is worth asking about."""
    lines = task.text.split("\n")
    start = 0
    worth = {n for n in code_lines(task.text) if lines[n].startswith(" ")}
    for n, line in enumerate(lines):
        if n in worth:
            yield start + len(line) - len(line.lstrip()), start + len(line)
        start += len(line) + 1


def lines_with_newline(task: Task) -> Iterator[tuple[int, int]]:
    """The same lines from their first column to behind their newline, as benchmarks cut them."""
    for start, end in line_spans(task):
        yield task.text.rfind("\n", 0, start) + 1, end + 1


def bodies(task: Task) -> Iterator[tuple[int, int]]:
    """From the first statement behind the docstring to the end of the task; of a class that of each method with a body."""
    starts = [0, *(n + 1 for n, character in enumerate(task.text) if character == "\n")]
    for node in ast.walk(ast.parse(task.text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) is not None else node.body[0]
            yield starts[first.lineno - 1] + first.col_offset, starts[node.end_lineno - 1] + node.end_col_offset


KINDS: dict[str, Callable[[Task], Iterator[tuple[int, int]]]] = {
    "line": line_spans,
    "line with its newline": lines_with_newline,
    "body": bodies,
}
"""Where a hole may be: the cursor behind a line's indentation, as in an editor; or a line with all that belongs to it, as
benchmarks have it; or all that a function does."""


def holes(kind: str) -> list[Hole]:
    """All holes of a kind, in the order of the tasks."""
    return [
        Hole(Cursor(task.text[:start] + task.text[end:], start), task.text[start:end], f"{task.name}:{start}", kind, task)
        for task in tasks()
        for start, end in KINDS[kind](task)
    ]
