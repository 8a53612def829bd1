"""Other engines with the same weights, each at its best settings, behind one call.

It knows those engines; it does not know what they are asked or how they are timed.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from copilot_lib import models
from copilot_lib.bench.llama import Llama
from copilot_lib.codec import Codec
from copilot_lib.completer import Completer, Completion, first_stop
from copilot_lib.cursor import Cursor
from copilot_lib.memory import Memory

NEW_TOKENS = 32


@dataclass(frozen=True)
class Answer:
    """What an engine said, and what it took."""

    text: str
    first_ms: float
    """Until the first token was known; all of it for an engine that does not stream."""
    total_ms: float
    computed: int
    """Prompt tokens that went through the network."""
    remembered: bool = False


Ask = Callable[[Cursor], Answer]
Make = Callable[[str, ExitStack], Ask]


def ours(name: str, stack: ExitStack) -> Ask:
    """The completer with what is loaded by default."""
    return asking(Completer(models.load(name)))


def ours_in_float32(name: str, stack: ExitStack) -> Ask:
    return asking(Completer(models.load(name, precision="float32")))


def with_memory(name: str, stack: ExitStack) -> Ask:
    """What the server does: first it looks whether it knows the answer."""
    memory = Memory()
    completer = Completer(models.load(name))

    def ask(cursor: Cursor) -> Answer:
        started = time.perf_counter()
        found = memory.find(cursor, {})
        made = found or completer.complete(cursor, max_new_tokens=NEW_TOKENS)
        if not found:
            memory.keep(cursor, {}, made)
        return answer(made, (time.perf_counter() - started) * 1000, remembered=found is not None)

    return ask


def asking(completer: Completer) -> Ask:
    def ask(cursor: Cursor) -> Answer:
        started = time.perf_counter()
        made = completer.complete(cursor, max_new_tokens=NEW_TOKENS)
        return answer(made, (time.perf_counter() - started) * 1000)

    return ask


def answer(made: Completion, took_ms: float, remembered: bool = False) -> Answer:
    first_ms = took_ms - made.times_ms["decode"] - made.times_ms["postprocess"]
    return Answer(made.text, first_ms, took_ms, made.prompt_tokens - made.reused_tokens, remembered)


def generate(name: str, stack: ExitStack) -> Ask:
    """The article's way: one call of transformers' `generate` for every request, nothing reused."""
    import torch

    model = models.load(name, precision="float32")
    completer, stop = Completer(model), sorted(model.codec.stop_ids)

    def ask(cursor: Cursor) -> Answer:
        started = time.perf_counter()
        prompt = completer.prompt(cursor, NEW_TOKENS)
        ids = torch.tensor([prompt.ids], device=model.network.device)
        options = {"do_sample": False, "eos_token_id": stop, "pad_token_id": stop[0]}
        written = model.network.generate(ids, max_new_tokens=NEW_TOKENS, **options)[0, len(prompt.ids) :].tolist()
        text = model.codec.decode([token for token in written if token not in stop])
        took = (time.perf_counter() - started) * 1000
        return Answer(text, took, took, len(prompt.ids))

    return ask


def ctranslate2(name: str, stack: ExitStack) -> Ask:
    """CTranslate2 in 8 bits, on one thread. It keeps no keys and values from one request to the next."""
    from ctranslate2 import Generator
    from ctranslate2.converters import TransformersConverter

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "model"
    TransformersConverter(models.folder_of(name)).convert(str(folder), quantization="int8")
    config = json.loads((folder / "config.json").read_text())
    config |= {key: "<|endoftext|>" for key, value in config.items() if key.endswith("_token") and value is None}
    (folder / "config.json").write_text(json.dumps(config))  # null, which the converter wrote, is no token
    generator = Generator(str(folder), device="cpu", inter_threads=1, intra_threads=1, compute_type="int8")
    model = models.load(name)
    completer, codec = Completer(model), model.codec
    spelled = {id: token for token, id in codec.tokenizer.get_vocab().items()}
    stop = [spelled[id] for id in sorted(codec.stop_ids)]

    def ask(cursor: Cursor) -> Answer:
        started = time.perf_counter()
        prompt = completer.prompt(cursor, NEW_TOKENS)
        steps = generator.generate_tokens([spelled[id] for id in prompt.ids], max_length=NEW_TOKENS, end_token=stop)
        return streamed(started, (step.token_id for step in steps), cursor, codec, len(prompt.ids))

    return ask


def llama_cpp(name: str, stack: ExitStack) -> Ask:
    """llama.cpp in 8 bits (q8_0), on one thread, which keeps keys and values; asked suffix first, as all of ours are."""
    network, model = Llama(name, stack), models.load(name)
    completer = Completer(model)

    def ask(cursor: Cursor) -> Answer:
        started = time.perf_counter()
        prompt = completer.prompt(cursor, NEW_TOKENS)
        computed = len(prompt.ids) - network.reuse(prompt.ids)
        return streamed(started, network.write(prompt.ids, NEW_TOKENS), cursor, model.codec, computed)

    return ask


def streamed(started: float, ids: Iterable[int], cursor: Cursor, codec: Codec, computed: int) -> Answer:
    """The answer of an engine that gives one id after the other. It may use our rules, which end a text sooner."""
    first_ms, written = 0.0, []
    for id in ids:
        first_ms = first_ms or (time.perf_counter() - started) * 1000
        if id in codec.stop_ids:
            break
        written.append(id)
        if first_stop(codec.decode(written), cursor):
            break
    took_ms = (time.perf_counter() - started) * 1000
    return Answer(codec.decode(written), first_ms or took_ms, took_ms, computed)


OURS: dict[str, Make] = {
    "generate of transformers": generate,
    "ours in float32": ours_in_float32,
    "ours in 8 bits": ours,
    "ours, with its memory": with_memory,
}
OTHERS: dict[str, tuple[Make, dict[str, str]]] = {
    "CTranslate2 in 8 bits": (ctranslate2, {"ctranslate2": "ctranslate2"}),
    "llama.cpp in 8 bits": (llama_cpp, {"llama_cpp": "llama-cpp-python", "gguf": "gguf"}),
}
"""Engines that need other packages: what they are imported as, and what pip calls them."""
ENGINES = OURS | {name: make for name, (make, needs) in OTHERS.items() if all(map(find_spec, needs))}
"""Each makes, for a model's name, something to ask."""
MISSING = [f"{name} (pip install {' '.join(needs.values())})" for name, (_, needs) in OTHERS.items() if name not in ENGINES]
