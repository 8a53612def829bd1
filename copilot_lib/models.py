"""Loads a completion model by name, and finds what runs it; the only file that knows how transformers loads.

It knows names, folders, devices and dtypes; it does not know prompts or decoding.
"""

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from copilot_lib import lora, onnx_runner, weights
from copilot_lib.adapter_files import AdapterRefused, refusing
from copilot_lib.codec import Codec
from copilot_lib.onnx_runner import OnnxRunner
from copilot_lib.runner import Runner, Running, TorchRunner, nothing
from copilot_lib.slots import Slots

POCKET = Path(__file__).parent / "pocket"
FILES = ["*.safetensors", "*.json", "merges.txt", "vocab.txt", "tokenizer.model"]
"""What is ever fetched from a hub: no pickles, no code."""

PRECISIONS = ("float32", "int8")
SMALL = 30_000_000
"""Parameters below which a CPU runs a network on one thread: several wait for each other longer than they work."""
HUB_TIMEOUT_S = 10
ALLOWED = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
CORES = int(ALLOWED) if ALLOWED.isdecimal() and int(ALLOWED) else os.cpu_count() or 1


class ModelNotAvailable(ValueError):
    """The model cannot be had; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Model:
    """A model ready to run, and its way between text and ids."""

    name: str
    codec: Codec
    device: str
    parameters: int
    """How many numbers the network has."""
    runner: Callable[[], Runner]
    """Makes a runner, with nothing kept yet."""
    load_network: Callable[[], Any]
    shapes: Callable[[], dict[str, tuple[int, int]]]
    """(out, in) of each layer that an adapter may change."""
    adapt: Callable[[lora.Adapter], Running]
    """Runs it with an adapter that was checked: see `changed_by`."""
    release: Callable[[], None] = nothing
    """Gives back what an adapter takes; for a model without one, nothing."""

    @cached_property
    def context_tokens(self) -> int:
        """How many tokens prompt and completion may have together."""
        return self.runner().context_tokens

    @cached_property
    def network(self) -> Any:
        """The model as transformers knows it. A small one completes without it, so it is loaded when first asked for."""
        return self.load_network()

    @cached_property
    def base(self) -> lora.Base:
        """What adapters are checked against."""
        return lora.Base(fingerprint(self.name), self.shapes())

    def read_adapter(self, folder: Path, scale: float = 1.0) -> lora.Adapter:
        """The adapter in a folder, checked against this model; `AdapterRefused` where it cannot be used with it.

        `scale` makes the change weaker or stronger than it was trained.
        """
        with refusing(folder.name):
            return lora.scaled(lora.read(folder, self.base), scale)

    def changed_by(self, adapter: lora.Adapter, name: str) -> "Model":
        """The model as an adapter changes it, while it stays what it is itself. `release` gives back what that takes."""
        with refusing(name):
            running = self.adapt(adapter)
        network = partial(merged_network, self.name, self.device, adapter)
        name = f"{self.name}:{name}"
        return replace(self, name=name, runner=running.runner, release=running.release, load_network=network)


def default_name() -> str:
    """The environment's `COPILOT_MODEL`, or `pocket`."""
    return os.environ.get("COPILOT_MODEL") or "pocket"


def runs_on_its_own(name: str) -> bool:
    """Whether a model runs by onnxruntime on the CPU: at its size a GPU would wait for it longer than it works."""
    return onnx_runner.can_run(Path(folder_of(name)), SMALL)


def device_of(name: str) -> str:
    """Where a model runs if nobody says otherwise."""
    return "cpu" if runs_on_its_own(name) else best_device()


def best_device() -> str:
    """`cuda` if there is one, else `mps`, else `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def folder_of(name: str) -> str:
    """Where a model's files are: the package's own for `pocket`, else the name itself (a folder or a hub id)."""
    return str(POCKET) if name == "pocket" else name


def fingerprint(name: str) -> str:
    """Whose weights a model's are: what an adapter carries, to be refused by every other model (`weights.fingerprint`)."""
    files = weights.files_of(folder_on_disk(name))
    if not files:
        raise ModelNotAvailable(f"{name} has no model.safetensors on this machine, so that adapters cannot be told to fit it")
    return weights.fingerprint(files)


def folder_on_disk(name: str) -> Path:
    """The folder of a model's files: of a hub model the one in the local cache, once it was fetched."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    folder = Path(folder_of(name))
    if folder.is_dir():
        return folder
    try:
        config = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return folder
    return Path(config).parent if isinstance(config, str) else folder


def load(name_or_path: str | None = None, device: str | None = None, precision: str | None = None) -> Model:
    """Loads `pocket` (default; ships with the package), a local folder, or a hub id such as `bigcode/tiny_starcoder_py`.

    Where it is small and a GPTBigCode checkpoint it runs by onnxruntime, unless a device is named; others run by transformers
    on `best_device()`. Raises `ModelNotAvailable` when the model cannot be had or does not complete code.

    `precision` is that of onnxruntime: `float32`, or `int8`, which is faster and answers as well, but may answer otherwise on
    another processor, or after other requests. `COPILOT_PRECISION` sets the default; else it is that of the exported file
    beside the weights (`python -m copilot_lib export`), or float32 where there is none.
    """
    precision = precision or os.environ.get("COPILOT_PRECISION") or None
    if precision not in (None, *PRECISIONS):
        raise ModelNotAvailable(f"the precision is {precision!r}: expected {' or '.join(PRECISIONS)}")
    name = name_or_path or default_name()
    folder = Path(folder_of(name))
    if device is None and runs_on_its_own(name):
        try:
            opened = onnx_runner.Opened(folder, precision)
            codec = codec_of(name, Tokenizer.from_file(str(folder / "tokenizer.json")))
        except ModelNotAvailable:
            raise
        except Exception as error:  # safetensors, tokenizers and onnxruntime have no common kind
            raise ModelNotAvailable(why_not(name, error)) from error
        return Model(
            name,
            codec,
            "cpu",
            opened.parameters,
            partial(OnnxRunner, opened),
            lambda: load_network(name, "cpu")[0],
            lambda: weights.linear_shapes(weights.read_weights(folder / "model.safetensors")),
            partial(onnx_runner.adapt, folder, opened.precision),
        )
    network, tokenizer = load_network(name, device or best_device())
    return of_network(name, network, tokenizer.backend_tokenizer)


def of_network(name: str, network, tokenizer: Tokenizer) -> Model:
    """A transformers network that is in memory, as a model; the tokenizer is one of the tokenizers library."""
    codec = codec_of(name, tokenizer)
    slots = Slots(network)
    return Model(
        name,
        codec,
        network.device.type,
        network.num_parameters(),
        partial(TorchRunner, network, slots.use),
        lambda: network,
        slots.shapes,
        slots.adapt,
    )


def merged_network(name: str, device: str, adapter: lora.Adapter):
    """A transformers network of its own that answers as base and adapter do together; `AdapterRefused` where it could not."""
    import torch

    network, _ = load_network(name, device)
    with torch.no_grad():
        for layer, pair in adapter.items():
            weight = network.get_submodule(layer).weight
            weight.copy_(weight.float() + torch.from_numpy(pair.change()).to(weight.device))
            if not torch.isfinite(weight).all():
                raise AdapterRefused(f"the weights of {layer} with it are no numbers: its own are too large")
    return network


def load_network(name: str, device: str):
    """A transformers network and its tokenizer. Safetensors only, no remote code.

    Float32 on a CPU and on Apple's GPUs, 16 bits on CUDA (bfloat16 where the card has it).
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    half = torch.bfloat16 if device == "cuda" and torch.cuda.is_bf16_supported() else torch.float16
    logging.disable_progress_bar()
    local = Path(folder_of(name)).is_dir() or hub_is_out_of_reach(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tokenizer = AutoTokenizer.from_pretrained(folder_of(name), trust_remote_code=False, local_files_only=local)
            network = AutoModelForCausalLM.from_pretrained(
                folder_of(name),
                dtype=half if device == "cuda" else torch.float32,
                attn_implementation="sdpa",
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=local,
            )
    except Exception as error:  # whatever is wrong with files that others wrote: transformers has no common kind
        raise ModelNotAvailable(why_not(name, error)) from error
    if device == "cpu":
        torch.set_num_threads(1 if network.num_parameters() < SMALL else CORES)
    try:
        network.to(device)
    except (AssertionError, RuntimeError) as error:  # the first where torch was built without that kind of device
        first = str(error).strip().split("\n")[0]
        raise ModelNotAvailable(
            f"{name} cannot be moved to the device {device} ({first}): free memory there, or load it with device='cpu'"
        ) from error
    return network.eval(), tokenizer


def hub_is_out_of_reach(name: str) -> bool:
    """Whether the hub cannot be asked about a model now, so that the local cache is all there is.

    The hub's own loading would ask five times, with a warning and a longer wait each time.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json"), timeout=HUB_TIMEOUT_S)
    except (HfHubHTTPError, ValueError):  # the hub has answered, or the name is none that it could be asked about
        return False
    except Exception:  # the hub's client changes its HTTP library between versions, and with it the kind of error
        return True
    return False


def codec(name: str) -> tuple[Codec, int]:
    """The codec of a model that runs elsewhere, and its context in tokens: of `pocket`, a folder or a hub id."""
    from transformers import AutoConfig, AutoTokenizer

    local = Path(folder_of(name)).is_dir() or hub_is_out_of_reach(name)
    try:
        options = {"trust_remote_code": False, "local_files_only": local}
        tokenizer = AutoTokenizer.from_pretrained(folder_of(name), **options)
        context_tokens = AutoConfig.from_pretrained(folder_of(name), **options).max_position_embeddings
    except Exception as error:  # as in load_network
        raise ModelNotAvailable(why_not(name, error)) from error
    return codec_of(name, tokenizer.backend_tokenizer), context_tokens


def codec_of(name: str, tokenizer: Tokenizer) -> Codec:
    """The codec of a model's tokenizer; `ModelNotAvailable` if it knows no sentinels."""
    try:
        return Codec(tokenizer)
    except ValueError as error:
        raise ModelNotAvailable(f"{name} cannot fill in the middle: {error}") from error


def why_not(name: str, error: Exception) -> str:
    """One sentence for a failed load: what was asked for, what is wrong, what to do."""
    advice = "use the model that ships with the project (COPILOT_MODEL=pocket)"
    if name == "pocket":
        return f"the pocket model's files are missing or damaged in {POCKET}: install the package again"
    first = str(error).strip().split("\n")[0]
    if Path(name).is_dir():
        missing = [file for file in ("config.json", "tokenizer.json", "*.safetensors") if not any(Path(name).glob(file))]
        why = f"there is no {', no '.join(missing)}" if missing else first
        return f"{name} is a folder without a model that can be loaded ({why}): expected config, tokenizer and safetensors"
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
        return snapshot_download(name, allow_patterns=FILES, local_files_only=hub_is_out_of_reach(name))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelNotAvailable(
            f"{name} could not be fetched: check the name and the network, or use the model that ships with the project"
        ) from error
