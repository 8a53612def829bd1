"""Training an adapter: what is learnt, that a killed run goes on as it would have, and what is done when memory is short."""

import json
import random
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from copilot_lib import forward, models
from copilot_lib.repository import SourceFile
from copilot_lib.tuning import finetune, material, mixing, pace, training
from copilot_lib.tuning.batches import of_epoch, padded
from copilot_lib.tuning.drawing import Example
from copilot_lib.tuning.settings import Settings

SMALL = Settings(rank=4, alpha=8, batch_tokens=512, example_tokens=128, rate=1e-2)
examples = some.lists(
    some.builds(
        lambda ids, share, kind: Example(tuple(ids), max(1, round(share * len(ids))), kind),
        some.lists(some.integers(1, 99), min_size=1, max_size=64),
        some.floats(0, 1),
        some.sampled_from(["gap", "plain", "instruction"]),
    ),
    max_size=60,
)


@given(examples, some.integers(64, 256))
def test_batches_hold_every_example_once_and_no_batch_is_too_large(drawn, batch_tokens):
    made = list(of_epoch(drawn, batch_tokens, 4.0, 0, random.Random(0)))
    rows = [tuple(id for id, w in zip(*row, strict=True) if w) for b in made for row in zip(b.ids, b.weights, strict=True)]
    assert sorted(rows) == sorted(example.ids for example in drawn)
    assert all(batch.size <= batch_tokens for batch in made)
    assert sum(batch.tokens for batch in made) == sum(len(example.ids) for example in drawn)


@given(examples.filter(bool))
def test_what_is_learnt_of_a_batch_is_all_text_and_the_answers_most(drawn):
    batch = padded(drawn, 4.0, end_id=0)
    for example, weights in zip(drawn, batch.weights, strict=True):
        answered = 0 if example.kind == "plain" else example.answer_count
        own = weights[: len(example.ids)]
        assert own == [1.0] * (len(own) - answered) + [4.0] * answered
        assert set(weights[len(own) :]) <= {0.0}


def test_the_loss_counts_each_token_by_its_weight_and_padding_not_at_all(tiny):
    net, _ = models.load_network(str(tiny), "cpu")
    short, long = Example((5, 6, 7), 1, "gap"), Example((9, 10, 11, 12, 13), 2, "gap")
    alone = [training.weighted_loss(net, one_batch(example)).item() for example in (short, long)]
    both = training.weighted_loss(net, one_batch(short, long)).item()
    weights = (1 + 4), (2 + 8)  # of a row's first token nothing is predicted
    assert both == pytest.approx((alone[0] * weights[0] + alone[1] * weights[1]) / sum(weights), rel=1e-5)


def test_a_prompt_teaches_nothing_of_the_end(tiny):
    """The end never stands in a prompt. Learnt there, it would be forgotten where an answer goes on like the prompt's text."""
    end = 0
    kinds = "gap", "instruction", "accepted", "plain"
    drawn = [Example((5, 6, 7, 8, end), 5 if kind == "plain" else 2, kind) for kind in kinds]
    logits = torch.zeros(len(drawn), 5, 32, requires_grad=True)
    training.weighted_loss(lambda **_: SimpleNamespace(logits=logits), one_batch(*drawn)).backward()
    learnt = logits.grad[:, :-1, end] != 0
    assert learnt.tolist() == [[False, False, True, True]] * 3 + [[True] * 4]
    assert (logits.grad[[0, 1, 3], :-1, 9] != 0).all(), "and of every other id everywhere"


def test_a_prompt_that_has_the_end_token_in_it_is_learnt_as_it_is(tiny):
    """CodeGemma's stands between two files, too."""
    net, _ = models.load_network(str(tiny), "cpu")
    drawn = Example((5, 6, 0, 7, 8, 0), 2, "gap")
    assert padded([drawn], 4.0, end_id=0).may_end == [[False, False, True, False, True, True]]
    assert torch.isfinite(training.weighted_loss(net, one_batch(drawn)))


def test_the_loss_is_that_of_pretraining_which_looks_one_place_ahead(tiny):
    net, _ = models.load_network(str(tiny), "cpu")
    end = net.config.eos_token_id
    drawn = Example((5, 6, 7, 8, end), 2, "gap"), Example((9, 10, 11, end), 4, "plain")
    given = training.on_device(padded(drawn, 4.0, end))
    weights, may_end = (given[name].roll(-1, dims=1) for name in ("weights", "may_end"))
    weights[:, -1] = 0
    mean, _ = forward.loss(net, given["input_ids"], weights, may_end)
    assert mean.item() == pytest.approx(training.weighted_loss(net, given).item(), rel=1e-5)


def one_batch(*drawn: Example) -> dict:
    batch = padded(drawn, 4.0, end_id=0)
    return training.on_device(batch)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A repository with names that no other has."""
    root = tmp_path_factory.mktemp("code") / "shop"
    root.mkdir()
    for number in range(12):
        uses = [f"def price_of_{number}_{n}(basket):\n    return basket.zloty_total({n}) + vat_{number}\n" for n in range(12)]
        (root / f"part_{number}.py").write_text("\n\n".join([f"from shop.money import vat_{number}\n", *uses]))
    return root


def planned(repository: Path, model: str, folder: Path, steps: int) -> tuple[finetune.Plan, material.Material]:
    """A run that is ready to begin, whose plan does not depend on how fast the machine is today."""
    found = material.collect(repository)
    fixed = {"steps": steps, "precision": "float32", "seconds_per_step": 1.0}
    plan = replace(finetune.prepare(found, model, folder, SMALL, device="cpu"), **fixed)
    finetune.write_json(folder / finetune.PLAN, asdict(plan))
    return plan, found


def test_an_adapter_learns_what_a_repository_has_and_the_model_did_not_know(repository, tmp_path):
    plan, found = planned(repository, "pocket", tmp_path, steps=20)
    course = finetune.run(plan, found, tmp_path)
    assert course.best_loss < 0.8 * course.first_loss
    best = tmp_path / finetune.TRAINING / training.BEST
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {file.name for file in best.iterdir()}
    written = json.loads((tmp_path / finetune.RESULT).read_text())
    assert written["best_loss"] == course.best_loss


KILLED = """
import os, signal, sys
from pathlib import Path
from copilot_lib.tuning import finetune, material

repository, model, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
found = material.collect(repository)

def show(seen):
    if seen.step == int(sys.argv[4]) and seen.loss is not None:
        os.kill(os.getpid(), signal.SIGKILL)

finetune.run(finetune.planned(folder, found, model), found, folder, show=show)
"""


def kill(repository: Path, model: Path, folder: Path, step: int) -> None:
    """A run that is killed at a step."""
    command = [sys.executable, "-c", KILLED, str(repository), str(model), str(folder), str(step)]
    assert subprocess.run(command, capture_output=True).returncode == -9


def test_a_run_that_is_killed_goes_on_with_the_curve_that_it_would_have_had(repository, tiny, tmp_path):
    plan, found = planned(repository, str(tiny), tmp_path / "whole", steps=10)
    whole = finetune.run(plan, found, tmp_path / "whole")
    planned(repository, str(tiny), tmp_path / "killed", steps=10)
    kill(repository, tiny, tmp_path / "killed", step=7)
    assert training.checkpoints(tmp_path / "killed" / finetune.TRAINING)
    again = finetune.planned(tmp_path / "killed", found, str(tiny))
    assert again == plan
    resumed = finetune.run(again, found, tmp_path / "killed", resume=True)
    assert [row["step"] for row in resumed.curve] == [row["step"] for row in whole.curve]
    for one, other in zip(whole.curve, resumed.curve, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_a_run_that_is_killed_while_it_learns_nothing_ends_where_it_would_have_ended(repository, tiny, tmp_path):
    def useless(folder: Path) -> tuple[finetune.Plan, material.Material]:
        plan, found = planned(repository, str(tiny), folder, steps=40)
        plan = replace(plan, settings=replace(plan.settings, rate=0.0))
        finetune.write_json(folder / finetune.PLAN, asdict(plan))
        return plan, found

    whole = finetune.run(*useless(tmp_path / "whole"), tmp_path / "whole")
    assert whole.steps < 40, "the held-out loss no longer fell"
    plan, found = useless(tmp_path / "killed")
    kill(repository, tiny, tmp_path / "killed", step=whole.steps - 1)
    assert finetune.run(plan, found, tmp_path / "killed", resume=True).steps == whole.steps


def test_a_run_that_has_ended_is_not_trained_further(repository, tiny, tmp_path, monkeypatch):
    plan, found = planned(repository, str(tiny), tmp_path, steps=4)
    course = finetune.run(plan, found, tmp_path)
    monkeypatch.setattr(training, "train", lambda *_: pytest.fail("it was trained again"))
    assert finetune.run(finetune.plan_in(tmp_path), found, tmp_path, resume=True) == course


def test_a_run_that_is_killed_at_its_very_end_is_not_trained_further(repository, tiny, tmp_path):
    plan, found = planned(repository, str(tiny), tmp_path, steps=10)
    whole = finetune.run(plan, found, tmp_path)
    best = tmp_path / finetune.TRAINING / training.BEST / "adapter_model.safetensors"
    made = best.read_bytes()
    shutil.rmtree(best.parent)
    (tmp_path / finetune.RESULT).unlink()
    assert finetune.run(plan, found, tmp_path, resume=True) == whole
    assert best.read_bytes() == made


def test_of_a_run_whose_plan_was_deleted_nothing_is_taken_for_the_next_one(repository, tiny, tmp_path, monkeypatch):
    plan, found = planned(repository, str(tiny), tmp_path, steps=4)
    finetune.run(plan, found, tmp_path)
    monkeypatch.setattr(training, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        finetune.run(plan, found, tmp_path)
    assert not (tmp_path / finetune.RESULT).exists() and not (tmp_path / finetune.TRAINING).exists()


def stopped(*arguments):
    raise KeyboardInterrupt


def test_a_loss_that_is_no_number_ends_the_run_and_is_not_kept(repository, tiny, tmp_path, monkeypatch):
    plan, found = planned(repository, str(tiny), tmp_path, steps=4)
    right = training.weighted_loss
    monkeypatch.setattr(training, "weighted_loss", lambda *given: right(*given) * float("nan"))
    with pytest.raises(FloatingPointError, match="the loss is nan at step 1: lower the rate"):
        finetune.run(plan, found, tmp_path)
    assert not (tmp_path / finetune.TRAINING / training.BEST).exists()


def test_a_checkpoint_that_was_being_written_is_not_gone_on_from(tmp_path):
    for name, state in (("checkpoint-5", '{"global_step": 5}'), ("checkpoint-10", '{"glob')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-15").mkdir()
    assert [path.name for path in training.checkpoints(tmp_path)] == ["checkpoint-5"]


def test_a_run_is_not_begun_over_another_nor_gone_on_with_other_files(repository, tiny, tmp_path):
    _, found = planned(repository, str(tiny), tmp_path, steps=10)
    with pytest.raises(ValueError, match="holds a run: go on with --resume"):
        finetune.prepare(found, str(tiny), tmp_path, SMALL)
    other = replace(found, report=found.report | {"sha256": "0" * 64})
    with pytest.raises(ValueError, match="the files changed since the run"):
        finetune.planned(tmp_path, other, str(tiny))
    with pytest.raises(ValueError, match="leave --resume out"):
        finetune.planned(tmp_path / "nowhere", found, str(tiny))


def test_where_memory_is_short_the_batch_is_halved_and_it_is_said(repository, tiny, tmp_path, monkeypatch):
    plan, found = planned(repository, str(tiny), tmp_path, steps=4)
    plan = replace(plan, settings=replace(plan.settings, batch_tokens=2048))
    real, tried, said = training.train, [], []

    def short_of_memory(network, tokenizer, batches, held_out, settings, steps, *rest):
        tried.append((settings.batch_tokens, steps))
        if settings.batch_tokens > 512:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(network, tokenizer, batches, held_out, settings, steps, *rest)

    monkeypatch.setattr(training, "train", short_of_memory)
    finetune.run(plan, found, tmp_path, say=said.append)
    assert tried == [(2048, 4), (1024, 8), (512, 16)]
    assert said[-1].startswith("out of memory: from now on 512 tokens a step, 16 steps")
    assert finetune.plan_in(tmp_path).steps == 16, "what is noted of the adapter is taken from there"


def test_where_memory_is_short_while_the_pace_is_measured_the_plan_is_for_less(repository, tiny, tmp_path, monkeypatch):
    real, sizes = pace.fastest, []

    def short_of_memory(network, batches, settings):
        sizes.append(settings.batch_tokens)
        if settings.batch_tokens > 512:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(network, batches, settings)

    monkeypatch.setattr(pace, "fastest", short_of_memory)
    large = replace(SMALL, batch_tokens=2048)
    plan = finetune.prepare(material.collect(repository), str(tiny), tmp_path, large, device="cpu")
    assert sizes == [2048, 1024, 512]
    assert plan == finetune.plan_in(tmp_path) and plan.settings.batch_tokens == 512


def test_other_errors_are_not_taken_for_a_lack_of_memory(repository, tiny, tmp_path, monkeypatch):
    plan, found = planned(repository, str(tiny), tmp_path, steps=4)

    def broken(*arguments):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(training, "train", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        finetune.run(plan, found, tmp_path)


def test_the_fastest_kind_of_number_is_chosen_by_the_clock(repository, tiny, tmp_path):
    found = material.collect(repository)
    net, _ = models.load_network(str(tiny), "cpu")
    drawn = list(finetune.of_epoch(found, models.load(str(tiny)).codec, SMALL, finetune.Drawing(), 0))[:3]
    # Each step is timed by two looks at the clock; the second kind of number is given the shorter ones.
    ticks = iter([tick for length in (5, 5, 5, 5, 2, 2, 2, 2) for tick in (0, length)])
    assert pace.fastest(net, drawn, SMALL, clock=lambda: next(ticks)) == pace.Pace("bfloat16", 2)


def test_functions_are_asked_for_among_the_gaps_and_anew_in_every_epoch(repository, tiny):
    half = SourceFile("half.py", 'def half(x):\n    """Half of it."""\n    y = x / 2\n    return y\n')
    found, codec = material.collect(repository), models.load(str(tiny)).codec
    found = replace(found, train=[*found.train, half])
    plain, asking = finetune.Drawing(), finetune.Drawing(instructions=True)
    gaps = list(finetune.examples(found, codec, SMALL, plain, 0))
    epochs = [list(finetune.examples(found, codec, SMALL, asking, number)) for number in range(4)]
    asked = [[place for place, example in enumerate(epoch) if example.kind == "instruction"] for epoch in epochs]
    assert [example for example in epochs[0] if example.kind != "instruction"] == gaps
    assert all(1 <= len(places) <= mixing.MOST_TIMES for places in asked) and len(set(map(tuple, asked))) > 1


def test_functions_are_not_asked_for_where_none_says_what_it_does(repository, tiny, tmp_path):
    found = material.collect(repository)
    with pytest.raises(ValueError, match="no function with a docstring above a body: train without --instructions"):
        finetune.prepare(found, str(tiny), tmp_path / "run", SMALL, finetune.Drawing(instructions=True))
