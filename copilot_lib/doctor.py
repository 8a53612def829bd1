"""Looks at this machine and says, a line each, what is there and what to do where something is not.

It knows versions, memory and one timed completion; it does not mend anything.
"""

import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata

PACKAGES = (
    "onnxruntime",
    "torch",
    "transformers",
    "tokenizers",
    "anywidget",
    "jupyterlab",
    "jupytext",
    "peft",
    "trl",
    "datasets",
    "nbval",
)


def checks(model_name: str | None = None) -> Iterator[str]:
    """One line for each check, as soon as it is known."""
    python = platform.python_version()
    enough = sys.version_info >= (3, 11)
    yield line(enough, f"Python {python}", "install Python 3.11 or newer and make the environment again")
    for name in PACKAGES:
        try:
            yield line(True, f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            yield line(False, f"{name} is missing", "`make lab` installs the tested set")
    free = free_memory_gb()
    if free is not None:
        yield line(
            free >= 2, f"{free:.1f} GB of memory free", "close other programs: the pocket model wants 2 GB with room to spare"
        )
    yield from model_checks(model_name)


def model_checks(model_name: str | None) -> Iterator[str]:
    """Whether the model loads, what it is, and how fast it completes here."""
    try:
        from copilot_lib.completer import Completer
        from copilot_lib.samples import EXAMPLES

        completer = Completer.load(model_name)
    except (ImportError, ValueError) as error:
        yield line(False, str(error))
        return
    model = completer.model
    size, format = f"{model.parameters / 1e6:.1f} million parameters", model.codec.format.name
    yield line(True, f"model {model.name}: {size}, {model.context_tokens} tokens, format {format}")
    yield line(True, f"device {model.device}")
    cursor = EXAMPLES["binary_search"]
    try:
        completer.complete(cursor)
        completer.engine.forget()
        completion = completer.complete(cursor)
    except FloatingPointError as error:
        yield line(False, str(error), "get its files again")
        return
    total = completion.times_ms["total"]
    yield line(total < 2000, f"one completion in {total:.0f} ms", "choose a smaller model, or a machine with a GPU")


def line(fine: bool, what: str, advice: str = "") -> str:
    """
    >>> line(False, "3.9", "get a newer one")
    'fix  3.9: get a newer one'
    """
    return f"ok   {what}" if fine else f"fix  {what}" + (f": {advice}" if advice else "")


def free_memory_gb() -> float | None:
    """Memory that a new program could have, or None where the system does not say."""
    try:
        with open("/proc/meminfo") as info:
            available = next(row for row in info if row.startswith("MemAvailable"))
        return int(available.split()[1]) / 1e6
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (ValueError, OSError, AttributeError):
        return None
