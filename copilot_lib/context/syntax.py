"""What a Python file imports and declares, read by a parser that a half-written line does not stop (tree-sitter).

It knows source text and syntax; it does not know files, folders or which module a name comes from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Query, QueryCursor

PYTHON = Language(tree_sitter_python.language())
IMPORTS = Query(PYTHON, "[(import_statement) (import_from_statement)] @import")
BRANCHES = ("if_statement", "elif_clause", "else_clause", "try_statement", "except_clause", "finally_clause", "with_statement")
TRANSPARENT = frozenset(("module", "block", "ERROR", *BRANCHES))
"""What may stand around a declaration that is nevertheless the module's (or the class's) own."""
ASSIGNMENTS = frozenset(("assignment", "augmented_assignment"))
LONGEST_VALUE = 200
"""Characters of an assignment that are shown."""


@dataclass(frozen=True)
class Import:
    """One name that an import binds: `from module import name as bound`, or `import module as bound` where `name` is None.

    `import a.b` binds `a`, and `module` is `a.b`. A star import has `*` for name and binds nothing by itself.
    """

    module: str
    level: int
    """How many dots stand before the module: 0 is absolute."""
    name: str | None
    bound: str
    line: int


@dataclass(frozen=True)
class Declaration:
    """A function, class or constant: where it is, and what somebody who uses it must know of it."""

    name: str
    kind: str
    """`function`, `class` or `value`."""
    first_line: int
    last_line: int
    head: str
    """Decorators and the line (or lines) up to the colon, as they are written; of a value the assignment."""
    summary: str
    """The first line of the docstring, without its quotes."""
    members: tuple["Declaration", ...] = ()

    def member(self, name: str) -> "Declaration | None":
        """The last member of that name, as Python would have it."""
        return next((one for one in reversed(self.members) if one.name == name), None)


@dataclass(frozen=True)
class Outline:
    """A file's imports and its own declarations, by name the last one; `exports` is its `__all__`, None where it has none."""

    imports: tuple[Import, ...]
    declarations: dict[str, Declaration]
    exports: frozenset[str] | None

    def is_public(self, name: str) -> bool:
        """Whether a star import would bring this name."""
        return name in self.exports if self.exports is not None else not name.startswith("_")


@cache
def parser() -> Parser:
    """One parser for the process; a parse holds the interpreter's lock."""
    return Parser(PYTHON)


def outline(text: str) -> Outline:
    """What a file imports and declares, wherever it parses.

    >>> found = outline("from .tax import rate as r\\ndef total(cart, /, *, net=False) -> int:\\n    'Sum.'\\n    return (1\\n")
    >>> found.imports[0].module, found.imports[0].level, found.imports[0].name, found.imports[0].bound
    ('tax', 1, 'rate', 'r')
    >>> print(signature(found.declarations["total"]))
    def total(cart, /, *, net=False) -> int:
        \"\"\"Sum.\"\"\"
    """
    tree = parser().parse(text.encode(errors="replace"))
    found = QueryCursor(IMPORTS).captures(tree.root_node).get("import", [])
    imports = [one for node in sorted(found, key=lambda node: node.start_byte) for one in bindings(node)]
    declared = list(declarations(tree.root_node))
    return Outline(tuple(imports), {one.name: one for one in declared}, exports(tree.root_node))


def source(node: Node | None) -> str:
    return node.text.decode(errors="replace") if node else ""


def bindings(node: Node) -> Iterator[Import]:
    """The names that one import statement binds."""
    line = node.start_point.row + 1
    names = node.children_by_field_name("name")
    if node.type == "import_statement":
        for name in names:
            module = source(name.child_by_field_name("name") or name)
            alias = source(name.child_by_field_name("alias"))
            yield Import(module, 0, None, alias or module.split(".")[0], line)
        return
    dotted = source(node.child_by_field_name("module_name")).replace(" ", "")
    module = dotted.lstrip(".")
    level = len(dotted) - len(module)
    if any(child.type == "wildcard_import" for child in node.children):
        yield Import(module, level, "*", "*", line)
    for name in names:
        original = source(name.child_by_field_name("name") or name)
        yield Import(module, level, original, source(name.child_by_field_name("alias")) or original, line)


def declarations(node: Node) -> Iterator[Declaration]:
    """What is declared directly in a module's or class's block, branches included, in the order of the text."""
    for child in node.children:
        if child.type in TRANSPARENT:
            yield from declarations(child)
        elif child.type in ("function_definition", "class_definition", "decorated_definition"):
            yield from definition(child)
        elif child.type == "expression_statement" and child.children and child.children[0].type == "assignment":
            yield from assignment(child.children[0])


def definition(node: Node) -> Iterator[Declaration]:
    """A function or class, with the decorators above it."""
    inner = node.child_by_field_name("definition") or node
    body = inner.child_by_field_name("body")
    name = source(inner.child_by_field_name("name"))
    if not body or not name:
        return
    kind = inner.type.split("_")[0]
    head = dedented(node.text[: body.start_byte - node.start_byte], node.start_point.column)
    members = tuple(declarations(body)) if kind == "class" else ()
    first, last = node.start_point.row + 1, node.end_point.row + 1
    yield Declaration(name, kind, first, last, head[: head.rfind(":") + 1], docstring(body), members)


def dedented(text: bytes, columns: int) -> str:
    """A declaration's text with the indentation of its first line taken from all the others."""
    first, *others = text.decode(errors="replace").rstrip().split("\n")
    return "\n".join([first, *(line[columns:] if not line[:columns].strip() else line for line in others)])


def docstring(body: Node) -> str:
    """The first line of a block's docstring."""
    first = next((child for child in body.children if child.type != "comment"), None)
    string = first.children[0] if first and first.type == "expression_statement" and first.children else first
    if not string or string.type != "string":
        return ""
    content = next((child for child in string.children if child.type == "string_content"), None)
    return source(content).strip().split("\n")[0].strip()


def assignment(node: Node) -> Iterator[Declaration]:
    """A constant or field, where its target is a plain name."""
    target = node.child_by_field_name("left")
    if target and target.type == "identifier":
        text = dedented(node.text, node.start_point.column)
        head = text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE].rsplit("\n", 1)[0][: LONGEST_VALUE - 4] + " ..."
        yield Declaration(source(target), "value", node.start_point.row + 1, node.end_point.row + 1, head, "")


def exports(root: Node) -> frozenset[str] | None:
    """The strings of `__all__`, with what `+=` adds; None where there is no such list."""
    found: set[str] | None = None
    for child in root.children:
        inner = child.children[0] if child.type == "expression_statement" and child.children else child
        if inner.type in ASSIGNMENTS and source(inner.child_by_field_name("left")) == "__all__":
            found = (found or set()) | set(strings(inner.child_by_field_name("right")))
    return None if found is None else frozenset(found)


def strings(node: Node | None) -> Iterator[str]:
    """The plain strings in an expression."""
    if node and node.type == "string":
        yield "".join(source(child) for child in node.children if child.type == "string_content")
    elif node:
        for child in node.children:
            yield from strings(child)


def signature(declaration: Declaration, wanted: frozenset[str] = frozenset()) -> str:
    """What a user of a declaration must know, as Python: its head, the first line of its docstring, and a class's members.

    Of a class's methods come first `__init__` and those in `wanted`, then the other public ones, in the text's order each.
    """
    if declaration.kind == "value":
        return declaration.head
    lines = [declaration.head]
    if declaration.summary:
        lines.append(f'    """{declaration.summary}"""')
    for member in sorted(public_members(declaration, wanted), key=lambda one: importance(one, wanted)):
        lines += [f"    {line}" if line.strip() else "" for line in signature(member).split("\n")]
    if len(lines) == 1:
        lines[0] += " ..."
    return "\n".join(lines)


def importance(member: Declaration, wanted: frozenset[str]) -> int:
    """Fields first, since `__init__` may be made from them; then what is wanted; then the rest."""
    if member.kind == "value":
        return 0
    return 1 if member.name == "__init__" or member.name in wanted else 2


def public_members(declaration: Declaration, wanted: frozenset[str]) -> list[Declaration]:
    """The members that others use, the last of each name."""
    last = {one.name: one for one in declaration.members}
    return [one for one in last.values() if not one.name.startswith("_") or one.name == "__init__" or one.name in wanted]
