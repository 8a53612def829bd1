"""Loading: the real path, on checkpoints made on the spot in tiny_starcoder_py's published shape."""

import json
import shutil

import pytest
import torch
from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

from copilot_lib import models
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor

TINY_STARCODER_PARAMETERS = 164_144_128


@pytest.fixture(scope="module")
def tiny_starcoder(tmp_path_factory):
    """20 layers, 768 wide, 12 heads, multi-query, 8192 positions, 49152 tokens, random weights; the pocket's tokenizer."""
    folder = tmp_path_factory.mktemp("tiny_starcoder_py")
    with torch.device("meta"):
        config = GPTBigCodeConfig(vocab_size=49152, n_positions=8192, n_embd=768, n_layer=20, n_head=12, n_inner=3072)
        network = GPTBigCodeForCausalLM(config)
    network = network.to_empty(device="cpu").to(torch.bfloat16)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.02)
    network.tie_weights()
    network.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(models.POCKET / name, folder)
    yield folder
    shutil.rmtree(folder)


def test_a_checkpoint_of_tiny_starcoders_shape_loads_and_completes(tiny_starcoder):
    model = models.load(str(tiny_starcoder), device="cpu")
    assert model.parameters == TINY_STARCODER_PARAMETERS
    assert model.context_tokens == 8192
    assert model.network.dtype == torch.float32
    completion = Completer(model).complete(Cursor("def f(x):\n    return \n\nf(1)\n", 21), max_new_tokens=3)
    assert completion.mode == "fim"
    assert len(completion.tokens) <= 3


def test_the_pocket_is_the_default_and_is_small(monkeypatch):
    monkeypatch.delenv("COPILOT_MODEL", raising=False)
    assert models.load().name == "pocket"
    assert sum(file.stat().st_size for file in models.POCKET.iterdir()) <= 32_000_000


def test_the_environment_chooses_the_default_model(monkeypatch, tmp_path):
    monkeypatch.setenv("COPILOT_MODEL", str(tmp_path))
    with pytest.raises(models.ModelNotAvailable, match="without a model"):
        models.load()


def test_a_name_that_cannot_be_had_is_one_sentence_with_what_to_do(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(models.ModelNotAvailable, match="prefetch nobody/nothing-here") as refused:
        models.load("nobody/nothing-here")
    assert "\n" not in str(refused.value)
    assert "COPILOT_MODEL=pocket" in str(refused.value)


def test_a_hub_that_does_not_answer_is_asked_once(monkeypatch, caplog):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    for module in ("huggingface_hub.constants", "huggingface_hub.file_download"):
        monkeypatch.setattr(f"{module}.ENDPOINT", "http://127.0.0.1:9", raising=False)
    for get in (models.load, models.prefetch):
        with pytest.raises(models.ModelNotAvailable, match="nobody/nothing-here could not be"):
            get("nobody/nothing-here")
    assert not caplog.records  # the hub's client warns each time that it tries again


def test_a_device_that_cannot_take_the_model_is_named():
    with pytest.raises(
        models.ModelNotAvailable, match=r"moved to the device xla .*: free memory there, or load it with device='cpu'"
    ):
        models.load("pocket", device="xla")


def test_a_misspelt_name_is_told_apart_from_a_hub_id():
    with pytest.raises(models.ModelNotAvailable, match="neither a folder nor a hub id"):
        models.load("pokcet")


def test_a_checkpoint_in_pickle_form_is_refused(tmp_path):
    network = GPTBigCodeForCausalLM(GPTBigCodeConfig(vocab_size=4096, n_embd=8, n_layer=1, n_head=1))
    network.config.save_pretrained(tmp_path)
    torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(models.POCKET / name, tmp_path)
    with pytest.raises(models.ModelNotAvailable, match="safetensors"):
        models.load(str(tmp_path))


def test_a_model_without_sentinels_is_refused_in_words(tmp_path):
    GPTBigCodeForCausalLM(GPTBigCodeConfig(vocab_size=4096, n_embd=8, n_layer=1, n_head=1)).save_pretrained(tmp_path)
    tokenizer = json.loads((models.POCKET / "tokenizer.json").read_text())
    tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if "fim" not in t["content"]]
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {word.replace("<fim_", "<gap_"): n for word, n in vocabulary.items()}
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    with pytest.raises(models.ModelNotAvailable, match="cannot fill in the middle"):
        models.load(str(tmp_path))
