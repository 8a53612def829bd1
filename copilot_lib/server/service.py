"""Takes requests from many editors to one model: one worker thread, the latest request of an editor wins, a bounded queue.

It knows when a completion is wanted and when no longer; it does not know HTTP, protocols or how a completion is made.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor
from copilot_lib.engine import Cancel

Complete = Callable[..., Completion]


class Superseded(Exception):
    """A newer request of the same editor has come: nobody waits for this one any more."""


class Busy(Exception):
    """More requests wait than will be served soon."""


class Service:
    """Owns the one thread in which `complete` is ever called; everything else belongs to the event loop.

    Requests are served in the order in which they come. That is fair, since an editor has one request at a time: whoever
    asks again withdraws what he asked before, between two tokens if it runs already.
    """

    def __init__(self, complete: Complete, most_waiting: int = 32):
        self._complete = complete
        self._most_waiting = most_waiting
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._wanted: dict[str, Cancel] = {}
        self.waiting = 0

    async def complete(self, editor: str, cursor: Cursor, **options) -> Completion:
        """The completion for an editor. If the caller is cancelled, so is the work.

        Raises `Superseded` when a newer request of this editor comes first, `Busy` when too many wait.
        """
        if self.waiting >= self._most_waiting:
            raise Busy(f"{self.waiting} requests are waiting: ask again in a second")
        if older := self._wanted.get(editor):
            older.cancel()
        mine = self._wanted[editor] = Cancel()
        self.waiting += 1
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._run, mine, cursor, options)
        work.add_done_callback(self._leave)
        try:
            completion = await asyncio.shield(work)
        except asyncio.CancelledError:
            mine.cancel()
            raise
        finally:
            newest = self._wanted.get(editor) is mine
            if newest:
                del self._wanted[editor]
        if completion is None or not newest:
            raise Superseded("a newer request of the same editor has come")
        return completion

    def _run(self, cancel: Cancel, cursor: Cursor, options: dict) -> Completion | None:
        return None if cancel.cancelled else self._complete(cursor, cancel=cancel, **options)

    def _leave(self, work: asyncio.Future) -> None:
        self.waiting -= 1
        if not work.cancelled():
            work.exception()  # looked at here, since whoever waited for it may have gone

    def close(self) -> None:
        """Withdraws what is still wanted and waits until the thread has ended."""
        for cancel in self._wanted.values():
            cancel.cancel()
        self._thread.shutdown()
