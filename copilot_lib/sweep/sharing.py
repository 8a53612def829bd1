"""Lets several processes go through one plan: a run is for whoever holds its lock, and a lock ends with its process.

It knows names and files; it does not know what a run is or what has been done.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from copilot_lib.sweep.plan import Combination, Run


def shared(runs: Sequence[Run | Combination], work: Path) -> Iterator[Run | Combination]:
    """Every run, one after the other; no other process is at it until the next is asked for.

    Those that another process is at come last, when that is done with them or has died, and what is made of them after them.
    """
    left: list[Run | Combination] = []
    for run in runs:
        if {one.key for one in left}.isdisjoint(run.needs):
            try:
                with lock_of(run.key, work).acquire(timeout=0):
                    for key in run.needs:  # of another plan, perhaps
                        with lock_of(key, work):
                            pass
                    yield run
                continue
            except Timeout:
                pass
        left.append(run)
    for run in left:
        with lock_of(run.key, work):
            yield run


def lock_of(key: str, work: Path) -> FileLock:
    """What one process at a time can hold; its file stays when it is let go of."""
    folder = work / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{key}.lock")
