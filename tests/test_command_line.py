"""The command line as a person meets it: real processes, one clear line for bad input."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from copilot_lib import __main__
from copilot_lib.__main__ import main
from copilot_lib.models import POCKET

ROOT = Path(__file__).parent.parent
FILE = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return \n\n\nprint(subtract(2, 1))\n"


def run(*words, stdin=None):
    command = [sys.executable, "-m", "copilot_lib", *words]
    return subprocess.run(command, input=stdin, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(FILE)
    return path


def test_help_answers_without_importing_torch():
    code = """
import sys
from copilot_lib.__main__ import main
try:
    main(["--help"])
except SystemExit:
    assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert b"complete" in done.stdout


def test_a_file_and_standard_input_give_the_same_completion(file):
    from_file = run("complete", f"{file}:6:12")
    from_stdin = run("complete", "-:6:12", stdin=FILE.encode())
    assert from_file.returncode == from_stdin.returncode == 0, from_file.stderr.decode()
    assert from_file.stdout == from_stdin.stdout


def test_json_says_everything(file, capsys):
    assert main(["complete", f"{file}:6:12", "--json"]) == 0
    completion = json.loads(capsys.readouterr().out)
    assert completion["mode"] == "fim"
    assert {"prompt", "prefill", "decode", "postprocess", "total"} == completion["times_ms"].keys()
    assert {"text", "tokens", "stopped"} <= completion.keys()


def test_show_draws_the_completion_in_its_place(file, capsys):
    main(["complete", f"{file}:6:12"])
    text = capsys.readouterr().out.rstrip("\n")
    assert text
    main(["complete", f"{file}:6:12", "--show"])
    assert f"return ⟦{text.split(chr(10))[0]}" in capsys.readouterr().out


def test_a_byte_order_mark_is_not_a_character_of_the_first_line(tmp_path, capsys):
    for name, start in (("with", b"\xef\xbb\xbf"), ("without", b"")):
        (tmp_path / name).write_bytes(start + FILE.encode())
        assert main(["complete", f"{tmp_path / name}:6:12"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


def test_with_a_project_the_model_is_shown_other_files_of_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COPILOT_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "shop"
    root.mkdir()
    (root / "cart.py").write_text("class Cart:\n    def grand_total(self, rate: float) -> float:\n        return rate\n")
    (root / "main.py").write_text("from cart import Cart\n\ncart = Cart()\nprint(cart.)\n")
    assert main(["complete", f"{root / 'main.py'}:4:12", "--project", str(root), "--show-context"]) == 0
    output = capsys.readouterr()
    assert "cart.py:1-3" in output.err and "def grand_total(self, rate: float)" in output.err
    assert "cart.py" not in output.out, "what is completed stands alone on standard output"
    assert main(["complete", f"{root / 'main.py'}:4:12", "--project", str(tmp_path / "cache")]) == 2
    assert "give a project that the file belongs to" in capsys.readouterr().err


def test_with_n_grams_of_a_project_what_it_says_elsewhere_is_said_here(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COPILOT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "till.py").write_text("def total(basket):\n    return sum(map(zloty_price_of, basket.drawers))\n")
    (tmp_path / "new.py").write_text("def total_of_all(basket):\n    return sum(map(zloty\n")
    words = ["complete", f"{tmp_path / 'new.py'}:2:25", "--ngrams"]
    assert main([*words, "--project", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "_price_of, basket.drawers))\n"
    assert main(words) == 2
    assert "name its folder with --project" in capsys.readouterr().err


def test_the_demo_shows_the_picture_of_the_readme_and_a_binary_search(capsys):
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert (ROOT / "book" / "figures" / "completion.txt").read_text().strip() in out
    assert "def binary_search" in out
    assert out.count(" ms\n") == 2


@pytest.fixture
def half_a_model(tmp_path):
    """The pocket model, as an interrupted download leaves it."""
    folder = Path(shutil.copytree(POCKET, tmp_path / "half"))
    weights = folder / "model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[: 10**6])
    return folder


BAD = {
    "a device without end": (["complete", "/dev/zero:1:1"], "more than 50 MB"),
    "no such file": (["complete", "nowhere.py:1:1"], "no such file"),
    "a folder": (["complete", "tests:1:1"], "is a directory"),
    "no column": (["complete", "app.py:12"], "expected FILE:LINE:COL"),
    "a word for a number": (["complete", "app.py:one:2"], "expected FILE:LINE:COL"),
    "past the last line": (["complete", "{file}:99:1"], "lines 1 to 10"),
    "past the end of a line": (["complete", "{file}:2:99"], "columns 1 to 17"),
    "line zero": (["complete", "{file}:0:1"], "lines 1 to 10"),
    "a model that is not there": (["complete", "{file}:6:12", "--model", "pokcet"], "neither a folder nor a hub id"),
    "no corpus": (["pretrain", "--folder", "nowhere", "--steps", "1"], "copilot_lib corpus"),
    "a model file cut in half": (
        ["complete", "{file}:6:12", "--model", "{half}"],
        "a folder without a model that can be loaded",
    ),
    "nowhere to write": (["sample", "--output", "nowhere/x.json"], "nowhere/x.json: No such file"),
    "no measurements": (["card", "--quality", "nowhere.json", "--model", "nowhere"], "nowhere"),
    "more tokens than the model has": (["complete", "{file}:6:12", "--max-new-tokens", "9999"], "ask for fewer"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_on_stderr_and_status_2(name, file, half_a_model, capsys):
    words, expected = BAD[name]
    assert main([word.format(file=file, half=half_a_model) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert err.count("\n") == 1


def test_closed_standard_streams_end_quietly(file):
    command = f"{sys.executable} -m copilot_lib"
    closed = subprocess.run(f"{command} complete -:1:1 <&-", shell=True, capture_output=True, check=False)
    assert (closed.returncode, closed.stderr.count(b"\n")) == (2, 1)
    assert b"standard input is closed" in closed.stderr
    script = f"set -o pipefail; {command} complete {file}:6:12 --show | true"
    unread = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert (unread.returncode, unread.stderr) == (0, b"")


@pytest.mark.parametrize(("data", "words"), [(b"x = '\xff'\n", "not UTF-8"), (b"\x7fELF\0\0", "binary")])
def test_files_that_are_not_text_are_refused(tmp_path, capsys, data, words):
    (tmp_path / "odd.py").write_bytes(data)
    assert main(["complete", f"{tmp_path / 'odd.py'}:1:1"]) == 2
    assert words in capsys.readouterr().err


def test_the_doctor_checks_versions_model_device_memory_and_speed(capsys):
    status = main(["doctor"])
    out = capsys.readouterr().out
    assert status == ("fix " in out)
    for word in ("Python", "torch", "million parameters", "device", "memory", "one completion in"):
        assert word in out
    assert all(row.startswith(("ok ", "fix ")) for row in out.strip().split("\n"))


def test_the_doctor_says_what_to_do_when_the_model_is_missing(capsys):
    assert main(["doctor", "--model", "pokcet"]) == 1
    assert "fix  pokcet is neither" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (
            ModuleNotFoundError(name="uvicorn"),
            2,
            "copilot_lib: this Python lacks uvicorn: run the one of .venv, which `make lab` makes, or install the package\n",
        ),
    ],
)
def test_what_ends_a_command_before_it_has_begun_is_no_traceback(error, status, said, monkeypatch, capsys):
    def run(arguments):
        raise error

    parser = argparse.ArgumentParser()
    parser.set_defaults(run=run)
    monkeypatch.setattr(__main__, "parser", lambda: parser)
    assert main([]) == status
    assert capsys.readouterr().err == said
