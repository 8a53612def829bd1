"""A client hangs up, over a real socket, while the real model reads the prompt or writes the answer: the model stops."""

import contextlib
import json
import socket
import threading

import pytest
import uvicorn

from copilot_lib.cli.serving import open_door
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.engine import PREFILL_CHUNK, Engine
from copilot_lib.server import app
from copilot_lib.server.service import Service

PATIENCE_S = 30
BEFORE = "".join(f"def step_{n}(value):\n    return value + {n}\n\n\n" for n in range(18))
BEFORE += "def last(values):\n    for value in "
BODIES = {
    "/infill": {"input_prefix": BEFORE, "input_suffix": "", "n_predict": 40},
    "/v1/completions": {"prompt": BEFORE, "max_tokens": 40, "stream": True},
}


class Watched:
    """A runner that does something before its n-th pass."""

    def __init__(self, runner):
        self._runner, self.passes, self.before = runner, 0, {}

    def __getattr__(self, name):
        return getattr(self._runner, name)

    def advance(self, ids, scores=1):
        self.passes += 1
        self.before.get(self.passes, lambda: None)()
        return self._runner.advance(ids, scores)


@pytest.fixture
def watched():
    """A server in this process, the passes of its model, and what its completions became."""
    completer = Completer.load("pocket")
    runner = Watched(completer.engine.runner)
    completer.engine = Engine(runner)
    cancels, became = [], []

    def complete(cursor, cancel, **options):
        cancels.append(cancel)
        made = completer.complete(cursor, cancel=cancel, **options)
        became.append((made, runner.passes))
        return made

    service = Service(complete)
    served = app.Served("pocket", completer.model.context_tokens, completer.model.codec.format)
    with open_door("127.0.0.1", 0) as door:
        server = uvicorn.Server(uvicorn.Config(app.create(service, served), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield door.getsockname(), runner, cancels, became
        finally:
            server.should_exit = True
            thread.join()
            service.close()


def request(path):
    body = json.dumps(BODIES[path]).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_the_prompt_takes_two_passes():
    completer = Completer.load("pocket")
    assert PREFILL_CHUNK < len(completer.prompt(Cursor(BEFORE, len(BEFORE)), 40).ids) <= 2 * PREFILL_CHUNK


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(("at_pass", "written"), [(1, 0), (2, 0), (4, 1)], ids=["reading", "still reading", "writing"])
def test_the_model_stops_within_one_pass_of_the_client_s_going(watched, path, at_pass, written):
    address, runner, cancels, became = watched
    done = threading.Event()

    with contextlib.ExitStack() as stack:
        client = stack.enter_context(socket.create_connection(address))

        def hang_up():
            client.close()
            assert cancels[0]._event.wait(PATIENCE_S), "nobody told the model"
            done.set()

        runner.before[at_pass] = hang_up
        client.sendall(request(path))
        assert done.wait(PATIENCE_S)
    with socket.create_connection(address) as other:  # answered only when the model is free again
        other.sendall(request("/infill").replace(b"last", b"next"))
        assert other.recv(12) == b"HTTP/1.1 200"
    first, passes = became[0]
    assert first.stopped == "cancelled"
    assert len(first.tokens) >= written
    assert passes == at_pass, "the pass in which the client went was the last one"
