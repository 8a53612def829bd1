"""Examples: whole windows with a gap, asked for as a completer asks, anew every epoch, in every family's format."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken

from copilot_lib import bpe
from copilot_lib.codec import Codec
from copilot_lib.completer import CONTEXT_SHARE, Completer
from copilot_lib.cursor import Cursor
from copilot_lib.formats import CONTROL, FORMATS
from copilot_lib.recipe import Mix
from copilot_lib.repository import SourceFile
from copilot_lib.tuning import neighbours
from copilot_lib.tuning.drawing import LEAST_ROOM, Drawing, draw, overhead, windows

CODE = '''import os


def load(path, mode="r"):
    """Reads a file."""
    with open(path, mode) as file:
        data = file.read()
    return [line.strip() for line in data.split("\\n") if line]


class Store:
    def __init__(self, root):
        self.root = os.path.abspath(root)

    def names(self):
        return sorted(os.listdir(self.root))
'''
NAMES = [format.name for format in FORMATS]
GAPS = Drawing(Mix(fim_share=1.0))

LINES = st.sampled_from([*sorted(CONTROL), "def f(x):", "    return x + 1", "\ttabbed", "", "  ", "name = 'İß漢🐍'", "a" * 90])
TEXTS = st.lists(LINES, min_size=1, max_size=60).map("\n".join)


@cache
def codec(name: str) -> Codec:
    """A small tokenizer with a family's control tokens."""
    tokenizer = bpe.train([CODE] * 3, 400)
    format = next(format for format in FORMATS if format.name == name)
    tokenizer.add_tokens([AddedToken(spelling, special=True, normalized=False) for spelling in sorted(format.spellings)])
    return Codec(tokenizer, format)


def parts(example, codec: Codec) -> tuple[str, str, str]:
    """Prefix, middle and suffix of an example, read back from its ids."""
    asked, answer = example.ids[: -example.answer_count], example.ids[-example.answer_count : -1]
    prefix, suffix = codec.format.read(codec.decode(asked))
    return prefix, codec.decode(answer), suffix


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=30)
def test_prefix_middle_and_suffix_are_the_window_and_the_end_token_follows(name, seed):
    [example] = draw([SourceFile("a.py", CODE)], codec(name), 4096, seed, drawing=Drawing(Mix(fim_share=1.0), full_share=1.0))
    assert "".join(parts(example, codec(name))) == CODE
    assert example.ids[-1] == codec(name).end_id
    assert example.kind == "gap"


@pytest.mark.parametrize("name", NAMES)
@given(TEXTS, st.integers(LEAST_ROOM + 8, 300), st.integers(0, 10**6))
@settings(max_examples=30)
def test_whatever_a_file_holds_no_example_is_too_long_and_no_special_id_is_inside_its_text(name, text, tokens, seed):
    coder = codec(name)
    for example in draw([SourceFile("a.py", text)], coder, tokens, seed, drawing=GAPS):
        assert len(example.ids) <= tokens
        special = [id for id in example.ids if id in coder.stop_ids]
        assert len(special) == len(coder.format.sentinels) + 1
        assert example.ids[-1] == coder.end_id not in example.ids[:-1]
        kept = [id for id in example.ids[: -example.answer_count] if id not in coder.stop_ids]
        assert len(kept) + example.answer_count - 1 <= tokens - overhead(coder)


@given(st.integers(0, 10**6), st.integers(LEAST_ROOM + 8, 200))
def test_of_a_long_text_the_outer_ends_go_and_never_the_middle(seed, tokens):
    for example in draw([SourceFile("a.py", CODE * 3)], codec("pocket"), tokens, seed, drawing=GAPS):
        assert "".join(parts(example, codec("pocket"))) in CODE * 3


@given(TEXTS, st.integers(0, 10**6), st.integers(LEAST_ROOM, 400))
def test_windows_are_whole_lines_and_together_the_file(text, seed, most):
    found = list(windows(text, codec("pocket"), most, 0.5, random.Random(seed)))
    assert "".join(text[start:end] for start, end, _ in found) == text
    assert [start for start, _, _ in found] == [0, *(end for _, end, _ in found)][:-1]
    for start, end, room in found:
        window = text[start:end]
        assert LEAST_ROOM <= room <= most
        assert end == len(text) or window.endswith("\n")
        assert len(codec("pocket").encode(window)) <= room or window.rstrip("\n").count("\n") == 0


FILES = [SourceFile(f"m{n}.py", CODE.replace("load", f"load_{n}")) for n in range(8)]


@given(st.integers(0, 99), st.integers(0, 99))
@settings(max_examples=10)
def test_seed_and_epoch_decide_everything_and_another_of_either_gives_others(seed, epoch):
    def drawn(files, seed, epoch):
        return list(draw(files, codec("pocket"), 128, seed, epoch))

    once = drawn(FILES, seed, epoch)
    assert once == drawn(FILES[::-1], seed, epoch), "whatever order the files came in"
    assert once != drawn(FILES, seed, epoch + 1)
    assert once != drawn(FILES, seed + 1, epoch)


def test_gaps_are_cut_elsewhere_every_epoch():
    def answers(epoch):
        return {
            example.ids[-example.answer_count :] for example in draw(FILES, codec("pocket"), 128, epoch=epoch, drawing=GAPS)
        }

    assert len(answers(0) & answers(1)) < len(answers(0)) / 2


def test_both_orders_are_asked_in_where_a_format_has_both_and_only_then():
    def orders(name):
        coder = codec(name)
        made = [example for example in draw(FILES, coder, 128, drawing=GAPS) if parts(example, coder)[0]]
        together = coder.format.prefix + coder.format.suffix
        return {coder.decode(example.ids).startswith(together) for example in made}

    assert orders("starcoder") == {True, False}
    assert orders("qwen2.5-coder") == {False}


def test_text_that_just_goes_on_ends_only_where_its_file_ends():
    plain = Drawing(Mix(fim_share=0.0), full_share=1.0)
    made = list(draw(FILES[:1], codec("pocket"), 64, drawing=plain))
    assert [example.kind for example in made] == ["plain"] * len(made)
    assert len(made) > 2
    assert [example.ids[-1] == codec("pocket").end_id for example in made] == [False] * (len(made) - 1) + [True]
    text = "".join(codec("pocket").decode(example.ids) for example in made)
    assert text == FILES[0].text + codec("pocket").decode([codec("pocket").end_id])
    assert all(example.answer_count == len(example.ids) for example in made)


def test_shares_are_kept():
    drawing = Drawing(Mix(fim_share=0.7))
    made = [example for epoch in range(20) for example in draw(FILES, codec("pocket"), 96, epoch=epoch, drawing=drawing)]
    assert 0.6 < sum(example.kind == "gap" for example in made) / len(made) < 0.8


def test_too_small_a_model_is_refused():
    with pytest.raises(ValueError, match=r"examples of 40 tokens were asked for: expected at least \d+"):
        next(draw(FILES, codec("pocket"), 40))


# With pieces of other files

TAX = "def net_price(gross, rate=0.19):\n    '''Without tax.'''\n    return gross / (1 + rate)\n"
SHOP = "from tax import net_price\n\n\ndef total(items):\n    return sum(net_price(item.gross) for item in items)\n"
LEARNT = [SourceFile("shop.py", SHOP), SourceFile("tax.py", TAX)]
HELD_OUT = SourceFile("held_out.py", TAX.replace("0.19", "0.07"))
SHOWN = Drawing(Mix(fim_share=1.0, spm_share=1.0), full_share=1.0, context_share=1.0)


@pytest.fixture(scope="module")
def completer():
    with_model = Completer.load("pocket")
    yield with_model
    with_model.close()


def test_a_gap_with_pieces_of_other_files_is_asked_about_as_a_completer_asks(completer):
    coder, asked_alike = completer.model.codec, 0
    with neighbours.places(LEARNT) as place_of:
        for seed in range(20):
            for file in LEARNT:
                [example] = draw([file], coder, 512, seed, drawing=SHOWN, places=place_of)
                prompt = example.ids[: -example.answer_count]
                middle = coder.decode(example.ids[-example.answer_count : -1])
                suffix = coder.decode(prompt).split("<fim_suffix>")[1].split("<fim_middle>")[0]
                start = len(file.text) - len(suffix) - len(middle)
                cursor = Cursor(file.text[:start] + suffix, start)
                if suffix.strip():
                    assert prompt == completer.prompt(cursor, 64, place=place_of(file.path)).ids
                    asked_alike += example.context_count > 0
    assert asked_alike > 5


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_other_files_take_their_share_at_most_and_nothing_is_too_long(seed):
    with neighbours.places(LEARNT) as place_of:
        for example in draw([SourceFile("shop.py", SHOP * 9)], codec("starcoder"), 200, seed, drawing=SHOWN, places=place_of):
            assert len(example.ids) <= 200
            assert example.context_count <= CONTEXT_SHARE * 200


def test_only_files_that_may_be_learnt_from_are_shown_and_only_where_it_is_wanted():
    coder = codec("pocket")

    def read(files, drawing):
        with neighbours.places(files) as place_of:
            return "".join(
                coder.decode(e.ids) for n in range(20) for e in draw(LEARNT[:1], coder, 512, n, 0, drawing, place_of)
            )

    assert "0.19" in read(LEARNT, SHOWN)
    assert "0.07" not in read(LEARNT, SHOWN)
    assert "0.07" in read([LEARNT[0], HELD_OUT], SHOWN), "the test can see it where it is"
    assert "0.19" not in read(LEARNT, GAPS)
