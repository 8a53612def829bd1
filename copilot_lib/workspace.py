"""The folders that an editor has open, as projects: which one a file is in, what is in its tabs, and what else a folder says.

It knows folders, threads and the user's cache; it does not know a protocol, or what a completion is made of.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from platformdirs import user_cache_path

from copilot_lib.codec import Codec
from copilot_lib.context import SOURCES, Index, NgramCache, Project, place, with_index
from copilot_lib.context.gathering import InProject, Sources
from copilot_lib.context.ngram_cache import AtFile


def cache_folder(root: Path) -> Path:
    """Where the index of a project is kept: in the user's cache, or below `COPILOT_CACHE`."""
    base = os.environ.get("COPILOT_CACHE")
    name = hashlib.sha256(str(root).encode()).hexdigest()[:16]
    return (Path(base) if base else user_cache_path("copilot_lib")) / "index" / name


def to_log(line: str) -> None:
    """Says it where editors keep what a server has to say beside its answers."""
    if sys.stderr:  # else print would take standard output, where the answers are
        print(f"copilot_lib: {line}", file=sys.stderr)


class Workspace:
    """Some folders, with the documents that are open in them. Indexes are made in a thread of their own, and n-grams counted.

    Until a folder's index is there, its places have the sources that need none. Folders that are not there are left out. With
    `indexed` false there is no index; n-grams are counted for a `codec`, and without one there are none. `say` is told why
    what is kept could not be brought in step with the files; it stays what it was then.
    """

    def __init__(
        self, folders: Iterable[Path], indexed: bool = True, codec: Codec | None = None, say: Callable[[str], object] = to_log
    ):
        found = dict.fromkeys(Path(folder).resolve() for folder in folders)
        self.projects = [
            Project(folder) for folder in sorted(found, key=lambda f: len(f.parts), reverse=True) if folder.is_dir()
        ]
        """The innermost first, where one folder is in another."""
        self._indexes: dict[Path, Index] = {}
        self._sources: dict[Path, Sources] = {}
        """One tuple for each folder whose index is there: a place equals another only if their sources are the same objects."""
        self._indexed, self._codec, self._say = indexed, codec, say
        self._caches: dict[Path, NgramCache] = {}
        self._thread = ThreadPoolExecutor(1, "index")
        self._refreshing: Future | None = None
        self._said = ""
        """What went wrong the last time: an editor saves often, and needs to be told once."""

    def project_of(self, path: Path) -> Project | None:
        """The innermost project that a file is in."""
        return next((project for project in self.projects if path.is_relative_to(project.root)), None)

    def change(self, path: Path, text: str) -> None:
        """A document was opened or changed; one outside all folders says nothing."""
        if project := self.project_of(path):
            project.change(path, text)

    def close_document(self, path: Path) -> None:
        """A document was closed."""
        if project := self.project_of(path):
            project.close(path)

    def place(self, path: Path) -> InProject | None:
        """The place of a file in its project; None where it is in none."""
        if not (project := self.project_of(path)):
            return None
        return place(project, path, self._sources.get(project.root, SOURCES))

    def ngrams(self, path: Path) -> AtFile | None:
        """The n-grams of a file's project as they count in that file; None where there are none, or not yet."""
        project = self.project_of(path)
        cache = self._caches.get(project.root) if project else None
        return cache.at(path) if cache else None

    def refresh(self) -> Future:
        """Brings all that is kept of the files in step with them, in the background. Asked while one waits, it is that one."""
        if self._refreshing is None or self._refreshing.running() or self._refreshing.done():
            self._refreshing = self._thread.submit(self._refresh)
            self._refreshing.add_done_callback(self._failed)
        return self._refreshing

    def _failed(self, done: Future) -> None:
        error = None if done.cancelled() else done.exception()
        line = f"other files are not read anew ({type(error).__name__}: {error})" if error else ""
        if line and line != self._said:
            self._say(line)
        self._said = line

    def _refresh(self) -> None:
        for project in self.projects:
            if self._indexed:
                index = self._indexes.get(project.root) or Index(project, cache_folder(project.root))
                index.refresh()
                self._indexes[project.root] = index
                self._sources.setdefault(project.root, with_index(index))
            if self._codec:
                cache = self._caches.get(project.root) or NgramCache(project, self._codec)
                cache.refresh()
                self._caches[project.root] = cache

    def close(self) -> None:
        """Ends the thread; what it is at is finished first."""
        self._thread.shutdown(cancel_futures=True)
