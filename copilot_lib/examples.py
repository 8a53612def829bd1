"""Turns source text into training rows: windows cut first, then spans as an editor makes them, then ids.

It knows text, spans and ids; it does not know files or models.
"""

import ast
import random
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copilot_lib.recipe import Mix

Encode = Callable[[str], list[int]]
Row = tuple[list[int], list[int]]
"""Ids, and what each of them is: `GIVEN`, `ANSWER`, `PLAIN` or `FILLER`."""

GIVEN, ANSWER, PLAIN, FILLER = range(4)
"""A token of a prompt's text or a sentinel; a token of a middle, or the end token after it; left-to-right text; and what
stands at the end of a row for want of text, which nobody is to learn."""

SMALLEST_EXAMPLE = 64
MAX_MIDDLE_LINES = 8
END_SHARE = 0.6
"""How many of a gap's whole lines are its last."""
CHARACTERS_PER_TOKEN = 3
SENTINELS, LEAST_AROUND, TRIES = 4, 16, 8
"""Tokens of an example that are not text, tokens that must be left around a gap, and how often a gap is drawn again."""


@dataclass(frozen=True)
class Sentinels:
    """The ids that a training row needs besides the text's own."""

    prefix: int
    middle: int
    suffix: int
    end: int


def random_characters(window: str, random: random.Random) -> tuple[int, int]:
    """Two uniform positions, not more than eight lines apart."""
    start, end = sorted((random.randrange(len(window) + 1), random.randrange(len(window) + 1)))
    limit = start
    for _ in range(random.randint(1, MAX_MIDDLE_LINES)):
        found = window.find("\n", limit, end)
        if found < 0:
            return start, end
        limit = found + 1
    return start, min(end, limit + random.randrange(40))


def code_line(window: str, random: random.Random) -> tuple[int, int, int]:
    """A random line that is not blank: where it starts, where its text starts, where it ends."""
    for _ in range(8):
        at = random.randrange(len(window))
        start = window.rfind("\n", 0, at) + 1
        end = window.find("\n", at)
        end = len(window) if end < 0 else end
        text = start + len(window[start:end]) - len(window[start:end].lstrip())
        if text < end:
            break
    return start, min(text, end), end


def rest_of_line(window: str, random: random.Random) -> tuple[int, int]:
    """From a cursor somewhere in a line to the end of that line; the newline stays in the suffix."""
    _, text, end = code_line(window, random)
    return (text if random.random() < 0.4 else random.randint(text, max(text, end - 1))), end


def part_of_line(window: str, random: random.Random) -> tuple[int, int]:
    """A piece within one line, as when a cursor stands inside brackets."""
    _, text, end = code_line(window, random)
    start = random.randint(text, max(text, end - 1))
    return start, min(end, start + random.randint(1, 24))


def whole_lines(window: str, random: random.Random) -> tuple[int, int]:
    """One to eight whole lines, with the cursor after, inside or before the indentation of the first.

    After each line a gap rather ends than goes on. A greedy completer ends only where an end is likelier than not: with
    longer gaps the model had learned to write one more line, and one more, until a limit cut it.
    """
    start, text, end = code_line(window, random)
    for _ in range(MAX_MIDDLE_LINES - 1):
        following = window.find("\n", end + 1)
        if following < 0 or random.random() < END_SHARE:
            break
        end = following
    cursor = random.choice((text, text, text, start, random.randint(start, text)))
    keeps_newline = random.random() < 0.15 and end < len(window)
    return cursor, end + 1 if keeps_newline else end


def nothing(window: str, random: random.Random) -> tuple[int, int]:
    """A place where nothing is missing, most often the end of a line."""
    _, _, end = code_line(window, random)
    at = end if random.random() < 0.7 else random.randrange(len(window) + 1)
    return at, at


def syntax_node(window: str, random: random.Random) -> tuple[int, int]:
    """An expression or statement of the window's own syntax tree (AST-FIM, Gong et al. 2025); a line where none parses."""
    nodes = node_spans(window)
    return random.choice(nodes) if nodes else rest_of_line(window, random)


def node_spans(window: str) -> list[tuple[int, int]]:
    """The spans of at most eight lines of all statements and expressions; none if the window does not parse."""
    if not window.isascii():
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(window)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    starts = [0]
    for line in window.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return [
        (starts[n.lineno - 1] + n.col_offset, starts[n.end_lineno - 1] + n.end_col_offset)
        for n in ast.walk(tree)
        if isinstance(n, ast.stmt | ast.expr) and n.end_lineno - n.lineno < MAX_MIDDLE_LINES
    ]


SPANS = {
    "editor": {random_characters: 18, rest_of_line: 35, part_of_line: 8, whole_lines: 22, syntax_node: 12, nothing: 5},
    "lines": {rest_of_line: 55, whole_lines: 40, nothing: 5},
    "characters": {random_characters: 100},
}
"""By the name of a mix: the kinds of gap, and how many of a hundred are of each kind. The last is Bavarian et al.'s, 2022."""


def gap(window: str, encode: Encode, most_tokens: int, random: random.Random, spans: str) -> tuple[int, int, list[int]]:
    """Where something is taken out of a window, and the ids of that: at most so many, drawn again until it is so.

    After some tries nothing is taken out.
    """
    kinds = SPANS[spans]
    for _ in range(TRIES):
        start, end = random.choices([*kinds], [*kinds.values()])[0](window, random)
        middle = encode(window[start:end])
        if len(middle) <= most_tokens:
            return start, end, middle
    return start, start, []


def share(room: int, prefix_count: int, suffix_count: int) -> tuple[int, int]:
    """How many tokens of prefix and suffix are kept: all if both fit, else a third for the suffix and what the prefix spares.

    >>> share(90, 20, 20), share(90, 100, 100), share(90, 20, 100)
    ((20, 20), (60, 30), (20, 70))
    """
    kept_suffix = min(suffix_count, max(room - prefix_count, room // 3))
    return min(prefix_count, room - kept_suffix), kept_suffix


def fim_example(
    window: str,
    encode: Encode,
    ids: Sentinels,
    budget: int,
    random: random.Random,
    mix: Mix = Mix(),  # noqa: B008 - frozen
) -> tuple[list[int], int]:
    """One example of at most `budget` ids, and how many of the last ones are the answer: the middle and the end token.

    Too long a window loses the outer ends of prefix and suffix, never the middle: a gap that leaves no room around it is
    drawn again, and after some tries nothing is missing.

    PSM is `<prefix>P<suffix>S<middle>M<end>`. SPM is `<prefix><suffix>S<middle>PM<end>`, variant 2 of Bavarian et al. 2022,
    the one that StarCoder saw: the text before the cursor and the completion stay in one piece.
    """
    start, end, middle = gap(window, encode, budget - SENTINELS - LEAST_AROUND, random, mix.spans)
    prefix, suffix = encode(window[:start]), encode(window[end:])
    kept_prefix, kept_suffix = share(budget - SENTINELS - len(middle), len(prefix), len(suffix))
    prefix, suffix = prefix[len(prefix) - kept_prefix :], suffix[:kept_suffix]
    if random.random() < mix.spm_share:
        return [ids.prefix, ids.suffix, *suffix, ids.middle, *prefix, *middle, ids.end], len(middle) + 1
    return [ids.prefix, *prefix, ids.suffix, *suffix, ids.middle, *middle, ids.end], len(middle) + 1


def window_at(text: str, position: int, characters: int) -> int:
    """Where a window of at most so many characters that begins at `position` ends: after a whole line if one fits."""
    if position + characters >= len(text):
        return len(text)
    return text.rfind("\n", position, position + characters) + 1 or position + characters


def rows(
    texts: Sequence[str],
    encode: Encode,
    ids: Sentinels,
    context_tokens: int,
    random: random.Random,
    mix: Mix = Mix(),  # noqa: B008 - frozen
) -> list[Row]:
    """All texts once, as shuffled rows of exactly `context_tokens` ids: whole FIM examples, filled up with plain text.

    Each text serves either as FIM examples or as left-to-right text. Plain text runs on from row to row, each of its ends
    marked; FIM examples never cross the end of a row. Where plain text has run out, filler stands in its place.
    """
    for_gaps = [random.random() < mix.fim_share for _ in texts]
    plain = [t for text, gap in zip(texts, for_gaps, strict=True) if not gap for t in (*encode(text), ids.end)]
    made: list[Row] = []
    row, kinds = [], []
    for text in (text for text, gap in zip(texts, for_gaps, strict=True) if gap):
        position = 0
        while position < len(text):
            free = context_tokens - len(row)
            if free < SMALLEST_EXAMPLE:
                filling = plain[:free]
                filler = free - len(filling)
                made.append((row + filling + [ids.end] * filler, kinds + [PLAIN] * len(filling) + [FILLER] * filler))
                plain, row, kinds = plain[free:], [], []
                continue
            budget = max(SMALLEST_EXAMPLE, round(free * random.random()))
            end = window_at(text, position, budget * CHARACTERS_PER_TOKEN)
            if text[position:end].strip():
                example, answer = fim_example(text[position:end], encode, ids, budget, random, mix)
                row += example
                kinds += [GIVEN] * (len(example) - answer) + [ANSWER] * answer
            position = end
    whole = len(plain) - len(plain) % context_tokens
    made += [(plain[at : at + context_tokens], [PLAIN] * context_tokens) for at in range(0, whole, context_tokens)]
    random.shuffle(made)
    return made
