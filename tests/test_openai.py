"""OpenAI's protocol, asked by OpenAI's own client, and Mistral's."""

import json

import httpx
import openai
import pytest

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor

PREFIX, SUFFIX = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"
GAP = {"model": "pocket", "prompt": PREFIX, "suffix": SUFFIX}
LONG = "def first(values):\n    total = 0\n    for value in values:\n        total += value\n    return total\n\n\ndef second("


@pytest.fixture
def client(address):
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def expected(cursor, **options):
    return Completer.load("pocket").complete(cursor, **options).text


def test_a_gap_is_filled(client):
    answer = client.completions.create(**GAP)
    assert answer.choices[0].text == expected(Cursor(PREFIX + SUFFIX, len(PREFIX)))
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.model, answer.object) == ("pocket", "text_completion")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 10


def test_without_a_suffix_the_text_goes_on(client):
    assert client.completions.create(model="any", prompt=[PREFIX]).choices[0].text == expected(Cursor(PREFIX, len(PREFIX)))


@pytest.mark.parametrize(
    "prompt",
    [f"<fim_prefix>{PREFIX}<fim_suffix>{SUFFIX}<fim_middle>", f"<fim_prefix><fim_suffix>{SUFFIX}<fim_middle>{PREFIX}"],
    ids=["PSM", "SPM"],
)
def test_a_prompt_with_the_model_s_own_sentinels_is_a_gap(client, prompt):
    assert client.completions.create(model="x", prompt=prompt).choices[0].text == expected(Cursor(PREFIX + SUFFIX, len(PREFIX)))


@pytest.mark.parametrize(
    "prompt", ["x = '<fim_prefix>a<fim_suffix>b<fim_middle>'", "<fim_prefix>a<fim_suffix>b<fim_suffix>c<fim_middle>"]
)
def test_any_other_sentinel_is_text(client, prompt):
    assert client.completions.create(model="x", prompt=prompt).choices[0].text == expected(Cursor(prompt, len(prompt)))


def test_the_stream_says_the_same_as_the_whole_and_comes_in_pieces(client):
    asked = {"model": "pocket", "prompt": LONG, "max_tokens": 64, "stream": True, "stream_options": {"include_usage": True}}
    chunks = list(client.completions.create(**asked))
    texts = [chunk.choices[0].text for chunk in chunks if chunk.choices]
    assert "".join(texts) == expected(Cursor(LONG, len(LONG)), max_new_tokens=64)
    assert len(texts) > 2
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]].count("stop") == 1
    assert chunks[-1].usage.completion_tokens > 0


def test_the_wire_of_a_stream_is_one_line_of_json_each_and_ends_with_done(address):
    answer = httpx.post(f"{address}/v1/completions", json=GAP | {"stream": True}, timeout=60)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, last, end = answer.text.split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    assert all(json.loads(event.removeprefix("data: "))["object"] == "text_completion" for event in events)


def test_a_seed_draws_the_same_and_choices_differ(client):
    asked = GAP | {"temperature": 1.5, "n": 4, "seed": 7}
    first, second = (client.completions.create(**asked) for _ in range(2))
    assert [choice.text for choice in first.choices] == [choice.text for choice in second.choices]
    assert len({choice.text for choice in first.choices}) > 1
    assert [choice.index for choice in first.choices] == [0, 1, 2, 3]
    assert len({choice.text for choice in client.completions.create(**GAP, n=2).choices}) == 1


def test_limits_end_the_text(client):
    whole = client.completions.create(**GAP)
    assert client.completions.create(**GAP, max_tokens=1).choices[0].finish_reason == "length"
    assert client.completions.create(**GAP, stop=whole.choices[0].text[2]).choices[0].text == whole.choices[0].text[:2]


def test_mistral_s_endpoint_says_it_in_its_words(address):
    text = expected(Cursor(PREFIX + SUFFIX, len(PREFIX)))
    answer = httpx.post(f"{address}/v1/fim/completions", json=GAP, timeout=60).json()
    assert answer["choices"][0]["message"]["content"] == text
    streamed = httpx.post(f"{address}/v1/fim/completions", json=GAP | {"stream": True}, timeout=60).text
    events = [json.loads(event.removeprefix("data: ")) for event in streamed.split("\n\n")[:-2]]
    assert "".join(event["choices"][0]["delta"]["content"] for event in events) == text


@pytest.mark.parametrize(
    "fault",
    [
        {"prompt": None}, {"prompt": ["a", "b"]}, {"prompt": [1, 2]}, {"suffix": 5}, {"max_tokens": -1}, {"max_tokens": "12"},
        {"max_tokens": True}, {"temperature": -1}, {"temperature": "NaN"}, {"top_p": 0}, {"n": 0}, {"n": 99}, {"stop": ""},
        {"stop": ["a", ""]}, {"stop": ["x"] * 1000}, {"stream": "yes"}, {"logprobs": 1}, {"best_of": 4}, {"echo": True},
        {"logit_bias": {"5": 1}}, {"frequency_penalty": 0.5}, {"presence_penalty": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_honoured_is_refused_and_the_next_request_works(address, fault):
    answer = httpx.post(f"{address}/v1/completions", json=GAP | fault, timeout=60)
    assert answer.status_code == 422
    assert next(iter(fault)) in answer.json()["error"]["message"]
    assert httpx.post(f"{address}/v1/completions", json=GAP | {"max_tokens": 10**9}, timeout=60).status_code == 200


def test_the_model_and_its_properties_are_named(client, address):
    assert [model.id for model in client.models.list()] == ["pocket"]
    assert (
        httpx.get(f"{address}/props").json()["default_generation_settings"]["n_ctx"]
        == Completer.load("pocket").model.context_tokens
    )
