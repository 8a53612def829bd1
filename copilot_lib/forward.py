"""GPTBigCode's forward pass written out, shaped for training speed on a CPU: the same weights, the same numbers.

It knows a transformers model's modules; it does not know data, losses or caches.
"""

import torch
from torch.nn import functional

BLOCK = 128


def causal_attention(query, key, value):
    """Attention in which a token sees itself and what came before; one key and value serve all heads (Shazeer 2019).

    query: (batch, tokens, heads, size); key, value: (batch, tokens, size). Queries go in blocks, and a block only meets the
    keys up to its own end: at 512 tokens that leaves out 37 % of the products that a full mask would throw away.
    """
    batch, tokens, heads, size = query.shape
    later = torch.ones(BLOCK, BLOCK, dtype=torch.bool, device=query.device).triu(1)[:, None, :]
    outputs = []
    for start in range(0, tokens, BLOCK):
        end = min(start + BLOCK, tokens)
        width = end - start
        block = query[:, start:end].reshape(batch, width * heads, size) * size**-0.5
        scores = (block @ key[:, :end].transpose(1, 2)).view(batch, width, heads, end)
        diagonal = scores[..., start:].masked_fill(later[:width, :, :width], float("-inf"))
        scores = torch.cat([scores[..., :start], diagonal], dim=-1) if start else diagonal
        weights = scores.float().softmax(-1).to(value.dtype).view(batch, width * heads, end)
        outputs.append((weights @ value[:, :end]).view(batch, width, heads * size))
    return torch.cat(outputs, dim=1)


def hidden_states(model, ids: torch.Tensor) -> torch.Tensor:
    """The last hidden states, (batch, tokens, width), of a `GPTBigCodeForCausalLM` with multi-query attention."""
    body = model.transformer
    batch, tokens = ids.shape
    heads, width = model.config.n_head, model.config.n_embd
    size = width // heads
    x = body.wte(ids) + body.wpe.weight[:tokens]
    for layer in body.h:
        query, key, value = layer.attn.c_attn(layer.ln_1(x)).split((width, size, size), dim=-1)
        x = x + layer.attn.c_proj(causal_attention(query.view(batch, tokens, heads, size), key, value))
        x = x + layer.mlp.c_proj(functional.gelu(layer.mlp.c_fc(layer.ln_2(x)), approximate="tanh"))
    return body.ln_f(x)


def loss(model, ids: torch.Tensor, weight: torch.Tensor, may_end: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted mean cross-entropy of the next tokens, and each of them; ids, weight and may_end are (batch, tokens).

    Where not `may_end`, the end token is no choice and learns nothing. A prompt has no end, and whoever asks knows
    that: in SPM order no sentinel says where the prompt is over, and a model that had to expect an end everywhere
    expected none.

    `weight[:, t]` belongs to the prediction of `ids[:, t + 1]`, so its last column must be 0: nothing comes after a row.
    (Shifting the targets and not the logits saves a copy of the largest tensor there is.)
    """
    logits = model.lm_head(hidden_states(model, ids))
    is_end = torch.arange(logits.shape[-1], device=logits.device) == model.config.eos_token_id
    logits = logits.masked_fill(is_end & ~may_end[..., None], float("-inf"))
    targets = ids.roll(-1, dims=1).flatten()
    each = functional.cross_entropy(logits.flatten(0, 1), targets, reduction="none").float().view(ids.shape)
    return (each * weight).sum() / weight.sum(), each.detach()
