"""Draws the README's picture: a real completion at its cursor, on a light and on a dark page.

It knows the renderer and a browser; it does not choose what the model says.

    python book/make_readme_picture.py
"""

import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from copilot_lib import sample, show
from copilot_lib.completer import Completer

PLACE = "a loop"
"""One of the sample's places; a small file with a small gap makes a small picture."""
FIGURES = Path(__file__).parent / "figures"
TEXT = FIGURES / "completion.txt"
"""The same as text: a test holds it to what the model says, so that the picture cannot grow old unseen."""
PAGES = {"light": ("#ffffff", "#1f2328"), "dark": ("#0d1117", "#e6edf3")}
"""Background and text colour of the pages that GitHub shows a README on."""
WIDTH = 640


def page(body: str, background: str, colour: str) -> str:
    """A whole page around a picture; a margin of 8 pixels keeps its frame."""
    return f'<!doctype html><meta charset="utf-8"><body style="margin:8px;background:{background};color:{colour}">{body}</body>'


def main() -> None:
    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not browser_path:
        raise SystemExit("a browser is needed: install chromium, or name one in CHROMIUM")
    cursor = next(place.cursor for place in sample.places() if place.name == PLACE)
    completer = Completer.load("pocket")
    picture = show.completion(cursor, completer.complete(cursor))
    FIGURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, (background, colour) in PAGES.items():
            view = browser.new_page(viewport={"width": WIDTH, "height": 100}, device_scale_factor=2)
            view.set_content(page(picture.html, background, colour))
            view.screenshot(path=FIGURES / f"completion-{name}.png", full_page=True)
        browser.close()
    TEXT.write_text(f"{picture}\n", encoding="utf-8")
    print(picture)


if __name__ == "__main__":
    main()
