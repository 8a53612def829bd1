"""Adapters in numpy: the same numbers as peft's, and a sentence for every folder that cannot be honoured in full."""

import json
import os
import shutil

import numpy
import pytest
import torch
from safetensors.numpy import load_file, save_file

from copilot_lib import lora, models, weights
from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.onnx_runner import OnnxRunner, Opened

OPTIONS = {
    "plain": {"r": 8, "lora_alpha": 16},
    "rslora": {"r": 8, "lora_alpha": 16, "use_rslora": True},
    "ranks and alphas of its own": {
        "r": 4,
        "lora_alpha": 8,
        "rank_pattern": {"c_fc": 6, "transformer.h.1.attn.c_proj": 2},
        "alpha_pattern": {"mlp.c_proj": 3, "h.1.attn.c_attn": 11},
    },
    "some layers": {"target_modules": ["c_attn"], "layers_to_transform": [0, 2]},
    "a pattern": {"target_modules": r".*\.mlp\.c_(fc|proj)"},
}
IDS = list(range(20, 60))


@pytest.fixture(scope="module")
def model():
    return models.load("pocket")


@pytest.fixture(scope="module")
def base(model):
    return model.base


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_merged_weights_are_those_that_peft_merges(tmp_path, make_adapter, base, options):
    adapted = make_adapter(tmp_path / "one", **options)
    with torch.no_grad():
        expected = {name: weight.numpy() for name, weight in adapted.merge_and_unload().state_dict().items()}
    before = weights.read_weights(models.POCKET / "model.safetensors")
    merged = lora.merged(before, lora.read(tmp_path / "one", base))
    changed = [name for name in before if not numpy.array_equal(before[name], merged[name])]
    assert len(changed) > 1
    for name, weight in merged.items():
        numpy.testing.assert_allclose(weight, expected[name], atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_graph_with_an_adapter_computes_what_peft_s_merged_model_does(tmp_path, make_adapter, base, precision):
    adapted = make_adapter(tmp_path / "one", strength=0.1, r=8, lora_alpha=16)
    runner = OnnxRunner(Opened(models.POCKET, precision, lora.read(tmp_path / "one", base)))
    with torch.no_grad():
        expected = adapted.merge_and_unload()(torch.tensor([IDS])).logits[0].numpy()
    got = runner.advance(IDS, len(IDS))
    plain = models.load("pocket", precision=precision).runner().advance(IDS, len(IDS))
    if precision == "float32":
        numpy.testing.assert_allclose(got, expected, atol=1e-3)
    # In 8 bits the same within what 8 bits cost: far from the base, near to the reference.
    assert abs(got - plain).mean() > 8 * abs(got - expected).mean()


def test_half_an_adapter_s_scale_is_half_its_change(tmp_path, make_adapter, base):
    make_adapter(tmp_path / "one")
    adapter = lora.read(tmp_path / "one", base)
    for layer, pair in lora.scaled(adapter, 0.5).items():
        numpy.testing.assert_allclose(pair.change() * 2, adapter[layer].change(), rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_adapters_in_16_bits_are_read(tmp_path, make_adapter, base, dtype):
    import safetensors.torch

    make_adapter(tmp_path / "one")
    file = tmp_path / "one" / "adapter_model.safetensors"
    safetensors.torch.save_file({name: one.to(dtype) for name, one in safetensors.torch.load_file(file).items()}, file)
    assert lora.read(tmp_path / "one", base)


@pytest.fixture(scope="module")
def sound(tmp_path_factory, make_adapter):
    folder = tmp_path_factory.mktemp("adapters") / "sound"
    make_adapter(folder)
    return folder


def change_json(name, **values):
    def change(folder):
        file = folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


def config(**values):
    return change_json("adapter_config.json", **values)


def change_tensors(how):
    def change(folder):
        file = folder / "adapter_model.safetensors"
        tensors = load_file(file)
        how(tensors)
        save_file(tensors, file)

    return change


def cut(name, share):
    def change(folder):
        file = folder / name
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * share)])

    return change


def written(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def pickled(folder):
    tensors = {name: torch.from_numpy(array) for name, array in load_file(folder / "adapter_model.safetensors").items()}
    (folder / "adapter_model.safetensors").unlink()
    torch.save(tensors, folder / "adapter_model.bin")


def pickled_under_another_name(folder):
    pickled(folder)
    (folder / "adapter_model.bin").rename(folder / "adapter_model.safetensors")


def linked(name):
    def change(folder):
        (folder / name).rename(folder.parent / f"elsewhere-{name}")
        (folder / name).symlink_to(folder.parent / f"elsewhere-{name}")

    return change


def the_folder_linked(folder):
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def a_pipe(folder):
    (folder / "adapter.json").unlink()
    os.mkfifo(folder / "adapter.json")


def a_folder_for_a_file(folder):
    (folder / "adapter.json").unlink()
    (folder / "adapter.json").mkdir()


LAYER = "base_model.model.transformer.h.0.attn.c_attn"
HOSTILE = {
    "pickled": (pickled, r"adapter_model\.bin is pickled"),
    "pickled under another name": (pickled_under_another_name, "pickled under another name"),
    "tensors half written": (cut("adapter_model.safetensors", 0.5), "not written to its end"),
    "tensors empty": (cut("adapter_model.safetensors", 0), "not written to its end"),
    "a header of exabytes": (written("adapter_model.safetensors", b"\xff" * 9), "not written to its end"),
    "tensors absent": (lambda folder: (folder / "adapter_model.safetensors").unlink(), "there is no adapter_model.safetensors"),
    "config absent": (lambda folder: (folder / "adapter_config.json").unlink(), "there is no adapter_config.json"),
    "config half written": (cut("adapter_config.json", 0.5), "adapter_config.json is damaged"),
    "config deep": (written("adapter_config.json", b"[" * 100_000), "adapter_config.json is damaged"),
    "config a list": (written("adapter_config.json", b"[]"), "no JSON object"),
    "about absent": (lambda folder: (folder / "adapter.json").unlink(), r"there is no adapter\.json"),
    "about of another format": (change_json("adapter.json", format=2), "reads format 1"),
    "about without a base": (change_json("adapter.json", base=None), "for which model"),
    "another base": (change_json("adapter.json", base={"name": "big\n", "fingerprint": "0" * 64}), "was made for the weights"),
    "not LoRA": (config(peft_type="IA3"), "only LoRA"),
    "DoRA": (config(use_dora=True), "it has DoRA"),
    "trained biases": (config(bias="all"), "trained biases"),
    "whole layers": (config(modules_to_save=["lm_head"]), "whole layers"),
    "the other way round": (config(fan_in_fan_out=True), "the other way round"),
    "an option of the future": (config(use_magic={"a": 1}), "the option 'use_magic'"),
    "PiSSA": (config(init_lora_weights="pissa"), "convert it to plain LoRA"),
    "a pattern that is slow": (config(rank_pattern={"(a+)+$": 3}), "more than names"),
    "a rank of no number": (config(r="8"), "expected a number"),
    "a rank of nan": (config(r=float("nan")), "expected a number"),
    "a rank without end": (config(r=10**400), "expected a number"),
    "a rank of zero": (config(r=0), "above 0"),
    "an alpha without end": (config(lora_alpha=float("inf")), "expected a number"),
    "another rank": (config(r=5), "rank 5 on this model needs 5 by 256"),
    "a rank for one layer": (config(rank_pattern={"c_fc": 7}), "rank 7"),
    "no targets": (config(target_modules=None), "expected target_modules"),
    "targets of another model": (config(target_modules=["q_proj"]), "does not name"),
    "layers missing": (change_tensors(lambda t: [t.pop(f"{LAYER}.lora_{half}.weight") for half in "AB"]), "lacks 1 layers"),
    "half a layer": (change_tensors(lambda t: t.pop(f"{LAYER}.lora_B.weight")), "no lora_B"),
    "no tensors": (change_tensors(dict.clear), "lacks 20 layers"),
    "a tensor too many": (change_tensors(lambda t: t.update(x=numpy.ones(3, "f4"))), "has 'x'"),
    "a layer that is not there": (
        change_tensors(lambda t: t.update({LAYER.replace("0", "99") + ".lora_A.weight": t[f"{LAYER}.lora_A.weight"]})),
        "no part of LoRA for a layer of this model",
    ),
    "shapes of another model": (
        change_tensors(lambda t: t.update({f"{LAYER}.lora_A.weight": numpy.ones((4, 768), "f4")})),
        "is 4 by 768",
    ),
    "not a number": (change_tensors(lambda t: t[f"{LAYER}.lora_A.weight"].__setitem__((0, 0), numpy.nan)), "no number"),
    "infinite": (change_tensors(lambda t: t[f"{LAYER}.lora_B.weight"].__setitem__((0, 0), numpy.inf)), "no number"),
    "too large to add": (change_tensors(lambda t: [array.fill(1e30) for array in t.values()]), "too large"),
    "numbers of another kind": (
        change_tensors(lambda t: t.update({f"{LAYER}.lora_A.weight": numpy.ones((4, 256), "i4")})),
        "damaged",
    ),
    "larger than the model": (written("adapter_model.safetensors", bytes(40_000_000)), "at most"),
    "a config larger than any": (written("adapter_config.json", bytes(2_000_000)), "at most"),
    "tensors linked": (linked("adapter_model.safetensors"), "is a link"),
    "config linked": (linked("adapter_config.json"), "is a link"),
    "the folder linked": (the_folder_linked, "is a link"),
    "a pipe": (a_pipe, "not a plain file"),
    "a folder for a file": (
        lambda folder: [(folder / "adapter.json").unlink(), (folder / "adapter.json").mkdir()],
        "plain file",
    ),
    "nothing": (shutil.rmtree, "cannot be opened"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folder_that_cannot_be_honoured_is_refused_in_one_sentence(tmp_path, model, sound, name):
    change, expected = HOSTILE[name]
    folder = tmp_path / "hostile"
    shutil.copytree(sound, folder)
    change(folder)
    with pytest.raises(AdapterRefused, match=expected) as refused:
        model.changed_by(model.read_adapter(folder), "hostile")
    said = str(refused.value)
    assert said.startswith("the adapter hostile is refused: ")
    assert said.isprintable() and len(said) < 400


def test_the_sound_one_is_taken(model, sound):
    assert len(model.read_adapter(sound)) == 20


def test_a_pickle_is_never_opened(tmp_path, model, sound):
    class Runs:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "it ran"),))

    folder = tmp_path / "hostile"
    shutil.copytree(sound, folder)
    (folder / "adapter_model.safetensors").unlink()
    torch.save({"a": Runs()}, folder / "adapter_model.bin")
    with pytest.raises(AdapterRefused):
        model.read_adapter(folder)
    shutil.copy(folder / "adapter_model.bin", folder / "adapter_model.safetensors")
    with pytest.raises(AdapterRefused):
        model.read_adapter(folder)
    assert not (tmp_path / "it ran").exists()


def test_any_cut_of_the_file_is_refused(tmp_path, base, sound):
    data = (sound / "adapter_model.safetensors").read_bytes()
    folder = tmp_path / "hostile"
    shutil.copytree(sound, folder)
    for end in (*range(0, 200, 7), *range(200, len(data), len(data) // 40), len(data) - 1):
        (folder / "adapter_model.safetensors").write_bytes(data[:end])
        with pytest.raises(AdapterRefused):
            lora.read(folder, base)
