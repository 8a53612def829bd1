"""Runs a whole evaluation: places of a repository, who is asked, their replies, the sums, and the page; all in one folder.

It knows the order of these steps and the files they leave; it does not know how one of them is done.

    output/targets.json        the places, frozen before anyone is asked
    output/replies/NAME.jsonl  what was said, line by line: a run that was stopped goes on from there
    output/results.json        the sums
    output/index.html          two contestants side by side
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from copilot_lib import compare_page, frozen, hardware, models, report
from copilot_lib.checkpoint import write_json, write_whole
from copilot_lib.contestants import BASELINES, Setting, contestant, learnt_by, refuse_what_was_learnt
from copilot_lib.frozen import Frozen
from copilot_lib.replies import Reply, collect
from copilot_lib.split import TEST_SHARE

Progress = Callable[[str, Iterable, int], Iterable]
"""From a contestant's name, what is to be asked and the number that was asked before, to the same things as they are done."""

PLACES, PAGE = "targets.json", "index.html"
OPTIONS = {"per_kind": "--targets", "seed": "--seed", "tests": "--tests"}
"""By which options a command says how places are chosen."""


def silently(name: str, items: Iterable, done: int) -> Iterable:
    """Shows nothing."""
    return items


def places(root: Path, output: Path, per_kind: int, seed: int, tests: bool) -> Frozen:
    """The frozen places in a folder, which are chosen if it has none; `ValueError` if its own were chosen otherwise."""
    file = output / PLACES
    if not file.exists():
        frozen.freeze(root, file, per_kind, seed, TEST_SHARE, tests)
    asked = frozen.load(root, file)
    wanted = {"per_kind": per_kind, "seed": seed, "test_share": TEST_SHARE, "tests": tests}
    if asked.settings != wanted:
        differing = [key for key in wanted if asked.settings.get(key) != wanted[key]]
        was = ", ".join(f"{OPTIONS.get(key, key)} {asked.settings.get(key)} instead of {wanted[key]}" for key in differing)
        raise ValueError(f"{file} was frozen with {was}: ask for the same, or name another folder with --output")
    return asked


def file_of(output: Path, name: str) -> Path:
    """The file of a contestant's replies: its name as far as a file system takes it, and a few digits for the rest.

    >>> file_of(Path("out"), "baseline:n-gram").name
    'baseline-n-gram-d7a29e95.jsonl'
    """
    plain = re.sub(r"[^\w.-]+", "-", name)[-60:].strip("-.")
    return output / "replies" / f"{plain}-{sha256(name.encode()).hexdigest()[:8]}.jsonl"


def run(
    root: Path,
    names: Sequence[str],
    output: Path,
    per_kind: int = 100,
    seed: int = 0,
    tests: bool = False,
    model: str | None = None,
    progress: Progress = silently,
) -> dict:
    """Asks the named contestants and all baselines, writes everything into `output`, and returns the record.

    The first two are compared with each other, and each with the lookup; of one, the lookup is the other. Raises `ValueError`
    for a repository, a name or a folder that cannot be used, each with what to do.
    """
    lookup = f"baseline:{[*BASELINES][-1]}"
    names = list(dict.fromkeys(names))
    compared = [tuple(names[:2])] if len(names) > 1 else []
    compared += [(lookup, name) for name in names if name != lookup]
    for name in names:
        refuse_what_was_learnt(name, root, seed, tests)
    (output / "replies").mkdir(parents=True, exist_ok=True)
    asked = frozen.without(places(root, output, per_kind, seed, tests), frozenset().union(*map(learnt_by, names)))
    setting = Setting(Path(root), asked.train, model)
    replies: dict[str, list[Reply]] = {}
    for name in dict.fromkeys([*(f"baseline:{one}" for one in BASELINES), *names]):
        replies[name] = collect(contestant(name, setting), asked, file_of(output, name), partial(progress, name))
    record = about(names, per_kind, seed, tests, model) | report.record(asked, replies, compared)
    couple = compared[0] if compared else (lookup, "baseline:n-gram")
    page = compare_page.page(asked, record, couple, *(replies[name] for name in couple))
    write_json(output / "results.json", record)
    write_whole(output / PAGE, lambda file: file.write_text(page, encoding="utf-8"))
    return record


def about(names: Sequence[str], per_kind: int, seed: int, tests: bool, model: str | None) -> dict:
    """When, on what and by which command a record was made."""
    options = ["--targets", str(per_kind), "--seed", str(seed), *(["--tests"] if tests else [])]
    options += ["--model", model] if model else []
    options += ["--compare", *names] if len(names) > 1 else []
    return {
        "command": shlex.join(["python", "-m", "copilot_lib", "evaluate", "REPO", *options]),
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware.describe(models.device_of(model or models.default_name())),
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "tokenizers", "onnxruntime")},
    }
