"""What commands share: exit statuses, and how what a person names is read, or refused in one line.

It knows files and places as they are typed; it does not know commands.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

TO_BE_FIXED, BAD_INPUT, INTERRUPTED = 1, 2, 130
MOST_BYTES = 50_000_000

Add = Callable[..., argparse.ArgumentParser]
"""Makes a command of a function, with its help; `model=False` leaves `--model` out."""


class BadInput(ValueError):
    """What the user gave cannot be used; the message is the line that they read."""


def adapter_entry(said: str, path: Path, fingerprint: str):
    """The adapter that a person means: a name in the registry, a folder, `base` for none, or `auto` for that of a path.

    `auto` is None where none belongs to the path.
    """
    from copilot_lib.registry import AUTO, BASE, Registry, said_to_be

    if said in (AUTO, BASE):
        return Registry().detect(path, fingerprint) if said == AUTO else None
    return said_to_be(said)


def read_start(name: str) -> bytes:
    """The bytes of a file or of standard input, to one more than are taken: a device such as /dev/zero has no end."""
    if name != "-":
        with open(name, "rb") as file:
            return file.read(MOST_BYTES + 1)
    if sys.stdin is None:
        raise BadInput("standard input is closed: give a file")
    return sys.stdin.buffer.read(MOST_BYTES + 1)


def read_text(name: str) -> str:
    """The text of a file, or of standard input for `-`; newlines stay as they are."""
    try:
        data = read_start(name)
    except OSError as error:
        raise BadInput(
            f"{name}: {(error.strerror or str(error)).lower()}; give a text file, or - for standard input"
        ) from error
    if len(data) > MOST_BYTES:
        raise BadInput(f"{name} has more than {MOST_BYTES // 1_000_000} MB: expected a file that a person edits")
    if b"\0" in data:
        raise BadInput(f"{name} is a binary file: expected text in UTF-8")
    try:
        return data.decode("utf-8-sig")  # a byte order mark is not part of line 1
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 (byte {error.start + 1}): save it as UTF-8 and ask again") from error


def parse_place(place: str) -> tuple[str, int, int]:
    """`FILE:LINE:COL`, 1-based, as compilers print it; `-:LINE:COL` is standard input.

    >>> parse_place("src/app.py:12:8")
    ('src/app.py', 12, 8)
    """
    try:
        name, line, column = place.lstrip().rsplit(":", 2)
        return name, int(line), int(column)
    except ValueError:
        raise BadInput(f"{place!r} is not a place in a file: expected FILE:LINE:COL, for example app.py:12:8") from None


def cursor_at(place: str):
    """The cursor for `FILE:LINE:COL`."""
    from copilot_lib.cursor import Cursor

    name, line, column = parse_place(place)
    text = read_text(name)
    try:
        return Cursor.at(text, line - 1, column - 1)
    except ValueError:
        raise BadInput(f"{name} has no place {line}:{column}: {valid_places(text, line)}") from None


def valid_places(text: str, line: int) -> str:
    """What the user could have meant, 1-based."""
    from copilot_lib.cursor import LINE_END

    lines = LINE_END.split(text)
    if 1 <= line <= len(lines):
        return f"line {line} has columns 1 to {len(lines[line - 1]) + 1}"
    return f"it has lines 1 to {len(lines)}"
