"""Names the machine that a measurement was made on, for the records in results/.

It knows processors and graphics cards; it does not know what is measured.
"""

import os
import platform
import re
from pathlib import Path


def describe(device: str = "cpu") -> str:
    """The processor (or the graphics card, for `cuda`) in words: name, cores, and bf16 arithmetic where it has it."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return in_words(cpuinfo(), os.cpu_count() or 1, platform.processor() or platform.machine())


def cpuinfo(file: Path = Path("/proc/cpuinfo")) -> str:
    """What Linux says about the processor; empty elsewhere."""
    return file.read_text() if file.exists() else ""


def in_words(info: str, cores: int, otherwise: str) -> str:
    """One phrase from the text of /proc/cpuinfo.

    >>> in_words("model name : AMD EPYC\\nflags : fpu avx512_bf16", 2, "x86_64")
    'AMD EPYC, 2 cores, bf16'
    >>> in_words("", 8, "arm")
    'arm, 8 cores'
    """
    name = re.search(r"^model name\s*: (.+)$", info, re.MULTILINE)
    bf16 = re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", info)
    return ", ".join([name[1] if name else otherwise, f"{cores} cores", *(["bf16"] if bf16 else [])])
