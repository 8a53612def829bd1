"""Looking for pieces by vectors: the same promises as by words, whatever makes the vectors; and two rankings as one."""

import os
import sqlite3
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import models
from copilot_lib.context import Fused, Index, Project, VectorIndex
from copilot_lib.context.chunks import terms
from copilot_lib.context.embedding import Embedder, hidden_states, sentence_model
from copilot_lib.context.fusion import by_ranks
from copilot_lib.context.pieces import Hit


def counted(texts):
    """Terms counted in 64 buckets: a real way to make vectors, and so simple that a test knows what is near to what."""
    made = numpy.zeros((len(texts), 64), dtype=numpy.float32)
    for n, text in enumerate(texts):
        for term in terms(text):
            made[n, zlib.crc32(term.encode()) % 64] += 1
    return made


COUNTED = Embedder("counted", counted)


@pytest.fixture
def files(tmp_path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "parse.py").write_text("def parse_header(line):\n    return line.split(':')\n", encoding="utf-8")
    (root / "draw.py").write_text("def drawCircle(radius):\n    return radius\n", encoding="utf-8")
    (root / "blank.py").write_text("\n\n# \n", encoding="utf-8")
    return root


def first(index, text: str) -> str | None:
    return next((hit.file for hit in index.search(text)), None)


@pytest.mark.parametrize("kept", [True, False], ids=["in a file", "in memory"])
def test_only_what_has_changed_is_read_again(files, tmp_path, kept):
    made = []
    counting = Embedder("counted", lambda texts: made.extend(texts) or counted(texts))
    index = VectorIndex(Project(files), counting, tmp_path / "index" / "vectors.db" if kept else None)
    assert index.refresh() == 3
    assert len(made) == 2, "blank pieces have no vector"
    assert index.refresh() == 0
    (files / "new.py").write_text("def new_thing(): pass\n", encoding="utf-8")
    (files / "draw.py").unlink()
    assert index.refresh() == 2
    assert made[2:] == ["def new_thing(): pass"]
    assert first(index, "new_thing") == "new.py"
    assert "draw.py" not in {hit.file for hit in index.search("drawCircle radius")}


def test_what_is_shown_is_the_file_as_it_is_now_without_being_told_of_a_change(files):
    index = VectorIndex(Project(files), COUNTED)
    index.refresh()
    (files / "parse.py").write_text("# moved down\n\ndef parse_header(text):\n    return 1\n", encoding="utf-8")
    hit = index.search("parse_header text")[0]
    assert (hit.file, hit.first_line, hit.text) == ("parse.py", 3, "def parse_header(text):\n    return 1")


def test_an_index_in_a_file_is_there_the_next_time_but_not_for_another_embedder(files, tmp_path):
    file = tmp_path / "vectors.db"
    VectorIndex(Project(files), COUNTED, file).refresh()
    again = VectorIndex(Project(files), COUNTED, file)
    assert again.refresh() == 0
    assert first(again, "parse_header line") == "parse.py"
    assert VectorIndex(Project(files), Embedder("other", counted), file).refresh() == 3


DAMAGE = {
    "no database": lambda file: file.write_bytes(b"nothing of the kind" * 100),
    "half of it": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "a hole in it": lambda file: file.write_bytes(file.read_bytes()[:4096] + bytes(4096) + file.read_bytes()[8192:]),
    "empty": lambda file: file.write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_index_is_made_anew(files, tmp_path, damage):
    file = tmp_path / "vectors.db"
    VectorIndex(Project(files), COUNTED, file).refresh()
    DAMAGE[damage](file)
    again = VectorIndex(Project(files), COUNTED, file)
    assert again.refresh() == 3
    assert first(again, "parse_header line") == "parse.py"


KILLED = """
import os, sys, numpy
from copilot_lib.context import Project, VectorIndex, embedding, vectors
vectors.FILES_AT_ONCE = 1
def one_then_die(texts, left=[1]):
    if not left:
        os._exit(9)
    left.pop()
    return numpy.ones((len(texts), 4), dtype=numpy.float32)
VectorIndex(Project(sys.argv[1]), embedding.Embedder("e", one_then_die), __import__("pathlib").Path(sys.argv[2])).refresh()
"""


def test_a_kill_in_the_middle_keeps_the_files_that_were_done(files, tmp_path):
    command = [sys.executable, "-c", KILLED, str(files), str(tmp_path / "vectors.db")]
    assert subprocess.run(command, env=os.environ, cwd=Path(__file__).parent.parent).returncode == 9
    left = VectorIndex(
        Project(files), Embedder("e", lambda texts: numpy.ones((len(texts), 4), numpy.float32)), tmp_path / "vectors.db"
    )
    assert left.refresh() == 1, "blank and draw were done, parse was not"


def test_while_another_process_writes_the_index_can_still_be_searched(files, tmp_path):
    file = tmp_path / "vectors.db"
    index = VectorIndex(Project(files), COUNTED, file)
    index.refresh()
    other = sqlite3.connect(file)
    other.execute("BEGIN IMMEDIATE")
    (files / "parse.py").write_text("def parse_other(): pass\n", encoding="utf-8")
    assert index.refresh() == 0
    assert {hit.file for hit in index.search("parse_header line")} == {"draw.py"}, "what has changed is not quoted as it was"
    other.close()


def test_several_threads_may_ask_at_once(files):
    index = VectorIndex(Project(files), COUNTED)
    index.refresh()
    said = []
    threads = [threading.Thread(target=lambda: said.append(first(index, "parse_header line"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["parse.py"] * 8


def test_files_that_are_left_out_do_not_take_the_places_of_others(files):
    index = VectorIndex(Project(files), COUNTED)
    index.refresh()
    assert [hit.file for hit in index.search("parse_header line", limit=1, leave_out=["parse.py"])] == ["draw.py"]
    assert index.search("") == []


def test_hidden_states_of_the_pocket_do_not_depend_on_what_else_is_asked():
    embedder = hidden_states(models.load("pocket"))
    texts = ["x = 1", "def f(a, b):\n    return a + b\n" * 4, "", "import os"]
    together = embedder.vectors(texts)
    assert together.shape == (4, 256)
    for text, vector in zip(texts, together, strict=True):
        numpy.testing.assert_allclose(embedder.vectors([text])[0], vector, atol=2e-4)


def test_hidden_states_of_the_pocket_tell_code_about_one_thing_from_code_about_another(tmp_path):
    for name, verb in {"sums": "total += price", "paths": "path = os.path.join(root, name)"}.items():
        for n in range(3):
            (tmp_path / f"{name}{n}.py").write_text(
                f"def f{n}(items):\n    for item in items:\n        {verb}\n    return {n}\n"
            )
    index = VectorIndex(Project(tmp_path), hidden_states(models.load("pocket")))
    index.refresh()
    found = [hit.file for hit in index.search("    for file in files:\n        where = os.path.join(folder, file)", limit=3)]
    assert [name[:5] for name in found] == ["paths"] * 3


@pytest.fixture(scope="module")
def sentence_folder(tmp_path_factory) -> Path:
    """A sentence model as people have it on disk, but tiny and untrained."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "tiny"
    words = {word: n for n, word in enumerate(["[PAD]", "[UNK]", "parse", "header", "draw", "circle"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), **shape)).save_pretrained(folder)
    return folder


def test_a_sentence_model_in_a_folder_stands_behind_the_same_call(files, sentence_folder):
    embedder = sentence_model(str(sentence_folder))
    assert embedder.name == "tiny"
    index = VectorIndex(Project(files), embedder)
    index.refresh()
    assert {hit.file for hit in index.search("parse header")} == {"parse.py", "draw.py"}


@pytest.mark.parametrize("name", ["", "nowhere/at-all", "notebooks"])
def test_a_sentence_model_that_is_not_there_is_refused_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ValueError, match="expected a folder or a hub id") as refused:
        sentence_model(name and (str(tmp_path) if name == "notebooks" else name))
    assert "\n" not in str(refused.value)


def test_both_indexes_as_one_put_first_what_both_find(files):
    project = Project(files)
    both = Fused(Index(project), VectorIndex(project, COUNTED))
    assert both.refresh() == 3
    assert both.method == "BM25 and embeddings"
    found = both.search("parse_header(line")
    assert found[0].file == "parse.py"
    assert found[0].score == pytest.approx(2 / 61)


RANKINGS = st.lists(st.permutations("abcdef").flatmap(lambda order: st.integers(0, 6).map(lambda n: order[:n])), max_size=3)


@given(RANKINGS, st.integers(1, 6))
def test_a_fused_ranking_has_every_piece_once_and_the_same_order_as_one_ranking(rankings, limit):
    hits = [[Hit(name, 1, 1, 0.0, "") for name in ranking] for ranking in rankings]
    found = [hit.file for hit in by_ranks(hits, limit)]
    assert len(found) == len(set(found)) == min(limit, len(set().union(*rankings)))
    assert [hit.file for hit in by_ranks(hits[:1], limit)] == [*rankings[0]][:limit] if rankings else not found
