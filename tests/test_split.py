"""Splitting a repository: by file, near-duplicates together, the same every time, and never an empty side."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot_lib import split
from copilot_lib.repository import SourceFile


def module(n, lines=30):
    return "\n".join(f"def function_{n}_{k}(value_{n}):\n    return value_{n} + {k} * {n}" for k in range(lines)) + "\n"


FILES = [SourceFile(f"pkg/m{n}.py", module(n)) for n in range(20)]
COPIES = [SourceFile(f"old/m{n}.py", module(3).replace("    ", "\t") + f"\n\nLAST = {n}\n") for n in range(3)]


def paths(files):
    return {file.path for file in files}


def test_every_file_is_on_one_side_and_the_share_is_kept():
    parts = split.split(FILES)
    assert sorted(paths(parts.train) | paths(parts.test)) == sorted(paths(FILES))
    assert not paths(parts.train) & paths(parts.test)
    assert len(parts.test) in (3, 4)
    assert parts == split.split(FILES[::-1]), "whatever order the files came in"
    assert len({tuple(sorted(paths(split.split(FILES, seed=seed).test))) for seed in range(5)}) == 5


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_near_duplicates_are_on_one_side_whatever_the_seed(seed):
    parts = split.split(FILES + COPIES, seed=seed)
    assert len(paths([*COPIES, FILES[3]]) & paths(parts.test)) in (0, 4)


def test_files_that_are_alike_by_way_of_others_are_together():
    def shifted(start):
        return "\n".join(f"alpha_{n} = beta_{n} + gamma_{n}" for n in range(start, start + 100))

    chain = [SourceFile(f"{n}.py", shifted(n * 3)) for n in range(8)]
    assert [len(group) for group in split.clusters([*chain, FILES[0]])] == [8, 1]


def test_a_new_file_moves_few_others():
    before = paths(split.split(FILES).test)
    after = paths(split.split([*FILES, SourceFile("pkg/new.py", module(99))]).test)
    assert len(before ^ after) <= 2


def test_two_files_are_enough_and_one_is_not():
    parts = split.split(FILES[:2])
    assert len(parts.train) == len(parts.test) == 1
    with pytest.raises(ValueError, match="expected at least two Python files that differ, found 1"):
        split.split(FILES[:1])
    with pytest.raises(ValueError, match="found 3 that are near-duplicates"):
        split.split(COPIES)
