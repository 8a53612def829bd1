"""The service between editors and the one model: order, withdrawal, bounds. Nothing sleeps; a gate holds the model."""

import asyncio
import threading

import pytest

from copilot_lib.completer import Completer, Completion
from copilot_lib.cursor import Cursor
from copilot_lib.server.service import Busy, Service, Superseded


class Gate:
    """A model that says when it has begun, waits until it may go on, and then answers with what it was asked."""

    def __init__(self):
        self.begun, self.open = threading.Semaphore(0), threading.Semaphore(0)
        self.asked, self.cancelled, self.threads = [], [], set()

    def __call__(self, cursor, cancel, show):
        self.asked.append(cursor.text)
        self.threads.add(threading.current_thread().name)
        self.begun.release()
        self.open.acquire()
        if cancel.cancelled:
            self.cancelled.append(cursor.text)
        if cursor.text == "fail":
            raise FloatingPointError("the model's output is not a number")
        return Completion(cursor.text, (), "fim", "end", {}, 0, 0)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def service(gate):
    service = Service(gate, most_waiting=3)
    yield service
    gate.open.release(100)
    service.close()


async def begun(gate):
    await asyncio.get_running_loop().run_in_executor(None, gate.begun.acquire)


def ask(service, editor, text):
    return asyncio.create_task(service.complete(editor, Cursor(text, 0)))


def test_all_editors_are_served_in_order_by_one_thread(gate, service):
    async def scene():
        tasks = [ask(service, editor, editor) for editor in "abc"]
        gate.open.release(3)
        return [completion.text for completion in await asyncio.gather(*tasks)]

    assert asyncio.run(scene()) == ["a", "b", "c"]
    assert gate.asked == ["a", "b", "c"]
    assert len(gate.threads) == 1


def test_the_latest_request_of_an_editor_wins_and_others_are_left_alone(gate, service):
    async def scene():
        first, other = ask(service, "vim", "one"), ask(service, "emacs", "two")
        await begun(gate)
        newer = ask(service, "vim", "three")
        await asyncio.sleep(0)
        gate.open.release(3)
        assert (await other).text == "two"
        assert (await newer).text == "three"
        with pytest.raises(Superseded):
            await first

    asyncio.run(scene())
    assert gate.cancelled == ["one"]


def test_what_is_withdrawn_before_it_begins_never_reaches_the_model(gate, service):
    async def scene():
        running, waiting = ask(service, "vim", "runs"), ask(service, "emacs", "waits")
        await begun(gate)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        gate.open.release()
        await running

    asyncio.run(scene())
    service.close()
    assert gate.asked == ["runs"]


def test_a_caller_that_goes_away_stops_the_model(gate, service):
    async def scene():
        task = ask(service, "vim", "gone")
        await begun(gate)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gate.open.release(2)
        return (await ask(service, "vim", "next")).text

    assert asyncio.run(scene()) == "next"
    assert gate.cancelled == ["gone"]


def test_too_many_requests_are_refused_and_room_comes_back(gate, service):
    async def scene():
        tasks = [ask(service, str(n), str(n)) for n in range(3)]
        await begun(gate)
        with pytest.raises(Busy, match="3 requests are waiting"):
            await service.complete("late", Cursor("late", 0))
        gate.open.release(4)
        await asyncio.gather(*tasks)
        await service.complete("late", Cursor("late", 0))

    asyncio.run(scene())
    assert service.waiting == 0


def test_a_failure_reaches_the_one_who_asked_and_nobody_else(gate, service):
    async def scene():
        failing, fine = ask(service, "vim", "fail"), ask(service, "emacs", "fine")
        gate.open.release(2)
        with pytest.raises(FloatingPointError):
            await failing
        return (await fine).text

    assert asyncio.run(scene()) == "fine"


def test_who_leaves_a_shared_run_leaves_it_to_the_others(gate, service):
    async def scene():
        leaving, staying = ask(service, "vim", "same"), ask(service, "emacs", "same")
        await begun(gate)
        newer = ask(service, "vim", "newer")
        await asyncio.sleep(0)
        gate.open.release(2)
        assert (await staying).text == "same"
        assert (await newer).text == "newer"
        with pytest.raises(Superseded):
            await leaving

    asyncio.run(scene())
    assert gate.cancelled == [], "the model was wanted by one still"


def test_requests_for_the_same_share_one_run(gate, service):
    async def scene():
        tasks = [ask(service, editor, "same") for editor in ("a", "b", "b")]
        await begun(gate)
        tasks[0].cancel()
        gate.open.release(3)
        return [await task for task in tasks[1:]]

    first, second = asyncio.run(scene())
    assert first is second
    assert gate.asked == ["same"]
    assert gate.cancelled == []


def test_a_newer_request_supersedes_all_that_its_editor_asked_before(gate, service):
    async def scene():
        twice = [ask(service, "vim", "same") for _ in range(2)]
        await begun(gate)
        newer = ask(service, "vim", "newer")
        await asyncio.sleep(0)
        gate.open.release(3)
        assert (await newer).text == "newer"
        return await asyncio.gather(*twice, return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(scene())] == [Superseded, Superseded]
    assert gate.cancelled == ["same"]


def test_what_was_withdrawn_can_be_asked_again_at_once(gate, service):
    async def scene():
        first = ask(service, "vim", "again")
        await begun(gate)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        second = ask(service, "vim", "again")
        gate.open.release(3)
        return (await second).text

    assert asyncio.run(scene()) == "again"
    assert gate.asked == ["again", "again"]
    assert service.waiting == 0


def test_what_was_answered_once_is_answered_from_memory(gate, service):
    async def scene():
        gate.open.release(3)
        await ask(service, "vim", "once")
        return (await ask(service, "emacs", "once")).text

    assert asyncio.run(scene()) == "once"
    assert gate.asked == ["once"]
    assert service.remembered == 1


def test_the_real_model_stops_within_one_token_when_its_caller_goes():
    completer = Completer.load("pocket")
    service = Service(completer.complete)
    runs = []
    generate = completer.engine.generate

    async def scene():
        started = asyncio.Event()
        loop = asyncio.get_running_loop()

        def watched(*words, **options):
            run = generate(*words, **options)
            runs.append(run)
            coming = iter(run)

            def tokens():
                for token in coming:
                    loop.call_soon_threadsafe(started.set)
                    halted.wait()
                    yield token

            run._coming = tokens()
            return run

        halted = threading.Event()
        completer.engine.generate = watched
        task = asyncio.create_task(service.complete("vim", Cursor("def f(", 6), max_new_tokens=200))
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        halted.set()

    asyncio.run(scene())
    service.close()
    assert runs[0].stopped == "cancelled"
    assert len(runs[0].ids) <= 2
