"""Training rows: whole examples, spans as an editor makes them, both orders, and nothing invented."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import examples
from copilot_lib.examples import Sentinels
from copilot_lib.recipe import Mix

IDS = Sentinels(prefix=1, middle=2, suffix=3, end=0)
SPECIAL = {0, 1, 2, 3}
CODE = '''import os


def load(path, mode="r"):
    """Reads a file."""
    with open(path, mode) as file:
        data = file.read()
    if not data:
        return None
    return [line.strip() for line in data.split("\\n") if line]


class Store:
    def __init__(self, root):
        self.root = os.path.abspath(root)

    def names(self):
        return sorted(os.listdir(self.root))
'''


def encode(text):
    """A character is a token: what goes in can be read back from the ids."""
    return [ord(c) + 10 for c in text]


def decode(ids):
    return "".join(chr(i - 10) for i in ids)


def parts(example):
    """Prefix, middle and suffix of an example in either order."""
    assert example[-1] == IDS.end
    if example[1] == IDS.suffix and IDS.middle in example and example.index(IDS.middle) > 1:
        middle_at = example.index(IDS.middle)
        return "SPM", decode(example[2:middle_at]), decode(example[middle_at + 1 : -1])
    suffix_at, middle_at = example.index(IDS.suffix), example.index(IDS.middle)
    before, suffix, middle = example[1:suffix_at], example[suffix_at + 1 : middle_at], example[middle_at + 1 : -1]
    return "PSM", decode(suffix), decode(before) + decode(middle)


@given(st.integers(0, 10**6))
def test_an_example_holds_its_window_with_nothing_lost_or_added(seed):
    example, _ = examples.fim_example(CODE, encode, IDS, 4096, random.Random(seed))
    _, suffix, before = parts(example)
    assert before + suffix == CODE


@given(st.integers(0, 10**6), st.integers(64, 300))
def test_a_budget_is_kept_by_trimming_the_outer_ends(seed, budget):
    example, _ = examples.fim_example(CODE, encode, IDS, budget, random.Random(seed))
    assert len(example) <= budget
    _, suffix, before = parts(example)
    assert before + suffix in CODE


def test_both_orders_are_made_about_equally_often():
    made = [parts(examples.fim_example(CODE, encode, IDS, 4096, random.Random(n))[0])[0] for n in range(400)]
    assert 140 < made.count("SPM") < 260


@pytest.mark.parametrize(
    "kind", sorted({k for kinds in examples.SPANS.values() for k in kinds}, key=lambda kind: kind.__name__)
)
@given(seed=st.integers(0, 10**6))
def test_every_kind_of_span_lies_inside_its_window(kind, seed):
    start, end = kind(CODE, random.Random(seed))
    assert 0 <= start <= end <= len(CODE)


@given(st.integers(0, 10**6))
def test_the_rest_of_a_line_leaves_the_newline_in_the_suffix(seed):
    start, end = examples.rest_of_line(CODE, random.Random(seed))
    assert "\n" not in CODE[start:end]
    assert CODE[end] == "\n"


def test_after_each_whole_line_a_gap_rather_ends_than_goes_on():
    spans = (examples.whole_lines("x = 1\n" * 99, random.Random(seed)) for seed in range(500))
    lines = [-(-(end - start) // len("x = 1\n")) for start, end in spans]
    for number in (1, 2, 3):
        assert lines.count(number) > sum(more > number for more in lines)


def test_syntax_nodes_are_whole_expressions_and_statements():
    texts = {CODE[start:end] for start, end in examples.node_spans(CODE)}
    assert {"return None", "data.split", "file.read()", "os.path.abspath(root)"} <= texts
    assert examples.node_spans("def broken(:") == []


def test_rows_are_full_and_fim_examples_whole():
    texts = [CODE * 3 for _ in range(40)]
    made = examples.rows(texts, encode, IDS, 512, random.Random(0))
    assert {len(row) for row, _ in made} == {len(answers) for _, answers in made} == {512}
    for row, _ in made:
        assert row.count(IDS.prefix) == row.count(IDS.middle) == row.count(IDS.suffix), "no example is cut in two"


def test_answers_are_the_middles_and_the_tokens_that_end_them():
    (row, kinds), *_ = examples.rows([CODE * 3 for _ in range(40)], encode, IDS, 512, random.Random(0))
    answers = [kind == examples.ANSWER for kind in kinds]
    for n, (token, following) in enumerate(zip(answers, [*answers[1:], False], strict=True)):
        assert (token and not following) == (token and row[n] == IDS.end), "an answer ends with the end token"
    assert not any(answer and token in (IDS.prefix, IDS.middle, IDS.suffix) for token, answer in zip(row, answers, strict=True))


@given(st.integers(0, 10**6))
def test_an_answer_is_what_was_cut_out(seed):
    example, answer = examples.fim_example(CODE, encode, IDS, 4096, random.Random(seed))
    middle = decode(example[len(example) - answer : -1])
    order, _, before = parts(example)
    assert before.endswith(middle)
    if order == "PSM":
        assert example[len(example) - answer - 1] == IDS.middle


def test_the_same_seed_makes_the_same_rows_and_another_seed_others():
    def make(seed):
        return examples.rows([CODE * 2] * 20, encode, IDS, 256, random.Random(seed))

    assert make(1) == make(1)
    assert make(1) != make(2)


def test_without_fim_rows_are_plain_text_with_end_tokens():
    made = examples.rows([CODE] * 20, encode, IDS, 128, random.Random(0), Mix(fim_share=0.0))
    assert not {1, 2, 3} & {token for row, _ in made for token in row}
    assert decode([t for row, _ in made for t in row if t]).startswith(CODE[:10]) or made
    assert sum(row.count(IDS.end) for row, _ in made) > 10


def test_with_gaps_alone_every_example_is_kept_and_what_is_missing_is_marked():
    made = examples.rows([CODE * 3] * 40, encode, IDS, 512, random.Random(0), Mix(fim_share=1.0))
    assert len(made) > 20
    assert not any(examples.PLAIN in kinds for _, kinds in made)
    for row, kinds in made:
        filler = kinds.count(examples.FILLER)
        assert filler < examples.SMALLEST_EXAMPLE
        assert kinds[512 - filler :] == [examples.FILLER] * filler
        assert row[512 - filler :] == [IDS.end] * filler


@pytest.mark.parametrize(("order", "share"), [("PSM", 0.0), ("SPM", 1.0)])
def test_one_order_can_be_had_alone(order, share):
    made = [
        parts(examples.fim_example(CODE, encode, IDS, 4096, random.Random(n), Mix(spm_share=share))[0])[0] for n in range(20)
    ]
    assert set(made) == {order}


def test_a_window_ends_after_a_whole_line_if_one_fits():
    assert examples.window_at("ab\ncd\nef", 0, 7) == 6
    assert examples.window_at("abcdefgh", 0, 4) == 4
    assert examples.window_at("ab\ncd", 3, 100) == 5
