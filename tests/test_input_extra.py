"""What `/infill` brings of other files: shown to models that are to be shown it, within the budget, and never mixed up."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot_lib.completer import CONTEXT_SHARE, Completer
from copilot_lib.cursor import Cursor
from copilot_lib.formats import FORMATS
from copilot_lib.server.extra import MOST_CHARACTERS, MOST_PIECES, brought

BEFORE, LINE, AFTER = "def area(width, height):\n", "    return ", "\n\n\nprint(area(2, 3))\n"
GAP = {"input_prefix": BEFORE, "prompt": LINE, "input_suffix": AFTER}
CURSOR = Cursor(BEFORE + LINE + AFTER, len(BEFORE + LINE))
TIMES = {"filename": "shapes.py", "text": "def area(width, height):\n    return surface(width, height)\n"}
DOOR = {"filename": "door.py", "text": "def door(key):\n    return open_the_door(key)\n", "time": [12, 34]}
NEW_TOKENS = 64
SHARE = int((512 - NEW_TOKENS - 4) * CONTEXT_SHARE)


@cache
def pocket():
    return Completer.load("pocket")


def expected(*pieces):
    """What the model says when it is shown these."""
    return pocket().complete(CURSOR, place=brought((piece["filename"], piece["text"]) for piece in pieces)).text


def ask(address, *pieces, **more):
    answer = httpx.post(f"{address}/infill", json=GAP | {"input_extra": pieces} | more, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def showing(serving):
    """A server that shows the pocket model what requests bring."""
    with serving("--context") as (address, _):
        yield address


def test_the_answer_is_another_one_where_another_file_says_what_is_meant(showing):
    assert expected(TIMES) != expected()
    assert ask(showing)["content"] == expected()
    assert ask(showing, TIMES)["content"] == expected(TIMES)


def test_a_small_model_is_shown_nothing_unless_the_server_was_told_to(address):
    assert ask(address, TIMES)["content"] == expected()
    assert ask(address, TIMES)["tokens_evaluated"] == ask(address)["tokens_evaluated"]


def test_what_was_remembered_with_other_pieces_is_not_the_answer(showing):
    """Each is asked twice, so that the second time it comes from memory; the order of pieces is part of the question."""
    questions = [(), (TIMES,), (DOOR,), (TIMES, DOOR), (DOOR, TIMES)]
    answers = [expected(*pieces) for pieces in questions]
    assert len(set(answers)) > 1
    assert [ask(showing, *pieces)["content"] for pieces in questions] == answers
    again = [ask(showing, *pieces) for pieces in questions]
    assert [answer["content"] for answer in again] == answers
    assert [answer["timings"]["prompt_n"] for answer in again] == [0] * len(questions), "from memory"


def test_requests_at_once_share_no_run_where_their_pieces_differ(showing):
    named = [TIMES | {"filename": f"shapes{n}.py"} if n % 2 else DOOR | {"filename": f"door{n}.py"} for n in range(8)]
    with ThreadPoolExecutor(len(named)) as editors:
        answers = list(editors.map(lambda piece: ask(showing, piece)["content"], named))
    assert answers == [expected(piece) for piece in named]
    assert len(set(answers)) > 1, "not all of them were shown the same"


def test_the_newest_piece_stands_last_and_is_the_one_that_stays_where_not_all_fit():
    many = brought((f"f{n}.py", f"value_{n} = {n}\n" * 9) for n in range(MOST_PIECES))
    prompt = pocket().model.codec.decode(pocket().prompt(CURSOR, NEW_TOKENS, place=many).ids)
    shown = [n for n in range(MOST_PIECES) if f"# f{n}.py:" in prompt]
    assert shown and shown == list(range(shown[0], MOST_PIECES))
    assert shown[0] > 0, "there was no room for all"
    assert prompt.index(f"f{shown[0]}.py") <= prompt.index(f"f{MOST_PIECES - 1}.py") < prompt.index("def area")


anything = st.text() | st.text("\n ab#\t\r", max_size=400) | st.sampled_from(sorted(FORMATS[0].spellings))


@settings(max_examples=60)
@given(st.lists(st.tuples(anything, anything), max_size=20))
def test_the_budget_is_kept_to_the_token_and_all_that_is_brought_is_text(pieces):
    codec = pocket().model.codec
    prompt = pocket().prompt(CURSOR, NEW_TOKENS, place=brought(pieces))
    assert prompt.context_count <= SHARE
    assert len(prompt.ids) <= 512 - NEW_TOKENS
    assert sum(id in codec.stop_ids for id in prompt.ids) == len(codec.format.sentinels), "the prompt's own, and no more"


HUGE = "x = 1\n" * 700_000
HOSTILE = {
    "megabytes of lines": [{"text": HUGE}] * 2,
    "a line of megabytes": [{"text": "x" * 4_000_000}],
    "a thousand of them": [{"text": "a = 1\n" * 1000, "filename": "a.py"}] * 1000,
    "lines of nothing": [{"text": "\n" * 1_000_000 + "x"}],
    "a name of megabytes": [{"text": "x = 1", "filename": "a/" * 2_000_000}],
    "a name of several lines": [{"text": "x = 1", "filename": "a.py\nimport os\x1b[2J"}],
    "sentinels": [{"text": mark, "filename": mark} for format in FORMATS for mark in format.spellings],
    "odd ends of lines": [{"text": "a\r\nb\rc\u2028d\x0ce\x85"}],
    "NUL": [{"text": "\0\0", "filename": "\0"}],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_hostile_is_survived_within_the_budget_and_the_next_request_works(showing, name):
    alone = ask(showing, n_predict=8)["tokens_evaluated"]
    assert ask(showing, *HOSTILE[name], n_predict=8)["tokens_evaluated"] <= alone + int((512 - 8 - 4) * CONTEXT_SHARE)
    assert ask(showing, TIMES)["content"] == expected(TIMES)


@pytest.mark.parametrize(
    "piece",
    [
        ("conf/secrets.yaml", "password = 'x'\n"),
        ("/srv/me/.netrc", "machine a login b\n"),
        ("C:\\keys\\id_rsa", "x = 1\n"),
        ("settings.py", f"KEY = 'AKIA{'A1B2' * 4}'\n"),
        ("bundle.js", "a=1;" * 500),
        ("blank.py", " \n\n"),
    ],
    ids=lambda piece: piece[0],
)
def test_what_is_not_for_reading_in_a_repository_is_not_shown(piece):
    assert brought([piece]) is None
    assert [shown.file for shown in brought([("a.py", "x = 1\n"), piece]).pieces] == ["a.py"]


def test_what_is_remembered_with_a_request_is_bounded():
    place = brought([("a.py", HUGE)] * 1000)
    assert len(place.pieces) == MOST_PIECES
    assert all(len(piece.text) <= MOST_CHARACTERS for piece in place.pieces)
