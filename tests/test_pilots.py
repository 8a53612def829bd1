"""Pilots: arms that make the same effort, measured on the same code, and compared with their first."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from copilot_lib import pilots, targets
from copilot_lib.recipe import preset

TINY = preset("cpu", vocabulary=400, width=64, layers=1, heads=2, context_tokens=256, rows_per_step=2)
TEXTS = [f"def f{n}(a, b):\n    total = a * {n} + b\n    return total\n" * 9 for n in range(400)]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    monkeypatch.setattr(pilots, "FILES_OF_A_DISTRIBUTION", 1)
    monkeypatch.setattr(pilots, "CHARACTERS_OF_A_FILE", 600)
    monkeypatch.setattr(pilots, "TARGETS_OF_A_KIND", 5)


@pytest.fixture
def asked():
    return targets.load(Path(__file__).parents[1] / "results/pocket/targets.json")


def test_a_pilot_gives_every_arm_the_same_tokens_and_compares_it_with_the_first(tmp_path, small, asked, monkeypatch):
    arms = {"gaps": TINY, "plain": pilots.mixed(TINY, fim_share=0.0)}
    monkeypatch.setitem(pilots.PILOTS, "trial", pilots.Pilot("Which?", arms, tokens=4000, seeds=2))
    told = []
    record = pilots.record("trial", tmp_path, TEXTS, asked, told.append)
    assert [arm["name"] for arm in record["arms"]] == ["gaps", "plain"]
    assert told == [f"trial: {arm}, seed {seed}" for seed in (0, 1) for arm in ("gaps", "plain")]
    for arm in record["arms"]:
        assert all(abs(count - 4000) <= 2 * 2 * 256 for count in arm["tokens"])
        for stream in ("left to right", "middle, PSM", "middle, SPM"):
            assert len(set(arm[stream]["bits_per_byte"])) == 2, "another seed is another run"
            assert all(0.5 < bits < 20 for bits in arm[stream]["bits_per_byte"])
    assert record["arms"][0]["left to right"]["minus_first"] == [0, 0, 0]
    plain = record["arms"][1]["left to right"]
    mean = sum(plain["bits_per_byte"]) / 2 - sum(record["arms"][0]["left to right"]["bits_per_byte"]) / 2
    assert plain["minus_first"][0] == pytest.approx(mean, abs=2e-4)


def test_what_has_been_trained_is_not_trained_again(tmp_path, small, asked, monkeypatch):
    pilot = pilots.Pilot("Again?", {"one": TINY}, tokens=2000)
    first = pilots.run(pilot, TINY, tmp_path, TEXTS, asked)
    monkeypatch.setattr(pilots, "train", None)
    assert pilots.run(pilot, TINY, tmp_path, TEXTS, asked) == first
    with pytest.raises(TypeError):
        pilots.run(pilot, replace(TINY, seed=9), tmp_path, TEXTS, asked)


def test_minutes_are_those_of_the_clock_and_the_first_step_is_free(tmp_path, small):
    ticks = iter(range(0, 10**6, 6))
    pilot = pilots.Pilot("How long?", {"one": TINY}, core_minutes=2)
    words = tmp_path / "words"
    words.mkdir()
    tokenizer = pilots.pretrain.load_or_train_tokenizer(words, TEXTS, TINY)
    _, place = pilots.train(pilot, TINY, TEXTS, tokenizer, clock=lambda: next(ticks))
    assert place["step"] == round((1 + 16) / 0.8), "a step takes 6 seconds, and a fifth is the cool-down"


def test_every_pilot_changes_its_arms_in_one_thing_at_a_time():
    for pilot in pilots.PILOTS.values():
        assert (pilot.tokens is None) != (pilot.core_minutes is None)
        assert len(set(pilot.arms.values())) == len(pilot.arms), "an arm is asked twice"
