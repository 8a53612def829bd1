"""Pretraining: the written-out network is transformers' own, the schedule, and a kill that changes nothing."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from copilot_lib import checkpoint, examples, forward, models, network, pretrain
from copilot_lib.__main__ import main
from copilot_lib.recipe import Recipe, preset

TINY = preset("cpu", vocabulary=320, width=64, layers=1, heads=2, context_tokens=64, rows_per_step=4)


def test_the_written_out_forward_pass_is_the_networks_own():
    recipe = preset("cpu", vocabulary=300, width=128, layers=3, heads=4, context_tokens=400)
    model = network.build(recipe)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    ids = torch.randint(0, 300, (2, 333))
    expected = model(ids).logits.detach()
    torch.testing.assert_close(model.lm_head(forward.hidden_states(model, ids)), expected, atol=1e-3, rtol=1e-3)
    may_end = torch.rand(2, 333) < 0.5
    may_end |= ids.roll(-1, dims=1) == 0
    expected[..., 0].masked_fill_(~may_end, float("-inf"))
    each = torch.nn.functional.cross_entropy(expected[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    weight = torch.rand(2, 333)
    weight[:, -1] = 0
    mean, told = forward.loss(model, ids, weight, may_end)
    torch.testing.assert_close(told[:, :-1], each, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(mean, (each * weight[:, :-1]).sum() / weight.sum(), atol=1e-3, rtol=1e-3)


def test_the_rate_warms_up_stays_and_cools_down():
    recipe = Recipe(warmup_steps=10)
    rates = [pretrain.rate_factor(step, recipe, (80, 100)) for step in range(101)]
    assert rates[0] == 0.1
    assert rates[9:80] == [1.0] * 71
    assert rates[90] == pytest.approx(0.51)
    assert rates[99] == pytest.approx(0.02 + 0.98 / 20)
    assert pretrain.rate_factor(99, recipe, (100, 100)) == 1.0, "no cool-down"


@pytest.mark.parametrize("workers", [0, 2], ids="{} workers".format)
def test_a_bookmark_of_two_numbers_continues_the_same_batches(workers):
    texts = [f"def f{n}(a):\n    return a + {n}\n" * 6 for n in range(400)]
    ids = pretrain.examples.Sentinels(1, 2, 3, 0)
    arguments = (texts, lambda text: [ord(c) for c in text], ids, TINY)
    stream = pretrain.batches(*arguments, 0, 0)
    first = [next(stream) for _ in range(8)]
    chunk, done, *_ = first[3]
    assert first[4][0] > chunk or first[4][1] > done
    resumed = pretrain.batches(*arguments, chunk, done, workers)
    for expected in first[4:]:
        got = next(resumed)
        assert got[:2] == expected[:2]
        assert torch.equal(got[2], expected[2])
        assert torch.equal(got[3], expected[3])


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_texts_for_a_step_are_refused(count):
    texts, ids = ["def f(a):\n    return a\n" * 6] * count, pretrain.examples.Sentinels(1, 2, 3, 0)
    stream = pretrain.batches(texts, lambda text: [ord(c) for c in text], ids, replace(TINY, rows_per_step=99), 0, 0)
    with pytest.raises(ValueError, match=f"{count} texts give less than the 99 rows of a step"):
        next(stream)


def test_each_optimiser_trains_every_weight_once_but_the_positions():
    model = network.build(TINY)
    for name, count in (("muon", 2), ("adamw", 1)):
        made = pretrain.optimisers(model, replace(TINY, optimiser=name))
        weights = [weight for optimiser in made for group in optimiser.param_groups for weight in group["params"]]
        assert len(made) == count
        assert {id(weight) for weight in weights} == {id(w) for w in model.parameters()} - {id(model.transformer.wpe.weight)}
        assert len(weights) == len({id(weight) for weight in weights})


def test_filler_is_not_learnt_and_neither_is_a_row_s_end():
    g, a, p, f = examples.GIVEN, examples.ANSWER, examples.PLAIN, examples.FILLER
    weight, answers, _ = pretrain.predictions(torch.tensor([[g, a, a, p, f, f]]), 4.0)
    assert weight.tolist() == [[4, 4, 1, 0, 0, 0]]
    assert answers.tolist() == [[True, True, False, False, False, False]]


SCRIPT = """
import sys, os, signal
from pathlib import Path
import torch
torch.set_num_threads(1)
torch.compile = lambda function, **options: function  # seconds instead of a minute; the numbers are the same
from copilot_lib import checkpoint, pretrain, recipe
recipe = recipe.preset("cpu", vocabulary=320, width=64, layers=1, heads=2, context_tokens=64, rows_per_step=4)
kill_at = int(sys.argv[2])
save = checkpoint.save
def save_and_die(folder, state, about):
    save(folder, state, about)
    if state["place"]["step"] == kill_at:
        (folder / f".checkpoint.pt.{os.getpid()}.new").write_bytes(b"half")  # as if killed in the middle of the next save
        with (folder / "curve.jsonl").open("a") as curve:
            curve.write('{"step": 60, "tokens": 0, "seconds": 0, "loss": 9.9}\\n')  # as if it had gone on after the save
        os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save = save_and_die
pretrain.train(Path(sys.argv[1]), recipe, steps=60, resume="--resume" in sys.argv, save_every=40)
"""


def run(folder, kill_at=-1, *flags):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, "-c", SCRIPT, str(folder), str(kill_at), *flags]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def prepare(folder):
    folder.mkdir()
    rows = [{"source": "x", "path": f"{n}.py", "text": f"def f{n}(a, b):\n    return a * {n} + b\n" * 5} for n in range(60)]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def curve(folder):
    rows = [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == sorted({row["step"] for row in rows}), "a step stands in the curve twice"
    return {row["step"]: row["loss"] for row in rows}


def test_a_killed_run_resumes_with_the_same_curve(tmp_path):
    whole, killed = prepare(tmp_path / "whole"), prepare(tmp_path / "killed")
    assert run(whole).returncode == 0
    assert run(killed, 40).returncode == -signal.SIGKILL
    resumed = run(killed, -1, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert not [*killed.glob(".*.new")], "what the kill has left is cleared away"
    assert curve(killed).keys() == curve(whole).keys() == {20, 40, 60}
    for step, loss in curve(whole).items():
        assert curve(killed)[step] == pytest.approx(loss, abs=2e-3)
    assert curve(whole)[60] < curve(whole)[20]


def test_a_cool_down_writes_a_model_that_loads_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    folder = prepare(tmp_path / "run")
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    pretrain.train(folder, TINY, steps=4, save_every=4)
    before = (folder / "checkpoint.pt").read_bytes()
    pretrain.train(folder, TINY, steps=8, resume=True, cooldown_steps=4)
    assert (folder / "checkpoint.pt").read_bytes() == before
    model = models.load(str(folder / "model"), device="cpu")
    assert model.codec.format.name == "pocket"
    assert json.loads((folder / "model" / "training.json").read_text())["place"]["step"] == 8


def test_a_cool_down_that_is_broken_off_goes_on_to_the_same_model(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    whole, broken = prepare(tmp_path / "whole"), prepare(tmp_path / "broken")
    for folder in (whole, broken):
        pretrain.train(folder, TINY, steps=4, save_every=4)
    pretrain.train(whole, TINY, steps=10, resume=True, cooldown_steps=6)

    def save_and_break_off(folder, state, about, name="checkpoint.pt"):
        checkpoint_save(folder, state, about, name)
        if state["place"]["step"] == 8:
            raise KeyboardInterrupt

    checkpoint_save = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", save_and_break_off)
    with pytest.raises(KeyboardInterrupt):
        pretrain.train(broken, TINY, steps=10, resume=True, cooldown_steps=6, save_every=4)
    monkeypatch.setattr(checkpoint, "save", checkpoint_save)
    given, learn = [], pretrain.learn
    monkeypatch.setattr(pretrain, "learn", lambda *all: given.append(all[5]) or learn(*all))
    pretrain.train(broken, TINY, steps=10, resume=True, cooldown_steps=6)
    assert given == [range(8, 10)], "the steps of the cool-down that were saved are not made again"
    weights = [models.load(str(folder / "model"), device="cpu").network.state_dict() for folder in (whole, broken)]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, atol=1e-2, rtol=1e-2)
    assert not (broken / "cooling.pt").exists()


def test_a_finished_model_is_trained_on_from_its_weights_and_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    first, second = prepare(tmp_path / "first"), prepare(tmp_path / "second")
    pretrain.train(first, TINY, steps=8, cooldown_steps=4)
    given, learn = [], pretrain.learn
    monkeypatch.setattr(pretrain, "learn", lambda *all: given.append(all) or learn(*all))
    pretrain.train(second, TINY, steps=12, cooldown_steps=2, start=first / "model")
    assert given[0][5:] == (range(8, 12), (10, 12))
    place = [json.loads((folder / "model" / "training.json").read_text())["place"] for folder in (first, second)]
    assert place[1]["tokens"] == 1.5 * place[0]["tokens"]
    assert (place[1]["chunk"], place[1]["done"]) > (place[0]["chunk"], place[0]["done"]), "the data goes on where it was"
    assert (second / "tokenizer.json").read_bytes() == (first / "model" / "tokenizer.json").read_bytes()
    assert (second / "checkpoint.pt").exists(), "there is a state at the full rate to go on from"
    with pytest.raises(ValueError, match="another layers"):
        pretrain.train(prepare(tmp_path / "third"), replace(TINY, layers=2), steps=12, start=first / "model")


def test_whoever_waits_for_hours_reads_how_far_it_is_and_how_fast(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    lines = []
    pretrain.train(prepare(tmp_path / "run"), TINY, steps=40, progress=lines.append)
    rows = [json.loads(line) for line in (tmp_path / "run" / "curve.jsonl").read_text().splitlines()]
    assert [line.split(",")[0] for line in lines] == ["step 20 of 40", "step 40 of 40"]
    assert all(f"loss {row['loss']}" in line for row, line in zip(rows, lines, strict=True))
    assert all(line.endswith(" tokens a second") for line in lines)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--steps", "100"], "a cool-down over the last 1600 of 100 steps"),
        (["--steps", "100", "--cooldown-steps", "-1"], "0 or more"),
        (["--steps", "100", "--cooldown-steps", "0", "--resume"], "leave --resume out to begin"),
        (["--preset", "gpu"], "use --preset cpu"),
    ],
)
def test_a_run_that_cannot_be_is_refused_in_one_line(words, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["pretrain", "--folder", str(prepare(tmp_path / "run")), *words]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("kept", [True, False])
def test_an_interrupt_says_what_is_kept(kept, tmp_path, monkeypatch, capsys):
    folder = prepare(tmp_path / "run")

    def interrupted(folder, *given, **named):
        if kept:
            (folder / "checkpoint.pt").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(pretrain, "train", interrupted)
    assert main(["pretrain", "--folder", str(folder)]) == 130
    said = capsys.readouterr().err
    assert ("--resume" in said) is kept
    assert "Traceback" not in said
