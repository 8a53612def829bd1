"""Turns a prefix and a suffix into a fill-in-the-middle prompt of token ids, in the format that a model was trained on.

It knows texts, ids and tokenizers; it does not know how families spell their sentinels (`formats`), models or editors.

User text and sentinels never meet as text. Every piece of a prompt is encoded apart with special tokens off, and the
sentinels are put between the pieces as ids, so a file that contains `<fim_middle>` is text like any other.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise, takewhile

from tokenizers import Tokenizer

from copilot_lib.formats import CONTROL, Format, Layout, detect


@dataclass(frozen=True)
class Prompt:
    """What a model is given, and how it came about."""

    ids: tuple[int, ...]
    mode: str
    """`fim` or `left-to-right`."""
    order: str | None
    """`PSM`, `SPM`, or None for left-to-right."""
    prefix_count: int
    """How many tokens of the prefix were kept."""
    suffix_count: int


def arrange(layout: Layout, pieces: Mapping[str, Sequence[int]]) -> list[int]:
    """The ids of the pieces, in the layout's order.

    >>> arrange(("prefix", "P", "suffix", "S", "middle"), {"prefix": [1], "middle": [2], "suffix": [3], "P": [7], "S": [8]})
    [1, 7, 3, 8, 2]
    """
    return [token for name in layout for token in pieces[name]]


def cut(text: str, start: int, end: int) -> tuple[str, str, str]:
    """Prefix, middle and suffix of a text, for a gap from `start` to `end`.

    >>> cut("return x + y", 7, 8)
    ('return ', 'x', ' + y')
    """
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"the gap from {start} to {end} is not in the text: expected 0 <= start <= end <= {len(text)}")
    return text[:start], text[start:end], text[end:]


def transform(prefix: str, middle: str, suffix: str, codec: "Codec", order: str | None = None) -> list[int]:
    """The training example for a gap: the prompt that asks for it, its answer, and the end token."""
    return [*codec.fim(prefix, suffix, order).ids, *codec.encode(middle), codec.end_id]


def keep_end(ids: list[int], budget: int | None, decode: Callable[[list[int]], str]) -> list[int]:
    """The last `budget` ids; half a character at the cut edge is dropped too."""
    if budget is None or len(ids) <= budget:
        return ids
    kept = ids[len(ids) - budget :]
    while kept and all(decode(kept[:n]).startswith("\ufffd") for n in range(1, 5)):
        kept = kept[1:]
    return kept


def keep_start(ids: list[int], budget: int | None, decode: Callable[[list[int]], str]) -> list[int]:
    """The first `budget` ids; half a character at the cut edge is dropped too."""
    if budget is None or len(ids) <= budget:
        return ids
    kept = ids[:budget]
    while kept and all(decode(kept[-n:]).endswith("\ufffd") for n in range(1, 5)):
        kept = kept[:-1]
    return kept


def exact(tokenizer: Tokenizer) -> tuple[Tokenizer, str]:
    """A copy that takes every text literally, and what the original puts before a text (a space, or nothing).

    Taken out are all steps that would make decode(encode(text)) another text: added spaces, Unicode normalisation,
    truncation. Control tokens that are not flagged as special are flagged, so that none is ever read out of a text.
    One thing stays: a tokenizer of SentencePiece's kind writes a space as U+2581, and so reads U+2581 as a space.
    """
    parts = json.loads(tokenizer.to_str())
    steps = [*_steps(parts["normalizer"]), *_steps(parts["pre_tokenizer"])]
    leads = any(s["type"] == "Prepend" or s.get("prepend_scheme", "never") != "never" for s in steps)
    for step in (*steps, *_steps(parts["decoder"])):
        step.update({key: value for key, value in (("prepend_scheme", "never"), ("add_prefix_space", False)) if key in step})
    for token in parts["added_tokens"]:
        token["special"] |= token["content"] in CONTROL
    parts["normalizer"] = _sequence("normalizers", [s for s in _steps(parts["normalizer"]) if s["type"] == "Replace"])
    parts["decoder"] = _sequence("decoders", [s for s in _steps(parts["decoder"]) if s["type"] != "Strip"])
    parts |= {"truncation": None, "padding": None}
    copy = Tokenizer.from_str(json.dumps(parts))
    copy.encode_special_tokens = True
    return copy, " " if leads else ""


def _steps(component: dict | None) -> list[dict]:
    """The steps of a tokenizer's component, which may be none, one or a sequence."""
    if component is None:
        return []
    if component["type"] != "Sequence":
        return [component]
    nested = next(value for key, value in component.items() if key != "type")
    return [step for inner in nested for step in _steps(inner)]


def _sequence(kind: str, steps: list[dict]) -> dict | None:
    return {"type": "Sequence", kind: steps} if steps else None


LINE = re.compile(r"[^\n]*\n|[^\n]+")
BREAKS = (
    ("a\n", "b"),
    ("a\n", "    b"),
    ("a\n", "\tb"),
    ("a:\n", "\n    b"),
    ("a\n\n", "b"),
    ("a \n", " \n"),
    ("\r\n", "\r\n"),
)
"""Where a tokenizer that takes newlines together with what is around them betrays itself."""
LINES_KEPT, TEXTS_KEPT = 8192, 8
"""Of so many lines the ids are remembered, so that a keystroke costs one line's tokens and not the file's; of so many texts
where a tokenizer takes newlines together with what follows."""


def reads_line_by_line(tokenizer: Tokenizer) -> bool:
    """Whether the ids of a text are those of its lines, one after the other: not where a newline joins what follows it."""

    def ids(text):
        return tokenizer.encode(text, add_special_tokens=False).ids

    return all(ids(a + b) == ids(a) + ids(b) for a, b in BREAKS)


class Codec:
    """One model's way between text and ids.

    `tokenizer` is its own copy, which reads and writes every text exactly; `end_id` ends a training example; any of
    `stop_ids`, which are all the special ids, ends a completion, because a completion is text and no special id is.
    """

    def __init__(self, tokenizer: Tokenizer, format: Format | None = None):
        self.format = format or detect(tokenizer.get_vocab())
        self.tokenizer, self._lead = exact(tokenizer)
        vocabulary = self.tokenizer.get_vocab()
        missing = [spelling for spelling in self.format.sentinels.values() if spelling not in vocabulary]
        if missing:
            raise ValueError(f"the tokenizer has no single token {', '.join(missing)}, which {self.format.name} prompts need")
        self._sentinels = {name: [vocabulary[spelling]] for name, spelling in self.format.sentinels.items()}
        ends = [vocabulary[spelling] for spelling in self.format.end_tokens if spelling in vocabulary]
        if not ends:
            raise ValueError(f"the tokenizer has no end token: expected one of {', '.join(self.format.end_tokens)}")
        self.end_id = ends[0]
        added = self.tokenizer.get_added_tokens_decoder()
        own = {vocabulary[spelling] for spelling in self.format.spellings if spelling in vocabulary}
        self.stop_ids = frozenset(own | {id for id, token in added.items() if token.special})
        probe = tokenizer.encode("a")
        self._line_by_line = reads_line_by_line(self.tokenizer)
        self._ids = lru_cache(LINES_KEPT if self._line_by_line else TEXTS_KEPT)(self._literally)
        self._begin = [id for id, _ in takewhile(lambda pair: pair[1], zip(probe.ids, probe.special_tokens_mask, strict=True))]

    def encode(self, text: str) -> list[int]:
        """The ids of user text, exactly as it is; never a special id, whatever the text spells."""
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"the text has half a surrogate pair (U+{ord(text[error.start]):04X}) at offset {error.start}: "
                "expected text that UTF-8 can hold"
            ) from None
        pieces = LINE.findall(text) if self._line_by_line else [text]
        return list(chain.from_iterable(map(self._ids, pieces)))

    def _literally(self, text: str) -> tuple[int, ...]:
        ids: list[int] = []
        waiting = [text]
        while waiting:
            piece = waiting.pop()
            encoding = self.tokenizer.encode(piece, add_special_tokens=False)
            if self.stop_ids.isdisjoint(encoding.ids):
                ids += encoding.ids
                continue
            # The model's own merges can still spell a sentinel: cut after the first character of each.
            found = [span for id, span in zip(encoding.ids, encoding.offsets, strict=True) if id in self.stop_ids]
            if any(end - start < 2 for start, end in found):
                raise ValueError(f"the tokenizer has no ordinary token for {piece[slice(*found[0])]!r}: use another tokenizer")
            edges = [0, *(start + 1 for start, _ in found), len(piece)]
            waiting += [piece[a:b] for a, b in pairwise(edges)][::-1]
        return tuple(ids)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special ones by their spelling."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=False)

    def fim(
        self,
        prefix: str,
        suffix: str,
        order: str | None = None,
        prefix_tokens: int | None = None,
        suffix_tokens: int | None = None,
    ) -> Prompt:
        """The prompt for a gap. Budgets in tokens keep what is next to the gap: the prefix's end, the suffix's start."""
        order = order or self.format.order
        layout = self.format.layout(order)
        before = self._before(prefix, prefix_tokens)
        after = keep_start(self.encode(suffix), _budget("suffix_tokens", suffix_tokens), self.decode)
        ids = arrange(layout, {**self._sentinels, "P": before, "S": after})
        return Prompt((*self._begin, *ids), "fim", order, len(before), len(after))

    def plain(self, prefix: str, prefix_tokens: int | None = None) -> Prompt:
        """The prompt for text that just goes on: left-to-right, without sentinels.

        For no text at all it is the end token, which stood before every document in training.
        """
        before = self._before(prefix, prefix_tokens)
        return Prompt((*self._begin, *before) or (self.end_id,), "left-to-right", None, len(before), 0)

    def _before(self, prefix: str, budget: int | None) -> list[int]:
        ids = self.encode(self._lead + prefix if prefix else "")
        return keep_end(ids, _budget("prefix_tokens", budget), self.decode)


def _budget(name: str, tokens: int | None) -> int | None:
    if tokens is not None and tokens < 0:
        raise ValueError(f"{name} is {tokens}: expected 0 or more, or None for no limit")
    return tokens
