"""Commands that answer editors: over HTTP, or on standard input and output.

It knows arguments and sockets; it does not know protocols.
"""

import argparse
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from copilot_lib.cli.inputs import Add, BadInput, adapter_entry


def serve(arguments) -> None:
    import signal

    import uvicorn

    from copilot_lib import feedback
    from copilot_lib.completer import wants_context
    from copilot_lib.server import app, guard, service, wire
    from copilot_lib.server.beside import Beside
    from copilot_lib.workspace import Workspace

    key = arguments.api_key or os.environ.get("COPILOT_API_KEY")
    local = arguments.host in guard.LOOPBACK
    if not local and not key:
        raise BadInput(f"{arguments.host} can be reached from other machines: give a key too (--api-key or COPILOT_API_KEY)")
    if arguments.project and arguments.backend != "here":
        raise BadInput("--project counts beside a model that runs here: leave it out with --backend openai")
    if arguments.project and not arguments.project.is_dir():
        raise BadInput(f"{arguments.project} is no folder: give --project the folder of the files that are edited")
    door = open_door(arguments.host, arguments.port)
    completer = BACKENDS[arguments.backend](arguments)
    choice = ADAPTERS[arguments.backend](arguments.adapter, completer)
    one = service.Service(completer.complete)
    hosts = guard.LOOPBACK | {arguments.host, *arguments.allow_host}
    model = completer.model
    context = wants_context(arguments.context, model.context_tokens)
    served = app.Served(model.name, model.context_tokens, model.codec.format, context)
    store = feedback.Store(arguments.record) if arguments.record else None
    guarded = {"hosts": hosts, "origins": arguments.allow_origin, "key": key}
    workspace = Workspace([arguments.project] if arguments.project else [], indexed=False, codec=model.codec)
    beside = Beside(arguments.project, workspace).options if arguments.project else dict
    application = app.create(one, served, store=store, choice=choice, beside=beside, **guarded)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn finishes what runs, then raises the signal once more
        signal.signal(number, lambda *_: sys.exit(0))
    address = f"http://{arguments.host}:{door.getsockname()[1]}"
    print(f"{completer.model.name} completes code at {address} ({address}/docs shows how; Ctrl-C ends it)", flush=True)
    if choice.default:
        print(f"Requests that name no adapter are answered with {choice.default}", flush=True)
    if store:
        around = feedback.CHARACTERS_AROUND
        print(f"What is reported of completions is kept with {around:,} characters on each side in {store.file}", flush=True)
    try:
        uvicorn.Server(wire.settings(application)).run(sockets=[door])
    finally:
        one.close()
        completer.close()
        workspace.close()


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


def adapters_here(said: str | None, completer):
    """The user's adapters, and a folder that was named as if it were one of them."""
    from copilot_lib.registry import Registry, entry_of
    from copilot_lib.server.adapters import Choice

    registry = Registry()
    find, default = registry.find, None
    if said and (entry := adapter_entry(said, Path.cwd(), completer.model.base.fingerprint)):
        completer.adapters.of(entry)  # what is wrong with it is said now, and no request waits for it

        def find(name: str, scale: float = 1.0):
            return replace(entry_of(entry.folder), scale=scale) if name == entry.name else registry.find(name, scale)

        default = entry.name
    return Choice(completer.model.name, find, registry.names, default)


def adapters_elsewhere(said: str | None, completer):
    """The adapters of an engine: it knows them itself."""
    from copilot_lib import gateway
    from copilot_lib.server.adapters import Choice

    names = [gateway.adapter(said).name] if said else []
    return Choice(completer.model.name, gateway.adapter, lambda: names, said)


BACKENDS = {"here": here, "openai": elsewhere}
ADAPTERS = {"here": adapters_here, "openai": adapters_elsewhere}


def lsp(arguments) -> None:
    from copilot_lib import feedback, lsp
    from copilot_lib.completer import Completer

    store = feedback.Store(arguments.record) if arguments.record else None
    if store:
        print(f"Accepted completions are kept in {store.file}", file=sys.stderr)
    lsp.serve_stdio(
        lsp.create(partial(Completer.load, arguments.model), store, arguments.context, arguments.adapter, arguments.ngrams)
    )


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


def add(command: Add) -> None:
    """Adds these commands with their options."""
    record = {"type": Path, "metavar": "FILE", "help": "keep what editors report of completions in a SQLite file"}
    context = {
        "action": argparse.BooleanOptionalAction,
        "help": "whether the model is shown other files; left out, only models of 1,024 tokens and more are",
    }
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
    added.add_argument("--adapter", metavar="NAME", help="the adapter of requests that name none: a name, a folder, or auto")
    added.add_argument("--record", **record)
    added.add_argument("--context", **context)
    added.add_argument("--project", type=Path, metavar="FOLDER", help="let n-grams of that folder count beside the model")
    added = command(lsp, "answer one editor that speaks the Language Server Protocol on standard input and output")
    added.add_argument("--record", **record)
    added.add_argument(
        "--adapter", metavar="NAME", default="auto", help="a name, base, or auto (default): the repository's own"
    )
    added.add_argument("--context", **context)
    added.add_argument(
        "--ngrams",
        action=argparse.BooleanOptionalAction,
        help="whether n-grams of the editor's folders count beside the model; left out, beside small models they do",
    )
