"""Turns pieces of code into vectors: by a sentence-transformers model, or by the hidden states of a completion model.

It knows models and texts; it does not know files, or how vectors are compared.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy

from copilot_lib.models import Model

MOST_TOKENS = 128
"""Of a text; what is longer is cut. A piece has ten lines at most, and few have more."""
BATCH = 32


@dataclass(frozen=True)
class Embedder:
    """A way to make vectors; two with one name make the same."""

    name: str
    vectors: Callable[[Sequence[str]], numpy.ndarray]
    """One row of float32 for each text."""


def hidden_states(model: Model) -> Embedder:
    """The mean of a completion model's hidden states, in the middle of its layers, over the tokens of a text.

    Weak, since nothing in its training asks that texts of one meaning be near each other; but it is there without a network.
    The name says how many parameters the model has, so that another model of the same name is noticed.
    """
    import torch

    def vectors(texts: Sequence[str]) -> numpy.ndarray:
        encoded = [model.codec.encode(text)[-MOST_TOKENS:] or [0] for text in texts]
        made = numpy.empty((len(texts), model.network.config.hidden_size), dtype=numpy.float32)
        by_length = sorted(range(len(texts)), key=lambda n: len(encoded[n]))  # so that little of a batch is padding
        for start in range(0, len(texts), BATCH):
            batch = by_length[start : start + BATCH]
            longest = len(encoded[batch[-1]])
            ids = torch.tensor([encoded[n] + [0] * (longest - len(encoded[n])) for n in batch], device=model.network.device)
            real = torch.tensor([[n < len(encoded[one]) for n in range(longest)] for one in batch], device=ids.device)
            with torch.inference_mode():
                states = model.network.base_model(ids, attention_mask=real.long(), output_hidden_states=True).hidden_states
            middle = states[len(states) // 2].float() * real[..., None]
            made[batch] = (middle.sum(1) / real.sum(1, keepdim=True)).cpu().numpy()
        return made

    return Embedder(f"hidden states of {model.name} ({model.parameters})", vectors)


def sentence_model(name: str) -> Embedder:
    """A sentence-transformers model: a folder, or a hub id that is in the local cache or can be fetched; never remote code.

    Raises `ValueError` where the library or the model is not to be had.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ValueError(f"{name} needs the library sentence-transformers: pip install sentence-transformers") from error
    folder = Path(name).is_dir()
    try:
        loaded = SentenceTransformer(
            name, trust_remote_code=False, local_files_only=folder or bool(os.environ.get("HF_HUB_OFFLINE"))
        )
    except Exception as error:  # whatever is wrong with files that others wrote: there is no common kind
        first = str(error).strip().split("\n")[0]
        raise ValueError(
            f"{name} could not be loaded as a sentence-transformers model ({first}): expected a folder or a hub id"
        ) from error

    def vectors(texts: Sequence[str]) -> numpy.ndarray:
        return loaded.encode(list(texts), batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False).astype(
            numpy.float32
        )

    return Embedder(Path(name).name if folder else name, vectors)
