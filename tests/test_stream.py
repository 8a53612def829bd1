"""Streamed text: whole characters, and stop strings that may span tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from copilot_lib.stream import characters, until


def byte_tokenizer():
    """Every byte is a token, so that every character beyond ASCII spans several."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: n for n, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


TOKENIZER = byte_tokenizer()
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"))


@given(texts)
def test_streamed_text_is_the_text_and_never_half_a_character(text):
    pieces = list(characters(TOKENIZER.encode(text).ids, TOKENIZER))
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_an_unfinished_character_at_the_end_is_dropped():
    ids = TOKENIZER.encode("a🙂").ids[:-1]
    assert "".join(characters(ids, TOKENIZER)) == "a"


def drain(stream):
    pieces = []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            return pieces, end.value


@given(st.text("ab\n"), st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3), st.randoms())
def test_text_ends_before_the_first_stop_string_however_it_is_cut_up(text, stops, random):
    cuts = sorted(random.randrange(len(text) + 1) for _ in range(4))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    got, met = drain(until(pieces, stops))
    found = [(text.find(stop) + len(stop), text.find(stop), stop) for stop in stops if stop in text]
    _, end, expected = min(found, default=(0, len(text), None))
    assert ("".join(got), met) == (text[:end], expected)


def test_text_that_may_begin_a_stop_string_is_held_back():
    stream = until(iter(["a\n", "b"]), ["\n\n"])
    assert next(stream) == "a"
    assert next(stream) == "\nb"


def test_one_string_in_place_of_several_is_refused():
    with pytest.raises(ValueError, match=r"one string: expected a sequence of them, such as \['abc'\]"):
        list(until(["x"], "abc"))
