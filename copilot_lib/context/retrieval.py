"""Finds pieces of the repository that have rare words in common with a place, by BM25 over an index that follows the files.

It knows files, pieces and ranks; it does not know what imports mean or what a model makes of a piece.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import tantivy

from copilot_lib.context.chunks import chunks, terms
from copilot_lib.context.pieces import Hit, Piece, Pieces, Version
from copilot_lib.context.project import Project
from copilot_lib.cursor import Cursor
from copilot_lib.snippet import Snippet

LINES_ABOVE, LINES_BELOW = 3, 0
"""What is asked with: the lines around the cursor."""
VERSION = 2
"""Of the fields below; an index of another version is made anew."""
WRITER_BYTES = 15_000_000
"""The least that the library takes."""


def schema() -> tantivy.Schema:
    """A document of the index is a piece: its terms, where it is in which version of which file, and its text.

    The text is kept, since to open and check the files of eight hits took ten times as long as to find them.
    """
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="blanks", index_option="freq")
    builder.add_text_field("file", stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("first_line", "last_line", "modified_ns", "size"):
        builder.add_unsigned_field(name, stored=True)
    builder.add_bytes_field("text", stored=True)
    return builder.build()


class Index(Pieces):
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

    method = "BM25"

    def __init__(self, project: Project, folder: Path | None = None):
        super().__init__(project)
        self._folder = folder
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
                self._known = {name: Version(*version) for name, version in kept["files"].items()}
                return found
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # none yet, or half of one
        shutil.rmtree(self._folder)
        self._folder.mkdir(parents=True)
        return tantivy.Index(schema(), path=str(self._folder))

    def _write(self, changed: Iterable[str], gone: Iterable[str] = ()) -> bool:
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

    def _best(self, text: str, limit: int, leave_out: Iterable[str]) -> list[tuple[float, Piece]]:
        hits = self._index.searcher().search(self._query(text, leave_out), limit).hits
        return [(score, self._piece(address)) for score, address in hits]

    def _query(self, text: str, leave_out: Iterable[str]) -> tantivy.Query:
        def has(field: str, value: str) -> tantivy.Query:
            return tantivy.Query.term_query(self._index.schema, field, value, "freq" if field == "terms" else "basic")

        should = [(tantivy.Occur.Should, has("terms", term)) for term in dict.fromkeys(terms(text))]
        return tantivy.Query.boolean_query(should + [(tantivy.Occur.MustNot, has("file", name)) for name in leave_out])

    def _piece(self, address: tantivy.DocAddress) -> Piece:
        found = {name: values[0] for name, values in self._index.searcher().doc(address).to_dict().items()}
        version = Version(found["modified_ns"], found["size"])
        text = bytes(found["text"]).decode()
        return Piece(found["file"], found["first_line"], found["last_line"], version, text)


def documents(name: str, text: str | None, version: Version) -> Iterator[tantivy.Document]:
    """The pieces of a file, as documents of the index."""
    lines = (text or "").split("\n")
    for start, end in chunks(text) if text else ():
        piece = "\n".join(lines[start:end])
        if found := terms(piece):
            places = {"first_line": start + 1, "last_line": end, **version._asdict()}
            yield tantivy.Document(terms=" ".join(found), file=name, text=piece.encode(errors="replace"), **places)


def around(cursor: Cursor) -> str:
    """The text that is asked with: some lines above the cursor, its own, and fewer below."""
    above, below = cursor.prefix.split("\n")[-LINES_ABOVE - 1 :], cursor.suffix.split("\n")[: LINES_BELOW + 1]
    return "\n".join(above) + "\n".join(below)


class Searchable(Protocol):
    """Whatever pieces can be looked for in: by words, by meaning, or by both."""

    method: str

    def refresh(self) -> int:
        """As `Pieces.refresh`."""

    def search(self, text: str, limit: int = 8, leave_out: Iterable[str] = ()) -> list[Hit]:
        """As `Pieces.search`."""


def retrieved(cursor: Cursor, path: Path, project: Project, index: Searchable) -> Iterator[Snippet]:
    """Pieces of other files that are like the lines around the cursor, as the index judges that."""
    open_files = [project.name_of(one) for one in {path, *project.documents}]
    for hit in index.search(around(cursor), leave_out=open_files):
        reason = f"similar, {index.method} {hit.score:.3g}"
        yield Snippet(hit.file, hit.first_line, hit.last_line, hit.text, "retrieved", reason)
