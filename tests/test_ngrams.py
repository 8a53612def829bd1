"""N-grams of a repository beside a network: found as by hand, mixed as probabilities, and never of the file that is open."""

import weakref

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as some

from copilot_lib import models
from copilot_lib.completer import Completer
from copilot_lib.context import NgramCache, Project, ngram_cache
from copilot_lib.context.ngram_cache import NEAR_CHARACTERS, near
from copilot_lib.cursor import Cursor
from copilot_lib.ngrams import LONGEST, SHORTEST, Ngrams, mixed, together

few = some.integers(0, 3)
sequences = some.lists(some.lists(few, max_size=30), max_size=5)


def by_hand(sequences, ids, but=None):
    """The followers of the last ids, length by length."""
    found = []
    for length in range(SHORTEST, min(LONGEST, len(ids)) + 1):
        behind = [
            one[at]
            for number, one in enumerate(sequences)
            for at in range(length, len(one))
            if number != but and one[at - length : at] == ids[-length:]
        ]
        if not behind:
            break
        found.append(sorted(behind))
    return found


@given(sequences, some.lists(few, max_size=20), some.none() | some.integers(0, 4))
def test_what_followed_is_found_in_all_sequences_but_one_and_never_across_two(sequences, ids, but):
    but = but if but is not None and but < len(sequences) else None
    found = Ngrams(sequences).following(ids, but)
    assert [sorted(one.tolist()) for one in found] == by_hand(sequences, ids, but)


@given(sequences, sequences, some.lists(few, min_size=2, max_size=20))
def test_what_was_found_apart_is_what_is_found_together(some_of_them, others, ids):
    apart = together(Ngrams(some_of_them).following(ids), Ngrams(others).following(ids))
    assert [sorted(one.tolist()) for one in apart] == by_hand([*some_of_them, *others], ids)


@given(some.lists(some.floats(0.01, 1), min_size=4, max_size=4), some.lists(some.lists(few, min_size=1), max_size=6))
def test_what_is_mixed_is_a_probability_and_what_always_followed_gains(weights, found):
    network = numpy.array(weights) / sum(weights)
    both = mixed(network, [numpy.array(one) for one in found])
    assert both.sum() == pytest.approx(1) and (both > 0).all()
    assert found or both.tolist() == network.tolist()
    if {id for one in found for id in one} == {2}:
        assert both[2] > network[2]


@pytest.fixture(scope="module")
def completer():
    return Completer(models.load("pocket", precision="float32"))


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "till.py").write_text("def total(basket):\n    return sum(map(zloty_price_of, basket.drawers))\n")
    (tmp_path / "door.py").write_text("def door(key):\n    return key.opens\n")
    return Project(tmp_path)


BEGUN = "def total_of_all(basket):\n    return sum(map(zloty"
OPEN = Cursor(BEGUN + "\n\n\nprint(1)\n", len(BEGUN))


def cached(project, completer):
    cache = NgramCache(project, completer.model.codec)
    cache.refresh()
    return cache


def test_what_another_file_says_is_said_here(completer, shop):
    alone = completer.complete(OPEN).text
    assert completer.complete(OPEN, ngrams=cached(shop, completer).at("new.py")).text == "_price_of, basket.drawers))"
    assert "_price_of" not in alone


def test_the_stored_state_of_the_open_file_does_not_count_but_its_own_lines_do(completer, shop):
    cache = cached(shop, completer)
    assert completer.complete(OPEN, ngrams=cache.at("till.py")).text == completer.complete(OPEN).text
    known = "def other(basket):\n    return sum(map(zloty_price_of, basket.drawers))\n\n\n"
    far = known + "".join(f"price_{n} = {n * n}\n" for n in range(200))
    assert "zloty" not in completer.model.codec.decode(completer.prompt(Cursor(far, len(far)), 64).ids), "too far to be shown"
    below = Cursor(far + OPEN.text, len(far) + OPEN.offset)
    assert completer.complete(below, ngrams=cache.at("till.py")).text.startswith("_price_of")


def test_the_cache_follows_the_files(completer, shop):
    cache = cached(shop, completer)
    before = cache.at("new.py")
    assert cache.refresh() == 0 and cache.at("new.py") == before
    (shop.root / "till.py").unlink()
    assert cache.refresh() == 1
    assert cache.at("new.py") != before, "nothing that was remembered with the older is taken"
    assert completer.complete(OPEN, ngrams=cache.at("new.py")).text == completer.complete(OPEN).text


def test_who_remembers_an_answer_does_not_keep_what_was_counted_then(completer, shop):
    """The service remembers the last 256 answers, each with the `ngrams` that it was asked with."""
    cache = cached(shop, completer)
    remembered, counted = cache.at("new.py"), weakref.ref(cache.counted)
    (shop.root / "till.py").unlink()
    cache.refresh()
    assert counted() is None and hash(remembered)


def test_a_file_that_is_named_by_a_link_to_its_folder_is_the_open_file_too(completer, shop, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "shop"
    link.symlink_to(shop.root)
    (shop.root / "desk").mkdir()
    (shop.root / "till.py").rename(shop.root / "desk" / "till.py")
    at = cached(shop, completer).at(link / "desk" / "till.py")
    assert at.name == "desk/till.py"
    assert completer.complete(OPEN, ngrams=at).text == completer.complete(OPEN).text


def test_a_file_whose_text_no_token_can_spell_does_not_keep_the_others_from_being_counted(completer, shop):
    (shop.root / "half.py").write_bytes(b"# coding: utf-7\nx = '+2AA-'\n")
    assert "\ud800" in shop.stored(shop.root / "half.py")
    assert completer.complete(OPEN, ngrams=cached(shop, completer).at("new.py")).text.startswith("_price_of")


def test_of_a_project_without_end_the_first_files_count(completer, shop, monkeypatch):
    size = (shop.root / "door.py").stat().st_size
    monkeypatch.setattr(ngram_cache, "MOST_BYTES", size)
    cache = cached(shop, completer)
    assert [*cache.counted.numbers] == ["door.py"]
    (shop.root / "door.py").unlink()
    monkeypatch.setattr(ngram_cache, "MOST_BYTES", 10 * size)
    assert cache.refresh() == 2 and [*cache.counted.numbers] == ["till.py"]


def test_what_was_interrupted_is_counted_the_next_time(completer, shop, monkeypatch):
    cache = NgramCache(shop, completer.model.codec)
    monkeypatch.setattr(ngram_cache, "Ngrams", raises(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        cache.refresh()
    monkeypatch.undo()
    assert cache.refresh() == 2
    assert completer.complete(OPEN, ngrams=cache.at("new.py")).text.startswith("_price_of")


def raises(error):
    """A function that does nothing else."""

    def call(*_):
        raise error

    return call


def scores_of(completer, seed=0):
    """Some scores for every id."""
    size = completer.model.codec.tokenizer.get_vocab_size()
    return numpy.random.default_rng(seed).normal(size=size).astype(numpy.float32)


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_the_style_of_newlines_changes_nothing(completer, shop, newline):
    """Not even between the halves of one, where the prompt has no newline before the cursor."""
    at, text = cached(shop, completer).at("new.py"), "a = key.opens\n\n\nb = key.opens\n"
    plain = at.mix(Cursor(text, 13))([], scores_of(completer))
    styled = text.replace("\n", newline)
    for offset in range(13, 13 + len(newline)):
        assert at.mix(Cursor(styled, offset))([], scores_of(completer)).tolist() == plain.tolist()


def test_of_a_large_file_whole_lines_are_near_and_of_a_line_without_end_a_part():
    lines = "x = 1\n" * NEAR_CHARACTERS
    before, after = near(Cursor(lines, 3 * NEAR_CHARACTERS + 1))
    assert before.startswith("x") and NEAR_CHARACTERS <= len(before) < NEAR_CHARACTERS + 6 and len(after) == NEAR_CHARACTERS
    endless = "x" * 5 * NEAR_CHARACTERS
    assert len(near(Cursor(endless, len(endless)))[0]) == 2 * NEAR_CHARACTERS
    assert near(Cursor("x\ny", 2)) == ("x\n", "y")


def test_where_the_network_rules_out_that_a_line_ends_there_are_scores_still(completer, shop):
    cache, scores = cached(shop, completer), scores_of(completer)
    scores[cache.ends] = -1000
    assert numpy.isfinite(cache.at("new.py").mix(OPEN)([], scores)).all()


def test_whether_more_lines_follow_is_left_to_the_network(completer, shop):
    codec = completer.model.codec
    scores = scores_of(completer)
    text = "    return key.opens"
    after = cached(shop, completer).at("new.py").mix(Cursor(text + "\nx = 1\n", len(text)))([], scores)
    newline, end = codec.encode("\n")[0], codec.end_id
    assert after[newline] - after[end] == pytest.approx(scores[newline] - scores[end], abs=1e-4)
    shares = numpy.exp(after), numpy.exp(scores) / numpy.exp(scores).sum()
    assert shares[0][[newline, end]].sum() > 2 * shares[1][[newline, end]].sum(), "the line ends so elsewhere"


@pytest.mark.parametrize("text", ["", "x", "\n", "a\r\nb\r\n", "é\u2028", "x = 1\n" * 50_000])
def test_any_text_has_scores_for_every_id(completer, shop, text):
    mix = cached(shop, completer).at("new.py").mix(Cursor(text, len(text)))
    scores = numpy.zeros(completer.model.codec.tokenizer.get_vocab_size(), dtype=numpy.float32)
    assert numpy.isfinite(mix([], scores)).all() and mix([1, 2, 3], scores).shape == scores.shape


def test_what_is_kept_and_what_is_guessed_changes_nothing(completer, shop):
    """Keys and values of the last request, and drafts: the answer is that of a fresh engine."""
    at = cached(shop, completer).at("new.py")
    first = completer.complete(OPEN, ngrams=at)
    assert completer.complete(OPEN, ngrams=at).tokens == first.tokens
    completer.engine.forget()
    assert completer.complete(OPEN, ngrams=at).tokens == first.tokens
