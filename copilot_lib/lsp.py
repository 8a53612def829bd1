"""The language server, `python -m copilot_lib lsp`: completions for editors that speak the Language Server Protocol.

It knows that protocol's documents, positions and requests; it does not know how a completion is made.
"""

import asyncio
import os
import re
import secrets
import sys
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcContentModified, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.belonging import Belonging
from copilot_lib.completer import Completer, Completion, wants_context, wants_ngrams
from copilot_lib.cursor import Cursor, line_spans
from copilot_lib.feedback import Store
from copilot_lib.registry import AUTO, Entry
from copilot_lib.rpc import Answering
from copilot_lib.server.events import Recent, Report, event_of
from copilot_lib.server.service import Service, Superseded
from copilot_lib.workspace import Workspace

ACCEPTED = "copilot_lib.accepted"
"""The command that a client runs when a suggestion was accepted, with the completion's id and how many characters of it."""
PLAIN_TEXT = types.InsertTextMode.AsIs


def offset_at(text: str, position: types.Position, units: Callable[[str], int]) -> int:
    r"""The offset of a position, of which `units` counts the columns; what is outside the text or its line is moved to its end.

    pygls has such a function too; it takes a form feed for the end of a line, which Python files may contain.

    >>> offset_at("a\fb\nc", types.Position(1, 9), len), offset_at("a", types.Position(5, 0), len)
    (5, 1)
    """
    spans = line_spans(text)
    if position.line >= len(spans):
        return len(text)
    offset, end = spans[position.line]
    left = position.character
    while offset < end and (size := units(text[offset])) <= left:
        offset, left = offset + 1, left - size
    return offset


def position_at(cursor: Cursor, units: Callable[[str], int]) -> types.Position:
    """Where a cursor stands, in the client's units."""
    return types.Position(cursor.line, units(cursor.line_prefix))


class CompletionServer(LanguageServer):
    """A language server for one client. The model is loaded in the service's thread, while the editor goes on.

    `context` says whether the model is shown other files of the client's folders; left out, the model's window decides.
    `ngrams` says whether theirs count beside the model; left out, its size decides. `adapter` is a name, `base`, or `auto` for
    the one that belongs to a document's repository; a client may say otherwise.
    """

    def __init__(
        self,
        load: Callable[[], Completer],
        store: Store | None = None,
        context: bool | None = None,
        adapter: str = AUTO,
        ngrams: bool | None = None,
    ):
        super().__init__("copilot_lib", metadata.version("copilot-lib"), protocol_cls=Answering)
        self.load = cache(load)
        self.service = Service(lambda cursor, **options: self.load().complete(cursor, **options))
        self.store, self.recent = store, Recent()
        self.texts: dict[str, str] = {}
        """The open documents by their addresses."""
        self.context, self.ngrams = context, ngrams
        self.belonging = Belonging(adapter)
        self.logged: set[Entry] = set()
        """The adapters that have answered; the first time each is named in the client's log."""
        self.fingerprint: str | None = None
        """Whose weights the model's are, once that matters."""
        self.projects = Workspace(())
        """The client's folders, once it is known what they are to the model."""

    @property
    def units(self) -> Callable[[str], int]:
        """How the client counts columns: in UTF-16 units, unless both sides know better."""
        return self.workspace.position_codec.client_num_units

    def cursor(self, params: types.TextDocumentPositionParams) -> Cursor:
        """The place that a request is about."""
        if (text := self.texts.get(params.text_document.uri)) is None:
            raise JsonRpcInvalidParams(f"{params.text_document.uri} is not open: send textDocument/didOpen first")
        return Cursor(text, offset_at(text, params.position, self.units))

    def tell(self, uri: str, text: str) -> None:
        """Notes what a document's text is now."""
        self.texts[uri] = text
        if path := path_of(uri):
            self.projects.change(path, text)

    def forget(self, uri: str) -> None:
        """Notes that a document was closed."""
        self.texts.pop(uri, None)
        self.belonging.forget(uri)
        if path := path_of(uri):
            self.projects.close_document(path)

    def begin_context(self) -> None:
        """Opens the client's folders, if they are anything to the model; what is open in them already is told again."""
        model = self.load().model
        self.context = wants_context(self.context, model.context_tokens)
        self.ngrams = wants_ngrams(self.ngrams, model.parameters)
        if not self.context and not self.ngrams:
            return
        folders = [folder.uri for folder in self.workspace.folders.values()] or [self.workspace.root_uri or ""]
        paths = filter(None, map(path_of, folders))
        self.projects = Workspace(paths, self.context, model.codec if self.ngrams else None)
        for uri, text in self.texts.items():
            self.tell(uri, text)
        self.projects.refresh()

    def surroundings(self, uri: str) -> dict[str, object]:
        """What a document's project is to the model: `place`, `ngrams`, or nothing of these."""
        path = path_of(uri)
        if not path:
            return {}
        place = self.projects.place(path) if self.context else None
        return {name: value for name, value in (("place", place), ("ngrams", self.projects.ngrams(path))) if value}

    async def adapter(self, uri: str) -> Entry | None:
        """The adapter for a document; None for the base."""
        if self.fingerprint is None and self.belonging.looks:
            loop = asyncio.get_running_loop()
            self.fingerprint = await loop.run_in_executor(self.service.thread, lambda: self.load().model.base.fingerprint)
        folders = [path_of(folder.uri) for folder in self.workspace.folders.values()]
        try:
            return self.belonging.of(uri, path_of(uri) or next(iter(folders), None), self.fingerprint)
        except AdapterRefused as error:
            raise JsonRpcInvalidParams(str(error)) from None

    async def complete(self, kind: str, cursor: Cursor, uri: str) -> tuple[str, Completion]:
        """A completion and its id. A newer request of the same kind ends this one, with an answer that says so."""
        adapter = await self.adapter(uri)
        options = self.surroundings(uri) | ({"adapter": adapter} if adapter else {})
        try:
            completion = await self.service.complete(kind, cursor, **options)
        except Superseded as error:
            raise JsonRpcContentModified(str(error)) from None
        except AdapterRefused as error:
            if self.belonging.asked != AUTO:
                raise JsonRpcInvalidParams(str(error)) from None
            if adapter not in self.belonging.refused:
                self.belonging.refused.add(adapter)
                said = f"{error} (answered without it)"
                self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, said))
            return await self.complete(kind, cursor, uri)
        if adapter and adapter not in self.logged:
            self.logged.add(adapter)
            said = f"the adapter {adapter.name} ({adapter.folder}) answers at {uri}"
            self.window_log_message(types.LogMessageParams(types.MessageType.Info, said))
        completion_id = f"cmpl-{secrets.token_hex(12)}"
        self.recent.add(completion_id, cursor, completion)
        return completion_id, completion


def path_of(uri: str) -> Path | None:
    """The file that an address names; None for what is no file, such as a text without a name."""
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path).resolve() if path else None


def create(
    load: Callable[[], Completer],
    store: Store | None = None,
    context: bool | None = None,
    adapter: str = AUTO,
    ngrams: bool | None = None,
) -> CompletionServer:
    """The server with its features; `load` is called once, when a client has said hello."""
    server = CompletionServer(load, store, context, adapter, ngrams)
    # Without options pygls does not tell the client that there are inline completions; ALE takes empty ones for no menu.
    features = {
        types.INITIALIZE: (initialize,),
        types.INITIALIZED: (initialized,),
        types.TEXT_DOCUMENT_DID_OPEN: (did_open,),
        types.TEXT_DOCUMENT_DID_CHANGE: (did_change,),
        types.TEXT_DOCUMENT_DID_CLOSE: (did_close,),
        types.TEXT_DOCUMENT_DID_SAVE: (did_save,),
        types.TEXT_DOCUMENT_INLINE_COMPLETION: (inline_completion, types.InlineCompletionOptions()),
        types.TEXT_DOCUMENT_COMPLETION: (completion, types.CompletionOptions(resolve_provider=False)),
    }
    for name, (handler, *options) in features.items():
        server.feature(name, *options)(handler)
    server.command(ACCEPTED)(accepted)
    return server


def initialize(server: CompletionServer, params: types.InitializeParams) -> None:
    """Notes which adapter the client asks for: `{"adapter": "NAME"}`, or `base`, or `auto`."""
    options = params.initialization_options
    asked = options.get("adapter") if isinstance(options, dict) else getattr(options, "adapter", None)
    if asked is not None:
        server.belonging.asked = str(asked)


async def initialized(server: CompletionServer, params: types.InitializedParams) -> None:
    """Loads the model, and shows that it is being loaded where the client can show it."""
    window = server.client_capabilities.window
    token = secrets.token_hex(4) if window and window.work_done_progress else None
    if token:
        await server.work_done_progress.create_async(token)
        server.work_done_progress.begin(token, types.WorkDoneProgressBegin(title="Loading the completion model"))
    await asyncio.get_running_loop().run_in_executor(server.service.thread, server.load)
    server.begin_context()
    if token:
        server.work_done_progress.end(token, types.WorkDoneProgressEnd(message="ready"))


def did_open(server: CompletionServer, params: types.DidOpenTextDocumentParams) -> None:
    server.tell(params.text_document.uri, params.text_document.text)


def did_change(server: CompletionServer, params: types.DidChangeTextDocumentParams) -> None:
    """Applies the changes in their order; those of a document that is not open say nothing."""
    if (text := server.texts.get(params.text_document.uri)) is None:
        return
    for change in params.content_changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            start, end = (offset_at(text, place, server.units) for place in (change.range.start, change.range.end))
            text = text[:start] + change.text + text[max(start, end) :]
        else:
            text = change.text
    server.tell(params.text_document.uri, text)


def did_close(server: CompletionServer, params: types.DidCloseTextDocumentParams) -> None:
    server.forget(params.text_document.uri)


def did_save(server: CompletionServer, params: types.DidSaveTextDocumentParams) -> None:
    server.projects.refresh()
    server.belonging.forget(params.text_document.uri)


async def inline_completion(server: CompletionServer, params: types.InlineCompletionParams) -> types.InlineCompletionList:
    """Ghost text at the cursor. Where the client's menu has something selected, the ghost text goes on from that."""
    cursor = server.cursor(params)
    begun, place = "", types.Range(params.position, params.position)
    if selected := params.context.selected_completion_info:
        begun, place = selected.text, selected.range
        start, end = (offset_at(cursor.text, edge, server.units) for edge in (place.start, place.end))
        cursor = Cursor(cursor.text[:start] + begun + cursor.text[max(start, end) :], start + len(begun))
    completion_id, completion = await server.complete("inline", cursor, params.text_document.uri)
    command = types.Command(title="Accepted", command=ACCEPTED, arguments=[completion_id, len(completion.text)])
    item = types.InlineCompletionItem(begun + completion.text, range=place, command=command)
    return types.InlineCompletionList([item] if completion.text else [])


async def completion(server: CompletionServer, params: types.CompletionParams) -> types.CompletionList:
    """The same for clients that only know menus: items that replace the word that is begun by the word and the rest.

    A completion of several lines is offered twice, its first line first: some menus can insert no more than one line.
    """
    cursor = server.cursor(params)
    completion_id, completion = await server.complete("menu", cursor, params.text_document.uri)
    typed = re.search(r"\w*\Z", cursor.line_prefix)[0]
    start = position_at(Cursor(cursor.text, cursor.offset - len(typed)), server.units)
    place = types.Range(start, params.position)
    mode = PLAIN_TEXT if knows_modes(server.client_capabilities) else None
    first_line = completion.text.split("\n")[0].rstrip()
    texts = dict.fromkeys(text for text in (first_line, completion.text) if text)
    items = [menu_item(completion_id, place, typed, text, number, mode) for number, text in enumerate(texts)]
    return types.CompletionList(is_incomplete=True, items=items)


def menu_item(
    completion_id: str, place: types.Range, typed: str, text: str, number: int, mode: types.InsertTextMode | None
) -> types.CompletionItem:
    """An item that writes what was typed and the text over the place. It sorts before names, by a character that all JSON
    readers take."""
    whole = typed + text
    first_line, *more = whole.strip().split("\n")
    return types.CompletionItem(
        label=f"{first_line} …" if more else first_line,
        kind=types.CompletionItemKind.Text,
        text_edit=types.TextEdit(place, whole),
        filter_text=whole,
        sort_text=f"!{number}",
        documentation=whole if more else None,
        insert_text_mode=mode,
        command=types.Command(title="Accepted", command=ACCEPTED, arguments=[completion_id, len(text)]),
    )


def knows_modes(capabilities: types.ClientCapabilities) -> bool:
    """Whether a client can be told to leave our indentation alone."""
    menu = capabilities.text_document and capabilities.text_document.completion
    modes = menu and menu.completion_item and menu.completion_item.insert_text_mode_support
    return bool(modes and PLAIN_TEXT in modes.value_set)


async def accepted(server: CompletionServer, completion_id: str, characters: int) -> None:
    """Reports that so many characters of a suggestion were accepted; it is kept if there is a store for it."""
    found = server.recent.find(completion_id, 0)
    if not (found and server.store):
        return
    try:
        report = Report(type="accepted", completion_id=completion_id, accepted_characters=characters)
        event = event_of(report, *found, server.load().model.name)
        await asyncio.to_thread(server.store.add, event)
    except ValueError as error:
        raise JsonRpcInvalidParams(str(error)) from None


def serve_stdio(server: CompletionServer) -> None:
    """Speaks on standard input and output until the client ends it. Whatever else is printed goes to standard error."""
    protocol = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        server.start_io(sys.stdin.buffer, protocol)
    finally:
        server.service.close()
        server.projects.close()
