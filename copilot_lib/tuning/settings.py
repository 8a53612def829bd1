"""The arguments of peft and trl, all of them here: they change between versions, and a test makes each call.

It knows names and defaults; it does not know data, files or how long anything takes.
"""

from dataclasses import dataclass
from pathlib import Path

from copilot_lib.models import SMALL

TARGETS = {"gpt_bigcode": ("c_attn", "c_proj", "c_fc")}
"""Layers that get an adapter, by the network's type; `c_proj` names two of them, in attention and in the MLP. Of other types
all that are linear."""
EVALUATIONS = 10
"""How often the held-out loss is looked at in a run."""
PATIENCE = 3
"""So many looks without a better one end a run."""


@dataclass(frozen=True)
class Settings:
    """What decides how an adapter is trained, beside the data. The same settings and data give the same adapter.

    The defaults are what pilots found best for the pocket model on a CPU: there, smaller steps beat fewer large ones.
    """

    rank: int = 32
    alpha: int = 64
    targets: tuple[str, ...] = ()
    """Names of layers; none for those of `TARGETS`."""
    rate: float = 4e-3
    batch_tokens: int = 1024
    """Tokens of one step, padding included."""
    example_tokens: int = 512
    answer_weight: float = 4.0
    """How much a token of a middle, or the end after it, counts beside one of the text around. All are learnt from: in the same
    time, from the answers alone less is learnt."""
    epochs: float = 8.0
    """How often the files are gone through at most; each time with other gaps."""
    seed: int = 0


SUITED = {
    ("small", "cpu"): Settings(),
    ("small", "gpu"): Settings(batch_tokens=8192),
    ("large", "cpu"): Settings(rank=16, alpha=32, rate=5e-4, batch_tokens=2048),
    ("large", "gpu"): Settings(rank=16, alpha=32, rate=5e-4, batch_tokens=8192, example_tokens=1024),
}
"""By the model's size and where it is trained. The first was tried at length, the second once: 272 steps on one card, 0.7
minutes, brought the pocket's held-out loss in networkx from 2.396 to 2.074. Of the others, rates are those that are usual for
LoRA (ten times what all weights would be trained with), and sizes fit into 16 GB beside tiny_starcoder_py."""


def suited(parameters: int, device: str) -> Settings:
    """What to begin with for a model of so many parameters on a device.

    >>> suited(164_000_000, "cuda").rank, suited(4_600_000, "cpu") == Settings()
    (16, True)
    """
    return SUITED["small" if parameters <= SMALL else "large", "cpu" if device == "cpu" else "gpu"]


def lora(network, settings: Settings):
    """peft's description of the adapter for a network.

    There is no dropout: gaps are drawn anew in every epoch, so that hardly anything is seen twice. `ValueError` for the name of
    a layer that the network does not have.
    """
    from peft import LoraConfig

    others = (network.get_input_embeddings(), network.get_output_embeddings())
    of_kind = ("in_features", "nf")  # of torch's Linear, and of GPT-2's Conv1D
    modules = [(name, module) for name, module in network.named_modules() if module not in others]
    linear = [name for name, module in modules if any(hasattr(module, kind) for kind in of_kind)]
    for wanted in settings.targets:
        if not any(f".{name}".endswith(f".{wanted}") for name in linear):
            kinds = ", ".join(sorted({name.rsplit(".", 1)[-1] for name in linear}))
            raise ValueError(f"no adapter is made for a layer whose name ends in {wanted!r}: expected some of {kinds}")

    targets = list(settings.targets or TARGETS.get(network.config.model_type, ())) or "all-linear"
    return LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, target_modules=targets, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM"
    )


def arguments(folder: Path, settings: Settings, steps: int, cpu: bool):
    """trl's arguments for a run of so many steps. A batch comes ready-made, so that trl's own size is one."""
    from trl import SFTConfig

    every = max(1, steps // EVALUATIONS)
    made = SFTConfig(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        learning_rate=settings.rate,
        lr_scheduler_type="linear",
        warmup_steps=min(20, max(1, steps // 10)),
        weight_decay=0.0,
        adam_beta2=0.95,
        max_grad_norm=1.0,
        use_cpu=cpu,
        bf16=False,  # what the network is computed in was chosen before, see `pace`
        gradient_checkpointing=False,
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=1,
        logging_nan_inf_filter=False,  # or a loss that is no number is written down as 0
        restore_callback_states_from_checkpoint=True,  # how long the held-out loss has not fallen, too
        prediction_loss_only=True,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=not cpu,
        packing=False,
        max_length=None,
        report_to="none",
        disable_tqdm=True,
        seed=settings.seed,
        data_seed=settings.seed,
        # Each process reads all batches and keeps its own. By default the first would read for all, and put batches of several
        # lengths into one.
        accelerator_config={"dispatch_batches": False},
        ddp_find_unused_parameters=False,
    )
    # One process is one card: with several, transformers would divide each ready-made batch among them in threads.
    made._n_gpu = min(made.n_gpu, 1)
    return made
