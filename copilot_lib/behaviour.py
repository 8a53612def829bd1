"""Measures what an editor needs beside right answers: silence where nothing is missing, indentation, words completed.

It knows cursors that follow from frozen targets, and what a good answer does there; it does not know models or prompts.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from copilot_lib.completer import Completer
from copilot_lib.cursor import BLANKS, LINE_END, Cursor
from copilot_lib.evaluate import LINE_TOKENS, raw_answer
from copilot_lib.metrics import interval
from copilot_lib.stream import characters
from copilot_lib.targets import Target

WORD_END = re.compile(r"\w*\Z")
WORD_START = re.compile(r"\w*")


def behind(target: Target) -> Cursor:
    """Behind what the author wrote: nothing is missing there."""
    return target.cursor.insert(target.reference)


def at_line_start(target: Target) -> Cursor | None:
    """Before the indentation, which is cut out as well."""
    return with_indentation(target, 0) if target.cursor.column else None


def inside_indentation(target: Target) -> Cursor | None:
    """Half-way through the indentation, whose rest is cut out."""
    return with_indentation(target, target.cursor.column // 2) if target.cursor.column > 1 else None


def with_indentation(target: Target, kept: int) -> Cursor:
    """The cursor of a whole line with only the first characters of its indentation left."""
    cursor = target.cursor
    start = cursor.offset - cursor.column + kept
    return Cursor(cursor.text[:start] + cursor.suffix, start)


def is_silent(answer: str, cursor: Cursor, target: Target) -> bool:
    """Whether nothing is offered on the cursor's line, where nothing is missing."""
    return not answer.strip() or LINE_END.match(answer.lstrip(" \t")) is not None


def keeps_indentation(answer: str, cursor: Cursor, target: Target) -> bool:
    """Whether the line stands where the author's did."""
    line = cursor.line_prefix + LINE_END.split(answer)[0]
    return bool(line.strip()) and BLANKS.match(line).group() == target.cursor.line_prefix


def completes_word(answer: str, cursor: Cursor, target: Target) -> bool:
    """Whether the word that the cursor is in becomes the author's."""
    return WORD_START.match(answer).group() == WORD_START.match(target.reference).group()


@dataclass(frozen=True)
class Behaviour:
    """Where a behaviour is asked for, and what shows it."""

    name: str
    kind: str
    """Of the targets that it is asked at."""
    place: Callable[[Target], Cursor | None]
    shows: Callable[[str, Cursor, Target], bool]
    rule: Callable[[Cursor], str]
    """A baseline that needs no model."""


def no_answer(cursor: Cursor) -> str:
    """The baseline that is always silent."""
    return ""


def as_above(cursor: Cursor) -> str:
    """The baseline that goes on where the line above begins.

    >>> as_above(Cursor("def f():\\n    x = 1\\n  \\n", 21))
    '  x'
    """
    above = next((line for line in reversed(LINE_END.split(cursor.prefix)[:-1]) if line.strip()), "")
    return BLANKS.match(above).group()[cursor.column :] + "x"


def seen_word(cursor: Cursor) -> str:
    """The baseline that completes a word as the last one above that begins like it.

    >>> seen_word(Cursor("number = 1\\nnum", 14))
    'ber'
    """
    begun = WORD_END.search(cursor.prefix).group()
    found = [word for word in re.findall(r"\w+", cursor.prefix)[:-1] if begun and word.startswith(begun) and word != begun]
    return found[-1][len(begun) :] if found else ""


BEHAVIOURS = (
    Behaviour("says nothing where nothing is missing", "whole line", behind, is_silent, no_answer),
    Behaviour("indents a line from its start", "whole line", at_line_start, keeps_indentation, as_above),
    Behaviour("indents a line from inside the indentation", "whole line", inside_indentation, keeps_indentation, as_above),
    Behaviour("completes the word at the cursor", "mid-word", lambda target: target.cursor, completes_word, seen_word),
)


def unhealed_answer(completer: Completer, cursor: Cursor) -> str:
    """What the model says if the prompt ends at the cursor itself, in the middle of whatever is begun there."""
    codec = completer.model.codec
    prompt = completer.prompt(cursor, LINE_TOKENS)
    run = completer.engine.generate(prompt.ids, stop_ids=codec.stop_ids, max_new_tokens=LINE_TOKENS)
    return "".join(characters(run, codec.tokenizer))


def measure(completer: Completer, behaviour: Behaviour, targets: Iterable[Target]) -> dict:
    """In which share of its places a behaviour shows, in four answers.

    `unhealed` and `raw` are the model's own, asked at the cursor and before what is begun there (`healing`); `shown` is what
    an editor shows, `rule` the baseline's. Each share is [mean, low, high], the interval by file.
    """
    asked = [target for target in targets if target.kind == behaviour.kind]
    places = [(cursor, target) for target in asked if (cursor := behaviour.place(target)) is not None]
    ways = {
        "unhealed": lambda cursor: unhealed_answer(completer, cursor),
        "raw": lambda cursor: raw_answer(completer, cursor, LINE_TOKENS)[0],
        "shown": lambda cursor: completer.complete(cursor, max_new_tokens=LINE_TOKENS).text,
        "rule": behaviour.rule,
    }
    groups = [target.group for _, target in places]
    shares = {
        way: interval([behaviour.shows(answer(cursor), cursor, target) for cursor, target in places], groups)
        for way, answer in ways.items()
    }
    counts = {"name": behaviour.name, "places": len(places), "files": len(set(groups))}
    return counts | {way: [round(n, 4) for n in share] for way, share in shares.items()}
