"""Whether an engine elsewhere uses an adapter whole: engines that answer as vLLM does, with more or less of it."""

import http.server
import json
import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy
import pytest

from copilot_lib import agreement, models
from copilot_lib.cli.adapting import check
from copilot_lib.gateway import EngineFailed
from copilot_lib.registry import Registry


@pytest.fixture(scope="module")
def base():
    return models.load("pocket", precision="float32")


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_adapter):
    folder = tmp_path_factory.mktemp("registry")
    make_adapter(folder / "shop", strength=0.1)
    return Registry(folder)


@pytest.fixture(scope="module")
def adapter(registry, base):
    return base.read_adapter(registry.find("shop").folder)


@contextmanager
def engine(model, damage=lambda scores: scores, answer=None):
    """The address of a server that gives the five likeliest tokens by a model, in vLLM's words."""
    runner = model.runner()

    class Engine(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            runner.cut(0)
            logits = runner.advance(body["prompt"])[-1]
            scores = damage(logits - numpy.log(numpy.exp(logits).sum()))
            first = {f"token_id:{id}": float(scores[id]) for id in numpy.argsort(-scores)[: body["logprobs"]]}
            said = {"choices": [{"text": "", "logprobs": {"top_logprobs": [first]}}]} if answer is None else answer
            self.send_response(200 if body["model"] == "shop" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Engine) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def found_at(url, base, adapter, served="shop"):
    return agreement.compare(url, served, base.changed_by(adapter, "shop"), base, agreement.prompts(base.codec))


def test_an_engine_that_has_all_of_it_agrees(base, adapter):
    with engine(base.changed_by(adapter, "there")) as url:
        found = found_at(url, base, adapter)
    assert found.whole and found.left_out < 1e-6
    assert (found.prompts, found.same_choice) == (20, 20)


def test_one_that_rounds_agrees_too(base, adapter):
    rough = numpy.random.default_rng(0)
    with engine(base.changed_by(adapter, "there"), lambda scores: scores + rough.normal(0, 0.01, scores.shape)) as url:
        found = found_at(url, base, adapter)
    assert found.whole and found.left_out > 0


def test_one_that_leaves_the_adapter_out_lacks_all_of_it(base, adapter):
    with engine(base) as url:
        found = found_at(url, base, adapter)
    assert not found.whole
    assert found.left_out == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("layer", ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"])
def test_one_that_ignores_a_kind_of_layer_is_found_out(base, adapter, layer):
    """As vLLM 0.27 to 0.32 ignore `c_attn` of this architecture, with a warning in their log and nothing in their answers."""
    rest = {name: pair for name, pair in adapter.items() if not name.endswith(layer)}
    assert len(rest) == len(adapter) * 3 // 4
    with engine(base.changed_by(rest, "there")) as url:
        found = found_at(url, base, adapter)
    assert not found.whole
    assert agreement.WHOLE < found.left_out < 2


REFUSALS = {
    "no log probabilities": ({"choices": [{"text": "x", "logprobs": None}]}, "gave no log probabilities of token ids"),
    "tokens as text": ({"choices": [{"logprobs": {"top_logprobs": [{" x": -1.0}]}}]}, "expected vLLM"),
    "nothing": ([], "gave no log probabilities"),
    "no token": ({"choices": [{"logprobs": {"top_logprobs": [{}]}}]}, "gave no log probabilities"),
    "another vocabulary": ({"choices": [{"logprobs": {"top_logprobs": [{"token_id:49000": -1.0}]}}]}, "serves another model"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_an_engine_that_cannot_be_compared_is_named(base, adapter, name):
    answer, expected = REFUSALS[name]
    with engine(base, answer=answer) as url, pytest.raises(EngineFailed, match=expected):
        found_at(url, base, adapter)


def test_one_that_does_not_know_the_adapter_or_is_not_there(base, adapter):
    with engine(base) as url, pytest.raises(EngineFailed, match="answered 404"):
        found_at(url, base, adapter, served="another")
    with pytest.raises(EngineFailed, match=r"no engine at .*: start it, or correct --url"):
        found_at("http://127.0.0.1:9", base, adapter)
    for wrong in ("shop", "http://[::1"):
        with pytest.raises(EngineFailed, match="is no address"):
            found_at(wrong, base, adapter)


def test_an_adapter_that_changes_nothing_is_refused(base, adapter):
    with engine(base) as url, pytest.raises(ValueError, match="changes nothing here"):
        found_at(url, base, {name: replace(pair, scale=0.0) for name, pair in adapter.items()})


class Arguments:
    """What a command line would give."""

    model, served = "pocket", None

    def __init__(self, **named):
        self.__dict__.update(named)


def test_the_command_says_so_and_its_status_tells(base, adapter, registry, monkeypatch, capsys):
    monkeypatch.setenv("COPILOT_ADAPTERS", str(registry.folder))
    with engine(base.changed_by(adapter, "there")) as url:
        assert check(Arguments(name="shop", url=url)) == 0
    assert "same at 20 of 20 prompts.\nThe engine answers with shop as the model does here." in capsys.readouterr().out
    with engine(base) as url:
        assert check(Arguments(name="shop", url=url)) == 1
    assert "100% of what shop changes is missing there or different" in capsys.readouterr().out
