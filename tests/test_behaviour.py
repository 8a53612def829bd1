"""What an editor needs beside right answers: the places follow from targets, and good behaviour is told from bad."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import behaviour
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.targets import Target

BEFORE, LINE, AFTER = "def f(number):\n    if number:\n        ", "return number", "\n    return 0\n"
WHOLE = Target(Cursor(BEFORE + AFTER, len(BEFORE)), LINE, "a.py:3:9", "whole line")
HALF = Target(Cursor(BEFORE + "return num" + AFTER, len(BEFORE + "return num")), "ber", "a.py:3:19", "mid-word")
TOP = Target(Cursor("a = 1\n\nc = 3\n", 6), "b = 2", "b.py:2:1", "whole line")


def test_the_places_are_the_target_s_own_text_cut_elsewhere():
    text = BEFORE + LINE + AFTER
    assert behaviour.behind(WHOLE) == Cursor(text, len(BEFORE + LINE))
    assert behaviour.at_line_start(WHOLE) == Cursor(text.replace("        " + LINE, ""), len(BEFORE) - 8)
    assert behaviour.inside_indentation(WHOLE) == Cursor(text.replace("    " + LINE, ""), len(BEFORE) - 4)
    assert behaviour.at_line_start(TOP) is None and behaviour.inside_indentation(TOP) is None


@pytest.mark.parametrize(("answer", "silent"), [("", True), ("  ", True), ("\n    x", True), (" \r\n", True), (" # x", False)])
def test_what_begins_below_the_line_is_silence_on_it(answer, silent):
    assert behaviour.is_silent(answer, behaviour.behind(WHOLE), WHOLE) is silent


@pytest.mark.parametrize(
    ("answer", "keeps"), [("    x", True), ("x", False), ("        x", False), ("", False), ("    ", False)]
)
def test_the_indentation_is_that_of_what_was_typed_and_the_answer(answer, keeps):
    assert behaviour.keeps_indentation(answer, behaviour.inside_indentation(WHOLE), WHOLE) is keeps


@pytest.mark.parametrize(
    ("answer", "completes"), [("ber", True), ("ber + 1", True), ("bers", False), ("", False), (" ber", False)]
)
def test_a_word_is_complete_where_the_author_s_ends(answer, completes):
    assert behaviour.completes_word(answer, HALF.cursor, HALF) is completes


@given(st.text(alphabet="ab_ \n(", max_size=40))
def test_the_rule_for_words_completes_to_a_word_of_the_text_or_not_at_all(prefix):
    more = behaviour.seen_word(Cursor(prefix, len(prefix)))
    begun = re.search(r"\w*$", prefix).group()
    assert not more or (begun and begun + more in re.findall(r"\w+", prefix))


def test_all_behaviours_are_measured_in_all_ways():
    completer = Completer.load("pocket")
    rows = [behaviour.measure(completer, one, [WHOLE, HALF, HALF]) for one in behaviour.BEHAVIOURS]
    assert [row["places"] for row in rows] == [1, 1, 1, 2]
    assert rows[0]["rule"] == [1, 1, 1], "silence is what the first rule is"
    assert rows[3]["rule"] == rows[3]["shown"] == [1, 1, 1], "`number` stands above"
    for row in rows:
        assert all(0 <= low <= mean <= high <= 1 for mean, low, high in (row[w] for w in ("unhealed", "raw", "shown", "rule")))
