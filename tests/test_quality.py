"""A record of a model: all parts, or some of them anew beside the others, and never those of other weights."""

import pytest

from copilot_lib import quality
from copilot_lib.completer import Completer


@pytest.fixture(scope="module")
def completer():
    return Completer.load("pocket")


@pytest.fixture
def parts(monkeypatch):
    """Two parts that say how often they were measured."""
    calls = []
    made = {name: lambda *given, name=name: calls.append(name) or len(calls) for name in ("left_to_right", "behaviour")}
    monkeypatch.setattr(quality, "PARTS", made)
    return calls


def test_parts_are_measured_anew_and_the_others_kept(completer, parts):
    whole = quality.record(completer, [], list, parts=("left_to_right", "behaviour"))
    again = quality.record(completer, [], list, parts=("behaviour",), before=whole)
    assert parts == ["left_to_right", "behaviour", "behaviour"]
    assert again == whole | {"behaviour": 3}
    assert whole["model"] == quality.digest(completer.model)


def test_a_record_of_other_weights_is_not_added_to(completer, parts):
    whole = quality.record(completer, [], list, parts=("left_to_right",))
    with pytest.raises(ValueError, match="another model: measure all parts anew"):
        quality.record(completer, [], list, parts=("behaviour",), before=whole | {"model": "feedc0de"})
