"""What may be learnt from a repository: nothing held out, ignored or secret, nothing twice; and a report of it."""

import json
import random
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot_lib import frozen, split
from copilot_lib.__main__ import main
from copilot_lib.tuning import material, summary

WORDS = ["load", "store", "count", "merge", "drop", "find", "sort", "scan", "price", "order", "stock", "basket"]


def module(n: int) -> str:
    draw = random.Random(n)
    functions = [
        f"def {draw.choice(WORDS)}_{n}_{k}(items, {draw.choice(WORDS)}={n}):\n"
        f"    total = sum(item.{draw.choice(WORDS)} for item in items)\n    return total * {draw.randint(2, 99)}\n"
        for k in range(8)
    ]
    return "\n\n".join(functions)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    for n in range(30):
        (folder / f"m{n:02}.py").write_text(module(n))
    return folder


def paths(files):
    return {file.path for file in files}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_held_out_is_what_evaluation_asks_about_and_is_in_no_other_part(root, tmp_path, seed):
    found = material.collect(root, seed)
    frozen.freeze(root, tmp_path / "targets.json", per_kind=5, seed=seed)
    asked = json.loads((tmp_path / "targets.json").read_text())
    assert paths(found.test) == asked["test"].keys()
    assert paths(found.train) | paths(found.validation) == asked["train"].keys()
    assert not paths(found.train) & paths(found.validation)
    assert not paths(found.test) & (paths(found.train) | paths(found.validation))


def test_the_same_files_and_seed_give_the_same_and_another_seed_others(root):
    assert material.collect(root) == material.collect(root)
    assert paths(material.collect(root).test) != paths(material.collect(root, seed=1).test)


def test_the_fingerprint_changes_with_what_is_learnt_or_says_when_to_stop_and_only_with_that(root):
    before = material.collect(root)
    (root / before.test[0].path).write_text(before.test[0].text.replace("total", "summe"))
    assert material.collect(root).report["sha256"] == before.report["sha256"]
    for file in (before.train[0], before.validation[0]):
        (root / file.path).write_text(file.text.replace("total", "summe"))
        assert material.collect(root).report["sha256"] != before.report["sha256"]
        (root / file.path).write_text(file.text)


SECRETS = {
    'PASSWORD = "' + 'correct horse battery"': "Secret Keyword",
    'URL = "https://me:' + 'mine@db.shop.com/orders"': "Basic Auth Credentials",
    'KEY = "AKIA' + 'QZXW3E4R5T6Y7U8I"': "key of a known form",
}


@settings(max_examples=12)
@given(st.dictionaries(st.integers(0, 29), st.sampled_from(list(SECRETS)), min_size=1, max_size=4), st.integers(0, 7))
def test_a_planted_secret_is_reported_by_place_and_in_nothing_that_is_learnt(tmp_path_factory, planted, line):
    root = tmp_path_factory.mktemp("shop")
    for n in range(30):
        lines = module(n).split("\n")
        lines[line:line] = [planted[n]] if n in planted else []
        (root / f"m{n:02}.py").write_text("\n".join(lines))
    found = material.collect(root)
    learnt = "".join(file.text for file in [*found.train, *found.validation])
    for n, secret in planted.items():
        assert secret not in learnt
        if f"m{n:02}.py" not in paths(found.test):
            row = {"file": f"m{n:02}.py", "line": line + 1}
            assert any(place.items() >= row.items() and SECRETS[secret] in place["kind"] for place in found.report["secrets"])
        value = secret.split('"')[1]
        assert value not in json.dumps(found.report) + summary.text(found.report)


def test_what_git_ignores_is_not_learnt(root):
    (root / ".gitignore").write_text("m0*.py\n/build/\n")
    (root / "build").mkdir()
    (root / "build" / "m.py").write_text(module(77))
    found = material.collect(root)
    everything = paths(found.train) | paths(found.validation) | paths(found.test)
    assert everything == {f"m{n}.py" for n in range(10, 30)}
    assert found.report["left_out"]["named in .gitignore"] == 11


def test_near_duplicates_are_learnt_once_and_never_on_both_sides(root):
    for n in range(0, 30, 3):
        (root / f"copy_of_m{n:02}.py").write_text(module(n).replace("    ", "\t") + f"\n\nLAST = {n}\n")
    found = material.collect(root)
    groups = split.clusters([*found.train, *found.validation])
    assert all(len(group) == 1 for group in groups)
    assert found.report["left_out"][material.DUPLICATE] > 0
    for n in range(0, 30, 3):
        pair = {f"m{n:02}.py", f"copy_of_m{n:02}.py"}
        assert len(pair & paths(found.test)) in (0, 2)


def test_tests_are_left_out_and_counted_unless_they_are_wanted(root):
    (root / "test_m.py").write_text(module(99))
    assert material.collect(root).report["left_out"] == {"a test": 1}
    wanted = material.collect(root, tests=True)
    assert "test_m.py" in paths(wanted.train) | paths(wanted.validation) | paths(wanted.test)


def test_files_that_teach_nothing_are_left_out_with_their_reason(root):
    useless = {
        "empty.py": (("#" + "-" * 70 + "\n") * 20, "almost empty"),
        "broken.py": (module(98) + "\ndef broken(:\n", "does not parse"),
    }
    for name, (text, _) in useless.items():
        (root / name).write_text(text)
    seen = set()
    for seed in range(6):
        found = material.collect(root, seed)
        for name in useless.keys() - paths(found.test):
            assert found.report["left_out_files"][name] == useless[name][1]
            assert name not in paths(found.train) | paths(found.validation)
            seen.add(name)
    assert seen == useless.keys()


def test_numbers_of_the_report_are_those_of_the_files(root):
    found = material.collect(root)
    for part in ("train", "validation", "test"):
        files = getattr(found, part)
        assert files, part
        assert found.report["files"][part] == len(files)
        assert found.report["lines"][part] == sum(len(file.text.splitlines()) for file in files)
        assert found.report["bytes"][part] == sum((root / file.path).stat().st_size for file in files)
    assert json.loads(json.dumps(found.report)) == found.report


@pytest.mark.parametrize(
    ("name", "text", "permissive"),
    [
        ("LICENSE", "MIT License\n\nCopyright", True),
        ("COPYING.txt", "\n  GNU GENERAL PUBLIC LICENSE\n", False),
        ("LICENSE", "Copyright (c) 2026, some people\nAll rights reserved.", False),
        ("x", "", None),
    ],
)
def test_the_licence_is_named(root, name, text, permissive):
    (root / name).write_text(text)
    found = material.collect(root).report["licence"]
    if permissive is None:
        assert found is None
    else:
        assert found == {"file": name, "title": text.strip().split("\n")[0], "permissive": permissive}


BSD = "Redistributions of source code must retain the above\ncopyright notice, this list of conditions"


@pytest.mark.parametrize(
    ("above", "named", "permissive"),
    [
        ("Copyright 2014 Somebody", "BSD License; Copyright 2014 Somebody", True),
        ('"Commons Clause" License Condition', '"Commons Clause" License Condition', False),
        ("Business Source License 1.1", "Business Source License 1.1", False),
        ("Copyright 2014 Somebody\nfor non-commercial purposes only", "Copyright 2014 Somebody", False),
        ("Copyright 2014 Somebody\nunder the terms of the GNU General Public License", "Copyright 2014 Somebody", False),
    ],
)
def test_a_licence_that_begins_with_its_owner_is_known_by_its_words_if_nothing_beside_them_restricts(
    root, above, named, permissive
):
    (root / "LICENSE").write_text(f"{above}\n\n{BSD}")
    assert material.collect(root).report["licence"] == {"file": "LICENSE", "title": named, "permissive": permissive}


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_too_little_is_refused_in_one_sentence(root, kept):
    for file in sorted(root.iterdir())[kept:]:
        file.unlink()
    with pytest.raises(ValueError, match=r"expected (at least|three).* found \d"):
        material.collect(root)


def test_the_command_prints_the_report_and_writes_it(root, tmp_path, capsys):
    (root / "m00.py").write_text("\n".join([*SECRETS]) + "\n" + module(0))
    assert main(["collect", str(root), "--output", str(tmp_path / "report.json")]) == 0
    printed = capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report == material.collect(root).report
    assert printed == summary.text(report) + "\n"
    assert "held out" in printed
    assert "m00.py:3: key of a known form" in printed


@pytest.mark.parametrize("folder", ["nowhere", "file.py", "empty"])
def test_the_command_refuses_what_is_no_repository_in_one_line(tmp_path, capsys, folder):
    (tmp_path / "file.py").write_text("x = 1\n")
    (tmp_path / "empty").mkdir()
    assert main(["collect", str(tmp_path / folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_repository_is_not_changed(root):
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    material.collect(root)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True, text=True).stdout
    assert {line[:2] for line in status.splitlines()} == {"A "}
