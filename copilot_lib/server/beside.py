"""What a project's n-grams say beside the model, for protocols that do not name the open file.

It knows a workspace of one folder and a clock; it does not know requests. All files of the folder count as they are stored, the
open one too: which one that is, nobody says. What is typed in it counts besides, as it stands around the cursor.
"""

import time
from collections.abc import Callable
from pathlib import Path

from copilot_lib.context.ngram_cache import AtFile
from copilot_lib.workspace import Workspace

EVERY_S = 10.0
"""How often the folder is looked at for files that have changed: an editor sends no word of it here."""
UNNAMED = "no file of the project"


class Beside:
    """Gives each request the n-grams of a folder, once they are counted, which begins at once, in the background."""

    def __init__(self, folder: Path, workspace: Workspace, clock: Callable[[], float] = time.monotonic):
        self._file, self._workspace, self._clock = folder.resolve() / UNNAMED, workspace, clock
        self._looked = clock()
        workspace.refresh()

    def options(self) -> dict[str, AtFile]:
        """What a completer is given beside the cursor: `ngrams`, or nothing yet."""
        now = self._clock()
        if now - self._looked >= EVERY_S:
            self._looked = now
            self._workspace.refresh()
        ngrams = self._workspace.ngrams(self._file)
        return {"ngrams": ngrams} if ngrams else {}
