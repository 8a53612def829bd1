"""Completes the rest of a line without any model, from the lines and words of the same file, or of others.

It knows text and counting; it does not know Python, tokens or networks. Whatever a model does must beat this to count.
"""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise, takewhile

from copilot_lib.cursor import Cursor

PIECE = re.compile(r"\r?\n|\r|[^\S\r\n]+|\w+|[^\w\s]")
"""A newline, a run of other blanks, a word, or one sign: joined again, the pieces of a text are the text."""


def empty(cursor: Cursor) -> str:
    """Offers nothing, anywhere: the baseline of a silent editor.

    >>> empty(Cursor("x = 1", 3))
    ''
    """
    return ""


def rest_of(line: str, typed: str) -> str:
    """What a line has after the text that was typed; empty if it does not begin so. Indentation does not count.

    >>> rest_of("    return x", "  ret")
    'urn x'
    """
    line, typed = line.strip(), typed.lstrip()
    return line[len(typed) :] if line.startswith(typed) else ""


def last_line(cursor: Cursor) -> str:
    """Copies the nearest line above that begins with what is typed.

    >>> last_line(Cursor("log(1)\\nlog(2)\\nl", 15))
    'og(2)'
    """
    above = cursor.prefix.split("\n")[:-1]
    rests = (rest_of(line, cursor.line_prefix) for line in reversed(above))
    return next((rest for rest in rests if rest), "")


def most_frequent_line(cursor: Cursor) -> str:
    """Copies the line, above or below, that begins with what is typed and occurs most often; the first of equals.

    >>> most_frequent_line(Cursor("log(1)\\nl\\nlog(2)\\nlog(2)", 8))
    'og(2)'
    """
    others = cursor.prefix.split("\n")[:-1] + cursor.suffix.split("\n")[1:]
    rests = [rest for line in others if (rest := rest_of(line, cursor.line_prefix))]
    return max(rests, key=rests.count, default="")


def lookup(texts: Iterable[str]) -> Callable[[Cursor], str]:
    """A method that copies the line that most often followed the line above in these texts, else their most frequent line.

    Only lines that begin with what is typed count. What learns from the texts must beat it before it may claim to have learnt.

    >>> lookup(["a()", "b(1)", "b(2)", "b(2)"])(Cursor("a()\\nb(", 6))
    '2)'
    >>> lookup(["a()\\nb(1)", "b(2)", "b(2)"])(Cursor("a()\\nb(", 6))
    '1)'
    """
    after, counts = defaultdict(Counter), Counter()
    for text in texts:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        counts.update(lines)
        for above, line in pairwise(lines):
            after[above][line] += 1
    ordered = sorted(counts)

    def copied(cursor: Cursor) -> str:
        above = next((line.strip() for line in reversed(cursor.prefix.split("\n")[:-1]) if line.strip()), "")
        typed = cursor.line_prefix.lstrip()
        begun = takewhile(lambda n: ordered[n].startswith(typed), range(bisect_left(ordered, typed), len(ordered)))
        for seen in (after.get(above, {}), {ordered[n]: counts[ordered[n]] for n in begun}):
            rests = {rest: count for line, count in seen.items() if (rest := rest_of(line, typed))}
            if rests:
                return max(rests, key=rests.get)
        return ""

    return copied


def pieces(text: str) -> list[str]:
    """Words, signs and blanks of a text, in order.

    >>> pieces("a.b  = 10")
    ['a', '.', 'b', '  ', '=', ' ', '10']
    """
    return PIECE.findall(text)


def count_ngrams(sequence: list[str], n: int) -> dict[tuple[str, ...], Counter]:
    """How often each piece followed each context of up to n - 1 pieces.

    >>> count_ngrams(["a", "b", "a", "c", "a", "b"], 2)[("a",)].most_common()
    [('b', 2), ('c', 1)]
    """
    counts = defaultdict(Counter)
    for i, piece in enumerate(sequence):
        for length in range(min(n, i + 1)):
            counts[tuple(sequence[i - length : i])][piece] += 1
    return counts


def next_piece(counts: dict[tuple[str, ...], Counter], sequence: list[str], n: int) -> str:
    """The piece that most often followed the longest context that was ever seen; a newline if nothing was.

    >>> next_piece(count_ngrams(pieces("for i in x: for j in y"), 3), pieces("for k in"), 3)
    ' '
    """
    for length in range(min(n - 1, len(sequence)), 0, -1):
        seen = counts.get(tuple(sequence[-length:]))
        if seen:
            return seen.most_common(1)[0][0]
    return "\n"


def ngram(cursor: Cursor, n: int = 6, max_new_pieces: int = 30) -> str:
    """Continues the line piece by piece, each the one that most often came next in this file.

    >>> ngram(Cursor("for a in left:\\n    f(a)\\nfor b in", 32))
    ' left:'
    """
    counts = count_ngrams(pieces(cursor.prefix), n)
    for context, seen in count_ngrams(pieces(cursor.suffix), n).items():
        counts[context].update(seen)
    sequence = pieces(cursor.prefix)
    start = len(sequence)
    while len(sequence) - start < max_new_pieces:
        piece = next_piece(counts, sequence, n)
        if not piece.strip("\r\n"):
            break
        sequence.append(piece)
    return "".join(sequence[start:])
