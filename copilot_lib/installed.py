"""Finds the source of an installed module by its name, without importing what others wrote.

It knows Python's search path; it does not know repositories, or what a source is wanted for.
"""

import importlib
import sys
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from copilot_lib import repository

MOST_FILES = 60
"""Of one package: its own and those beside it in alphabetical order; larger ones are known in part."""


def find(module: str) -> ModuleSpec | None:
    """Where a module is, package by package; None if it is not installed. Nothing of it is run."""
    spec, places, name = None, None, ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        try:
            spec = PathFinder.find_spec(name, places)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        places = spec.submodule_search_locations or []
    return spec


def package_folder(name: str) -> Path | None:
    """The folder of an installed package; None where there is none.

    >>> package_folder("json").name, package_folder("math")
    ('json', None)
    """
    spec = find(name)
    return Path(next(iter(spec.submodule_search_locations))).resolve() if spec and spec.submodule_search_locations else None


@cache
def text_of(module: str) -> str:
    """The source of a module and of those beside it in its package; of a compiled one of Python's own, its names; else empty.

    Stubs (`.pyi`) count, since they name what compiled code has.

    >>> "def dumps(" in text_of("json"), "sqrt" in text_of("math").split(), text_of("no_such_module")
    (True, True, '')
    """
    top = module.split(".")[0]
    spec = find(module)
    if top in sys.builtin_module_names or (top in sys.stdlib_module_names and spec and not (spec.origin or "").endswith(".py")):
        return " ".join(dir(importlib.import_module(top)))
    if spec is None:
        return ""
    folders = [Path(place) for place in spec.submodule_search_locations or []]
    files = [Path(spec.origin)] if spec.origin else []
    files += [file for folder in folders for form in ("*.pyi", "*.py") for file in sorted(folder.glob(form))[:MOST_FILES]]
    return "\n".join(map(text_in, files))


def text_in(file: Path) -> str:
    """The text of a source file; empty where it has none that can be read."""
    try:
        return repository.decoded(repository.bounded_bytes(file.resolve(), repository.MAX_BYTES))
    except (OSError, ValueError):
        return ""
