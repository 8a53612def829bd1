"""The language server and adapters: the one that the client names, or that of the repository in which the document is."""

import asyncio
import contextlib
import shutil
import sys

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.registry import Registry, repository_of

TEXT = "def area(width, height):\n    \n\n\nprint(area(2, 3))\n"
CURSOR = Cursor.at(TEXT, 1, 4)


@pytest.fixture(scope="module")
def made(tmp_path_factory, make_adapter):
    folder = tmp_path_factory.mktemp("made")
    for seed, name in enumerate(("one", "two", "three")):
        make_adapter(folder / name, seed=seed, strength=0.07)
    return Registry(folder)


@pytest.fixture(scope="module")
def say(made):
    completer = Completer.load("pocket")
    said = {completer.complete(CURSOR, adapter=made.find(name) if name else None).text for name in (None, *made.names())}
    assert len(said) == 4, "they differ"
    return lambda name: completer.complete(CURSOR, adapter=made.find(name) if name else None).text


@pytest.fixture
def registry(tmp_path, monkeypatch, made):
    """A user's registry, with adapters for two repositories, one inside the other."""
    monkeypatch.setenv("COPILOT_ADAPTERS", str(tmp_path / "registry"))
    registry = Registry()
    for name, root in (("one", "outer"), ("two", "outer/inner")):
        (tmp_path / root).mkdir(exist_ok=True)
        add(registry, name, made, tmp_path / root)
    return registry


def add(registry, name, made, root):
    about = made.about(name) | {"name": name, "repository": repository_of(root)}
    registry.save(name, lambda folder: shutil.copytree(made.folder / name, folder, dirs_exist_ok=True), about)


@contextlib.asynccontextmanager
async def editing(folder, options=None):
    editor = LanguageClient("editor", "1")
    editor.warned, editor.logged = [], []
    editor.feature(types.WINDOW_LOG_MESSAGE)(lambda params: editor.logged.append(params.message))
    editor.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: editor.warned.append(params.message))
    await editor.start_io(sys.executable, "-m", "copilot_lib", "lsp")
    folders = [types.WorkspaceFolder(folder.as_uri(), folder.name)]
    hello = types.InitializeParams(types.ClientCapabilities(), workspace_folders=folders, initialization_options=options)
    await editor.initialize_async(hello)
    editor.initialized(types.InitializedParams())
    try:
        yield editor
    finally:
        await editor.shutdown_async(None)
        editor.exit(None)
        await editor._server.wait()
        await editor.stop()


async def ask(editor, uri):
    editor.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, TEXT)))
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
    params = types.InlineCompletionParams(context, types.TextDocumentIdentifier(uri), types.Position(1, 4))
    answer = await editor.text_document_inline_completion_async(params)
    return "".join(item.insert_text for item in answer.items)


def test_each_document_is_completed_by_the_adapter_of_its_repository(registry, tmp_path, say):
    async def scene():
        async with editing(tmp_path / "outer") as editor:
            places = ("outer/a.py", "outer/inner/a.py", "elsewhere.py")
            said = [await ask(editor, (tmp_path / place).as_uri()) for place in places]
            return said, await ask(editor, "untitled:one"), editor.logged

    said, untitled, logged = asyncio.run(scene())
    assert said == [say("one"), say("two"), say(None)]
    assert untitled == say("one"), "a text without a file belongs to the workspace"
    assert [line.split(" (")[0] for line in logged] == ["the adapter one", "the adapter two"], "each is named once"


def test_the_client_may_name_one_or_none(registry, tmp_path, say):
    async def scene(name):
        async with editing(tmp_path / "outer", {"adapter": name}) as editor:
            return await ask(editor, (tmp_path / "outer/a.py").as_uri())

    assert asyncio.run(scene("two")) == say("two")
    assert asyncio.run(scene("base")) == say(None)
    with pytest.raises(JsonRpcException, match="there is no adapter four"):
        asyncio.run(scene("four"))


def test_one_that_is_found_and_damaged_is_told_once_and_the_base_answers(registry, tmp_path, say):
    (registry.folder / "one" / "adapter_model.safetensors").write_bytes(b"half")

    async def scene():
        async with editing(tmp_path / "outer") as editor:
            said = [
                await ask(editor, (tmp_path / place).as_uri()) for place in ("outer/a.py", "outer/b.py", "outer/inner/a.py")
            ]
            return said, editor.warned

    said, warned = asyncio.run(scene())
    assert said == [say(None), say(None), say("two")]
    assert len(warned) == 1
    assert "the adapter one is refused" in warned[0]


def test_one_that_is_trained_meanwhile_answers_after_the_next_save(registry, tmp_path, say, made):
    async def scene():
        async with editing(tmp_path / "outer") as editor:
            uri = (tmp_path / "outer/inner/a.py").as_uri()
            said = [await ask(editor, uri)]
            registry.remove("two")
            said.append(await ask(editor, uri))
            add(registry, "three", made, tmp_path / "outer/inner")
            editor.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))
            said.append(await ask(editor, uri))
            return said

    assert asyncio.run(scene()) == [say("two"), say(None), say("three")]
