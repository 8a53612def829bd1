"""Holds every chapter to shared/CHAPTER.md's budgets, to its pair, and to the library that it teaches.

It reads notebooks and never runs them; `pytest --nbval` runs them. A chapter is any `notebooks/NN_name.py`.
"""

import ast
import re
import statistics
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))
SHORTER = {"00"}
"""Chapters that may stay below the lower bounds: the set-up chapter."""
TEACHING = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15"}
"""Chapters that must teach at least one function of the library; any other may."""
TAGS = {"raises-exception", "hide-input", "nbval-ignore-output"}
OWN_PAGES = re.compile(
    r"https://(?:github\.com|colab\.research\.google\.com/github)/build-your-own-copilot/build-your-own-copilot/(?:blob|tree)/main/(.*)"
)
FENCE = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


@cache
def script(chapter: Path) -> nbformat.NotebookNode:
    return jupytext.read(chapter)


@cache
def notebook(chapter: Path) -> nbformat.NotebookNode:
    stored = chapter.with_suffix(".ipynb")
    assert stored.exists(), f"{stored.name} is missing: run `make notebooks`"
    return nbformat.read(stored, as_version=4)


def sources(chapter: Path, kind: str) -> list[str]:
    return [cell.source.strip() for cell in script(chapter).cells if cell.cell_type == kind and cell.source.strip()]


def code_cells(chapter: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook(chapter).cells if cell.cell_type == "code" and cell.source.strip()]


def outputs(chapter: Path) -> list[nbformat.NotebookNode]:
    return [output for cell in code_cells(chapter) for output in cell.outputs]


def prose(chapter: Path) -> str:
    """A chapter's Markdown without code, tags and link targets."""
    text = FENCE.sub("", "\n\n".join(sources(chapter, "markdown")))
    return re.sub(r"<[^>]+>|\]\([^)]*\)", " ", text)


def test_there_are_chapters_with_both_halves():
    assert CHAPTERS
    assert {path.stem for path in CHAPTERS} == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


@each_chapter
def test_script_and_notebook_are_the_same_cells(chapter):
    def cells(book):
        return [(c.cell_type, c.source.rstrip(), tuple(sorted(c.metadata.get("tags", [])))) for c in book.cells]

    assert cells(script(chapter)) == cells(notebook(chapter)), f"run `make notebooks`: {chapter.stem} was edited since"
    assert script(chapter).metadata.get("copilot_lib") == notebook(chapter).metadata.get("copilot_lib")
    assert notebook(chapter).metadata.kernelspec.name == "python3"  # without it Colab's button and Run All do nothing


@each_chapter
def test_number_and_length_of_code_cells(chapter):
    lengths = [len(source.splitlines()) for source in sources(chapter, "code")]
    assert len(lengths) <= 45
    assert len(lengths) >= 25 or chapter.stem[:2] in SHORTER
    assert statistics.median(lengths) <= 8
    assert max(lengths) <= 25


@each_chapter
def test_number_of_words(chapter):
    words = len(re.findall(r"\w+(?:['’]\w+)?", prose(chapter)))
    assert words <= 3000
    assert words >= 1500 or chapter.stem[:2] in SHORTER


@each_chapter
def test_set_up_cell_is_the_first_and_the_same_everywhere(chapter):
    first = sources(chapter, "code")[0]
    assert first == sources(CHAPTERS[0], "code")[0]
    assert len(first.splitlines()) <= 6
    assert "from copilot_lib.chapter import start" in first


@each_chapter
def test_tags_are_known_and_few_outputs_go_unchecked(chapter):
    tags = [tag for cell in script(chapter).cells for tag in cell.metadata.get("tags", [])]
    assert set(tags) <= TAGS
    assert tags.count("nbval-ignore-output") <= 3
    assert not [source for source in sources(chapter, "code") if "NBVAL_" in source], "use a cell tag, not a magic comment"


@each_chapter
def test_every_code_cell_was_run_in_order(chapter):
    counts = [cell.execution_count for cell in code_cells(chapter)]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"


@each_chapter
def test_outputs_are_short_and_quiet(chapter):
    for cell in code_cells(chapter):
        where = f"{chapter.stem}, the cell that begins {cell.source.splitlines()[0]!r}"
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        shown = [output.data.get("text/plain", "") for output in cell.outputs if "data" in output]
        assert all(output.get("name") != "stderr" for output in cell.outputs), f"{where} writes to stderr"
        assert max(len(text.splitlines()) for text in [printed, *shown]) <= 30, f"{where} shows more than 30 lines"
        if "raises-exception" not in cell.metadata.get("tags", []):
            assert all(output.output_type != "error" for output in cell.outputs), f"{where} fails"


@each_chapter
def test_figures_are_few_and_have_a_description(chapter):
    written = FENCE.sub("", "\n".join(sources(chapter, "markdown")))
    figures = re.findall(r"!\[([^\]]*)\]\(", written)
    for page in [written, *(output.data.get("text/html", "") for output in outputs(chapter) if "data" in output)]:
        figures += [(re.search(r'\balt="([^"]*)"', image) or [image, ""])[1] for image in re.findall(r"<img\b[^>]*>", page)]
    for output in outputs(chapter):
        bare = any(kind.startswith("image/") for kind in output.get("data", {})) and "text/html" not in output.data
        assert not bare, "a figure without a description: show it with show.figure(figure, description)"
    assert len(figures) <= 4
    assert all(len(description) >= 20 for description in figures), "a figure's description says what it shows"


def anchors(path: Path) -> set[str]:
    """Names that a link may point to inside a page: its headings, labels and ids."""
    text = "\n".join(c.source for c in jupytext.read(path).cells if c.cell_type == "markdown")
    headings = re.findall(r"^#+ +(.*?) *$", FENCE.sub("", text), re.MULTILINE)
    slugs = {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower())) for heading in headings}
    labels = re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)
    return slugs | set(labels) | set(re.findall(r'\bid="([\w-]+)"', text))


@each_chapter
def test_links_resolve(chapter):
    text = FENCE.sub("", "\n".join(sources(chapter, "markdown")))
    for target in re.findall(r"\]\(([^)\s]+)\)|\b(?:href|src)=\"([^\"]+)\"", text):
        link = unquote(next(filter(None, target)))
        if own := OWN_PAGES.match(link):
            link = "../" + own.group(1)
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        page = (chapter.parent / name).resolve() if name else chapter
        assert page.exists(), f"{chapter.stem} links to {link}, which is not there"
        if anchor:
            assert anchor in anchors(page), f"{chapter.stem} links to {link}, but the page has no such heading"


@each_chapter
def test_new_words_lead_to_the_glossary(chapter):
    card = re.search(r"^\| *time *\|.*?\n\n", "\n\n".join(sources(chapter, "markdown")) + "\n\n", re.DOTALL | re.MULTILINE)
    assert card, "the card is a table: time, hardware, chapters it needs, new words"
    assert "(../book/glossary.md#" in card.group()


class Bare(ast.NodeTransformer):
    """Takes from a syntax tree what a chapter may leave out: docstrings and annotations."""

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        return ast.Assign(targets=[node.target], value=node.value) if node.value else None

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.without_docstring(node)

    def visit_ClassDef(self, node):
        return self.without_docstring(node)

    def without_docstring(self, node):
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        # a string after a field is its documentation, too
        node.body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
        return node


def tree(node: ast.AST) -> str:
    bare = ast.fix_missing_locations(Bare().visit(ast.parse(ast.unparse(node))))
    return ast.unparse(bare)


def definitions(source: str) -> dict[str, str]:
    """The functions, classes and constants that a text defines at its top, as syntax trees."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = tree(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and target.id.isupper():
                    found[target.id] = tree(node)
    return found


@cache
def library() -> dict[str, dict[str, str]]:
    """Definitions of each module, by the module's dotted name below copilot_lib."""
    folder = ROOT / "copilot_lib"
    paths = [path for path in folder.rglob("*.py") if not {"node_modules", "functions"} & set(path.parts)]
    return {".".join(p.relative_to(folder).with_suffix("").parts): definitions(p.read_text(encoding="utf-8")) for p in paths}


def taught(chapter: Path) -> list[str]:
    return script(chapter).metadata.get("copilot_lib", {}).get("teaches", [])


def test_annotations_and_docstrings_are_no_difference_and_code_is():
    library_form = 'def f(x: int) -> int:\n    """Doc."""\n    y: int = x\n    return y\n'
    assert definitions(library_form) == definitions("def f(x):\n    y = x\n    return y\n")
    assert definitions(library_form) != definitions("def f(x):\n    y = x\n    return y + 1\n")


@each_chapter
def test_what_a_chapter_teaches_is_the_library_s(chapter):
    assert taught(chapter) or chapter.stem[:2] not in TEACHING, (
        "name what the chapter teaches in its header (copilot_lib: teaches:)"
    )
    defined = definitions("\n\n".join(code for code in sources(chapter, "code") if "get_ipython" not in code))
    for name in taught(chapter):
        module, _, function = name.rpartition(".")
        assert function in library().get(module, {}), f"{chapter.stem} teaches {name}, which the library does not have"
        assert defined.get(function) == library()[module][function], f"{chapter.stem}: {name} is not the library's code"


@each_chapter
def test_no_definition_borrows_a_name_of_the_library_for_other_code(chapter):
    for source in sources(chapter, "code"):
        if "get_ipython" in source:
            continue
        for name, code in definitions(source).items():
            namesakes = [module[name] for module in library().values() if name in module]
            assert not namesakes or name.isupper() or code in namesakes, f"{chapter.stem}: {name} is other code in the library"
