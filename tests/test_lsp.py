"""The language server as an editor meets it: a real process, and pygls's client at the other end of its pipes."""

import asyncio
import contextlib
import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor, utf16_length
from copilot_lib.feedback import Store
from copilot_lib.lsp import offset_at

FILE = types.TextDocumentIdentifier("file:///area.py")
TEXT = "def area(width, height):\n    return \n\n\nprint(area(2, 3))\n"
PLACE = types.Position(1, 11)
CAPABILITIES = types.ClientCapabilities(window=types.WindowClientCapabilities(work_done_progress=True))


class Editor(LanguageClient):
    """A client that notes what the server tells of its progress."""

    def __init__(self):
        super().__init__("editor", "1")
        self.progress = []
        self.ready = asyncio.Event()

        @self.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
        def create(params):
            return None

        @self.feature(types.PROGRESS)
        def progress(params):
            self.progress.append(params.value)
            if params.value["kind"] == "end" if isinstance(params.value, dict) else params.value.kind == "end":
                self.ready.set()


@contextlib.asynccontextmanager
async def editing(text=TEXT, *words, folders=()):
    """An editor with one open document and some folders, connected to a server of its own."""
    editor = Editor()
    await editor.start_io(sys.executable, "-m", "copilot_lib", "lsp", *words)
    editor.hello = await editor.initialize_async(types.InitializeParams(CAPABILITIES, workspace_folders=list(folders)))
    editor.initialized(types.InitializedParams())
    editor.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(FILE.uri, "python", 1, text)))
    try:
        yield editor
    finally:
        await editor.shutdown_async(None)
        editor.exit(None)
        editor.status = await editor._server.wait()
        await editor.stop()


def ask(editor, place=PLACE, selected=None, uri=FILE):
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked, selected)
    return editor.text_document_inline_completion_async(types.InlineCompletionParams(context, uri, place))


def change(editor, start, end, text):
    edit = types.TextDocumentContentChangePartial(types.Range(start, end), text)
    document = types.VersionedTextDocumentIdentifier(2, FILE.uri)
    editor.text_document_did_change(types.DidChangeTextDocumentParams(document, [edit]))


def expected(text, offset):
    return Completer.load("pocket").complete(Cursor(text, offset)).text


def test_ghost_text_comes_at_the_cursor_and_what_was_accepted_is_reported(tmp_path):
    async def scene():
        async with editing(TEXT, "--record", str(tmp_path / "events.sqlite")) as editor:
            assert editor.hello.capabilities.inline_completion_provider is not None
            assert editor.hello.capabilities.text_document_sync.change == types.TextDocumentSyncKind.Incremental
            (item,) = (await ask(editor)).items
            command = types.ExecuteCommandParams(item.command.command, item.command.arguments)
            await editor.workspace_execute_command_async(command)
            await editor.ready.wait()
        return item, editor

    item, editor = asyncio.run(scene())
    assert item.insert_text == expected(TEXT, TEXT.index("return ") + 7)
    assert item.range == types.Range(PLACE, PLACE)
    assert editor.status == 0
    assert len(editor.progress) == 2, "the model's loading begins and ends"
    (event,) = Store(tmp_path / "events.sqlite").events()
    assert (event.kind, event.text, event.accepted_characters) == ("accepted", item.insert_text, len(item.insert_text))


def test_edits_arrive_in_the_client_s_units_whatever_lines_python_sees():
    text = "face = '🐍'; x = 1\n\f\ndef area(width, height):\n    return \n"
    edited = "face = '🐍'; y = 1\n\f\ndef area(width, height):\n    return width\n"

    async def scene():
        async with editing(text) as editor:
            change(editor, types.Position(0, 13), types.Position(0, 14), "y")
            change(editor, types.Position(3, 11), types.Position(3, 11), "width")
            answer = await ask(editor, types.Position(3, 99))
            return [item.insert_text for item in answer.items]

    assert "".join(asyncio.run(scene())) == expected(edited, len(edited) - 1)


def test_what_the_menu_has_selected_is_gone_on_with():
    async def scene():
        async with editing() as editor:
            selected = types.SelectedCompletionInfo(types.Range(PLACE, PLACE), "wid")
            return await ask(editor, selected=selected)

    (item,) = asyncio.run(scene()).items
    at = TEXT.index("return ") + 7
    assert item.insert_text == "wid" + expected(TEXT[:at] + "wid" + TEXT[at:], at + 3)


def menu(text):
    """What older clients are offered where a text has a mark, and the server's hello."""

    async def scene():
        async with editing(text.replace("|", "")) as editor:
            before = text.split("|")[0].split("\n")
            place = types.Position(len(before) - 1, len(before[-1]))
            return editor.hello, await editor.text_document_completion_async(types.CompletionParams(FILE, place))

    return asyncio.run(scene())


def test_older_clients_get_an_item_that_replaces_the_word_they_began():
    marked = TEXT.replace("return ", "return wid|")
    text = marked.replace("|", "")
    hello, answer = menu(marked)
    (item,) = answer.items
    assert answer.is_incomplete
    assert item.text_edit.new_text == "wid" + expected(text, text.index("wid", 30) + 3) == item.filter_text
    assert item.text_edit.range == types.Range(PLACE, types.Position(1, 14))
    assert item.sort_text.isprintable(), "Emacs reads no JSON that has a NUL in it"
    assert hello.capabilities.completion_provider.resolve_provider is False, "ALE takes options that say nothing for no menu"


def test_menus_offer_of_several_lines_the_first_alone_and_all_of_them():
    text = "def mean(values):\n    total = 0\n    for value in "
    _, answer = menu(text + "|")
    first, whole = (item.text_edit.new_text for item in answer.items)
    assert whole == expected(text, len(text))
    assert first == whole.split("\n")[0] != whole
    assert [item.label for item in answer.items] == [first, f"{first} …"]
    assert [item.command.arguments[1] for item in answer.items] == [len(first), len(whole)]


SHOP = "from cart import Cart\n\ncart = Cart()\ntotal = cart.gr"
CART = "class Cart:\n    def grand_total(self, rate: float) -> float:\n        return rate\n"


@pytest.mark.parametrize(
    ("words", "completes"),
    [(("--context", "--no-ngrams"), "and_total"), (("--no-ngrams",), None)],
    ids=["asked for", "a small model's default"],
)
def test_other_files_of_the_client_s_folders_are_context(tmp_path, monkeypatch, words, completes):
    """The class is nowhere but in a file that the editor has not opened; then in a document that was never saved."""
    monkeypatch.setenv("COPILOT_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "shop"
    root.mkdir()
    (root / "cart.py").write_text(CART)
    main = types.TextDocumentItem((root / "main.py").as_uri(), "python", 1, SHOP)
    cart = types.TextDocumentItem((root / "cart.py").as_uri(), "python", 1, CART.replace("grand", "gross"))
    place = types.Position(3, 15)

    async def scene():
        async with editing(TEXT, *words, folders=[types.WorkspaceFolder(root.as_uri(), "shop")]) as editor:
            await editor.ready.wait()
            editor.text_document_did_open(types.DidOpenTextDocumentParams(main))
            saved = (await ask(editor, place, uri=main)).items[0].insert_text
            editor.text_document_did_save(types.DidSaveTextDocumentParams(main))
            editor.text_document_did_open(types.DidOpenTextDocumentParams(cart))
            return saved, (await ask(editor, place, uri=main)).items[0].insert_text

    saved, unsaved = asyncio.run(scene())
    if completes:
        assert saved.startswith(completes)
        assert unsaved.startswith("oss_total")
    else:
        assert saved == unsaved == expected(SHOP, len(SHOP))


def test_beside_a_small_model_the_n_grams_of_the_client_s_folders_count(tmp_path):
    """Once they are counted, in the background: until then the model answers alone."""
    (tmp_path / "till.py").write_text("def total(basket):\n    return sum(map(zloty_price_of, basket.drawers))\n")
    text = "def total_of_all(basket):\n    return sum(map(zloty"
    new = types.TextDocumentItem((tmp_path / "new.py").as_uri(), "python", 1, text)
    place = types.Position(1, len(text.split("\n")[1]))

    async def scene():
        async with editing(TEXT, folders=[types.WorkspaceFolder(tmp_path.as_uri(), "shop")]) as editor:
            await editor.ready.wait()
            editor.text_document_did_open(types.DidOpenTextDocumentParams(new))
            while not (said := (await ask(editor, place, uri=new)).items[0].insert_text).startswith("_price_of"):
                assert said == expected(text, len(text))
            return said

    assert asyncio.run(asyncio.wait_for(scene(), 60)) == "_price_of, basket.drawers))"


def test_every_request_is_answered_also_those_that_a_newer_one_supersedes_or_the_client_cancels():
    async def scene():
        async with editing() as editor:
            asked = [asyncio.ensure_future(ask(editor, types.Position(1, column))) for column in (4, 8, 11)]
            menu = types.CompletionParams(FILE, PLACE)
            cancelled = asyncio.wrap_future(editor.protocol.send_request(types.TEXT_DOCUMENT_COMPLETION, menu, msg_id="menu"))
            await asyncio.sleep(0)
            editor.cancel_request(types.CancelParams("menu"))
            return await asyncio.gather(*asked, cancelled, return_exceptions=True)

    first, second, last, cancelled = asyncio.run(scene())
    assert last.items
    assert [answer.code for answer in (first, second, cancelled)] == [-32801, -32801, -32800]


def test_faults_are_answered_and_the_next_request_works():
    async def scene():
        async with editing() as editor:
            with pytest.raises(JsonRpcException, match="is not open"):
                await ask(editor, uri=types.TextDocumentIdentifier("file:///other.py"))
            document = types.VersionedTextDocumentIdentifier(2, "file:///never_opened.py")
            whole = types.TextDocumentContentChangeWholeDocument("x")
            editor.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))
            editor.cancel_request(types.CancelParams("finished long ago"))
            editor.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier("file:///other.py")))
            await ask(editor, types.Position(10_000, 10_000))
            return (await ask(editor)).items

    assert asyncio.run(scene())


NOISY = """
from copilot_lib import lsp
from copilot_lib.completer import Completer
lsp.serve_stdio(lsp.create(lambda: print("noise", flush=True) or Completer.load("pocket")))
"""


def message(**fields):
    body = json.dumps({"jsonrpc": "2.0"} | fields).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


HELLO = {"id": "hello", "method": "initialize", "params": {"capabilities": {}, "processId": None, "rootUri": None}}
OPENED = {"uri": FILE.uri, "languageId": "python", "version": 5, "text": TEXT}
OPEN = {"method": "textDocument/didOpen", "params": {"textDocument": OPENED}}
END = ({"id": "end", "method": "shutdown"}, {"method": "exit"})


def wanted(number, line=1, character=11):
    place = {"line": line, "character": character}
    params = {"textDocument": {"uri": FILE.uri}, "position": place, "context": {"triggerKind": 1}}
    return {"id": number, "method": "textDocument/inlineCompletion", "params": params}


def answers(*messages, command=("-m", "copilot_lib", "lsp")):
    """What a server says to messages that are all there at once, by their ids; whatever else it says must be messages too."""
    said = b"".join(one if isinstance(one, bytes) else message(**one) for one in messages)
    done = subprocess.run([sys.executable, *command], input=said, capture_output=True, check=True)
    heads = re.split(rb"Content-Length: (?:\d+)\r\n(?:[^\r\n]+\r\n)*\r\n", done.stdout)
    assert heads[0] == b""
    found = [json.loads(body) for body in heads[1:]]
    return {one["id"]: one.get("result", one.get("error")) for one in found if "id" in one}, done


def test_nothing_but_protocol_is_on_standard_output():
    said, done = answers(HELLO, {"method": "initialized", "params": {}}, *END, command=("-c", NOISY))
    assert list(said) == ["hello", "end"]
    assert b"noise" in done.stderr and b"noise" not in done.stdout


def test_what_comes_too_early_too_late_or_cannot_be_read_is_answered_too():
    unreadable = wanted(3) | {"params": 5}
    unknown = {"id": 4, "method": "nonsense"}
    no_json = b"Content-Length: 5\r\n\r\n{{{{{"
    said, _ = answers(wanted(1), HELLO, OPEN, unreadable, unknown, no_json, END[0], wanted(5), END[1])
    assert [said[number]["code"] for number in (1, 3, 4, 5)] == [-32002, -32602, -32601, -32600]
    assert said["hello"]["capabilities"] and said["end"] is None


def test_a_request_is_answered_also_where_it_is_cancelled_and_the_end_follows_at_once():
    cancel = {"method": "$/cancelRequest", "params": {"id": 7}}
    said, _ = answers(HELLO, OPEN, wanted(7), cancel, cancel, *END)
    assert said[7]["code"] == -32800
    assert said["end"] is None


def test_changes_count_in_the_order_in_which_they_come_and_a_position_inside_a_character_is_before_it():
    text = "face = '🐍' + wid"

    async def scene():
        async with editing("nothing") as editor:
            for version, change in ((9, "old"), (3, text)):
                document = types.VersionedTextDocumentIdentifier(version, FILE.uri)
                whole = types.TextDocumentContentChangeWholeDocument(change)
                editor.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))
            places = (types.Position(0, column) for column in (8, 9, 17))
            return [[item.insert_text for item in (await ask(editor, place)).items] for place in places]

    before, inside, after = asyncio.run(scene())
    assert before == inside
    assert "".join(after) == expected(text, len(text))


@given(st.text("a🐍\f\u2028\r\né", max_size=12), st.integers(0, 4), st.integers(0, 12))
def test_every_position_is_a_place_in_the_text(text, line, character):
    offset = offset_at(text, types.Position(line, character), utf16_length)
    assert 0 <= offset <= len(text)
    cursor = Cursor(text, offset)
    assert offset_at(text, types.Position(cursor.line, cursor.utf16_column), utf16_length) in (offset, offset - 1)
