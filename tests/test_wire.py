"""Connections on which nothing is asked are closed in time; time passes as the test says."""

import asyncio
import socket
import threading

import pytest
import uvicorn

from copilot_lib.cli.serving import open_door
from copilot_lib.completer import Completion
from copilot_lib.formats import FORMATS
from copilot_lib.server import app, wire
from copilot_lib.server.guard import PATIENCE_S
from copilot_lib.server.service import Service

WAIT_S = 30
ASKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
BODY = b'{"document": "x", "line": 0, "col": 0}'


class Ahead(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    seconds = 0.0

    def time(self):
        return super().time() + self.seconds

    def put_forward(self, seconds):
        """Lets time pass, and returns when what was due has been done."""
        self.seconds += seconds
        for _ in range(3):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self).result(WAIT_S)


@pytest.fixture
def served():
    """The address of a server in this process, its loop, and what lets its model answer."""
    begun, answer, loop = threading.Event(), threading.Event(), Ahead()

    def complete(cursor, **options):
        begun.set()
        assert answer.wait(WAIT_S)
        return Completion("", (), "fim", "end", {"prefill": 0.0, "decode": 0.0}, 0, 0)

    service = Service(complete)
    with open_door("127.0.0.1", 0) as door:
        server = uvicorn.Server(wire.settings(app.create(service, app.Served("pocket", 512, FORMATS[0]))))
        thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve([door])))
        thread.start()
        try:
            yield door.getsockname(), loop, begun, answer
        finally:
            answer.set()
            server.should_exit = True
            thread.join()
            loop.close()
            service.close()


def is_open(connection):
    """Whether the server has not hung up; it has said nothing."""
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True


def test_who_says_nothing_is_not_waited_for_but_who_asked_is_answered(served):
    address, loop, begun, answer = served
    with (
        socket.create_connection(address) as silent,
        socket.create_connection(address) as half,
        socket.create_connection(address) as asking,
    ):
        half.sendall(b"POST / HT")
        asking.sendall(ASKED % (len(BODY), BODY))
        assert begun.wait(WAIT_S), "the server has met all three"
        loop.put_forward(PATIENCE_S - 1)
        assert is_open(silent) and is_open(half)
        loop.put_forward(2)
        for connection in (silent, half):
            connection.settimeout(WAIT_S)
            assert connection.recv(1) == b"", "hung up"
        answer.set()
        asking.settimeout(WAIT_S)
        assert asking.recv(12) == b"HTTP/1.1 200"
