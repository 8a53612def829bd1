"""The folders that an editor has open, as projects: which one a file is in, what is in its tabs, and an index of each folder.

It knows folders, threads and the user's cache; it does not know a protocol, or what a completion is made of.
"""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from platformdirs import user_cache_path

from copilot_lib.context import SOURCES, Index, Project, place, with_index
from copilot_lib.context.gathering import InProject, Sources


def cache_folder(root: Path) -> Path:
    """Where the index of a project is kept: in the user's cache, or below `COPILOT_CACHE`."""
    base = os.environ.get("COPILOT_CACHE")
    name = hashlib.sha256(str(root).encode()).hexdigest()[:16]
    return (Path(base) if base else user_cache_path("copilot_lib")) / "index" / name


class Workspace:
    """Some folders, with the documents that are open in them. Indexes are made in a thread of their own.

    Until a folder's index is there, its places have the sources that need none. Folders that are not there are left out.
    """

    def __init__(self, folders: Iterable[Path]):
        found = dict.fromkeys(Path(folder).resolve() for folder in folders)
        self.projects = [
            Project(folder) for folder in sorted(found, key=lambda f: len(f.parts), reverse=True) if folder.is_dir()
        ]
        """The innermost first, where one folder is in another."""
        self._indexes: dict[Path, Index] = {}
        self._sources: dict[Path, Sources] = {}
        """One tuple for each folder whose index is there: a place equals another only if their sources are the same objects."""
        self._thread = ThreadPoolExecutor(1, "index")
        self._refreshing: Future | None = None

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

    def refresh(self) -> Future:
        """Brings all indexes in step with the files, in the background. Asked while one waits already, it is that one."""
        if self._refreshing is None or self._refreshing.running() or self._refreshing.done():
            self._refreshing = self._thread.submit(self._refresh)
        return self._refreshing

    def _refresh(self) -> None:
        for project in self.projects:
            index = self._indexes.get(project.root) or Index(project, cache_folder(project.root))
            index.refresh()
            self._indexes[project.root] = index
            self._sources.setdefault(project.root, with_index(index))

    def close(self) -> None:
        """Ends the thread; what it is at is finished first."""
        self._thread.shutdown(cancel_futures=True)
