"""The clock of the claim about waiting: known keys, and what each rule must make of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.__main__ import main
from copilot_lib.claims import CLAIMS, lengths, waiting
from copilot_lib.claims.waiting import RULES, Pressed, Rule, asked_along
from copilot_lib.models import load


def typed(text, gaps, answer=""):
    return [Pressed(text[: n + 1], "", answer, gap) for n, gap in enumerate(gaps)]


def test_a_wait_that_is_longer_than_all_gaps_asks_for_nothing():
    assert asked_along(typed("abc", [100.0] * 3), 5.0, Rule(300.0))["requests"] == 0


def test_an_answer_that_takes_longer_than_the_next_key_is_not_in_time_and_holds_up_the_next():
    slow = asked_along(typed("abcd", [100.0] * 3 + [5000.0]), 300.0, Rule())
    assert (slow["requests"], slow["in_time"], slow["after_ms_p50"]) == (4, 1, 900.0)


def test_a_cancelled_answer_costs_only_what_was_done_of_it():
    assert asked_along(typed("ab", [100.0, 5000.0]), 300.0, Rule(cancels=True))["worked_s"] == 0.4


def test_a_memory_serves_what_an_answer_foresaw_without_a_request():
    keys = [Pressed("pr", "", "int(x)", 900.0), Pressed("pri", "", "nt(x)", 100.0), Pressed("pro", "", "d", 100.0)]
    assert asked_along(keys, 50.0, Rule(), remembers=True) == {
        "requests": 2,
        "worked_s": 0.1,
        "in_time": 3,
        "after_ms_p50": 50.0,
    }
    assert asked_along(keys, 50.0, Rule(), remembers=False)["requests"] == 3


def test_a_memory_knows_nothing_of_another_place_in_the_file():
    assert not Pressed("a", "end", "", 1.0).foreseen_by(Pressed("", "", "abc", 1.0))


@pytest.mark.parametrize("rule", RULES)
@given(gaps=st.lists(st.floats(1, 2000), min_size=1, max_size=30), answer_ms=st.floats(1, 500))
def test_no_rule_answers_more_than_there_are_keys_or_works_longer_than_all_of_them(rule, gaps, answer_ms):
    found = asked_along(typed("x" * len(gaps), gaps), answer_ms, RULES[rule])
    assert found["in_time"] <= found["requests"] <= len(gaps)
    assert found["worked_s"] <= answer_ms * found["requests"] / 1000 + 0.06


def test_gaps_are_the_same_every_time_and_thoughts_come_only_before_words():
    assert waiting.gaps_ms([True, False] * 50) == waiting.gaps_ms([True, False] * 50)
    assert max(waiting.gaps_ms([False] * 500)) < waiting.THOUGHT_MS[1] / 2


def test_lengths_of_known_texts():
    found = lengths.summary(["x"] * 9 + ["x = 1\n" * 40], load("pocket").codec)
    assert (found["texts"], found["below"], found["within"], found["above"]) == (10, 0.9, 0.0, 0.1)
    assert found["tokens"]["p50"] == 1


def test_what_is_measured_with_the_pocket_alone_is_not_recorded_of_another_model(tiny, tmp_path, capsys):
    words = ["claims", "lengths", "recipe", "--model", str(tiny), "--output", str(tmp_path / "claims")]
    assert main(words) == 2
    assert "recipe is measured with the pocket alone" in capsys.readouterr().err
    assert not (tmp_path / "claims").exists()


def test_a_measurement_that_is_stopped_leaves_its_record_as_it_was(tmp_path, capsys, monkeypatch):
    def stopped(completer):
        raise KeyboardInterrupt

    (tmp_path / "lengths.json").write_text("{}")
    monkeypatch.setitem(CLAIMS, "lengths", stopped)
    assert main(["claims", "lengths", "--output", str(tmp_path)]) == 130
    assert "lengths.json is as it was" in capsys.readouterr().err
    assert (tmp_path / "lengths.json").read_text() == "{}"
