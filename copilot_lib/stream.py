"""Turns a stream of ids into a stream of text: whole characters only, ended by stop strings.

It knows a tokenizer's decoder; it does not know where ids come from or what the text is for.
"""

from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream


def characters(ids: Iterable[int], tokenizer: Tokenizer) -> Iterator[str]:
    """Text as it comes; bytes of an unfinished character wait for the rest, and are dropped if it never comes."""
    decoder = DecodeStream(skip_special_tokens=True)
    for token in ids:
        text = decoder.step(tokenizer, token)
        if text:
            yield text


def without_start(pieces: Iterable[str], count: int) -> Iterator[str]:
    """The pieces without their first `count` characters.

    >>> list(without_start(["nu", "mber", " = 1"], 3))
    ['ber', ' = 1']
    """
    for piece in pieces:
        if rest := piece[count:]:
            yield rest
        count = max(0, count - len(piece))


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """The pieces up to the first stop string, which may span pieces; text that may begin one is held back until it is clear.

    The first is the one that is complete first, of two that end together the longer, however the text is cut into pieces.
    Returns the stop string that was met, or None, as the generator's value. An empty stop string is refused.

    >>> list(until(["ab", "c\\n", "\\nd"], ["\\n\\n"]))
    ['ab', 'c']
    """
    if isinstance(stops, str):
        raise ValueError(f"the stop strings are {stops!r}, one string: expected a sequence of them, such as [{stops!r}]")
    if "" in stops:
        raise ValueError("a stop string is empty: expected at least one character")
    held = ""
    for piece in pieces:
        held += piece
        found = [(held.find(stop) + len(stop), held.find(stop), stop) for stop in stops if stop in held]
        if found:
            _, at, stop = min(found)
            if held[:at]:
                yield held[:at]
            return stop
        keep = max((n for stop in stops for n in range(1, len(stop)) if held.endswith(stop[:n])), default=0)
        ready, held = held[: len(held) - keep], held[len(held) - keep :]
        if ready:
            yield ready
    if held:
        yield held
    return None
