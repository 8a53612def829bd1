"""What a file imports and declares, compared with what Python's own parser says, and in files that do not parse."""

import ast
import random
from pathlib import Path

import networkx
import pytest

from copilot_lib.context.syntax import outline, signature

FILES = sorted(Path(networkx.__file__).parent.glob("*/*.py"))[::6]
EVERY_KIND = '''\
@decorator(1)
async def fetch(
    url, /, retries: int = 3, *rest, timeout_s: float, **others
) -> bytes:
    """Fetches it.

    And more.
    """
    return b""
'''


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_imports_and_declarations_are_those_that_python_sees(file):
    text = file.read_text(encoding="utf-8")
    tree, found = ast.parse(text), outline(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(found.imports) == sum(len(node.names) for node in imports)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    assert defined <= found.declarations.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_hole_in_a_file_costs_nothing_of_what_stands_well_above_it(file):
    text = file.read_text(encoding="utf-8")
    hole = random.Random(file.name).randrange(len(text))
    whole, broken = outline(text), outline(text[:hole] + text[hole + 20 :])
    line = text.count("\n", 0, hole)
    assert {one for one in whole.imports if one.line < line} <= set(broken.imports)
    assert {one.name for one in whole.declarations.values() if one.last_line < line} <= broken.declarations.keys()


def test_a_signature_keeps_what_a_caller_must_know():
    head = EVERY_KIND[: EVERY_KIND.index("    And")].split('"""')[0]
    assert signature(outline(EVERY_KIND).declarations["fetch"]) == f'{head}"""Fetches it."""'


def test_a_class_is_shown_by_its_fields_and_public_methods_and_what_is_wanted_comes_first():
    text = (
        "class Cart(Base):\n    'Things.'\n    tax: float = 0.19\n    def __init__(self, n): pass\n    def _inner(self): pass\n"
        "    def empty(self): pass\n    @property\n    def total(self) -> int:\n        'Sum.'\n"
    )
    cart = outline(text).declarations["Cart"]
    assert signature(cart, frozenset(["total"])).split("\n") == [
        "class Cart(Base):",
        '    """Things."""',
        "    tax: float = 0.19",
        "    def __init__(self, n): ...",
        "    @property",
        "    def total(self) -> int:",
        '        """Sum."""',
        "    def empty(self): ...",
    ]


def test_declarations_in_branches_are_the_module_s_own():
    text = "try:\n    import a\nexcept ImportError:\n    def a(): pass\nif X:\n    LIMIT = 3\nelse:\n    LIMIT = 4\n"
    assert outline(text).declarations.keys() == {"a", "LIMIT"}


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("a = 1\n_b = 2\n", {"a"}),
        ("__all__ = ['_b']\na = 1\n_b = 2\n", {"_b"}),
        ("__all__ = ('a',)\n__all__ += ['_b']\na = 1\n_b = 2\n", {"a", "_b"}),
    ],
)
def test_a_star_brings_what_all_names_or_else_what_has_no_underscore(text, public):
    found = outline(text)
    assert {name for name in ("a", "_b") if found.is_public(name)} == public


def test_text_that_utf_8_cannot_hold_is_read_all_the_same():
    assert "f" in outline("x = '\ud800'\ndef f(): pass\n").declarations
