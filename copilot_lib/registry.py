"""The adapters of a user, each in a folder of its own: listed, found for a repository, saved whole and removed.

It knows folders, names and repositories; it does not know whether an adapter can be used (`lora`), or who asks for it.
"""

import fcntl
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_data_path

from copilot_lib import git_remote
from copilot_lib.adapter_files import ABOUT, CONFIG, FORMAT, TENSORS, AdapterRefused, Folder, read_in, refusing

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
BASE, AUTO = "base", "auto"
"""What a person may say instead of an adapter's name: the model without any, and the one that belongs to the folder."""
RESERVED = {BASE, AUTO, "default", "none"}
OLD, NEW = ".old-", ".new-"
"""Before the names of folders that a save moves out of the way, and of those that it writes."""

ABANDONED_S = 3600


@dataclass(frozen=True)
class Entry:
    """An adapter as it is now. Equal ones answer alike: another version of it has another stamp."""

    name: str
    folder: Path
    stamp: str
    scale: float = 1.0
    """How strongly it is asked for; as it was trained at 1."""


def checked(name: str) -> str:
    """The name, if an adapter may have it, and else `AdapterRefused`."""
    if not NAME.fullmatch(name) or name.lower() in RESERVED:
        raise AdapterRefused(
            f"{name[:80]!r} is no name for an adapter: expected up to 64 letters, digits, - and _, and none of"
            f" {', '.join(sorted(RESERVED))}"
        )
    return name


def default_folder() -> Path:
    """Where a user's adapters are: `COPILOT_ADAPTERS`, or a folder among the user's data."""
    named = os.environ.get("COPILOT_ADAPTERS")
    return Path(named) if named else user_data_path("copilot_lib") / "adapters"


def entry_of(folder: Path) -> Entry:
    """The adapter in a folder anywhere."""
    try:
        found = (folder / TENSORS).lstat()
        stamp = f"{found.st_dev}-{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
    except OSError:
        stamp = "absent"  # reading it will say what is wrong
    return Entry(folder.name, folder, stamp)


def said_to_be(said: str) -> Entry:
    """What a person means by a folder, or by a name in the user's registry; `AdapterRefused` for a name that is not there."""
    return entry_of(Path(said).resolve()) if "/" in said or os.sep in said else Registry().find(said)


def repository_of(folder: Path) -> dict[str, str | None]:
    """What an adapter notes of the repository it learnt from: its folder here, and the address it is pushed to."""
    root = folder.resolve()
    return {"root": str(root), "remote": git_remote.of(root)}


def division_of(about: Mapping) -> dict[str, object]:
    """How an adapter's repository was divided into files to learn from and files to ask about, as far as it is noted.

    >>> division_of({"material": {"settings": {"seed": 3, "tests": True, "test_share": 0.2}}})
    {'seed': 3, 'tests': True}
    """
    settings = about.get("material", {}).get("settings") or about.get("settings", {})
    return {name: settings[name] for name in ("seed", "tests") if name in settings} if isinstance(settings, dict) else {}


class Registry:
    """The adapters in one folder, which need not be there yet."""

    def __init__(self, folder: Path | None = None):
        self.folder = folder or default_folder()

    def names(self) -> list[str]:
        """The names of all, in order; also of those that would be refused."""
        self._finish_saves()
        found = os.scandir(self.folder) if self.folder.is_dir() else ()
        return sorted(one.name for one in found if NAME.fullmatch(one.name) and one.is_dir(follow_symlinks=False))

    def find(self, name: str, scale: float = 1.0) -> Entry:
        """An adapter by its name; `AdapterRefused` where there is none of that name."""
        folder = self.folder / checked(name)
        if not folder.is_dir() and not self._there_after_all(folder):
            known = ", ".join(self.names()[:20]) or "none"
            raise AdapterRefused(f"there is no adapter {name}: expected one of those in {self.folder} ({known})")
        return replace(entry_of(folder), scale=scale)

    def about(self, name: str) -> dict:
        """What is written in an adapter's `adapter.json`."""
        with refusing(name):
            return read_in(self.find(name).folder, Folder.about)

    def detect(self, path: Path, fingerprint: str) -> Entry | None:
        """The adapter for a file or folder: the one with the longest root around it, else one with its git remote.

        Only those for a model with that fingerprint; of two that fit alike the newer. None where none fits.
        """
        path = path.resolve()
        remote = git_remote.of(path)
        fitting: list[tuple[int, str, str]] = []
        for name, about in self._sound():
            repository = about.get("repository")
            if about["base"]["fingerprint"] != fingerprint or not isinstance(repository, dict):
                continue
            root = repository.get("root")
            inside = isinstance(root, str) and bool(root) and path.is_relative_to(root)
            if inside or (remote and repository.get("remote") == remote):
                fitting.append((len(Path(root).parts) if inside else 0, str(about.get("created")), name))
        return self.find(max(fitting)[2]) if fitting else None

    def _sound(self) -> Iterator[tuple[str, dict]]:
        for name in self.names():
            try:
                yield name, self.about(name)
            except AdapterRefused:
                continue

    def save(self, name: str, write: Callable[[Path], object], about: dict) -> Path:
        """Has an adapter's files written beside, adds `adapter.json`, and gives the whole its name; what had it before goes.

        `about` has `base` and `repository`. At any moment the name stands for the old one or the new one, and never for half;
        one that was being read goes on being the old one.
        """
        checked(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._finish_saves()
        for left in self.folder.glob(f"{NEW}*"):
            with suppress(FileNotFoundError):  # another save may end just now
                if time.time() - left.stat().st_mtime > ABANDONED_S:  # of a save that was killed
                    shutil.rmtree(left, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix=f"{NEW}{name}.", dir=self.folder))
        try:
            write(new)
            whole = {"format": FORMAT, "name": name, "created": datetime.now(UTC).isoformat(timespec="seconds")} | about
            (new / ABOUT).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
            if missing := [file for file in (CONFIG, TENSORS) if not (new / file).is_file()]:
                raise ValueError(f"an adapter was to be saved without {' and '.join(missing)}")
            for file in new.iterdir():
                flush(file)
            new.chmod(0o755)
            with self._alone():
                self._exchange(new, self.folder / name)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        return self.folder / name

    def _exchange(self, new: Path, folder: Path) -> None:
        """Gives a finished folder its name."""
        old = self.folder / f"{OLD}{folder.name}"
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            os.rename(folder, old)
        os.rename(new, folder)
        shutil.rmtree(old, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Deletes an adapter; `AdapterRefused` where there is none of that name."""
        folder = self.find(name).folder
        gone = self.folder / f"{NEW}{name}.removed"
        with self._alone():
            for left in (gone, self.folder / f"{OLD}{name}"):  # an older version would be given the name back
                shutil.rmtree(left, ignore_errors=True)
            os.rename(folder, gone)
            shutil.rmtree(gone)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process gives or takes a name in this folder."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _there_after_all(self, folder: Path) -> bool:
        """Whether an adapter's folder that was just not there is, once nobody is between two renames."""
        if not self.folder.is_dir():
            return False
        with self._alone():
            self._give_back()
            return folder.is_dir()

    def _finish_saves(self) -> None:
        """Gives back its name to what a save that was killed between its two renames had moved away."""
        if any(self.folder.glob(f"{OLD}*")):
            with self._alone():
                self._give_back()

    def _give_back(self) -> None:
        for old in self.folder.glob(f"{OLD}*"):
            try:
                os.rename(old, self.folder / old.name.removeprefix(OLD))
            except OSError:  # the new one is there: this one was only not deleted yet
                continue


def flush(file: Path) -> None:
    """Waits until a file is on the disk."""
    with file.open("rb") as data:
        os.fsync(data.fileno())
