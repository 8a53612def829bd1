"""A whole evaluation: answers of known quality get their known scores, a stopped run goes on, and hostile files do no harm."""

import json
import random

import pytest

from copilot_lib import contest, contestants, frozen, replies, report, scoreboard, tables
from copilot_lib.__main__ import main
from copilot_lib.contestants import Contestant, Said, of_method
from copilot_lib.strata import STRATA
from copilot_lib.targets import KINDS, place

VERBS = ["load", "store", "count", "merge", "drop", "find", "sort", "scan"]


def module(n):
    draw = random.Random(n)
    parts = [f"import json\n\nLIMIT_{n} = {n}\n"]
    for k in range(6):
        verb, thing = draw.choice(VERBS), f"{draw.choice('abcdefgh')}{n}_{k}"
        parts.append(
            f"\ndef {verb}_{thing}(items, {thing}=LIMIT_{n}):\n"
            f"    total = sum(item.{thing} for item in items)\n"
            f"    if total > {thing}:\n        raise ValueError(json.dumps(total))\n"
            f"    return {verb}(total,\n        {thing})\n"
        )
    return "\n".join(parts)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository with everything that a folder from elsewhere may hold."""
    folder = tmp_path_factory.mktemp("shop")
    for n in range(16):
        (folder / f"m{n}.py").write_text(module(n))
    for n in range(4):
        (folder / f"broken{n}.py").write_text(module(40 + n) + "\ndef broken(:\n")
    (folder / "loop").symlink_to(folder)
    (folder / "latin.py").write_bytes("# coding: latin-1\nGRÖSSE = 'groß'\n".encode("latin-1") + module(30).encode())
    (folder / "bytes.py").write_bytes(b"x = '\xff'\n")
    (folder / "script.py").write_text("</script><script>alert(1)</script> = 1\n# \u202e\n" + module(31))
    with (folder / "huge.py").open("wb") as file:
        file.truncate(50_000_000)
    return folder


@pytest.fixture(scope="module")
def asked(root, tmp_path_factory):
    file = tmp_path_factory.mktemp("frozen") / "targets.json"
    frozen.freeze(root, file, per_kind=20)
    return frozen.load(root, file)


def knowing(asked, change):
    """A contestant that knows all references and says what `change` makes of them."""
    references = {target.cursor: change(target, n) for n, target in enumerate(asked.targets)}
    return of_method("knowing", lambda cursor: references[cursor])


def scores(asked, contestant, tmp_path, view="raw"):
    said = replies.collect(contestant, asked, tmp_path / "said.jsonl")
    rows = report.table(asked, {"it": said})
    assert [row["kind"] for row in rows if row["view"] == view] == list(KINDS)
    assert all(row["targets"] == 20 for row in rows), "every target counts, whatever was said"
    return [{name: row[name][0] for name in row if isinstance(row[name], list)} for row in rows if row["view"] == view]


@pytest.mark.parametrize("view", report.VIEWS)
def test_the_reference_scores_one_in_every_metric(asked, tmp_path, view):
    for row in scores(asked, knowing(asked, lambda target, n: target.reference), tmp_path, view):
        assert row.pop("distance") == row.pop("empty") == 0
        assert set(row.values()) == {1}, row


def test_the_reference_with_a_newline_too_many_is_right_when_stripped_only(asked, tmp_path):
    for row in scores(asked, knowing(asked, lambda target, n: target.reference + "\n"), tmp_path):
        assert (row["exact"], row["stripped"], row["identifier_f1"]) == (0, 1, 1)
        assert 0.7 < row["similarity"] < 1


def test_the_reference_without_its_last_character_is_close_and_wrong(asked, tmp_path):
    for row in scores(asked, knowing(asked, lambda target, n: target.reference[:-1]), tmp_path):
        assert row["exact"] == row["stripped"] == 0
        assert row["similarity"] > 0.5
        assert row["parses_in_place"] < 0.8


def test_silence_scores_nothing(asked, tmp_path):
    for row in scores(asked, of_method("empty", lambda cursor: ""), tmp_path):
        assert row["exact"] == row["stripped"] == row["similarity"] == row["identifier_f1"] == 0
        assert row["distance"] == row["empty"] == 1


def test_the_references_of_other_places_score_next_to_nothing(asked, tmp_path):
    def of_another(target, n):
        others = [other for other in asked.targets if other.kind == target.kind and other.reference != target.reference]
        return others[(n * 7) % len(others)].reference

    for row in scores(asked, knowing(asked, of_another), tmp_path):
        assert row["exact"] == 0
        assert row["similarity"] < 0.65  # these files are all alike


def test_in_real_code_too_the_references_of_other_places_score_next_to_nothing():
    real = scoreboard.targets()
    row = scoreboard.score("others", {t.cursor: o.reference for t, o in zip(real, real[1:] + real[:1], strict=True)}.get, real)
    assert row.exact < 0.05
    assert row.similarity < 0.25


def test_strata_and_seen_lines_cover_every_target_once(asked, tmp_path):
    said = {"it": replies.collect(knowing(asked, lambda target, n: target.reference), asked, tmp_path / "said.jsonl")}
    for label, values in (("stratum", STRATA), ("seen", (True, False))):
        rows = report.parts(asked, said, label, values)
        assert {kind: sum(row["targets"] for row in rows if row["kind"] == kind) for kind in KINDS} == dict.fromkeys(KINDS, 20)
        assert {row["exact"][0] for row in rows} == {1}


def test_a_pair_says_who_is_ahead_and_whether_that_may_be_chance(asked, tmp_path):
    said = {
        "right": replies.collect(knowing(asked, lambda target, n: target.reference), asked, tmp_path / "1.jsonl"),
        "half": replies.collect(knowing(asked, lambda target, n: target.reference * (n % 2)), asked, tmp_path / "2.jsonl"),
    }
    for row in report.pairs(asked, "half", "right", said):
        assert row["difference"][0] > 0.4
        if row["metric"] == "exact":
            assert (row["only_first"], row["only_second"]) == (0, 10)
            assert row["p"] == pytest.approx(2 / 2**10, rel=1e-2)
            assert row["difference"] == [0.5, *row["difference"][1:]]


class Stopped(Exception):
    pass


def failing_after(contestant, count):
    left = iter(range(count))

    def answer(*place):
        if next(left, None) is None:
            raise Stopped
        return contestant.answer(*place)

    return Contestant(contestant.name, contestant.identity, answer)


def test_a_stopped_run_goes_on_where_it_was(asked, tmp_path):
    knows = knowing(asked, lambda target, n: f"{n}: {target.reference}")
    whole = replies.collect(knows, asked, tmp_path / "whole.jsonl")
    file = tmp_path / "stopped.jsonl"
    with pytest.raises(Stopped):
        replies.collect(failing_after(knows, 7), asked, file)
    with file.open("ab") as torn:
        torn.write(b'{"raw": "half a li')
    assert replies.collect(failing_after(knows, len(asked.targets) - 7), asked, file) == whole
    assert file.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert replies.collect(failing_after(knows, 0), asked, file) == whole


def test_replies_of_another_are_refused(asked, tmp_path):
    file = tmp_path / "said.jsonl"
    one = of_method("one", lambda cursor: "", "weights 1")
    replies.collect(one, asked, file)
    with pytest.raises(ValueError, match=r"identity was 'weights 1' and is 'weights 2'.*--output"):
        replies.collect(of_method("one", lambda cursor: "", "weights 2"), asked, file)
    file.write_text("[]\n")
    with pytest.raises(ValueError, match="does not hold replies"):
        replies.collect(one, asked, file)


def test_a_file_cut_off_in_its_first_line_begins_again(asked, tmp_path):
    file = tmp_path / "said.jsonl"
    file.write_text('{"contest')
    assert len(replies.collect(of_method("one", lambda cursor: ""), asked, file)) == len(asked.targets)


def test_nobody_is_told_the_reference_or_its_length(asked):
    given = []
    spy = Contestant("spy", "spy", lambda *place: given.append(place) or Said("", True, ""))
    for target in asked.targets:
        replies.reply_to(spy, target)
    for target, (cursor, path, limit) in zip(asked.targets, given, strict=True):
        assert len(cursor.text) == len(target.cursor.text)
        assert path == target.group
        assert limit == (128 if target.kind == "block" else 48)


def test_a_name_is_a_model_a_baseline_or_refused(root, asked):
    setting = contestants.Setting(root, asked.train)
    for name in contestants.BASELINES:
        said = contestants.contestant(f"baseline:{name}", setting).answer(asked.targets[0].cursor, "m0.py", 48)
        assert said.raw == said.shown and said.ended
    with pytest.raises(ValueError, match="expected one of empty, previous line"):
        contestants.contestant("baseline:magic", setting)
    with pytest.raises(ValueError, match="neither a folder nor a hub id"):
        contestants.contestant("pokcet", setting)


def test_a_model_answers_the_same_whatever_was_asked_before(root, asked, monkeypatch):
    monkeypatch.delenv("COPILOT_PRECISION")  # in 8 bits, where what is kept could matter
    pocket = contestants.contestant("pocket", contestants.Setting(root, asked.train))
    few = asked.targets[::16]
    forwards = [replies.reply_to(pocket, target) for target in few]
    assert [replies.reply_to(pocket, target) for target in few[::-1]][::-1] == forwards
    assert all(reply.bits > 0 for reply in forwards)
    again = contestants.contestant("pocket", contestants.Setting(root, asked.train))
    assert again.identity == pocket.identity


def test_a_model_may_be_shown_other_files_but_not_the_answer(tmp_path):
    root = tmp_path / "till"
    root.mkdir()
    (root / "tax.py").write_text("RATE = 0.19\n\n\ndef unmistakable_gross(net, rate=RATE):\n    return net * (1 + rate)\n")
    text = "from tax import unmistakable_gross\n\n\ndef total(net):\n    return unmistakable_gross(net, rate=0.2)\n"
    (root / "shop.py").write_text(text)
    start = text.index("net, rate=0.2")
    target = place(text, {"file": "shop.py", "kind": "rest of line", "start": start, "end": text.index("\n", start)})
    setting = contestants.Setting(root, [])
    plain = replies.reply_to(contestants.contestant("pocket", setting), target)
    for name in ("pocket+imports", "pocket+bm25", "pocket+context", "pocket+ngrams"):
        told = replies.reply_to(contestants.contestant(name, setting), target)
        assert told.bits != plain.bits, "it was shown something, or something was counted"
    only_file = tmp_path / "alone"
    only_file.mkdir()
    (only_file / "shop.py").write_text(text)
    alone = contestants.contestant("pocket+context", contestants.Setting(only_file, []))
    assert replies.reply_to(alone, target) == plain, "the open file itself is not shown once more"
    counted = replies.reply_to(contestants.contestant("pocket+ngrams", contestants.Setting(only_file, [])), target)
    (only_file / "shop.py").unlink()
    without = contestants.contestant("pocket+ngrams", contestants.Setting(only_file, []))
    assert replies.reply_to(without, target) == counted, "nor does its stored state count"


@pytest.fixture(scope="module")
def output(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("output") / "shop"
    contest.run(root, ["pocket"], folder, per_kind=3)
    return folder


def test_a_folder_from_elsewhere_is_evaluated_and_nothing_of_it_is_lost_silently(output):
    record = json.loads((output / "results.json").read_text())
    assert {row["contestant"] for row in record["table"]} == {"pocket", *(f"baseline:{name}" for name in contestants.BASELINES)}
    left_out = record["places"]["left_out"]
    assert left_out["files: larger than 1 MB"] == left_out["files: a symbolic link"] == 1
    assert left_out["files: not in the encoding that it declares, or UTF-8"] == 1
    assert record["hardware"] and record["date"] and "evaluate REPO --targets 3 --seed 0" in record["command"]
    pocket = [row for row in record["table"] if row["contestant"] == "pocket" and row["view"] == "first line"]
    assert all(row["bits_per_byte"][0] > 0 for row in pocket)
    text = tables.text(record)
    assert max(map(len, text.split("\n"))) < 128
    assert "whole line: 3 places in 3 files" in text
    assert "pocket against lookup" in text


def test_no_file_names_the_machine_s_folders(root, output):
    for file in output.rglob("*.*"):
        assert str(root.parent) not in file.read_text()


def test_the_command_line_goes_on_and_says_where_things_are(root, output, capfd):
    before = {file: file.read_bytes() for file in (output / "replies").iterdir()}
    assert main(["evaluate", str(root), "--targets", "3", "--output", str(output)]) == 0
    out, _ = capfd.readouterr()
    assert f"Side by side: {output / 'index.html'}" in out
    assert {file: file.read_bytes() for file in before} == before, "nobody was asked again"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["{root}", "--targets", "4", "--output", "{output}"], "frozen with --targets 3 instead of 4"),
        (["{root}", "--targets", "3", "--seed", "1", "--output", "{output}"], "seed 0 instead of 1"),
        (["nowhere", "--output", "{new}"], "nowhere"),
        (["{root}/m0.py", "--output", "{new}"], "Not a directory"),
        (["{new}", "--output", "{new}"], "at least two Python files"),
        (["{root}", "--targets", "3", "--output", "{output}", "--compare", "pocket", "baseline:none"], "is no baseline"),
        (["{root}", "--targets", "0", "--output", "{new}"], "at least one place"),
    ],
)
def test_bad_input_is_one_line(root, output, tmp_path, capsys, words, expected):
    assert main(["evaluate", *(word.format(root=root, output=output, new=tmp_path) for word in words)]) == 2
    assert expected in capsys.readouterr().err.strip().split("\n")[-1]


def test_an_interrupt_says_how_to_go_on(root, tmp_path, capsys, monkeypatch):
    def interrupted(*all, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(contest, "collect", interrupted)
    assert main(["evaluate", str(root), "--targets", "3", "--output", str(tmp_path)]) == 130
    assert "the same command goes on" in capsys.readouterr().err
