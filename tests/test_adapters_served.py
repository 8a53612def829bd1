"""Adapters over a real server: named in every protocol, many at once, switched while one writes, refused in words."""

import asyncio
import http.server
import json
import os
import shutil
import threading
from functools import cache

import httpx
import openai
import pytest

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.registry import Registry
from copilot_lib.samples import EXAMPLES

NAMES = ("one", "two", "three")
DOCUMENT = "def area(width, height):\n    return \n\n\nprint(area(2, 3))\n"
CURSOR = Cursor.at(DOCUMENT, 1, 11)
PLACE = {"document": DOCUMENT, "line": 1, "col": 11}


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_adapter):
    folder = tmp_path_factory.mktemp("registry")
    for seed, name in enumerate(NAMES):
        make_adapter(folder / name, seed=seed, strength=0.1)
    return Registry(folder)


@pytest.fixture(scope="module")
def server(registry, serving):
    """A server whose user has three adapters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPILOT_ADAPTERS", str(registry.folder))
        with serving() as (address, _):
            yield address


@pytest.fixture(scope="module")
def alone(registry):
    """What each says where no other was ever asked."""

    @cache
    def completer(name, scale):
        return Completer.load("pocket")

    def say(name, cursor=CURSOR, scale=1.0, **options):
        entry = registry.find(name, scale) if name else None
        return completer(name, scale).complete(cursor, adapter=entry, **options).text

    return say


def ask(address, path="/", **body):
    answer = httpx.post(f"{address}{path}", json=(PLACE if path == "/" else {}) | body, timeout=60)
    return answer


def gap(**others):
    return {"input_prefix": CURSOR.prefix, "input_suffix": CURSOR.suffix} | others


def test_each_protocol_names_an_adapter_in_its_own_words(server, alone):
    said = {name: alone(name) for name in (None, *NAMES)}
    assert len(set(said.values())) > 2, "they differ"
    client = openai.OpenAI(base_url=f"{server}/v1", api_key="none")
    for name, expected in said.items():
        assert ask(server, adapter=name).json() == {"completion": expected}
        assert ask(server, "/infill", **gap(adapter=name)).json()["content"] == expected
        for model in {f"pocket:{name or ''}", name or "gpt-4"}:
            options = {"model": model, "prompt": CURSOR.prefix, "suffix": CURSOR.suffix, "max_tokens": 64}
            answer = client.completions.create(**options)
            assert answer.choices[0].text == expected
            assert answer.model == (f"pocket:{name}" if name else "pocket")
            pieces = client.completions.create(**options, stream=True)
            assert "".join(piece.choices[0].text for piece in pieces) == expected
        fim = {"model": f"pocket:{name or 'base'}", "prompt": CURSOR.prefix, "suffix": CURSOR.suffix}
        assert ask(server, "/v1/fim/completions", **fim).json()["choices"][0]["message"]["content"] == expected


def test_the_adapters_are_listed(server):
    client = openai.OpenAI(base_url=f"{server}/v1", api_key="none")
    assert [model.id for model in client.models.list()] == ["pocket", "pocket:one", "pocket:three", "pocket:two"]
    listed = httpx.get(f"{server}/lora-adapters").json()
    assert sorted(one["path"] for one in listed) == sorted(NAMES)
    assert [one["id"] for one in listed] == [0, 1, 2]


def test_llama_cpp_s_clients_name_them_by_number_and_scale(server, alone):
    for one in httpx.get(f"{server}/lora-adapters").json():
        for scale in (1.0, 0.5):
            wanted = [{"id": one["id"], "scale": scale}]
            content = ask(server, "/infill", **gap(lora=wanted)).json()["content"]
            assert content == alone(one["path"], scale=scale, max_new_tokens=64)
    assert ask(server, "/infill", **gap(lora=[{"id": 0, "scale": 0}])).json()["content"] == alone(None)


REFUSED = {
    "unknown": ("/", {"adapter": "four"}, "there is no adapter four"),
    "a way out": ("/", {"adapter": "../one"}, "no name for an adapter"),
    "a folder": ("/infill", gap(adapter="/etc"), "no name for an adapter"),
    "a number": ("/infill", gap(adapter=3), "valid string"),
    "unknown, as a model": ("/v1/completions", {"prompt": "x", "model": "pocket:four"}, "there is no adapter four"),
    "unknown, streamed": ("/v1/completions", {"prompt": "x", "model": "pocket:..", "stream": True}, "no name"),
    "two at once": ("/infill", gap(lora=[{"id": 0}, {"id": 1}]), "several adapters at once"),
    "a number too high": ("/infill", gap(lora=[{"id": 99}]), "GET /lora-adapters"),
    "a scale without end": ("/infill", gap(lora=[{"id": 0, "scale": 1e99}]), "less than or equal"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_means_none_is_422_and_the_next_request_works(server, name):
    path, body, expected = REFUSED[name]
    answer = ask(server, path, **body)
    assert answer.status_code == 422
    assert expected in answer.json()["error"]["message"]
    assert ask(server).status_code == 200


def half(folder):
    file = folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])


def of_another_model(folder):
    about = json.loads((folder / "adapter.json").read_text())
    (folder / "adapter.json").write_text(json.dumps(about | {"base": {"name": "other", "fingerprint": "0" * 64}}))


def with_another_rank(folder):
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"r": 9}))


def pickled(folder):
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


HOSTILE = {
    half: "not written to its end",
    of_another_model: "was made for the weights",
    with_another_rank: "rank 9 on this model",
    pickled: "is pickled",
}


@pytest.mark.parametrize("change", HOSTILE)
def test_an_adapter_that_cannot_be_used_is_422_and_the_server_goes_on(server, registry, alone, change):
    shutil.copytree(registry.folder / "one", registry.folder / "hostile")
    try:
        change(registry.folder / "hostile")
        for _ in range(2):
            answer = ask(server, adapter="hostile")
            assert answer.status_code == 422
            assert HOSTILE[change] in answer.json()["error"]["message"]
            assert ask(server, adapter="one").json() == {"completion": alone("one")}
        assert httpx.get(f"{server}/health").json()["status"] == "ok"
    finally:
        shutil.rmtree(registry.folder / "hostile")


def test_three_adapters_and_the_base_at_once_each_say_what_they_say_alone(server, alone):
    cursors = [*EXAMPLES.values()]
    asked = [(name, cursor) for cursor in cursors for name in (None, *NAMES)]
    expected = {(name, cursor): alone(name, cursor, max_new_tokens=32) for name, cursor in asked}

    async def scene():
        limits = httpx.Limits(max_connections=8)
        async with httpx.AsyncClient(limits=limits, timeout=120) as client:

            async def one(name, cursor):
                body = {"input_prefix": cursor.prefix, "input_suffix": cursor.suffix, "n_predict": 32, "adapter": name}
                headers = {"x-editor": f"{name} {cursors.index(cursor)}"}
                answer = await client.post(f"{server}/infill", json=body, headers=headers)
                return answer.json()["content"]

            return await asyncio.gather(*(one(*request) for request in asked * 2))

    assert asyncio.run(scene()) == [expected[request] for request in asked * 2]


LONG = "def first(values):\n    total = 0\n    for value in values:\n        total += value\n    return total\n\n\ndef second("


def replace(name, other, registry):
    """Gives a name the files of another adapter, as another training would."""
    files = registry.folder / other
    registry.save(name, lambda folder: shutil.copytree(files, folder, dirs_exist_ok=True), registry.about(other))


def test_a_switch_while_one_writes_ends_the_old_one_on_the_old_adapter(server, registry, alone):
    """The adapter's folder gets another's files between two pieces of a stream; the next request is answered by those."""
    begun = f"{LONG}values):\n    "
    cursor = Cursor(begun, len(begun))
    shutil.copytree(registry.folder / "three", registry.folder / "mine")
    try:
        old, new = (alone(name, cursor, max_new_tokens=200) for name in ("three", "two"))
        assert old != new
        assert old.count("\n") > 2, "it is still being written when its first lines have come"
        body = {"prompt": begun, "model": "pocket:mine", "max_tokens": 200, "stream": True}
        text = ""
        with httpx.stream("POST", f"{server}/v1/completions", json=body, timeout=60) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    if not text:
                        replace("mine", "two", registry)
                    text += json.loads(line.removeprefix("data: "))["choices"][0]["text"]
        assert text == old
        again = httpx.post(f"{server}/v1/completions", json=body | {"stream": False}, timeout=60).json()
        assert again["choices"][0]["text"] == new
    finally:
        registry.remove("mine")


def test_switching_to_and_fro_while_others_write_never_mixes(server, alone):
    """Two editors that ask at the same time, each with another adapter at every keystroke."""
    expected = {name: alone(name, Cursor(LONG, len(LONG)), max_new_tokens=40) for name in NAMES}
    wrong = []

    def editor(number):
        with httpx.Client(timeout=120) as client:
            for step in range(6):
                name = NAMES[(number + step) % 3]
                body = {"prompt": LONG, "model": f"pocket:{name}", "max_tokens": 40}
                text = client.post(f"{server}/v1/completions", json=body).json()["choices"][0]["text"]
                if text != expected[name]:
                    wrong.append((name, text))

    threads = [threading.Thread(target=editor, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_default_answers_where_none_is_named_and_base_is_still_there(registry, alone, serving, monkeypatch):
    monkeypatch.setenv("COPILOT_ADAPTERS", str(registry.folder))
    with serving("--adapter", "two") as (address, process):
        assert "answered with two" in process.stdout.readline()
        assert ask(address).json() == {"completion": alone("two")}
        assert ask(address, adapter="base").json() == {"completion": alone(None)}
        assert ask(address, adapter="one").json() == {"completion": alone("one")}


def test_a_folder_elsewhere_may_be_the_default(tmp_path, registry, alone, serving, monkeypatch):
    monkeypatch.setenv("COPILOT_ADAPTERS", str(tmp_path / "none"))
    shutil.copytree(registry.folder / "three", tmp_path / "loose")
    with serving("--adapter", str(tmp_path / "loose")) as (address, _):
        assert ask(address).json() == {"completion": alone("three")}
        assert [one["path"] for one in httpx.get(f"{address}/lora-adapters").json()] == []


def test_a_server_without_adapters_says_so(serving, monkeypatch, tmp_path):
    monkeypatch.setenv("COPILOT_ADAPTERS", str(tmp_path / os.urandom(4).hex()))
    with serving() as (address, _):
        answer = ask(address, adapter="one")
        assert (answer.status_code, "(none)" in answer.json()["error"]["message"]) == (422, True)
        assert httpx.get(f"{address}/lora-adapters").json() == []


class Engine(http.server.BaseHTTPRequestHandler):
    """An engine with OpenAI's protocol that notes which model it is asked for, and has one adapter, as vLLM lists it."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body["model"])
        known = body["model"] in ("pocket", "mine")
        self.send_response(200 if known else 404)
        self.end_headers()
        event = {"choices": [{"text": body["model"], "finish_reason": "stop"}]}
        self.wfile.write(f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode() if known else b"no such model")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def engine():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", server.asked
        finally:
            server.shutdown()
            thread.join()


def test_the_gateway_passes_an_adapter_s_name_on_as_the_model_s(engine, serving):
    url, asked = engine
    with serving("--backend", "openai", "--url", url) as (address, _):
        assert ask(address).json() == {"completion": "pocket"}
        assert ask(address, adapter="mine").json() == {"completion": "mine"}
        assert ask(address, "/v1/completions", prompt="x = ", model="pocket:mine").json()["choices"][0]["text"] == "mine"
        assert ask(address, "/v1/completions", prompt="y = ", model="gpt-4").json()["choices"][0]["text"] == "pocket"
        assert ask(address, adapter="other").status_code == 502
        assert ask(address, adapter="../mine").status_code == 422
    assert asked == ["pocket", "mine", "mine", "pocket", "other"]


def test_a_default_adapter_of_an_engine_elsewhere(engine, serving):
    url, asked = engine
    with serving("--backend", "openai", "--url", url, "--adapter", "mine") as (address, _):
        assert ask(address).json() == {"completion": "mine"}
        assert [one["path"] for one in httpx.get(f"{address}/lora-adapters").json()] == ["mine"]
    assert asked == ["mine"]
