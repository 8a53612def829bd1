"""Times retrieval as a repository grows: making the index, asking it, and following one changed file; with the memory it takes.

It knows files, clocks and processes; it does not know how pieces are ranked, or a model.
"""

import datetime
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from copilot_lib import hardware
from copilot_lib.context import Index, Project
from copilot_lib.context.retrieval import around
from copilot_lib.cursor import Cursor
from copilot_lib.repository import MAX_BYTES

SIZES = (10_000, 100_000, 1_000_000)
"""Lines."""
QUERIES = 300
COLUMNS = (
    "lines",
    "files",
    "pieces",
    "build s",
    "of it CPU",
    "disk MB",
    "memory MB",
    "query p50 ms",
    "p95",
    "CPU p95",
    "one file ms",
)

CHILD = """
import json, sys
from pathlib import Path
from copilot_lib.bench import repository
print(json.dumps(repository.measure(Path(sys.argv[1]), Path(sys.argv[2]))))
"""


def sources() -> Iterator[Path]:
    """The Python files of all installed distributions: more code by more people than any one repository has."""
    for distribution in sorted(metadata.distributions(), key=lambda one: one.metadata["Name"].lower()):
        for file in sorted(distribution.files or (), key=str):
            path = Path(str(file.locate()))
            if path.suffix == ".py" and path.is_file() and path.stat().st_size < MAX_BYTES:
                yield path


def repository(folder: Path, lines: int) -> None:
    """Fills a folder with so many lines of code in whole files, two hundred in each of its folders.

    The largest distributions would come first of all and fill a small repository alone, so the files are shuffled.
    """
    chosen = list(sources())
    random.Random(0).shuffle(chosen)
    left = lines
    for number, path in enumerate(chosen):
        if left <= 0:
            return
        to = folder / f"part{number // 200}" / f"{path.stem}_{number}.py"
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
        left -= to.read_bytes().count(b"\n")
    raise ValueError(f"the installed distributions have {left} lines fewer than the {lines} that were asked for: install more")


def places(root: Path, count: int = QUERIES) -> Iterator[Cursor]:
    """Cursors at the ends of lines with code, one in each of so many files."""
    files = sorted(root.rglob("*.py"))
    draw = random.Random(1)
    for path in draw.sample(files, min(count, len(files))):
        text = path.read_text(encoding="utf-8", errors="replace")
        ends = [n for n, character in enumerate(text) if character == "\n" and text[:n].rpartition("\n")[2].strip()]
        if ends:
            yield Cursor(text, draw.choice(ends))


def measure(root: Path, index_folder: Path) -> dict:
    """Makes an index, asks it, changes a file; seconds, milliseconds and bytes."""
    before = resident()
    wall, processor = time.perf_counter(), time.process_time()
    index = Index(Project(root), index_folder)
    files = index.refresh()
    made = {"files": files, "build_s": time.perf_counter() - wall, "build_cpu_s": time.process_time() - processor}
    took, worked = [], []
    for cursor in places(root):
        started, processor = time.perf_counter(), time.process_time()
        index.search(around(cursor))
        worked.append(1000 * (time.process_time() - processor))
        took.append(1000 * (time.perf_counter() - started))
    one = next(iter(sorted(root.rglob("*.py"))))
    with one.open("a", encoding="utf-8") as file:
        file.write("\nadded_by_the_benchmark = 1\n")
    started = time.perf_counter()
    index.search("added_by_the_benchmark")
    index.refresh()
    return made | {
        "one_file_ms": 1000 * (time.perf_counter() - started),
        "query_p50_ms": statistics.median(took),
        "query_p95_ms": statistics.quantiles(took, n=20)[-1],
        "query_cpu_p95_ms": statistics.quantiles(worked, n=20)[-1],
        "pieces": index._index.searcher().num_docs,
        "disk_mb": sum(file.stat().st_size for file in index_folder.iterdir()) / 1e6,
        "memory_mb": (resident() - before) / 1e6,
    }


def resident() -> int:
    """The most memory that this process has had so far, in bytes."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def in_a_process_of_its_own(lines: int) -> dict:
    """The measurement of one size, in a fresh process: what an earlier size left in memory would hide what this one takes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder) / "code"
        repository(root, lines)
        command = [sys.executable, "-c", CHILD, str(root), str(Path(folder) / "index")]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=os.environ).stdout
    return {"lines": lines} | json.loads(said)


def row(found: dict) -> str:
    """One line of the report."""
    cells = (
        f"{found['lines']:,}",
        f"{found['files']:,}",
        f"{found['pieces']:,}",
        f"{found['build_s']:.1f}",
        f"{found['build_cpu_s']:.1f}",
        f"{found['disk_mb']:.0f}",
        f"{found['memory_mb']:.0f}",
        f"{found['query_p50_ms']:.1f}",
        f"{found['query_p95_ms']:.1f}",
        f"{found['query_cpu_p95_ms']:.1f}",
        f"{found['one_file_ms']:.0f}",
    )
    return "".join(f"{cell:>13}" for cell in cells)


def run(model_name: str | None = None) -> str:
    """Measures every size and returns the report; no model has a part in it."""
    machine = f"{hardware.describe('cpu')}, Python {platform.python_version()}, {datetime.date.today()}"
    report = [
        f"an index by BM25 on {machine}; one thread",
        f"shuffled files of the installed distributions; {QUERIES} queries at the ends of lines",
        "memory: the most at any time, beyond what the process had before; CPU: what a free core would have taken",
        "",
        "".join(f"{name:>13}" for name in COLUMNS),
    ]
    return "\n".join(report + [row(in_a_process_of_its_own(lines)) for lines in SIZES])
