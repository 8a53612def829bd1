"""Runs the chapters and stores their outputs: `notebooks/NN_name.py` is read, `NN_name.ipynb` beside it is written.

It knows cells and kernels; it does not know what a chapter teaches. The same run stores the same bytes: no times, no widget
state, cell ids that follow from the cells.

    python book/build_notebooks.py [NAME ...]        all chapters, or those whose names begin so
"""

import hashlib
import os
import sys
import time
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CELL_TIMEOUT_S = 300
WIDGET = "application/vnd.jupyter.widget-view+json"
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3", "file_extension": ".py", "mimetype": "text/x-python"}


def name_cells(notebook: nbformat.NotebookNode) -> None:
    """Gives every cell an id made from its source, so that a new cell renames no other."""
    seen = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def forget_what_varies(notebook: nbformat.NotebookNode) -> None:
    """Drops times, the interpreter's version, and widgets, which would be dead on a page and weigh half a megabyte each."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = dict(LANGUAGE)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
            output.get("metadata", {}).pop(WIDGET, None)


def run(script: Path) -> nbformat.NotebookNode:
    """The chapter with the outputs of a fresh kernel; a cell that fails without the tag for it is a CellExecutionError."""
    notebook = jupytext.read(script)
    name_cells(notebook)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # a page puts a line's end between two pieces, wherever the kernel happened to flush
        resources={"metadata": {"path": str(script.parent)}},
    )
    client.execute()
    forget_what_varies(notebook)
    nbformat.validate(notebook)
    return notebook


def build(script: Path) -> Path:
    """Runs one chapter and stores it; a chapter that fails leaves its old notebook as it was."""
    stored = script.with_suffix(".ipynb")
    text = nbformat.writes(run(script)) + "\n"
    unfinished = stored.with_suffix(".ipynb.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(stored)
    os.utime(script)  # jupytext takes the younger half for the true one, and that is the script
    return stored


def main(names: list[str]) -> int:
    chapters = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))
    chosen = [path for path in chapters if not names or path.stem.startswith(tuple(names))]
    if not chosen:
        print(f"no chapter begins with {' or '.join(names)}: there are {', '.join(p.stem for p in chapters)}", file=sys.stderr)
        return 2
    for script in chosen:
        started = time.monotonic()
        try:
            stored = build(script)
        except (CellExecutionError, CellTimeoutError) as error:
            print(f"{script.name}: a cell failed, nothing was stored\n{error}", file=sys.stderr)
            return 1
        print(f"{stored.name}: {time.monotonic() - started:.0f} s, {stored.stat().st_size / 1e3:.0f} KB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
