"""Pictures: what is drawn, in HTML and in plain text."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot_lib import show
from copilot_lib.cursor import Cursor, line_spans
from copilot_lib.samples import EXAMPLES

settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")  # a loaded machine is no failure

TEXTS = st.text(st.sampled_from("ab <>&\"'\n\r\t▏⟦🐍\x00\x1b") | st.characters(), max_size=40)


class Reader(HTMLParser):
    """Collects what a browser would show, and every attribute."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.shown, self.open, self.tags, self.attributes = "", [], set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.open.append(dict(attributes).get("style", ""))
        self.tags.add(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        if show.NUMBER not in self.open:
            self.shown += data


def drawn(text):
    return [show.visible(text[start:end]) for start, end in line_spans(text)]


@settings(max_examples=150)
@given(text=TEXTS, ghost=TEXTS, data=st.data())
def test_the_page_shows_the_lines_with_the_ghost_text_in_place(text, ghost, data):
    cursor = Cursor(text, data.draw(st.integers(0, len(text))))
    read = Reader(show.completion(cursor, ghost).html)
    assert read.open == []
    lines = drawn(text)
    own = show.visible(cursor.line_prefix) + "\n".join(drawn(ghost)) + show.visible(cursor.line_suffix)
    shown = show.window(len(lines) - (lines[-1] == "" and cursor.line < len(lines) - 1), cursor.line)
    expected = [own if n == cursor.line else lines[n] for n in shown]
    assert read.shown == "\n".join(expected)


@settings(max_examples=100)
@given(text=TEXTS, ghost=TEXTS, caption=TEXTS)
def test_nothing_in_a_text_becomes_markup(text, ghost, caption):
    read = Reader(show.completion(Cursor(text, 0), ghost, caption).html)
    assert read.tags <= {"pre", "span"}
    assert {name for name, _ in read.attributes} <= {"style", "role", "aria-label"}
    boxes = Reader(show.tokens([text, ghost], caption=caption).html)
    assert boxes.tags <= {"pre", "span"} and boxes.open == []


@given(text=TEXTS, ghost=TEXTS, caption=TEXTS)
def test_a_picture_can_always_be_written_and_is_always_the_same(text, ghost, caption):
    picture = show.completion(Cursor(text, len(text)), ghost, caption)
    boxes = show.tokens([text, ghost], caption=caption)
    (picture.html + picture.text + boxes.html + boxes.text).encode("utf-8")
    assert picture == show.completion(Cursor(text, len(text)), ghost, caption)


def test_characters_that_no_page_can_draw_are_drawn_as_symbols():
    picture = show.completion(Cursor("a\x1b\x00", 1), "\x07", "c\x7f\ud800")
    assert str(picture) == "c␡\ufffd\n1 │ a⟦␇⟧␛␀"
    assert Reader(picture.html).shown == "c␡\ufffda␇␛␀"
    assert str(show.tokens(["\ud800"], caption="\x00")) == "␀\n\ufffd"


def test_a_script_in_the_code_is_shown_and_not_run():
    before, ghost, after, caption = "<script>1</script>", "</div><b onclick='x'>", "<img src=x>", "<i>&amp;"
    picture = show.completion(Cursor(before + after, len(before)), ghost, caption)
    read = Reader(picture.html)
    assert read.tags == {"pre", "span"}
    assert read.shown == caption + before + ghost + after
    boxes = Reader(show.tokens([before, ghost, after], caption=caption).html)
    assert boxes.tags == {"pre", "span"}
    assert boxes.shown == (caption + before + ghost + after).replace("<b on", "<b·on").replace("<img src", "<img·src")


@pytest.mark.parametrize("name", EXAMPLES)
def test_colours_suit_a_light_and_a_dark_page(name):
    html = show.completion(EXAMPLES[name], "return 1", "caption").html + show.tokens(["a", "b"], mark=1).html
    styles = ";".join(value for attribute, value in Reader(html).attributes if attribute == "style")
    colours = re.findall(r"(?<![-\w])color:([^;]+)", styles)
    assert colours and set(colours) == {"inherit"}
    grounds = re.findall(r"background:([^;]+)", styles)
    assert all(ground == "#e8590c" or float(ground.rsplit(",", 1)[1].rstrip(")")) < 0.3 for ground in grounds)
    assert "class=" not in html and "<style" not in html


def test_the_label_is_the_plain_text():
    picture = show.completion(Cursor("f()\n", 2), "x", "call")
    assert dict(Reader(picture.html).attributes)["aria-label"] == str(picture) == repr(picture) == "call\n1 │ f(⟦x⟧)"


def test_the_caret_is_drawn_once_with_and_without_a_completion():
    for ghost in (None, "", "x\ny"):
        html = show.completion(Cursor("a\nf()\nb\n", 4), ghost).html
        assert html.count(show.CARET_BAR) == 1
        assert f'f(<span style="{show.CARET_BAR}">' in html


def test_a_completion_object_serves_as_well_as_its_text():
    cursor = Cursor("f()\n", 2)
    assert show.completion(cursor, SimpleNamespace(text="x")) == show.completion(cursor, "x")
    with pytest.raises(TypeError, match="cannot show a int: expected a completion or a string"):
        show.completion(cursor, 7)


def test_ghost_lines_have_no_number_and_the_rest_of_the_line_follows_the_last():
    assert str(show.completion(Cursor("a\nf()\nb\n", 4), "x,\n  y")) == "1 │ a\n2 │ f(⟦x,\n  │   y⟧)\n3 │ b"


def test_ghost_text_that_is_only_a_newline_is_not_a_caret():
    assert str(show.completion(Cursor("ab", 1), "\n")) == "1 │ a⟦\n  │ ⟧b"


def test_a_line_that_contains_the_caret_sign_is_not_the_cursors():
    assert str(show.completion(Cursor("a▏\nb", 4), "x")) == "1 │ a▏\n2 │ b⟦x⟧"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_newline_style_is_drawn_alike(newline):
    assert str(show.completion(Cursor.at(newline.join("abc"), 1, 1))) == "1 │ a\n2 │ b▏\n3 │ c"


@pytest.mark.parametrize("at", [0, 3, 50, 98, 99])
def test_a_long_file_shows_twelve_lines_with_the_cursors_among_them(at):
    text = "\n".join(f"line {n}" for n in range(100))
    lines = str(show.completion(Cursor.at(text, at, 0))).split("\n")
    assert len(lines) == 12
    assert sum("▏" in line for line in lines) == 1
    assert any(line.endswith(f"│ ▏line {at}") and line.split()[0] == str(at + 1) for line in lines)


def test_the_empty_line_after_the_last_newline_is_drawn_only_for_the_cursor():
    assert str(show.completion(Cursor("a\n", 0))) == "1 │ ▏a"
    assert str(show.completion(Cursor("a\n", 2))) == "1 │ a\n2 │ ▏"


def test_tokens_are_boxes_with_visible_blanks_and_marks():
    picture = show.tokens(["def", " f", "(", "\r\n", "\t", "x"], mark=[1, 5], caption="six")
    assert str(picture) == "six\ndef│⟦·f⟧│(│␍↵\n⇥│⟦x⟧"
    assert picture.html.count(show.MARKED) == 2
    assert Reader(picture.html).shown == "sixdef·f(␍↵\n⇥x"
    assert show.tokens(["a", "b"], mark=0).html.count(show.MARKED) == 1
    assert show.tokens(["a"]).html.count(show.MARKED) == 0


def test_the_examples_are_python_once_their_gap_is_filled():
    fills = {"fibonacci": "1", "binary_search": "if 1:\n            pass", "parse_config": "pass", "Calculator": "pass"}
    assert set(fills) == set(EXAMPLES)
    for name, cursor in EXAMPLES.items():
        compile(cursor.insert(fills[name]).text, name, "exec")
        assert name in cursor.prefix
    assert EXAMPLES["binary_search"].suffix.startswith("\n        elif arr[mid] > target:")
    assert EXAMPLES["parse_config"].suffix == ""
    assert EXAMPLES["Calculator"].line_prefix == " " * 8 and EXAMPLES["Calculator"].line_suffix == ""
