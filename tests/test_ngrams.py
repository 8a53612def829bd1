"""N-grams of a repository beside a network: found as by hand, mixed as probabilities, and never of the file that is open."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as some

from copilot_lib import models
from copilot_lib.completer import Completer
from copilot_lib.context import NgramCache, Project
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


def test_whether_more_lines_follow_is_left_to_the_network(completer, shop):
    codec = completer.model.codec
    scores = numpy.random.default_rng(0).normal(size=codec.tokenizer.get_vocab_size()).astype(numpy.float32)
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
