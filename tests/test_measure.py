"""Bits per byte: right on a case that can be counted by hand, whole for every token, and blind to the tokenizer."""

import math
from types import SimpleNamespace

import pytest
import torch

from copilot_lib import measure
from copilot_lib.completer import Completer
from copilot_lib.corpus import MAX_BYTES
from copilot_lib.cursor import Cursor
from copilot_lib.targets import Target


class Codec:
    """One byte is one token."""

    def __init__(self, encoding="utf-8"):
        self.encoding = encoding
        self.tokenizer = SimpleNamespace(get_vocab_size=lambda: 256)

    def encode(self, text):
        return list(text.encode(self.encoding))


class Uniform(torch.nn.Module):
    """Every next byte is as likely as any other: 8 bits, whatever the text."""

    device = "cpu"

    def forward(self, ids):
        assert ids.shape[1] <= 16, "more than the context was shown"
        return SimpleNamespace(logits=torch.zeros(*ids.shape, 256))


class Copies(Uniform):
    """Says with nine tenths of its mind that the byte before the last one comes next."""

    def forward(self, ids):
        logits = torch.full((*ids.shape, 256), math.log(0.1 / 255))
        logits[0, 1:].scatter_(1, ids[0, :-1, None], math.log(0.9))
        return SimpleNamespace(logits=logits)


def model(network):
    return SimpleNamespace(codec=Codec(), network=network(), context_tokens=16)


@pytest.mark.parametrize("length", [2, 15, 16, 17, 24, 25, 200])
def test_every_byte_but_the_first_is_counted_once(length):
    expected = 8 * (length - 1) / length
    assert measure.bits_per_byte(model(Uniform), "a" * length) == pytest.approx(expected)


def test_what_the_network_expects_costs_little():
    text = "ab" * 50
    surprises = 8 + 98 * math.log2(1 / 0.9)  # the second byte, with nothing to copy yet, and all that repeat
    assert measure.bits_per_byte(model(Copies), text) == pytest.approx(surprises / 100, rel=1e-3)


def test_an_ngram_model_counts_what_it_was_shown():
    """After `a`, seen three times, came `b` twice and `c` once; of all six tokens, of three kinds, two were `b`."""
    codec = Codec()
    alone = (2 + 3 / 256) / (6 + 3)
    expected = -math.log2((2 + 2 * alone) / (3 + 2)) / 2
    assert measure.ngram_bits_per_byte(codec, ["abac", "ab"], ["ab"], order=2) == [pytest.approx(expected)]
    unseen = -math.log2((0 + 3 / 256) / (6 + 3)) / 2
    assert measure.ngram_bits_per_byte(codec, ["abac", "ab"], ["zz"], order=2) == [pytest.approx(unseen)]


def test_the_probabilities_of_an_ngram_model_sum_to_one():
    codec = SimpleNamespace(
        encode=lambda text: list(text.encode("latin-1")), tokenizer=SimpleNamespace(get_vocab_size=lambda: 256)
    )
    texts = ["ab" + chr(n) for n in range(256)]
    bits = measure.ngram_bits_per_byte(codec, ["abracadabra", "abba"], texts, order=3)
    shared = measure.ngram_bits_per_byte(codec, ["abracadabra", "abba"], ["ab"], order=3)[0] * 2
    total = sum(2 ** -(b * len(t.encode()) - shared) for b, t in zip(bits, texts, strict=True))
    assert total == pytest.approx(1)


def test_the_middle_is_predicted_from_both_sides():
    completer = Completer.load("pocket")
    above = "def area(width, height):\n    return width"
    told = Target(Cursor(above + " * height\n", len(above) - 5), "width", "a.py:2:12")
    untold = Target(Cursor("\n", 0), "width", "b.py:1:1")
    bits = [measure.middle_bits_per_byte(completer, [target]) for target in (told, untold)]
    assert 0 < bits[0] < bits[1]
    assert measure.middle_bits_per_byte(completer, [told, untold]) == pytest.approx(sum(bits) / 2, rel=1e-3)


def test_middles_are_summed_up_by_distribution_beside_an_ngram_model_and_xz():
    completer = Completer.load("pocket")
    above = "def area(width, height):\n    return width"
    places = [
        Target(Cursor(above + " * height\n", len(above) - 5), "width", "networkx/a.py:2:12"),
        Target(Cursor("\n", 0), "width", "networkx/b.py:1:1"),
        Target(Cursor("x = \n", 4), "fontTools.ttx", "fontTools/a.py:1:5"),
        Target(Cursor("y = \n", 4), "Column(Integer)", "sqlalchemy/a.py:1:5"),
    ]
    rows = {row["distribution"]: row for row in measure.middle_table(completer, places, ["return width\n" * 3])}
    assert {name: row["targets"] for name, row in rows.items()} == {"fonttools": 1, "networkx": 2, "sqlalchemy": 1}
    assert rows["networkx"]["bytes"] == 10
    assert rows["networkx"]["bits_per_byte"] == pytest.approx(measure.middle_bits_per_byte(completer, places[:2]), abs=1e-4)
    assert rows["networkx"]["xz"] == round(measure.xz_bits_per_byte("width\nwidth"), 4)
    assert 0 < rows["networkx"]["ngram"] < rows["fonttools"]["ngram"], "it has read `return width`, and not fontTools"


def test_held_out_text_is_whole_files_without_tests_and_always_the_same():
    text = measure.held_out_text("networkx", 30_000)
    assert text == measure.held_out_text("networkx", 30_000)
    assert 30_000 <= len(text) < 30_000 + MAX_BYTES
    assert "import networkx" in text
    assert "def test_" not in text
