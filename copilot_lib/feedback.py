"""Keeps what became of completions in a SQLite file: shown, accepted and how much of them, rejected.

It knows events and a file; it does not know who reports them, or what will be learned from them.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

CHARACTERS_AROUND = 2_000
"""How much of the file before and after the cursor is kept with an event."""
SETTLED = frozenset({"accepted", "rejected"})


class Contradiction(ValueError):
    """An event that cannot be true after those that were reported before."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to one completion, with what it takes to learn from it."""

    completion_id: str
    kind: str
    """`shown`, `accepted` or `rejected`."""
    accepted_characters: int
    elapsed_ms: int | None
    time: str
    """When it was reported, ISO 8601."""
    model: str
    prefix: str
    suffix: str
    text: str


def events_in(file: Path) -> Iterator[Event]:
    """The events of a record, oldest first; nothing is written, whatever the file is. `sqlite3.Error` where it is no record."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        yield from (Event(*row) for row in database.execute("SELECT * FROM events ORDER BY rowid"))


class Store:
    """A file of events. Each is on the disk when `add` returns, and a kill at any moment loses none of them.

    >>> import tempfile
    >>> store = Store(Path(tempfile.mkdtemp()) / "events.sqlite")
    >>> store.add(Event("a", "accepted", 5, 900, "2026-11-01T12:00:00", "pocket", "return ", "", "x + 1"))
    >>> [event.text for event in store.events()]
    ['x + 1']
    """

    def __init__(self, file: Path):
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # it holds pieces of somebody's code
        columns = ", ".join(f"{field.name} NOT NULL" if field.type is str else field.name for field in fields(Event))
        with self._database() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"CREATE TABLE IF NOT EXISTS events ({columns})")
            database.execute("CREATE INDEX IF NOT EXISTS by_completion ON events (completion_id)")

    def add(self, event: Event) -> None:
        """Writes an event; `Contradiction` where the completion was settled before.

        Who accepts word by word reports `accepted` again with more characters; everything else settles it once.
        """
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            rows = database.execute(
                "SELECT kind, accepted_characters FROM events WHERE completion_id = ?", [event.completion_id]
            ).fetchall()
            for kind, characters in rows:
                goes_on = kind == event.kind == "accepted" and characters < event.accepted_characters
                if kind in SETTLED and not goes_on:
                    raise Contradiction(f"completion {event.completion_id} was reported {kind} already")
            if (event.kind, 0) not in rows:  # shown twice is shown
                marks = ", ".join("?" * len(fields(Event)))
                database.execute(f"INSERT INTO events VALUES ({marks})", astuple(event))

    def events(self) -> Iterator[Event]:
        """All events, oldest first."""
        return events_in(self.file)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The file, opened for one transaction: whole or not at all."""
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute("PRAGMA synchronous = FULL")
            yield database
