"""Remembers completions, and answers from them whoever asks the same again or has typed what was suggested.

It knows cursors, options and completions; it does not know who asks, or how a completion is made.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import replace
from hashlib import blake2b

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor

MOST, LONGEST_TYPED = 256, 256
UNFINISHED = frozenset({"cancelled", "prefill time", "decode time"})
"""A completion that ended so says nothing about what a request with more time would get."""
LIMITS = frozenset({"prefill_ms", "decode_ms"})
"""Options that change nothing about a completion that was finished."""


def fingerprint(text: str) -> bytes:
    """What stands for a text in a key."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def asked_for(cursor: Cursor, options: Mapping[str, Hashable]) -> Hashable:
    """What two requests must share, besides the text before the cursor, to be answered alike."""
    return fingerprint(cursor.suffix), frozenset((name, value) for name, value in options.items() if name not in LIMITS)


class Memory:
    """The last completions, oldest first out. All of a request is in its key: prefix, suffix, and every option.

    >>> memory = Memory()
    >>> told = Completion("x + 1", (5,), "fim", "end", {"total": 30.0}, 9, 0)
    >>> memory.keep(Cursor("return ", 7), {}, told)
    >>> memory.find(Cursor("return x ", 9), {}).text
    '+ 1'
    >>> memory.find(Cursor("return y", 8), {}), memory.find(Cursor("return x", 8), {"max_new_tokens": 1})
    (None, None)
    """

    def __init__(self, most: int = MOST):
        self._most = most
        self._kept: OrderedDict[tuple[Hashable, int, bytes], Completion] = OrderedDict()
        self._lengths: dict[Hashable, dict[int, int]] = {}
        """How many completions are kept for each key and length of the text before the cursor."""

    def keep(self, cursor: Cursor, options: Mapping[str, Hashable], completion: Completion) -> None:
        """Remembers a completion that was finished."""
        if completion.stopped in UNFINISHED:
            return
        asked = asked_for(cursor, options)
        key = asked, cursor.offset, fingerprint(cursor.prefix)
        self._drop(key)
        self._kept[key] = completion
        lengths = self._lengths.setdefault(asked, {})
        lengths[cursor.offset] = lengths.get(cursor.offset, 0) + 1
        while len(self._kept) > self._most:
            self._drop(next(iter(self._kept)))

    def find(self, cursor: Cursor, options: Mapping[str, Hashable]) -> Completion | None:
        """What was completed here, or what is left of what was suggested before the last characters were typed."""
        asked = asked_for(cursor, options)
        near = (length for length in self._lengths.get(asked, ()) if 0 <= cursor.offset - length <= LONGEST_TYPED)
        for length in sorted(near, reverse=True):
            key = asked, length, fingerprint(cursor.prefix[:length])
            completion, typed = self._kept.get(key), cursor.prefix[length:]
            if completion and completion.text.startswith(typed) and (completion.text != typed or not typed):
                self._kept.move_to_end(key)
                return replace(
                    completion,
                    text=completion.text[len(typed) :],
                    times_ms=dict.fromkeys(completion.times_ms, 0.0),
                    reused_tokens=completion.prompt_tokens,
                )
        return None

    def _drop(self, key: tuple[Hashable, int, bytes]) -> None:
        if self._kept.pop(key, None):
            asked, length, _ = key
            lengths = self._lengths[asked]
            lengths[length] -= 1
            if not lengths[length]:
                del lengths[length]
            if not lengths:
                del self._lengths[asked]
