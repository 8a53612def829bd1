"""Replays typing on a clock that is not the wall's: what each way to save work saves, and which answers still come in time.

It knows keys, times and rules of asking; it does not know models but by how long an answer takes.
"""

import contextlib
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from copilot_lib.bench.replay import document, typing
from copilot_lib.completer import Completer
from copilot_lib.debounce import Debounce
from copilot_lib.evaluate import LINE_TOKENS

LINES, STATEMENTS, SEED = 500, 40, 0
KEPT = 20
"""So many of the last answers are looked through."""
GAP_MS, SPREAD = 160.0, 0.45
"""Keys of a person are taken to be log-normally apart, with this median: that of a quick typist."""
THOUGHT_MS, THOUGHTS = (700.0, 2500.0), 0.12
"""Before so many of the words somebody stops to think, for so long: that is when a suggestion is looked at."""
ANSWERS_MS = {"generate, every token anew": 300.0, "prompt read anew": 45.0, "keys and values reused": 5.0}
"""Rounded from results/latency/typing.txt: transformers' generate, a prompt read anew, and one of which most is kept."""


@dataclass(frozen=True)
class Rule:
    """When a client asks, and what it does with a request that is overtaken."""

    wait_ms: float | None = 0.0
    """Since the last key; None for as long as this typist's rhythm says."""
    cancels: bool = False
    """Whether a newer key ends a request that runs, and takes those that wait out of the queue."""


RULES = {
    "ask at every key": Rule(),
    "… and cancel what is overtaken": Rule(cancels=True),
    "wait 300 ms": Rule(300.0),
    "wait 300 ms, and cancel": Rule(300.0, cancels=True),
    "wait by the typist's rhythm, and cancel": Rule(None, cancels=True),
}


def gaps_ms(words: Sequence[bool], seed: int = SEED) -> list[float]:
    """Milliseconds after each key until the next one; `words` says whether a word begins with that next one."""
    draw = random.Random(seed)
    made = []
    for begins in words:
        thinks = begins and draw.random() < THOUGHTS
        made.append(draw.uniform(*THOUGHT_MS) if thinks else exp(draw.gauss(log(GAP_MS), SPREAD)))
    return made


@dataclass(frozen=True)
class Pressed:
    """A key: what the text is after it, what a model answers there, and how long it is until the next one."""

    prefix: str
    suffix: str
    answer: str
    gap_ms: float

    def foreseen_by(self, earlier: "Pressed") -> bool:
        """Whether the answer to an earlier text goes on as this one does, and has something left."""
        whole = earlier.prefix + earlier.answer
        return earlier.suffix == self.suffix and len(whole) > len(self.prefix) and whole.startswith(self.prefix)


def asked_along(keys: Sequence[Pressed], answer_ms: float, rule: Rule, remembers: bool = False) -> dict:
    """What becomes of all keys: requests that were begun, seconds of the model's work, and answers that are there in time.

    In time is an answer to the text as it stands, before the next key changes it. One worker answers, in order. What it
    `remembers` are the last answers that came, which serve at once where they foresaw what was typed since.

    >>> keys = [Pressed("a"[:n], "", "", gap_ms) for n, gap_ms in enumerate((100.0, 100.0, 800.0))]
    >>> asked_along(keys, 300.0, Rule())
    {'requests': 3, 'worked_s': 0.9, 'in_time': 1, 'after_ms_p50': 700.0}
    >>> asked_along(keys, 300.0, Rule(cancels=True))
    {'requests': 3, 'worked_s': 0.5, 'in_time': 1, 'after_ms_p50': 300.0}
    """
    debounce = Debounce()
    now = free_at = worked = 0.0
    begun = 0
    shown_after: list[float] = []
    arrived: list[tuple[float, Pressed]] = []
    for key in keys:
        next_key = now + key.gap_ms
        wait = debounce.typed(now) if rule.wait_ms is None else rule.wait_ms
        start = max(now + wait, free_at)
        if remembers and any(at <= now and key.foreseen_by(earlier) for at, earlier in arrived[-KEPT:]):
            shown_after.append(0.0)
        elif wait >= key.gap_ms or (rule.cancels and start >= next_key):
            pass  # never asked, or taken out of the queue
        elif rule.cancels and start + answer_ms > next_key:
            begun, worked, free_at = begun + 1, worked + next_key - start, next_key
        else:
            begun, worked, free_at = begun + 1, worked + answer_ms, start + answer_ms
            debounce.answered(answer_ms)
            arrived.append((free_at, key))
            if free_at <= next_key:
                shown_after.append(free_at - now)
        now = next_key
    median = round(statistics.median(shown_after), 1) if shown_after else None
    return {"requests": begun, "worked_s": round(worked / 1000, 1), "in_time": len(shown_after), "after_ms_p50": median}


def rows(completer: Completer) -> list[dict]:
    """Each rule with each speed of answering, with and without a memory of answers, at the same keys."""
    keys = pressed(completer)
    return [
        {"answers_in": speed, "answer_ms": answer_ms, "rule": name, "memory": remembers, "keys": len(keys)}
        | asked_along(keys, answer_ms, rule, remembers)
        for speed, answer_ms in ANSWERS_MS.items()
        for name, rule in RULES.items()
        for remembers in (False, True)
    ]


def pressed(completer: Completer) -> list[Pressed]:
    """The keys of somebody who writes some lines of a file again and accepts nothing, with what the model would answer."""
    typist = typing(document(LINES), SEED, STATEMENTS)
    cursors = [next(typist).cursor]
    with contextlib.suppress(StopIteration):
        while True:
            cursors.append(typist.send("").cursor)
    begins = [not cursor.line_prefix[-1:].isalnum() for cursor in cursors[1:]] + [True]
    answers = [completer.complete(cursor, max_new_tokens=LINE_TOKENS).text.split("\n")[0] for cursor in cursors]
    together = zip(cursors, answers, gaps_ms(begins), strict=True)
    return [Pressed(cursor.prefix, cursor.suffix, answer, gap) for cursor, answer, gap in together]
