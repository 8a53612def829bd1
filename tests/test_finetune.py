"""The command that makes an adapter: a repository in, an adapter with its card and its measured worth out, as people run it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from copilot_lib import models
from copilot_lib.registry import Registry


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository with names that no other has, a licence, and a key in one of its files."""
    root = tmp_path / "shop"
    root.mkdir()
    for number in range(10):
        uses = [f"def price_of_{number}_{n}(basket):\n    return basket.zloty_total({n}) + vat_{number}\n" for n in range(8)]
        (root / f"part_{number}.py").write_text("\n\n".join([f"from shop.money import vat_{number}\n", *uses]))
    (root / "keys.py").write_text("ACCESS = 'AK" + "IA" + "Q3EXAMPLE7ZKLMNO'\n" + "x = 1\n" * 20)
    (root / "LICENSE").write_text("MIT License\n\nCopyright somebody\n")
    return root


def command(tmp_path: Path, *words: str) -> dict:
    """What subprocess needs to run the package on a CPU, with a registry of the test's own."""
    own = {"COPILOT_ADAPTERS": str(tmp_path / "adapters"), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment = os.environ | own
    return {"args": [sys.executable, "-m", "copilot_lib", *words], "env": environment, "cwd": tmp_path, "text": True}


def test_one_command_makes_an_adapter_and_says_what_it_is_worth(repository, tiny, tmp_path):
    words = ["finetune", str(repository), "--name", "shop", "--model", str(tiny), "--epochs", "1", "--targets", "2"]
    done = subprocess.run(**command(tmp_path, *words), capture_output=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+ steps of 1024 tokens in \w+ on cpu: about \d+ minutes", done.stdout)
    assert re.search(r"Loss in the files to see when to stop: \d\.\d+ before, \d\.\d+ after \d+ steps", done.stdout)
    assert "adapter:shop against lookup" in done.stdout
    folder = tmp_path / "adapters" / "shop"
    report = json.loads((tmp_path / "build" / "finetune" / "shop" / "report.json").read_text())
    files = report["files"]["train"] + report["files"]["validation"]
    assert len((folder / "learnt.txt").read_text().split()) == 2 * files, "path and text of each"
    card = (folder / "README.md").read_text()
    assert "exact % of adapter:shop" in card
    assert "secrets found, and their files left out: 1" in card
    assert "licence: MIT License (LICENSE)" in card
    about = Registry(tmp_path / "adapters").about("shop")
    assert about["repository"]["root"] == str(repository)
    assert about["base"]["fingerprint"] == models.fingerprint(str(tiny))
    place = f"{repository / 'part_1.py'}:5:12"
    for adapter in ("shop", "auto"):
        asked = subprocess.run(
            **command(tmp_path, "complete", place, "--model", str(tiny), "--adapter", adapter, "--json"), capture_output=True
        )
        assert asked.returncode == 0, asked.stderr
        assert json.loads(asked.stdout)["prompt_tokens"]


INTERRUPTED = """
import sys
from copilot_lib.__main__ import main
from copilot_lib.cli import tuning

shown = tuning.Bar.show

def show(self, seen):
    shown(self, seen)
    if seen.step == 6 and seen.loss is not None:
        raise KeyboardInterrupt  # what Ctrl-C does, at a moment that is always the same

tuning.Bar.show = show
sys.exit(main(sys.argv[1:]))
"""


def test_an_interrupt_says_how_to_go_on_and_the_run_goes_on(repository, tiny, tmp_path):
    words = ["finetune", str(repository), "--name", "shop", "--model", str(tiny), "--epochs", "3", "--targets", "0"]
    run = command(tmp_path, *words)
    interrupted = subprocess.run(**run | {"args": [sys.executable, "-c", INTERRUPTED, *words]}, capture_output=True)
    assert interrupted.returncode == 130, interrupted.stderr
    assert "the same command with --resume goes on" in interrupted.stderr
    assert not (tmp_path / "adapters" / "shop").exists()
    again = subprocess.run(**command(tmp_path, *words), capture_output=True)
    assert again.returncode == 2
    assert "holds a run: go on with --resume" in again.stderr
    assert "Traceback" not in again.stderr
    other = subprocess.run(**command(tmp_path, *words, "--resume", "--rank", "3"), capture_output=True)
    assert other.returncode == 2
    assert "the run was begun with another --rank" in other.stderr
    resumed = subprocess.run(**command(tmp_path, *words, "--resume"), capture_output=True)
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "adapters" / "shop" / "adapter_model.safetensors").exists()


KNOWN_BEFORE = """
import sys
from copilot_lib.__main__ import main
from copilot_lib.tuning import training

training.mean_loss = lambda network, batches: 1.0  # the base knows the repository, and no step makes it better
sys.exit(main(sys.argv[1:]))
"""


def test_what_is_no_better_than_its_base_is_not_saved_and_the_adapter_before_it_stays(repository, tiny, tmp_path):
    words = ["finetune", str(repository), "--name", "shop", "--model", str(tiny), "--epochs", "1", "--targets", "0"]
    assert subprocess.run(**command(tmp_path, *words), capture_output=True).returncode == 0
    saved = {file.name: file.read_bytes() for file in (tmp_path / "adapters" / "shop").iterdir()}
    words[-1:] = ["0", "--folder", "again"]
    harmed = subprocess.run(**command(tmp_path) | {"args": [sys.executable, "-c", KNOWN_BEFORE, *words]}, capture_output=True)
    assert harmed.returncode == 1, harmed.stderr
    assert "no adapter was saved, since in the files to see when to stop it is no better" in harmed.stderr
    assert {file.name: file.read_bytes() for file in (tmp_path / "adapters" / "shop").iterdir()} == saved


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "--name", "x"], "No such file"),
        ([".", "--name", "a.b"], "'a.b' is no name for an adapter"),
        ([".", "--name", "x", "--minutes", "0"], "'0' is no time"),
        ([".", "--name", "x", "--epochs", "none"], "'none' is no number of epochs"),
        ([".", "--name", "x", "--rank", "no"], "'no' is no rank"),
        ([".", "--name", "x", "--resume"], "expected at least two Python files"),
    ],
)
def test_what_cannot_be_used_is_one_line(words, said, tmp_path):
    done = subprocess.run(**command(tmp_path, "finetune", *words), capture_output=True)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
