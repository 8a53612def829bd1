"""What a condition shows is what its name says, and rows of outcomes whose worth is known come out as they must."""

import json
import re
from pathlib import Path

import pytest

from copilot_lib import ablation, frozen, models
from copilot_lib.ablation import CONDITIONS, FIRST, KIND, Outcome, Setting
from copilot_lib.completer import Completer
from copilot_lib.context.embedding import hidden_states
from copilot_lib.frozen import Frozen, Label
from copilot_lib.targets import place

TAX = "def net(gross, rate=0.19):\n    return gross / (1 + rate)\n"
CART = "def add_item(cart, item):\n    return net(item.price)\n"
MAIN = "from tax import net\n\ndef checkout(cart, item):\n    price = net(item.price)\n    return price\n"


@pytest.fixture
def shop(tmp_path) -> Setting:
    for name, text in {"tax.py": TAX, "cart.py": CART, "main.py": MAIN}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return ablation.setting_of(tmp_path, hidden_states(models.load("pocket")))


START = MAIN.index("item.price)")
TARGET = place(MAIN, {"file": "main.py", "kind": KIND, "start": START, "end": START + 11})


def sources(setting: Setting, name: str) -> set[str]:
    target, where = CONDITIONS[name](setting, TARGET)
    return {one.source for one in where.gather(target.cursor, 300, lambda piece: 1)} if where else set()


def test_each_condition_shows_what_its_name_says(shop):
    assert {name: sources(shop, name) for name in CONDITIONS} == {
        "no suffix": set(),
        FIRST: set(),
        "+ imports": {"imported"},
        "+ tabs": {"open"},
        "+ BM25": {"retrieved"},
        "+ embeddings": {"retrieved"},
        "+ both, fused": {"retrieved"},
        "+ all three": {"imported", "open"},  # what the tabs show is not retrieved again
    }


def test_each_index_is_asked_for_what_it_stands_for(shop):
    for name, word in {"+ BM25": "BM25", "+ embeddings": "embeddings", "+ both, fused": "BM25 and embeddings"}.items():
        target, where = CONDITIONS[name](shop, TARGET)
        reasons = {one.reason for one in where.gather(target.cursor, 300, lambda piece: 1)}
        assert reasons and all(re.fullmatch(f"similar, {word} [-.\\de]+", reason) for reason in reasons), reasons


def test_without_suffix_is_the_same_question_with_nothing_behind(shop):
    alone, _ = CONDITIONS["no suffix"](shop, TARGET)
    assert (alone.cursor.prefix, alone.cursor.suffix) == (TARGET.cursor.prefix, "")
    assert alone.reference == TARGET.reference


def asked(strata: list[str]) -> Frozen:
    labels = [Label(stratum, seen=False) for stratum in strata]
    return Frozen("shop", [TARGET] * len(strata), labels, [], {}, {}, "f")


def test_outcomes_of_known_worth():
    right, wrong = Outcome(1, 1, 11, 0), Outcome(0, 0, 22, 40)
    rows = ablation.table(asked(["above", "repository"]), [(FIRST, [right, wrong]), ("+ imports", [right, right])])
    assert [(r["targets"], r["condition"], r["exact"][0], r["exact_above_first"][0], r["bits"][0]) for r in rows] == [
        ("all", FIRST, 0.5, 0.0, 1.5),
        ("all", "+ imports", 1.0, 0.5, 1.0),
        ("needs another file", FIRST, 0.0, 0.0, 2.0),
        ("needs another file", "+ imports", 1.0, 1.0, 1.0),
    ]


def test_a_stopped_run_goes_on(tmp_path, shop, monkeypatch):
    """The second run asks nothing that the first has asked."""
    root, file = shop.project.root, tmp_path / "kept.json"
    frozen_file = tmp_path / "places.json"
    many = "\n".join(f"def f{n}(price, rate):\n    total = price * rate + {n}\n    return total - price\n" for n in range(9))
    for n in range(5):
        (root / f"more{n}.py").write_text(many.replace("price", f"price{n}"), encoding="utf-8")
    frozen.freeze(root, frozen_file, 2)
    places = frozen.load(root, frozen_file)
    completer = Completer.load("pocket")
    first = dict(ablation.outcomes(completer, root, places, file))
    assert first.keys() == CONDITIONS.keys()
    kept = json.loads(file.read_text(encoding="utf-8"))
    del kept[f"{places.fingerprint} + tabs"]
    file.write_text(json.dumps(kept), encoding="utf-8")
    counted = []
    outcome = ablation.outcome
    monkeypatch.setattr(ablation, "outcome", lambda *arguments: counted.append(1) or outcome(*arguments))
    assert dict(ablation.outcomes(completer, root, places, file)) == first
    assert len(counted) == len(first[FIRST])


def test_the_command_measures_a_folder(tmp_path, shop):
    from copilot_lib.__main__ import main

    root = shop.project.root
    for n in range(5):
        text = "".join(f"def g{k}(item{n}):\n    result{k} = item{n} + {k}\n    return result{k}\n\n" for k in range(6))
        (root / f"more{n}.py").write_text(text, encoding="utf-8")
    words = ["ablation", str(root), "--targets", "2", "--folder", str(tmp_path / "kept"), "--output", str(tmp_path / "out")]
    assert main(words) == 0
    record = json.loads((tmp_path / "out" / f"{Path(root).name}.json").read_text(encoding="utf-8"))
    assert {row["condition"] for row in record["rows"]} == set(CONDITIONS)


def test_rows_of_other_conditions_are_kept_only_beside_the_same_first_one():
    def made(condition, worth, targets="all"):
        return {"targets": targets, "condition": condition, "exact": worth}

    before = [made("no suffix", 1), made(FIRST, 2), made("+ BM25", 3), made("no suffix", 4, "needs another file")]
    again = [made(FIRST, 2), made("+ BM25", 5), made("+ embeddings", 6)]
    assert ablation.beside_earlier(again, before) == [made("no suffix", 1), *again, made("no suffix", 4, "needs another file")]
    others = [made(FIRST, 2.5), made("+ embeddings", 6)]
    assert ablation.beside_earlier(others, before) == others


def test_one_condition_alone_may_be_measured_and_another_name_is_refused(tmp_path, shop, capsys):
    from copilot_lib.__main__ import main

    root = shop.project.root
    for n in range(5):
        text = "".join(f"def g{k}(item{n}):\n    result{k} = item{n} + {k}\n    return result{k}\n\n" for k in range(6))
        (root / f"more{n}.py").write_text(text, encoding="utf-8")
    words = ["ablation", str(root), "--targets", "2", "--folder", str(tmp_path / "kept"), "--output", str(tmp_path / "out")]
    for condition, known in {"+ tabs": {FIRST, "+ tabs"}, "+ imports": {FIRST, "+ tabs", "+ imports"}}.items():
        assert main([*words, "--only", condition]) == 0
        record = json.loads((tmp_path / "out" / f"{Path(root).name}.json").read_text(encoding="utf-8"))
        assert {row["condition"] for row in record["rows"]} == known
    assert main([*words, "--only", "magic"]) == 2
    assert "'magic' is no condition: expected no suffix, suffix" in capsys.readouterr().err
