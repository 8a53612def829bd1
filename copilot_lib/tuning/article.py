r"""The plain recipe for training data, as the article that this book follows writes it: what ours is measured against.

It knows texts, chance and one spelling of sentinels; it does not know tokens, budgets or ends. What it does is kept as it was:
every gap is whole lines, asked for from the beginning of a line; the gaps are cut once and for all; files are whole however
long; nothing says where an answer ends; a file's own `<fim_middle>` is a sentinel; and behind a gap at the end of a file there
is a newline that the file has not. The other two newlines at `<fim_suffix>` are those that splitting into lines took away.
"""

import os
import random
from collections.abc import Iterable
from pathlib import Path

SKIPPED = frozenset((".git", "__pycache__", "node_modules", ".venv", "venv", ".tox", "build", "dist", ".eggs", "*.egg-info"))
"""The last is a pattern that no folder has for a name."""
LEAST_BYTES, MOST_BYTES = 50, 50_000
LEAST_LINES = 5
PLACES, MOST_LINES = 3, 5
MARKS = ("auto-generated", "do not edit")
MAX_TOKENS = 1024
"""What trl cuts examples to: their ends go, and with them the middle."""


def collect_files(root: Path) -> list[Path]:
    """Python files by size, in the folders that are not skipped by name."""
    found = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in SKIPPED and not name.startswith(".")]
        files = [Path(folder, name) for name in names if name.endswith(".py")]
        found += [file for file in files if LEAST_BYTES <= file.stat().st_size <= MOST_BYTES]
    return found


def read_and_filter(file: Path) -> str | None:
    """A file's text; None where its first line says that it was generated, or hardly a line is code."""
    text = file.read_text(encoding="utf-8", errors="ignore")
    lines = text.split("\n")
    code = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    if len(code) < LEAST_LINES or any(mark in lines[0].lower() for mark in MARKS):
        return None
    return text


def create_fim_examples(text: str, chance: random.Random, places: int = PLACES) -> list[str]:
    r"""Up to so many examples of one file, each the whole file as one text with one to five of its lines moved to the end.

    >>> create_fim_examples("a\nb\nc\nd\ne", random.Random(1), places=1)
    ['<fim_prefix>a\n<fim_suffix>\nc\nd\ne<fim_middle>b']
    """
    lines = text.split("\n")
    made = []
    for _ in range(places if len(lines) >= LEAST_LINES else 0):
        start = chance.randint(1, max(1, len(lines) - 3))
        end = start + chance.randint(1, min(MOST_LINES, len(lines) - start))
        prefix, middle, suffix = ("\n".join(part) for part in (lines[:start], lines[start:end], lines[end:]))
        if middle.strip():
            made.append(f"<fim_prefix>{prefix}\n<fim_suffix>\n{suffix}<fim_middle>{middle}")
    return made


def dataset(files: Iterable[Path], seed: int = 0) -> list[str]:
    """All examples of some files, shuffled: every epoch is the same."""
    chance = random.Random(seed)
    texts = [text for file in files if (text := read_and_filter(file)) is not None]
    made = [example for text in texts for example in create_fim_examples(text, chance)]
    chance.shuffle(made)
    return made
