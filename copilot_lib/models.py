"""Loads a completion model by name; the only file that knows how transformers loads.

It knows names, folders, devices and dtypes; it does not know prompts or decoding.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot_lib.fim import Codec

POCKET = Path(__file__).parent / "pocket"
FILES = ["*.safetensors", "*.json", "merges.txt", "vocab.txt", "tokenizer.model"]
"""What is ever fetched from a hub: no pickles, no code."""

SMALL = 30_000_000
"""Parameters below which a CPU runs a network on one thread: several wait for each other longer than they work."""
ALLOWED = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
CORES = int(ALLOWED) if ALLOWED.isdecimal() and int(ALLOWED) else os.cpu_count() or 1


class ModelNotAvailable(ValueError):
    """The model cannot be had; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Model:
    """A network ready to run, and its way between text and ids."""

    name: str
    network: Any
    codec: Codec
    device: str

    @property
    def context_tokens(self) -> int:
        """How many tokens prompt and completion may have together."""
        return self.network.config.max_position_embeddings

    @property
    def parameters(self) -> int:
        """How many numbers the network has."""
        return self.network.num_parameters()


def default_name() -> str:
    """The environment's `COPILOT_MODEL`, or `pocket`."""
    return os.environ.get("COPILOT_MODEL") or "pocket"


def best_device() -> str:
    """`cuda` if there is one, else `mps`, else `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def folder_of(name: str) -> str:
    """Where a model's files are: the package's own for `pocket`, else the name itself (a folder or a hub id)."""
    return str(POCKET) if name == "pocket" else name


def load(name_or_path: str | None = None, device: str | None = None) -> Model:
    """Loads `pocket` (default; ships with the package), a local folder, or a hub id such as `bigcode/tiny_starcoder_py`.

    Float32 on a CPU and on Apple's GPUs, 16 bits on CUDA (bfloat16 where the card has it). Safetensors only, no remote code.
    Raises `ModelNotAvailable` when the model cannot be had or is not one that completes code.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    name = name_or_path or default_name()
    device = device or best_device()
    half = torch.bfloat16 if device == "cuda" and torch.cuda.is_bf16_supported() else torch.float16
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tokenizer = AutoTokenizer.from_pretrained(folder_of(name), trust_remote_code=False)
            network = AutoModelForCausalLM.from_pretrained(
                folder_of(name),
                dtype=half if device == "cuda" else torch.float32,
                attn_implementation="sdpa",
                use_safetensors=True,
                trust_remote_code=False,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelNotAvailable(why_not(name, error)) from error
    try:
        codec = Codec(tokenizer.backend_tokenizer)
    except ValueError as error:
        raise ModelNotAvailable(f"{name} cannot fill in the middle: {error}") from error
    if device == "cpu":
        torch.set_num_threads(1 if network.num_parameters() < SMALL else CORES)
    try:
        network.to(device)
    except (AssertionError, RuntimeError) as error:  # the first where torch was built without that kind of device
        first = str(error).strip().split("\n")[0]
        raise ModelNotAvailable(
            f"{name} cannot be moved to the device {device} ({first}): free memory there, or load it with device='cpu'"
        ) from error
    return Model(name, network.eval(), codec, device)


def why_not(name: str, error: Exception) -> str:
    """One sentence for a failed load: what was asked for, what is wrong, what to do."""
    advice = "use the model that ships with the project (COPILOT_MODEL=pocket)"
    if name == "pocket":
        return f"the pocket model's files are missing or damaged in {POCKET}: install the package again"
    first = str(error).strip().split("\n")[0]
    if Path(name).is_dir():
        return f"{name} is a folder without a model that can be loaded ({first}): expected config, tokenizer and safetensors"
    if "/" not in name or name.startswith((".", "/", "~")) or name.count("/") > 1:
        return f"{name} is neither a folder nor a hub id such as bigcode/tiny_starcoder_py: check the spelling, or {advice}"
    return (
        f"{name} could not be loaded ({first}): {advice}, "
        f"or fetch it where there is a network with `python -m copilot_lib prefetch {name}`"
    )


def prefetch(name: str) -> str:
    """Downloads a hub model into the local cache and returns its folder, so that later loads need no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return snapshot_download(name, allow_patterns=FILES)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelNotAvailable(
            f"{name} could not be fetched: check the name and the network, or use the model that ships with the project"
        ) from error
