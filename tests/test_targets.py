"""Targets: places that a person would ask about, of four kinds, spread over files, and the same every time."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import corpus, targets

TEXT = '''"""A module.

With words in its docstring.
"""

import os

# a comment with words


class Walker:
    def step(self, path, depth=0):
        """Docstring words."""
        for name in os.listdir(path):
            if name.startswith("."):
                continue
            total = self.count(
                name, depth
            )
            print(name, total)
        return depth
'''


def test_lines_that_nobody_would_ask_about_are_left_out():
    lines = TEXT.split("\n")
    chosen = [lines[n].strip() for n in targets.code_lines(TEXT)]
    assert "class Walker:" in chosen
    assert "return depth" in chosen
    assert not {"import os", "# a comment with words", '"""Docstring words."""', "With words in its docstring.", ""} & set(
        chosen
    )


@given(st.integers(0, 10_000))
def test_every_gap_is_of_its_kind_and_taken_out_of_the_text(seed):
    for row in targets.sample([("a.py", TEXT)], 100, seed):
        target = targets.place(TEXT, row)
        cursor = target.cursor
        assert cursor.prefix + target.reference + cursor.suffix == TEXT
        if target.kind == "block":
            assert 2 <= len(target.reference.split("\n")) <= 6
            assert cursor.line_prefix.strip() == ""
            continue
        assert "\n" not in target.reference
        assert cursor.line_suffix == ""
        before, after = cursor.line_prefix[-1:], target.reference[:1]
        inside_a_word = before.isidentifier() and after.isidentifier()
        expected = {
            "whole line": cursor.line_prefix.strip() == "",
            "mid-word": inside_a_word,
            "rest of line": not inside_a_word,
        }
        assert expected[target.kind], target


def test_no_file_gives_more_than_its_share():
    long = "\n".join(f"value_{n} = compute({n}, other={n})" for n in range(400))
    rows = targets.sample([("long.py", long), ("short.py", TEXT)], 100, seed=0)
    counts = Counter((row["file"], row["kind"]) for row in rows)
    assert counts["long.py", "rest of line"] == targets.PER_FILE
    assert max(counts.values()) <= targets.PER_FILE


def test_blocks_are_not_cut_where_columns_would_be_wrong():
    assert targets.block_gaps(TEXT, random.Random(0))
    assert targets.block_gaps(TEXT.replace("Docstring", "Döcstring"), random.Random(0)) == []


def test_a_file_that_does_not_parse_gives_lines_and_no_blocks():
    rows = targets.sample([("broken.py", TEXT + "def broken(:\n")], 10, seed=0)
    assert {row["kind"] for row in rows} == set(targets.COLUMNS)


def test_frozen_places_come_back_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "HELD_OUT", frozenset({"networkx"}))
    file = tmp_path / "targets.json"
    targets.freeze(file, 20)
    loaded = targets.load(file)
    assert Counter(target.kind for target in loaded) == dict.fromkeys(targets.KINDS, 20)
    assert loaded == targets.load(file)
    again = tmp_path / "again.json"
    targets.freeze(again, 20)
    assert again.read_bytes() == file.read_bytes()


def test_another_version_is_refused(tmp_path):
    file = tmp_path / "targets.json"
    file.write_text('{"versions": {"networkx": "0.1"}, "targets": []}')
    with pytest.raises(ValueError, match=r"networkx 0\.1, but .* is installed"):
        targets.load(file)


def test_held_out_files_are_never_learnt_from():
    path, text = next(targets.held_out_files("networkx"))
    assert corpus.why_skipped(path, text) == "held out"
