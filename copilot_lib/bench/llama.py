"""llama.cpp with the same weights, in its 8 bits, as its server runs it: keys and values kept from one request to the next.

It knows llama.cpp's calls; it does not know text, or how answers are timed.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy

from copilot_lib import models
from copilot_lib.bench import gguf_file
from copilot_lib.engine import common_prefix


class Llama:
    """A network of llama.cpp on one thread; what a prompt shares with the last one is not computed again."""

    def __init__(self, name: str, stack: ExitStack):
        import llama_cpp

        self._lib = llama_cpp
        self._silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self._silent, None)
        llama_cpp.llama_backend_init()
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "model.gguf"
        gguf_file.write(Path(models.folder_of(name)), file)
        model = llama_cpp.llama_model_load_from_file(str(file).encode(), llama_cpp.llama_model_default_params())
        stack.callback(llama_cpp.llama_model_free, model)
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = models.load(name).context_tokens
        settings.n_threads = settings.n_threads_batch = 1
        self._context = llama_cpp.llama_init_from_model(model, settings)
        stack.callback(llama_cpp.llama_free, self._context)
        self._vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        self._kept: list[int] = []

    def reuse(self, prompt: Sequence[int]) -> int:
        """Forgets what a prompt does not begin with; how many of its ids are known already."""
        shared = min(common_prefix(self._kept, prompt), len(prompt) - 1)
        self._lib.llama_memory_seq_rm(self._lib.llama_get_memory(self._context), 0, shared, -1)
        del self._kept[shared:]
        return shared

    def next(self, ids: Sequence[int]) -> int:
        """The likeliest id after those that are kept and these."""
        fed = (self._lib.llama_token * len(ids))(*ids)
        if self._lib.llama_decode(self._context, self._lib.llama_batch_get_one(fed, len(ids))):
            raise RuntimeError("llama.cpp could not compute these ids")
        self._kept += ids
        logits = self._lib.llama_get_logits_ith(self._context, -1)
        return int(numpy.ctypeslib.as_array(logits, (self._vocabulary,)).argmax())

    def write(self, prompt: Sequence[int], most: int) -> Iterator[int]:
        """Ids that follow a prompt of which `reuse` was told."""
        token = self.next(prompt[len(self._kept) :])
        for _ in range(most - 1):
            yield token
            token = self.next([token])
        yield token
