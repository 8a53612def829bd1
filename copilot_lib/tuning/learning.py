"""Prepares a run that learns from accepted completions: examples, what is decided about each, and the adapter to go on from.

It knows a record, a repository's material and the folder of a run; it does not know how people are asked, or how one trains.

    folder/decided.json      what a person said of each completion, which also later runs in this folder keep to
    folder/accepted.json     the examples that are learnt: a run that was stopped goes on with the same
    folder/from/             a copy of the adapter that training goes on from
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from copilot_lib import learnt
from copilot_lib.adapter_files import ABOUT, CONFIG, TENSORS
from copilot_lib.completer import Pipeline
from copilot_lib.registry import Registry
from copilot_lib.tuning import accepted, finetune, going_on
from copilot_lib.tuning.accepted import REFUSED, TAKEN, Judged
from copilot_lib.tuning.drawing import Example
from copilot_lib.tuning.material import Material
from copilot_lib.tuning.settings import Settings

DECIDED, ACCEPTED, FROM = "decided.json", "accepted.json", "from"


@dataclass(frozen=True)
class Lesson:
    """What is learnt beside the files of a repository."""

    examples: tuple[Example, ...]
    begin: Path | None
    """The adapter that training goes on from."""


def judge(record: Path, found: Material) -> list[Judged]:
    """What is made of a record by itself: the files of validation and test are asked about, and so not learnt from."""
    return accepted.judge(accepted.read(record), found.train, [*found.validation, *found.test])


def decided(folder: Path) -> dict[str, bool]:
    """What was said of completions before, by their ids: True to learn them."""
    file = folder / DECIDED
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def decide(folder: Path, said: Mapping[str, bool]) -> None:
    """Keeps what was said."""
    folder.mkdir(parents=True, exist_ok=True)
    finetune.write_json(folder / DECIDED, dict(said))


def without_refused(judged: Sequence[Judged], said: Mapping[str, bool]) -> list[Judged]:
    """Those that somebody refused are no longer taken."""
    return [one.dropped(REFUSED) if one.taken and not said.get(one.event.completion_id, True) else one for one in judged]


def begin_anew(folder: Path) -> None:
    """Clears away a run that came to its end, but what was decided. One that did not is left: `prepare` refuses then."""
    if (folder / finetune.RESULT).exists():
        for below in (finetune.TRAINING, FROM):
            shutil.rmtree(folder / below, ignore_errors=True)
        # The last one says that there is more to clear, if this is killed.
        for file in (finetune.PLAN, finetune.REPORT, ACCEPTED, finetune.RESULT):
            (folder / file).unlink(missing_ok=True)


def prepare(
    judged: Sequence[Judged],
    load: Callable[[], Pipeline],
    found: Material,
    folder: Path,
    settings: Settings,
    minutes: float | None = None,
    previous: str | None = None,
) -> tuple[finetune.Plan, Material, Lesson]:
    """Decides how a run goes, and writes it down; the material's report then says what came of the record.

    What `load` gives makes the prompts, and is let go of before training is tried. `previous` is the name of an adapter in the
    user's registry to go on from. Raises `ValueError` where nothing is left to learn from, and `AdapterRefused` where that
    adapter cannot be gone on from.
    """
    model, examples, told, settings = drawn(judged, load(), settings, previous, found.report["settings"])
    counted = accepted.counts(told)
    if not examples:
        raise ValueError(f"nothing to learn from the record\n{accepted.summary(counted)}")
    split = {
        "taken": {verdict: count for verdict, count in counted.items() if verdict in TAKEN},
        "dropped": {verdict: count for verdict, count in counted.items() if verdict not in TAKEN},
    }
    feedback = {"events": len(examples), "from": previous} | split
    found = replace(found, report=found.report | {"feedback": feedback})
    plan = finetune.prepare(found, model, folder, settings, minutes=minutes)
    if previous:
        entry = Registry().find(previous)
        (folder / FROM).mkdir(exist_ok=True)
        for file in (CONFIG, TENSORS, ABOUT):
            shutil.copy(entry.folder / file, folder / FROM / file)
        learnt.write(folder / FROM, (), [entry.folder])
    rows = [[example.ids, example.answer_count] for example in examples]
    finetune.write_json(folder / ACCEPTED, {"feedback": feedback, "examples": rows})
    return plan, found, lesson(folder)


def drawn(
    judged: Sequence[Judged], pipeline: Pipeline, settings: Settings, previous: str | None, divided: Mapping
) -> tuple[str, list[Example], list[Judged], Settings]:
    """The model's name, the examples, what is made of each event now, and the settings that suit the previous adapter."""
    examples, told = accepted.examples(judged, pipeline, settings.example_tokens)
    if examples and previous:
        adapter = pipeline.model.read_adapter(Registry().find(previous).folder)
        settings = going_on.settings_for(adapter, settings, previous, Registry().about(previous), divided)
    return pipeline.model.name, examples, told, settings


def lesson(folder: Path) -> Lesson:
    """What a run that was prepared is to learn; `ValueError` where the preparation did not come to its end."""
    try:
        rows = json.loads((folder / ACCEPTED).read_text(encoding="utf-8"))["examples"]
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder} has no {ACCEPTED} to go on by: name another folder to begin") from error
    begin = folder / FROM
    return Lesson(tuple(Example(tuple(ids), count, "accepted") for ids, count in rows), begin if begin.is_dir() else None)
