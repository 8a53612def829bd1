"""Commands about adapters: listed, shown, removed, merged, combined, and compared with what an engine makes of them.

It knows arguments; it does not know what an adapter is made of.
"""

import argparse
import json
from pathlib import Path

from copilot_lib.cli.inputs import TO_BE_FIXED, Add, BadInput, adapter_entry


def listed(arguments) -> None:
    from copilot_lib.adapter_files import TENSORS, AdapterRefused
    from copilot_lib.registry import Registry
    from copilot_lib.scoreboard import aligned

    registry = Registry()
    rows = [("name", "base", "MB", "made", "repository")]
    refused = []
    for name in registry.names():
        try:
            about = registry.about(name)
            size = (registry.find(name).folder / TENSORS).stat().st_size
        except (AdapterRefused, OSError) as error:
            refused.append(str(error))
            continue
        repository = about.get("repository") or {}
        of = repository.get("remote") or repository.get("root") or "-"
        rows.append((name, about["base"]["name"], f"{size / 1e6:.1f}", str(about.get("created", "-"))[:10], str(of)))
    if len(rows) == 1 and not refused:
        print(f"There are no adapters in {registry.folder}: make one with `python -m copilot_lib finetune`")
    elif len(rows) > 1:
        print(aligned([tuple(map(printable, row)) for row in rows]))
    for line in refused:
        print(line)


def printable(text: str) -> str:
    """What others wrote, without what moves a cursor or changes colours.

    >>> printable("a" + chr(27) + "[31m")
    'a?[31m'
    """
    return "".join(character if character.isprintable() else "?" for character in text)


def show(arguments) -> None:
    from copilot_lib import models
    from copilot_lib.registry import Registry

    registry = Registry()
    about = registry.about(arguments.name)
    model = models.load(arguments.model)
    try:
        adapter = model.read_adapter(registry.find(arguments.name).folder)
        numbers = sum(pair.down.size + pair.up.size for pair in adapter.values())
        fits = f"{numbers:,} numbers in {len(adapter)} layers, ranks {sorted({pair.rank for pair in adapter.values()})}"
    except ValueError as error:
        fits = str(error)
    print(json.dumps(about, indent=1))
    print(f"\nFor {model.name}: {fits}")
    print(f"Folder: {registry.find(arguments.name).folder}")


def remove(arguments) -> None:
    from copilot_lib.registry import Registry

    Registry().remove(arguments.name)
    print(f"{arguments.name} is removed")


def merge(arguments) -> None:
    from copilot_lib import combining, models

    model = models.load(arguments.model)
    entry = adapter_entry(arguments.name, Path.cwd(), model.base.fingerprint)
    if not entry:
        raise BadInput(f"{arguments.name} names no adapter: there is nothing to merge")
    print(combining.merge(entry, model, arguments.output, arguments.dtype))


def combine(arguments) -> None:
    from copilot_lib import combining, models

    weights = dict(weighted(part) for part in arguments.parts)
    if len(weights) < len(arguments.parts):
        raise BadInput("an adapter is named twice: give it one weight")
    if arguments.way not in combining.WAYS:
        ways = "\n".join(f"  {name}: {way.says}" for name, way in combining.WAYS.items())
        raise BadInput(f"{arguments.way!r} is no way to combine: expected one of\n{ways}")
    model = models.load(arguments.model)
    print(combining.combine(arguments.name, model, weights, arguments.way, arguments.density, seed=arguments.seed))


def check(arguments) -> int:
    from copilot_lib import agreement, gateway, models
    from copilot_lib.scoreboard import aligned

    base = models.load(arguments.model, precision="float32")
    entry = adapter_entry(arguments.name, Path.cwd(), base.base.fingerprint)
    if not entry:
        raise BadInput(f"{arguments.name} names no adapter: there is nothing to compare")
    tuned = base.changed_by(base.read_adapter(entry.folder), entry.name)
    asked, served = agreement.prompts(base.codec), arguments.served or entry.name
    try:
        found = agreement.compare(arguments.url, served, tuned, base, asked, gateway.engine_key())
    except gateway.EngineFailed as error:
        raise BadInput(str(error)) from None
    beside = {f"{served} there, and here": found.apart, f"{base.name} and {entry.name}, here": found.changed}
    print(aligned([("log probabilities, mean difference", ""), *((what, f"{mean:.4f}") for what, mean in beside.items())]))
    print(f"\nThe likeliest token is the same at {found.same_choice} of {found.prompts} prompts.")
    if found.whole:
        print(f"The engine answers with {served} as the model does here.")
        return 0
    print(
        f"{found.left_out:.0%} of what {entry.name} changes is missing there or different. Look in the engine's log for\n"
        "layers that it ignores, and train without these (`finetune --layers`), or merge the adapter (`adapters merge`)."
    )
    return TO_BE_FIXED


def weighted(part: str) -> tuple[str, float]:
    """A name and its weight, as in `mine=0.7`.

    >>> weighted("mine=0.7")
    ('mine', 0.7)
    """
    name, _, weight = part.partition("=")
    try:
        return name, float(weight)
    except ValueError:
        raise BadInput(f"{part!r} is no adapter with a weight: expected NAME=WEIGHT, such as mine=0.7") from None


def adapters(arguments) -> None:
    listed(arguments)


def add(command: Add) -> None:
    """Adds these commands with their options."""
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("--model", help="the base: pocket (default), a folder, or a hub id; COPILOT_MODEL sets the default")
    actions = command(
        adapters, "list the adapters, or show, remove, merge, combine and check them", model=False
    ).add_subparsers(metavar="ACTION")

    def action(name: str, function, help: str, parents=()) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, description=help, parents=parents)
        made.set_defaults(run=function)
        return made

    action("list", listed, "the adapters in the user's folder; COPILOT_ADAPTERS names another")
    action("show", show, "what is noted of an adapter, and whether the model can use it", [model]).add_argument("name")
    action("remove", remove, "delete an adapter").add_argument("name")
    added = action("merge", merge, "save base and adapter as one model folder, for a server of its own", [model])
    added.add_argument("name", help="a name, or a folder")
    added.add_argument("output", type=Path, help="a folder that is not there yet")
    added.add_argument("--dtype", default="float32", help="float32 (default), bfloat16 or float16, which lose small changes")
    added = action("check", check, "ask an engine, such as vLLM, whether it uses an adapter whole", [model])
    added.add_argument("name", help="a name, or a folder")
    added.add_argument("--url", required=True, help="the engine's address; COPILOT_ENGINE_KEY is its key")
    added.add_argument("--served", help="what the adapter is called there; its name here if left out")
    added = action("combine", combine, "make one adapter of several, weighted, or of one a weaker one", [model])
    added.add_argument("name", help="the new adapter's")
    added.add_argument("parts", nargs="+", metavar="NAME=WEIGHT")
    added.add_argument("--way", default="cat", help="cat (default, exact), svd, ties, ties_svd, linear, dare_linear, dare_ties")
    added.add_argument("--density", type=float, default=0.5, help="the share of numbers that ties and dare keep, default 0.5")
    added.add_argument("--seed", type=int, default=0, help="for dare, which drops at random")
