"""How fast a model is in use: the tokens of each phase over its own seconds, by a clock that the test owns."""

from itertools import count

import pytest

from copilot_lib import models, speed
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.targets import Target

TEXT = "def total(numbers):\n    result = 0\n    for number in numbers:\n        result += \n    return result\n"
PLACE = Target(Cursor(TEXT, TEXT.index("+= ") + 3), "number", "a.py")


@pytest.fixture(scope="module")
def pocket():
    return models.load("pocket", precision="float32")


def test_the_rates_are_tokens_over_the_seconds_of_the_clock(pocket):
    ticks = count()
    completer = Completer(pocket, clock=lambda: next(ticks) / 10)
    rates = speed.rates(completer, [PLACE])
    completer.engine.forget()
    _, run, pieces = completer.begin(PLACE.cursor, speed.LINE_TOKENS)
    list(pieces)
    assert rates["read"] == pytest.approx(1000 * run.prompt_tokens / run.prefill_ms, abs=0.1)
    assert rates["written"] == pytest.approx(1000 * len(run.ids) / run.decode_ms, abs=0.1)


def test_nothing_is_remembered_from_one_place_to_the_next(pocket):
    ticks = count()
    completer = Completer(pocket, clock=lambda: next(ticks) / 10)
    assert speed.rates(completer, [PLACE, PLACE]) == pytest.approx(speed.rates(completer, [PLACE]), rel=0.01)


def test_nothing_to_time_is_said(pocket):
    with pytest.raises(ValueError, match="name more targets"):
        speed.rates(Completer(pocket), [])


def test_the_record_has_both_precisions():
    record = speed.record("pocket", [PLACE])
    assert record["targets"] == 1
    assert record["tokens_a_second"].keys() == {"float32", "int8"}
    assert all(rate > 0 for rates in record["tokens_a_second"].values() for rate in rates.values())
