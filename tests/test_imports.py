"""Imports are followed to the same place that Python itself finds, and nowhere else."""

import importlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.context.imports import Found, Names, imported
from copilot_lib.context.modules import Module, find
from copilot_lib.context.project import Project
from copilot_lib.cursor import Cursor

HERE = "\N{BLACK SQUARE}"


def project(folder: Path, **files: str) -> Project:
    """A project of files whose names have `__` for `/`; the rest of a name is `.py`."""
    for name, text in files.items():
        file = folder / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Project(folder)


def shown(project: Project, text: str, name: str = "main.py") -> list[str]:
    """What is shown at the black square of a text."""
    before, _, after = text.partition(HERE)
    return [one.text for one in imported(Cursor(before + after, len(before)), project.path(name), project)]


FORMS = {
    "a module": "import pkg.mod\nx = pkg.mod.f(■)",
    "a module under another name": "import pkg.mod as m\nx = m.f(■)",
    "a name": "from pkg.mod import f\nx = f(■)",
    "a name under another": "from pkg.mod import f as g\nx = g(■)",
    "a submodule": "from pkg import mod\nx = mod.f(■)",
    "what a package re-exports": "from pkg import f\nx = f(■)",
    "a re-export by star": "from star import f\nx = f(■)",
    "a star": "from pkg.mod import *\nx = f(■)",
    "a namespace package": "from space.inner.mod import f\nx = f(■)",
    "inside a function": "def h():\n    from pkg.mod import f\n    return f(■)",
    "where the file does not parse": "from pkg.mod import f\nclass (:\n  x = f(■\n)))",
    "the attribute of a class": "from pkg.mod import C\nx = C.f(■)",
    "being typed": "from pkg import mod\nx = mod.■",
    "being imported": "from pkg.mod import ■",
}


@pytest.fixture
def packages(tmp_path) -> Project:
    body = 'def f(a, /, b=1, *, c: int = 2):\n    "Does f."\nclass C:\n    def f(self): "Of C."\ndef _hidden(): pass\n'
    return project(
        tmp_path,
        pkg__INIT="from .mod import f\n",
        pkg__mod=body,
        star__INIT="from .inner import *\n",
        star__inner="from pkg.mod import *\n__all__ = ['f']\n",
        space__inner__mod=body,
    )


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_of_import_leads_to_the_declaration(packages, form):
    found = "\n".join(shown(packages, FORMS[form]))
    assert ("Of C." if form.startswith("the attribute") else "def f(a, /, b=1, *, c: int = 2):") in found
    assert "_hidden" not in found


def test_relative_imports_climb_as_python_s_do(tmp_path):
    files = project(tmp_path, a__INIT="", a__b__INIT="", a__top="def top(): pass\n", a__b__near="def near(): pass\n")
    text = "from ..top import top\nfrom .near import near\nfrom . import near as n\ntop(near(n.near(■)))"
    assert shown(files, text, "a/b/main.py") == ["def near(): ...", "def top(): ..."]


def test_only_what_is_used_near_the_cursor_is_shown(packages):
    far = "\n" * 40
    assert shown(packages, f"from pkg.mod import f\nf(){far}■{far}f()") == []


def test_names_of_the_open_file_itself_are_not_looked_for_elsewhere(packages):
    assert shown(packages, "from pkg.mod import f\ndef f(): pass\nf(■)") == []


def test_files_that_import_each_other_end(tmp_path):
    files = project(tmp_path, a="from b import f\nfrom b import *\n", b="from a import f\nfrom a import *\n")
    assert shown(files, "from a import f, g\nf(g(■))") == []


@pytest.mark.parametrize("outside", ["..", "link", "absolute"])
def test_nothing_outside_the_root_is_read(tmp_path, outside):
    project(tmp_path, secret="def secret(): pass\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.py").symlink_to(tmp_path / "secret.py")
    (root / "folder").symlink_to(tmp_path)
    lines = {
        "..": "from ..secret import secret",
        "link": "from link import secret",
        "absolute": "from folder.secret import secret",
    }
    assert shown(Project(root), f"{lines[outside]}\nsecret(■)") == []


def test_a_loop_of_links_ends(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a.py").symlink_to(tmp_path / "a.py")
    assert shown(Project(tmp_path), "from loop.loop.a import f\nfrom a import g\nf(g(■))") == []


@pytest.mark.parametrize("name", ["secrets", "credentials", "local_settings"])
def test_files_that_are_named_like_secrets_are_not_shown(tmp_path, name):
    files = project(tmp_path, **{name: "PASSWORD = 'x'\n"})
    assert shown(files, f"from {name} import PASSWORD\nPASSWORD■") == []


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00def", b"x = '" + b"a" * 2_000_000 + b"'", b"# coding: nonsense\ndef f(): pass\n"]
)
def test_files_that_cannot_be_read_are_empty(tmp_path, data):
    (tmp_path / "a.py").write_bytes(data)
    assert shown(Project(tmp_path), "from a import f\nf(■)") == []


def test_unsaved_text_of_an_open_file_counts(packages):
    packages.change("pkg/mod.py", "def f(unsaved): pass\n")
    assert shown(packages, "from pkg.mod import f\nf(■)") == ["def f(unsaved): ..."]


def test_a_file_that_has_changed_is_read_again(packages):
    assert "c: int = 2" in shown(packages, FORMS["a name"])[0]
    packages.path("pkg/mod.py").write_text("def f(other): pass\n", encoding="utf-8")
    assert shown(packages, FORMS["a name"]) == ["def f(other): ..."]


@given(st.text(alphabet="from import.* as,\n()abf_= ", max_size=80), st.data())
def test_no_text_makes_it_fail(tmp_path_factory, text, data):
    root = tmp_path_factory.getbasetemp()
    (root / "a.py").write_text("def f(): pass\n", encoding="utf-8")
    list(imported(Cursor(text, data.draw(st.integers(0, len(text)))), root / "main.py", Project(root)))


RESOLVE = """
import importlib, json, sys
print(json.dumps({n: getattr(importlib.import_module(n), "__file__", None) for n in sys.argv[1:]}))
"""


def test_python_finds_modules_in_the_same_files(tmp_path):
    """A package and a module of one name, a package and a namespace: Python is asked in its own process."""
    files = project(tmp_path, both__INIT="", both="", space__one="", space__two__three="", src="", src__hidden="", plain="")
    names = ["both", "space.one", "space.two.three", "space.two", "plain", "src"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    asked = subprocess.run(
        [sys.executable, "-c", RESOLVE, *names], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    python = json.loads(asked.stdout)
    assert {name: str(find(name, [files.root], files.allowed).file) for name in names} == {n: str(f) for n, f in python.items()}


def test_jinja_s_imports_lead_where_python_s_lead():
    """Functions and classes that one module imports from another: the file and the line, by Python and by us."""
    root = Path(jinja2.__file__).resolve().parent
    files = Project(root)
    names, asked, agreed = Names(files), 0, 0
    for file in sorted(root.glob("*.py")):
        module = importlib.import_module(f"jinja2.{file.stem}") if file.stem != "__init__" else jinja2
        for one in files.outline(file).imports:
            thing = getattr(module, one.bound, None) if one.name else None
            if not (inspect.isfunction(thing) or inspect.isclass(thing)) or not thing.__module__.startswith("jinja2."):
                continue
            found, line = names.bound(one, file), inspect.getsourcelines(thing)[1]
            asked += 1
            agreed += isinstance(found, Found) and found.file.name == f"{thing.__module__.split('.')[1]}.py"
            agreed -= isinstance(found, Found) and found.declaration.first_line != line
    assert asked > 100
    assert agreed >= 0.97 * asked


def test_a_module_is_found_but_has_no_declaration(packages):
    one = packages.outline(packages.path("pkg/__init__.py")).imports[0]
    assert isinstance(Names(packages).module(one, packages.path("pkg/__init__.py")), Module)
