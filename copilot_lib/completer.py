"""The way of one completion: cursor, prompt, engine, stopping rules, clean-up, `Completion`.

It knows the order of these steps; it does not know HTTP, editors or how a network is run.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Protocol

from copilot_lib import healing, postprocess, stopping
from copilot_lib.codec import Codec
from copilot_lib.cursor import LINE_END, Cursor, one_newline_style
from copilot_lib.engine import Engine, Generation, everything
from copilot_lib.engines import Engines
from copilot_lib.fim import Prompt
from copilot_lib.models import SMALL, Model, default_name, load
from copilot_lib.ngrams import Mix, unmixed
from copilot_lib.registry import Entry, Registry
from copilot_lib.settled import settled
from copilot_lib.snippet import Place
from copilot_lib.stream import characters, until, without_start

SUFFIX_SHARE = 1 / 3
"""The part of the prompt that the suffix may take when both sides are long; what it leaves unused goes to the prefix."""

CONTEXT_SHARE = 1 / 4
"""The part of the prompt that pieces of other files may take; what they leave unused goes to the open file."""

STEPS = 8
"""The window's edges move by an eighth of the prompt at a time."""

LONGEST_TOKEN = 16
"""Characters per token beyond which text is not even encoded, so that a huge file costs no more than a large one."""


LARGEST_WINDOW = 2048
"""Tokens of prompt and completion that are used of a longer context: more takes a CPU longer than anyone waits."""

LEAST_WINDOW_TOKENS = 1024
"""Models that read less get no context unless it is asked for. What is shown of other files pushes out lines of the open one,
and of the pocket model, which reads 512 tokens, it has been measured that this hardly ever pays (`results/context`)."""


@dataclass(frozen=True)
class Completion:
    """What to insert at the cursor, and how it came about."""

    text: str
    tokens: tuple[int, ...]
    """The ids the model gave, before any rule or clean-up cut the text; where a word is begun they begin with that."""
    mode: str
    """`fim` or `left-to-right`."""
    stopped: str
    """The engine's word (`end`, `length`, `cancelled`, …), `stop string`, or the rule that cut: see `STOPS`."""
    times_ms: dict[str, float]
    """Milliseconds of each stage: `prompt`, `prefill`, `decode`, `postprocess`, `total`."""
    prompt_tokens: int
    reused_tokens: int
    adapter: str | None = None
    """The name of the adapter that answered; None for the base."""


def nobody(text: str) -> None:
    """Shows the text to nobody."""


def has_meaningful_suffix(cursor: Cursor) -> bool:
    """Whether anything but blanks stands after the cursor: then the gap is filled, else the text goes on.

    >>> has_meaningful_suffix(Cursor("f()", 2)), has_meaningful_suffix(Cursor("f()  ", 3))
    (True, False)
    """
    return bool(cursor.suffix.strip())


def line_end(text: str, cursor: Cursor) -> int | None:
    """Where a completion must end because code follows the cursor on its own line: at its first newline."""
    newline = LINE_END.search(text)
    return newline.start() if newline and cursor.line_suffix.strip() else None


STOPS = (
    ("line end", line_end),
    ("dedent", stopping.dedents),
    ("statement end", stopping.ends_statement),
    ("repeats the suffix", stopping.repeats_suffix),
    ("repeats itself", stopping.repeats_itself),
    ("circles in a line", stopping.circles_in_line),
)
"""Name and rule; a rule gives the position in the text at which the completion should have ended, or None."""


def first_stop(text: str, cursor: Cursor) -> tuple[int, str] | None:
    """The earliest position at which a rule ends the text, with the rule's name."""
    return min(((at, name) for name, rule in STOPS if (at := rule(text, cursor)) is not None), default=None)


def share(room: int, prefix_count: int, suffix_count: int) -> tuple[int, int]:
    """Tokens for prefix and suffix: all if both fit, else a third for the suffix, and what one side spares for the other.

    The edges move in steps, so that most keystrokes change nothing but the prefix's end, and keys and values can be reused.

    >>> share(96, 1000, 1000), share(96, 10, 1000), share(96, 1000, 10), share(96, 10, 10)
    ((64, 32), (10, 84), (76, 10), (10, 10))
    >>> [share(96, count, 1000) for count in (70, 71, 76, 77)]
    [(58, 32), (59, 32), (64, 32), (53, 32)]
    """
    step = max(1, room // STEPS)
    suffix_tokens = min(suffix_count, max(int(room * SUFFIX_SHARE), room - up_to(step, prefix_count)))
    dropped = up_to(step, max(0, prefix_count - (room - suffix_tokens)))
    return prefix_count - dropped, suffix_tokens


def up_to(step: int, count: int) -> int:
    """The next multiple of `step` that is not smaller.

    >>> up_to(8, 1), up_to(8, 16)
    (8, 16)
    """
    return -(-count // step) * step


def wants_context(asked: bool | None, context_tokens: int) -> bool:
    """Whether a model is shown other files: as was asked, or else if it reads enough.

    >>> wants_context(None, 512), wants_context(None, 8192), wants_context(True, 512)
    (False, True, True)
    """
    return context_tokens >= LEAST_WINDOW_TOKENS if asked is None else asked


def wants_ngrams(asked: bool | None, parameters: int) -> bool:
    """Whether n-grams of the project count beside a model: as was asked, or else if it is small.

    >>> wants_ngrams(None, 5_000_000), wants_ngrams(None, 164_000_000), wants_ngrams(False, 5_000_000)
    (True, False, False)
    """
    return parameters < SMALL if asked is None else asked


def context_ids(codec: Codec, cursor: Cursor, place: Place, budget_tokens: int) -> list[int]:
    """The ids of what is shown of other files at a cursor: `budget_tokens` at most, and none where nothing is found."""
    header = codec.own_header(place.name)
    snippets = place.gather(cursor, budget_tokens - len(header), lambda piece: len(codec.snippet(piece.file, piece.text)))
    ids = [id for piece in snippets for id in codec.snippet(piece.file, piece.text)]
    return [*ids, *header] if ids else []


class Mixing(Protocol):
    """What is known of the n-grams around a cursor; hashable, and another one where it knows something else."""

    def mix(self, cursor: Cursor) -> Mix:
        """What is to be done with a network's scores of what comes behind the cursor."""


class Pipeline(ABC):
    """The way of a completion with some model, wherever that runs. Not for several threads at once."""

    def __init__(self, model, clock: Callable[[], float] = time.perf_counter):
        self.model = model
        """Has a `name`, a `codec` and `context_tokens`."""
        self._clock = clock

    @abstractmethod
    def begin(
        self,
        cursor: Cursor,
        max_new_tokens: int = 64,
        order: str | None = None,
        place: Place | None = None,
        adapter: Entry | None = None,
        **options,
    ) -> tuple[Prompt, Generation, Iterator[str]]:
        """Starts the model at the cursor: the prompt, the run, and the text as it comes, as yet without any rule of ours."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Gives back what is not memory."""

    def prompt(self, cursor: Cursor, max_new_tokens: int, order: str | None = None, place: Place | None = None) -> Prompt:
        """The prompt for a cursor, cut to what the model's context leaves beside the completion.

        Where it is known in which project the file is, pieces of other files come first (`CONTEXT_SHARE`); the rest belongs
        to the file itself (`share`).
        """
        codec = self.model.codec
        room = min(self.model.context_tokens, LARGEST_WINDOW) - max_new_tokens - 4
        if room < 1:
            raise ValueError(
                f"max_new_tokens is {max_new_tokens}, but {self.model.name} has room for "
                f"{min(self.model.context_tokens, LARGEST_WINDOW)} tokens with the prompt: ask for fewer"
            )
        context = context_ids(codec, cursor, place, int(room * CONTEXT_SHARE)) if place else []
        room -= len(context)
        reach = room * LONGEST_TOKEN
        begin = up_to(reach, max(0, cursor.offset - 2 * reach))
        prefix, suffix = one_newline_style(cursor.text[begin : cursor.offset], cursor.suffix[:reach])
        fills = has_meaningful_suffix(cursor)
        counts = len(codec.encode(prefix)), len(codec.encode(suffix)) if fills else 0
        prefix_tokens, suffix_tokens = share(room, *counts)
        if fills:
            return codec.fim(prefix, suffix, order, prefix_tokens, suffix_tokens, context)
        return codec.plain(prefix, prefix_tokens, context)

    def complete(
        self,
        cursor: Cursor,
        *,
        max_new_tokens: int = 64,
        order: str | None = None,
        place: Place | None = None,
        adapter: Entry | str | None = None,
        stop: Sequence[str] = (),
        show: Callable[[str], None] = nobody,
        **options,
    ) -> Completion:
        """Completes at the cursor; stops decoding as soon as a stopping rule or a stop string is met.

        Where it is said in which `place` of a project the file is, the model is shown pieces of other files too. With an
        `adapter`, which is one from a registry or the name of one in the user's, the model answers as that has changed it; one
        that cannot be used is an `AdapterRefused`.

        `show` is given what is certain of the text so far, each time that there is more: whole lines, see `settled`.
        Options as `begin` and `Engine.generate`: `ngrams`, `sampling`, `cancel`, and the time limits `prefill_ms` and
        `decode_ms`, which end the two stages; what there is by then is the completion.
        """
        began = self._clock()
        adapter = Registry().find(adapter) if isinstance(adapter, str) else adapter
        prompt, run, pieces = self.begin(cursor, max_new_tokens, order, place, adapter, **options)
        prompted = self._clock()
        text, stopped = "", None
        with closing(pieces):
            for piece in until(pieces, stop):
                text += piece
                if stopped := first_stop(text, cursor):
                    break
                if "\n" in piece:
                    show(settled(text, cursor))
        if not stopped and run.stopped == "end":
            # Only now is it known that the last line has ended.
            at = stopping.repeats_suffix(text + cursor.line_suffix + "\n", cursor)
            stopped = None if at is None else (at, "repeats the suffix")
        if stopped:
            text = text[: stopped[0]]
        elif run.stopped == "abandoned":
            stopped = len(text), "stop string"
        decoded = self._clock()
        text = postprocess.clean(text, cursor)
        ended = self._clock()
        times = {
            "prompt": prompted - began,
            "prefill": run.prefill_ms / 1000,
            "decode": decoded - prompted - run.prefill_ms / 1000,
            "postprocess": ended - decoded,
            "total": ended - began,
        }
        return Completion(
            text=text,
            tokens=tuple(run.ids),
            mode=prompt.mode,
            stopped=stopped[1] if stopped else run.stopped,
            times_ms={stage: seconds * 1000 for stage, seconds in times.items()},
            prompt_tokens=len(prompt.ids),
            reused_tokens=run.reused,
            adapter=adapter.name if adapter else None,
        )


class Completer(Pipeline):
    """A completer whose model runs in this process."""

    def __init__(self, model: Model, clock: Callable[[], float] = time.perf_counter):
        super().__init__(model, clock)
        self.engine = Engine(model.runner(), clock)
        self.adapters = Engines(model, clock=clock)

    @classmethod
    def load(cls, name_or_path: str | None = None) -> "Completer":
        """A completer for a model by name, as `models.load` understands it."""
        return cls(load(name_or_path))

    @cached_property
    def _vocabulary(self) -> healing.Vocabulary:
        return healing.Vocabulary(self.model.codec)

    def begin(
        self,
        cursor: Cursor,
        max_new_tokens: int = 64,
        order: str | None = None,
        place: Place | None = None,
        adapter: Entry | None = None,
        ngrams: Mixing | None = None,
        **options,
    ) -> tuple[Prompt, Generation, Iterator[str]]:
        """Starts the model at the cursor: the prompt, the run, and the text as it comes, as yet without any rule of ours.

        Where a word or an indentation is begun, the model is asked before it and must begin with what is typed of it
        (`healing`); the text goes on behind that. With `ngrams` (`context.NgramCache`), what followed the same ids elsewhere in
        the project counts beside the network. Options as `Engine.generate`.
        """
        before, typed = healing.step_back(cursor)
        prompt = self.prompt(before, max_new_tokens, order, place)
        engine = self.adapters.of(adapter) if adapter else self.engine
        run = engine.generate(
            prompt.ids,
            stop_ids=self.model.codec.stop_ids,
            max_new_tokens=max_new_tokens,
            allowed=self._vocabulary.opening(typed) if typed else everything,
            mix=ngrams.mix(before) if ngrams else unmixed,
            **options,
        )
        return prompt, run, without_start(characters(run, self.model.codec.tokenizer), len(typed))


@cache
def default_completer(name: str) -> Completer:
    """The completer for a name, loaded once in a process."""
    return Completer.load(name)


def complete(cursor: Cursor, **options) -> Completion:
    """Completes at the cursor with the default model (`COPILOT_MODEL`, else the pocket); options as `Completer.complete`."""
    return default_completer(default_name()).complete(cursor, **options)
