"""One model's way between text and token ids: encodes, decodes, and writes the prompts that the model was trained on.

It knows texts, ids and a tokenizer; it does not know how families spell their sentinels (`formats`), networks or editors.

User text and sentinels never meet as text. Every piece of a prompt is encoded apart with special tokens off, and the
sentinels are put between the pieces as ids, so a file that contains `<fim_middle>` is text like any other.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise, takewhile

from tokenizers import Tokenizer

from copilot_lib.fim import Prompt, arrange, keep_end, keep_start
from copilot_lib.formats import COMMENTS, Format, detect
from copilot_lib.literal import exact, reads_line_by_line

LINE = re.compile(r"[^\n]*\n|[^\n]+")
LINES_KEPT, TEXTS_KEPT = 8192, 8
"""Of so many lines the ids are remembered, so that a keystroke costs one line's tokens and not the file's; of so many texts
where a tokenizer takes newlines together with what follows."""


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
        known = not self.format.snippets.separated or self.format.file_separator in vocabulary
        self._style = self.format.snippets if known else COMMENTS
        self._separator = [vocabulary[self.format.file_separator]] if self._style.separated else []
        own = {vocabulary[spelling] for spelling in self.format.spellings if spelling in vocabulary}
        self.stop_ids = frozenset(own | {id for id, token in added.items() if token.special})
        probe = tokenizer.encode("a")
        self._line_by_line = reads_line_by_line(self.tokenizer)
        self._ids = lru_cache(LINES_KEPT if self._line_by_line else TEXTS_KEPT)(self._literally)
        self._begin = [id for id, _ in takewhile(lambda pair: pair[1], zip(probe.ids, probe.special_tokens_mask, strict=True))]

    def encode(self, text: str) -> list[int]:
        """The ids of user text, exactly as it is; never a special id, whatever the text spells."""
        _check(text)
        pieces = LINE.findall(text) if self._line_by_line else [text]
        return list(chain.from_iterable(map(self._ids, pieces)))

    def encode_stored(self, text: str) -> list[int]:
        """As `encode`, for files that nobody types in: other threads go on meanwhile, and no line is remembered."""
        _check(text)
        [encoding] = self.tokenizer.encode_batch_fast([text], add_special_tokens=False)
        return encoding.ids if self.stop_ids.isdisjoint(encoding.ids) else self.encode(text)

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

    def spelled(self, ids: Sequence[int]) -> str:
        """The text of a prompt, for whoever takes no ids; `ValueError` where a file in it spells a special token."""
        text, counted = self.decode(ids), Counter(ids)
        for id in sorted(self.stop_ids):
            if text.count(spelling := self.tokenizer.id_to_token(id)) != counted[id]:
                raise ValueError(f"the file spells {spelling}")
        return text

    def fim(
        self,
        prefix: str,
        suffix: str,
        order: str | None = None,
        prefix_tokens: int | None = None,
        suffix_tokens: int | None = None,
        context: Sequence[int] = (),
    ) -> Prompt:
        """The prompt for a gap. Budgets in tokens keep what is next to the gap: the prefix's end, the suffix's start.

        `context` are the ids that `context` has made of pieces of other files.
        """
        order = order or self.format.order
        layout = self.format.layout(order)
        before = self._before(prefix, prefix_tokens)
        after = keep_start(self.encode(suffix), _budget("suffix_tokens", suffix_tokens), self.decode)
        outside, inside = (context, ()) if self._style.separated else ((), context)
        ids = arrange(layout, {**self._sentinels, "P": [*inside, *before], "S": after})
        return Prompt((*self._begin, *outside, *ids), "fim", order, len(before), len(after), len(context))

    def plain(self, prefix: str, prefix_tokens: int | None = None, context: Sequence[int] = ()) -> Prompt:
        """The prompt for text that just goes on: left-to-right, without sentinels.

        For no text at all it is the end token, which stood before every document in training.
        """
        before = self._before(prefix, prefix_tokens)
        ids = (*self._begin, *context, *before) or (self.end_id,)
        return Prompt(ids, "left-to-right", None, len(before), 0, len(context))

    def snippet(self, file: str, text: str) -> list[int]:
        """The ids of a piece of another file, as the family has learnt to read it, or as a comment."""
        return [*self._separator, *self.encode(self._style.write(file, text))]

    def own_header(self, file: str) -> list[int]:
        """The ids between such pieces and the text of the open file: its name, where the family is used to that."""
        if not self._style.names_open_file:
            return []
        return [*self._separator, *self.encode(self._style.write(file, "")[:-1])]

    def _before(self, prefix: str, budget: int | None) -> list[int]:
        ids = self.encode(self._lead + prefix if prefix else "")
        return keep_end(ids, _budget("prefix_tokens", budget), self.decode)


def _check(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"the text has half a surrogate pair (U+{ord(text[error.start]):04X}) at offset {error.start}: "
            "expected text that UTF-8 can hold"
        ) from None


def _budget(name: str, tokens: int | None) -> int | None:
    if tokens is not None and tokens < 0:
        raise ValueError(f"{name} is {tokens}: expected 0 or more, or None for no limit")
    return tokens
