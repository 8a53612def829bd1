"""`learn`, as its user meets it: a record and a repository become the next adapter, or the old one stays as it is."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from copilot_lib import models
from copilot_lib.__main__ import main
from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.feedback import CHARACTERS_AROUND, Event, Store
from copilot_lib.registry import Registry
from copilot_lib.tuning import going_on, material, training
from copilot_lib.tuning.settings import Settings

SECRET = 'token = "AKIA' + 'QZXW3E4R5T6Y7U8I"\n'
"""Opens nothing; put together here, so that no scanner takes this file for one that leaks."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A repository with names that no other has."""
    root = tmp_path_factory.mktemp("code") / "shop"
    root.mkdir()
    for number in range(10):
        uses = [
            f"def price_of_{number}_{n}(basket):\n    net = basket.zloty_total({n})\n    return net + vat_{number}\n"
            for n in range(8)
        ]
        (root / f"part_{number}.py").write_text("\n\n".join([f"from shop.money import vat_{number}\n", *uses]))
    return root


@pytest.fixture
def record(repository, tmp_path) -> Path:
    """One completion accepted in each file, one beside a secret, one in another project, and one that was rejected."""
    store = Store(tmp_path / "events.sqlite")
    for number, file in enumerate(sorted(repository.glob("*.py"))):
        store.add(accepted_in(file.read_text(), "basket.zloty_total(3)", str(number)))
    file = repository / "part_0.py"
    store.add(accepted_in(file.read_text().replace("\n\n\n", "\n\n" + SECRET, 1), "basket.zloty_total(4)", "secret"))
    store.add(accepted_in(file.read_text().replace("basket", "wagon"), "wagon.zloty_total(3)", "foreign"))
    return store.file


def accepted_in(text: str, answer: str, id: str) -> Event:
    start = text.index(answer)
    around = text[:start][-CHARACTERS_AROUND:], text[start + len(answer) :][:CHARACTERS_AROUND]
    return Event(id, "accepted", len(answer), 200, "2026-11-01T12:00:00", "pocket", *around, answer)


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    status: int
    said: str
    wrong: str


class Learn:
    """The command `learn` with a record, a repository and a registry of its own."""

    def __init__(self, words, folder, monkeypatch, capsys):
        self._words, self.folder, self._monkeypatch, self._capsys = words, folder, monkeypatch, capsys
        self.registry = Registry(folder / "adapters")
        monkeypatch.setenv("COPILOT_ADAPTERS", str(self.registry.folder))

    def command(self, *more: str, minutes: str = "0.01") -> list[str]:
        return ["learn", *self._words, "--name", "shop", "--folder", str(self.folder / "run"), "--minutes", minutes, *more]

    def __call__(self, *more: str, stdin: str = "") -> Done:
        """Runs it in this process, which has everything loaded."""
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = main(self.command(*more))
        return Done(status, *self._capsys.readouterr())

    def started(self, *more: str, minutes: str) -> subprocess.Popen:
        """Runs it in a process of its own."""
        command = [sys.executable, "-m", "copilot_lib", *self.command(*more, minutes=minutes)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )


@pytest.fixture
def learn(repository, record, tiny, tmp_path, monkeypatch, capsys) -> Learn:
    words = ["--model", str(tiny), "--record", str(record), str(repository), "--targets", "0"]
    return Learn(words, tmp_path, monkeypatch, capsys)


def train_files(repository) -> int:
    return len(material.collect(repository).train)


def test_what_was_accepted_becomes_an_adapter_whose_card_says_how_much_was_used(learn, repository, tiny):
    said, wrong = learn.started(minutes="0.01").communicate()
    assert not [line for line in wrong.splitlines() if "step" not in line], wrong
    used = train_files(repository)
    assert 0 < used < 10
    assert re.search(rf"^held out: stands in a file that is held out to measure with +{10 - used}$", said, re.MULTILINE)
    assert re.search(rf"^learnt from +{used}$", said, re.MULTILINE)
    about = learn.registry.about("shop")
    assert about["feedback"] == {
        "events": used,
        "from": None,
        "taken": {"kept": used},
        "dropped": {"secret": 1, "held out": 10 - used, "foreign": 1},
    }
    card = (learn.registry.find("shop").folder / "README.md").read_text()
    assert f"- {used} accepted completions ({used} kept)" in card
    assert f"- accepted completions left out: 1 secret, {10 - used} held out, 1 foreign" in card
    assert models.load(str(tiny)).read_adapter(learn.registry.find("shop").folder)


def test_what_goes_on_from_an_adapter_is_saved_though_it_is_no_better_where_that_was_the_best(learn, monkeypatch):
    assert learn().status == 0
    monkeypatch.setattr(training, "mean_loss", lambda network, batches: 1.0)  # what is begun with is better than what comes
    anew = learn()
    assert anew.status == 1 and "no adapter was saved, since" in anew.wrong
    assert learn("--from", "shop").status == 0
    assert learn.registry.about("shop")["feedback"]["from"] == "shop"
    assert learn("--resume").status == 0, "what it goes on from is in its folder"


def test_a_later_run_goes_on_from_the_adapter_that_is_there(learn):
    assert learn().status == 0
    before = learn.registry.about("shop")["training"]
    assert learn("--from", "shop").status == 0
    about = learn.registry.about("shop")
    assert about["feedback"]["from"] == "shop"
    assert about["training"]["first_loss"] == pytest.approx(before["best_loss"], abs=0.02)
    refused = learn("--from", "shop", "--seed", "1")
    assert refused.status == 2 and "was trained with --seed 0" in refused.wrong
    assert learn("--from", "nobody").wrong.startswith("copilot_lib: there is no adapter nobody")
    assert learn.registry.about("shop") == about


def test_a_run_that_is_killed_leaves_the_old_adapter_as_it_was_and_can_be_gone_on_with(learn, make_adapter, tiny):
    folder = learn.registry.folder / "shop"
    folder.mkdir(parents=True)
    make_adapter(folder, model=str(tiny))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with learn.started(minutes="5") as process:
        for line in process.stdout:
            if "steps of" in line:
                process.kill()
    assert process.returncode == -9
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    again = learn()
    assert again.status == 2 and "holds a run: go on with --resume" in again.wrong
    plan = learn.folder / "run" / "plan.json"
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"steps": 3}))
    assert learn("--resume").status == 0
    assert learn.registry.about("shop")["feedback"]["events"] > 0


def test_a_person_may_refuse_each_completion_and_is_not_asked_again(learn, repository):
    used = train_files(repository)
    done = learn("--review", stdin="n\nwhat?\ny\na\n")
    assert done.status == 0, done.wrong
    assert f"1 of {used}  part_" in done.said and "⟦basket.zloty_total(3)⟧" in done.said
    assert learn.registry.about("shop")["feedback"]["dropped"]["refused"] == 1
    assert learn("--review").status == 0, "nobody is asked, so nobody has to answer"
    assert learn.registry.about("shop")["feedback"]["dropped"]["refused"] == 1


@pytest.mark.parametrize(("stdin", "said"), [("y\n", "ended before its last question"), ("y\nq\n", "was stopped")])
def test_a_review_that_is_broken_off_learns_nothing_and_keeps_what_was_decided(learn, stdin, said):
    done = learn("--review", stdin=stdin)
    assert done.status == 2 and said in done.wrong
    assert learn.registry.names() == []
    assert len(json.loads((learn.folder / "run" / "decided.json").read_text())) == 1


def test_a_record_without_anything_to_learn_is_refused_with_the_reasons(learn, record):
    record.unlink()
    Store(record).add(accepted_in("import a\nimport b\n\nx = wagon.total(3)\ny = 2\n", "wagon.total(3)", "a"))
    done = learn()
    assert done.status == 2
    assert done.wrong.startswith("copilot_lib: nothing to learn from the record") and "foreign" in done.wrong
    record.unlink()
    assert "is not there" in learn().wrong
    assert learn.registry.names() == []


def test_training_that_goes_on_begins_with_exactly_what_the_adapter_computes(tmp_path, make_adapter):
    import torch

    adapted = make_adapter(tmp_path / "one", seed=3, strength=0.05, r=8, lora_alpha=8)
    adapter = models.load("pocket").read_adapter(tmp_path / "one")
    settings = going_on.settings_for(adapter, Settings(), "one", {}, {"seed": 0, "tests": False})
    assert (settings.rank, settings.alpha) == (8, 16), "the scale is another, and the numbers make up for it"
    begun = going_on.begun(models.load_network("pocket", "cpu")[0], adapter, settings)
    ids = torch.arange(5, 60)[None]
    with torch.inference_mode():
        assert torch.allclose(begun(ids).logits, adapted(ids).logits, atol=1e-3)
        base = models.load_network("pocket", "cpu")[0](ids).logits
    assert not torch.allclose(base, adapted(ids).logits, atol=1e-1)
    assert all(weight.requires_grad == ("lora_" in name) for name, weight in begun.named_parameters())


@pytest.mark.parametrize("targets", [None, 5, "c_attn", [["c_attn"]]])
def test_an_adapter_that_names_its_layers_strangely_is_refused(tmp_path, make_adapter, targets):
    make_adapter(tmp_path / "one", seed=3, strength=0.05)
    adapter = models.load("pocket").read_adapter(tmp_path / "one")
    with pytest.raises(AdapterRefused, match="expected a list of names"):
        going_on.settings_for(adapter, Settings(), "one", {"settings": {"targets": targets}}, {"seed": 0, "tests": False})
