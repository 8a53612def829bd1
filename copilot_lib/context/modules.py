"""Finds the file that an import names, by Python's own rules, without running anything.

It knows folders, packages and where Python would look; it does not know what is in a file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

SOURCE_FOLDERS = ("", "src")
"""Where under a project's root its packages lie."""


@dataclass(frozen=True)
class Module:
    """A module: its file, and the folders in which its submodules are; a namespace package has no file."""

    file: Path | None
    folders: tuple[Path, ...] = ()


def search_path(root: Path, file: Path) -> list[Path]:
    """The folders in which an absolute import of `file` is looked up, in this order.

    The folder above the outermost package that the file is in, which may be the one above the root, where the root is a
    package itself; the root, its `src`, and the folder of a script.
    """
    above = file.parent
    while above != root.parent and (above / "__init__.py").is_file():
        above = above.parent
    folders = [above, *(root / name for name in SOURCE_FOLDERS), file.parent]
    return list(dict.fromkeys(folders))


def find(dotted: str, folders: Iterable[Path], allowed: Callable[[Path], bool]) -> Module | None:
    """The module of a dotted name, found in folders as Python finds it; None where there is none.

    In each folder a package with `__init__` comes before a module, and folders without either make a namespace package
    together, if nothing else is found. What is not `allowed` is not there.
    """
    module = Module(None, tuple(folders))
    for name in dotted.split("."):
        module = find_in(name, module.folders, allowed)
        if module is None:
            return None
    return module


def find_in(name: str, folders: Iterable[Path], allowed: Callable[[Path], bool]) -> Module | None:
    """The module of one name in folders."""
    if not name.isidentifier():
        return None
    portions = []
    for folder in folders:
        for file, inside in ((folder / name / "__init__.py", (folder / name,)), (folder / f"{name}.py", ())):
            if allowed(file) and file.is_file():
                return Module(file, inside)
        if allowed(folder / name) and (folder / name).is_dir():
            portions.append(folder / name)
    return Module(None, tuple(portions)) if portions else None


def find_relative(level: int, dotted: str, file: Path, root: Path, allowed: Callable[[Path], bool]) -> Module | None:
    """The module that so many dots and a name mean in a file; None where they lead out of the project."""
    folder = file.parent
    for _ in range(level - 1):
        if folder == root:
            return None
        folder = folder.parent
    if dotted:
        return find(dotted, [folder], allowed)
    init = folder / "__init__.py"
    return Module(init if allowed(init) and init.is_file() else None, (folder,))
