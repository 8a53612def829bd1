"""Several adapters made one, and one made a model: what peft computes, without what it does silently."""

import json
import shutil

import numpy
import pytest
import torch

from copilot_lib import combining, lora, models
from copilot_lib.__main__ import main
from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.combining import WAYS, combine, merge
from copilot_lib.completer import Completer
from copilot_lib.onnx_runner import EXPORTED
from copilot_lib.registry import Registry
from copilot_lib.samples import EXAMPLES

CURSOR = next(iter(EXAMPLES.values()))


@pytest.fixture(scope="module")
def made(tmp_path_factory, make_adapter):
    folder = tmp_path_factory.mktemp("made")
    options = {
        "one": {},
        "two": {"lora_alpha": 12, "use_rslora": True},
        "wide": {"r": 8},
        "narrow": {"target_modules": ["c_fc"]},
    }
    for seed, (name, own) in enumerate(options.items()):
        make_adapter(folder / name, seed=seed, strength=0.07, **own)
    return folder


@pytest.fixture
def registry(tmp_path, made, monkeypatch):
    monkeypatch.setenv("COPILOT_ADAPTERS", str(tmp_path / "registry"))
    shutil.copytree(made, tmp_path / "registry")
    return Registry()


@pytest.fixture(scope="module")
def model():
    return models.load("pocket")


def changes(model, registry, name):
    return {layer: pair.change() for layer, pair in model.read_adapter(registry.find(name).folder).items()}


@pytest.mark.parametrize(
    "parts", [{"one": 0.7, "two": 0.3}, {"one": 1.0, "wide": -0.5, "narrow": 2.0}], ids=["equal", "unlike"]
)
def test_cat_is_the_exact_weighted_sum(model, registry, parts):
    combine("sum", model, parts)
    got = changes(model, registry, "sum")
    each = {name: changes(model, registry, name) for name in parts}
    for layer, change in got.items():
        expected = sum(weight * each[name].get(layer, 0) for name, weight in parts.items())
        numpy.testing.assert_allclose(change, expected, atol=1e-4)
    about = registry.about("sum")
    assert about["combined"] == {"of": parts, "way": "cat"}
    assert "cat" in (registry.find("sum").folder / "README.md").read_text()


@pytest.mark.parametrize("weight", [0.5, 2, -1])
def test_one_alone_is_made_weaker_or_stronger(model, registry, weight):
    combine("other", model, {"one": weight})
    other, one = (changes(model, registry, name) for name in ("other", "one"))
    for layer in one:
        numpy.testing.assert_allclose(other[layer], weight * one[layer], atol=1e-5)


def test_svd_is_the_nearest_of_its_rank(model, registry):
    combine("near", model, {"one": 0.5, "two": 0.5}, "svd")
    one, two = (changes(model, registry, name) for name in ("one", "two"))
    for layer, change in changes(model, registry, "near").items():
        left, sizes, right = numpy.linalg.svd(0.5 * one[layer] + 0.5 * two[layer], full_matrices=False)
        numpy.testing.assert_allclose(change, (left[:, :4] * sizes[:4]) @ right[:4], atol=1e-4)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leaves_an_adapter_that_answers_and_that_peft_reads(model, registry, way):
    combine("both", model, {"one": 0.7, "two": 0.3}, way)
    completion = Completer(model).complete(CURSOR, adapter=registry.find("both"))
    assert completion.adapter == "both"
    both, one = (changes(model, registry, name) for name in ("both", "one"))
    assert any(abs(both[layer] - one[layer]).max() > 1e-3 for layer in one)
    assert {file.name for file in registry.find("both").folder.iterdir()} >= {
        "adapter_config.json",
        "adapter.json",
        "README.md",
    }


def test_linear_is_not_the_sum_which_is_why_it_is_not_the_default(model, registry):
    combine("sum", model, {"one": 0.5, "two": 0.5}, "cat")
    combine("linear", model, {"one": 0.5, "two": 0.5}, "linear")
    both, linear = (changes(model, registry, name) for name in ("sum", "linear"))
    assert max(abs(both[layer] - linear[layer]).max() for layer in both) > 0.01


def test_a_second_run_under_the_same_name_is_the_second(model, registry):
    for weights in ({"one": 1.0, "two": 0.0}, {"one": 0.0, "two": 1.0}):
        combine("both", model, weights)
        (name,) = [name for name, weight in weights.items() if weight]
        got, expected = changes(model, registry, "both"), changes(model, registry, name)
        for layer in expected:
            numpy.testing.assert_allclose(got[layer], expected[layer], atol=1e-5)


def test_what_drops_at_random_does_it_the_same_way_twice(model, registry):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        combine(name, model, {"one": 0.5, "two": 0.5}, "dare_linear", seed=seed)
    a, b, c = (changes(model, registry, name) for name in "abc")
    assert all(numpy.array_equal(a[layer], b[layer]) for layer in a)
    assert not all(numpy.array_equal(a[layer], c[layer]) for layer in a)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"weights": {"one": 1, "wide": 1}, "way": "ties"}, "needs equal ranks, and one and wide have 4 and 8"),
        ({"weights": {"one": 1, "narrow": 1}, "way": "linear"}, "of the same layers"),
        ({"weights": {"one": 1, "two": 1}, "way": "magic"}, "no way to combine"),
        ({"weights": {"one": 1}}, "at least two"),
        ({"weights": {"one": 0.5}, "way": "ties"}, "at least two"),
        ({"weights": {}}, "at least two"),
        ({"weights": {"one": 1, "two": 1}, "way": "ties", "density": 0}, "density"),
        ({"weights": {"one": 1, "three": 1}}, "there is no adapter three"),
        ({"weights": {"one": 1, "two": 1}, "name": "base"}, "no name for an adapter"),
    ],
)
def test_what_cannot_be_combined_is_one_sentence_and_leaves_nothing(model, registry, options, expected):
    before = registry.names()
    with pytest.raises(ValueError, match=expected):
        combine(**{"name": "both", "model": model} | options)
    assert registry.names() == before


def test_a_merged_model_answers_as_base_and_adapter_do(tmp_path, model, registry):
    folder = merge(registry.find("one"), model, tmp_path / "out" / "mine")
    alone = models.load(str(folder), precision="float32")
    adapted = Completer(models.load("pocket", precision="float32"))
    for cursor in EXAMPLES.values():
        expected = adapted.complete(cursor, adapter=registry.find("one"), max_new_tokens=24).text
        assert Completer(alone).complete(cursor, max_new_tokens=24).text == expected
    assert (folder / EXPORTED).exists()
    assert models.load(str(folder)).parameters == model.parameters
    assert json.loads((folder / "merged.json").read_text())["adapter"] == "one"
    assert models.fingerprint(str(folder)) != model.base.fingerprint
    with pytest.raises(ValueError, match="is there already"):
        merge(registry.find("one"), model, folder)


def test_in_16_bits_a_small_change_is_lost(tmp_path, model, make_adapter):
    make_adapter(tmp_path / "small", strength=0.004)
    registry = Registry(tmp_path)
    differing = {}
    for dtype in ("float32", "bfloat16"):
        network = models.load(str(merge(registry.find("small"), model, tmp_path / dtype, dtype)), device="cpu").network
        base = model.network.state_dict()
        weights = {name: weight for name, weight in network.state_dict().items() if "c_attn.weight" in name}
        differing[dtype] = sum(int((weight != base[name]).sum()) for name, weight in weights.items())
    assert differing["bfloat16"] < differing["float32"] / 2


def test_an_adapter_of_another_model_is_not_merged(tmp_path, model, registry):
    about = registry.folder / "one" / "adapter.json"
    about.write_text(about.read_text().replace(model.base.fingerprint, "0" * 64))
    with pytest.raises(AdapterRefused, match="was made for the weights"):
        merge(registry.find("one"), model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_commands_say_what_they_did(tmp_path, registry, capsys):
    assert main(["adapters", "combine", "both", "one=0.7", "two=0.3", "--way", "ties", "--density", "0.4"]) == 0
    assert main(["adapters", "list"]) == 0
    assert "both" in capsys.readouterr().out
    assert main(["adapters", "show", "both"]) == 0
    said = capsys.readouterr().out
    assert '"density": 0.4' in said and "20 layers" in said
    assert main(["adapters", "merge", "both", str(tmp_path / "out")]) == 0
    assert main(["adapters", "remove", "both"]) == 0
    assert "both" not in registry.names()


@pytest.mark.parametrize(
    "words",
    [
        ["show", "none"],
        ["remove", "none"],
        ["merge", "none", "x"],
        ["combine", "x", "one"],
        ["combine", "x", "one=1", "one=2"],
        ["combine", "x", "one=a", "two=1"],
        ["combine", "x", "one=nan", "two=1"],
        ["combine", "one", "one=inf"],
        ["combine", "x", "one=1", "two=1", "--way", "magic"],
        ["remove", "../one"],
    ],
)
def test_what_a_command_cannot_do_is_told_without_a_traceback(registry, capsys, words):
    assert main(["adapters", *words]) == 2
    assert capsys.readouterr().err.startswith("copilot_lib: ")


def test_what_others_wrote_does_not_reach_the_terminal(registry, capsys):
    about = registry.folder / "one" / "adapter.json"
    about.write_text(about.read_text().replace('"pocket"', '"\\u001b[31mpocket"'))
    (registry.folder / "two" / "adapter.json").write_text("{")
    main(["adapters", "list"])
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "the adapter two is refused" in said


def test_no_adapters_is_said_with_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COPILOT_ADAPTERS", str(tmp_path / "none"))
    main(["adapters"])
    assert "finetune" in capsys.readouterr().out


def test_the_ways_are_those_of_peft(model):
    # A way that peft does not know is an error in its own words.
    parts = {"a": one_layer(0), "b": one_layer(1)}
    for way in WAYS:
        peft = combining.combined(model, parts, [0.5, 0.5], way, 0.5, 0)
        assert not peft.training
        assert combining.MADE in peft.peft_config


def one_layer(seed):
    random = torch.Generator().manual_seed(seed)
    down, up = (torch.randn(shape, generator=random).numpy() for shape in ((2, 256), (384, 2)))
    return {"transformer.h.0.attn.c_attn": lora.Pair(down, up, 0.5)}
