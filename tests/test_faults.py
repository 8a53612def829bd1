"""Thirty-one groups of faults that a completion server must survive: each gets a right answer, and the next request works.

`GROUPS` names them all, and where each is tried. Those that this file tries itself meet a real process over real sockets.
"""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pytest

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.formats import FORMATS

TESTS = Path(__file__).parent
PATIENCE_S = 60
BEFORE, LINE, AFTER = "def area(width, height):\n", "    return ", "\n\n\nprint(area(2, 3))\n"
GOOD = {"input_prefix": BEFORE, "prompt": LINE, "input_suffix": AFTER}


@dataclass
class Server:
    """A process with a model that can be told to fail, and what a test says to it."""

    address: str
    process: subprocess.Popen
    errors: Path

    def post(self, body, path="/infill", **headers):
        """An answer; the body is JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(self.address + path, content=content, headers=headers, timeout=PATIENCE_S)

    def connect(self):
        host, port = self.address.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=PATIENCE_S)

    def hears(self, data):
        """Status and JSON of the answer to bytes that may be no request; None where the connection is closed without one."""
        with self.connect() as connection:
            connection.sendall(data)
            said = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = said.partition(b"\r\n\r\n")
        return (int(head.split()[1]), json.loads(body)) if said else None

    def says(self):
        """The next line that the model says."""
        return self.process.stdout.readline().strip()

    def go_on(self):
        """Lets a model that waits go on."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def started(*words, **how):
    command = [sys.executable, str(TESTS / "servers" / "faulty.py"), "serve", "--port", "0", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(TESTS.parent)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        tempfile.NamedTemporaryFile("w") as errors,
        subprocess.Popen(command, **pipes, stderr=errors, env=environment, **how) as process,
    ):
        said = process.stdout.readline()
        assert said, Path(errors.name).read_text()
        try:
            yield Server(re.search(r"http://\S+", said)[0], process, Path(errors.name))
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def server():
    with started() as server:
        yield server


@cache
def pocket():
    return Completer.load("pocket")


def expected(before, after, **options):
    return pocket().complete(Cursor(before + after, len(before)), **options).text


def refused(answer, status, *words):
    """Whether an answer has a status, the one shape, and some words."""
    fault = answer.json()["error"]
    assert (answer.status_code, fault["code"]) == (status, status)
    assert all(word in fault["message"] for word in words), fault
    return fault


def head(length):
    """The beginning of a request with a body of some length."""
    lines = ["POST /infill HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Connection: close"]
    return "\r\n".join([*lines, f"Content-Length: {length}", "\r\n"]).encode()


def no_prefix(server):
    refused(server.post({"input_suffix": AFTER, "prompt": LINE}), 422, "input_prefix")


def lying_lengths(server):
    body = json.dumps(GOOD).encode()
    with server.connect() as connection:
        connection.sendall(head(10**9) + body)
    assert server.hears(head(len(body) - 5) + body)[0] == 422, "cut off, it is no JSON"
    status, said = server.hears(b"POST / HTTP/1.1\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n")
    assert (status, said["error"]["type"]) == (400, "not_http")
    status, said = server.hears(b"\x16\x03\x01\x02\x00\x01\x00")
    assert (status, said["error"]["type"]) == (400, "not_http"), "somebody who speaks TLS"
    status, said = server.hears(head(5).replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"zz\r\n{}\r\n")
    assert (status, said["error"]["code"]) == (400, 400)


def slow_body(server):
    with server.connect() as connection:
        connection.sendall(head(100) + b"{")
        assert connection.recv(12) == b"HTTP/1.1 408"


def forged_lines(server):
    name = "a.py\nERROR: everything is lost\x1b[2J"
    assert server.post(GOOD | {"input_extra": [{"text": "x\0\x1b", "filename": name}]}, x_editor="a\tb").status_code == 200
    refused(server.post(GOOD | {"input_extra": [{"text": 5, "filename": name}]}), 422)
    assert "everything is lost" not in server.errors.read_text()


def sentinels(server):
    for format in FORMATS:
        spelled = " ".join(format.sentinels.values())
        before, line, after = f"marks = '{spelled}'\n", f"more = '{spelled}' + ", f"\n# {spelled}\n"
        asked = {"input_prefix": before, "prompt": line, "input_suffix": after, "n_predict": 8}
        answer = server.post(asked | {"input_extra": [{"text": spelled, "filename": spelled}]})
        assert answer.json()["content"] == expected(before + line, after, max_new_tokens=8), format.name


def blanks(server):
    for text in ("\tif x:\n        y = 1\n\t", "a\x85b\x1c\x1d\x0bc", "\ufeff\ufeff\n", "a\rb\r", " \u00a0\u2003"):
        assert server.post(GOOD | {"input_prefix": text, "prompt": text}).status_code == 200, repr(text)


def numbers(server):
    for count in (b"NaN", b"Infinity", b"-Infinity", b"1e3", b"[]", b"{}"):
        answer = server.post(json.dumps(GOOD)[:-1].encode() + b', "n_predict": ' + count + b"}")
        refused(answer, 422, "n_predict")


def temperatures(server):
    asked = {"prompt": BEFORE + LINE, "suffix": AFTER, "max_tokens": 8}
    for temperature in (b"NaN", b"Infinity", b"-1", b"1e400", b'"0.5"', b"true"):
        body = json.dumps(asked)[:-1].encode() + b', "temperature": ' + temperature + b"}"
        refused(server.post(body, "/v1/completions"), 422, "temperature")
    cold = server.post(asked | {"temperature": 0}, "/v1/completions").json()["choices"][0]["text"]
    assert cold == expected(BEFORE + LINE, AFTER, max_new_tokens=8)


def stop_over_two_tokens(server):
    before = "import json\n\n\ndef load(path):\n    with open(path) as file:\n        "
    tokens = pocket().complete(Cursor(before, len(before)))
    first, second = (pocket().model.codec.decode([token]) for token in tokens.tokens[1:3])
    stop = first[-1] + second[:2]
    assert stop in tokens.text
    asked = {"input_prefix": before, "input_suffix": ""}
    assert server.post(asked | {"stop": ["", stop]}).json()["content"] == tokens.text.split(stop)[0].rstrip()
    refused(server.post(GOOD | {"stop": [5]}), 422, "stop")


def split_characters(server):
    before = 'names = ["é", "é", "é", "'
    completion = pocket().complete(Cursor(before, len(before)), max_new_tokens=12)
    assert "\ufffd" in [pocket().model.codec.decode([token]) for token in completion.tokens], "a character is two tokens"
    asked = {"prompt": before, "max_tokens": 12, "stream": True}
    events = server.post(asked, "/v1/completions").text.split("\n\n")[:-2]
    texts = [json.loads(event.removeprefix("data: "))["choices"][0]["text"] for event in events]
    assert "".join(texts) == completion.text
    assert "é" in completion.text and "\ufffd" not in "".join(texts)


def fifty_at_once(server):
    with ThreadPoolExecutor(50) as editors:
        answers = list(editors.map(lambda n: server.post(GOOD | {"prompt": f"    return {n} + "}), range(50)))
    served, busy = ([answer for answer in answers if answer.status_code == status] for status in (200, 429))
    assert len(served) + len(busy) == 50
    assert len(served) >= 32, "as many may wait"
    assert all(answer.headers["retry-after"] == "1" and refused(answer, 429) for answer in busy)


def newer_request(server):
    with ThreadPoolExecutor() as editor:
        older = editor.submit(server.post, GOOD | {"prompt": "    waits = "}, x_editor="vim")
        assert server.says() == "begun"
        newer = editor.submit(server.post, GOOD | {"prompt": "    newer = "}, x_editor="vim")
        refused(older.result(), 409, "newer request")
        server.go_on()
        assert server.says() == "withdrawn"
        assert newer.result().status_code == 200


def failing_model(server):
    for words, kind in (("not a number", "model_failed"), ("breaks", "internal_error"), ("wants too much", "internal_error")):
        for path, body in (
            ("/infill", GOOD | {"prompt": f"# {words}\n"}),
            ("/v1/completions", {"prompt": words, "stream": True}),
        ):
            assert refused(server.post(body, path), 500)["type"] == kind
    assert "a layer is missing" in server.errors.read_text(), "the log says why"


def terminated_in_the_middle(server):
    with started() as other:
        body = json.dumps(GOOD | {"prompt": "    waits = "}).encode()
        with other.connect() as asked, other.connect() as half, other.connect() as silent:
            half.sendall(head(100) + b"{")
            silent.sendall(b"POST ")
            asked.sendall(head(len(body)) + body)
            assert other.says() == "begun"
            other.process.send_signal(signal.SIGTERM)
            other.go_on()
            assert asked.recv(12) == b"HTTP/1.1 200", "what runs is finished"
        assert other.process.wait(PATIENCE_S) == 0
        assert other.errors.read_text() == ""


def full_disk(server):
    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    with tempfile.TemporaryDirectory() as folder, started("--record", f"{folder}/events", preexec_fn=no_room) as other:
        asked, statuses = {"prompt": "# " + "long " * 800, "max_tokens": 2}, []
        while 507 not in statuses and len(statuses) < 100:
            completion_id = other.post(asked, "/v1/completions").json()["id"]
            report = other.post({"type": "shown", "completion_id": completion_id}, "/v1/events")
            statuses.append(report.status_code)
        assert statuses[0] == 200
        refused(report, 507, "make room")
        assert other.post(GOOD).json()["content"] == expected(BEFORE + LINE, AFTER)


HERE = (no_prefix, lying_lengths, slow_body, forged_lines, sentinels, blanks, numbers, temperatures, stop_over_two_tokens)
HERE += (split_characters, fifty_at_once, newer_request, failing_model, terminated_in_the_middle, full_disk)
ANY_FAULT = "test_server.py::test_a_fault_has_its_status_and_the_next_request_works"
ODD_TEXT = "test_server.py::test_odd_documents_are_answered"
INFILL = "test_infill.py::test_a_fault_is_named_and_the_next_request_works"
OPENAI = "test_openai.py::test_what_cannot_be_honoured_is_refused_and_the_next_request_works"
GROUPS = {
    1: ("not JSON", ANY_FAULT),
    2: ("JSON that is a list", ANY_FAULT),
    3: ("an empty body", ANY_FAULT),
    4: ("a body called text/plain", ANY_FAULT),
    5: ("input_prefix missing, null, a number", no_prefix, INFILL),
    6: ("input_extra that is no list, of no texts, of ten thousand", INFILL),
    7: ("a huge body, a lying Content-Length", lying_lengths, ANY_FAULT),
    8: ("a body that comes slowly", slow_body),
    9: ("half a surrogate pair", ANY_FAULT),
    10: ("bytes that are not UTF-8", ANY_FAULT),
    11: ("NUL and ESC, lines forged for the log", forged_lines, ODD_TEXT),
    12: ("sentinels of every family, everywhere", sentinels, "test_server.py::test_sentinels_in_a_file_are_text"),
    13: ("CRLF, CR, U+2028, form feed, tabs among spaces, BOM", blanks, ODD_TEXT),
    14: ("a line of a million characters", ODD_TEXT),
    15: (
        "a column inside a character of two units",
        "test_lsp.py::test_changes_count_in_the_order_in_which_they_come_and_a_position_inside_a_character_is_before_it",
    ),
    16: ("a place outside the text", ANY_FAULT, "test_lsp.py::test_faults_are_answered_and_the_next_request_works"),
    17: ("n_predict -1, 10^9, a text, true, 1.5, NaN", numbers, INFILL, "test_infill.py::test_any_upper_bound_is_one"),
    18: ("temperature 0, negative, infinite", temperatures, OPENAI),
    19: ("stop empty, a thousand times, over two tokens", stop_over_two_tokens, INFILL, OPENAI),
    20: (
        "a character split over two pieces",
        split_characters,
        "test_stream.py::test_an_unfinished_character_at_the_end_is_dropped",
    ),
    21: (
        "a client that goes: before, while the prompt is read, in the middle, with half a body sent",
        "test_disconnect.py::test_the_model_stops_within_one_pass_of_the_client_s_going",
        "test_server.py::test_a_client_that_goes_away_leaves_the_server_well",
    ),
    22: ("fifty requests at once", fifty_at_once),
    23: ("a newer request while one runs", newer_request),
    24: (
        "an adapter that is unknown, half written, of another rank or base, or is switched in the middle",
        "test_adapters_served.py::test_a_name_that_means_none_is_422_and_the_next_request_works",
        "test_adapters_served.py::test_an_adapter_that_cannot_be_used_is_422_and_the_server_goes_on",
        "test_adapters_served.py::test_a_switch_while_one_writes_ends_the_old_one_on_the_old_adapter",
        "test_lora.py::test_a_folder_that_cannot_be_honoured_is_refused_in_one_sentence",
        "test_lora.py::test_any_cut_of_the_file_is_refused",
    ),
    25: ("other hosts, none, ours in brackets", ANY_FAULT, "test_guard.py::test_loopback_has_several_names"),
    26: ("a foreign origin, null, a preflight", ANY_FAULT, "test_server.py::test_a_preflight_of_a_web_page_is_refused"),
    27: ("no key, a wrong one, one in the address", "test_server.py::test_a_key_is_asked_for_where_there_is_one"),
    28: ("a model whose output is no number, that breaks, that wants too much memory", failing_model),
    29: (
        "told to end in the middle; a port that is taken; a full disk",
        terminated_in_the_middle,
        full_disk,
        "test_server.py::test_a_taken_port_and_an_open_door_without_a_key_are_one_line",
    ),
    30: (
        "reports of the unknown, twice, against each other",
        "test_events.py::test_faults_are_refused_and_the_next_report_works",
    ),
    31: (
        "a language server asked before hello, told changes out of order, of cancelled and finished ids, with a print",
        "test_lsp.py::test_what_comes_too_early_too_late_or_cannot_be_read_is_answered_too",
        "test_lsp.py::test_a_request_is_answered_also_where_it_is_cancelled_and_the_end_follows_at_once",
        "test_lsp.py::test_changes_count_in_the_order_in_which_they_come_and_a_position_inside_a_character_is_before_it",
        "test_lsp.py::test_nothing_but_protocol_is_on_standard_output",
    ),
}
"""Each group's number and name, and where it is tried: by a function here, or by a test of another file."""


@pytest.mark.parametrize("fault", HERE, ids=lambda fault: fault.__name__)
def test_the_server_survives_and_the_next_request_works(server, fault):
    fault(server)
    assert server.post(GOOD).json()["content"] == expected(BEFORE + LINE, AFTER)
    assert httpx.get(f"{server.address}/health").json()["waiting"] == 0


@pytest.mark.parametrize("number", range(1, 32))
def test_every_group_is_tried(number):
    _, *tried = GROUPS[number]
    for where in tried:
        if callable(where):
            assert where in HERE
        else:
            file, name = where.split("::")
            assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8")
    assert tried
