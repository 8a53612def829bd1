"""Takes requests from many editors to one model: one worker thread, the latest request of an editor wins, a bounded queue.

It knows when a completion is wanted and when no longer; it does not know HTTP, protocols or how a completion is made.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor
from copilot_lib.engine import Cancel
from copilot_lib.memory import Memory

Complete = Callable[..., Completion]
Show = Callable[[str], None]


class Superseded(Exception):
    """A newer request of the same editor has come: nobody waits for this one any more."""


class Busy(Exception):
    """More requests wait than will be served soon."""


@dataclass(eq=False)
class Waiter:
    """One request that waits for a run."""

    editor: str
    show: Show | None
    answer: asyncio.Future[Completion]


@dataclass(eq=False)
class Run:
    """One call of the model, and all who wait for it: requests that ask for the same share it."""

    cancel: Cancel = field(default_factory=Cancel)
    waiters: list[Waiter] = field(default_factory=list)

    def show(self, text: str) -> None:
        for waiter in self.waiters:
            if waiter.show:
                waiter.show(text)

    def leave(self, waiter: Waiter) -> None:
        """One waits no more; when nobody does, the model stops."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)
        if not self.waiters:
            self.cancel.cancel()

    def end(self, completion: Completion | None, error: BaseException | None) -> None:
        """Answers all who wait still."""
        for waiter in self.waiters:
            if not waiter.answer.done():
                waiter.answer.set_exception(error) if error else waiter.answer.set_result(completion)


class Service:
    """Owns the one thread in which `complete` is ever called; everything else belongs to the event loop.

    Requests are served in the order in which they come. That is fair, since an editor has one request at a time: whoever
    asks again withdraws what he asked before, between two tokens if it runs already. What was completed before is
    answered from memory, and requests for the same thing share one run.
    """

    def __init__(self, complete: Complete, most_waiting: int = 32):
        self._complete = complete
        self._most_waiting = most_waiting
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._memory = Memory()
        self._runs: dict[Hashable, Run] = {}
        """By what they were asked: a request for the same may share them."""
        self._wanted: dict[str, Run] = {}
        """What each editor asked last."""
        self.waiting = 0
        """How many runs the thread has not finished."""
        self.remembered = 0
        """How many requests were answered from memory."""

    async def complete(self, editor: str, cursor: Cursor, show: Show | None = None, **options: Hashable) -> Completion:
        """The completion for an editor. If the caller is cancelled, so is the work, unless others wait for it too.

        `show` is called in the event loop with what is certain of the text so far. Options as `Completer.complete`. Raises
        `Superseded` when a newer request of this editor comes first, `Busy` when too many wait.
        """
        key = cursor, frozenset(options.items())
        run = self._runs.get(key)
        if (older := self._wanted.pop(editor, None)) and older is not run:
            supersede(editor, older)
        if found := self._memory.find(cursor, options):
            self.remembered += 1
            return found
        if not run or run.cancel.cancelled:
            run = self._start(key, cursor, options)
        mine = Waiter(editor, show, asyncio.get_running_loop().create_future())
        run.waiters.append(mine)
        self._wanted[editor] = run
        try:
            return await mine.answer
        finally:
            run.leave(mine)
            if self._wanted.get(editor) is run and all(waiter.editor != editor for waiter in run.waiters):
                del self._wanted[editor]

    def _start(self, key: Hashable, cursor: Cursor, options: dict[str, Hashable]) -> Run:
        if self.waiting >= self._most_waiting:
            raise Busy(f"{self.waiting} requests are waiting: ask again in a second")
        self.waiting += 1
        run = self._runs[key] = Run()
        loop = asyncio.get_running_loop()

        def show(text: str) -> None:
            loop.call_soon_threadsafe(run.show, text)

        def work() -> Completion | None:
            return None if run.cancel.cancelled else self._complete(cursor, cancel=run.cancel, show=show, **options)

        def finish(done: asyncio.Future) -> None:
            self.waiting -= 1
            if self._runs.get(key) is run:
                del self._runs[key]
            if done.cancelled():
                run.end(None, Superseded("the server is ending"))
            elif error := done.exception():
                run.end(None, error)
            else:
                if done.result():
                    self._memory.keep(cursor, options, done.result())
                run.end(done.result(), None)

        loop.run_in_executor(self.thread, work).add_done_callback(finish)
        return run

    def close(self) -> None:
        """Withdraws what is still wanted and waits until the thread has ended."""
        for run in self._runs.values():
            run.cancel.cancel()
        self.thread.shutdown()


def supersede(editor: str, run: Run) -> None:
    """Sends away those of an editor who wait for a run."""
    for waiter in [waiter for waiter in run.waiters if waiter.editor == editor]:
        run.leave(waiter)
        if not waiter.answer.done():
            waiter.answer.set_exception(Superseded("a newer request of the same editor has come"))
