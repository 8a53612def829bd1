"""Trains by the article's recipe and by this project's, for as long, on the same files, and compares what came of each second.

It knows both recipes and a clock of the processor's time; it does not know how completions get better (`sweep`).
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from copilot_lib import models
from copilot_lib.completer import Completer
from copilot_lib.registry import Registry
from copilot_lib.sweep import asking, materials, plan, running
from copilot_lib.tuning import article, finetune, training
from copilot_lib.tuning.batches import Batch
from copilot_lib.tuning.material import Material

REPOSITORY = "networkx"
STEPS = 20
"""Of the article's sixteen examples each; ours are as many as take the processor as long."""
BATCH, ACCUMULATED = 4, 4
TOLERANCE, TRIES = 0.05, 3
"""How far from the article's our seconds may be, and how often that is tried."""


@dataclass(frozen=True)
class Made:
    """What a recipe made of its time."""

    network: object
    cpu_seconds: float
    places: int
    """Tokens that went through the network, padding included."""
    tokens: int
    """Those that are no padding."""
    answers: int
    """Those of a middle, or its end, that were learnt."""


def rows(completer: Completer) -> list[dict]:
    """A row for each recipe: tokens a second, and the loss at gaps in files by which neither was stopped or chosen."""
    run = next(run for run in plan.lora() if run.learns == (REPOSITORY,))
    material = materials.material_of(run)
    asked = replace(material, validation=material.test)  # ours keeps what is best for the files for validation
    held_out = finetune.held_out(asked, completer.model.codec, running.plan_of(run, material))
    network, _ = models.load_network("pocket", "cpu")
    untrained = {"recipe": "none", "held_out_loss": round(training.mean_loss(network, iter(held_out)), 4)}
    first = article_s(material)
    second = ours(run, material, first.cpu_seconds)
    return [untrained, row("the article's", first, held_out), row("this project's", second, held_out)]


def row(name: str, made: Made, held_out: Sequence[Batch]) -> dict:
    """What is written down of a recipe."""
    return {
        "recipe": name,
        "cpu_seconds": round(made.cpu_seconds, 1),
        "places_per_second": round(made.places / made.cpu_seconds),
        "tokens_per_second": round(made.tokens / made.cpu_seconds),
        "answer_tokens_per_second": round(made.answers / made.cpu_seconds, 1),
        "held_out_loss": round(training.mean_loss(made.network, iter(held_out)), 4),
    }


def article_s(material: Material) -> Made:
    """The article's run, in today's words for its arguments; its files are those that ours learns from.

    Without a graphics card `bf16=True` is refused, so that it is float32; 1,024 tokens are more than the pocket has positions,
    so that examples are cut to those.
    """
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    network, tokenizer = models.load_network("pocket", "cpu")
    root = asking.folder_of(REPOSITORY).parent
    texts = article.dataset([root / file.path for file in material.train])
    most = min(article.MAX_TOKENS, network.config.max_position_embeddings)
    tokenizer.pad_token = tokenizer.eos_token
    lora = LoraConfig(
        r=16, lora_alpha=32, target_modules=["c_attn", "c_proj", "c_fc"], lora_dropout=0.05, task_type="CAUSAL_LM"
    )
    with tempfile.TemporaryDirectory() as folder, training.quietly():
        arguments = SFTConfig(
            output_dir=folder,
            max_steps=STEPS,
            per_device_train_batch_size=BATCH,
            gradient_accumulation_steps=ACCUMULATED,
            learning_rate=2e-4,
            lr_scheduler_type="cosine",
            warmup_steps=STEPS // 10,
            bf16=False,
            use_cpu=True,
            max_length=most,
            dataset_text_field="text",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        rows = Dataset.from_list([{"text": text} for text in texts])
        trainer = SFTTrainer(model=network, args=arguments, train_dataset=rows, processing_class=tokenizer, peft_config=lora)
        started = time.process_time()
        trainer.train()
        seconds = time.process_time() - started
    # trl draws its examples in an order of its own: what they hold is taken from all of them.
    encoded = [tokenizer(text)["input_ids"][:most] for text in texts]
    marker = tokenizer.convert_tokens_to_ids("<fim_middle>")
    passes = STEPS * BATCH * ACCUMULATED / len(encoded)
    tokens = sum(map(len, encoded)) * passes
    answers = sum(len(ids) - ids.index(marker) - 1 for ids in encoded if marker in ids) * passes
    return Made(trainer.model, seconds, STEPS * BATCH * ACCUMULATED * most, round(tokens), round(answers))


def ours(run: plan.Run, material: Material, cpu_seconds: float) -> Made:
    """This project's run, of as many seconds of the processor, about; where it took others, it is done again."""
    trial = running.plan_of(run, material)
    for _ in range(TRIES):
        made, steps = attempt(trial, material)
        if abs(made.cpu_seconds / cpu_seconds - 1) <= TOLERANCE:
            break
        trial = replace(trial, steps=max(10, round(steps * cpu_seconds / made.cpu_seconds)))
    return made


def attempt(trial: finetune.Plan, material: Material) -> tuple[Made, int]:
    """One run by a plan, with all that it takes: loading, and looking at the held-out loss. And how many steps it made."""
    codec = models.load("pocket").codec
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        course = finetune.run(trial, material, Path(folder))
        seconds = time.process_time() - started
        best = Path(folder) / finetune.TRAINING / training.BEST
        trained = running.changed(best, "recipe", Registry(Path(folder) / "adapters")).network
    batches = list(islice(finetune.stream(trial, material, codec), course.steps))
    size, tokens, answers = (sum(getattr(batch, name) for batch in batches) for name in ("size", "tokens", "answers"))
    return Made(trained, seconds, size, tokens, answers), course.steps
