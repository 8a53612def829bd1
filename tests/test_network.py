"""The network before training: the class's own shape, positions apart from tokens, and heads that look at neighbours."""

import pytest
import torch

from copilot_lib import network
from copilot_lib.recipe import preset

RECIPE = preset("cpu", vocabulary=500, layers=2)


@pytest.fixture(scope="module")
def model():
    return network.build(RECIPE)


def attention(model, ids):
    """The first layer's attention, (heads, tokens, tokens), by transformers' own forward pass."""
    with torch.no_grad():
        return model(ids, output_attentions=True).attentions[0][0]


@pytest.mark.parametrize("size_of_tokens", [0.02, 0.15])
def test_each_head_of_the_first_layer_looks_at_one_neighbour(model, size_of_tokens):
    """At the size that token vectors have in the beginning, and at the one they have grown to at the end."""
    ids = torch.randint(0, 500, (1, 512), generator=torch.Generator().manual_seed(1))
    tokens = model.transformer.wte.weight
    with torch.no_grad():
        tokens.mul_(size_of_tokens / tokens.std())
    heads = attention(model, ids)
    for head in range(RECIPE.heads):
        on_its_neighbour = heads[head].diagonal(-(head + 1))[RECIPE.heads :]
        assert on_its_neighbour.mean() > 0.9, f"head {head}"


def test_no_token_writes_where_positions_are(model):
    positions, tokens = model.transformer.wpe.weight, model.transformer.wte.weight
    assert not tokens[:, : network.POSITION_WIDTH].any()
    assert not positions[:, network.POSITION_WIDTH :].any()
    assert not positions.requires_grad


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def test_what_a_step_moved_is_put_back_and_the_rest_stays(device):
    model = network.build(RECIPE).to(device)
    built = {name: weight.clone() for name, weight in model.named_parameters()}
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1)
    network.hold(model)
    tokens, layer = model.transformer.wte.weight, model.transformer.h[0].attn.c_attn
    seeing = (RECIPE.heads + 1) * RECIPE.width // RECIPE.heads
    assert torch.equal(layer.weight[:seeing], built["transformer.h.0.attn.c_attn.weight"][:seeing])
    assert not layer.bias[:seeing].any()
    assert not tokens[:, : network.POSITION_WIDTH].any()
    assert torch.equal(tokens[:, network.POSITION_WIDTH :], built["transformer.wte.weight"][:, network.POSITION_WIDTH :] + 1)
    assert torch.equal(layer.weight[seeing:], built["transformer.h.0.attn.c_attn.weight"][seeing:] + 1)
    second = "transformer.h.1.attn.c_attn.weight"
    assert torch.equal(model.get_parameter(second), built[second] + 1)


def test_positions_all_differ_and_moving_on_is_one_turn():
    positions = network.waves(512, 64)
    distances = torch.cdist(positions, positions) + torch.eye(512)
    assert distances.min() > 0.05
    pairs = positions[:, : network.POSITION_WIDTH].reshape(512, -1, 2)
    turn = network.frequencies() * 7
    sine = pairs[:-7, :, 0] * turn.cos() + pairs[:-7, :, 1] * turn.sin()
    torch.testing.assert_close(sine, pairs[7:, :, 0], atol=1e-4, rtol=0)


def test_the_shape_is_what_the_recipe_says(model):
    config = model.config
    assert (config.n_layer, config.n_embd, config.n_head, config.vocab_size, config.n_positions) == (2, 256, 4, 500, 512)
    assert config.multi_query
    assert model.lm_head.weight is model.transformer.wte.weight


def test_heads_too_small_for_a_position_are_refused():
    with pytest.raises(ValueError, match=r"16 numbers .* at least 32"):
        network.build(preset("cpu", width=64, heads=4))
