"""Files that an adapter has learnt from are not asked about, also when the repository is divided otherwise by then."""

import pytest

from copilot_lib import frozen, learnt, repository
from copilot_lib.repository import SourceFile
from copilot_lib.tuning import material


def test_a_repository_that_has_grown_is_not_asked_about_what_was_learnt_from(tmp_path):
    """A new file moves others from one part to the other, since parts are measured by their characters."""
    moved = 0
    for number in range(6):
        root = tmp_path / f"shop_{number}"
        root.mkdir()
        for n in range(30):
            lines = [f"def price_{number}_{n}_{k}(basket):\n    return basket[{k}] * rate_{n}" for k in range(3 + n * 7 % 11)]
            (root / f"part_{n}.py").write_text("\n\n\n".join(lines) + "\n")
        before = material.collect(root)
        noted = {mark for file in (*before.train, *before.validation) for mark in learnt.marks(before.name, file)}
        for n in range(30, 33):
            (root / f"part_{n}.py").write_text(f"def tax_{n}(basket):\n    return basket.tax * {n}\n" * n)
        with (root / "part_1.py").open("a") as file:
            file.write("\n\nLATER = 1\n")
        frozen.freeze(root, tmp_path / f"{number}.json", per_kind=50)
        asked = frozen.load(root, tmp_path / f"{number}.json")
        left = frozen.without(asked, frozenset(noted))
        learnt_from = {file.path for file in (*before.train, *before.validation)}
        assert learnt_from.isdisjoint(target.group for target in left.targets)
        assert len(left.targets) == len(left.labels) == len(asked.targets) - left.left_out.get(frozen.LEARNT_BEFORE, 0)
        assert (left.fingerprint == asked.fingerprint) == (left == asked)
        moved += left != asked
    assert moved, "or this test could not fail"


def test_an_adapter_that_has_learnt_from_all_of_it_is_not_asked(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    for n in range(6):
        (root / f"part_{n}.py").write_text(f"def price_{n}(basket):\n    return basket.total * rate_{n} + {n}\n" * 5)
    frozen.freeze(root, tmp_path / "places.json", per_kind=5)
    asked = frozen.load(root, tmp_path / "places.json")
    everything = {mark for file in repository.read(root) for mark in learnt.marks("elsewhere", file)}
    with pytest.raises(ValueError, match="give the --seed and --tests that it was made with"):
        frozen.without(asked, frozenset(everything))


def test_what_an_adapter_went_on_from_is_noted_too_and_of_one_without_a_note_nothing_is_known(tmp_path):
    for name in ("first", "second", "unknown"):
        (tmp_path / name).mkdir()
    old, new = (learnt.marks("shop", SourceFile(path, path)) for path in ("old.py", "new.py"))
    learnt.write(tmp_path / "first", old)
    learnt.write(tmp_path / "second", new, [tmp_path / "first", tmp_path / "unknown"])
    assert learnt.read(tmp_path / "second") == old | new
    assert learnt.read(tmp_path / "unknown") == frozenset()
