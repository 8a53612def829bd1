"""Places as tasks of lm-evaluation-harness: what stands in the files, as that program reads them."""

import json
import re
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from copilot_lib import contest, frozen, harness, models
from copilot_lib.__main__ import main
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.targets import Target


@pytest.fixture(scope="module")
def completer():
    return Completer.load("pocket")


def target(before, reference, after, kind="rest of line"):
    return Target(Cursor(before + after, len(before)), reference, before + reference + after, kind)


RETURNS = target("def area(width, height):\n    return ", "width * height", "\n\n\nprint(area(2, 3))\n")
EMPTY_LIST = target("found = ", "[]", "\nfor line in lines:\n    found.append(line)\n")


def test_prompts_are_text_with_sentinels_and_answers_are_as_they_stand_there(completer):
    [first, second] = harness.rows([RETURNS, EMPTY_LIST], completer)
    assert re.fullmatch(r"<fim_prefix>.*return <fim_suffix>\n\n\nprint.*<fim_middle>", first["prompt"], re.DOTALL)
    assert (first["reference"], second["reference"]) == ("width * height", "[]")


def test_whoever_reads_the_text_gets_the_ids_of_the_prompt(completer):
    [row] = harness.rows([RETURNS], completer)
    read = Tokenizer.from_file(str(models.POCKET / "tokenizer.json")).encode(row["prompt"], add_special_tokens=False).ids
    assert read == list(completer.prompt(RETURNS.cursor, harness.LINE_TOKENS, harness.ORDER).ids)


NOT_ASKED = {
    "at the end of a file": target("total = ", "0", "\n"),
    "another kind": target("x = 1\n", "y = 2", "\nprint(x + y)\n", "whole line"),
    "spells a sentinel": target('MIDDLE = "<fim_middle>"\nx = ', "1", "\nprint(x)\n"),
}


@pytest.mark.parametrize("name", NOT_ASKED)
def test_some_places_cannot_be_asked_as_text(completer, name):
    assert list(harness.rows([NOT_ASKED[name]], completer)) == []


def test_each_task_names_its_file_and_the_fields_in_it(completer, tmp_path):
    names = harness.write(tmp_path / "made", "shop", [RETURNS], completer)
    assert names == ["shop_surprise", "shop_line"]
    for kind, name in zip(("surprise", "line"), names, strict=True):
        task = json.loads((tmp_path / "made" / f"{kind}.yaml").read_text())
        [line] = Path(task["dataset_kwargs"]["data_files"]["test"]).read_text(encoding="utf-8").splitlines()
        assert task["task"] == name
        assert {task["doc_to_text"], task["doc_to_target"]} == json.loads(line).keys()
        assert task["target_delimiter"] == "", "what comes next comes at once"


def test_places_that_are_all_of_another_kind_are_refused(completer, tmp_path):
    with pytest.raises(ValueError, match="none of the places is a rest of line"):
        harness.write(tmp_path, "shop", [NOT_ASKED["another kind"]], completer)


def test_the_command_takes_an_evaluation_s_places_and_prints_the_other_program_s_command(tmp_path, capsys):
    root, output = tmp_path / "shop", tmp_path / "evaluation"
    root.mkdir()
    output.mkdir()
    for number in range(12):
        lines = [f"def price_{number}_{n}(basket):\n    return basket.total({n}) + vat_{number}\n" for n in range(6)]
        (root / f"part_{number}.py").write_text("\n\n".join(lines))
    assert main(["harness", str(root), str(output)]) == 2
    assert "has no frozen places" in capsys.readouterr().err
    frozen.freeze(root, output / contest.PLACES, 4)
    with_comma = tmp_path / "a,b"
    shutil.copytree(models.POCKET, with_comma)
    assert main(["harness", str(root), str(output), "--model", str(with_comma)]) == 2
    assert "lm_eval divides its arguments at commas" in capsys.readouterr().err
    assert main(["harness", str(root), str(output)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("lm_eval --model hf --model_args pretrained=")
    assert f"--include_path {output / 'harness'} --tasks shop_surprise,shop_line" in printed
    assert (output / "harness" / harness.PLACES).read_text().count("\n") == 4
