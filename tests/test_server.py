"""The server as editors, curl and web pages meet it: a real process, real sockets."""

import json
import signal
import socket
import subprocess
import sys
from functools import cache

import httpx
import pytest

from copilot_lib.cli.serving import open_door
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.formats import FORMATS

GREET = {"document": "def greet(name):\n    return \n\n\ngreet('you')\n", "line": 1, "col": 11}


@cache
def pocket():
    return Completer.load("pocket")


def ask(address, **options):
    return httpx.post(address, **({"json": GREET, "timeout": 60} | options))


def test_the_article_s_request_is_answered_with_what_the_model_says(address):
    answer = ask(address)
    cursor = Cursor.at(GREET["document"], GREET["line"], GREET["col"])
    assert answer.json() == {"completion": pocket().complete(cursor).text}
    assert answer.headers["content-type"] == "application/json"


def test_curl_is_answered(address):
    body = json.dumps(GREET)
    command = ["curl", "-s", address, "-X", "POST", "-H", "Content-Type: application/json", "-d", body]
    said = subprocess.run(command, capture_output=True, check=True).stdout
    assert json.loads(said) == ask(address).json()


FAULTS = {
    "not JSON": (422, {"content": b"{", "json": None}),
    "a list": (422, {"json": []}),
    "nothing": (422, {"content": b"", "json": None}),
    "a number for a text": (422, {"json": GREET | {"document": 5}}),
    "a field too few": (422, {"json": {"document": "x"}}),
    "a line outside": (422, {"json": GREET | {"line": 99}}),
    "a column outside": (422, {"json": GREET | {"col": -1}}),
    "a column that is no number": (422, {"json": GREET | {"col": "NaN"}}),
    "half a surrogate pair": (
        422,
        {"content": json.dumps(GREET | {"document": "\ud800\n    return \n"}).encode(), "json": None},
    ),
    "bytes that are not UTF-8": (400, {"content": b'{"document": "\xff", "line": 0, "col": 0}', "json": None}),
    "text": (415, {"content": b"x", "json": None, "headers": {"content-type": "text/plain"}}),
    "no type at all": (415, {"content": b"{}", "json": None, "headers": {}}),
    "a body of 11 MB": (413, {"json": GREET | {"document": "x" * 11_000_000}}),
    "a foreign name": (403, {"headers": {"host": "evil.example"}}),
    "a name that only begins well": (403, {"headers": {"host": "127.0.0.1.evil.example"}}),
    "no name": (403, {"headers": {"host": ":8765"}}),
    "a web page": (403, {"headers": {"origin": "https://evil.example"}}),
    "a local page": (403, {"headers": {"origin": "null"}}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_status_and_the_next_request_works(address, name):
    status, options = FAULTS[name]
    if options.get("json", ...) is None:
        options = options | {"headers": options.get("headers", {"content-type": "application/json"})}
    answer = ask(address, **options)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
    assert len(answer.json()["error"]["message"]) > 10
    assert ask(address).status_code == 200


@pytest.mark.parametrize(
    "document", ["a\r\nb\r\n", "\ufeffx = 1\n", "a\fb\u2028c\n", "x" * 1_000_000, "\0\x1b[31m\n", "🐍\n"], ids=repr
)
def test_odd_documents_are_answered(address, document):
    assert ask(address, json={"document": document, "line": 0, "col": 0}).status_code == 200


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_sentinels_in_a_file_are_text(address, format):
    spelled = " ".join(format.sentinels.values())
    document = f"marks = '{spelled}'\nprint(\n# {spelled}\n"
    answer = ask(address, json={"document": document, "line": 1, "col": 6})
    assert answer.json()["completion"] == pocket().complete(Cursor.at(document, 1, 6)).text


def test_a_preflight_of_a_web_page_is_refused(address):
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = httpx.options(address, headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_client_that_goes_away_leaves_the_server_well(address):
    host, port = address.removeprefix("http://").split(":")
    body = json.dumps(GREET).encode()
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    for sent in (b"", head.encode(), head.encode() + body[:10], head.encode() + body):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(sent)
    assert ask(address).status_code == 200
    assert httpx.get(f"{address}/health").json() == {"status": "ok", "model": "pocket", "waiting": 0}


def test_a_key_is_asked_for_where_there_is_one(serving):
    with serving("--api-key", "sesame") as (address, _):
        assert httpx.get(f"{address}/health").status_code == 200
        for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": "sesam"}, {"authorization": "sésame"}):
            encoded = {name: value.encode() for name, value in headers.items()}
            assert ask(address, headers=encoded).status_code == 401
        assert ask(f"{address}/?api_key=sesame").status_code == 401
        for headers in ({"authorization": "Bearer sesame"}, {"x-api-key": "sesame"}):
            assert ask(address, headers=headers).status_code == 200


def test_terminated_it_ends_well_and_frees_its_port(serving):
    with serving() as (address, process):
        assert ask(address).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""


def test_a_taken_port_and_an_open_door_without_a_key_are_one_line(address):
    port = address.rpartition(":")[2]
    for words, expected in ((["--port", port], "choose another --port"), (["--host", "0.0.0.0"], "give a key too")):
        command = [sys.executable, "-m", "copilot_lib", "serve", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert expected in done.stderr
        assert done.stderr.count("\n") == 1


def test_an_answer_in_two_packets_does_not_wait_for_the_client():
    with open_door("127.0.0.1", 0) as door, socket.create_connection(door.getsockname()):
        accepted, _ = door.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/"), ("DELETE", "/infill"), ("GET", "/v1/completions")])
def test_another_method_is_named_as_such(address, method, path):
    answer = httpx.request(method, f"{address}{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == 405
