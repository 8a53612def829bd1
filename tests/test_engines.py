"""Completions with adapters: each as if it were the only one, however they take turns, and only a few of them in memory."""

import shutil

import pytest

from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.engines import Engines
from copilot_lib.memory import Memory
from copilot_lib.models import load
from copilot_lib.registry import Registry, entry_of
from copilot_lib.samples import EXAMPLES

NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_adapter):
    folder = tmp_path_factory.mktemp("adapters")
    for seed, name in enumerate(NAMES):
        make_adapter(folder / name, seed=seed, strength=0.08)
    return Registry(folder)


def alone(name, registry, cursor):
    """What is completed where nothing else was ever asked."""
    return Completer.load("pocket").complete(cursor, adapter=registry.find(name) if name else None).text


def test_adapters_that_take_turns_say_what_each_says_alone(registry):
    completer = Completer.load("pocket")
    cursors = [*EXAMPLES.values()][:3]
    expected = {(name, cursor): alone(name, registry, cursor) for name in (None, *NAMES) for cursor in cursors}
    for _ in range(2):
        for (name, cursor), text in expected.items():
            made = completer.complete(cursor, adapter=registry.find(name) if name else None)
            assert (made.text, made.adapter) == (text, name)
    assert completer.adapters.made == len(NAMES), "each was read once"
    assert len({tuple(expected[name, cursor] for cursor in cursors) for name in (None, *NAMES)}) == 1 + len(NAMES), (
        "they differ"
    )


def test_what_was_kept_of_a_prompt_is_used_again_and_never_by_another(registry):
    completer = Completer.load("pocket")
    cursor = next(iter(EXAMPLES.values()))
    one, two = registry.find("one"), registry.find("two")
    assert completer.complete(cursor, adapter=one).reused_tokens == 0
    assert completer.complete(cursor, adapter=two).reused_tokens == 0
    assert completer.complete(cursor).reused_tokens == 0
    assert completer.complete(cursor, adapter=one).reused_tokens > 0


def test_the_one_that_was_not_asked_for_longest_goes(registry):
    engines = Engines(load("pocket"), most=2)
    for name in ("one", "two", "one", "three", "one"):
        engines.of(registry.find(name))
    assert engines.made == 3
    engines.of(registry.find("two"))
    assert engines.made == 4


def test_a_new_version_answers_from_the_next_request_on(tmp_path, registry, make_adapter):
    completer = Completer.load("pocket")
    cursor = next(iter(EXAMPLES.values()))
    mine = Registry(tmp_path)
    shutil.copytree(registry.folder / "one", tmp_path / "mine")
    first = mine.find("mine")
    assert completer.complete(cursor, adapter=first).text == alone("one", registry, cursor)
    about = mine.about("mine") | {"name": "mine"}
    mine.save("mine", lambda folder: shutil.copytree(registry.folder / "two", folder, dirs_exist_ok=True), about)
    assert mine.find("mine") != first
    assert completer.complete(cursor, adapter=mine.find("mine")).text == alone("two", registry, cursor)


def test_a_refused_one_drops_no_other_and_the_base_answers_on(tmp_path, registry):
    completer = Completer.load("pocket")
    cursor = next(iter(EXAMPLES.values()))
    completer.adapters = Engines(completer.model, most=1)
    expected = completer.complete(cursor, adapter=registry.find("one")).text
    shutil.copytree(registry.folder / "two", tmp_path / "broken")
    (tmp_path / "broken" / "adapter_model.safetensors").write_bytes(b"half")
    with pytest.raises(AdapterRefused, match="the adapter broken is refused: "):
        completer.complete(cursor, adapter=entry_of(tmp_path / "broken"))
    assert completer.complete(cursor, adapter=registry.find("one")).text == expected
    assert completer.adapters.made == 1
    assert completer.complete(cursor).adapter is None


def test_a_name_is_looked_up_among_the_user_s_own(registry, monkeypatch):
    monkeypatch.setenv("COPILOT_ADAPTERS", str(registry.folder))
    completer = Completer.load("pocket")
    cursor = next(iter(EXAMPLES.values()))
    assert completer.complete(cursor, adapter="one").text == alone("one", registry, cursor)
    with pytest.raises(AdapterRefused, match="one, three, two"):
        completer.complete(cursor, adapter="four")


def test_the_memory_of_completions_knows_adapters(registry):
    memory, cursor = Memory(), Cursor("x = ", 4)
    entries = [registry.find("one"), registry.find("two"), registry.find("one", scale=0.5)]
    for number, entry in enumerate(entries):
        assert memory.find(cursor, {"adapter": entry}) is None
        made = Completer.load("pocket").complete(Cursor(f"{number} + ", 4), adapter=entry)
        memory.keep(cursor, {"adapter": entry}, made)
    assert [memory.find(cursor, {"adapter": entry}).adapter for entry in entries] == ["one", "two", "one"]


def test_how_many_are_kept_is_a_setting(monkeypatch):
    monkeypatch.setenv("COPILOT_ADAPTERS_IN_MEMORY", "many")
    with pytest.raises(ValueError, match="expected a whole number above 0"):
        Engines(load("pocket"))
