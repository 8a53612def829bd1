"""Commands that measure models: on a repository, by parts of the context, and in time.

It knows arguments; it does not know metrics.
"""

import json
import shlex
import sys
from datetime import date
from itertools import chain
from pathlib import Path

from copilot_lib.checkpoint import write_json
from copilot_lib.cli.inputs import INTERRUPTED, Add, BadInput, adapter_entry


def evaluate(arguments) -> int:
    from tqdm import tqdm

    from copilot_lib import contest, models, tables

    def progress(name: str, items, done: int):
        return tqdm(items, desc=name, initial=done, total=done + len(items), unit="place", file=sys.stderr, leave=False)

    base = arguments.model or models.default_name()
    names = arguments.compare or ([base, f"adapter:{arguments.adapter}"] if arguments.adapter else [base])
    output = arguments.output or Path("build/evaluate") / arguments.repository.resolve().name
    options = {"model": arguments.model, "per_kind": arguments.targets, "seed": arguments.seed, "tests": arguments.tests}
    try:
        record = contest.run(arguments.repository, names, output, progress=progress, **options)
    except KeyboardInterrupt:
        print(f"\nStopped. What was said is in {output}: the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    print(tables.text(record))
    print(f"\nSide by side: {output / 'index.html'}; all numbers: {output / 'results.json'}")
    return 0


def ablation(arguments) -> None:
    from copilot_lib import ablation, frozen, hardware
    from copilot_lib.completer import Completer
    from copilot_lib.context.embedding import hidden_states, sentence_model

    if unknown := [name for name in arguments.only if name not in ablation.CONDITIONS]:
        raise BadInput(f"{unknown[0]!r} is no condition: expected {', '.join(ablation.CONDITIONS)}")
    completer = Completer.load(arguments.model)
    embedder = sentence_model(arguments.embedder) if arguments.embedder else hidden_states(completer.model)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.repositories:
        root, places = repository_folder(name), arguments.folder / f"{Path(name).name}-places.json"
        if not places.exists():
            frozen.freeze(root, places, arguments.targets)
        asked = frozen.load(root, places)
        kept = arguments.folder / f"{Path(name).name}.json"
        found = ablation.outcomes(completer, root, asked, kept, embedder, arguments.only or tuple(ablation.CONDITIONS))
        rows = ablation.table(asked, announced(found, f"{name}: "))
        record = {"repository": asked.name, "model": completer.model.name, "places": asked.fingerprint} | {
            "embedder": embedder.name,
            "hardware": hardware.describe(),
            "date": date.today().isoformat(),
        }
        file = arguments.output / f"{Path(name).name}.json"
        before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        kept_rows = before["rows"] if before.get("model") == record["model"] else []
        write_json(file, record | {"rows": ablation.beside_earlier(rows, kept_rows)})


def tasks(arguments) -> None:
    from copilot_lib import hardware, quality, scoreboard
    from copilot_lib.completer import Completer
    from copilot_lib.tasks import measuring

    completer = Completer.load(arguments.model)
    methods = measuring.of_pocket_and_known(completer)
    rows = []
    for row in measuring.rows(methods):
        print(f"{row['kind']}: {row['answers']}", file=sys.stderr, flush=True)
        rows.append(row)
    print(scoreboard.aligned(measuring.table(rows)))
    if arguments.output:
        record = {
            "command": "python -m copilot_lib tasks",
            "model": {"name": completer.model.name, "weights": quality.digest(completer.model)},
            "hardware": hardware.describe(completer.model.device),
            "date": date.today().isoformat(),
            "rows": rows,
        }
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(arguments.output, record)


def claims(arguments) -> int:
    from copilot_lib import hardware, quality
    from copilot_lib.claims import CLAIMS, OF_THE_POCKET
    from copilot_lib.completer import Completer

    completer = Completer.load(arguments.model)
    others = completer.model.name != "pocket" and sorted(OF_THE_POCKET.intersection(arguments.names or CLAIMS))
    if others:
        left = ", ".join(sorted(CLAIMS.keys() - OF_THE_POCKET))
        raise BadInput(f"{others[0]} is measured with the pocket alone, and not with {completer.model.name}: name {left}")
    if unknown := [name for name in arguments.names if name not in CLAIMS]:
        raise BadInput(f"{unknown[0]!r} is no claim: expected {', '.join(CLAIMS)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or CLAIMS:
        print(f"claims {name}", file=sys.stderr, flush=True)
        try:
            rows = CLAIMS[name](completer)
        except KeyboardInterrupt:
            print(f"\nStopped: {name}.json is as it was. What `strength` has asked is kept.", file=sys.stderr)
            return INTERRUPTED
        record = {
            "command": f"python -m copilot_lib claims {name}",
            "model": {"name": completer.model.name, "weights": quality.digest(completer.model)},
            "hardware": hardware.describe(completer.model.device),
            "date": date.today().isoformat(),
            "rows": rows,
        }
        write_json(arguments.output / f"{name}.json", record)
    return 0


def announced(found, before: str):
    """Passes on named things, and says each name as it comes."""
    for name, thing in found:
        print(before + name, file=sys.stderr, flush=True)
        yield name, thing


def repository_folder(name: str) -> Path:
    """A folder, or that of an installed package."""
    from copilot_lib.installed import package_folder

    if not (folder := Path(name).resolve() if Path(name).is_dir() else package_folder(name)):
        raise BadInput(f"{name} is neither a folder nor an installed package: give one of the two")
    return folder


def harness(arguments) -> None:
    from copilot_lib import contest, frozen, models
    from copilot_lib import harness as written
    from copilot_lib.completer import Completer

    folder = arguments.places
    if not (folder / contest.PLACES).exists():
        raise BadInput(f"{folder} has no frozen places: expected a folder that `evaluate` or `finetune` has written")
    asked = frozen.load(arguments.repository, folder / contest.PLACES)
    completer = Completer.load(arguments.model)
    fingerprint = completer.model.base.fingerprint
    entry = adapter_entry(arguments.adapter, arguments.repository, fingerprint) if arguments.adapter else None
    loaded = {"pretrained": models.folder_of(completer.model.name), "dtype": "float32"}
    loaded |= {"peft": str(entry.folder)} if entry else {}
    if broken := [path for path in loaded.values() if "," in path]:
        raise BadInput(f"lm_eval divides its arguments at commas: copy {broken[0]} to a folder whose path has none")
    names = written.write(folder / "harness", asked.name, asked.targets, completer)
    model = ",".join(f"{option}={value}" for option, value in loaded.items())
    options = {"--model": "hf", "--model_args": model, "--include_path": str(folder / "harness"), "--tasks": ",".join(names)}
    print(shlex.join(["lm_eval", *chain.from_iterable(options.items())]))


def bench(arguments) -> None:
    from copilot_lib.bench import PARTS

    for name in arguments.parts or PARTS:
        if name not in PARTS:
            raise BadInput(f"{name!r} is no part of the benchmark: expected {', '.join(PARTS)}")
        print(PARTS[name](arguments.model), end="\n\n", flush=True)


def add(command: Add) -> None:
    """Adds these commands with their options."""
    added = command(bench, "measure completion speed on this machine")
    added.add_argument("parts", nargs="*", metavar="PART", help="engine, typing, server or repository; all where none is named")
    added = command(harness, "write the places of an evaluation as tasks of lm-evaluation-harness, which others have made")
    added.add_argument("repository", type=Path, metavar="REPO", help="the repository that was asked about")
    added.add_argument(
        "places", type=Path, metavar="FOLDER", help="the evaluation's: build/evaluate/REPO, or that in a finetune's"
    )
    added.add_argument("--adapter", metavar="NAME", help="put it into the command that is printed")
    added = command(ablation, "measure what each part of the context is worth to a model")
    added.add_argument("repositories", nargs="+", help="folders, or names of installed packages")
    added.add_argument("--targets", type=int, default=170, help="places in each repository")
    added.add_argument("--embedder", metavar="NAME", help="a sentence-transformers model; without, the model's hidden states")
    added.add_argument("--only", nargs="+", default=[], metavar="CONDITION", help="keep what was measured of the others")
    added.add_argument("--folder", type=Path, default=Path("build/ablation"), help="where a stopped run goes on")
    added.add_argument("--output", type=Path, default=Path("results/context"), help="folder of the JSON files")
    added = command(claims, "measure what the article claims and nothing else measures")
    added.add_argument(
        "names",
        nargs="*",
        metavar="CLAIM",
        help="adapting, canaries, lengths, recipe, strength or waiting; all where none is named",
    )
    added.add_argument("--output", type=Path, default=Path("results/claims"), help="folder of the JSON files")
    added = command(tasks, "fill holes in small functions, and run their tests: does it run?")
    added.add_argument("--output", type=Path, metavar="FILE", help="write JSON there too")
    added = command(evaluate, "ask a model, and what must be beaten, at places in your own repository")
    added.add_argument(
        "repository", type=Path, metavar="REPO", help="a folder with Python files; nothing in it is run or changed"
    )
    two = added.add_mutually_exclusive_group()
    two.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two side by side, such as pocket and pocket+bm25")
    two.add_argument("--adapter", metavar="NAME", help="the model and the model with this adapter side by side")
    added.add_argument("--targets", type=int, default=100, metavar="N", help="places of each of four kinds, default 100")
    added.add_argument("--seed", type=int, default=0, help="which files are set aside, and which places in them")
    added.add_argument("--tests", action="store_true", help="ask in test files too")
    added.add_argument("--output", type=Path, metavar="FOLDER", help="default build/evaluate and the repository's name")
