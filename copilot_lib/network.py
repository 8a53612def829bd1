"""Builds the pocket model's network before training: a GPTBigCode model whose first layer already sees its neighbours.

It knows shapes and first weights; it does not know data, losses or optimisers.
"""

import math

import torch

from copilot_lib.recipe import Recipe

POSITION_WIDTH = 32
"""So many numbers of a token's vector are kept for its position: no token writes there, so attention can tell places apart."""

POSITION_SCALE = 0.3
"""How large position vectors are; large enough beside token vectors (0.15 at the end of training) to survive a layer norm."""

SHORTEST_WAVE, LONGEST_WAVE = 2.4, 512.0
NEIGHBOUR_SHARPNESS = 1.5
"""With these the first layer's heads put 0.95 and more of their attention on one neighbour."""


def build(recipe: Recipe):
    """A fresh `GPTBigCodeForCausalLM` (the class of tiny_starcoder_py), weights tied, nothing dropped out.

    Three things differ from the class's own start. Every block begins as the identity, which is steadier with high rates.
    Positions are fixed waves in `POSITION_WIDTH` numbers of their own. And the first layer's heads look at the 1st, 2nd,
    3rd, … token before: what copying a name from the text above is built on. A small model that had to find this out by
    itself had not done so after 30 million tokens.
    """
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    if recipe.width // recipe.heads < POSITION_WIDTH:
        raise ValueError(
            f"a head has {recipe.width // recipe.heads} numbers (width {recipe.width}, {recipe.heads} heads): "
            f"expected at least {POSITION_WIDTH}, which hold the position"
        )
    torch.manual_seed(recipe.seed)
    config = GPTBigCodeConfig(
        vocab_size=recipe.vocabulary,
        n_positions=recipe.context_tokens,
        n_embd=recipe.width,
        n_layer=recipe.layers,
        n_head=recipe.heads,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=4,
        tie_word_embeddings=True,
        use_cache=False,
        attn_implementation="eager",
    )
    model = GPTBigCodeForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("c_proj.weight"):
                weight.zero_()
        model.transformer.wpe.weight.copy_(waves(recipe.context_tokens, recipe.width))
    model.transformer.wpe.weight.requires_grad_(False)
    hold(model)
    return model


@torch.no_grad()
def hold(model) -> None:
    """Puts back what a training step must not move: positions apart from tokens, and the first layer's view of neighbours.

    Left to themselves the noise of small batches and the weight decay had blurred that view within 650 steps, and with it
    went two thirds of what it had gained.
    """
    body = model.transformer
    body.wte.weight[:, :POSITION_WIDTH] = 0
    attend_to_neighbours(body.h[0].attn.c_attn, model.config.n_head)


def frequencies() -> torch.Tensor:
    """Radians a token, from the fastest wave to the slowest: half of `POSITION_WIDTH` numbers."""
    pairs = POSITION_WIDTH // 2
    return 2 * math.pi / (SHORTEST_WAVE * (LONGEST_WAVE / SHORTEST_WAVE) ** (torch.arange(pairs) / (pairs - 1)))


def waves(positions: int, width: int) -> torch.Tensor:
    """Position vectors, (positions, width): sines and cosines (Vaswani et al. 2017), then zeros where tokens are.

    Moving on by k places turns each pair by the same angle everywhere, which is what `attend_to_neighbours` uses.
    """
    angles = torch.arange(positions)[:, None] * frequencies()
    pairs = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    return torch.nn.functional.pad(POSITION_SCALE * pairs, (0, width - POSITION_WIDTH))


def attend_to_neighbours(c_attn, heads: int) -> None:
    """Sets the queries and keys of a layer, the first rows of its `c_attn`, so that head h looks h + 1 tokens back.

    The key (one for all heads: multi-query) is the position vector; the query is the same, turned back by h + 1 places.
    """
    weight = c_attn.weight
    size = weight.shape[1] // heads
    weight[: (heads + 1) * size] = 0
    c_attn.bias[: (heads + 1) * size] = 0
    sine = torch.arange(0, POSITION_WIDTH, 2)
    key = heads * size + torch.arange(POSITION_WIDTH)
    weight[key, torch.arange(POSITION_WIDTH)] = NEIGHBOUR_SHARPNESS
    turns = NEIGHBOUR_SHARPNESS * torch.polar(torch.ones(1), frequencies() * (torch.arange(heads)[:, None] + 1)).to(
        weight.device
    )
    for head, turn in enumerate(turns):
        row = head * size + sine
        weight[row, sine] = weight[row + 1, sine + 1] = turn.real
        weight[row, sine + 1] = -turn.imag
        weight[row + 1, sine] = turn.imag
