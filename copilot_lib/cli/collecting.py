"""Commands about what a model may learn from a repository.

It knows arguments; it does not know files or secrets.
"""

import json
import sys
from pathlib import Path

from copilot_lib.cli.inputs import Add


def collect(arguments) -> None:
    from tqdm import tqdm

    from copilot_lib.checkpoint import write_whole
    from copilot_lib.tuning import material, summary

    def progress(name: str, items):
        return tqdm(items, desc=name, unit="file", file=sys.stderr, leave=False, disable=None)

    found = material.collect(arguments.repository, arguments.seed, arguments.tests, progress)
    print(summary.text(found.report))
    if arguments.output:
        text = json.dumps(found.report, indent=1, ensure_ascii=False) + "\n"
        write_whole(arguments.output, lambda file: file.write_text(text, encoding="utf-8"))


def add(command: Add) -> None:
    """Adds these commands with their options."""
    added = command(collect, "show what a model would learn from a repository, and what is left out and why", model=False)
    added.add_argument(
        "repository", type=Path, metavar="REPO", help="a folder with Python files; nothing in it is run or changed"
    )
    added.add_argument("--seed", type=int, default=0, help="which files are set aside; the one that evaluate is given")
    added.add_argument("--tests", action="store_true", help="learn from test files too")
    added.add_argument("--output", type=Path, metavar="FILE", help="write the whole report there, as JSON")
