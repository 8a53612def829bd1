"""`POST /infill`, as llama.vim and llama.vscode send it."""

import json

import httpx
import pytest

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor

BEFORE, LINE, AFTER = "def area(width, height):\n", "    return ", "\n\n\nprint(area(2, 3))\n"
FIELDS = ["content", "timings/prompt_n", "timings/prompt_ms", "timings/prompt_per_token_ms", "timings/prompt_per_second"]
FIELDS += ["timings/predicted_n", "timings/predicted_ms", "timings/predicted_per_token_ms", "timings/predicted_per_second"]
FIELDS += ["truncated", "tokens_cached"]
VIM = {
    "id_slot": 0,
    "input_prefix": BEFORE,
    "input_suffix": AFTER,
    "input_extra": [{"text": "width = 3\n", "filename": "", "time": [12, 34]}],
    "prompt": LINE,
    "n_predict": 128,
    "stop": [],
    "n_indent": 4,
    "top_k": 40,
    "top_p": 0.9,
    "samplers": ["top_k", "top_p", "infill"],
    "stream": False,
    "cache_prompt": True,
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 1000,
    "response_fields": FIELDS,
    "model": "",
}
WARM_UP = {
    "id_slot": 0,
    "input_prefix": "",
    "input_suffix": "",
    "input_extra": [{"text": "x = 1\n", "filename": "a.py", "time": [1, 2]}],
    "prompt": "",
    "n_predict": 0,
    "temperature": 0.0,
    "stream": False,
    "samplers": [],
    "cache_prompt": True,
    "t_max_prompt_ms": 1,
    "t_max_predict_ms": 1,
    "response_fields": [""],
}
VSCODE = {key: value for key, value in VIM.items() if key not in ("stop", "response_fields", "model")} | {
    "top_p": 0.99,
    "n_cmpl": 3,
    "input_extra": [{"text": "x", "filename": "a.py", "time": 17}],
}


def ask(address, body):
    return httpx.post(f"{address}/infill", json=body, timeout=60)


def test_llama_vim_s_request_is_answered_with_the_fields_it_names(address):
    answer = ask(address, VIM)
    assert answer.status_code == 200
    assert list(answer.json()) == FIELDS
    cursor = Cursor(BEFORE + LINE + AFTER, len(BEFORE + LINE))
    assert answer.json()["content"] == Completer.load("pocket").complete(cursor).text
    assert answer.json()["truncated"] is False
    assert answer.text == json.dumps(answer.json(), separators=(",", ":"), ensure_ascii=False), "one compact line"


def test_no_further_line_is_indented_less_than_the_request_says(address):
    asked = {"input_prefix": "class A:\n    def f(self):\n        x = 1\n        ", "n_predict": 64}
    free, held = (ask(address, asked | {"n_indent": columns}).json()["content"] for columns in (0, 99))
    assert "\n" in free
    assert held == free.split("\n")[0].rstrip()


def test_llama_vscode_reads_nested_timings(address):
    answer = ask(address, VSCODE).json()
    assert answer["content"] == ask(address, VIM).json()["content"]
    assert answer["timings"]["predicted_n"] > 0
    assert isinstance(answer["tokens_cached"], int)


def test_a_warm_up_reads_the_prompt_and_writes_nothing(address):
    assert ask(address, WARM_UP).json() == {}
    assert ask(address, WARM_UP | {"response_fields": ["content"]}).json() == {"content": ""}


def test_what_was_read_is_not_read_again(address):
    new = VIM | {"input_prefix": "# new\n" + BEFORE, "response_fields": ["timings/prompt_n"]}
    assert ask(address, new).json()["timings/prompt_n"] > 6
    assert 0 < ask(address, new | {"prompt": LINE + "other"}).json()["timings/prompt_n"] < 6


def test_what_was_asked_before_is_answered_without_the_model(address):
    ask(address, VIM)
    assert ask(address, VIM).json()["timings/prompt_n"] == 0


def test_stop_strings_end_the_answer(address):
    whole = ask(address, VIM).json()["content"]
    assert len(whole) > 3
    stopped = ask(address, VIM | {"stop": ["", whole[2]]}).json()["content"]
    assert stopped == whole[: whole.index(whole[2])].rstrip()


FAULTS = {
    "no prefix": {"input_prefix": None},
    "a number for a prefix": {"input_prefix": 5},
    "an object for extra": {"input_extra": {}},
    "extra without text": {"input_extra": [{"filename": "a.py"}]},
    "numbers in extra": {"input_extra": [{"filename": 123, "text": 456}]},
    "ten thousand extras": {"input_extra": [{"text": "x"}] * 10_000},
    "fewer than no tokens": {"n_predict": -2},
    "a text for a number": {"n_predict": "12"},
    "true for a number": {"n_predict": True},
    "half a token": {"n_predict": 1.5},
    "a number for stop": {"stop": 5},
    "a thousand stops": {"stop": ["x"] * 1000},
    "a negative limit": {"t_max_prompt_ms": -1},
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_and_the_next_request_works(address, name):
    answer = ask(address, VIM | FAULTS[name])
    assert answer.status_code == 422
    assert next(iter(FAULTS[name])) in answer.json()["error"]["message"]
    assert ask(address, VIM).status_code == 200


@pytest.mark.parametrize("count", [-1, 1, 10**9])
def test_any_upper_bound_is_one(address, count):
    answer = ask(address, VIM | {"n_predict": count, "response_fields": ["timings/predicted_n"]})
    assert answer.status_code == 200
    assert answer.json()["timings/predicted_n"] <= (64 if count != 1 else 1)
