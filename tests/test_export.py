"""The exported file: what is in it, when it is used, and how far 8 bits are from the reference."""

import shutil
import subprocess
import sys

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from copilot_lib import export, models, onnx_runner
from copilot_lib.completer import Completer
from copilot_lib.onnx_graph import quantized
from copilot_lib.onnx_runner import EXPORTED, OnnxRunner, Opened
from copilot_lib.samples import EXAMPLES
from copilot_lib.targets import Target


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pocket's files with an exported one beside them."""
    folder = tmp_path_factory.mktemp("models") / "pocket"
    shutil.copytree(models.POCKET, folder, ignore=shutil.ignore_patterns(EXPORTED))
    export.write(str(folder), "int8")
    return folder


@given(arrays.arrays(numpy.float32, (3, 5), elements=st.floats(-8, 8, width=32)))
def test_a_quantized_weight_is_off_by_half_a_step_at_most(weight):
    numbers, scales = quantized(weight)
    assert numbers.dtype == numpy.int8 and numbers.min() >= -127
    assert (abs(numbers.astype(float) * scales - weight) <= scales / 2 + 1e-6).all()


def test_the_file_is_used_where_it_belongs_to_the_weights_and_no_longer_when_they_change(folder, tmp_path, monkeypatch):
    monkeypatch.delenv("COPILOT_PRECISION")
    assert Opened(folder).precision == "int8"
    assert Opened(folder).parameters == Opened(folder, "float32").parameters
    changed = shutil.copytree(folder, tmp_path / "changed")
    data = (changed / "model.safetensors").read_bytes()
    (changed / "model.safetensors").write_bytes(data[:-2] + b"\x00\x00")
    assert Opened(changed).precision == "float32"


def test_8_bits_stay_near_the_reference_and_float32_is_the_reference(folder):
    difference, spread = export.against_torch(str(folder), "int8")
    assert 0.01 * spread < difference < 0.5 * spread
    difference, spread = export.against_torch(str(folder), "float32")
    assert difference < 1e-3 * spread


def test_a_processor_that_clips_sums_gets_the_same_numbers_counted_from_another_zero(folder, monkeypatch):
    signed = Opened(folder)
    monkeypatch.setattr(onnx_runner, "LARGEST_SUM", 64 * 32767)  # what a processor that clips would say
    unsigned = Opened(folder)
    assert (signed.precision, unsigned.precision) == ("int8", "uint8")
    ids = list(range(5, 200))
    assert (OnnxRunner(signed).advance(ids, 9) == OnnxRunner(unsigned).advance(ids, 9)).all()


def test_a_comparison_asks_both_at_the_same_places(folder):
    targets = [Target(cursor, "x", name) for name, cursor in EXAMPLES.items()]
    record = export.compare(str(folder), targets)
    assert record["median_ms"].keys() == {"float32", "int8"}
    assert 0 <= record["same_text"] <= 1
    (row,) = record["exact"]
    assert row["targets"] == len(EXAMPLES)
    assert row["difference"][0] == pytest.approx(row["int8"][0] - row["float32"][0], abs=1e-3)


def test_float32_says_the_same_whatever_was_asked_before():
    used, fresh = Completer.load("pocket"), Completer.load("pocket")
    for cursor in EXAMPLES.values():
        for typed in ("", "re", "result"):
            asked = cursor.insert(typed)
            fresh.engine.forget()
            assert used.complete(asked).tokens == fresh.complete(asked).tokens


def test_the_command_says_what_it_wrote_and_refuses_other_folders_in_one_line(folder, tmp_path):
    def run(*words):
        command = [sys.executable, "-m", "copilot_lib", "export", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run("--model", str(folder))
    assert done.returncode == 0, done.stderr
    assert "MB, int8" in done.stdout and "differs from torch's" in done.stdout
    refused = run("--model", str(tmp_path))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1 and "GPTBigCode" in refused.stderr


def test_an_unknown_precision_and_a_damaged_file_are_one_sentence(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("COPILOT_PRECISION", "int4")
    with pytest.raises(models.ModelNotAvailable, match="expected float32 or int8"):
        models.load(str(folder))
    monkeypatch.delenv("COPILOT_PRECISION")
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / EXPORTED).write_bytes(b"half a file")
    with pytest.raises(models.ModelNotAvailable) as refused:
        models.load(str(damaged))
    assert "\n" not in str(refused.value)
