"""Asks a model at the frozen places of a repository, with and without pieces of other files, and keeps every outcome.

It knows places, conditions and outcomes; it does not know adapters' trainings or what is concluded.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path

from copilot_lib import context, frozen, models
from copilot_lib.ablation import KIND, Outcome, outcome
from copilot_lib.completer import Completer
from copilot_lib.contestants import CONTEXTS, NGRAMS
from copilot_lib.context import Index, NgramCache, Project
from copilot_lib.frozen import Frozen
from copilot_lib.installed import package_folder
from copilot_lib.models import Model
from copilot_lib.sweep.plan import RELEASES
from copilot_lib.sweep.sharing import lock_of
from copilot_lib.targets import Target

PLACES = 500
"""So many of each kind, if a repository has so many; those of `KIND` are asked."""


@dataclass(frozen=True)
class Asked:
    """A repository, the places that are asked about, and what other files say."""

    targets: list[Target]
    fingerprint: str
    project: Project
    index: Index

    @cached_property
    def cache(self) -> NgramCache:
        """The repository's n-grams; counted when they are first asked for, which takes seconds."""
        cache = NgramCache(self.project, models.codec("pocket")[0])
        cache.refresh()
        return cache

    def place(self, target: Target, condition: str):
        """What a model is shown at a target beside the open file."""
        shown = {source for word in condition.split("+") for source in CONTEXTS.get(word, ())}
        if not shown:
            return None
        sources = tuple(source for source in context.with_index(self.index) if source[0] in shown)
        return context.place(self.project, target.group, sources)

    def ngrams(self, target: Target, condition: str):
        """What is counted beside a network at a target."""
        return self.cache.at(target.group) if NGRAMS in condition.split("+") else None


def folder_of(package: str, work: Path = Path("build/claims")) -> Path:
    """Where a package is: as it is installed, if it is of the release that the plan names, else where that was unpacked.

    Of `name==version` it is that release. pip fetches what is not installed into `work`.
    """
    name, _, version = package.partition("==")
    release = version or RELEASES.get(name, "")
    if not release or installed_release(name) == release:
        if folder := package_folder(name):
            return folder
        raise ValueError(f"{name} is not installed: install the tested set (constraints.txt)")
    pinned = f"{name}=={release}"
    return fetched(pinned, work / "packages" / pinned)


def installed_release(name: str) -> str | None:
    """The version of an installed package; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def fetched(package: str, folder: Path) -> Path:
    """A release of a package by the registry that pip uses, unpacked; nothing of it is run or installed."""
    with lock_of(folder.name, folder.parent):
        if not folder.is_dir():
            fetch(package, folder)
    return folder / package.split("==")[0]


def fetch(package: str, folder: Path) -> None:
    """Has pip download a release, and unpacks it into a folder that is not there; `ValueError` where it cannot be had."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        options = ["--no-deps", "--only-binary", ":all:", "--dest", beside]
        pip = subprocess.run([sys.executable, "-m", "pip", "download", *options, package], capture_output=True, text=True)
        if pip.returncode:
            reason = (pip.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise ValueError(f"pip could not fetch {package}, which needs a network: {reason}")
        with zipfile.ZipFile(next(Path(beside).glob("*.whl"))) as wheel:
            wheel.extractall(Path(beside) / "unpacked")
        os.replace(Path(beside) / "unpacked", folder)


@cache
def asked_of(package: str, folder: Path) -> Asked:
    """A repository's places, which are frozen in `folder` the first time."""
    root, file = folder_of(package), folder / f"{package}-places.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        frozen.freeze(root, file, PLACES)
    asked: Frozen = frozen.load(root, file)
    project = Project(root)
    index = Index(project)
    index.refresh()
    targets = [target for target in asked.targets if target.kind == KIND]
    return Asked(targets, asked.fingerprint, project, index)


def outcomes(model: Model, asked: Asked, condition: str) -> list[Outcome]:
    """One for each target, in their order."""
    completer = Completer(model)
    return [
        outcome(completer, target, asked.place(target, condition), asked.ngrams(target, condition)) for target in asked.targets
    ]


def packed(found: Iterable[Outcome]) -> dict:
    """Outcomes for JSON, small: a digit, and two numbers."""
    found = list(found)
    return {
        "exact": "".join(str(int(one.exact)) for one in found),
        "similarity": [round(one.similarity, 3) for one in found],
        "bits": [round(one.bits, 2) for one in found],
        "context_tokens": round(sum(one.context_tokens for one in found) / len(found), 1),
    }


def unpacked(data: dict) -> list[Outcome]:
    """The outcomes that were packed, but that all were shown as many tokens of other files as the mean."""
    triples = zip(data["exact"], data["similarity"], data["bits"], strict=True)
    return [Outcome(float(exact), similarity, bits, data["context_tokens"]) for exact, similarity, bits in triples]


def read(file: Path) -> dict | None:
    """A record; None where there is none that is whole."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
