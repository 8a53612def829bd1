"""Trains an adapter with peft and trl: batches in, the best adapter out; stopped anywhere, it goes on as if it had not been.

It knows networks, batches and a folder of checkpoints; it does not know repositories, how examples are drawn, or registries.
"""

import json
import math
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from copilot_lib.adapter_files import CONFIG, TENSORS
from copilot_lib.tuning import processes
from copilot_lib.tuning import settings as named
from copilot_lib.tuning.batches import Batch
from copilot_lib.tuning.settings import Settings

Batches = Callable[[], Iterator[Batch]]
"""Begins the batches anew, always the same."""
BEST = "best"
"""The folder, beside the checkpoints, of what a run came to."""


@dataclass(frozen=True)
class Seen:
    """What is known after a step."""

    step: int
    loss: float | None
    """Of the step's batch, in nats a token that is learnt from; None where the step is told of for its held-out loss."""
    held_out_loss: float | None


Show = Callable[[Seen], object]


@dataclass(frozen=True)
class Course:
    """What a run came to."""

    steps: int
    """How many were made: fewer than were asked for where the held-out loss no longer fell."""
    first_loss: float
    """The held-out loss before the first step."""
    best_loss: float
    """That of what was kept, which need not be the last."""
    curve: list[dict]
    """Rows with `step` and `loss` or `eval_loss`."""

    @property
    def best_step(self) -> int:
        """After which step what was kept was there."""
        return min((row["eval_loss"], row["step"]) for row in self.curve if "eval_loss" in row)[1]

    @property
    def helped(self) -> bool:
        """Whether the held-out loss came below what it was."""
        return self.best_loss < self.first_loss

    def in_words(self) -> str:
        """What a run came to, in a line.

        >>> Course(80, 2.0, 1.8, [{"step": 20, "eval_loss": 1.8}, {"step": 80, "eval_loss": 1.9}]).in_words()
        'Loss in the files to see when to stop: 2.000 before, 1.800 after 20 steps, the best of 80'
        """
        loss = f"{self.first_loss:.3f} before, {self.best_loss:.3f} after {self.best_step} steps, the best of {self.steps}"
        return f"Loss in the files to see when to stop: {loss}"


def train(
    network,
    tokenizer,
    batches: Batches,
    held_out: Batches,
    settings: Settings,
    steps: int,
    folder: Path,
    resume: bool = False,
    show: Show = lambda seen: None,
) -> Course:
    """Trains for `steps` at most; checkpoints go into `folder`, and what was best into `folder/best`.

    `network` is a causal model of transformers, which gets an adapter by `settings`, or a `PeftModel` whose adapter is trained
    on; `tokenizer` is that of transformers. `batches` never end, `held_out` do. With `resume` the last checkpoint is gone on
    from, and every batch after it is the one that would have come.

    Under `torchrun` all processes call this with the same batches. Of N, each takes every Nth, so that a step is N batches,
    whose gradients are averaged; only the first writes, and only its `show` is told. Held-out batches that N does not divide
    are filled up with the first ones again.
    """
    first = mean_loss(network, iter(filled(list(held_out()), processes.launched())))
    last = checkpoints(folder)[-1:] if resume else []
    if last and (ended := end_of(last[0], folder / BEST)):
        return Course(ended["global_step"], first, *of_history(ended["log_history"], first))
    trainer = trainer_of(network, tokenizer, batches, held_out, settings, steps, folder, show)
    with quietly():
        trainer.train(resume_from_checkpoint=str(last[0]) if last else None)
        save(trainer, folder / BEST)
    return Course(trainer.state.global_step, first, *of_history(trainer.state.log_history, first))


def of_history(rows: list[dict], first: float) -> tuple[float, list[dict]]:
    """The best held-out loss of a run, and its curve, of what a trainer has noted."""
    curve = [{key: row[key] for key in ("step", "loss", "eval_loss") if key in row} for row in rows]
    losses = [row["eval_loss"] for row in curve if "eval_loss" in row]
    return min(losses, default=first), [row for row in curve if len(row) > 1]


def end_of(checkpoint: Path, best: Path) -> dict | None:
    """The state of a run that was killed between its last step and its end, whose best checkpoint then becomes `best`.

    A trainer that is told to go on from there makes one more step, or begins to be patient anew. None where there is more to
    do, or where the best is in pieces, which only a trainer puts together.
    """
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    stopped = state.get("stateful_callbacks", {}).get("TrainerControl", {}).get("args", {}).get("should_training_stop")
    kept = checkpoint.parent / Path(state.get("best_model_checkpoint") or checkpoint).name
    if not stopped or not (kept / TENSORS).is_file():
        return None
    best.mkdir(exist_ok=True)  # of several processes each does so, with the same files
    for file in (CONFIG, TENSORS):
        shutil.copy(kept / file, best / file)
    return state


def filled(found: list[Batch], count: int) -> list[Batch]:
    """Batches that `count` processes divide: the first ones come again, as they do where a trainer looks.

    >>> filled(["a", "b", "c"], 2), filled(["a"], 4), filled([], 2)
    (['a', 'b', 'c', 'a'], ['a', 'a', 'a', 'a'], [])
    """
    return [*found, *islice(cycle(found), -len(found) % count)]


def mean_loss(network, batches: Iterator[Batch]) -> float:
    """The mean loss of some batches before training, in nats a token.

    A trainer must not be asked for it: accelerate takes a network that was evaluated for one that is ready to be trained, and
    of several processes each would then go its own way, without a word.
    """
    import torch

    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        losses = [weighted_loss(network, on_device(batch, device)).item() for batch in batches]
    if not losses:
        raise ValueError("the files that say when to stop give no examples: expected longer ones, or more files")
    return sum(losses) / len(losses)


def save(trainer, folder: Path) -> None:
    """Saves the adapter: all processes take part, since each may have a piece of it, and the first one writes."""
    pieces = trainer.accelerator.get_state_dict(trainer.model) if trainer.is_fsdp_enabled else None
    if trainer.is_world_process_zero():
        trainer.accelerator.unwrap_model(trainer.model).save_pretrained(folder, state_dict=pieces)


def trainer_of(
    network, tokenizer, batches: Batches, held_out: Batches, settings: Settings, steps: int, folder: Path, show: Show
):
    """trl's trainer for ready-made batches; stops early, and keeps the best."""
    from peft import PeftModel
    from transformers import EarlyStoppingCallback, PrinterCallback
    from trl import SFTTrainer

    class Weighted(SFTTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            loss = weighted_loss(model, inputs)
            return (loss, {"loss": loss}) if return_outputs else loss

    cpu = next(network.parameters()).device.type == "cpu"
    begins = isinstance(network, PeftModel) or settings.rank == 0
    with quietly():
        made = Weighted(
            model=network,
            args=named.arguments(folder, settings, steps, cpu),
            train_dataset=streamed(batches),
            eval_dataset=streamed(held_out),
            data_collator=tensors,
            processing_class=tokenizer,
            peft_config=None if begins else named.lora(network, settings),
            callbacks=[EarlyStoppingCallback(named.PATIENCE), teller(show)],
        )
    made.remove_callback(PrinterCallback)
    return made


def streamed(batches: Batches):
    """Batches as a dataset of which each item is one."""
    from datasets import IterableDataset

    return IterableDataset.from_generator(Rows(batches))


class Rows:
    """Batches as datasets calls for them."""

    def __init__(self, batches: Batches):
        self._batches = batches

    def __call__(self) -> Iterator[dict]:
        for batch in self._batches():
            yield as_item(batch)

    def __reduce__(self):
        # To know data again, datasets pickles what makes them, and all that hangs on it: models too. Nothing is cached here.
        return str, ("batches",)


def as_item(batch: Batch) -> dict:
    """A batch as datasets hold it."""
    return {"input_ids": batch.ids, "weights": batch.weights, "may_end": batch.may_end, "end_id": batch.end_id}


def on_device(batch: Batch, device="cpu") -> dict:
    """What the network is given of a batch, on its device."""
    return {name: value.to(device) for name, value in tensors([as_item(batch)]).items()}


def tensors(items: list[dict]) -> dict:
    """What the network is given of one ready-made batch.

    There is no mask: padding stands at the end of a row, where no token before it sees it, and it weighs nothing.
    """
    import torch

    [item] = items
    ids = torch.tensor(item["input_ids"])
    return {"input_ids": ids, "labels": ids} | {name: torch.tensor(item[name]) for name in ("weights", "may_end", "end_id")}


def weighted_loss(model, given: dict):
    """The mean cross-entropy of the next tokens, in nats, each counting by its weight.

    In a prompt the end token does not count among what could come next. It never stands there, and whoever learns so in every
    line of every prompt forgets to end its answers: in SPM order these follow the prompt's text as its next line would.
    `forward.loss` does the same in pretraining, for one kind of network and faster.
    """
    import torch
    from torch.nn import functional

    logits = model(input_ids=given["input_ids"], use_cache=False).logits[:, :-1].to(torch.float32, copy=True)
    logits[..., int(given["end_id"])].masked_fill_(~given["may_end"][:, 1:], -torch.inf)
    targets, weights = given["input_ids"][:, 1:], given["weights"][:, 1:]
    each = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (each * weights.flatten()).sum() / weights.sum()


def teller(show: Show):
    """A callback that tells `show` of each step, and stops a run whose loss is no number."""
    from transformers import TrainerCallback

    class Teller(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            loss, held_out = (logs or {}).get("loss"), (logs or {}).get("eval_loss")
            if unreal := [number for number in (loss, held_out) if number is not None and not math.isfinite(number)]:
                raise FloatingPointError(f"the loss is {unreal[0]} at step {state.global_step}: lower the rate and begin anew")
            if state.is_world_process_zero and (loss is not None or held_out is not None):
                show(Seen(state.global_step, loss, held_out))

    return Teller()


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints in a folder, oldest first; one that was being written when the run was killed is not whole."""
    found = [path for path in folder.glob("checkpoint-*") if is_whole(path)]
    return sorted(found, key=lambda path: int(path.name.split("-")[1]))


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was written to its end: its state is what trl writes last."""
    try:
        return "global_step" in json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


@contextmanager
def quietly():
    """Without warnings about names that will change, progress bars of others, or reports to anybody over the network."""
    import datasets
    import transformers
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True
    datasets.disable_progress_bars()
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(verbosity)
