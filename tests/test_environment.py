"""The four places that speak of dependencies agree: ranges, tested set, conda environment, Makefile."""

import re
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = [Requirement(text) for text in [*PROJECT["dependencies"], *chain(*EXTRAS.values())]]
BOOK_NEEDS = {
    "jupyterlab",
    "jupytext",
    "jupyter-book",
    "torch",
    "transformers",
    "peft",
    "trl",
    "datasets",
    "ipywidgets",
    "nbval",
}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier) for pin in found}


def pip_lines() -> list[str]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    return next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))


def test_every_pin_is_one_exact_version_without_a_local_tag():
    assert len(pins()) > 100
    assert [name for name, pin in pins().items() if not re.fullmatch(r"==[^=+*,]+", pin)] == []


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_the_tested_version_is_in_the_range(requirement):
    pin = pins()[canonicalize_name(requirement.name)].removeprefix("==")
    assert requirement.specifier.contains(pin, prereleases=True)


def wanted(extras: set[str]) -> set[str]:
    """Every distribution that this environment needs for the project, found by following what the installed ones declare."""
    todo, seen = list(DECLARED), set()
    while todo:
        requirement = todo.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in seen:
            continue
        seen.add(key)
        for text in metadata.requires(requirement.name) or []:
            needed = Requirement(text)
            if applies(needed.marker, requirement.extras | extras):
                todo.append(needed)
    return {name for name, _ in seen}


def applies(marker: Marker | None, extras: set[str]) -> bool:
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""})


def test_whatever_the_project_pulls_in_is_pinned():
    not_ours = {"setuptools", "wheel"}  # the builder's, not the project's
    of_other_platforms = {name for name in wanted(set()) if name.startswith(("nvidia-", "cuda-", "triton"))}
    assert wanted(set()) - not_ours - of_other_platforms - set(pins()) == set()


def test_the_book_s_own_packages_are_there():
    assert {canonicalize_name(requirement.name) for requirement in DECLARED} >= BOOK_NEEDS
    assert set(pins()) >= BOOK_NEEDS


def test_torch_s_range_leaves_colab_s_torch_alone():
    torch = next(requirement for requirement in DECLARED if requirement.name == "torch")
    assert torch.specifier == SpecifierSet(">=2.4"), "an upper bound, or a high lower one, makes pip replace Colab's torch"


def test_conda_s_environment_is_thin_and_asks_for_everything():
    constraint, package = pip_lines()
    assert constraint == "-c constraints.txt"
    assert set(re.fullmatch(r"-e \.\[(.*)\]", package).group(1).split(",")) == set(EXTRAS)
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = next(entry for entry in environment["dependencies"] if str(entry).startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))
    assert len(environment["dependencies"]) == 3  # Python, pip, and what pip brings


def test_make_installs_the_same_extras_and_asks_for_the_same_python():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.search(r"^EXTRAS = (.*)$", makefile, re.MULTILINE).group(1).split(",")) == set(EXTRAS)
    least = PROJECT["requires-python"].removeprefix(">=").replace(".", ", ")
    assert makefile.count("sys.version_info <") == makefile.count(f"sys.version_info < ({least})") == 2


def test_colab_installs_from_the_repository_that_the_package_names():
    repository = PROJECT["urls"]["Repository"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["repository"]["url"] == repository
    for chapter in (ROOT / "notebooks").glob("*.py"):
        assert f'pip install -q git+{repository}"' in chapter.read_text(encoding="utf-8")


def test_what_ships_beside_the_code_is_named_as_package_data():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    patterns = settings["package-data"]["copilot_lib"]
    folder = ROOT / "copilot_lib"
    named = {path for pattern in patterns for path in folder.glob(pattern)}
    assert folder / "pocket" / "model.safetensors" in named
    assert folder / "pocket" / "tokenizer.json" in named
    assert set(folder.glob("*.json")) <= named
