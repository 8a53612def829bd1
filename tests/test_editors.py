"""Real editors, as they are installed, ask the language server, and write into a file what the pocket model completes."""

import functools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor

TESTS = Path(__file__).parent
LONGEST_S = 60
EDITORS = {
    # name: command that runs a script, and arguments with which it fails where its client of language servers is missing
    "eglot.el": (
        ("emacs", "-q", "--batch", "-l"),
        ("emacs", "-q", "--batch", "--eval", "(progn (package-activate-all) (require 'eglot))"),
    ),
    "ale.vim": (
        ("vim", "-N", "-u", "NONE", "-i", "NONE", "-n", "--not-a-term", "-T", "dumb", "-S"),
        (
            "vim",
            "-N",
            "-u",
            "NONE",
            "-i",
            "NONE",
            "-n",
            "-es",
            "-c",
            "packadd ale",
            "-c",
            "if !exists(':ALEInfo') | cquit | endif",
            "-c",
            "qall!",
        ),
    ),
    "neovim.lua": (
        ("nvim", "-u", "NONE", "-i", "NONE", "-n", "--headless", "-S"),
        ("nvim", "-u", "NONE", "-es", "-c", "lua assert(vim.lsp.omnifunc)", "-c", "qall!"),
    ),
}
AREA = "def area(width, height):\n    return \n\n\nprint(area(2, 3))\n"
CASES = {
    # what is completed: text, line at whose end the cursor stands, what is typed there
    "a begun word": (AREA, 2, "wid"),
    "after an emoji": ("width = 1\nface = '🐍'; height = \n", 2, "wid"),
    "the first of several lines": ("def mean(values):\n    total = 0\n    for value in \n", 3, "val"),
}


@functools.cache
def completer():
    return Completer.load("pocket")


def run(command, **environment):
    """The exit status of a command, of which nothing is left after LONGEST_S."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=os.environ | environment, process_group=0, **quiet) as process:
        try:
            said, _ = process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said = f"{process.communicate()[0]}\nstopped after {LONGEST_S} seconds"
    return process.returncode, said


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("script", EDITORS)
def test_an_editor_writes_what_the_model_completes(script, case, tmp_path):
    command, probe = EDITORS[script]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    if run(probe)[0]:
        pytest.skip(f"{command[0]} is installed, its part that {script} needs is not: {' '.join(probe)} fails")
    text, line, typed = CASES[case]
    file = tmp_path / "area.py"
    file.write_text(text, encoding="utf-8")

    what = {"FILE": str(file), "LINE": str(line), "TYPED": typed}
    # The server starts where the file is, and has to find the package that is tested.
    where = {"PYTHON": sys.executable, "PYTHONPATH": str(TESTS.parent)}
    code, said = run([*command, TESTS / "editors" / script], **what, **where)
    assert code == 0, said
    assert file.read_text(encoding="utf-8") == completed(text, line, typed), said


def completed(text, line, typed):
    """The text with what was typed, and the first line of what the model writes there."""
    lines = text.split("\n")
    before = "\n".join(lines[:line]) + typed
    after = "\n".join(["", *lines[line:]])
    completion = completer().complete(Cursor(before + after, len(before))).text.split("\n")[0].rstrip()
    assert completion
    return before + completion + after
