"""Adapters beside each other in one torch network: each answers as peft's own, and the base as if there were none."""

import shutil

import numpy
import pytest
import torch
from peft import PeftModel
from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

from copilot_lib import models
from copilot_lib.adapter_files import AdapterRefused

IDS = list(range(20, 50))
SETTINGS = {
    "one": {"seed": 1},
    "of a larger rank": {"seed": 2, "r": 8, "lora_alpha": 4},
    "of a smaller rank": {"seed": 3, "r": 2},
    "of fewer layers": {"seed": 4, "target_modules": ["c_attn"]},
    "of mixed ranks": {"seed": 5, "rank_pattern": {"c_fc": 7}, "alpha_pattern": {"c_attn": 1}, "use_rslora": True},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint that torch runs: small and random."""
    folder = tmp_path_factory.mktemp("base") / "model"
    torch.manual_seed(0)
    config = GPTBigCodeConfig(vocab_size=4096, n_embd=32, n_layer=3, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0)
    network = GPTBigCodeForCausalLM(config)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    network.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(models.POCKET / name, folder)
    return folder


@pytest.fixture(scope="module")
def adapters(tmp_path_factory, folder, make_adapter):
    """Adapters on disk, and the logits that peft computes with each."""
    made, root = {}, tmp_path_factory.mktemp("adapters")
    for name, options in SETTINGS.items():
        place = root / name.replace(" ", "-")
        peft = make_adapter(place, str(folder), **{"strength": 0.3} | options)
        with torch.no_grad():
            made[name] = place, peft(torch.tensor([IDS])).logits[0].numpy()
    return made


@pytest.fixture
def model(folder):
    """The model as torch runs it."""
    return models.load(str(folder), device="cpu")


def said(model):
    return model.runner().advance(IDS, len(IDS))


def test_each_answers_as_peft_says_and_the_base_as_if_there_were_none(model, adapters):
    before = said(model)
    changed = {name: model.changed_by(model.read_adapter(place), "x") for name, (place, _) in adapters.items()}
    for _ in range(2):
        for name, (_, expected) in adapters.items():
            numpy.testing.assert_array_equal(said(changed[name]), expected)
            numpy.testing.assert_array_equal(said(model), before)


def test_runners_that_take_turns_do_not_mix(model, adapters):
    names = ["one", "of fewer layers"]
    runners = [model.changed_by(model.read_adapter(adapters[name][0]), name).runner() for name in names] + [model.runner()]
    expected = [adapters[name][1] for name in names] + [said(model)]
    for at in range(len(IDS)):  # one id each in turn, as concurrent requests would
        for runner, all_at_once in zip(runners, expected, strict=True):
            numpy.testing.assert_allclose(runner.advance(IDS[at : at + 1])[0], all_at_once[at], atol=2e-5)


def test_a_slot_that_was_given_back_is_used_again(model, adapters):
    slots = 0
    for name, (place, expected) in [*adapters.items()] * 2:
        changed = model.changed_by(model.read_adapter(place), name)
        numpy.testing.assert_allclose(said(changed), expected, atol=1e-4)
        layers = [layer for layer in model.network.modules() if hasattr(layer, "lora_A")]
        slots = max(slots, *(len(layer.lora_A) for layer in layers))
        changed.release()
    assert slots == 1


def test_memory_does_not_grow_when_the_same_layers_are_written_over(model, adapters):
    def size():
        return sum(weight.numel() for weight in model.network.parameters())

    model.changed_by(model.read_adapter(adapters["one"][0]), "x").release()
    before = size()
    for name in ("of a smaller rank", "of fewer layers", "one") * 3:
        model.changed_by(model.read_adapter(adapters[name][0]), "x").release()
    assert size() == before


def test_an_adapter_that_was_given_back_does_not_answer_for_another(model, adapters):
    old = model.changed_by(model.read_adapter(adapters["one"][0]), "old")
    runner = old.runner()
    old.release()
    model.changed_by(model.read_adapter(adapters["of a smaller rank"][0]), "new")
    with pytest.raises(RuntimeError, match="given back"):
        runner.advance(IDS)


def test_the_merged_network_is_peft_s(model, adapters):
    for name, (place, expected) in adapters.items():
        network = model.changed_by(model.read_adapter(place), name).network
        with torch.no_grad():
            numpy.testing.assert_allclose(network(torch.tensor([IDS])).logits[0].numpy(), expected, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing")  # peft asks for a name that will change
def test_peft_s_own_loading_reads_the_same(folder, adapters):
    # Peft's own loading, on the same folder, as a second witness.
    for place, expected in adapters.values():
        network = GPTBigCodeForCausalLM.from_pretrained(folder).eval()
        with torch.no_grad():
            again = PeftModel.from_pretrained(network, place)(torch.tensor([IDS])).logits[0].numpy()
        numpy.testing.assert_array_equal(again, expected)


def test_an_adapter_of_another_base_is_refused_and_the_rest_goes_on(model, tmp_path, adapters, make_adapter):
    make_adapter(tmp_path / "pocket-s")
    before = said(model)
    with pytest.raises(AdapterRefused, match="was made for the weights"):
        model.read_adapter(tmp_path / "pocket-s")
    numpy.testing.assert_array_equal(said(model), before)
