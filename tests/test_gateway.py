"""The gateway in front of an engine that others wrote: transformers' own server, with the pocket model in its own format."""

import contextlib
import shutil
import socket
import socketserver
import sys
import threading

import httpx
import pytest

from copilot_lib import models
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.engine import Cancel
from copilot_lib.gateway import EngineFailed, Gateway, Remote
from copilot_lib.samples import EXAMPLES

PREFIX, SUFFIX = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"
GAP = Cursor(PREFIX + SUFFIX, len(PREFIX))


@pytest.fixture(scope="module")
def engine(tmp_path_factory, running_engine):
    """The address of `transformers serve` with the pocket's checkpoint, and the name that it goes by there."""
    folder = shutil.copytree(models.POCKET, tmp_path_factory.mktemp("engine") / "pocket")
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder), "--host", "127.0.0.1"]
    with running_engine(folder.parent / "log", *command, "--device", "cpu", "--dtype", "float32") as address:
        yield address, str(folder)


@pytest.fixture(scope="module")
def remote():
    codec, context_tokens = models.codec("pocket")
    return Remote("pocket", codec, context_tokens)


@pytest.fixture
def gateway():
    """Makes gateways, and hangs up at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(contextlib.closing(Gateway(*arguments, **options)))


def test_an_engine_elsewhere_says_what_the_model_says_here(engine, remote, gateway):
    url, name = engine
    there = gateway(url, Remote(name, remote.codec, remote.context_tokens), as_text=True)
    here = Completer.load("pocket")
    for cursor in EXAMPLES.values():
        if not cursor.line_prefix.strip():  # where nothing is begun, healing has nothing to do
            assert there.complete(cursor).text == here.complete(cursor).text
    first, second = (there.complete(GAP, max_new_tokens=8) for _ in range(2))
    assert first.text == second.text
    assert first.tokens and first.times_ms["prefill"] > 0


def test_the_whole_server_stands_in_front_of_it(engine, serving):
    url, name = engine
    with serving("--backend", "openai", "--url", url, "--model", name, "--prompt-as-text") as (address, _):
        asked = {"prompt": PREFIX, "suffix": SUFFIX, "max_tokens": 8}
        whole = httpx.post(f"{address}/v1/completions", json=asked, timeout=60).json()
        assert whole["choices"][0]["text"]
        assert whole["model"] == name
        assert httpx.post(address, json={"document": PREFIX + SUFFIX, "line": 1, "col": 11}, timeout=60).status_code == 200


def test_a_file_that_spells_a_sentinel_is_refused_where_prompts_are_text(remote, gateway):
    there = gateway("http://127.0.0.1:9", remote, as_text=True)
    with pytest.raises(EngineFailed, match="spells <fim_middle>"):
        there.complete(Cursor("x = '<fim_middle>'\ny = \n", 22))


HEAD = b"HTTP/1.1 %s\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@contextlib.contextmanager
def engine_that_says(*parts):
    """An engine that says the parts, whatever it is asked, and then holds the line until the client hangs up."""
    hung_up = threading.Event()

    class Answer(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            with contextlib.suppress(OSError):
                self.wfile.write(b"".join(parts))
                while self.rfile.read(1000):
                    pass
            hung_up.set()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        server.block_on_close = False  # a connection may be kept for the client's next request
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", hung_up
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((HEAD % b"404 Not Found", chunk(b"no such model"), chunk(b"")), "answered 404: no such model"),
        ((HEAD % b"200 OK", chunk(b'data: {"error": "out of memory"}\n\n')), "out of memory"),
        ((HEAD % b"200 OK", chunk(b"data: nonsense\n\n")), "expected events"),
        ((HEAD % b"200 OK", b"zz\r\n"), "broke off"),
    ],
    ids=["refused", "an error as an event", "no JSON", "no HTTP"],
)
def test_a_failing_engine_is_named_with_what_it_said(remote, gateway, parts, expected):
    with engine_that_says(*parts) as (url, _), pytest.raises(EngineFailed, match=expected):
        gateway(url, remote).complete(GAP)


def test_no_engine_at_all_is_one_sentence(remote, gateway, serving):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EngineFailed, match="start it, or correct --url"):
            gateway(url, remote).complete(GAP)
        with serving("--backend", "openai", "--url", url) as (address, _):
            answer = httpx.post(address, json={"document": "x = ", "line": 0, "col": 4}, timeout=60)
    assert answer.status_code == 502
    assert answer.json()["error"]["type"] == "engine_failed"


@pytest.mark.parametrize(
    "said", [(), (HEAD % b"200 OK", chunk(b'data: {"choices": [{"text": "a"}]}\n\n'))], ids=["prefill", "decode"]
)
def test_a_request_that_nobody_wants_any_more_hangs_up_and_so_does_one_that_takes_too_long(remote, gateway, said):
    with engine_that_says(*said) as (url, hung_up):
        cancel = Cancel()
        threading.Timer(0.2, cancel.cancel).start()
        assert gateway(url, remote).complete(GAP, cancel=cancel).stopped == "cancelled"
        assert hung_up.wait(10)
        limited = gateway(url, remote).complete(GAP, prefill_ms=100, decode_ms=100)
    assert limited.stopped == ("decode time" if said else "prefill time")
    assert limited.text == ("a" if said else "")
