"""Finds pieces of the repository that have rare words in common with a place, by BM25 over an index that follows the files.

It knows files, pieces and ranks; it does not know what imports mean or what a model makes of a piece.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tantivy

from copilot_lib.context.chunks import chunks, terms
from copilot_lib.context.project import Project, stat_of
from copilot_lib.cursor import Cursor
from copilot_lib.repository import find
from copilot_lib.snippet import Snippet

LINES_ABOVE, LINES_BELOW = 3, 0
"""What is asked with: the lines around the cursor."""
VERSION = 1
"""Of the fields below; an index of another version is made anew."""
WRITER_BYTES = 15_000_000
"""The least that the library takes."""
ROUNDS = 3
"""How often a search is repeated because a file that it found has changed since it was read."""


def schema() -> tantivy.Schema:
    """A document of the index is a piece: its terms, and where it is in which version of which file."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="blanks", index_option="freq")
    builder.add_text_field("file", stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("first_line", "last_line", "modified_ns", "size"):
        builder.add_unsigned_field(name, stored=True)
    return builder.build()


@dataclass(frozen=True)
class Hit:
    """A piece that was found: lines from `first_line` (1-based) to `last_line`, in a file that has not changed since."""

    file: str
    first_line: int
    last_line: int
    score: float
    text: str


class Index:
    """The pieces of a project's files, kept in a folder, or in memory where none is named.

    What is written is whole or not at all: the library commits by renaming one file. An index that cannot be read is made
    anew. Several processes may use one folder; while one of them writes, the others only search.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a.py").write_text("def parse_header(line):\\n    return line.split(':')\\n")
    >>> index = Index(Project(root))
    >>> index.refresh()
    1
    >>> [(hit.file, hit.first_line) for hit in index.search("header = parse_")]
    [('a.py', 1)]
    """

    def __init__(self, project: Project, folder: Path | None = None):
        self._project = project
        self._folder = folder
        self._known: dict[str, tuple[int, int]] = {}
        """Of each file that is in the index, when it was modified (ns) and its size."""
        self._index = self._open()
        self._index.register_tokenizer("blanks", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())

    def _open(self) -> tantivy.Index:
        if self._folder is None:
            return tantivy.Index(schema())
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            kept = json.loads((self._folder / "files.json").read_text(encoding="utf-8"))
            if kept["version"] == VERSION and tantivy.Index.exists(str(self._folder)):
                found = tantivy.Index(schema(), path=str(self._folder))
                self._known = {name: tuple(version) for name, version in kept["files"].items()}
                return found
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # none yet, or half of one
        shutil.rmtree(self._folder)
        self._folder.mkdir(parents=True)
        return tantivy.Index(schema(), path=str(self._folder))

    def refresh(self) -> int:
        """Reads the files that are new or have changed, forgets those that are gone, and says how many those were."""
        there = {name: version for name in find(self._project.root) if (version := self._version(name))}
        changed = [name for name, version in there.items() if self._known.get(name) != version]
        gone = [name for name in self._known if name not in there]
        return len(changed) + len(gone) if (changed or gone) and self._write(changed, gone) else 0

    def _write(self, changed: Iterable[str], gone: Iterable[str] = ()) -> bool:
        """Puts the present state of files in the place of an older one; not while another process does so (False)."""
        try:
            writer = self._index.writer(WRITER_BYTES, 1)
        except ValueError:
            return False
        for name in gone:
            writer.delete_documents_by_term("file", name)
            self._known.pop(name, None)
        for name in changed:
            writer.delete_documents_by_term("file", name)
            if version := self._version(name):  # before the file is read, so that what is read is never older than it
                for document in documents(name, self._project.stored(self._project.path(name)), version):
                    writer.add_document(document)
                self._known[name] = version
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        if self._folder:
            written = self._folder / "files.json.new"
            written.write_text(json.dumps({"version": VERSION, "files": self._known}), encoding="utf-8")
            written.replace(self._folder / "files.json")
        return True

    def search(self, text: str, limit: int = 8, leave_out: Iterable[str] = ()) -> list[Hit]:
        """The pieces whose terms fit a text best, the best first, and none of the files left out.

        What is found in a file that has changed is not shown: the file is read again, and the search repeated.
        """
        query = self._query(text, leave_out)
        for _ in range(ROUNDS):
            found = [(score, self._document(address)) for score, address in self._index.searcher().search(query, limit).hits]
            stale = {
                piece["file"] for _, piece in found if self._version(piece["file"]) != (piece["modified_ns"], piece["size"])
            }
            if not stale:
                break
            self._write([name for name in stale if self._version(name)], [name for name in stale if not self._version(name)])
        return [hit for score, piece in found if piece["file"] not in stale and (hit := self._hit(score, piece))]

    def _query(self, text: str, leave_out: Iterable[str]) -> tantivy.Query:
        def has(field: str, value: str) -> tantivy.Query:
            return tantivy.Query.term_query(self._index.schema, field, value, "freq" if field == "terms" else "basic")

        should = [(tantivy.Occur.Should, has("terms", term)) for term in dict.fromkeys(terms(text))]
        return tantivy.Query.boolean_query(should + [(tantivy.Occur.MustNot, has("file", name)) for name in leave_out])

    def _document(self, address: tantivy.DocAddress) -> dict:
        return {name: values[0] for name, values in self._index.searcher().doc(address).to_dict().items()}

    def _version(self, name: str) -> tuple[int, int] | None:
        found = stat_of(self._project.path(name))
        return found and (found.st_mtime_ns, found.st_size)

    def _hit(self, score: float, piece: dict) -> Hit | None:
        """The piece with its text, as it is in the file now."""
        text = self._project.stored(self._project.path(piece["file"]))
        if text is None:
            return None
        lines = text.split("\n")[piece["first_line"] - 1 : piece["last_line"]]
        return Hit(piece["file"], piece["first_line"], piece["last_line"], score, "\n".join(lines).strip("\n"))


def documents(name: str, text: str | None, version: tuple[int, int]) -> Iterator[tantivy.Document]:
    """The pieces of a file, as documents of the index."""
    lines = (text or "").split("\n")
    for start, end in chunks(text) if text else ():
        if found := terms("\n".join(lines[start:end])):
            places = {"first_line": start + 1, "last_line": end, "modified_ns": version[0], "size": version[1]}
            yield tantivy.Document(terms=" ".join(found), file=name, **places)


def around(cursor: Cursor) -> str:
    """The text that is asked with: some lines above the cursor, its own, and fewer below."""
    above, below = cursor.prefix.split("\n")[-LINES_ABOVE - 1 :], cursor.suffix.split("\n")[: LINES_BELOW + 1]
    return "\n".join(above) + "\n".join(below)


def retrieved(cursor: Cursor, path: Path, project: Project, index: Index) -> Iterator[Snippet]:
    """Pieces of other files that have rare words in common with the lines around the cursor."""
    open_files = [project.name_of(one) for one in {path, *project.documents}]
    for hit in index.search(around(cursor), leave_out=open_files):
        yield Snippet(hit.file, hit.first_line, hit.last_line, hit.text, "retrieved", f"similar, BM25 {hit.score:.1f}")
