"""Decides what each run of the plan learns from, so that it is asked about nothing that it has read.

It knows repositories, their releases and which files are held out; it does not know how a training is done.
"""

from collections.abc import Iterator
from dataclasses import replace

from copilot_lib.repository import SourceFile
from copilot_lib.split import clusters
from copilot_lib.sweep.asking import folder_of
from copilot_lib.sweep.plan import Run
from copilot_lib.tuning.material import Material, collect, fingerprint


def material_of(one: Run) -> Material:
    """What a run learns from: of several repositories all that each has; the held-out files are the same for all seeds."""
    found = [collect(folder_of(package)) for package in one.learns]
    parts = {name: [file for each in found for file in prefixed(each, name)] for name in ("train", "validation", "test")}
    if not set(one.learns) >= set(one.places_of):
        parts |= {name: elsewhere(one, parts[name]) for name in ("train", "validation")}  # of both something is learnt
    learnt = spread(parts["train"], one.most_files)
    report = found[0].report | {
        "sha256": fingerprint(learnt),
        "files": {"train": len(learnt), "validation": len(parts["validation"]), "test": len(parts["test"])},
        "bytes": {"train": sum(len(file.text.encode()) for file in learnt)},
    }
    return Material("+".join(one.learns), learnt, parts["validation"], parts["test"], report)


def elsewhere(one: Run, files: list[SourceFile]) -> list[SourceFile]:
    """What may be learnt from where other places are asked about than those that go with it."""
    held_out = [file for package in one.places_of for file in prefixed(collect(folder_of(package)), "test")]
    return unlike(files, held_out)


def unlike(files: list[SourceFile], held_out: list[SourceFile]) -> list[SourceFile]:
    """Without files that are held out where the adapter is asked, by their path or nearly by their text.

    Of the release that is asked about there are none; of an older one, what is asked about now may have been learnt from.
    """
    paths = {file.path for file in held_out}
    rest = [file for file in files if file.path not in paths]
    marked = [replace(file, path=f"held out/{file.path}") for file in held_out]
    mixed = [group for group in clusters([*rest, *marked]) if any(file.path.startswith("held out/") for file in group)]
    alike = {file.path for group in mixed for file in group}
    return [file for file in rest if file.path not in alike]


def spread(files: list[SourceFile], most: int | None) -> list[SourceFile]:
    """At most so many of the files, from everywhere in the repository.

    >>> spread(list("abcdefg"), 4)
    ['a', 'b', 'd', 'f']
    """
    return files if most is None or most >= len(files) else [files[n * len(files) // most] for n in range(most)]


def prefixed(material: Material, part: str) -> Iterator[SourceFile]:
    """The files of one part, with the repository's name in front, so that two repositories may have files of one name."""
    return (replace(file, path=f"{material.name}/{file.path}") for file in getattr(material, part))
