"""Two editors on one server, over real sockets: each gets what it would get alone, and withdraws only what it asked itself."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.server.service import Service

FAULTY = Path(__file__).parent / "servers" / "faulty.py"
BEFORE, AFTER = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"
TYPED = {"vim": "width * height", "emacs": "abs(height)"}
"""Both begin at the same place of the same file, so that what is remembered and kept of one could be taken for the other's."""
GOOD = {"input_prefix": BEFORE, "input_suffix": AFTER}
WAITS = {"input_prefix": BEFORE + "waits + ", "input_suffix": AFTER}
PATIENCE_S = 60


def keystrokes(editor):
    """The cursor before the first key and after each."""
    befores = [BEFORE + TYPED[editor][:count] for count in range(len(TYPED[editor]) + 1)]
    return [Cursor(before + AFTER, len(before)) for before in befores]


@pytest.fixture(scope="module")
def alone():
    """What each editor is answered by a service that it has for itself."""

    async def typing(service, editor):
        return [(await service.complete(editor, cursor, max_new_tokens=64)).text for cursor in keystrokes(editor)]

    answers = {}
    for editor in TYPED:
        service = Service(Completer.load("pocket").complete)
        answers[editor] = asyncio.run(typing(service, editor))
        service.close()
    assert answers["vim"] != answers["emacs"][: len(answers["vim"])]
    return answers


def ask(client, cursor):
    answer = client.post("/infill", json={"input_prefix": cursor.prefix, "input_suffix": cursor.suffix})
    assert answer.status_code == 200, answer.text
    return answer.json()["content"]


@pytest.fixture
def clients(serving):
    """A connection for each editor, to a server that has answered nobody yet."""
    with ExitStack() as stack:
        address, _ = stack.enter_context(serving())
        yield {name: stack.enter_context(httpx.Client(base_url=address, timeout=PATIENCE_S)) for name in TYPED}


def test_key_by_key_in_turn_each_is_answered_as_alone(clients, alone):
    answers = {editor: [] for editor in TYPED}
    for number in range(max(map(len, alone.values()))):
        for editor, client in clients.items():
            if number < len(alone[editor]):
                answers[editor].append(ask(client, keystrokes(editor)[number]))
    assert answers == alone


def test_both_at_once_each_is_answered_as_alone(clients, alone):
    together = threading.Barrier(len(TYPED))

    def typing(editor):
        together.wait(PATIENCE_S)
        return [ask(clients[editor], cursor) for cursor in keystrokes(editor)]

    with ThreadPoolExecutor(len(TYPED)) as editors:
        assert dict(zip(TYPED, editors.map(typing, TYPED), strict=True)) == alone


@pytest.fixture
def held(serving):
    """A server whose model waits at `WAITS` until it is told to go on."""
    with serving(program=(str(FAULTY),)) as started:
        yield started


def post(address, editor, body):
    return httpx.post(f"{address}/infill", json=body, headers={"x-editor": editor}, timeout=PATIENCE_S)


def until_waiting(address, count):
    """Returns when so many requests have reached the service, and the model is at one of them."""
    while httpx.get(f"{address}/health").json()["waiting"] < count:
        pass


def go_on(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_the_latest_request_withdraws_the_older_one_of_its_own_editor_alone(held):
    address, process = held
    with ThreadPoolExecutor() as sent:
        older = sent.submit(post, address, "vim", WAITS)
        assert process.stdout.readline() == "begun\n"
        others = sent.submit(post, address, "emacs", GOOD)
        until_waiting(address, 2)
        newer = sent.submit(post, address, "vim", GOOD | {"input_prefix": BEFORE + "newer + "})
        assert older.result().status_code == 409, "while the model is at it still"
        assert not others.done()
        assert go_on(process) == "withdrawn"
        assert others.result().json()["content"] == Completer.load("pocket").complete(keystrokes("emacs")[0]).text
        assert newer.result().status_code == 200


def test_a_request_of_one_editor_does_not_withdraw_the_other_s(held):
    address, process = held
    with ThreadPoolExecutor() as sent:
        running = sent.submit(post, address, "vim", WAITS)
        assert process.stdout.readline() == "begun\n"
        others = [sent.submit(post, address, "emacs", GOOD), sent.submit(post, address, "emacs", GOOD | {"input_suffix": ""})]
        until_waiting(address, 3)
        assert go_on(process) == "wanted"
        assert running.result().status_code == 200
        assert sorted(answer.result().status_code for answer in others) == [200, 409]
