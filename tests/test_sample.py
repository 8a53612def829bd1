"""The twenty fixed cursors: sound texts, and a run that asks each of them."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from copilot_lib import sample
from copilot_lib.completer import Completer, has_meaningful_suffix
from copilot_lib.samples import EXAMPLES

SAMPLE = Path(__file__).parent.parent / "results" / "pocket" / "sample.json"


def test_there_are_twenty_places_with_names_of_their_own():
    names = [place.name for place in sample.places()]
    assert len(names) == len(set(names)) == 20
    assert names[:4] == list(EXAMPLES)


@pytest.mark.parametrize("place", sample.places(), ids=lambda place: place.name)
def test_with_what_a_person_wrote_the_file_is_python(place):
    ast.parse(place.cursor.insert(place.written).text)
    assert sample.MARK not in place.cursor.text + place.written


def test_only_one_place_has_nothing_missing():
    assert [place.name for place in sample.places() if not place.written] == ["nothing is missing"]


def test_the_kinds_of_cursor_that_the_names_promise():
    at = {place.name: place.cursor for place in sample.places()}
    assert at["after return"].line_prefix.endswith("return ")
    assert at["after a dot"].line_prefix.endswith(".")
    assert not at["a blank line in a body"].line_prefix.strip() and not at["a blank line in a body"].line_suffix
    assert at["an import line"].line_prefix == "import "
    assert at["in the middle of a word"].prefix[-1].isalpha()
    assert at["before a closing bracket"].line_suffix.startswith(")")
    assert at["a gap before elif"].suffix.lstrip().startswith("elif")


def test_an_answer_is_the_same_only_to_the_last_blank():
    place = sample.place("call", "f(‸x‸)")
    offered = [SimpleNamespace(text=text, mode="fim", stopped="end") for text in ("x", "x ", "y")]
    assert [sample.answer(place, completion)["same"] for completion in offered] == [True, False, False]
    assert sample.answer(place, offered[0])["line"] == "f(‸)"


def test_the_stored_sample_is_what_the_model_that_ships_says():
    rows = sample.run(Completer.load("pocket"))
    assert rows == json.loads(SAMPLE.read_text(encoding="utf-8")), "store it anew: make sample"
    modes = ["fim" if has_meaningful_suffix(place.cursor) else "left-to-right" for place in sample.places()]
    assert [row["mode"] for row in rows] == modes
