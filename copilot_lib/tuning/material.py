r"""Collects from a repository what a model is to learn, what tells when to stop, and what it must never see; and reports.

It knows files, groups of near-duplicates and reasons; it does not know tokens, examples or models. The files of `test` are
those that `evaluate` and `frozen` ask about for the same seed:

    material = collect(folder)
    len(material.train), len(material.validation), len(material.test)
    material.report["left_out"]  # such as {"generated": 3, "near-duplicate": 12}
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from copilot_lib import repository
from copilot_lib.corpus import is_permissive, without_near_duplicates
from copilot_lib.repository import LeftOut, SourceFile
from copilot_lib.split import TEST_SHARE, clusters, of_groups
from copilot_lib.targets import parsed
from copilot_lib.tuning import leaks

VALIDATION_SHARE = 0.1
LEAST_WORDS = 10
LICENCE_NAME = re.compile(r"(licen[cs]es?|copying|unlicense)([-_.][\w.-]+)?", re.I)
WORDS_OF_LICENCES = {
    "Redistributions of source code must retain the above copyright": "BSD License",
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software": "MIT License",
    "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee": "ISC License",
}
"""What licences say that often begin with their owner's name instead of their own."""
NAMES_ITS_OWNER = re.compile(r"copyright|\(c\)|©", re.I)
RESTRICTS = re.compile(
    r"\b([AL]?GPL|MPL|EUPL)\b|General Public License|Mozilla|Business Source|Commons Clause|non-?commercial|proprietary", re.I
)
"""Words beside which those of another licence in the same file say nothing. Whole words, unlike the corpus's `COPYLEFT`, which
reads short names of licences: in a text every "implied" has "mpl"."""
DUPLICATE = "a near-duplicate of another file"

Progress = Callable[[str, Iterable], Iterable]
"""From what is being done and what it is done to, to the same things as they are done."""


def silently(name: str, items: Iterable) -> Iterable:
    """Shows nothing."""
    return items


@dataclass(frozen=True)
class Material:
    """The files of a repository in three parts, each in the order of its paths, and a record of how they came about."""

    name: str
    train: list[SourceFile]
    validation: list[SourceFile]
    """Taken from what could be learnt from, to see when learning should end."""
    test: list[SourceFile]
    """What nothing is learnt from and nothing is decided by."""
    report: dict
    """Ready for JSON: `files`, `lines` and `bytes` of each part, `left_out`, `secrets`, `licence`, settings, and the `sha256`
    of what is learnt from and what says when to stop."""


def collect(root: Path, seed: int = 0, tests: bool = False, progress: Progress = silently) -> Material:
    """The material of a folder; the same files and seed give the same. `tests` learns from test files too.

    Raises `ValueError` where there are not three files that differ, one for each part; `OSError` for a folder that is none.
    """
    root, noted = Path(root), {}
    files = []
    for file in progress("reading", repository.read(root, noted)):
        if tests or not repository.is_test(file.path):
            files.append(file)
        else:
            noted[file.path] = "a test"
    groups = clusters(files, partial(progress, "comparing"))
    test = of_groups(groups, TEST_SHARE, seed).test
    held_out = {file.path for file in test}
    found = [place for path, reason in noted.items() if reason == repository.HOLDS_KEY for place in keys(root, path)]
    kept = []
    for group in progress("looking for secrets", [group for group in groups if group[0].path not in held_out]):
        if usable := unique(learnable(group, noted, found), noted):
            kept.append(usable)
    if len(kept) < 2:
        raise ValueError(
            f"too little to learn from: beside {len(test)} held-out files, expected at least two Python files that differ "
            f"and hold no secrets, found {len(kept)}"
        )
    learnt = of_groups(kept, VALIDATION_SHARE, seed)
    parts = {"train": learnt.train, "validation": learnt.test, "test": test}
    name = root.resolve().name
    record = {
        "name": name,
        "settings": {"seed": seed, "tests": tests, "test_share": TEST_SHARE, "validation_share": VALIDATION_SHARE},
        "licence": licence(root),
        **counts(parts),
        "left_out": dict(Counter(noted.values()).most_common()),
        "left_out_files": dict(sorted(noted.items())),
        "secrets": found,
        "sha256": fingerprint((*learnt.train, *learnt.test)),
    }
    return Material(name, learnt.train, learnt.test, test, record)


def learnable(group: Iterable[SourceFile], noted: dict[str, str], found: list[dict]) -> list[SourceFile]:
    """The files that may be learnt from; why not the others is put into `noted`, and where their secrets are into `found`."""
    kept = []
    for file in group:
        here = places(file, leaks.found(file.text))
        found += here
        if reason := why_not(file, bool(here)):
            noted[file.path] = reason
        else:
            kept.append(file)
    return kept


def places(file: SourceFile, found: Iterable[leaks.Secret]) -> list[dict]:
    """Secrets as rows of the report."""
    return [{"file": file.path} | asdict(secret) for secret in found]


def keys(root: Path, path: str) -> list[dict]:
    """Where the keys are in a file that was not even read for them."""
    text = repository.decoded(repository.bounded_bytes(root / path, repository.MAX_BYTES))
    return places(SourceFile(path, text), leaks.keys(text))


def why_not(file: SourceFile, has_secret: bool) -> str | None:
    """The reason not to learn from a file; None to learn from it."""
    if has_secret:
        return "holds a secret"
    if len(re.findall(r"\w+", file.text)) < LEAST_WORDS:
        return "almost empty"
    return None if parsed(file.text) else "does not parse"


def unique(group: Sequence[SourceFile], noted: dict[str, str]) -> list[SourceFile]:
    """The first of those that are near-duplicates of each other; the others are noted."""
    if len(group) < 2:
        return list(group)
    kept = without_near_duplicates(group)
    noted |= {file.path: DUPLICATE for file in group if file not in kept}
    return kept


def counts(parts: dict[str, list[SourceFile]]) -> dict:
    """Files, lines and bytes of each part."""
    sizes = {
        "files": len,
        "lines": lambda files: sum(file.text.count("\n") for file in files),
        "bytes": lambda files: sum(len(file.text.encode()) for file in files),
    }
    return {what: {part: size(files) for part, files in parts.items()} for what, size in sizes.items()}


def fingerprint(files: Iterable[SourceFile]) -> str:
    """Tells one set of files from another, by their paths and texts."""
    digest = hashlib.sha256()
    for file in files:
        for part in (file.path, file.text):
            digest.update(f"{len(part)}:".encode() + part.encode())
    return digest.hexdigest()


def by_its_words(text: str) -> str:
    """What a licence is called that does not begin with its name, to stand before its first line; empty if that is unsure."""
    words = " ".join(text.split())
    found = [f"{name}; " for said, name in WORDS_OF_LICENCES.items() if said in words]
    return found[0] if len(found) == 1 and not RESTRICTS.search(words) else ""


def licence(root: Path) -> dict | None:
    """The file in which a repository states its licence, its first line, and whether that is one that allows reuse."""
    for name in sorted(entry.name for entry in os.scandir(root) if LICENCE_NAME.fullmatch(entry.name)):
        try:
            text = repository.bounded_bytes(root / name, repository.MAX_BYTES).decode("utf-8", "replace")
        except (OSError, LeftOut):
            continue
        title = next((line.strip() for line in text.split("\n") if line.strip()), "")
        title = f"{by_its_words(text)}{title}" if NAMES_ITS_OWNER.match(title) else title
        return {"file": name, "title": title[:80], "permissive": is_permissive(title)}
    return None
