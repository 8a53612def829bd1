"""The index follows its files: what it finds is never older than they are, whatever happened to it or to them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.context import Index, Project
from copilot_lib.context.chunks import MOST_LINES, chunks, terms


@pytest.fixture
def files(tmp_path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "parse.py").write_text("def parse_header(line):\n    return line.split(':')\n", encoding="utf-8")
    (root / "draw.py").write_text("def drawCircle(radius):\n    return radius\n", encoding="utf-8")
    return root


def found(index: Index, text: str) -> list[str]:
    return [hit.file for hit in index.search(text)]


def test_a_piece_is_found_by_whole_names_and_by_their_parts(files):
    index = Index(Project(files))
    assert index.refresh() == 2
    assert found(index, "parse_header") == found(index, "Header") == ["parse.py"]
    assert found(index, "draw_a_circle(") == ["draw.py"]
    assert found(index, "nothing_of_this") == found(index, "") == []


def test_rare_words_count_for_more_than_common_ones(tmp_path):
    for n in range(20):
        (tmp_path / f"f{n}.py").write_text(f"value = common + rare{n}\n", encoding="utf-8")
    index = Index(Project(tmp_path))
    index.refresh()
    assert found(index, "common rare7")[0] == "f7.py"


@pytest.mark.parametrize("kept", [True, False], ids=["in a folder", "in memory"])
def test_only_what_has_changed_is_read_again(files, tmp_path, kept):
    index = Index(Project(files), tmp_path / "index" if kept else None)
    index.refresh()
    assert index.refresh() == 0
    (files / "new.py").write_text("def new_thing(): pass\n", encoding="utf-8")
    (files / "draw.py").unlink()
    assert index.refresh() == 2
    assert found(index, "new_thing") == ["new.py"]
    assert found(index, "drawCircle") == []


def test_an_index_in_a_folder_is_there_the_next_time(files, tmp_path):
    Index(Project(files), tmp_path / "index").refresh()
    again = Index(Project(files), tmp_path / "index")
    assert again.refresh() == 0
    assert found(again, "parse_header") == ["parse.py"]


def test_what_is_shown_is_the_file_as_it_is_now_without_being_told_of_a_change(files):
    index = Index(Project(files))
    index.refresh()
    (files / "parse.py").write_text("# moved down\n\ndef parse_header(text):\n    return 1\n", encoding="utf-8")
    assert [(hit.first_line, hit.text) for hit in index.search("parse_header")] == [
        (3, "def parse_header(text):\n    return 1")
    ]


def test_a_file_that_is_gone_is_not_shown(files):
    index = Index(Project(files))
    index.refresh()
    (files / "parse.py").unlink()
    assert found(index, "parse_header") == []


def test_what_may_not_be_read_is_not_in_the_index(files):
    (files / ".gitignore").write_text("ignored.py\n", encoding="utf-8")
    for name in ("ignored", "secrets"):
        (files / f"{name}.py").write_text("parse_header = 1\n", encoding="utf-8")
    (files / "link.py").symlink_to(files / "parse.py")
    index = Index(Project(files))
    assert index.refresh() == 2
    assert found(index, "parse_header") == ["parse.py"]


DAMAGE = {
    "half a list of files": lambda folder: (folder / "files.json").write_text('{"version": 1, "fi'),
    "no list of files": lambda folder: (folder / "files.json").unlink(),
    "another version": lambda folder: (folder / "files.json").write_text('{"version": 0, "files": {}}'),
    "a list of something else": lambda folder: (folder / "files.json").write_text("[1]"),
    "half a head": lambda folder: (folder / "meta.json").write_bytes((folder / "meta.json").read_bytes()[:20]),
    "no head": lambda folder: (folder / "meta.json").unlink(),
    "no pieces": lambda folder: [file.unlink() for file in folder.glob("*.store")],
    "half of the pieces": lambda folder: [file.write_bytes(file.read_bytes()[:10]) for file in folder.glob("*.store")],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_index_is_made_anew(files, tmp_path, damage):
    Index(Project(files), tmp_path / "index").refresh()
    DAMAGE[damage](tmp_path / "index")
    again = Index(Project(files), tmp_path / "index")
    again.refresh()
    assert found(again, "parse_header") == ["parse.py"]


def test_a_kill_between_the_pieces_and_the_list_of_files_loses_nothing(files, tmp_path):
    Index(Project(files), tmp_path / "index").refresh()
    before = (tmp_path / "index" / "files.json").read_text(encoding="utf-8")
    (files / "parse.py").write_text("def parse_other(): pass\n", encoding="utf-8")
    Index(Project(files), tmp_path / "index").refresh()
    (tmp_path / "index" / "files.json").write_text(before, encoding="utf-8")
    again = Index(Project(files), tmp_path / "index")
    assert again.refresh() == 1
    assert found(again, "other") == ["parse.py"]
    assert found(again, "header") == []


KILLED = """
import os, sys
from copilot_lib.context import Index, Project
index = Index(Project(sys.argv[1]), __import__("pathlib").Path(sys.argv[2]))
chunks = index._project.stored
def stored(path):
    if path.name == "parse.py":
        os._exit(9)
    return chunks(path)
index._project.stored = stored
index.refresh()
"""


def test_a_kill_in_the_middle_of_writing_leaves_the_state_before(files, tmp_path):
    command = [sys.executable, "-c", KILLED, str(files), str(tmp_path / "index")]
    assert subprocess.run(command, env=os.environ, cwd=Path(__file__).parent.parent).returncode == 9
    index = Index(Project(files), tmp_path / "index")
    assert index.refresh() == 2
    assert found(index, "parse_header") == ["parse.py"]


def test_while_another_process_writes_the_index_can_still_be_searched(files, tmp_path):
    first = Index(Project(files), tmp_path / "index")
    first.refresh()
    second = Index(Project(files), tmp_path / "index")
    writer = first._index.writer(15_000_000, 1)
    (files / "parse.py").write_text("def parse_other(): pass\n", encoding="utf-8")
    assert second.refresh() == 0
    assert found(second, "parse_header") == []
    assert found(second, "drawCircle") == ["draw.py"]
    writer.rollback()


@given(
    st.lists(
        st.sampled_from(["def f():", "class C:", "    def g(self):", "        x = 1", "x = (", "", "@d", "\tif a:"]),
        max_size=60,
    )
)
def test_the_pieces_of_any_text_are_the_text(lines):
    text = "\n".join(lines)
    spans = chunks(text)
    count = text.count("\n") + (not text.endswith("\n"))
    assert [n for start, end in spans for n in range(start, end)] == list(range(count))
    assert all(0 < end - start <= MOST_LINES for start, end in spans)


@given(st.text(max_size=60))
def test_terms_of_any_text_are_words_in_lower_case(text):
    assert all(term == term.lower() and term and " " not in term for term in terms(text))


def test_the_list_of_files_names_none_of_the_machine_s_folders(files, tmp_path):
    Index(Project(files), tmp_path / "index").refresh()
    kept = json.loads((tmp_path / "index" / "files.json").read_text(encoding="utf-8"))
    assert kept["files"].keys() == {"parse.py", "draw.py"}
