"""Measures how well a network predicts text that it has never seen: bits per byte, left to right.

It knows networks and installed distributions; it does not know completions or cursors.
"""

import hashlib
import lzma
import math
from importlib import metadata
from pathlib import Path

from copilot_lib.corpus import HELD_OUT, MAX_BYTES

SAMPLE_BYTES = 150_000


def held_out_text(distribution: str, size: int = SAMPLE_BYTES) -> str:
    """About `size` bytes of a distribution's own modules (no tests), whole files, chosen by the hash of their paths."""
    files = [f for f in metadata.distribution(distribution).files or () if f.suffix == ".py" and "tests" not in f.parts]
    text = ""
    for file in sorted(files, key=lambda f: hashlib.sha1(str(f).encode()).digest()):
        source = Path(str(file.locate())).read_text(encoding="utf-8")
        if 500 < len(source) < MAX_BYTES and len(text) < size:
            text += source
    return text


def bits_per_byte(model, text: str) -> float:
    """The mean information of a byte of `text` under the model, over windows that overlap by half: every token but those
    of the first window is predicted from at least half a context. Comparable between tokenizers, unlike a token's loss.
    """
    import torch

    ids = model.codec.encode(text)
    window = min(model.context_tokens, 1024)
    bits = 0.0
    with torch.inference_mode():
        for start in range(0, max(1, len(ids) - window // 2), window // 2):
            piece = torch.tensor([ids[start : start + window]], device=model.network.device)
            log_probabilities = model.network(piece).logits[0, :-1].float().log_softmax(-1)
            told = log_probabilities.gather(1, piece[0, 1:, None])[:, 0]
            new = told if start == 0 else told[window // 2 - 1 :]
            bits -= new.sum().item() / math.log(2)
    return bits / len(text.encode())


def table(model) -> list[dict]:
    """One row for each held-out distribution, with what xz needs for the same text as a yardstick."""
    rows = []
    for name in sorted(HELD_OUT):
        text = held_out_text(name)
        size = len(text.encode())
        compressed = len(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        row = {"distribution": name, "version": metadata.version(name), "bytes": size}
        rows.append(row | {"bits_per_byte": round(bits_per_byte(model, text), 4), "xz": round(8 * compressed / size, 4)})
    return rows
