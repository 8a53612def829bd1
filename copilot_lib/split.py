"""Splits a repository into files to learn from and files to ask about: whole files, near-duplicates all on one side.

It knows files and their likeness; it does not know models, or what either side is used for. What fine-tuning learns from and
what evaluation asks about come from the same call, so that no place that is asked about was learnt:

    files = list(repository.read(folder))
    parts = split.split(files)              # the same files and seed give the same parts
    rows = frozen.sample(parts.test, 100)   # 100 places of each kind
    texts = {file.path: file.text for file in parts.test}
    asked = [targets.place(texts[row["file"]], row) for row in rows]

For a validation part, split the training part once more. `frozen.freeze` and `frozen.load` do all this and keep it in a file.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from copilot_lib.corpus import PERMUTATIONS, SIMILARITY, sketch, words_of
from copilot_lib.repository import SourceFile

TEST_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """The two sides, each in the order of its paths."""

    train: list[SourceFile]
    test: list[SourceFile]


def clusters(
    files: Iterable[SourceFile], progress: Callable[[Iterable[SourceFile]], Iterable[SourceFile]] = iter
) -> list[list[SourceFile]]:
    """Files in groups: those that are near-duplicates, directly or by way of others, are together."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=SIMILARITY, num_perm=PERMUTATIONS)
    groups: dict[str, list[SourceFile]] = {}
    group_of: dict[str, str] = {}
    for file in progress(sorted(files, key=lambda file: file.path)):
        signature = sketch(words_of(file.text))
        alike = {group_of[path] for path in index.query(signature)}
        index.insert(file.path, signature)
        joined = [member for name in sorted(alike) for member in groups.pop(name)] + [file]
        groups[file.path] = joined
        group_of |= dict.fromkeys((member.path for member in joined), file.path)
    return [sorted(group, key=lambda file: file.path) for group in groups.values()]


def split(files: Sequence[SourceFile], test_share: float = TEST_SHARE, seed: int = 0) -> Split:
    """At most `test_share` of all characters as test, the rest to learn from; at least one group of files on each side.

    Raises `ValueError` where there are not two groups of files that differ.
    """
    return of_groups(clusters(files), test_share, seed)


def of_groups(groups: Sequence[list[SourceFile]], test_share: float = TEST_SHARE, seed: int = 0) -> Split:
    """As `split`, of files whose `clusters` are known.

    Groups are taken in an order that depends on their first path and the seed alone, so that a new file moves few others.
    """
    files = sorted((file for group in groups for file in group), key=lambda file: file.path)
    if len(groups) < 2:
        found = f"{len(files)} that are near-duplicates of each other" if len(files) > 1 else len(files)
        raise ValueError(f"a repository is split by file: expected at least two Python files that differ, found {found}")
    groups = sorted(groups, key=lambda group: hashlib.sha1(f"{seed}:{group[0].path}".encode()).digest())
    most = test_share * sum(map(size, groups))
    taken, test = 0, []
    for group in groups:
        if taken + size(group) <= most:
            taken, test = taken + size(group), [*test, *group]
    test = test or min(groups, key=size)
    chosen = {file.path for file in test}
    return Split([f for f in files if f.path not in chosen], [f for f in files if f.path in chosen])


def size(group: Sequence[SourceFile]) -> int:
    """The characters of a group."""
    return sum(len(file.text) for file in group)
