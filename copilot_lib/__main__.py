"""The command line: translates arguments into calls of the package, and every failure into one line and a status.

It knows arguments and exit statuses; it does not know how anything is done. Nothing heavy is imported before it is needed,
so that `--help` answers at once.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

TO_BE_FIXED, BAD_INPUT, INTERRUPTED = 1, 2, 130
MOST_BYTES = 50_000_000


class BadInput(ValueError):
    """What the user gave cannot be used; the message is the line that they read."""


def read_start(name: str) -> bytes:
    """The bytes of a file or of standard input, to one more than are taken: a device such as /dev/zero has no end."""
    if name != "-":
        with open(name, "rb") as file:
            return file.read(MOST_BYTES + 1)
    if sys.stdin is None:
        raise BadInput("standard input is closed: give a file")
    return sys.stdin.buffer.read(MOST_BYTES + 1)


def read_text(name: str) -> str:
    """The text of a file, or of standard input for `-`; newlines stay as they are."""
    try:
        data = read_start(name)
    except OSError as error:
        raise BadInput(
            f"{name}: {(error.strerror or str(error)).lower()}; give a text file, or - for standard input"
        ) from error
    if len(data) > MOST_BYTES:
        raise BadInput(f"{name} has more than {MOST_BYTES // 1_000_000} MB: expected a file that a person edits")
    if b"\0" in data:
        raise BadInput(f"{name} is a binary file: expected text in UTF-8")
    try:
        return data.decode("utf-8-sig")  # a byte order mark is not part of line 1
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 (byte {error.start + 1}): save it as UTF-8 and ask again") from error


def parse_place(place: str) -> tuple[str, int, int]:
    """`FILE:LINE:COL`, 1-based, as compilers print it; `-:LINE:COL` is standard input.

    >>> parse_place("src/app.py:12:8")
    ('src/app.py', 12, 8)
    """
    try:
        name, line, column = place.lstrip().rsplit(":", 2)
        return name, int(line), int(column)
    except ValueError:
        raise BadInput(f"{place!r} is not a place in a file: expected FILE:LINE:COL, for example app.py:12:8") from None


def cursor_at(place: str):
    """The cursor for `FILE:LINE:COL`."""
    from copilot_lib.cursor import Cursor

    name, line, column = parse_place(place)
    text = read_text(name)
    try:
        return Cursor.at(text, line - 1, column - 1)
    except ValueError:
        raise BadInput(f"{name} has no place {line}:{column}: {valid_places(text, line)}") from None


def valid_places(text: str, line: int) -> str:
    """What the user could have meant, 1-based."""
    from copilot_lib.cursor import LINE_END

    lines = LINE_END.split(text)
    if 1 <= line <= len(lines):
        return f"line {line} has columns 1 to {len(lines[line - 1]) + 1}"
    return f"it has lines 1 to {len(lines)}"


def complete(arguments) -> None:
    from copilot_lib import show
    from copilot_lib.completer import Completer

    cursor = cursor_at(arguments.place)
    place = place_in(arguments.project, parse_place(arguments.place)[0]) if arguments.project else None
    completion = Completer.load(arguments.model).complete(cursor, max_new_tokens=arguments.max_new_tokens, place=place)
    if arguments.show_context:
        for piece in place.shown if place else ():
            print(f"{piece.file}:{piece.first_line}-{piece.last_line} ({piece.reason})\n{piece.text}\n", file=sys.stderr)
    if arguments.json:
        print(json.dumps(asdict(completion)))
    elif arguments.show:
        print(show.completion(cursor, completion))
    else:
        print(completion.text)


def place_in(project: Path, name: str):
    """Where a file is in a project, with an index of it, remembering what the model is shown."""
    from contextlib import closing

    from copilot_lib.snippet import Shown
    from copilot_lib.workspace import Workspace

    with closing(Workspace([project])) as workspace:
        place = workspace.place(Path(name).resolve())
        if not place:
            raise BadInput(f"{name} is not in the folder {project}: give a project that the file belongs to")
        workspace.refresh().result()
        return Shown(workspace.place(Path(name).resolve()))


def demo(arguments) -> None:
    from copilot_lib import show
    from copilot_lib.completer import Completer
    from copilot_lib.samples import EXAMPLES

    cursor = EXAMPLES["binary_search"]
    completer = Completer.load(arguments.model)
    completion = completer.complete(cursor)
    print(show.completion(cursor, completion))
    model, total = completer.model, completion.times_ms["total"]
    print(f"\n{model.name} on {model.device}: {completion.mode}, {len(completion.tokens)} tokens, {total:.0f} ms")
    print("A small model is often wrong. `make lab` opens the book, which counts how often, and makes it better.")


def serve(arguments) -> None:
    import signal

    import uvicorn

    from copilot_lib import feedback
    from copilot_lib.server import app, guard, service

    key = arguments.api_key or os.environ.get("COPILOT_API_KEY")
    local = arguments.host in guard.LOOPBACK
    if not local and not key:
        raise BadInput(f"{arguments.host} can be reached from other machines: give a key too (--api-key or COPILOT_API_KEY)")
    door = open_door(arguments.host, arguments.port)
    completer = BACKENDS[arguments.backend](arguments)
    one = service.Service(completer.complete)
    hosts = guard.LOOPBACK | {arguments.host, *arguments.allow_host}
    served = app.Served(completer.model.name, completer.model.context_tokens, completer.model.codec.format)
    store = feedback.Store(arguments.record) if arguments.record else None
    application = app.create(one, served, hosts=hosts, origins=arguments.allow_origin, key=key, store=store)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn finishes what runs, then raises the signal once more
        signal.signal(number, lambda *_: sys.exit(0))
    address = f"http://{arguments.host}:{door.getsockname()[1]}"
    print(f"{completer.model.name} completes code at {address} (Ctrl-C ends it)", flush=True)
    if store:
        around = feedback.CHARACTERS_AROUND
        print(f"What is reported of completions is kept with {around:,} characters on each side in {store.file}", flush=True)
    try:
        uvicorn.Server(uvicorn.Config(application, log_level="warning", server_header=False)).run(sockets=[door])
    finally:
        one.close()
        completer.close()


def here(arguments):
    """A completer whose model runs in this process."""
    from copilot_lib.completer import Completer

    return Completer.load(arguments.model)


def elsewhere(arguments):
    """A completer whose model another program serves."""
    from copilot_lib import gateway, models

    if not arguments.url:
        raise BadInput("the backend openai needs the engine's address: give --url, such as http://127.0.0.1:8000")
    codec, context_tokens = models.codec(arguments.tokenizer or arguments.model or "pocket")
    remote = gateway.Remote(arguments.model or "pocket", codec, context_tokens)
    return gateway.Gateway(arguments.url, remote, gateway.engine_key(), arguments.prompt_as_text)


BACKENDS = {"here": here, "openai": elsewhere}


def lsp(arguments) -> None:
    from functools import partial

    from copilot_lib import feedback, lsp
    from copilot_lib.completer import Completer

    store = feedback.Store(arguments.record) if arguments.record else None
    if store:
        print(f"Accepted completions are kept in {store.file}", file=sys.stderr)
    lsp.serve_stdio(lsp.create(partial(Completer.load, arguments.model), store, arguments.context))


def open_door(host: str, port: int):
    """A listening socket; one that is taken is one clear line."""
    import socket

    try:
        door = socket.create_server((host, port))
        # Connections inherit it. asyncio only sees to it for sockets that name their protocol; without it, the second of two
        # small packets waits 40 ms for the client's word about the first.
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return door
    except OSError as error:
        why = (error.strerror or str(error)).split(" (")[0].lower()
        raise BadInput(f"{host}:{port} cannot be used ({why}): choose another --port") from None


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


def corpus(arguments) -> None:
    from copilot_lib.corpus import build

    manifest = build(arguments.folder)
    size = manifest["bytes"] / 1e6
    print(f"{manifest['files']} files, {size:.1f} MB from {len(manifest['sources'])} sources in {arguments.folder}")


def corpus_of(folder: Path) -> Path:
    """The folder, if a corpus is in it."""
    if not (folder / "corpus.jsonl").exists():
        raise BadInput(f"{folder} has no corpus.jsonl: make it with `python -m copilot_lib corpus` first")
    return folder


def pretrain(arguments) -> None:
    from copilot_lib import pretrain, recipe

    pretrain.train(
        corpus_of(arguments.folder),
        recipe.preset(arguments.preset),
        arguments.steps,
        resume=arguments.resume,
        cooldown_steps=arguments.cooldown_steps,
        device="cuda" if arguments.preset == "gpu" else "cpu",
        start=arguments.start,
    )


def pilots(arguments) -> None:
    from copilot_lib import corpus, pilots, targets
    from copilot_lib.checkpoint import fingerprint

    if arguments.name not in pilots.PILOTS:
        raise BadInput(f"{arguments.name!r} is no pilot: expected one of {', '.join(pilots.PILOTS)}")
    texts = [document.text for document in corpus.read(corpus_of(arguments.folder))]
    progress = partial(print, file=sys.stderr, flush=True)
    models = arguments.models / fingerprint(arguments.folder / "corpus.jsonl")[:12]  # models of another corpus are others
    record = pilots.record(arguments.name, models, texts, targets.load(arguments.targets), progress)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / f"{arguments.name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def evaluate(arguments) -> int:
    from tqdm import tqdm

    from copilot_lib import contest, models, tables

    def progress(name: str, items, done: int):
        return tqdm(items, desc=name, initial=done, total=done + len(items), unit="place", file=sys.stderr, leave=False)

    names = arguments.compare or [arguments.model or models.default_name()]
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


def quality(arguments) -> None:
    from copilot_lib import corpus, quality, targets
    from copilot_lib.completer import Completer

    documents = (document.text for document in corpus.read(corpus_of(arguments.folder)))
    asked = targets.load(arguments.targets)
    progress = partial(print, file=sys.stderr, flush=True)
    record = quality.record(Completer.load(arguments.model), asked, documents, progress)
    arguments.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def ablation(arguments) -> None:
    from copilot_lib import ablation, frozen, hardware
    from copilot_lib.completer import Completer

    completer = Completer.load(arguments.model)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.repositories:
        root, places = repository_folder(name), arguments.folder / f"{Path(name).name}-places.json"
        if not places.exists():
            frozen.freeze(root, places, arguments.targets)
        asked = frozen.load(root, places)
        found = ablation.outcomes(completer, root, asked, arguments.folder / f"{Path(name).name}.json")
        rows = ablation.table(asked, announced(found, f"{name}: "))
        record = {"repository": asked.name, "model": completer.model.name, "places": asked.fingerprint} | {
            "hardware": hardware.describe(),
            "date": date.today().isoformat(),
            "rows": rows,
        }
        file = arguments.output / f"{Path(name).name}.json"
        file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def announced(found, before: str):
    """Passes on named things, and says each name as it comes."""
    for name, thing in found:
        print(before + name, file=sys.stderr, flush=True)
        yield name, thing


def repository_folder(name: str) -> Path:
    """A folder, or that of an installed package."""
    from importlib.util import find_spec

    if Path(name).is_dir():
        return Path(name).resolve()
    try:
        found = find_spec(name)
    except (ImportError, ValueError):
        found = None
    if not found or not found.submodule_search_locations:
        raise BadInput(f"{name} is neither a folder nor an installed package: give one of the two")
    return Path(next(iter(found.submodule_search_locations))).resolve()


def export(arguments) -> None:
    from copilot_lib import export, models, targets

    name = arguments.model or models.default_name()
    file = export.write(name, arguments.precision)
    difference, spread = export.against_torch(name, arguments.precision)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, {arguments.precision}")
    print(f"A logit differs from torch's by {difference:.2g} at most; logits spread by {spread:.2g}.")
    if arguments.compare:
        progress = partial(print, file=sys.stderr, flush=True)
        record = export.compare(name, targets.load(arguments.targets)[:: arguments.every], progress)
        arguments.compare.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def card(arguments) -> None:
    from copilot_lib import card

    files = arguments.model / "training.json", arguments.quality, arguments.compared
    training, quality, compared = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    (arguments.model / "README.md").write_text(card.text(training, arguments.records, quality, compared), encoding="utf-8")


def sample(arguments) -> None:
    from copilot_lib import sample
    from copilot_lib.completer import Completer

    rows = sample.run(Completer.load(arguments.model))
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def bench(arguments) -> None:
    from copilot_lib.bench import PARTS

    for name in arguments.parts or PARTS:
        if name not in PARTS:
            raise BadInput(f"{name!r} is no part of the benchmark: expected {', '.join(PARTS)}")
        print(PARTS[name](arguments.model), end="\n\n", flush=True)


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    main = argparse.ArgumentParser(prog="python -m copilot_lib", description="Build your own copilot: complete code from here.")
    commands = main.add_subparsers(required=True, metavar="COMMAND")

    def command(function, help, model=True):
        made = commands.add_parser(function.__name__, help=help, description=help)
        made.set_defaults(run=function)
        if model:
            made.add_argument("--model", help="pocket (default), a folder, or a hub id; COPILOT_MODEL sets the default")
        return made

    added = command(complete, "complete at a place in a file")
    added.add_argument("place", metavar="FILE:LINE:COL", help="1-based; - for standard input, as in -:3:9")
    form = added.add_mutually_exclusive_group()
    form.add_argument("--show", action="store_true", help="draw the completion at the cursor")
    form.add_argument("--json", action="store_true", help="print everything that is known about it")
    added.add_argument("--max-new-tokens", type=int, default=64, metavar="N")
    added.add_argument("--project", type=Path, metavar="FOLDER", help="show the model pieces of other files of this folder too")
    added.add_argument("--show-context", action="store_true", help="print these pieces, on standard error")
    command(demo, "complete a binary search with a line missing")
    added = command(serve, "answer editors over HTTP")
    added.add_argument("--host", default="127.0.0.1", help="the address to listen at; only this machine by default")
    added.add_argument("--port", type=int, default=8765, help="8765; 0 takes a free one")
    added.add_argument("--api-key", help="a key that every request must send; COPILOT_API_KEY sets it too")
    added.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="another name that the server goes by")
    added.add_argument("--allow-origin", action="append", default=[], metavar="ORIGIN", help="a web page that may ask")
    added.add_argument("--backend", choices=BACKENDS, default="here", help="where the model runs: here, or behind --url")
    added.add_argument("--url", help="an OpenAI-compatible engine, such as vLLM's; COPILOT_ENGINE_KEY is its key")
    added.add_argument("--tokenizer", metavar="MODEL", help="a folder or hub id with the engine's tokenizer; default --model")
    added.add_argument("--prompt-as-text", action="store_true", help="for engines that take no token ids")
    record = {"type": Path, "metavar": "FILE", "help": "keep what editors report of completions in a SQLite file"}
    added.add_argument("--record", **record)
    added = command(lsp, "answer one editor that speaks the Language Server Protocol on standard input and output")
    added.add_argument("--record", **record)
    added.add_argument(
        "--context",
        action=argparse.BooleanOptionalAction,
        help="whether the model is shown other files of the workspace; left out, only models of 1,024 tokens and more are",
    )
    command(doctor, "check versions, model, memory and speed")
    command(prefetch, "fetch a hub model, so that it runs without a network", model=False).add_argument("name")
    command(sample, "complete twenty fixed cursors, to compare one model with another").add_argument(
        "--output", type=Path, help="write JSON there instead of printing it"
    )
    added = command(bench, "measure completion speed on this machine")
    added.add_argument("parts", nargs="*", metavar="PART", help="engine, typing or server; all where none is named")
    folder = {"type": Path, "default": Path("build/pocket"), "help": "working folder, default build/pocket"}
    command(corpus, "collect the text the pocket model learns from", model=False).add_argument("--folder", **folder)
    added = command(pretrain, "train the pocket model", model=False)
    added.add_argument("--folder", **folder)
    added.add_argument("--preset", choices=("cpu", "gpu"), default="cpu")
    added.add_argument("--steps", type=int, default=8200, help="steps in all; 8200 are 100 million tokens with the cpu preset")
    added.add_argument("--cooldown-steps", type=int, default=1600, help="lower the rate over the last so many, write the model")
    added.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    added.add_argument("--from", type=Path, dest="start", metavar="MODEL", help="begin from a finished model's weights")
    results = Path("results/pocket")
    added = command(pilots, "train small models that differ in one thing, and compare them: minutes to hours", model=False)
    added.add_argument("name", help="which comparison: a name in copilot_lib/pilots.py, such as fim_for_free")
    added.add_argument("--folder", **folder)
    added.add_argument("--models", type=Path, default=Path("build/pilots"), help="where the trained models are kept")
    added.add_argument("--targets", type=Path, default=results / "targets.json", help="the frozen places to ask at")
    added.add_argument("--output", type=Path, default=results / "pilots", help="the folder that the JSON goes to")
    added = command(ablation, "measure what each part of the context is worth to a model")
    added.add_argument("repositories", nargs="+", help="folders, or names of installed packages")
    added.add_argument("--targets", type=int, default=170, help="places in each repository")
    added.add_argument("--folder", type=Path, default=Path("build/ablation"), help="where a stopped run goes on")
    added.add_argument("--output", type=Path, default=Path("results/context"), help="folder of the JSON files")
    added = command(evaluate, "ask a model, and what must be beaten, at places in your own repository")
    added.add_argument(
        "repository", type=Path, metavar="REPO", help="a folder with Python files; nothing in it is run or changed"
    )
    added.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two side by side, such as pocket and pocket+bm25")
    added.add_argument("--targets", type=int, default=100, metavar="N", help="places of each of four kinds, default 100")
    added.add_argument("--seed", type=int, default=0, help="which files are set aside, and which places in them")
    added.add_argument("--tests", action="store_true", help="ask in test files too")
    added.add_argument("--output", type=Path, metavar="FOLDER", help="default build/evaluate and the repository's name")
    added = command(quality, "measure a model on held-out code, half an hour on two cores")
    added.add_argument("--folder", **folder)
    added.add_argument("--targets", type=Path, default=results / "targets.json", help="the frozen places to ask at")
    added.add_argument("--output", type=Path, default=results / "quality.json", help="where the JSON goes")
    added = command(export, "write a small model's network as one file for onnxruntime, which loading then uses")
    added.add_argument("--precision", choices=("int8", "float32"), default="int8")
    added.add_argument(
        "--compare", type=Path, metavar="FILE", help="measure what 8 bits cost in exact answers, and write it there"
    )
    added.add_argument("--targets", type=Path, default=results / "targets.json", help="the frozen places to ask at")
    added.add_argument("--every", type=int, default=1, metavar="N", help="ask at every Nth of them only")
    added = command(card, "write a trained model's card from its records", model=False)
    added.add_argument("--model", type=Path, default=Path("copilot_lib/pocket"), help="the model's folder, where the card goes")
    added.add_argument("--records", type=Path, default=results / "run", help="the records of its training")
    added.add_argument("--quality", type=Path, default=results / "quality.json", help="what `quality` has measured")
    added.add_argument("--compared", type=Path, default=results / "int8.json", help="what `export --compare` has measured")
    return main


def main(words: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, 1 where `doctor` found something, 2 where input cannot be used."""
    words = sys.argv[1:] if words is None else words
    if hasattr(sys.stdout, "reconfigure"):  # a terminal without Unicode shows a question mark and no traceback
        sys.stdout.reconfigure(errors="replace")
    # argparse takes -:3:9 for an option; a blank in front says that it is none; parse_place takes it off.
    arguments = parser().parse_args([f" {word}" if word.startswith("-:") else word for word in words])
    try:
        status = arguments.run(arguments) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read us has seen enough; Python would complain once more when it closes the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return refuse(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except (ValueError, FloatingPointError) as error:
        return refuse(str(error))


def refuse(message: str) -> int:
    print(f"copilot_lib: {message}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
