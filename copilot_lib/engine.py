"""Turns prompt ids into a stream of ids: one loop for stopping, sampling, reuse, time limits and cancelling.

It knows token ids and never sees text; it does not know which network answers (`runner`).
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy

from copilot_lib.drafts import Drafts
from copilot_lib.ngrams import Mix, unmixed
from copilot_lib.runner import Runner
from copilot_lib.sampling import Sampling, pick, probabilities

PREFILL_CHUNK = 256
"""Prompt ids computed between two looks at the clock and the cancel object: large enough to cost no speed."""


Allowed = Callable[[Sequence[int]], numpy.ndarray | None]
"""Which ids may follow those written so far; None for all."""


def everything(written: Sequence[int]) -> None:
    """The rule that allows every id."""


class Cancel:
    """One switch from a newer keystroke or a closed socket down to the loop; any thread may throw it."""

    def __init__(self):
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()


@dataclass
class Generation:
    """A running request: iterate over it for ids; what is known about the run stands in its fields."""

    prompt_tokens: int
    reused: int = 0
    passes: int = 0
    """How often the network ran after the prompt: once for each id, or less often where guesses were right (`drafts`)."""
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    stopped: str = "abandoned"
    """`end`, `length`, `cancelled`, `prefill time`, `decode time`, `context full`; `abandoned` if the caller left early."""
    ids: list[int] = field(default_factory=list)
    """Those given so far."""
    _coming: Iterator[int] = field(default_factory=lambda: iter(()), repr=False)

    def __iter__(self) -> Iterator[int]:
        return self._coming

    @property
    def computed(self) -> int:
        """Prompt tokens that had to go through the network."""
        return self.prompt_tokens - self.reused


class Engine:
    """Owns one runner. Not for several threads at once: whoever calls `generate` finishes with it first."""

    def __init__(self, runner: Runner, clock: Callable[[], float] = time.perf_counter):
        self.runner = runner
        self._clock = clock
        self._kept: list[int] = []
        self._guesses = True
        self._running: Generation | None = None

    def generate(
        self,
        prompt_ids: Sequence[int],
        *,
        stop_ids: Collection[int],
        max_new_tokens: int,
        sampling: Sampling = Sampling(),  # noqa: B008 - frozen
        cancel: Cancel | None = None,
        prefill_ms: float | None = None,
        decode_ms: float | None = None,
        allowed: Allowed = everything,
        mix: Mix = unmixed,
    ) -> Generation:
        """Starts a request; nothing is computed before the first id is asked for.

        A stop id ends the stream and is not part of it. `allowed` is asked before each id with those so far: which may come
        next, None for all. `mix` is asked before that, and gives the scores to choose by for those of the network. Raises
        `ValueError` for an empty prompt, one that leaves no room in the model's context, and a negative `max_new_tokens`.
        """
        if not prompt_ids:
            raise ValueError("the prompt has no tokens: expected at least one")
        if max_new_tokens < 0:
            raise ValueError(f"max_new_tokens is {max_new_tokens}: expected 0 or more")
        if len(prompt_ids) >= self.runner.context_tokens:
            room = self.runner.context_tokens - 1
            raise ValueError(f"the prompt has {len(prompt_ids)} tokens: this model takes {room}; lower the token budgets")
        run = Generation(len(prompt_ids))
        cancel = cancel or Cancel()
        limits = max_new_tokens, prefill_ms, decode_ms
        run._coming = self._run(run, list(prompt_ids), stop_ids, limits, sampling, cancel, allowed, mix)
        return run

    def _run(self, run, prompt, stop_ids, limits, sampling, cancel, allowed, mix) -> Iterator[int]:
        max_new_tokens, prefill_ms, decode_ms = limits
        self._running = run
        started = self._clock()
        drafts, draft = Drafts(prompt), []
        run.reused = self._reuse(prompt)
        for at in range(run.reused, len(prompt), PREFILL_CHUNK):
            if cancel.cancelled:
                run.stopped = "cancelled"
                return
            run.prefill_ms = (self._clock() - started) * 1000
            if prefill_ms is not None and run.prefill_ms > prefill_ms:
                run.stopped = "prefill time"
                return
            fed = prompt[at : at + PREFILL_CHUNK]
            draft = drafts.next()[: self._room(max_new_tokens - 1, fed)] if at + len(fed) == len(prompt) else []
            logits = self._advance(fed + draft, 1 + len(draft))
        run.prefill_ms = (self._clock() - started) * 1000
        random = numpy.random.default_rng(sampling.seed)
        started = self._clock()
        for count in range(max_new_tokens + 1):
            run.decode_ms = (self._clock() - started) * 1000
            if count == max_new_tokens:
                run.stopped = "length"
            elif cancel.cancelled:
                run.stopped = "cancelled"
            elif decode_ms is not None and count and run.decode_ms > decode_ms:
                run.stopped = "decode time"
            elif len(prompt) + count >= self.runner.context_tokens:
                run.stopped = "context full"
            else:
                token = choose(mix(run.ids, checked(logits[0])), sampling, random, allowed(run.ids))
                if token not in stop_ids:
                    run.ids.append(token)
                    yield token
                    if self._running is not run:
                        raise RuntimeError(
                            "another request has begun on this engine, or it was told to forget:"
                            " finish one request before the next"
                        )
                    drafts.add([token])
                    if draft[:1] == [token]:  # guessed right: its successor's scores are there
                        logits, draft = logits[1:], draft[1:]
                    # The last id is never fed: its successor is not wanted.
                    elif count + 1 < max_new_tokens and not cancel.cancelled:
                        fed = self._rest(prompt + run.ids)
                        draft = drafts.next()[: self._room(max_new_tokens - count - 2, fed)]
                        logits = self._advance(fed + draft, 1 + len(draft))
                        run.passes += 1
                    continue
                run.stopped = "end"
            return

    def forget(self) -> None:
        """Drops the kept keys and values, so that the next prompt is computed afresh."""
        self._running = None
        self.runner.cut(0)
        self._kept.clear()

    def _reuse(self, prompt: list[int]) -> int:
        """Cuts the kept keys and values back to what `prompt` shares with them; one token is always left to compute."""
        kept = self._kept[: self.runner.length]  # less than was fed, if a pass was interrupted
        self.runner.cut(min(common_prefix(kept, prompt), len(prompt) - 1))
        self._kept = kept[: self.runner.length]
        return self.runner.length

    def _rest(self, ids: list[int]) -> list[int]:
        """What of `ids`, all but the last of which were fed, is to be fed: the last, once wrong guesses are cut away."""
        self.runner.cut(len(ids) - 1)
        del self._kept[self.runner.length :]
        if self.runner.length < len(ids) - 1:  # this runner cannot take back, so that a wrong guess costs too much
            self._guesses = False
        return ids[self.runner.length :]

    def _room(self, wanted: int, fed: Sequence[int]) -> int:
        """How long a guess may be beside what is fed: all is fed in one pass, and has to fit."""
        return self._guesses * max(0, min(wanted, self.runner.context_tokens - self.runner.length - len(fed)))

    def _advance(self, ids: list[int], scores: int) -> numpy.ndarray:
        logits = self.runner.advance(ids, scores)
        self._kept += ids
        return logits


def choose(
    logits: numpy.ndarray, sampling: Sampling, random: numpy.random.Generator, allowed: numpy.ndarray | None = None
) -> int:
    """The next id: the likeliest one at temperature 0 (the lowest id of equals), else one drawn from the distribution.

    Where some ids are `allowed`, one of them.
    """
    logits = checked(logits)
    if allowed is not None:
        kept = numpy.full_like(logits, -numpy.inf)
        kept[allowed] = logits[allowed]
        logits = kept
    if sampling.temperature == 0:
        return int(logits.argmax())
    return pick(probabilities(logits, sampling.temperature, sampling.top_k, sampling.top_p), random)


def checked(logits: numpy.ndarray) -> numpy.ndarray:
    """Scores that are numbers, as they are; else `FloatingPointError`."""
    if not numpy.isfinite(logits).all():
        raise FloatingPointError("the model's output is not a number: its weights are damaged, or its dtype is too narrow")
    return logits


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many leading items two sequences share.

    >>> common_prefix([1, 2, 3], [1, 2, 9, 9])
    2
    """
    for n, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return n
    return min(len(a), len(b))
