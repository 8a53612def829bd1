"""Reads the files of an adapter's folder, which anybody may have written: plain files of a sensible size, and nothing is run.

It knows files, JSON and safetensors; it does not know what an adapter's numbers mean.
"""

import json
import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import numpy

from copilot_lib import weights

CONFIG, TENSORS, ABOUT = "adapter_config.json", "adapter_model.safetensors", "adapter.json"
"""Two files of peft's, and ours, which says what the adapter is and for whose weights it was made."""
PICKLED = ("adapter_model.bin", "adapter_model.pt", "adapter_model.pth")
FORMAT = 1
OBJECTS = {"repository", "material", "settings", "training", "feedback", "combined"}
"""What may be noted of an adapter beside its base, each with names and values of its own."""
TRIES, BETWEEN_RENAMES_S = 3, 0.005
"""A folder that is not there may be one whose newer version is just getting its name."""
Found = TypeVar("Found")
MOST_JSON_BYTES = 1_000_000
MISSING = "there is no {}: expected " + f"{CONFIG}, {TENSORS} and {ABOUT}, as `python -m copilot_lib finetune` leaves them"


class AdapterRefused(ValueError):
    """An adapter cannot be used; the message is one sentence that says why, and what to do."""


class Replaced(AdapterRefused):
    """What was being read is no longer there, because a newer version took its place."""


@contextmanager
def refusing(name: str):
    """Puts the adapter's name before whatever refuses it."""
    try:
        yield
    except AdapterRefused as error:
        raise AdapterRefused(f"the adapter {name} is refused: {error}") from error


class Folder:
    """An open folder: what is read of it is of one moment, also while another version takes its place under its name."""

    def __init__(self, path: Path):
        self._path = path
        for tries_left in reversed(range(TRIES)):
            try:
                self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                return
            except OSError as error:
                if isinstance(error, FileNotFoundError) and tries_left:
                    time.sleep(BETWEEN_RENAMES_S)
                    continue
                why = "is a link" if path.is_symlink() else (error.strerror or str(error)).lower()
                raise AdapterRefused(f"its folder {path} cannot be opened ({why})") from None

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *error) -> None:
        os.close(self._handle)

    def names(self) -> set[str]:
        """What lies in it."""
        return set(os.listdir(self._handle))

    def read(self, name: str, most_bytes: int) -> bytes:
        """A file's bytes. Links are not followed, since they could lead anywhere; a pipe or a device would never end."""
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._handle)
        except FileNotFoundError:
            raise AdapterRefused(MISSING.format(name)) if self._is_here() else Replaced("it was replaced or removed") from None
        except OSError as error:
            raise AdapterRefused(f"{name} is a link, or cannot be read ({error.strerror}): put the file itself there") from None
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise AdapterRefused(f"{name} is not a plain file: put the file itself there")
            if found.st_size > most_bytes:
                size, most = found.st_size / 1e6, most_bytes / 1e6
                raise AdapterRefused(f"{name} has {size:,.1f} MB, and at most {most:,.1f} MB make sense for this model")
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read(most_bytes)
        finally:
            os.close(handle)

    def _is_here(self) -> bool:
        """Whether the folder has its name still."""
        try:
            return os.path.samestat(os.stat(self._path, follow_symlinks=False), os.fstat(self._handle))
        except OSError:
            return False

    def json(self, name: str) -> dict:
        """A JSON object."""
        data = self.read(name, MOST_JSON_BYTES)
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise AdapterRefused(f"{name} is damaged: expected JSON ({str(error)[:80]!r})") from None
        if not isinstance(found, dict):
            raise AdapterRefused(f"{name} holds no JSON object: expected names and values")
        return found

    def about(self) -> dict:
        """Our own file, as far as it must be as we write it."""
        found = self.json(ABOUT)
        if found.get("format") != FORMAT:
            raise AdapterRefused(f"{ABOUT} has format {str(found.get('format'))[:20]!r}: this version reads format {FORMAT}")
        base = found.get("base")
        if not (isinstance(base, dict) and isinstance(base.get("fingerprint"), str) and isinstance(base.get("name"), str)):
            raise AdapterRefused(f"{ABOUT} does not say for which model it was made: expected base.name and base.fingerprint")
        for name in OBJECTS & found.keys():
            if not isinstance(found[name], dict):
                raise AdapterRefused(f"{ABOUT} has a {name!r} that is no JSON object: expected names and values")
        return found

    def tensors(self, most_bytes: int) -> Mapping[str, numpy.ndarray]:
        """The arrays of the safetensors file, float32."""
        names = self.names()
        if TENSORS not in names and (pickled := names & set(PICKLED)):
            raise AdapterRefused(f"{min(pickled)} is pickled, and could run anything when it is loaded: save it as safetensors")
        data = self.read(TENSORS, most_bytes)
        try:
            return weights.arrays(data)
        except Exception as error:  # safetensors has an exception of its own, and a damaged header breaks it in many ways
            if data[:4] == b"PK\3\4" or data[:1] == b"\x80":
                raise AdapterRefused(f"{TENSORS} is pickled under another name: save it as safetensors") from None
            raise AdapterRefused(f"{TENSORS} is damaged or was not written to its end ({str(error)[:80]!r})") from None


def read_in(path: Path, read: Callable[[Folder], Found]) -> Found:
    """What is read in a folder, all of it of one version: where a newer one takes its place meanwhile, that is read."""
    for _ in range(TRIES - 1):
        with suppress(Replaced), Folder(path) as opened:
            return read(opened)
    with Folder(path) as opened:
        return read(opened)
