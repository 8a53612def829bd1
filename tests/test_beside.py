"""A server that was told its project: n-grams of the folder count beside the model, whatever protocol asks."""

import httpx
import pytest

from copilot_lib import models
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.server.beside import EVERY_S, Beside
from copilot_lib.workspace import Workspace

DOCUMENT = "from shop import cart\n\n\ncart.zloty_\n\n\nprint(cart)\n"
CURSOR = Cursor.at(DOCUMENT, 3, 11)
KNOWN = "from shop import cart\n\n\ncart.zloty_total_with_vat(cart)\n\n\nprint(cart)\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop").mkdir()
    for number in range(4):
        (tmp_path / "shop" / f"part_{number}.py").write_text(KNOWN)
    return tmp_path / "shop"


@pytest.fixture
def workspace(folder):
    made = Workspace([folder], indexed=False, codec=models.codec("pocket")[0])
    yield made
    made.close()


def test_what_is_counted_is_asked_for_at_every_request_and_looked_at_now_and_then(folder, workspace):
    now = [0.0]
    beside = Beside(folder, workspace, clock=lambda: now[0])
    workspace.refresh().result()
    first = beside.options()["ngrams"]
    (folder / "part_9.py").write_text("other = cart.dollar_total(cart)\n")
    looked, look = [], workspace.refresh
    workspace.refresh = lambda: looked.append(now[0]) or look()
    now[0] = EVERY_S - 1
    assert beside.options() == {"ngrams": first} and looked == []
    now[0] = EVERY_S
    beside.options()
    beside.options()
    assert looked == [EVERY_S]
    workspace.refresh().result()
    assert beside.options()["ngrams"] != first, "an answer that was remembered before is not given any more"


def test_a_server_with_a_project_writes_the_names_of_its_files(folder, workspace, serving):
    workspace.refresh().result()
    pocket = Completer.load("pocket")
    expected = pocket.complete(CURSOR, ngrams=workspace.ngrams(folder / "no file")).text
    assert expected.startswith("total_with_vat(cart)") and not pocket.complete(CURSOR).text.startswith("total_with_vat")
    lines = {"input_prefix": CURSOR.prefix, "prompt": "", "input_suffix": CURSOR.suffix}
    openai = {"model": "pocket", "prompt": CURSOR.prefix, "suffix": CURSOR.suffix}
    with serving("--project", str(folder)) as (address, _):
        for _ in range(200):  # until the files are counted
            place = {"document": DOCUMENT, "line": 3, "col": 11}
            if (said := httpx.post(address, json=place, timeout=60).json()["completion"]) == expected:
                break
        assert said == expected
        assert httpx.post(f"{address}/infill", json=lines, timeout=60).json()["content"] == expected
        assert httpx.post(f"{address}/v1/completions", json=openai, timeout=60).json()["choices"][0]["text"] == expected


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--project", "nowhere"], "nowhere is no folder"),
        (["--project", ".", "--backend", "openai", "--url", "http://127.0.0.1:9"], "beside a model that runs here"),
    ],
)
def test_a_project_that_cannot_count_is_a_sentence(words, why, capsys):
    from copilot_lib.__main__ import main

    assert main(["serve", "--port", "0", *words]) == 2
    assert why in capsys.readouterr().err
