"""The editor driven from Python: the same moves that a hand makes, and what becomes of the suggestion."""

import hashlib
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor
from copilot_lib.editor import WORD, Editor, summary

SOURCE = "def add(a, b):\n    return \n\n\nadd(1, 2)\n"


def completes(text):
    times = {"prompt": 1.0, "prefill": 20.0, "decode": 20.0, "postprocess": 0.1, "total": 41.1}
    return lambda cursor: Completion(text, (1, 2, 3), "fim", "end", times, 30, 0)


@pytest.fixture
def editor():
    made = Editor(SOURCE, complete=completes("a + b"))
    made.place(1, 11)
    return made


def kinds(editor):
    return [event["kind"] for event in editor.events]


def test_asking_shows_and_accepting_inserts(editor):
    assert editor.ask().text == editor.suggestion == "a + b"
    assert editor.status == "fim · 3 tokens · 41 ms"
    editor.accept()
    assert editor.text == SOURCE.replace("return ", "return a + b")
    assert editor.cursor.line_prefix == "    return a + b"
    assert editor.suggestion == ""
    assert editor.events == [{"kind": "shown", "text": "a + b"}, {"kind": "accepted", "text": "a + b"}]


def test_accepting_word_by_word_gives_the_whole(editor):
    editor.ask()
    words = []
    while editor.suggestion:
        before = editor.text
        editor.accept_word()
        words.append(len(editor.text) - len(before))
    assert words == [1, 2, 2]
    assert "return a + b\n" in editor.text


@given(st.text(min_size=1))
def test_a_word_is_never_empty_where_there_is_one(text):
    word = WORD.match(text)
    assert (word is None) == (not text.strip())
    assert word is None or (word[0].strip() and text.startswith(word[0]))


def test_rejecting_drops_the_suggestion_and_is_noted(editor):
    editor.ask()
    editor.reject()
    assert (editor.suggestion, editor.text) == ("", SOURCE)
    assert kinds(editor) == ["shown", "rejected"]


def test_typing_what_is_suggested_shrinks_it_and_anything_else_drops_it(editor):
    editor.ask()
    editor.type("a +")
    assert editor.suggestion == " b"
    editor.type("c")
    assert editor.suggestion == ""


def test_moving_the_caret_drops_the_suggestion(editor):
    editor.ask()
    editor.place(0, 0)
    assert editor.suggestion == ""


def test_with_nothing_suggested_accept_and_reject_change_nothing(editor):
    for move in (editor.accept, editor.accept_word, editor.reject):
        assert move().text == SOURCE
    assert editor.events == []


def test_a_place_outside_is_refused_and_nothing_moves(editor):
    with pytest.raises(ValueError, match="line"):
        editor.place(99, 0)
    assert editor.cursor.line == 1


def message(editor, **content):
    editor._handle_custom_msg(content, [])


def ask(editor, number, text=SOURCE, offset=26):
    message(editor, kind="ask", number=number, text=text, offset=offset)


def test_a_request_of_the_page_is_answered_with_its_number(editor):
    ask(editor, 7)
    assert (editor.answered, editor.suggestion) == (7, "a + b")


def test_a_request_is_about_the_text_that_came_with_it():
    """Text and caret are traits too, but a trait's change may wait behind another while the request overtakes it."""
    asked = []
    editor = Editor("old", complete=lambda cursor: asked.append(cursor) or completes("!")(cursor))
    ask(editor, 1, "newer", 5)
    assert asked == [Cursor("newer", 5)]
    assert editor.text == "old", "what the page holds is not overwritten by an answer"


def test_the_stop_button_is_an_answer_too():
    def interrupted(cursor):
        raise KeyboardInterrupt

    editor = Editor(SOURCE, complete=interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask(editor, 3)
    assert (editor.answered, editor.status) == (3, "no completion: the kernel was interrupted")


def test_an_event_of_the_page_is_kept_and_nonsense_is_not(editor):
    message(editor, kind="event", event={"kind": "accepted", "text": "x"})
    message(editor, kind="event", event={"kind": "deleted everything", "text": "x"})
    message(editor, kind="ask", number="seven", text="x", offset=0)
    assert kinds(editor) == ["accepted"]


def test_a_failing_completer_becomes_a_status_line_and_the_editor_goes_on():
    def fails(cursor):
        raise ValueError("the model is on holiday")

    editor = Editor(SOURCE, complete=fails)
    ask(editor, 1)
    assert editor.status == "no completion: the model is on holiday"
    assert editor.answered == 1
    with pytest.raises(ValueError, match="holiday"):
        editor.ask()


def test_the_static_twin_is_the_picture_of_the_same_cursor(editor):
    editor.ask()
    assert "⟦a + b⟧" in str(editor.show())


def test_any_newline_style_becomes_the_pages_own():
    assert Editor("a\r\nb\rc").text == "a\nb\nc"


def test_what_is_typed_or_suggested_in_another_style_becomes_the_pages_own():
    editor = Editor("f()", complete=completes("a\r\nb"))
    editor.type("x\r\ny\rz")
    assert editor.text == "f()x\ny\nz"
    editor.ask()
    assert editor.suggestion == "a\nb"


def test_nothing_to_add_is_said():
    assert summary(completes("")(None)).endswith("nothing to add")


def test_the_default_completer_is_the_one_pipeline(monkeypatch):
    monkeypatch.setenv("COPILOT_MODEL", "pocket")
    from copilot_lib.completer import complete

    editor = Editor(SOURCE)
    editor.place(1, 11)
    assert editor.ask().text == complete(editor.cursor).text


def test_the_bundle_was_built_from_these_sources_with_the_locked_versions():
    folder = Path(sys.modules["copilot_lib.editor"].__file__).parent
    sources = b"".join((folder / name).read_bytes() for name in ("src/editor.js", "package-lock.json"))
    first = (folder / "editor.bundle.js").read_text().split("\n")[0]
    assert first == f"// sources {hashlib.sha256(sources).hexdigest()}", "run `npm ci && npm run build` in copilot_lib/editor"
    wanted = json.loads((folder / "package.json").read_text())
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert locked[f"node_modules/{name}"]["version"] == version
