"""The benchmark's parts do what they say; how fast anything is, no test says."""

from contextlib import ExitStack
from itertools import pairwise

import numpy
import pytest
import torch

from copilot_lib import models, weights
from copilot_lib.bench import PARTS, gguf_file, keystrokes, large, replay, rivals, server
from copilot_lib.cursor import Cursor
from copilot_lib.tuning import costs
from copilot_lib.tuning.costs import Shape

TEXT = replay.document(100)


def typed_through(text, suggest):
    typist, keys, said = replay.typing(text, statements=3), [], None
    while True:
        try:
            keys.append(typist.send(said))
        except StopIteration:
            return keys
        said = suggest(keys[-1].cursor)


def test_a_typist_writes_the_lines_that_the_file_has():
    keys = typed_through(TEXT, lambda cursor: "")
    assert {key.kind for key in keys} == {"jump", "key"}
    for before, after in pairwise(keys):
        assert after.kind == "jump" or after.cursor == before.cursor.insert(after.cursor.prefix[-1])
    for key in keys:
        missing = len(TEXT) - len(key.cursor.text)
        assert TEXT.startswith(key.cursor.prefix), "what is typed is what the file has"
        assert TEXT[key.cursor.offset + missing :] == key.cursor.suffix


def test_a_right_word_is_accepted_and_a_wrong_one_typed_over():
    def knows(cursor):
        return TEXT[cursor.offset :].split("\n")[0]

    right = typed_through(TEXT, knows)
    assert any(key.kind == "accept" for key in right)
    assert len(right) < len(typed_through(TEXT, lambda cursor: "wrong words"))
    assert all(key.kind != "accept" for key in typed_through(TEXT, lambda cursor: "wrong words"))


@pytest.mark.parametrize("engine", rivals.ENGINES)
def test_every_engine_answers_and_says_what_it_took(engine):
    with ExitStack() as stack:
        ask = rivals.ENGINES[engine]("pocket", stack)
        first = ask(Cursor("def add(a, b):\n    return ", 26))
    assert first.text.strip()
    assert 0 < first.first_ms <= first.total_ms
    assert first.computed > 0


def test_what_is_not_installed_is_not_compared_and_said():
    for name, (_, needs) in rivals.OTHERS.items():
        there = [said for said in rivals.MISSING if said.startswith(name)]
        assert (name in rivals.ENGINES) != bool(there)
        assert all(package in said for package in needs.values() for said in there)


def test_weights_in_llama_cpp_s_file_are_those_of_the_checkpoint(tmp_path):
    gguf = pytest.importorskip("gguf", reason="gguf is not installed: no file for llama.cpp is written")
    from gguf.quants import dequantize

    gguf_file.write(models.POCKET, tmp_path / "model.gguf")
    _, arrays = weights.read(models.POCKET)
    written = {tensor.name: tensor for tensor in gguf.GGUFReader(tmp_path / "model.gguf").tensors}
    assert written.keys() == {gguf_file.name_of(name) for name in arrays}
    for name, array in arrays.items():
        tensor = written[gguf_file.name_of(name)]
        numbers = dequantize(tensor.data, tensor.tensor_type).reshape(array.shape)
        assert numpy.abs(numbers - array).max() <= numpy.abs(array).max() / 127, name


def test_the_server_s_part_drives_a_real_one(monkeypatch):
    for name, number in (("KEYS", 2), ("KEY_S", 0.0), ("REQUESTS", 20)):
        monkeypatch.setattr(server, name, number)
    report = server.run("pocket")
    assert "8 editors at once" in report
    assert "16 requests answered" in report


def test_the_table_has_ratios_to_the_baseline():
    slow, fast = (rivals.Answer("x", ms / 2, ms, 9) for ms in (80.0, 2.0))
    _, *rows = keystrokes.table({keystrokes.SLOW: [slow] * 3, "ours": [fast] * 3})
    assert [row.split()[-1] for row in rows] == ["1.0", "40.0"]
    assert set(PARTS) == {"engine", "typing", "server", "repository"}


def test_a_step_of_the_large_shape_is_that_of_any_shape():
    """On a CPU with a small shape: what is built is what the formula counts, and both ways of a step are timed."""
    shape = Shape(width=64, layers=2, heads=4, key_value_heads=1, inner=128, vocabulary=500)
    network = large.build(shape, "cpu")
    trained, kept = ([w for w in network.parameters() if w.requires_grad is wanted] for wanted in (True, False))
    assert sum(weight.numel() for weight in trained) == costs.lora_parameters(shape, large.RANK)
    assert sum(weight.numel() for weight in kept) == costs.parameters(shape)
    assert {weight.dtype for weight in trained} == {torch.float32}
    assert {weight.dtype for weight in kept} == {torch.bfloat16}
    again, once = large.measure(shape, "cpu", ((True, 64), (False, 32)))
    assert (again["tokens"], once["tokens"]) == (64, 32)
    assert min(again["seconds_per_step"], once["seconds_per_step"]) > 0
    assert again["peak_bytes"] is None, "what a process of a CPU has in use is not told apart"
