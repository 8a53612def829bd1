"""Bits per byte: right on a case that can be counted by hand, whole for every token, and blind to the tokenizer."""

import math
from types import SimpleNamespace

import pytest
import torch

from copilot_lib import measure


class Codec:
    def encode(self, text):
        return list(text.encode())


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


def test_held_out_text_is_whole_files_without_tests_and_always_the_same():
    text = measure.held_out_text("networkx", 30_000)
    assert text == measure.held_out_text("networkx", 30_000)
    assert 30_000 <= len(text) < 30_000 + measure.MAX_BYTES
    assert "import networkx" in text
    assert "def test_" not in text
