"""Puts a trained adapter into a registry, with its card, and compares it with its base at held-out places.

It knows a finished run's folder and a registry; it does not know how training or evaluation work.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from copilot_lib import contest, tables
from copilot_lib.adapter_files import CONFIG, TENSORS
from copilot_lib.learnt import LEARNT
from copilot_lib.registry import Registry, repository_of
from copilot_lib.tuning import adapter_card
from copilot_lib.tuning.finetune import REPORT, RESULT, TRAINING, Plan
from copilot_lib.tuning.training import BEST

CARD = "README.md"
EVALUATION = "evaluation"


def save(name: str, root: Path, plan: Plan, folder: Path, registry: Registry, evaluated: Mapping | None = None) -> Path:
    """Saves what a run came to under a name, and returns the adapter's folder. `evaluated` goes onto its card."""
    report, result = (json.loads((folder / file).read_text(encoding="utf-8")) for file in (REPORT, RESULT))

    def write(new: Path) -> None:
        for file in (CONFIG, TENSORS):
            shutil.copy(folder / TRAINING / BEST / file, new / file)
        shutil.copy(folder / LEARNT, new / LEARNT)
        (new / CARD).write_text(adapter_card.text(name, plan, report, result, evaluated), encoding="utf-8")

    about = {
        "base": {"name": plan.model, "fingerprint": plan.fingerprint},
        "repository": repository_of(root),
        "material": {key: report[key] for key in ("files", "bytes", "licence", "sha256", "settings")},
        "settings": asdict(plan.settings),
        "training": {key: result[key] for key in ("steps", "first_loss", "best_loss", "seconds", "hardware")},
    }
    about |= {"feedback": report["feedback"]} if "feedback" in report else {}
    return registry.save(name, write, about)


def compare(
    name: str, root: Path, plan: Plan, folder: Path, per_kind: int, progress: contest.Progress = contest.silently
) -> str:
    """The table of base and adapter at held-out places, also put onto the adapter's card; it is in the user's registry."""
    shutil.rmtree(folder / EVALUATION, ignore_errors=True)
    divided = json.loads((folder / REPORT).read_text(encoding="utf-8"))["settings"]
    division = {option: divided[option] for option in ("seed", "tests")}
    options = {"per_kind": per_kind, "model": plan.model, "progress": progress} | division
    record = contest.run(root, [plan.model, f"adapter:{name}"], folder / EVALUATION, **options)
    save(name, root, plan, folder, Registry(), record)
    short = tables.in_short(record, plan.model, f"adapter:{name}")
    return f"{tables.text(record)}\n\n{short}\nThe same as a page: {folder / EVALUATION / contest.PAGE}"
