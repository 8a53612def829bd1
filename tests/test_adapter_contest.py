"""Adapters among those that evaluation asks: by name or folder, with other files shown or not, and never taken for another."""

import json
import os
from pathlib import Path

import pytest

from copilot_lib import contest
from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.completer import Completer
from copilot_lib.contestants import Setting, contestant, refuse_what_was_learnt
from copilot_lib.cursor import Cursor
from copilot_lib.registry import Registry
from copilot_lib.targets import Target

TEXT = "from shop import price\n\n\ndef total(items):\n    return \n\n\nprint(total([]))\n"
CURSOR = Cursor(TEXT, TEXT.index("return ") + len("return "))


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_adapter):
    folder = tmp_path_factory.mktemp("adapters")
    for seed, name in enumerate(("one", "two")):
        make_adapter(folder / name, seed=seed, strength=0.07)
    return Registry(folder)


@pytest.fixture
def setting(tmp_path, registry, monkeypatch):
    monkeypatch.setenv("COPILOT_ADAPTERS", str(registry.folder))
    (tmp_path / "shop.py").write_text("def price(item, currency='EUR'):\n    return item.price\n" * 3)
    (tmp_path / "main.py").write_text(TEXT)
    return Setting(Path(tmp_path), [])


def test_an_adapter_answers_by_its_name_as_the_completer_does_with_it(setting, registry):
    names = ("adapter:one", "adapter:two", f"adapter:{registry.folder}{os.sep}one", "pocket")
    asked = {name: contestant(name, setting) for name in names}
    said = {name: one.answer(CURSOR, "main.py", 16).shown for name, one in asked.items()}
    for name in ("one", "two"):
        assert (
            said[f"adapter:{name}"]
            == Completer.load("pocket").complete(CURSOR, max_new_tokens=16, adapter=registry.find(name)).text
        )
    assert said[names[0]] == said[names[2]]
    assert len({one.identity for one in asked.values()}) == 3, "an adapter is known by its numbers, wherever it lies"


def test_other_files_may_be_shown_to_an_adapter_too(setting):
    plain, shown = (contestant(name, setting) for name in ("adapter:one", "adapter:one+imports"))
    assert (plain.name, shown.name) == ("adapter:one", "adapter:one+imports")
    assert plain.identity == shown.identity
    target = Target(CURSOR, "sum(map(price, items))", "main.py:5:12")
    assert plain.bits(target) != shown.bits(target)


@pytest.fixture
def own(setting, make_adapter, tmp_path_factory):
    """An adapter of the setting's repository, which was divided by another seed than usual."""
    folder = tmp_path_factory.mktemp("own") / "mine"
    make_adapter(folder, seed=1, strength=0.07)
    about = json.loads((folder / "adapter.json").read_text())
    about |= {"repository": {"root": str(setting.root.resolve()), "remote": None}}
    about |= {"material": {"settings": {"seed": 3, "tests": True}}}
    (folder / "adapter.json").write_text(json.dumps(about))
    return f"adapter:{folder}+imports"


def test_an_adapter_is_not_asked_in_files_that_it_may_have_learnt_from(setting, own, tmp_path_factory):
    with pytest.raises(AdapterRefused, match=r"mine held out other files .* with --seed 3 and with --tests"):
        refuse_what_was_learnt(own, setting.root, 0, True)
    refuse_what_was_learnt(own, setting.root, 3, True)
    for folder in (setting.root / "inner", setting.root.parent):
        with pytest.raises(AdapterRefused, match="divided as a whole: evaluate that folder"):
            refuse_what_was_learnt(own, folder, 3, True)
    refuse_what_was_learnt(own, tmp_path_factory.mktemp("another repository"), 0, False)


def test_it_is_refused_before_anything_is_asked_or_written(setting, own, tmp_path):
    with pytest.raises(AdapterRefused):
        contest.run(setting.root, [own], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["adapter:three", "adapter:", "adapter:../one", "adapter:./nowhere"])
def test_one_that_is_not_there_is_a_sentence(setting, name):
    with pytest.raises(AdapterRefused):
        contestant(name, setting)
