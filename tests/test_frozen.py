"""Frozen places of any repository: the same every time, of unlearnt files, labelled, and refused once a file has changed."""

import json
import random
from collections import Counter

import pytest

from copilot_lib import frozen, repository, targets
from copilot_lib.repository import SourceFile

VERBS = ["load", "store", "count", "merge", "drop", "find", "sort", "scan"]


def module(n):
    draw = random.Random(n)
    parts = [f"import json\nfrom shop.prices import price_of_{n}\n\nLIMIT_{n} = {n}\n"]
    for k in range(8):
        verb, thing = draw.choice(VERBS), f"{draw.choice('abcdefgh')}{n}_{k}"
        parts.append(
            f"\ndef {verb}_{thing}(items, {thing}=LIMIT_{n}):\n"
            f"    total = sum(item.{thing} for item in items)\n"
            f"    if total > {thing}:\n        raise ValueError(json.dumps(total))\n"
            f"    return {verb}(total,\n        {thing})\n"
        )
    return "\n".join(parts)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    for n in range(20):
        (folder / f"m{n}.py").write_text(module(n))
    (folder / "test_m.py").write_text(module(99))
    return folder


def test_freezing_twice_gives_the_same_and_another_seed_others(root, tmp_path):
    first, second, other = (tmp_path / name for name in ("1.json", "2.json", "3.json"))
    frozen.freeze(root, first, per_kind=10)
    frozen.freeze(root, second, per_kind=10)
    frozen.freeze(root, other, per_kind=10, seed=1)
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()
    assert str(tmp_path) not in first.read_text(), "paths are those from the root"
    assert frozen.load(root, first) == frozen.load(root, second)


def test_places_are_told_apart_by_what_is_asked_and_not_by_labels_which_depend_on_what_is_installed(root, tmp_path):
    file, other = tmp_path / "1.json", tmp_path / "2.json"
    frozen.freeze(root, file, per_kind=10)
    was = frozen.load(root, file)
    data = json.loads(file.read_text())
    other.write_text(json.dumps(data | {"targets": [row | {"stratum": "new"} for row in data["targets"]]}))
    assert {label.stratum for label in was.labels} != {"new"} and frozen.load(root, other).fingerprint == was.fingerprint
    other.write_text(json.dumps(data | {"targets": data["targets"][1:]}))
    assert frozen.load(root, other).fingerprint != was.fingerprint


def test_every_kind_is_asked_about_in_files_that_are_not_learnt_from(root, tmp_path):
    frozen.freeze(root, tmp_path / "t.json", per_kind=10)
    asked = frozen.load(root, tmp_path / "t.json")
    assert Counter(target.kind for target in asked.targets) == dict.fromkeys(targets.KINDS, 10)
    assert not {target.group for target in asked.targets} & {file.path for file in asked.train}
    assert len({target.group for target in asked.targets}) >= 3
    assert not any("test_" in path for path in json.loads((tmp_path / "t.json").read_text())["test"])
    for target in asked.targets:
        text = (root / target.group).read_text()
        assert target.cursor.prefix + target.reference + target.cursor.suffix == text


def test_few_places_are_spread_over_all_files():
    files = [SourceFile(f"{n}.py", module(n)) for n in range(12)]
    rows = frozen.sample(files, 12, seed=3)
    per_file = Counter(row["file"] for row in rows if row["kind"] == "whole line")
    assert per_file == dict.fromkeys((file.path for file in files), 1)
    assert max(Counter((row["file"], row["kind"]) for row in frozen.sample(files, 999)).values()) == targets.PER_FILE


def test_what_no_one_would_ask_is_left_out_and_counted():
    plain = SourceFile(
        "a.py", "import os\n\n\ndef f(x):\n    if x:\n        return\n    else:\n        pass\n    value = x + 1\n"
    )
    left_out = Counter()
    rows = frozen.sample([plain], 5, left_out=left_out)
    lines = {plain.text[: row["start"]].count("\n") for row in rows if row["kind"] == "whole line"}
    assert lines == {3, 8}
    assert left_out["places: nothing but keywords"] > 0


def test_where_the_author_s_own_text_does_not_parse_nothing_is_asked(root, tmp_path):
    for n in range(8):
        (root / f"m{n}.py").write_text(module(n) + "\ndef broken(:\n")
    frozen.freeze(root, tmp_path / "t.json", per_kind=10)
    asked = frozen.load(root, tmp_path / "t.json")
    assert asked.left_out["files: set aside to ask about, but do not parse"] > 0
    broken = {f"m{n}.py" for n in range(8)}
    assert not broken & {target.group for target in asked.targets}
    assert broken & {file.path for file in asked.train}


def test_a_passage_that_was_copied_from_the_training_part_is_no_question():
    one, other = module(1), module(2)
    copied = one[: one.index("\ndef", 200)]
    file = SourceFile("b.py", other + copied)
    left_out = Counter()
    known = frozenset(frozen.passages(one))
    rows = frozen.sample([file], 99, known=known, left_out=left_out)
    starts = [row["start"] for n in range(30) for row in frozen.sample([file], 99, seed=n, known=known)]
    assert rows and left_out["places: copied with their neighbours from the training part"]
    within = range(len(other) + copied.index("def"), len(file.text) - 60)
    assert not set(starts) & set(within)
    assert set(starts) - set(within)


def test_labels_say_where_names_are_and_whether_the_line_was_seen(root, tmp_path):
    (root / "prices.py").write_text("def net_price(item):\n    return item.price\n\n\ndef gross_price(item):\n    return 1\n")
    asked = root / "asked.py"
    lines = ["x = LIMIT", "y = net_price(a)", "z = math.sqrt(a)", "unheard_of(a)"]
    text = "import math\n\n\nLIMIT = 3\n\n\ndef here(a):\n" + "".join(f"    {line}\n" for line in lines)
    asked.write_text(text)
    parts = frozen.Split([file for file in repository.read(root) if file.path != "asked.py"], [SourceFile("asked.py", text)])
    rows = [{"file": "asked.py", "start": text.index(line), "end": text.index(line) + len(line)} for line in lines]
    found = frozen.labels(parts, rows, "shop")
    assert [label.stratum for label in found] == ["new", "new", "new", "new"], "a new name on the left makes each line hard"
    rows = [row | {"start": row["start"] + 4} for row in rows[:3]] + [rows[3]]
    assert [label.stratum for label in frozen.labels(parts, rows, "shop")] == ["above", "repository", "library", "new"]
    (root / "m0.py").write_text("x = LIMIT\n")
    again = frozen.Split([file for file in repository.read(root) if file.path != "asked.py"], parts.test)
    assert [label.seen for label in frozen.labels(again, rows, "shop")] == [True, False, False, False]


def test_a_changed_or_missing_file_is_refused_in_one_sentence(root, tmp_path):
    frozen.freeze(root, tmp_path / "t.json", per_kind=5)
    (root / "m3.py").write_text(module(3) + "\n# one line more\n")
    with pytest.raises(ValueError, match=r"1 of 20 files changed since the places were frozen, such as m3\.py: bring"):
        frozen.load(root, tmp_path / "t.json")
    (root / "m3.py").unlink()
    with pytest.raises(ValueError, match=r"such as m3\.py"):
        frozen.load(root, tmp_path / "t.json")
    (root / "m3.py").write_bytes(module(3).replace("\n", "\r\n").encode())
    frozen.load(root, tmp_path / "t.json")  # git may change line ends, and nobody sees it


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"train": {}}', "nonsense", '{"train": 3, "test": 4}', "\udcff"])
def test_another_file_is_refused_in_one_sentence(root, tmp_path, text):
    (tmp_path / "t.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="does not hold frozen places"):
        frozen.load(root, tmp_path / "t.json")


def test_a_folder_with_nothing_to_ask_is_refused(tmp_path):
    (tmp_path / "a.py").write_text("")
    with pytest.raises(ValueError, match="at least two Python files"):
        frozen.freeze(tmp_path, tmp_path / "t.json", 5)
    (tmp_path / "b.py").write_text("# words, words, words\n")
    with pytest.raises(ValueError, match="no line in them is worth it"):
        frozen.freeze(tmp_path, tmp_path / "t.json", 5)
