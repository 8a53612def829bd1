"""Evaluation: answers of known quality, and a real model asked in three ways."""

import pytest

from copilot_lib import evaluate
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.evaluate import Answer
from copilot_lib.targets import Target


def target(n, kind="rest of line"):
    return Target(Cursor("def f(x):\n    return \n\n\nf(1)\n", 21), f"x + {n}", f"{n % 3}.py:2:12", kind)


def known(n, text):
    return Answer(target(n), raw=text + "\nmore", ended=n % 2 == 0, shown=text, unaware="")


def rows(answers):
    return {row["view"]: row for row in evaluate.summary(answers)}


def test_the_reference_scores_one_and_silence_scores_nothing():
    perfect = rows([known(n, f"x + {n}") for n in range(6)])
    assert perfect["shown"]["exact"] == [1, 1, 1]
    assert perfect["shown"]["parses_in_place"][0] == 1
    assert perfect["raw"]["exact"][0] == 0, "what was not shown does not count as shown"
    assert perfect["raw"]["ended"][0] == 0.5
    assert perfect["shown, first line"]["exact"][0] == 1
    assert (perfect["shown"]["targets"], perfect["shown"]["files"]) == (6, 3)
    silent = rows([known(n, "") for n in range(6)])
    assert silent["shown"]["empty"][0] == 1
    assert silent["shown"]["similarity"][0] == 0


def test_kinds_are_never_pooled():
    answers = [known(0, "x"), Answer(target(1, "block"), "a\nb", True, "a\nb", "")]
    assert {row["kind"] for row in evaluate.summary(answers)} == {"rest of line", "block"}


@pytest.fixture(scope="module")
def completer():
    return Completer.load("pocket")


def test_a_real_model_is_asked_with_and_without_what_stands_below(completer):
    asked = target(1)
    got = evaluate.answer(completer, asked)
    assert got.shown == completer.complete(asked.cursor, max_new_tokens=evaluate.LINE_TOKENS).text
    alone = Cursor(asked.cursor.prefix, asked.cursor.offset)
    assert got.unaware == completer.complete(alone, max_new_tokens=evaluate.LINE_TOKENS).text
    assert got.ended == (len(completer.model.codec.encode(got.raw)) < evaluate.LINE_TOKENS)


def test_the_order_of_targets_changes_no_answer(completer):
    asked = [target(n) for n in range(3)]
    forwards = list(evaluate.answers(completer, asked))
    assert list(evaluate.answers(completer, asked[::-1]))[::-1] == forwards
