"""Counts and times what an adapter is beside its model: numbers, bytes, merging, switching.

It knows peft and networks; it does not know whether an adapter makes completions better (`sweep`).
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import cycle, islice
from pathlib import Path

from copilot_lib import models, targets
from copilot_lib.adapter_files import TENSORS
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.registry import Registry
from copilot_lib.sweep.plan import SETTINGS
from copilot_lib.sweep.running import WORK
from copilot_lib.tuning import going_on
from copilot_lib.tuning import settings as named
from copilot_lib.tuning.settings import Settings
from copilot_lib.tuning.training import quietly

ADAPTERS = ("lora-networkx-0", "lora-sqlalchemy-0")
"""Trained adapters of the pocket, which `python -m copilot_lib sweep lora` makes; the first is merged, both are switched."""
ARTICLE = Settings(rank=16, alpha=32)
WINDOWS, WINDOW_TOKENS = 20, 512
"""Where merged and unmerged are compared: ten thousand predictions."""
TIMES = 40
PROMPT_TOKENS = 200
HERE = Cursor("def mean(values):\n    return ", 29)


def rows(completer: Completer) -> list[dict]:
    """What was counted and timed; `ValueError` where there are no trained adapters."""
    registry = Registry(WORK / "adapters")
    folders = [registry.find(name).folder for name in ADAPTERS]
    return [article_s(), *(merging(folders[0], precision) for precision in ("float32", "bfloat16")), switching(folders)]


def tiny_starcoder():
    """A network of the shape of bigcode/tiny_starcoder_py, with chance for weights."""
    from transformers import AutoModelForCausalLM, GPTBigCodeConfig

    shape = GPTBigCodeConfig(vocab_size=49152, n_positions=8192, n_embd=768, n_layer=20, n_head=12, n_inner=3072)
    return AutoModelForCausalLM.from_config(shape).eval()


def article_s() -> dict:
    """The article's adapter: how many numbers it has, how large its file is, and what it costs until it is merged."""
    import torch
    from peft import get_peft_model

    with quietly(), tempfile.TemporaryDirectory() as folder:
        base = tiny_starcoder()
        numbers = base.num_parameters()
        network = get_peft_model(base, named.lora(base, ARTICLE)).eval()
        trained, whole = network.get_nb_trainable_parameters()
        network.save_pretrained(folder)
        size = (Path(folder) / TENSORS).stat().st_size
        ids = torch.arange(PROMPT_TOKENS)[None]

        def unmerged():
            network(input_ids=ids, use_cache=False)

        def as_merged():  # what remains of the work when an adapter is merged: the base's
            with network.disable_adapter():
                network(input_ids=ids, use_cache=False)

        with torch.inference_mode():
            times = interleaved({"unmerged": unmerged, "merged": as_merged}, TIMES // 4)
    return {
        "what": "the article's adapter on a network of tiny_starcoder_py's shape",
        "trained_parameters": trained,
        "all_parameters": whole,
        "file_bytes": size,
        "share_of_float32_base": round(trained / numbers, 4),
        "share_of_bfloat16_base": round(2 * trained / numbers, 4),
        "prompt_tokens": PROMPT_TOKENS,
        "pass_ms": times,
    }


def merging(folder: Path, precision: str) -> dict:
    """How far a merged adapter is from an unmerged one, over ten thousand predictions in held-out code."""
    import torch

    base, _ = models.load_network("pocket", "cpu")
    adapter = models.load("pocket").read_adapter(folder)
    network = going_on.begun(base.to(getattr(torch, precision)), adapter, SETTINGS).eval()
    with quietly(), torch.inference_mode():
        windows = list(islice(held_out_windows(), WINDOWS))
        apart = [network(input_ids=window, use_cache=False).logits.float() for window in windows]
        one = network.merge_and_unload()
        together = [one(input_ids=window, use_cache=False).logits.float() for window in windows]
    same = [(a.argmax(-1) == b.argmax(-1)).float().mean().item() for a, b in zip(apart, together, strict=True)]
    return {
        "what": "merged against unmerged, the pocket",
        "precision": precision,
        "predictions": WINDOWS * WINDOW_TOKENS,
        "largest_difference": round(max((a - b).abs().max().item() for a, b in zip(apart, together, strict=True)), 6),
        "spread_of_logits": round(statistics.mean(a.std().item() for a in apart), 3),
        "same_first_choice": round(statistics.mean(same), 5),
    }


def held_out_windows():
    """Pieces of held-out code, (1, tokens)."""
    import torch

    codec = models.load("pocket").codec
    for name in ("networkx", "sqlalchemy", "fonttools"):
        for _, text in islice(targets.held_out_files(name), WINDOWS):
            ids = codec.encode(text)
            if len(ids) >= WINDOW_TOKENS:
                yield torch.tensor([ids[:WINDOW_TOKENS]])


def switching(folders: list[Path]) -> dict:
    """The pocket with two adapters in memory: what it takes to read one, and to answer with the other one each time."""
    model = models.load("pocket")
    started = time.perf_counter()
    adapted = [model.changed_by(model.read_adapter(folder), folder.name) for folder in folders]
    loading = (time.perf_counter() - started) / len(folders)
    completers = [Completer(one) for one in adapted]

    def ask(completer: Completer) -> None:
        completer.engine.forget()
        completer.complete(HERE, max_new_tokens=8)

    turns = cycle(completers)
    calls = {"the same each time": lambda: ask(completers[0]), "another each time": lambda: ask(next(turns))}
    times = interleaved(calls, TIMES)
    return {
        "what": "two adapters of the pocket, each merged into a graph of its own",
        "load_ms": round(1000 * loading, 1),
        "adapter_bytes": sum(4 * (pair.up.size + pair.down.size) for pair in model.read_adapter(folders[0]).values()),
        "answer_ms": times,
    }


def interleaved(calls: Mapping[str, Callable[[], object]], times: int) -> dict[str, float]:
    """The median milliseconds of each call; the calls take turns, so that a busy machine is as busy for all."""
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(times):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            taken[name].append(1000 * (time.perf_counter() - started))
    return {name: round(statistics.median(each), 2) for name, each in taken.items()}
