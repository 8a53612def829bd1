"""Measures what a step of LoRA takes on one card for a model of 15 billion parameters, beside what is computed of it.

It knows shapes and clocks; it does not know data or weights: those are chance, which takes as much memory and as long.
"""

import json
import sys
import time
from collections.abc import Sequence
from datetime import date
from importlib import metadata

import torch

from copilot_lib import hardware
from copilot_lib.tuning import costs
from copilot_lib.tuning.costs import STARCODER2_15B, Shape
from copilot_lib.tuning.training import quietly

RANK = 16
BATCHES = ((True, 4096), (False, 4096), (False, 2048), (False, 1024))
"""Whether activations are computed a second time, and how many tokens are in a step."""
STEPS = 4
"""Of each kind; the first only warms up."""


@quietly()
def build(shape: Shape, device: str):
    """A network of StarCoder2's kind in 16 bits, with an adapter in 32 on all of its matrices."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        "starcoder2",
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        intermediate_size=shape.inner,
        tie_word_embeddings=shape.tied,
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.device(device):  # 32 GB are drawn where they stay
        network = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    return get_peft_model(network, LoraConfig(r=RANK, target_modules="all-linear", task_type="CAUSAL_LM"))


def step_seconds(network, optimiser, tokens: int, device: str) -> float:
    """The time of one step on tokens drawn by chance."""
    ids = torch.randint(0, network.config.vocab_size, (1, tokens), device=device)
    started = time.perf_counter()
    with torch.autocast(device, dtype=torch.bfloat16):
        loss = network(input_ids=ids, labels=ids, use_cache=False).loss
    loss.backward()
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


@quietly()
def measure(shape: Shape, device: str, batches: Sequence[tuple[bool, int]] = BATCHES) -> list[dict]:
    """Of each kind of step the median time, and the most memory in use beside what is computed; of a CPU the time alone."""
    network, rows = build(shape, device), []
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    network.train()
    for recomputed, tokens in batches:
        if recomputed:
            network.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        else:
            network.gradient_checkpointing_disable()
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        seconds = sorted([step_seconds(network, optimiser, tokens, device) for _ in range(STEPS)][1:])[STEPS // 2 - 1]
        row = {"recomputed": recomputed, "tokens": tokens, "seconds_per_step": round(seconds, 4)}
        row["peak_bytes"] = torch.cuda.max_memory_allocated() if device == "cuda" else None
        row["computed_bytes"] = round(costs.memory(shape, tokens, rank=RANK, recomputed=recomputed).total)
        row["tokens_per_second"] = round(tokens / seconds)
        row["tera_operations_per_second"] = round(costs.operations(shape, tokens, RANK, recomputed) / seconds / 1e12, 1)
        rows.append(row)
    return rows


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("this takes a CUDA graphics card with 80 GB of memory or more, and torch sees none here")
    device = "cuda"
    about = {
        "command": "python -m copilot_lib.bench.large",
        "shape": "StarCoder2-15B, weights by chance",
        "rank": RANK,
        "hardware": hardware.describe(device),
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "peft")},
        "date": date.today().isoformat(),
    }
    print(json.dumps(about | {"rows": measure(STARCODER2_15B, device)}, indent=1))
