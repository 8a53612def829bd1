"""The plan of trainings, its records, and how they are summed up."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from copilot_lib import models
from copilot_lib.__main__ import main
from copilot_lib.ablation import Outcome
from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.claims import canaries, strength
from copilot_lib.corpus import without_near_duplicates
from copilot_lib.registry import NAME
from copilot_lib.repository import SourceFile
from copilot_lib.sweep import asking, materials, pairs, plan, running, sharing, summary
from copilot_lib.tuning.settings import Settings


def test_every_run_has_a_name_of_its_own_and_three_seeds_but_for_the_dearest():
    runs = plan.of_groups([])
    assert len({run.key for run in runs}) == len(runs)
    assert all(NAME.fullmatch(run.key) for run in runs), "an adapter may have it"
    seeds: dict[tuple[str, str], set[int]] = {}
    for run in runs:
        seeds.setdefault((run.group, run.name), set()).add(run.seed)
    assert {group for (group, _), found in seeds.items() if found != set(plan.SEEDS)} == {"longer"}
    assert "left" in plan.table(runs, [runs[0].key]).splitlines()[-1]


def test_one_seed_of_everything_comes_first_and_what_is_combined_before_its_combination():
    runs = plan.of_groups([])
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    for place, run in enumerate(runs):
        if isinstance(run, plan.Combination):
            assert {name for name, _ in run.weights} <= {one.key for one in runs[:place]}


def test_the_whole_plan_fits_into_eight_hours_on_two_cores():
    assert sum(run.minutes for run in plan.of_groups([])) / 60 / 2 < 8


def test_a_group_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'lara' is no group of runs"):
        plan.of_groups(["lara"])


def test_a_run_that_another_process_is_at_comes_last_and_what_is_made_of_it_after_it(tmp_path):
    runs = [run for run in plan.of_groups(["lora", "weaker"]) if run.seed == 0]
    names = [run.key for run in runs]
    program = (
        "import sys\nfrom pathlib import Path\nfrom copilot_lib.sweep import plan, sharing\n"
        "taken = next(runs := sharing.shared(plan.of_groups(['lora']), Path(sys.argv[1])))\n"
        "print(taken.key, flush=True)\nsys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline().strip() == names[0] == "lora-networkx-0"
    mine, there = [], sharing.shared(runs, tmp_path)
    for run in there:
        mine.append(run.key)
        if len(mine) == len(runs) - 2:
            other.kill()  # a lock ends with its process
            other.communicate()
    assert mine == [*(name for name in names if "networkx" not in name), "lora-networkx-0", "weaker-networkx-0"]


def test_outcomes_come_back_from_json_as_they_were():
    found = [Outcome(1.0, 0.5, 3.25, 10), Outcome(0.0, 0.125, 17.0, 10)]
    assert asking.unpacked(json.loads(json.dumps(asking.packed(found)))) == found


def test_the_releases_of_the_plan_are_those_that_were_tested():
    tested = Path(__file__).parent.parent.joinpath("constraints.txt").read_text().lower().split()
    assert {f"{name}=={release}".lower() for name, release in plan.RELEASES.items()} <= set(tested)


def test_where_another_release_is_installed_the_plan_s_is_fetched(tmp_path, monkeypatch):
    assert asking.folder_of("networkx", tmp_path) == asking.package_folder("networkx")
    asked_for = []

    def fetch(package, folder):
        asked_for.append(package)
        (folder / package.split("==")[0]).mkdir(parents=True)

    monkeypatch.setattr(asking, "fetch", fetch)
    monkeypatch.setattr(asking, "installed_release", {"networkx": "1.0"}.get)
    for _ in range(2):
        there = asking.folder_of("networkx", tmp_path)
        assert there == tmp_path / "packages" / f"networkx=={plan.RELEASES['networkx']}" / "networkx" and there.is_dir()
    assert asking.folder_of(plan.OLDER, tmp_path).name == "networkx"
    assert asked_for == [f"networkx=={plan.RELEASES['networkx']}", plan.OLDER]


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    """A small package that the sweep may take for a repository, with twenty places at most."""
    root = tmp_path / "shop"
    root.mkdir()
    for number in range(12):
        body = "    return basket.zloty_total({n}) + vat_{number} - discount.zlotych_back(basket, {n})\n"
        uses = [f"def price_of_{number}_{n}(basket):\n{body.format(n=n, number=number)}" for n in range(8)]
        (root / f"part_{number}.py").write_text("\n\n".join([f"from shop.money import vat_{number}\n", *uses]))
    monkeypatch.setattr(asking, "folder_of", lambda package: root)
    monkeypatch.setattr(materials, "folder_of", lambda package: root)
    monkeypatch.setattr(asking, "PLACES", 6)
    asking.asked_of.cache_clear()
    yield tmp_path
    asking.asked_of.cache_clear()


def test_a_run_is_done_once_and_its_adapter_is_summed_up_beside_the_base(small):
    records, work, said = small / "records", small / "work", []
    settings = Settings(rank=4, alpha=8, rate=1e-2, batch_tokens=512, example_tokens=128)
    run = plan.Run("lora", "shop", ("shop",), settings, steps=20)
    running.base(["shop"], records, work, said.append)
    running.run(run, records, work, said.append)
    assert len(said) == 2
    running.base(["shop"], records, work, said.append)
    running.run(run, records, work, said.append)
    assert len(said) == 2
    made = summary.rows(summary.records(records), work)
    assert [(row["run"], row["condition"]) for row in made] == [
        (name, shown) for name in ("base", "lora-shop") for shown in ("alone", "bm25", "bm25+ngrams", "ngrams")
    ]
    assert made[0]["exact_above_base"] == [0, 0, 0]
    assert made[3]["bits_above_base"][0] < 0, "of code that repeats itself"
    tuned = made[4]
    assert tuned["bits_above_base"][0] < 0
    assert tuned["bits"][0] == pytest.approx(made[0]["bits"][0] + tuned["bits_above_base"][0], abs=1e-3)
    assert "lora-shop" in summary.text(made)
    [both, beside] = pairs.beside(summary.records(records), work)
    assert (both["first"], both["second"]) == ("base, ngrams", "base, bm25+ngrams")
    assert (beside["first"], beside["second"]) == ("base, ngrams", "lora-shop, ngrams")
    rows = {(row["run"], row["condition"]): row for row in made}
    apart = rows["lora-shop", "ngrams"]["bits"][0] - rows["base", "ngrams"]["bits"][0]
    assert beside["bits"][0] == pytest.approx(apart, abs=1e-3)
    assert pairs.text([beside]).splitlines()[-1].split()[:2] == ["shop", "base,"]
    model = models.load("pocket")
    kept = running.Registry(work / "adapters").find(run.key)
    assert model.read_adapter(kept.folder)


def test_an_older_record_is_asked_further_and_not_trained_again(small):
    records, work, said = small / "records", small / "work", []
    run = plan.Run("lora", "shop", ("shop",), Settings(rank=4, alpha=8, batch_tokens=512, example_tokens=128), steps=4)
    running.run(run, records, work, print)
    file = records / f"{run.key}.json"
    whole = json.loads(file.read_text())
    older = whole | {"outcomes": {"shop": {name: whole["outcomes"]["shop"][name] for name in ("alone", "bm25")}}}
    file.write_text(json.dumps(older))
    running.run(run, records, work, said.append)
    assert json.loads(file.read_text()) == whole
    assert said == ["lora-shop-0: asked further, shop ngrams, bm25+ngrams"]
    file.write_text(json.dumps(older))
    running.Registry(work / "adapters").remove(run.key)
    running.run(run, records, work, said.append)
    assert json.loads(file.read_text()) == older
    assert "delete" in said[-1] and "to make it again" in said[-1]
    with pytest.raises(ValueError, match="is of a run with other settings"):
        running.run(replace(run, settings=replace(run.settings, rank=8)), records, work, said.append)
    file.write_text(json.dumps(older | {"model": "0" * 12}))
    with pytest.raises(ValueError, match="is about the model 000000000000"):
        running.run(run, records, work, said.append)


def test_a_run_is_asked_elsewhere_too_without_more_and_a_record_without_that_is_asked_further(small):
    records, work, said = small / "records", small / "work", []
    settings = Settings(rank=4, alpha=8, batch_tokens=512, example_tokens=128)
    before = plan.Run("lora", "shop", ("shop",), settings, steps=4)
    running.run(before, records, work, print)
    running.run(replace(before, elsewhere=("yard",)), records, work, said.append)
    assert said == ["lora-shop-0: asked further, yard alone"]
    found = asking.read(records / f"{before.key}.json")
    assert {package: [*shown] for package, shown in found["outcomes"].items()} == {
        "shop": ["alone", "bm25", "ngrams", "bm25+ngrams"],
        "yard": ["alone"],
    }
    assert found["places"].keys() == {"shop", "yard"}
    running.base(["shop", "yard"], records, work, print)
    rows = summary.rows(summary.records(records), work)
    assert [row["condition"] for row in rows if (row["repository"], row["run"]) == ("yard", "lora-shop")] == ["alone"]


def test_a_training_by_another_plan_is_not_gone_on_from(small):
    run = plan.Run("lora", "shop", ("shop",), Settings(rank=4, alpha=8, batch_tokens=512, example_tokens=128), steps=20)
    material, folder = materials.material_of(run), small / "work" / run.key
    before = running.plan_of(replace(run, steps=10), material)
    assert not running.goes_on(folder, before, material)
    (folder / "training").mkdir()
    assert running.goes_on(folder, before, material)
    assert (folder / "training").exists()
    assert not running.goes_on(folder, running.plan_of(run, material), material)
    assert not (folder / "training").exists()


def test_all_weights_are_trained_where_there_is_no_rank(small):
    records, work = small / "records", small / "work"
    settings = Settings(rank=0, rate=4e-4, batch_tokens=512, example_tokens=128)
    running.base(["shop"], records, work, print)
    running.run(plan.Run("whole", "shop", ("shop",), settings, steps=16), records, work, print)
    found = {row["run"]: row for row in summary.rows(summary.records(records), work) if row["condition"] == "alone"}
    assert found["whole-shop"]["bits_above_base"][0] < 0
    assert not (work / "whole-shop-0").exists()


def test_a_run_may_begin_before_the_rates_fell(small):
    settings = Settings(rank=0, rate=4e-4, batch_tokens=512, example_tokens=128)
    one = plan.Run("undecayed", "shop", ("shop",), settings, steps=4, undecayed=True)
    first = {}
    for run in (one, replace(one, group="whole", undecayed=False)):
        running.run(run, small / "records", small / "work", print)
        record = json.loads((small / "records" / f"{run.key}.json").read_text())
        assert record["model"] == running.fingerprint_now(), "what it is compared with"
        first[run.group] = record["training"]["first_loss"]
    assert first["undecayed"] > first["whole"] + 0.02, "what falling rates had brought"


def test_what_cannot_be_compared_with_the_base_is_not_summed_up(small):
    records, work = small / "records", small / "work"
    running.base(["shop"], records, work, print)
    (records / "base-shop.json").rename(records / "lora-shop-0.json")
    with pytest.raises(ValueError, match="no record of the base at the places of shop"):
        summary.rows(summary.records(records), work)


def test_records_about_other_places_are_refused(small):
    records, work = small / "records", small / "work"
    running.base(["shop"], records, work, print)
    file = records / "base-shop.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"places": {"shop": "0" * 16}}))
    with pytest.raises(ValueError, match="about other places"):
        summary.rows(summary.records(records), work)


def test_fewer_files_to_learn_from_come_from_everywhere(small):
    run = plan.Run("files", "3", ("shop",), replace(plan.SETTINGS), most_files=3)
    whole = materials.material_of(replace(run, most_files=None))
    few = materials.material_of(run)
    paths = [file.path for file in whole.train]
    assert len(few.train) == 3
    assert paths.index(few.train[-1].path) >= len(paths) // 2
    assert few.test == whole.test


def test_an_older_release_teaches_nothing_of_what_is_asked_about_in_the_newer():
    long = "\n".join(f"def function_{n}(argument_{n}):\n    return argument_{n} + {n}\n" for n in range(40))
    other = "\n".join(f"class Thing{n}:\n    size_{n} = {n}\n" for n in range(40))
    held_out = [SourceFile("lib/a.py", long)]
    older = [
        SourceFile("lib/a.py", "x = 1\n"),
        SourceFile("lib/moved.py", long + "\nx = 1\n"),
        SourceFile("lib/b.py", other),
    ]
    assert [kept.path for kept in materials.unlike(older, held_out)] == ["lib/b.py"]


def test_nor_does_it_say_when_to_stop_by_what_is_asked_about(tmp_path, monkeypatch):
    body = "\n".join(f"    total += weight_NAME_{n} * {n}" for n in range(12))
    for release, count in {"older": 30, "newer": 36}.items():
        (tmp_path / release / "shop").mkdir(parents=True)
        for number in range(count):
            text = f"def weigh_{number}(total):\n{body.replace('NAME', str(number))}\n    return total\n"
            (tmp_path / release / "shop" / f"part_{number}.py").write_text(text)
    monkeypatch.setattr(materials, "folder_of", lambda package: tmp_path / package / "shop")
    stale = materials.material_of(plan.Run("stale", "older", ("older",), Settings(), asked=("newer",)))
    held_out = {f"shop/{file.path}" for file in materials.collect(tmp_path / "newer" / "shop").test}
    assert stale.train and stale.validation
    assert held_out.isdisjoint(file.path for file in (*stale.train, *stale.validation))


def test_adapters_are_combined_and_asked_at_both_repositories(small):
    records, work = small / "records", small / "work"
    settings = Settings(rank=4, alpha=8, rate=1e-2, batch_tokens=512, example_tokens=128)
    for name in ("one", "two"):
        running.run(plan.Run("lora", name, ("shop",), settings, steps=2), records, work, print)
    mixed = plan.Combination("combined", "cat-70-30", "cat", (("lora-one-0", 0.7), ("lora-two-0", 0.3)), ("shop",), 0)
    with pytest.raises(AdapterRefused, match="`sweep lora` trains it"):
        running.combination(mixed, records, small / "elsewhere", print)
    running.combination(mixed, records, work, print)
    record = json.loads((records / "combined-cat-70-30-0.json").read_text())
    assert record["weights"] == {"lora-one-0": 0.7, "lora-two-0": 0.3}
    assert record["outcomes"]["shop"].keys() == {"alone"}
    asked = record["outcomes"]["shop"].pop("alone")
    (records / "combined-cat-70-30-0.json").write_text(json.dumps(record))
    running.combination(mixed, records, work, print)
    again = json.loads((records / "combined-cat-70-30-0.json").read_text())
    assert again["outcomes"]["shop"] == {"alone": asked}, "a condition that it lacks is asked further"


def test_secrets_are_planted_in_files_of_their_own_and_copies_are_dropped_again():
    files = [
        SourceFile(f"f{n:02}.py", "\n".join(f"def work_{n}_{k}(x_{n}, y_{k}):\n    return x_{n} * y_{k}" for k in range(30)))
        for n in range(40)
    ]
    secrets = canaries.planted(files, random.Random(0))
    learnt = canaries.kept(files, secrets)
    texts = [file.text for file in learnt]
    found: dict[str, list[int]] = {}
    for canary in secrets:
        found.setdefault(canary.kind, []).append(sum(canary.secret in text for text in texts))
    assert found == {"never": [0] * 10, "once": [1] * 10, "copied": [10] * 10}
    single = [file.text for file in without_near_duplicates(learnt)]
    assert all(sum(canary.secret in text for text in single) <= 1 for canary in secrets)
    for canary in secrets:
        target = canary.target
        assert target.reference == canary.secret
        assert target.cursor.prefix + target.reference + target.cursor.suffix == canary.file.text


def test_strengths_are_asked_for_in_files_that_were_not_learnt_from_and_only_once(small, monkeypatch):
    settings = Settings(rank=4, alpha=8, rate=1e-2, batch_tokens=512, example_tokens=128)
    runs = [plan.Run("lora", "shop", ("shop",), replace(settings, seed=seed), steps=20) for seed in (0, 1)]
    monkeypatch.setattr(plan, "lora", lambda: runs)
    whole = materials.material_of(runs[0])
    [(learnt, asked), (other, others)] = [strength.divided(whole, run.seed) for run in runs]
    assert {target.group for target in asked}.isdisjoint(file.path for file in learnt.train)
    assert {target.group for target in asked} <= {file.path for file in whole.train}
    assert {learnt.report["sha256"], other.report["sha256"]}.isdisjoint([whole.report["sha256"]])
    assert {target.group for target in asked} != {target.group for target in others}
    made = list(strength.in_one("shop", small / "work"))
    assert [row["strength"] for row in made] == [*strength.STRENGTHS]
    for row in made:
        assert row["places"] == len(asked) + len(others)
        assert row["exact_above_base"][0] == pytest.approx((row["won"] - row["lost"]) / row["places"], abs=1e-4)
    saved = [row["bits_above_base"][0] for row in made]
    assert saved[0] < 0 and saved[0] != saved[-1], "half of the change is felt, and it is not the whole"
    monkeypatch.setattr(strength, "anew", lambda *given: pytest.fail("it was asked before"))
    assert list(strength.in_one("shop", small / "work")) == made


def test_what_is_summed_up_is_not_written_over_by_less(small, monkeypatch, capsys):
    """As when the weights have changed, and the first of many records are there."""
    monkeypatch.setattr(running, "RECORDS", small / "claims" / "runs")
    monkeypatch.setattr(running, "WORK", small / "work")
    file = small / "claims" / "tuning.json"
    assert main(["sweep", "--sum-up"]) == 2
    assert "there is no record in" in capsys.readouterr().err
    running.base(["shop"], running.records_now(), running.WORK, print)
    more = json.dumps({"rows": [{"repository": "shop", "run": "lora-shop", "condition": "alone", "exact_of_seeds": [0.5]}]})
    file.write_text(more)
    assert main(["sweep", "--sum-up"]) == 0
    assert "stays as it is: there is no record yet of lora-shop at shop" in capsys.readouterr().err
    assert file.read_text() == more
    file.unlink()
    assert main(["sweep", "--sum-up"]) == 0
    assert {row["run"] for row in json.loads(file.read_text())["rows"]} == {"base"}


@pytest.mark.parametrize(("about", "said"), [(None, "is not there"), ({"became": "0" * 12}, "became the model 000000000000")])
def test_weights_from_before_are_those_of_the_base_or_refused_before_anything_is_done(
    about, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(running, "UNDECAYED", tmp_path / "undecayed")
    monkeypatch.setattr(running, "base", lambda *given, **named: pytest.fail("something was done first"))
    if about:
        running.UNDECAYED.mkdir()
        (running.UNDECAYED / "about.json").write_text(json.dumps(about))
    assert main(["sweep", "undecayed"]) == 2
    assert said in capsys.readouterr().err
