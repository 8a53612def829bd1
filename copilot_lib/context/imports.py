"""Follows the imports of the open file to what is used near the cursor, through re-exports, and shows how it is declared.

It knows names and where Python looks for them; it does not run code, and does not look where nothing is imported from.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot_lib.context.modules import Module, find, find_in, find_relative, search_path
from copilot_lib.context.project import Project
from copilot_lib.context.syntax import Declaration, Import, Outline, outline, public_members, signature
from copilot_lib.cursor import Cursor
from copilot_lib.snippet import Snippet

LINES_ABOVE, LINES_BELOW = 20, 10
"""How far from the cursor a name may be used to count as near."""
MOST_OFFERED = 12
"""How many of a module's names are shown where one of them is being typed."""
DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
ATTRIBUTE_BEGUN = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*)\.(\w*)$")
IMPORT_BEGUN = re.compile(r"^\s*from\s+(\.*)([\w.]*)\s+import\s+\(?(?:.*,\s*)?(\w*)$")
HEADER = re.compile(r"\s*(?:async\s+def|def|class)\b")


@dataclass(frozen=True)
class Found:
    """A declaration in some file; with `member` that one of the class."""

    file: Path
    declaration: Declaration
    member: Declaration | None = None

    def text(self, wanted: frozenset[str]) -> str:
        """How it is declared; a member stands in its class."""
        if not self.member:
            return signature(self.declaration, wanted)
        indented = "\n".join(f"    {line}" if line else "" for line in signature(self.member).split("\n"))
        return f"{self.declaration.head}\n{indented}"


def nearby_lines(cursor: Cursor) -> Iterator[int]:
    """The lines (0-based) whose names count, nearest first: around the cursor, and the headers that it stands under."""
    lines = cursor.text.split("\n")
    here = cursor.text.count("\n", 0, cursor.offset)
    yield here
    for distance in range(1, LINES_ABOVE + 1):
        if here - distance >= 0:
            yield here - distance
        if distance <= LINES_BELOW and here + distance < len(lines):
            yield here + distance
    deepest = len(lines[here]) - len(lines[here].lstrip()) if lines[here].strip() else len(lines[here])
    for n in range(here - 1, -1, -1):
        indentation = len(lines[n]) - len(lines[n].lstrip())
        if lines[n].strip() and indentation < deepest:
            deepest = indentation
            if HEADER.match(lines[n]) and here - n > LINES_ABOVE:
                yield n


def names_near(cursor: Cursor) -> dict[str, int]:
    """Dotted names used near the cursor, the nearest first, each with the line (1-based) of its nearest use.

    >>> names_near(Cursor("import a\\nx = a.b(c)\\n", 19))
    {'c': 2, 'a.b': 2, 'x': 2, 'import': 1, 'a': 1}
    """
    lines, column = cursor.text.split("\n"), cursor.offset - cursor.text.rfind("\n", 0, cursor.offset) - 1
    found: dict[str, int] = {}
    for n in nearby_lines(cursor):
        uses = DOTTED.finditer(lines[n])
        for use in uses if found else sorted(uses, key=lambda use: abs(use.end() - column)):
            found.setdefault(use[0], n + 1)
    return found


class Names:
    """What names mean in the files of a project."""

    def __init__(self, project: Project):
        self._project = project

    def module(self, one: Import, file: Path) -> Module | None:
        """The module that an import names, in the project."""
        root, allowed = self._project.root, self._project.allowed
        if one.level:
            return find_relative(one.level, one.module, file, root, allowed)
        return find(one.module, search_path(root, file), allowed)

    def bound(self, one: Import, file: Path, seen: frozenset = frozenset()) -> Module | Found | None:
        """What an import binds its name to; None where that is not in the project."""
        if one.name is None and one.bound == one.module.split(".")[0]:
            return find(one.bound, search_path(self._project.root, file), self._project.allowed)
        module = self.module(one, file)
        return module if one.name is None or module is None else self.attribute(module, one.name, seen)

    def attribute(self, thing: Module | Found, name: str, seen: frozenset = frozenset()) -> Module | Found | None:
        """An attribute of a module, as it would be after its import, or of a class."""
        if isinstance(thing, Found):
            member = thing.declaration.member(name) if not thing.member else None
            return Found(thing.file, thing.declaration, member) if member else None
        if thing.file:
            if (thing.file, name) in seen:
                return None
            found = self.lookup(self._project.outline(thing.file), thing.file, name, seen | {(thing.file, name)})
            if found:
                return found
        return find_in(name, thing.folders, self._project.allowed)

    def lookup(self, outlined: Outline, file: Path, name: str, seen: frozenset = frozenset()) -> Module | Found | None:
        """What a name means at the end of a file: declared there, imported, or brought by a star, the last of them."""
        if name in outlined.declarations:
            return Found(file, outlined.declarations[name])
        for one in reversed(outlined.imports):
            if one.bound == name and (found := self.bound(one, file, seen)):
                return found
        for one in reversed(outlined.imports):
            module = self.module(one, file) if one.name == "*" else None
            if module and module.file and self.is_exported(module.file, name) and (found := self.attribute(module, name, seen)):
                return found
        return None

    def is_exported(self, file: Path, name: str) -> bool:
        """Whether a star import of the file brings the name, if it is there."""
        return self._project.outline(file).is_public(name)

    def imported(self, outlined: Outline, file: Path, dotted: str) -> Found | Module | None:
        """What a dotted name means in a file, if its first part is imported and the rest can be followed.

        Where an attribute cannot be followed, what it is an attribute of.
        """
        first, *attributes = dotted.split(".")
        if first in outlined.declarations:
            return None
        thing = self.lookup(outlined, file, first)
        for name in attributes:
            deeper = self.attribute(thing, name) if thing else None
            if deeper is None:
                break
            thing = deeper
        return thing

    def offered(self, module: Module, begun: str) -> Iterator[Found]:
        """The public declarations of a module, re-exported ones included, whose names begin so."""
        outlined = self._project.outline(module.file) if module.file else None
        if not outlined:
            return
        names = {*outlined.declarations, *(one.bound for one in outlined.imports), *(outlined.exports or ())}
        for name in sorted(name for name in names if name.startswith(begun) and outlined.is_public(name)):
            found = self.attribute(module, name)
            if isinstance(found, Found):
                yield found


def imported(cursor: Cursor, path: Path, project: Project) -> Iterator[Snippet]:
    """Declarations in other files of what the open file imports and uses near the cursor; the nearest use first."""
    names, outlined = Names(project), outline(cursor.text)
    near = names_near(cursor)
    wanted = frozenset(part for dotted in near for part in dotted.split("."))
    given: set[Found] = set()
    for found, reason in [*being_typed(cursor, path, names, outlined), *used(near, path, names, outlined)]:
        if found not in given and found.file != path:
            given.add(found)
            shown = found.member or found.declaration
            place = project.name_of(found.file)
            yield Snippet(place, shown.first_line, shown.last_line, found.text(wanted), "imported", reason)


def being_typed(cursor: Cursor, path: Path, names: Names, outlined: Outline) -> Iterator[tuple[Found, str]]:
    """What a module or class offers whose attribute is begun at the cursor, or from which something is being imported."""
    typed = cursor.line_prefix
    if begun := IMPORT_BEGUN.match(typed):
        dots, module, start = begun.groups()
        thing = names.module(Import(module, len(dots), None, module, 0), path)
        of = f"{dots}{module}"
    elif begun := ATTRIBUTE_BEGUN.search(typed):
        of, start = begun.groups()
        thing = names.imported(outlined, path, of)
    else:
        return
    if isinstance(thing, Module):
        for found, _ in zip(names.offered(thing, start), range(MOST_OFFERED), strict=False):
            yield found, f"begun as {of}.{start}" if not dots_only(of) else f"begun as {start}"
    elif isinstance(thing, Found) and public_members(thing.declaration, frozenset()):
        yield thing, f"begun as {of}.{start}"


def dots_only(text: str) -> bool:
    return not text.strip(".")


def used(near: dict[str, int], path: Path, names: Names, outlined: Outline) -> Iterator[tuple[Found, str]]:
    """What imported names near the cursor mean."""
    for dotted, line in near.items():
        found = names.imported(outlined, path, dotted)
        if isinstance(found, Found):
            yield found, f"{dotted} is used on line {line}"
