"""One completion from cursor to text, with the model that ships."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.completer import STEPS, Completer, complete, has_meaningful_suffix, line_end, share
from copilot_lib.cursor import Cursor
from copilot_lib.engine import Cancel
from copilot_lib.samples import EXAMPLES
from copilot_lib.sampling import Sampling
from copilot_lib.stopping import repeats_suffix


@pytest.fixture(scope="module")
def completer():
    return Completer.load("pocket")


def test_text_below_means_fill_in_the_middle_and_none_means_left_to_right(completer):
    assert completer.complete(EXAMPLES["binary_search"], max_new_tokens=4).mode == "fim"
    assert completer.complete(EXAMPLES["parse_config"], max_new_tokens=4).mode == "left-to-right"
    assert not has_meaningful_suffix(Cursor("x = \n  \n", 4))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_completion_says_all_that_is_known_about_it(completer, name):
    completion = completer.complete(EXAMPLES[name])
    assert completion.stopped
    assert set(completion.times_ms) == {"prompt", "prefill", "decode", "postprocess", "total"}
    parts = [ms for stage, ms in completion.times_ms.items() if stage != "total"]
    assert min(parts) >= 0
    assert completion.times_ms["prefill"] > 0
    assert sum(parts) == pytest.approx(completion.times_ms["total"], rel=0.05)
    assert 0 < completion.prompt_tokens < completer.model.context_tokens


def test_greedy_completion_repeats_and_so_does_a_seed(completer):
    cursor = EXAMPLES["binary_search"]
    assert completer.complete(cursor).text == completer.complete(cursor).text
    warm = Sampling(temperature=1.0, seed=4)
    assert completer.complete(cursor, sampling=warm).tokens == completer.complete(cursor, sampling=warm).tokens


def test_suffix_first_reuses_all_but_the_new_tokens_of_a_keystroke(completer):
    cursor = EXAMPLES["Calculator"]
    completer.complete(cursor, order="SPM", max_new_tokens=8)
    typed = Cursor(cursor.prefix + "result" + cursor.suffix, cursor.offset + 6)
    completion = completer.complete(typed, order="SPM", max_new_tokens=8)
    assert completion.prompt_tokens - completion.reused_tokens <= 8


def test_a_completion_inside_a_line_stays_in_the_line(completer):
    cursor = Cursor("import os\n\nfor name in os.listdir():\n    print(name)\n", 31)
    assert "\n" not in completer.complete(cursor).text
    assert line_end("a\nb", cursor) == 1
    assert line_end("a\nb", Cursor("x\ny", 1)) is None


def test_a_file_of_any_length_fits_into_the_prompt(completer):
    long = "value = compute(1)\n" * 20_000
    for offset in (0, len(long) // 2, len(long)):
        prompt = completer.prompt(Cursor(long, offset), max_new_tokens=32)
        assert len(prompt.ids) + 32 <= completer.model.context_tokens


def test_an_empty_file_and_a_blank_one_are_completed_without_complaint(completer):
    for text in ("", "\n", "   \n\t\n"):
        assert completer.complete(Cursor(text, 0), max_new_tokens=4).mode == "left-to-right"


@given(st.integers(1, 5000), st.integers(0, 20_000), st.integers(0, 20_000))
def test_the_window_is_never_too_large_and_never_smaller_than_it_must_be(room, prefix_count, suffix_count):
    prefix_tokens, suffix_tokens = share(room, prefix_count, suffix_count)
    assert 0 <= prefix_tokens <= prefix_count
    assert 0 <= suffix_tokens <= suffix_count
    assert prefix_tokens + suffix_tokens <= room
    if prefix_count + suffix_count > room:
        assert prefix_tokens + suffix_tokens >= room - 2 * max(1, room // STEPS)


def test_typing_in_a_file_longer_than_the_window_computes_little(completer):
    """Suffix first: nearly every keystroke changes the end of the prompt alone, since the window's edges move in steps."""
    text = "".join(f"def f{n}(value):\n    return value + {n}\n\n\n" for n in range(400))
    at, line = text.index("def f300"), "result = compute_the_value_of(everything, that, is, known)"
    computed = []
    for typed in range(60):
        cursor = Cursor(text[:at] + line[:typed] + text[at:], at + typed)
        completion = completer.complete(cursor, order="SPM", max_new_tokens=2)
        computed.append(completion.prompt_tokens - completion.reused_tokens)
    assert sorted(computed)[len(computed) // 2] <= 4
    assert sum(count > 40 for count in computed) <= 3


def test_the_default_model_completes_without_being_named(monkeypatch):
    monkeypatch.setenv("COPILOT_MODEL", "pocket")
    cursor = EXAMPLES["binary_search"]
    assert complete(cursor).text == Completer.load("pocket").complete(cursor).text


@pytest.mark.parametrize("name", EXAMPLES)
def test_windows_newlines_change_no_answer_and_come_back(completer, name):
    cursor = EXAMPLES[name]
    windows = Cursor(cursor.text.replace("\n", "\r\n"), len(cursor.prefix.replace("\n", "\r\n")))
    assert completer.complete(windows).text == completer.complete(cursor).text.replace("\n", "\r\n")


def test_a_cursor_between_the_halves_of_a_newline_is_at_the_end_of_its_line(completer):
    text = "def f(x):\r\n    return \r\nf(1)\r\n"
    at = text.index("return ") + 7
    before, between = (completer.prompt(Cursor(text, offset), 8).ids for offset in (at, at + 1))
    assert before == between


def test_limits_and_stop_strings_reach_the_engine(completer):
    cursor = EXAMPLES["binary_search"]
    assert completer.complete(cursor, prefill_ms=-1).stopped == "prefill time"
    assert completer.complete(cursor, decode_ms=-1).stopped == "decode time"
    whole = completer.complete(cursor).text
    stop = whole[len(whole) // 2]
    cut = completer.complete(cursor, stop=[stop])
    assert cut.stopped == "stop string"
    assert cut.text == whole[: whole.index(stop)].rstrip()
    cancel = Cancel()
    cancel.cancel()
    assert completer.complete(cursor, cancel=cancel).stopped == "cancelled"


def test_what_was_cut_off_is_not_taken_for_a_finished_line():
    """The line below begins as the answer does: a repetition if the model ended there, not if its tokens ran out."""
    below = Cursor("total = 1\n\ntotal = 10\n", 10)
    assert repeats_suffix("total = 10" + below.line_suffix + "\n", below) == 0
    beside = Cursor("x =  # note\nx = 100\n", 4)
    assert repeats_suffix("100" + beside.line_suffix + "\n", beside) is None
