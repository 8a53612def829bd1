"""The page of two contestants: filters without scripts, fits a phone, and shows hostile code as text."""

import re
import shutil
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import compare_page, report
from copilot_lib.cursor import Cursor
from copilot_lib.frozen import Frozen, Label
from copilot_lib.replies import Reply
from copilot_lib.targets import Target

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
HOSTILE = (
    "</pre></article><script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
    "\u202e\x00\x1b[2J'\"&"
)
NAMES = ("one", "two & <b>")
SAID = [("x + 0", "wrong"), ("wrong", "x + 1"), ("x + 2", "x + 2"), ("", HOSTILE), (HOSTILE, "x + 4" * 200)]
"""What each of the two said: right is `x +` and the number of the place."""


def target(n):
    text = f"# {HOSTILE}\ndef f(x):\n    return \n\n\n{'long = 1; ' * 80}\n"
    return Target(Cursor(text, text.index("return ") + 7), f"x + {n}", f"{HOSTILE[:20]}{n}.py:3:12", "rest of line")


@pytest.fixture(scope="module")
def page():
    targets = [target(n) for n in range(len(SAID))]
    asked = Frozen(f"shop {HOSTILE}", targets, [Label("above", True)] * len(targets), [], {}, {}, "0")
    said = [[Reply(text, True, text, None) for text in of_one] for of_one in zip(*SAID, strict=True)]
    record = report.record(asked, dict(zip(NAMES, said, strict=True)), [NAMES])
    return compare_page.page(asked, record, NAMES, *said)


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_element_is_closed_and_none_came_from_the_code(page):
    elements = Elements(page)
    assert elements.open == []
    tags = {tag for tag, _ in elements.seen}
    assert not tags & {"script", "img", "link", "iframe", "a"}
    assert not [
        name for _, attributes in elements.seen for name in attributes if name.startswith("on") or name in ("src", "href")
    ]
    assert len([tag for tag, _ in elements.seen if tag == "article"]) == len(SAID)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)
    assert "default-src 'none'" in page


@given(st.text(), st.text())
def test_an_answer_is_whole_whatever_is_marked_in_it(answer, reference):
    marked = compare_page.marked(answer, reference)
    shown = re.sub(r"</?mark[^>]*>", "", marked)
    if answer and all(len(line) <= compare_page.MOST_CHARACTERS for line in answer.split("\n")):
        assert shown == compare_page.drawn(answer)
    if answer and answer == reference:
        assert "class=other" not in marked


def test_words_that_differ_are_marked_otherwise():
    assert compare_page.marked("x - 1", "x + 1") == "<mark>x </mark><mark class=other>-</mark><mark> 1</mark>"
    assert compare_page.marked("", "x") == "<i>nothing</i>"


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the page is not looked at in a browser")
def test_in_a_browser_filters_work_on_a_phone_and_nothing_runs(page, tmp_path):
    from playwright.sync_api import sync_playwright

    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        shown = browser.new_page(viewport={"width": 390, "height": 844})
        asked_for, errors = [], []
        shown.on("request", lambda request: asked_for.append(request.url))
        shown.on("pageerror", lambda error: errors.append(error))
        shown.goto(file.as_uri())
        visible = shown.locator("article:visible")
        counts = {}
        for who in ("first", "second", "both", "none", "all"):
            shown.locator(f'label[for="who-{who}"]').click()
            counts[who] = visible.count()
        assert counts == {"first": 1, "second": 1, "both": 1, "none": 2, "all": 5}
        shown.locator('label[for="who-both"]').click()
        assert visible.locator(".right").count() == 2
        shown.locator('input[name="who"]:checked').press("ArrowLeft")  # by keyboard too
        assert "x + 1" in visible.inner_text()
        width = shown.evaluate("document.documentElement.scrollWidth")
        style = "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
        lightness = {}
        for scheme in ("light", "dark"):
            shown.emulate_media(color_scheme=scheme)
            lightness[scheme] = [sum(map(int, re.findall(r"\d+", ink))) for ink in shown.evaluate(style)]
        title = shown.title()
        browser.close()
    assert width == 390, "nothing but code scrolls sideways"
    (ink, paper), (ink_at_night, paper_at_night) = lightness["light"], lightness["dark"]
    assert ink + 500 < paper and paper_at_night + 500 < ink_at_night
    assert title.startswith("one and two & <b> in shop") and errors == []
    assert asked_for == [file.as_uri()]
