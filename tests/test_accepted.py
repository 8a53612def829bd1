"""Accepted completions become examples: found where they stand, as they stand now, without secrets or strangers."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import models
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.feedback import CHARACTERS_AROUND, Event, Store
from copilot_lib.healing import step_back
from copilot_lib.repository import SourceFile
from copilot_lib.tuning import accepted
from copilot_lib.tuning.accepted import judge

MONEY = '''from decimal import Decimal


class Basket:
    """What somebody wants to buy."""

    def __init__(self, owner):
        self.owner, self.items = owner, []

    def put(self, item, count=1):
        self.items += [item] * count

    def total(self, country):
        net = sum(item.price for item in self.items)
        return with_tax(net, country)

    def empty(self):
        self.items.clear()
'''
FILE = SourceFile("shop/money.py", MONEY)
KEY = "AKIA" + "QZXW3E4R5T6Y7U8I"
"""A key that opens nothing, put together here so that no scanner takes this file for one that leaks."""
PRICE = "sum(item.price for item in self.items)"


def event(text: str, answer: str, accepted_text: str | None = None, id: str = "a", **more) -> Event:
    """Somebody accepted a completion where an answer stands in a text; the whole answer if nothing else is said."""
    start = text.index(answer)
    shown = answer if accepted_text is None else accepted_text
    prefix, suffix = text[:start][-CHARACTERS_AROUND:], text[start + len(answer) :][:CHARACTERS_AROUND]
    return replace(Event(id, "accepted", len(shown), 100, "", "pocket", prefix, suffix, shown), **more)


def verdicts(*events: Event, files=(FILE,), held_out=()) -> list[tuple[str, str]]:
    return [(one.verdict, one.answer) for one in judge(events, files, held_out)]


@cache
def pocket() -> Completer:
    return Completer(models.load("pocket"))


def test_what_stands_as_it_was_accepted_is_kept_and_its_place_is_told():
    [one] = judge([event(MONEY, PRICE)], [FILE])
    assert (one.verdict, one.answer, one.place) == ("kept", PRICE, "shop/money.py:14")


@pytest.mark.parametrize("said", ["sum(self.items)", "0", "sum(item.price for item in self.items) + 1", "sum(item.price"])
def test_what_was_changed_afterwards_is_learnt_as_it_was_changed(said):
    assert verdicts(event(MONEY, PRICE, said)) == [("corrected", PRICE)]


def test_a_correction_may_have_other_lines_and_what_was_written_below_is_no_part_of_it():
    body = "        net = sum(item.price for item in self.items)\n        return with_tax(net, country)"
    assert verdicts(event(MONEY, body, "        return 0")) == [("corrected", body)]
    longer = MONEY.replace(PRICE, PRICE + "\n        audit(net)\n        audit(country)")
    assert verdicts(event(MONEY, PRICE), files=[SourceFile("a.py", longer)]) == [("kept", PRICE)]


def test_the_rest_of_the_line_is_no_part_of_the_answer():
    inside = event(MONEY, "item.price for item in self.items")
    assert inside.suffix.startswith(")\n")
    assert verdicts(inside) == [("kept", "item.price for item in self.items")]
    assert verdicts(replace(inside, suffix="]" + inside.suffix[1:])) == [("changed around", "")]


def test_where_the_line_below_is_another_the_place_is_not_taken_for_the_same():
    other = SourceFile("a.py", MONEY.replace("return with_tax(net, country)", "return net"))
    assert verdicts(event(MONEY, PRICE), files=[other]) == [("changed around", "")]


def test_of_words_that_were_accepted_one_by_one_the_whole_line_is_learnt_once():
    shown = event(MONEY, PRICE, "sum(item.cost for item in self.items)")
    words = [replace(shown, accepted_characters=count) for count in (3, 4, 8)]
    assert verdicts(replace(shown, kind="shown", accepted_characters=0), *words) == [("corrected", PRICE)]


def test_nothing_is_learnt_of_what_was_shown_or_rejected_or_blank():
    one = event(MONEY, PRICE)
    assert verdicts(*(replace(one, kind=kind, accepted_characters=0) for kind in ("shown", "rejected"))) == []
    assert verdicts(replace(one, accepted_characters=0), replace(one, text="   ", accepted_characters=3)) == []


def test_what_was_deleted_again_is_not_learnt():
    without = SourceFile("a.py", MONEY.replace("        self.items.clear()\n", "") + "\n\nprint(Basket)\n")
    asked = event(MONEY + "\n\nprint(Basket)\n", "        self.items.clear()")
    assert verdicts(asked, files=[without]) == [("taken back", "")]


def test_text_of_another_project_is_not_learnt_even_where_a_line_is_the_same():
    foreign = MONEY.replace("item", "thing").replace("Basket", "Cart")
    assert verdicts(event(foreign, "sum(thing.price for thing in self.things)")) == [("foreign", "")]
    assert verdicts(event(MONEY, PRICE), files=[]) == [("foreign", "")]
    common = 'import os\n\n\nif __name__ == "__main__":\n    main()\n'
    assert verdicts(event(common, "main()"), files=[SourceFile("b.py", common.replace("os", "sys"))])[0][0] != "kept"


def test_a_place_that_could_be_anywhere_is_nobodys():
    assert verdicts(event("x = 1\ny = 2\n", "2"), files=[SourceFile("a.py", "x = 1\ny = 2\n")]) == [("foreign", "")]


def test_what_stands_in_a_held_out_file_is_not_learnt():
    assert verdicts(event(MONEY, PRICE), files=[SourceFile("other.py", "x = 1\n")], held_out=[FILE]) == [("held out", "")]


def test_the_same_at_the_same_place_is_learnt_once():
    one = event(MONEY, PRICE)
    assert [verdict for verdict, _ in verdicts(one, replace(one, completion_id="b"))] == ["kept", "again"]


@pytest.mark.parametrize("where", ["prefix", "text", "suffix"])
def test_a_secret_beside_a_completion_or_in_it_keeps_it_away(where):
    line = f'    token = "{KEY}"\n'
    one = event(MONEY, PRICE)
    changed = {
        "prefix": replace(one, prefix=line + one.prefix),
        "text": event(MONEY, PRICE, f'"{KEY}"'),
        "suffix": replace(one, suffix=one.suffix + line),
    }[where]
    assert verdicts(changed) == [("secret", "")]


def test_a_secret_that_was_put_in_afterwards_keeps_it_away():
    leaking = SourceFile("a.py", MONEY.replace(PRICE, f'"{KEY}"'))
    assert verdicts(event(MONEY, PRICE), files=[leaking]) == [("secret", "")]


def test_line_ends_of_windows_are_the_same_text():
    windows = event(MONEY.replace("\n", "\r\n"), PRICE)
    assert verdicts(windows) == [("kept", PRICE)]


STRANGE = st.lists(
    st.tuples(
        st.integers(0, 17),
        st.sampled_from([f'key = "{KEY}"', "password = 'correct horse'", "    return net", "", "elsewhere(a, b)", "é = '🐍'"]),
    ),
    max_size=3,
)


@given(STRANGE, st.integers(0, 16), st.data())
def test_no_secret_and_no_answer_of_strangers_is_ever_in_an_example(strange, line, data):
    lines = MONEY.splitlines(keepends=True)
    for at, other in strange:
        lines.insert(at, other + "\n")
    text = "".join(lines)
    start = sum(map(len, lines[:line])) + data.draw(st.integers(0, len(lines[line]) - 1))
    answer = data.draw(st.sampled_from([lines[line][-12:-1], "net, country)", "return net", "x"]))
    asked = Event("a", "accepted", len(answer), None, "", "pocket", text[:start], text[start + len(answer) :], answer)
    made, judged = accepted.examples(judge([asked], [FILE]), pocket(), 512)
    for drawn, one in zip(made, [one for one in judged if one.taken], strict=True):
        written = pocket().model.codec.decode(drawn.ids)
        assert KEY not in written and "correct horse" not in written
        assert asked.prefix.split("\n")[-1] + one.answer in MONEY


@given(st.integers(0, len(MONEY) - 1), st.integers(1, 120), st.sampled_from([48, 128, 512]))
def test_an_example_is_the_prompt_as_it_was_asked_then_the_answer_and_the_end(start, length, most_tokens):
    answer = MONEY[start : start + length]
    asked = Event("a", "accepted", len(answer), None, "", "pocket", MONEY[:start], MONEY[start + length :], answer)
    made, judged = accepted.examples(judge([asked], [FILE]), pocket(), most_tokens)
    codec = pocket().model.codec
    for drawn in made:
        [one] = judged
        before, typed = step_back(Cursor(asked.prefix + asked.suffix, start))
        assert len(drawn.ids) <= most_tokens
        assert drawn.ids[-1] == codec.end_id
        assert codec.decode(drawn.ids[-drawn.answer_count : -1]) == typed + one.answer
        assert drawn.ids[: -drawn.answer_count] == pocket().prompt(before, max(64, drawn.answer_count)).ids


def test_half_lines_at_the_ends_of_what_was_kept_are_not_used():
    text = "\n".join(f"value_{number} = compute_{number}(alpha, beta)" for number in range(200)) + "\n"
    asked = event(text, "compute_100(alpha, beta)")
    assert len(asked.prefix) == len(asked.suffix) == CHARACTERS_AROUND
    [drawn], _ = accepted.examples(judge([asked], [SourceFile("a.py", text)]), pocket(), 4096)
    written = pocket().model.codec.decode(drawn.ids)
    assert all(line.startswith("value_") or "compute_" in line or "<" in line for line in written.split("\n") if line)
    around = accepted.Around.of(asked)
    assert around.prefix in text and text.index(around.prefix) in {0, *(n + 1 for n, c in enumerate(text) if c == "\n")}


def test_a_file_that_is_no_record_is_refused_and_none_is_made(tmp_path):
    with pytest.raises(ValueError, match="is not there"):
        accepted.read(tmp_path / "events.sqlite")
    assert not list(tmp_path.iterdir())
    (tmp_path / "events.sqlite").write_text("no database at all, but rather long, so that it could be one\n" * 20)
    with pytest.raises(ValueError, match="no record of completions"):
        accepted.read(tmp_path / "events.sqlite")
    with closing(sqlite3.connect(tmp_path / "others.sqlite")) as others:
        others.execute("CREATE TABLE money (amount)")
    before = (tmp_path / "others.sqlite").read_bytes()
    with pytest.raises(ValueError, match="no record of completions"):
        accepted.read(tmp_path / "others.sqlite")
    assert (tmp_path / "others.sqlite").read_bytes() == before, "somebody else's database is as it was"
    Store(tmp_path / "good.sqlite").add(event(MONEY, PRICE))
    assert accepted.read(tmp_path / "good.sqlite") == [event(MONEY, PRICE)]


def test_the_summary_counts_everything_once():
    foreign = event(MONEY.replace("item", "thing"), "sum(thing.price for thing in self.things)", id="c")
    told = judge([event(MONEY, PRICE), event(MONEY, "self.items.clear()", "self.items = []", id="b"), foreign], [FILE])
    counted = accepted.counts(told)
    assert counted == {"kept": 1, "corrected": 1, "foreign": 1}
    assert accepted.summary(counted).splitlines()[-1].split() == ["learnt", "from", "2"]
