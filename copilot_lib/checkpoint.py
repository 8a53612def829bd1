"""Keeps the state of a training run in files that a kill cannot break, and refuses to go on from those of another run.

It knows files and what a run says about itself; it does not know what a state is made of.
"""

import hashlib
import json
import os
from collections.abc import Callable
from glob import escape
from pathlib import Path

NAME, COOLING = "checkpoint.pt", "cooling.pt"


def write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Writes beside the file and renames: at any moment the file is absent, old, or new, and never half.

    Of several processes that write it at once, the last one's stays.
    """
    for left in file.parent.glob(f".{escape(file.name)}.*.new"):
        process = left.name.split(".")[-2]
        if process.isdecimal() and not is_running(int(process)):
            left.unlink(missing_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        write(unfinished)
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether there is a process of that number, whoever's it is."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def write_json(file: Path, data: object) -> None:
    """Writes JSON for a person to read, whole."""
    write_whole(file, lambda unfinished: unfinished.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8"))


def fingerprint(corpus: Path) -> str:
    """Tells one corpus from another."""
    with corpus.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def save(folder: Path, state: dict, about: dict, name: str = NAME) -> None:
    """Writes a state with what it is a state of: recipe and corpus, of a cool-down (`COOLING`) also its steps."""
    import torch

    write_whole(folder / name, lambda file: torch.save({"about": about, "state": state}, file))


def load_cooling(folder: Path, about: dict, device: str) -> dict | None:
    """The state of a cool-down that was broken off; None if there is none, or it is of another."""
    import torch

    if not (folder / COOLING).exists():
        return None
    saved = torch.load(folder / COOLING, map_location=device, weights_only=True)
    return saved["state"] if saved["about"] == about else None


def load(folder: Path, about: dict, device: str) -> dict:
    """The last state; `ValueError` if there is none, or it is of a run with another recipe or corpus."""
    import torch

    if not (folder / NAME).exists():
        raise ValueError(f"{folder} has no {NAME} to go on from: leave --resume out to begin")
    saved = torch.load(folder / NAME, map_location=device, weights_only=True)
    differing = sorted(key for key in about if saved["about"].get(key) != about[key])
    if differing:
        changes = ", ".join(f"{key} was {saved['about'].get(key)} and is {about[key]}" for key in differing)
        raise ValueError(f"{folder / NAME} is of another run ({changes}): use the same, or another folder")
    return saved["state"]


def refuse_to_begin(folder: Path) -> None:
    """`ValueError` where a new run would write over an old one."""
    if (folder / NAME).exists():
        raise ValueError(f"{folder} holds a run: go on with --resume, or name another --folder to begin a new one")


def keep_rows_until(step: int, curve: Path) -> None:
    """Drops from a curve what was written after the checkpoint that training goes on from: those steps are made again."""
    rows = curve.read_text().splitlines(keepends=True) if curve.exists() else []
    write_whole(curve, lambda file: file.write_text("".join(row for row in rows if json.loads(row)["step"] <= step)))
