"""An editor's folders: each file belongs to the innermost, indexes come later and from a cache, and nobody waits for them."""

from pathlib import Path

import pytest

from copilot_lib import models
from copilot_lib.cursor import Cursor
from copilot_lib.workspace import Workspace, cache_folder

TEXT = "def checkout(cart):\n    return cart.grand_"
END = Cursor(TEXT, len(TEXT))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("COPILOT_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "cart.py").write_text("def grand_total(cart):\n    return sum(cart)\n", encoding="utf-8")
    return root


def sources(workspace: Workspace, path: Path) -> set[str]:
    return {snippet.source for snippet in workspace.place(path).gather(END, 200, lambda piece: 1)}


def test_a_file_belongs_to_the_innermost_folder(folder):
    workspace = Workspace([folder, folder / "inner", folder / "nowhere"])
    assert workspace.project_of(folder / "inner" / "a.py").root == folder / "inner"
    assert workspace.project_of(folder / "a.py").root == folder
    assert workspace.place(folder.parent / "a.py") is None
    workspace.close()


def test_until_the_index_is_there_the_other_sources_are(folder):
    workspace = Workspace([folder])
    assert sources(workspace, folder / "main.py") == set()
    workspace.refresh().result()
    assert sources(workspace, folder / "main.py") == {"retrieved"}
    workspace.close()


def test_open_documents_are_context_until_they_are_closed(folder):
    workspace = Workspace([folder])
    workspace.change(folder / "cart.py", "def grand_total(cart):\n    return cart.grand_total_of_items\n")
    workspace.change(folder.parent / "elsewhere.py", TEXT)
    assert sources(workspace, folder / "main.py") == {"open"}
    workspace.close_document(folder / "cart.py")
    workspace.close_document(folder.parent / "elsewhere.py")
    assert sources(workspace, folder / "main.py") == set()
    workspace.close()


def test_an_index_is_kept_for_the_next_time(folder):
    for _ in range(2):
        workspace = Workspace([folder])
        workspace.refresh().result()
        assert sources(workspace, folder / "main.py") == {"retrieved"}
        workspace.close()
    assert (cache_folder(folder) / "files.json").is_file()
    assert cache_folder(folder) != cache_folder(folder / "inner")


def test_n_grams_are_counted_where_there_is_a_codec_with_or_without_an_index(folder):
    workspace = Workspace([folder], indexed=False, codec=models.codec("pocket")[0])
    assert workspace.ngrams(folder / "main.py") is None, "not yet"
    workspace.refresh().result()
    assert workspace.ngrams(folder / "main.py") == workspace.ngrams(folder / "main.py") != workspace.ngrams(folder / "cart.py")
    assert workspace.ngrams(folder.parent / "elsewhere.py") is None
    assert sources(workspace, folder / "main.py") == set() and not cache_folder(folder).exists()
    workspace.close()
    without = Workspace([folder])
    without.refresh().result()
    assert without.ngrams(folder / "main.py") is None
    without.close()


def test_what_cannot_be_kept_is_said_and_what_was_kept_stays(folder, monkeypatch):
    said = []
    workspace = Workspace([folder], codec=models.codec("pocket")[0], say=said.append)
    workspace.refresh().result()
    before = workspace.ngrams(folder / "main.py")
    (folder / "cart.py").write_text("def another():\n    return 1\n")
    monkeypatch.setattr("copilot_lib.context.retrieval.Index.refresh", disk_full)
    for _ in range(2):
        assert workspace.refresh().exception()
    workspace.close()
    assert said == ["other files are not read anew (OSError: [Errno 28] No space left on device)"]
    assert workspace.ngrams(folder / "main.py") == before


def disk_full(index):
    raise OSError(28, "No space left on device")


def test_asking_twice_while_one_waits_is_asking_once(folder):
    workspace = Workspace([folder])
    first = workspace.refresh()
    waiting = [workspace.refresh() for _ in range(5)]
    for one in (first, *waiting):
        one.result()
    assert len({id(one) for one in waiting}) <= 2
    workspace.close()
