"""Proves of every exercise in the chapters that its solution passes its check and that its stub does not.

It runs only what an exercise needs: the chapter's earlier imports, definitions and assignments that stub, solution and
check use, directly or through each other.
"""

import ast
import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
import pytest

from copilot_lib import checks

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CHAPTERS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))
FOLD = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.DOTALL)
CHECK = re.compile(r"\bcheck_\d\d_\w+")


@dataclass(frozen=True)
class Exercise:
    """One stub with its check and its folded solution, and the chapter's code above it."""

    name: str
    above: str
    stub: str
    solution: str


def exercises(chapter: Path) -> list[Exercise]:
    cells, found = jupytext.read(chapter).cells, []
    for i, cell in enumerate(cells):
        if cell.cell_type != "code" or not (name := CHECK.search(cell.source)):
            continue
        fold = FOLD.search(cells[i + 1].source) if i + 1 < len(cells) and cells[i + 1].cell_type == "markdown" else None
        above = "\n".join(c.source for c in cells[:i] if c.cell_type == "code" and "get_ipython" not in c.source)
        found.append(Exercise(name.group(), above, cell.source, fold.group(1) if fold else ""))
    return found


EXERCISES = [exercise for chapter in CHAPTERS for exercise in exercises(chapter)]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


def names(node: ast.AST, context: type) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}


def bound(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement makes; none for one that is run for its effect."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return names(statement, ast.Store)
    return set()


def needed(code: str, above: str) -> str:
    """The statements of the text above that bind what the code uses, and what those use in turn, in their order."""
    wanted, kept = names(ast.parse(code), ast.Load), []
    for statement in reversed(ast.parse(above).body):
        if makes := bound(statement) & wanted:
            kept.append(statement)
            wanted = (wanted - makes) | names(statement, ast.Load)
            if isinstance(statement, ast.AugAssign):
                wanted |= makes
    return ast.unparse(ast.Module(kept[::-1], []))


def printed(code: str, above: str) -> str:
    """What a check prints when the code runs below what it needs of the chapter."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        space = {"__name__": "chapter"}
        exec(compile(needed(code, above), "<chapter>", "exec"), space)
        said.truncate(said.seek(0))
        exec(compile(code, "<exercise>", "exec"), space)
    return said.getvalue()


def check_lines(stub: str) -> str:
    """A stub cell without its definitions: the imports it begins with and the check it ends with."""
    kept = [n for n in ast.parse(stub).body if not isinstance(n, ast.FunctionDef | ast.ClassDef)]
    return ast.unparse(ast.Module(kept, []))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_exercises_that_answer(chapter):
    own = [exercise.name for exercise in exercises(chapter)]
    assert len(own) >= (1 if chapter.stem.startswith("00") else 2)
    assert all(name.startswith(f"check_{chapter.stem[:2]}_") for name in own)
    assert sorted(own) == sorted(name for name in dir(checks) if name.startswith(f"check_{chapter.stem[:2]}_"))


@each_exercise
def test_the_solution_passes(exercise):
    assert exercise.solution, "the fold with the solution must follow the stub"
    said = printed(exercise.solution + "\n" + check_lines(exercise.stub), exercise.above)
    assert said.startswith("right: "), said


@each_exercise
def test_the_stub_does_not_pass(exercise):
    said = printed(exercise.stub, exercise.above)
    assert said.startswith("not yet: "), said


def test_needed_takes_what_is_used_and_nothing_else():
    above = "import os\nbase = 2\n\ndef twice(x):\n    return x * base\n\nslow = compute()\nprint(slow)\n"
    assert needed("twice(3)", above) == "base = 2\n\ndef twice(x):\n    return x * base"
