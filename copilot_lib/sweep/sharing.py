"""Lets several processes go through one plan: a run is for whoever holds its lock, and a lock ends with its process.

It knows names and files; it does not know what a run is or what has been done.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from copilot_lib.sweep.plan import Combination, Run


def free(runs: Sequence[Run | Combination], work: Path) -> Iterator[Run | Combination]:
    """Each run that no other process is at; no other takes it until the next is asked for.

    What it is made of is waited for, where another process is still at that.
    """
    for run in runs:
        try:
            with lock_of(run.key, work).acquire(timeout=0):
                for key in run.needs:
                    with lock_of(key, work):
                        pass
                yield run
        except Timeout:
            continue


def lock_of(key: str, work: Path) -> FileLock:
    """What one process at a time can hold; its file stays when it is let go of."""
    folder = work / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{key}.lock")
