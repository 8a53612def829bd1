"""Trains the pocket model from scratch: one loop that can be stopped anywhere, and a cool-down from any of its checkpoints.

It knows optimisers and rates; it does not know how text becomes ids (`examples`) or how the network starts (`network`).
"""

import copy
import itertools
import json
import math
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from copilot_lib import bpe, checkpoint, corpus, examples, forward, hardware, models, network
from copilot_lib.recipe import Recipe

TEXTS_PER_CHUNK = 192
EVERY = 20
"""Steps between two rows of the curve."""


def optimisers(model, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon (Jordan 2024) for the matrices inside the blocks, AdamW for embeddings, biases and norms; or AdamW for all."""
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    inside = {name for name, weight in trained.items() if recipe.optimiser == "muon" and ".h." in name and weight.ndim == 2}
    others = [weight for name, weight in trained.items() if name not in inside]
    made = [torch.optim.AdamW(others, lr=recipe.adamw_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True)]
    if inside:
        rates = {"lr": recipe.muon_rate, "momentum": 0.95, "weight_decay": 0.01, "adjust_lr_fn": "original"}
        made.insert(0, torch.optim.Muon([trained[name] for name in trained if name in inside], **rates))
    for group in (group for optimiser in made for group in optimiser.param_groups):
        group["peak"] = group["lr"]
    return made


Batch = tuple[int, int, torch.Tensor, torch.Tensor]


class Chunks(torch.utils.data.Dataset):
    """Training rows by the number of a chunk: a fixed set of texts in a fixed order with its own random numbers.

    Of a number, ids and what each of them is, both (rows, tokens); whoever makes them, and however often, they are the same.
    They are made on the CPU: a process that was forked from one with a graphics card must not touch it.
    """

    def __init__(self, texts: list[str], encode, ids: examples.Sentinels, recipe: Recipe):
        self.texts, self.encode, self.ids, self.recipe = texts, encode, ids, recipe
        self.per_epoch = max(1, len(texts) // TEXTS_PER_CHUNK)

    def __getitem__(self, chunk: int) -> tuple[torch.Tensor, torch.Tensor]:
        seed, context_tokens = self.recipe.seed, self.recipe.context_tokens
        epoch, place = divmod(chunk, self.per_epoch)
        order = list(range(len(self.texts)))
        random.Random(f"{seed}/{epoch}").shuffle(order)
        mine = [self.texts[n] for n in order[place * TEXTS_PER_CHUNK : (place + 1) * TEXTS_PER_CHUNK]]
        made = examples.rows(mine, self.encode, self.ids, context_tokens, random.Random(f"{seed}/{chunk}"), self.recipe.mix)
        return tuple(torch.tensor([part[which] for part in made], dtype=torch.long) for which in (0, 1))


def batches(
    texts: list[str], encode, ids: examples.Sentinels, recipe: Recipe, chunk: int, done: int, workers: int = 0
) -> Iterator[Batch]:
    """Endless batches from a place in the data: `(chunk, batches of it already seen, ids, what each of them is)`.

    Two integers are a whole bookmark. So many other processes make the rows ahead of time, which are the same for any number.
    `ValueError` where in a whole pass no chunk has rows enough for one step.
    """
    chunks, order = Chunks(texts, encode, ids, recipe), itertools.count(chunk)
    context = "fork" if workers else None  # the texts are shared and not copied
    loader = torch.utils.data.DataLoader(
        chunks, batch_size=None, sampler=order, num_workers=workers, multiprocessing_context=context
    )
    size = recipe.rows_per_step
    chunks_without = 0
    for number, (rows, kinds) in enumerate(loader, start=chunk):
        chunks_without = 0 if len(rows) >= size else chunks_without + 1
        if chunks_without > chunks.per_epoch:
            raise ValueError(f"{len(texts)} texts give less than the {size} rows of a step: collect more, or use --preset cpu")
        for at in range(done, len(rows) // size):
            yield number, at + 1, rows[at * size : (at + 1) * size], kinds[at * size : (at + 1) * size]
        done = 0


def rate_factor(step: int, recipe: Recipe, cooldown: tuple[int, int]) -> float:
    """The share of the peak rate: linear warm-up, then constant, and linear to 2 % over a cool-down `(first, last)` (WSD)."""
    first, last = cooldown
    if first <= step < last:
        return 1 - 0.98 * (step - first) / (last - first)
    return min(1.0, (step + 1) / recipe.warmup_steps)


def train(
    folder: Path,
    recipe: Recipe,
    steps: int,
    resume: bool = False,
    cooldown_steps: int = 0,
    save_every: int = 50,
    device: str = "cpu",
    start: Path | None = None,
    workers: int = 0,
    progress: Callable[[str], object] = lambda line: None,
) -> None:
    """Trains to step `steps` in `folder`, which holds `corpus.jsonl`; writes `checkpoint.pt` and `curve.jsonl`.

    With `cooldown_steps` the last so many steps lower the rate, and the result goes to `model/` as a loadable checkpoint;
    the undecayed `checkpoint.pt` from which the cool-down began stays, so that training can go on from it; a cool-down that
    was broken off goes on from its own `cooling.pt`. A finished model as `start` is trained on from its weights and its place
    in the data, at rates raised again. Raises `ValueError` where a run would be written over, or gone on from with another
    recipe or corpus, or where the cool-down is longer than the run. `progress` gets a line whenever the curve gets a row.
    So many `workers` make the rows, beside this process. Under `torchrun` every process takes its share of the rows of each
    batch; the result is the same up to rounding.
    """
    if not 0 <= cooldown_steps <= steps:
        raise ValueError(
            f"a cool-down over the last {cooldown_steps} of {steps} steps: expected no more than there are, and 0 or more"
        )
    rank, processes = join_group()
    about = asdict(recipe) | {"corpus": checkpoint.fingerprint(folder / "corpus.jsonl")}
    first_cool = steps - cooldown_steps
    about_cooling = about | {"cooldown": [first_cool, steps]}
    saved = None
    if resume:
        saved = checkpoint.load_cooling(folder, about_cooling, device) or undecayed(folder, about, device, first_cool)
    else:
        checkpoint.refuse_to_begin(folder)
        if start:
            saved = finished(start, folder, recipe)
    texts = [d.text for d in corpus.read(folder)]
    tokenizer = load_or_train_tokenizer(folder, texts, recipe)
    encode, ids = encoder(tokenizer)
    master = network.build(recipe).to(device)
    optims = optimisers(master, recipe)
    place = {"step": 0, "tokens": 0, "seconds": 0.0, "chunk": 0, "done": 0}
    if saved:
        master.load_state_dict(saved["model"])
        for optimiser, values in zip(optims, saved["optimisers"] or (), strict=bool(saved["optimisers"])):
            optimiser.load_state_dict(values)
        place = saved["place"]
    curves = {cooling: folder / name for cooling, name in ((False, "curve.jsonl"), (True, "cooldown.jsonl"))}
    if rank == 0:
        checkpoint.keep_rows_until(place["step"], curves[False])
        checkpoint.keep_rows_until(place["step"], curves[True])

    def save():
        state = {"place": place, "model": master.state_dict(), "optimisers": [o.state_dict() for o in optims]}
        if place["step"] > first_cool:
            checkpoint.save(folder, state, about_cooling, checkpoint.COOLING)
        else:
            checkpoint.save(folder, state, about)

    stream = batches(texts, encode, ids, recipe, place["chunk"], place["done"], workers)
    mine = ((*at, batch[rank::processes].to(device), kinds[rank::processes].to(device)) for *at, batch, kinds in stream)
    loss = torch.compile(forward.loss, dynamic=False)
    ahead = range(place["step"], steps)
    started, losses = time.time(), []
    for step, chunk, done, tokens, both in learn(master, optims, loss, mine, recipe, ahead, (first_cool, steps)):
        losses.append(both)
        if not math.isfinite(both[0]):
            raise FloatingPointError(f"the loss is {both[0]} at step {step - 1}: lower the rates and resume")
        now = time.time()
        tokens, seconds = place["tokens"] + tokens * processes, place["seconds"] + now - started
        place = {"step": step, "tokens": tokens, "seconds": seconds, "chunk": chunk, "done": done}
        started = now
        if rank == 0 and step % EVERY == 0:
            mean, answer_mean = (mean_of(column) for column in zip(*losses, strict=True))
            row = {"step": step, "tokens": tokens, "seconds": round(seconds, 1), "loss": mean, "answer_loss": answer_mean}
            with curves[step > first_cool].open("a") as file:
                file.write(json.dumps(row) + "\n")
            losses = []
            so_far = f"step {step} of {steps}, {tokens / 1e6:.1f} million tokens"
            progress(f"{so_far}, loss {mean}, {tokens / seconds:,.0f} tokens a second")
        if rank == 0 and (step % save_every == 0 or step == first_cool):
            save()
    if rank == 0 and cooldown_steps:
        (folder / checkpoint.COOLING).unlink(missing_ok=True)
        export(master, tokenizer, folder / "model", recipe, place)


def undecayed(folder: Path, about: dict, device: str, first_cool: int) -> dict:
    """The state at constant rates; `ValueError` where it is past the step at which the cool-down would begin."""
    saved = checkpoint.load(folder, about, device)
    if (step := saved["place"]["step"]) > first_cool:
        raise ValueError(f"the checkpoint is at step {step}, past {first_cool}, where the cool-down would begin")
    return saved


def finished(model: Path, folder: Path, recipe: Recipe) -> dict:
    """The state that a finished model ended in, but for its optimisers'; its tokenizer goes to `folder`.

    Raises `ValueError` if the model was made by a recipe of another shape.
    """
    report = json.loads((model / "training.json").read_text())
    shape = ("vocabulary", "context_tokens", "width", "layers", "heads")
    if differing := [name for name in shape if report["recipe"][name] != getattr(recipe, name)]:
        raise ValueError(f"{model} was made with another {' and '.join(differing)}: use the preset that it was made with")
    checkpoint.write_whole(folder / "tokenizer.json", lambda file: shutil.copy(model / "tokenizer.json", file))
    found, _ = models.load_network(str(model), "cpu")
    return {"place": report["place"], "model": found.state_dict(), "optimisers": None}


def learn(
    master,
    optims,
    loss,
    stream: Iterator[Batch],
    recipe: Recipe,
    steps: range,
    cooldown: tuple[int, int],
    precision: torch.dtype = torch.bfloat16,
):
    """Trains, one step for each of `steps`; yields after each `(step, chunk, done, tokens, losses)`.

    The weights are kept in float32. A copy in bf16 works, at twice the speed where the processor has that arithmetic; where
    it has not, name another precision.
    """
    working = copy.deepcopy(master).to(precision)
    for step, (chunk, done, batch, kinds) in zip(steps, stream, strict=False):
        for group in (group for optimiser in optims for group in optimiser.param_groups):
            group["lr"] = group["peak"] * rate_factor(step, recipe, cooldown)
        yield step + 1, chunk, done, batch.numel(), update(master, working, optims, loss, batch, kinds, recipe.answer_weight)


def update(
    master, working, optims, loss, batch: torch.Tensor, kinds: torch.Tensor, answer_weight: float
) -> tuple[float, float]:
    """One step: gradients from the working copy, the step on the master, and back; the mean loss of all and of answers."""
    weight, answers, may_end = predictions(kinds, answer_weight)
    mean, each = loss(working, batch, weight, may_end)
    mean.backward()
    pairs = [pair for pair in zip(master.parameters(), working.parameters(), strict=True) if pair[0].requires_grad]
    move_gradients(pairs)
    torch.nn.utils.clip_grad_norm_(master.parameters(), 1.0)
    for optimiser in optims:
        optimiser.step()
    network.hold(master)
    with torch.no_grad():
        for kept, used in pairs:
            used.copy_(kept)
            used.grad = None
    return each[:, :-1].mean().item(), each[answers].mean().item()


def mean_of(losses: Sequence[float]) -> float | None:
    """The mean of those that are numbers: a batch without gaps has no loss of answers. None if none is.

    >>> mean_of([1.0, math.nan, 2.0]), mean_of([math.nan])
    (1.5, None)
    """
    known = [loss for loss in losses if not math.isnan(loss)]
    return round(sum(known) / len(known), 4) if known else None


def predictions(kinds: torch.Tensor, answer_weight: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of each place, what its prediction counts, whether it predicts an answer, and whether an end may come next.

    All are (batch, tokens), as `kinds` is, which says what stands at a place itself.

    >>> predictions(torch.tensor([[examples.GIVEN, examples.GIVEN, examples.ANSWER, examples.PLAIN]]), 4.0)
    (tensor([[1., 4., 1., 0.]]), tensor([[False,  True, False, False]]), tensor([[False,  True,  True,  True]]))
    """
    following = kinds.roll(-1, dims=1)
    following[:, -1] = examples.PLAIN
    answers = following == examples.ANSWER
    weight = 1 + (answer_weight - 1) * answers.float()
    weight[following == examples.FILLER] = 0
    weight[:, -1] = 0
    return weight, answers, following != examples.GIVEN


def join_group() -> tuple[int, int]:
    """This process's number and how many there are; starts gloo when `torchrun` set us up, else (0, 1)."""
    if "WORLD_SIZE" not in os.environ:
        return 0, 1
    torch.distributed.init_process_group("gloo")
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def move_gradients(pairs) -> None:
    """Moves the bf16 gradients to the fp32 weights, averaged over all processes where there are several."""
    flat = torch.cat([used.grad.flatten() for _, used in pairs]).float()
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(flat)
        flat /= torch.distributed.get_world_size()
    for (kept, _), grad in zip(pairs, flat.split([kept.numel() for kept, _ in pairs]), strict=True):
        kept.grad = grad.view_as(kept)


def load_or_train_tokenizer(folder: Path, texts: list[str], recipe: Recipe):
    """The tokenizer of this run; trained on every fourth text the first time."""
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if not file.exists():
        made = bpe.train(texts[::4], recipe.vocabulary)
        checkpoint.write_whole(file, lambda path: made.save(str(path)))
    return Tokenizer.from_file(str(file))


def encoder(tokenizer):
    """How user text becomes ids (special tokens off), and the ids of the sentinels."""
    tokenizer.encode_special_tokens = True
    named = {name: tokenizer.token_to_id(name) for name in bpe.SPECIAL_TOKENS}
    ids = examples.Sentinels(named["<fim_prefix>"], named["<fim_middle>"], named["<fim_suffix>"], named["<|endoftext|>"])
    return (lambda text: tokenizer.encode(text, add_special_tokens=False).ids), ids


def export(model, tokenizer, folder: Path, recipe: Recipe, place: dict) -> None:
    """Writes the model as anyone loads it: bf16 safetensors, config, tokenizer, and `training.json` beside them."""
    model.config.use_cache = True
    model.to(torch.bfloat16).save_pretrained(folder, safe_serialization=True)
    tokenizer.encode_special_tokens = False
    bpe.save(tokenizer, folder, recipe.context_tokens)
    count = sum(p.numel() for p in model.parameters())
    report = {
        "recipe": asdict(recipe),
        "parameters": count,
        "place": place,
        "hardware": hardware.describe(str(model.device)),
    }
    checkpoint.write_json(folder / "training.json", report)
