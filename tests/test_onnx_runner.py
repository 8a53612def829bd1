"""The onnxruntime runner is the reference, only sooner: the same logits, the same completions, and no torch."""

import json
import random
import shutil
import subprocess
import sys

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

from copilot_lib import models
from copilot_lib.engine import Engine
from copilot_lib.onnx_runner import OnnxRunner, Opened, can_run
from copilot_lib.runner import TorchRunner
from copilot_lib.samples import EXAMPLES

SHAPE = {
    "vocab_size": 90,
    "n_embd": 48,
    "n_layer": 3,
    "n_head": 6,
    "n_positions": 64,
    "n_inner": 100,
    "layer_norm_epsilon": 1e-3,
}


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16, torch.float16], ids=str)
def both(request, tmp_path_factory):
    """A random network, saved in one of three types, and the same as read from the file."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("checkpoint")
    network = GPTBigCodeForCausalLM(GPTBigCodeConfig(**SHAPE)).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    network = network.to(request.param)
    network.save_pretrained(folder)
    return TorchRunner(network.float()), Opened(folder)


@settings(max_examples=20)
@given(data=st.data())
def test_logits_are_the_reference_s_however_the_ids_are_cut_up_and_taken_back(both, data):
    reference, opened = both
    mine = OnnxRunner(opened)
    reference.cut(0)
    for _ in range(data.draw(st.integers(1, 5))):
        back = data.draw(st.integers(0, mine.length))
        fed = data.draw(st.lists(st.integers(0, 89), min_size=1, max_size=64 - back))
        for runner in (reference, mine):
            runner.cut(back)
        scores = data.draw(st.integers(1, len(fed)))
        expected, got = reference.advance(fed, scores), mine.advance(fed, scores)
        assert got.shape == expected.shape == (scores, 90)
        assert mine.length == reference.length == back + len(fed)
        numpy.testing.assert_allclose(got, expected, atol=2e-3, rtol=2e-3)


def test_two_runners_of_one_checkpoint_do_not_mix(both):
    _, opened = both
    one, other = OnnxRunner(opened), OnnxRunner(opened)
    one.advance([1, 2, 3])
    first = other.advance([7, 8])
    one.advance([4])
    other.cut(1)
    numpy.testing.assert_allclose(other.advance([8]), first, atol=1e-5)


def test_the_pocket_writes_the_same_tokens_by_both_runners():
    model = models.load("pocket")
    fast, reference = Engine(model.runner()), Engine(TorchRunner(model.network))
    for cursor in EXAMPLES.values():
        for order in ("PSM", "SPM"):
            limits = {"stop_ids": model.codec.stop_ids, "max_new_tokens": 40}
            prompt = model.codec.fim(cursor.prefix, cursor.suffix, order).ids
            assert list(fast.generate(prompt, **limits)) == list(reference.generate(prompt, **limits))


def test_the_pocket_knows_its_size_without_its_network():
    model = models.load("pocket")
    assert model.parameters == model.network.num_parameters()
    assert model.context_tokens == model.network.config.n_positions
    assert model.device == model.network.device.type == "cpu"


def test_a_first_completion_imports_neither_torch_nor_transformers():
    script = (
        "import sys; from copilot_lib.completer import Completer; from copilot_lib.cursor import Cursor\n"
        "completion = Completer.load('pocket').complete(Cursor('def f(a, b):\\n    return a', 25))\n"
        "print(len(completion.tokens), 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    tokens, *imported = done.stdout.split()
    assert int(tokens) > 0
    assert imported == ["False", "False"]


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "llama"},
        {"multi_query": False},
        {"activation_function": "relu"},
        {"scale_attn_weights": False},
        {"tie_word_embeddings": False},
    ],
)
def test_only_the_one_kind_of_checkpoint_is_taken(tmp_path, change):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(models.POCKET / name, tmp_path)
    assert can_run(tmp_path, models.SMALL)
    assert not can_run(tmp_path, 1000)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    assert not can_run(tmp_path, models.SMALL)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_file_is_one_sentence(tmp_path, name):
    shutil.copytree(models.POCKET, tmp_path / "model")
    file = tmp_path / "model" / name
    data = file.read_bytes()
    file.write_bytes(data[: random.Random(0).randrange(len(data) // 2)])
    with pytest.raises(models.ModelNotAvailable, match="a folder without a model that can be loaded") as refused:
        models.load(str(tmp_path / "model"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "config",
    ["[1, 2]", "null", {"n_layer": 3}, {"n_layer": 9}, {"vocab_size": 5000}, {"n_positions": 4096}, {"n_positions": "a"}],
)
def test_a_config_of_another_network_is_refused(tmp_path, config):
    shutil.copytree(models.POCKET, tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    file.write_text(config if isinstance(config, str) else json.dumps(json.loads(file.read_text()) | config))
    with pytest.raises(models.ModelNotAvailable, match="a folder without a model that can be loaded") as refused:
        models.load(str(tmp_path / "model"))
    assert "\n" not in str(refused.value)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    shutil.copytree(models.POCKET, tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000] + b"\xff" * 1000)
    with pytest.raises(models.ModelNotAvailable, match="no numbers"):
        models.load(str(tmp_path / "model"))


def test_what_is_missing_is_named(tmp_path):
    shutil.copytree(models.POCKET, tmp_path / "model", ignore=shutil.ignore_patterns("tokenizer.json"))
    with pytest.raises(models.ModelNotAvailable, match=r"there is no tokenizer\.json"):
        models.load(str(tmp_path / "model"))
