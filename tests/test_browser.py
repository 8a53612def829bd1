"""A person in a browser: opens a chapter in JupyterLab, clicks into the editor, sees ghost text, presses Tab."""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import jupytext
import nbformat
import pytest

import copilot_lib
from copilot_lib.debounce import Debounce

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
CHAPTER = Path(__file__).parent.parent / "notebooks" / "00_first_completion.py"
SOURCE = "def add(a, b):\n    return \n\n\nadd(1, 2)\n"
PATIENCE_MS = 240_000
NOTICE_MS = 3_000

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the editor is not tested in a browser")


def wait_for(address, server, log):
    """Returns once the server answers; fails with its last words if it ends before."""
    for _ in range(PATIENCE_MS // 100):
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(timeout=0.1)
                break
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@pytest.fixture
def jupyterlab(tmp_path):
    """A JupyterLab on a free loopback port, with the chapter's set-up cell and an editor in its only notebook."""
    chapter = jupytext.read(CHAPTER)
    setup = next(cell for cell in chapter.cells if cell.cell_type == "code")
    editor = f"from copilot_lib.editor import Editor\neditor = Editor({SOURCE!r}, offset=26)\neditor"
    chapter.cells = [
        setup,
        nbformat.v4.new_code_cell(editor),
        nbformat.v4.new_code_cell("print(repr(editor.text), editor.events)"),
        nbformat.v4.new_code_cell("editor  # a second view of the same editor"),
    ]
    nbformat.write(chapter, tmp_path / "chapter.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    environment = os.environ | folders | {"COPILOT_MODEL": "pocket", "HF_HUB_OFFLINE": "1"}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/status", server, tmp_path / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/chapter.ipynb"
    finally:
        server.terminate()
        server.wait(timeout=30)


def run(cell):
    """Runs a cell and returns when it has its number; presses again, as a person would, where JupyterLab lost the keys."""
    from playwright.sync_api import expect

    prompt = cell.locator(".jp-InputPrompt").first
    for _ in range(PATIENCE_MS // NOTICE_MS):
        cell.locator(".cm-content").first.click()
        cell.page.keyboard.press("Shift+Enter")
        with contextlib.suppress(AssertionError):
            expect(prompt).not_to_have_text("[ ]:", timeout=NOTICE_MS)
            break
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=PATIENCE_MS)


def put_away(dialog):
    """Presses the last button of a dialog, the offered one, and says what it asked: a slow machine brings some up."""
    print("JupyterLab asked:", dialog.text_content())
    dialog.locator(".jp-Dialog-footer button").last.click()


def test_click_ask_tab_and_python_holds_the_text(jupyterlab):
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        dialog = page.locator("dialog.jp-Dialog").first
        page.add_locator_handler(dialog, lambda: put_away(dialog))
        page.goto(jupyterlab)
        # Keys that come before the kernel is there are lost on a slow machine.
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first.wait_for(state="attached")
        cells = page.locator(".jp-Notebook .jp-CodeCell")
        run(cells.nth(0))
        run(cells.nth(1))
        editor = page.locator(".copilot-editor")
        editor.wait_for()
        editor.locator(".cm-line").nth(1).click()
        page.keyboard.press("End")
        page.keyboard.press("Alt+]")
        ghost = page.locator(".copilot-ghost")
        ghost.wait_for()
        suggested = ghost.text_content()
        assert suggested
        page.keyboard.press("Tab")
        expect(ghost).to_have_count(0)
        expect(editor.locator(".copilot-status")).to_contain_text("fim")
        run(cells.nth(2))
        said = cells.nth(2).locator(".jp-OutputArea-output").text_content()
        run(cells.nth(3))
        second = page.locator(".copilot-editor").nth(1)
        second.locator(".cm-line").nth(1).click()
        page.keyboard.press("Alt+]")
        expect(second.locator(".copilot-status")).not_to_contain_text("asking")
        expect(second.locator(".copilot-status")).to_contain_text("ms")
        browser.close()
    assert repr(SOURCE.replace("return ", "return " + suggested)) in said
    assert "'kind': 'accepted'" in said


def test_the_page_waits_as_long_as_python_says():
    from playwright.sync_api import sync_playwright

    draw = random.Random(0)
    gaps = [draw.choice((40, 90, 150, 400, 3000)) for _ in range(60)]
    answers = [draw.choice((None, 20, 150, 600)) for _ in gaps]
    source = (Path(copilot_lib.__file__).parent / "editor" / "src" / "debounce.js").read_text(encoding="utf-8")
    typing = """async ([source, gaps, answers, most]) => {
        const made = (await import("data:text/javascript," + encodeURIComponent(source))).debounce();
        let now = 0;
        return gaps.map((gap, n) => {
            if (answers[n] !== null) made.answered(answers[n]);
            return made.typed((now += gap), most);
        });
    }"""
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET).new_page()
        in_the_page = page.evaluate(typing, [source, gaps, answers, 300])
    rhythm, now, expected = Debounce(300), 0, []
    for gap, answer in zip(gaps, answers, strict=True):
        if answer is not None:
            rhythm.answered(answer)
        now += gap
        expected.append(rhythm.typed(now))
    assert in_the_page == pytest.approx(expected)
    assert len(set(map(round, expected))) > 20
