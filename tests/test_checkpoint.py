"""Checkpoints: whole or absent, and never another run's."""

import json

import pytest
import torch

from copilot_lib import checkpoint

ABOUT = {"width": 64, "corpus": "c0ffee"}


def test_what_was_saved_comes_back(tmp_path):
    checkpoint.save(tmp_path, {"place": {"step": 3}, "model": {"w": torch.ones(2)}}, ABOUT)
    loaded = checkpoint.load(tmp_path, ABOUT, "cpu")
    assert loaded["place"] == {"step": 3}
    assert loaded["model"]["w"].tolist() == [1, 1]


def test_a_kill_while_writing_leaves_the_old_file(tmp_path):
    file = tmp_path / "model"
    file.write_text("old")

    def killed(path):
        path.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoint.write_whole(file, killed)
    assert file.read_text() == "old"
    checkpoint.write_whole(file, lambda path: path.write_text("new"))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("change", [{"width": 128}, {"corpus": "decaf"}, {"layers": 2}])
def test_another_recipe_or_corpus_is_refused_by_name(tmp_path, change):
    checkpoint.save(tmp_path, {}, ABOUT)
    with pytest.raises(ValueError, match=f"{next(iter(change))} was .* and is"):
        checkpoint.load(tmp_path, ABOUT | change, "cpu")


def test_going_on_from_nothing_and_beginning_over_something_are_refused(tmp_path):
    with pytest.raises(ValueError, match="leave --resume out"):
        checkpoint.load(tmp_path, ABOUT, "cpu")
    checkpoint.refuse_to_begin(tmp_path)
    checkpoint.save(tmp_path, {}, ABOUT)
    with pytest.raises(ValueError, match="go on with --resume"):
        checkpoint.refuse_to_begin(tmp_path)


def test_a_curve_forgets_the_steps_that_will_be_made_again(tmp_path):
    curve = tmp_path / "curve.jsonl"
    checkpoint.keep_rows_until(5, curve)
    assert curve.read_text() == ""
    curve.write_text("".join(json.dumps({"step": step}) + "\n" for step in (20, 40, 60)))
    checkpoint.keep_rows_until(40, curve)
    assert [json.loads(line)["step"] for line in curve.read_text().splitlines()] == [20, 40]
