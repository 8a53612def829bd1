"""The guard's layers, asked directly where a real socket would need patience."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.server.guard import LOOPBACK, Bodies, name_of, replayed


def scope(**headers):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "path": "/", "headers": pairs}


async def sent_by(app, receive, **headers):
    """Status and JSON of what an ASGI application sends; None if it sends nothing."""
    messages = []

    async def send(message):
        messages.append(message)

    await app(scope(**headers), receive, send)
    return (messages[0]["status"], json.loads(messages[1]["body"])) if messages else None


def pieces(*bodies, then=None):
    """A client that sends its body in pieces and then, if there is nothing more to say, says nothing for ever."""
    left = [{"type": "http.request", "body": body, "more_body": True} for body in bodies] + ([then] if then else [])

    async def receive():
        if left:
            return left.pop(0)
        return await asyncio.get_running_loop().create_future()

    return receive


async def never(*words):
    raise AssertionError("this must not reach the application")


def test_a_body_that_does_not_come_is_not_waited_for():
    app = Bodies(never, patience_s=0.01)
    status, said = asyncio.run(sent_by(app, pieces(b"{"), content_type="application/json"))
    assert (status, said["error"]["type"]) == (408, "slow_body")


def test_a_body_is_not_read_further_than_it_may_be_long_whatever_its_header_says():
    app = Bodies(never, most_bytes=10)
    receive = pieces(b"12345", b"678901", b"never asked for")
    status, said = asyncio.run(sent_by(app, receive, content_type="application/json", content_length="3"))
    assert (status, said["error"]["type"]) == (413, "body_too_large")
    assert asyncio.run(receive())["body"] == b"never asked for"


def test_who_leaves_before_the_body_is_whole_is_answered_nothing():
    receive = pieces(b"{", then={"type": "http.disconnect"})
    assert asyncio.run(sent_by(Bodies(never), receive, content_type="application/json")) is None


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_a_body_in_pieces_reaches_the_application_whole_and_the_client_s_going_after_it(bodies):
    end = {"type": "http.request", "body": b"", "more_body": False}
    told = []

    async def app(scope, receive, send):
        told.extend([await receive(), await receive()])

    async def scene():
        receive = pieces(*bodies, then=end)

        async def and_gone():
            return {"type": "http.disconnect"} if told_end.pop() else await receive()

        told_end = [True] + [False] * (len(bodies) + 1)
        await Bodies(app)(scope(content_type="application/json; charset=utf-8"), and_gone, None)

    asyncio.run(scene())
    assert told[0] == {"type": "http.request", "body": b"".join(bodies), "more_body": False}
    assert told[1] == {"type": "http.disconnect"}


def test_a_replayed_body_comes_once():
    receive = replayed(b"x", pieces(then={"type": "http.disconnect"}))
    assert [asyncio.run(receive())["type"] for _ in range(2)] == ["http.request", "http.disconnect"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8765", "[::1]", "[::1]:8765"])
def test_loopback_has_several_names(host):
    assert name_of(host) in LOOPBACK


@pytest.mark.parametrize("host", ["", ":8765", "127.0.0.1.evil.example", "evil.example:1", "[::1", "[::1].evil", "localhost."])
def test_other_names_are_not_loopback(host):
    assert name_of(host) not in LOOPBACK
