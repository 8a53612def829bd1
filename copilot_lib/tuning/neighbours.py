r"""Shows a model that learns the pieces of other files that it is shown when it serves: same sources, same ranks, same form.

It knows the files that may be learnt from and how they are searched; it does not know gaps, windows or networks. No other file
is ever looked at, so nothing of a held-out file, and no secret, gets into an example by this way.

    with places(material.train) as place_of:
        draw(material.train, codec, 512, drawing=Drawing(context_share=0.5), places=place_of)
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from copilot_lib import context
from copilot_lib.context import Index, Project, with_index
from copilot_lib.repository import SourceFile
from copilot_lib.snippet import Place


class Shelf(Project):
    """A project whose files do not change, so that they are read once."""

    def __init__(self, root: Path | str, files: Sequence[SourceFile]):
        super().__init__(root)
        self._texts = {self.path(file.path): file.text for file in files}

    def stored(self, path: Path) -> str | None:
        """A file's text; None for any other."""
        return self._texts.get(path)


@contextmanager
def places(files: Sequence[SourceFile]) -> Iterator[Callable[[str], Place]]:
    """From a file's path, its place among the files given, which are kept in a folder meanwhile and indexed."""
    with tempfile.TemporaryDirectory(prefix="copilot-neighbours-") as folder:
        for file in files:
            kept = Path(folder, file.path)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(file.text, encoding="utf-8", newline="")
        project = Shelf(folder, files)
        index = Index(project)
        index.refresh()
        sources = with_index(index)
        yield lambda path: context.place(project, path, sources)
