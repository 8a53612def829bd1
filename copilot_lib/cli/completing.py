"""Commands about single completions: at a place in a file, an example, twenty cursors, and whether all works.

It knows arguments; it does not know how a completion is made.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from copilot_lib.cli.inputs import TO_BE_FIXED, Add, BadInput, adapter_entry, cursor_at, parse_place


def complete(arguments) -> None:
    from copilot_lib import show
    from copilot_lib.completer import Completer

    cursor = cursor_at(arguments.place)
    if (arguments.ngrams or arguments.show_context) and not arguments.project:
        raise BadInput("--ngrams and --show-context are about a project: name its folder with --project")
    completer = Completer.load(arguments.model)
    codec = completer.model.codec if arguments.ngrams else None
    around = surroundings(arguments.project, parse_place(arguments.place)[0], codec) if arguments.project else {}
    options = {"max_new_tokens": arguments.max_new_tokens} | around
    if arguments.adapter:
        path = Path(parse_place(arguments.place)[0])
        options["adapter"] = adapter_entry(arguments.adapter, path, completer.model.base.fingerprint)
    completion = completer.complete(cursor, **options)
    if arguments.show_context:
        for piece in around["place"].shown:
            print(f"{piece.file}:{piece.first_line}-{piece.last_line} ({piece.reason})\n{piece.text}\n", file=sys.stderr)
    if arguments.json:
        print(json.dumps(asdict(completion)))
    elif arguments.show:
        print(show.completion(cursor, completion))
    else:
        print(completion.text)


def surroundings(project: Path, name: str, codec) -> dict[str, object]:
    """What a project is to a completer at a file: a place that remembers what is shown, and with a codec its n-grams."""
    from contextlib import closing

    from copilot_lib.snippet import Shown
    from copilot_lib.workspace import Workspace

    path = Path(name).resolve()
    with closing(Workspace([project], codec=codec)) as workspace:
        if not workspace.place(path):
            raise BadInput(f"{name} is not in the folder {project}: give a project that the file belongs to")
        workspace.refresh().result()
        return {"place": Shown(workspace.place(path)), "ngrams": workspace.ngrams(path)}


def demo(arguments) -> None:
    from copilot_lib import sample, show
    from copilot_lib.completer import Completer

    completer = Completer.load(arguments.model)
    cursors = {place.name: place.cursor for place in sample.places()}
    for name in ("a loop", "binary_search"):  # the picture in the README, and one that small models find hard
        completion = completer.complete(cursors[name])
        print(show.completion(cursors[name], completion))
        model, total = completer.model, completion.times_ms["total"]
        print(f"\n{model.name} on {model.device}: {completion.mode}, {len(completion.tokens)} tokens, {total:.0f} ms\n")
    print("A small model is often wrong. `make lab` opens the book, which counts how often, and makes it better.")


def sample(arguments) -> None:
    from copilot_lib import sample
    from copilot_lib.completer import Completer

    rows = sample.run(Completer.load(arguments.model))
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def doctor(arguments) -> int:
    from copilot_lib.doctor import checks

    healthy = True
    for check in checks(arguments.model):
        healthy &= check.startswith("ok")
        print(check, flush=True)
    return 0 if healthy else TO_BE_FIXED


def prefetch(arguments) -> None:
    from copilot_lib.models import prefetch

    print(prefetch(arguments.name))


def add(command: Add) -> None:
    """Adds these commands with their options."""
    added = command(complete, "complete at a place in a file")
    added.add_argument("place", metavar="FILE:LINE:COL", help="1-based; - for standard input, as in -:3:9")
    form = added.add_mutually_exclusive_group()
    form.add_argument("--show", action="store_true", help="draw the completion at the cursor")
    form.add_argument("--json", action="store_true", help="print everything that is known about it")
    added.add_argument("--max-new-tokens", type=int, default=64, metavar="N")
    added.add_argument("--adapter", metavar="NAME", help="a name, a folder, or auto: the one that belongs to the file")
    added.add_argument("--project", type=Path, metavar="FOLDER", help="show the model pieces of other files of this folder too")
    added.add_argument("--ngrams", action="store_true", help="let n-grams of that folder count beside the model")
    added.add_argument("--show-context", action="store_true", help="print these pieces, on standard error")
    command(demo, "complete a loop, and a binary search with a line missing")
    command(doctor, "check versions, model, memory and speed")
    command(prefetch, "fetch a hub model, so that it runs without a network", model=False).add_argument("name")
    command(sample, "complete twenty fixed cursors, to compare one model with another").add_argument(
        "--output", type=Path, help="write JSON there instead of printing it"
    )
