"""The fill-in-the-middle formats of eleven model families and of the pocket model as a table, and which a vocabulary speaks.

It knows spellings and their order; it does not know ids, texts or tokenizers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Layout = tuple[str, ...]
"""The pieces of a prompt in order: `P` and `S` are the texts, the other names are sentinels of the format."""

PSM: Layout = ("prefix", "P", "suffix", "S", "middle")
SPM_JOINED: Layout = ("prefix", "suffix", "S", "middle", "P")
"""Variant 2 of Bavarian et al. 2022: prefix and completion stay in one piece."""
SPM_APART: Layout = ("suffix", "S", "prefix", "P", "middle")
SPM_OPEN: Layout = ("suffix", "S", "prefix", "P")
"""No middle sentinel: the completion just goes on after the prefix."""


@dataclass(frozen=True)
class SnippetStyle:
    """How pieces of other files are written before the open file's own text."""

    header: str
    """The line above a piece, made from the name of its `file`."""
    separated: bool = False
    """Whether each begins with the file separator, and all stand before the sentinels; else they begin the prefix."""
    commented: bool = False
    names_open_file: bool = True
    """Whether the open file's own text has such a header too."""

    def write(self, file: str, text: str) -> str:
        r"""A piece with its header.

        >>> COMMENTS.write("a.py", "x = 1\n\ny = 2"), SnippetStyle("#{file}").write("a.py", "x = 1")
        ('# a.py:\n# x = 1\n# y = 2\n', '#a.py\nx = 1\n')
        """
        if self.commented:
            text = "\n".join(f"# {line}" for line in text.split("\n") if line.strip())
        return f"{self.header.format(file=file)}\n{text}\n"


FILES = SnippetStyle("{file}", separated=True)
"""As the families were trained whose corpus was repositories."""
COMMENTS = SnippetStyle("# {file}:", commented=True, names_open_file=False)
"""For families that were not: what is in the open file is its own."""


@dataclass(frozen=True)
class Format:
    """How one family of models wants a gap to be asked for; `psm` or `spm` is None where the family was not trained on it."""

    name: str
    order: str
    """`PSM` or `SPM`: the one to use if nobody asks for the other."""
    prefix: str
    suffix: str
    middle: str | None
    end_tokens: tuple[str, ...]
    """What ends a completion; the first one ends a training example."""
    psm: Layout | None = PSM
    spm: Layout | None = None
    file_separator: str | None = None
    repository: str | None = None
    marks: tuple[str, ...] = ()
    """Further spellings that a vocabulary must have, to tell families with the same sentinels apart."""
    snippets: SnippetStyle = COMMENTS

    def layout(self, order: str | None = None) -> Layout:
        """The layout of an order, or of the format's own; `ValueError` if the family does not know it."""
        known = {name: layout for name, layout in (("PSM", self.psm), ("SPM", self.spm)) if layout}
        order = order or self.order
        if order not in known:
            raise ValueError(f"{self.name} was not trained on order {order!r}: expected {' or '.join(known)}")
        return known[order]

    @property
    def sentinels(self) -> dict[str, str]:
        """Piece name to spelling, for the sentinels that the layouts use."""
        names = {"prefix": self.prefix, "suffix": self.suffix, "middle": self.middle}
        return {name: spelling for name, spelling in names.items() if spelling}

    def read(self, prompt: str) -> tuple[str, str] | None:
        """Prefix and suffix of a prompt that a client has written out with sentinels; None where it is ordinary text.

        It is a prompt only as a whole: it begins with a sentinel, and each stands in it once, in the order of a layout.

        >>> detect(["<fim_prefix>", "<fim_suffix>", "<fim_middle>"]).read("<fim_prefix>a<fim_suffix>c<fim_middle>")
        ('a', 'c')
        """
        for layout in filter(None, (self.psm, self.spm)):
            parts = [f"(?P<{piece}>.*)" if piece in "PS" else re.escape(self.sentinels[piece]) for piece in layout]
            found = re.fullmatch("".join(parts), prompt, re.DOTALL)
            if found and all(prompt.count(spelling) == 1 for spelling in self.sentinels.values()):
                return found["P"], found["S"]
        return None

    @property
    def spellings(self) -> frozenset[str]:
        """Every control token of the family that a completion must not contain."""
        others = (self.file_separator, self.repository, *self.end_tokens, *self.marks)
        return frozenset(self.sentinels.values()) | {spelling for spelling in others if spelling}


_UNDERSCORED = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
_BARRED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")

FORMATS: tuple[Format, ...] = (
    Format(
        "starcoder2", "PSM", *_UNDERSCORED, ("<|endoftext|>",), spm=SPM_JOINED,
        file_separator="<file_sep>", repository="<repo_name>", marks=("<file_sep>",), snippets=FILES,
    ),
    Format(
        "pocket", "SPM", *_UNDERSCORED, ("<|endoftext|>",), spm=SPM_JOINED,
        file_separator="<filename>", repository="<reponame>", marks=("<reserved_0>",),
    ),
    Format(
        "starcoder", "PSM", *_UNDERSCORED, ("<|endoftext|>",), spm=SPM_JOINED,
        file_separator="<filename>", repository="<reponame>", snippets=FILES,
    ),
    Format(
        "mellum", "SPM", *_UNDERSCORED, ("<|endoftext|>",), psm=None, spm=SPM_APART,
        file_separator="<filename>", repository="<reponame>", snippets=FILES,
    ),
    Format("santacoder", "PSM", "<fim-prefix>", "<fim-suffix>", "<fim-middle>", ("<|endoftext|>",), spm=SPM_JOINED),
    Format(
        "codegemma", "PSM", *_BARRED, ("<|file_separator|>", "<end_of_turn>", "<eos>"),
        file_separator="<|file_separator|>", marks=("<|file_separator|>",), snippets=FILES,
    ),
    Format("granite", "PSM", *_BARRED, ("<|end_of_text|>",), marks=("<|end_of_text|>",)),
    Format(
        "qwen2.5-coder", "PSM", *_BARRED, ("<|endoftext|>", "<|fim_pad|>", "<|im_start|>", "<|im_end|>"),
        file_separator="<|file_sep|>", repository="<|repo_name|>", snippets=FILES,
    ),
    Format("codellama", "PSM", "▁<PRE>", "▁<SUF>", "▁<MID>", ("▁<EOT>", "</s>"), spm=SPM_JOINED),
    Format(
        "deepseek-coder", "PSM", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>",
        ("<｜end▁of▁sentence｜>", "<|EOT|>"), snippets=SnippetStyle("#{file}"),
    ),
    Format(
        "codestral", "SPM", "[PREFIX]", "[SUFFIX]", None, ("</s>",), psm=None, spm=SPM_OPEN,
        snippets=SnippetStyle("+++++ {file}"),
    ),
    Format(
        "seed-coder", "SPM", "<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", ("<[end▁of▁sentence]>",),
        psm=None, spm=SPM_APART,
    ),
)  # fmt: skip
"""The families, and where their sentinels coincide the one with marks before the one without.

`starcoder` also serves Granite's code models and others that kept its tokenizer; `granite` is Granite 4. The pocket model has
StarCoder's sentinels too and was trained on both orders, but is better where prefix and completion are one piece.
"""

CONTROL: frozenset[str] = frozenset().union(*(format.spellings for format in FORMATS))
"""The control tokens of all families."""


def detect(vocabulary: Mapping[str, int]) -> Format:
    """The format that a tokenizer's own vocabulary speaks.

    >>> detect({"<fim_prefix>": 1, "<fim_middle>": 2, "<fim_suffix>": 3, "<|endoftext|>": 0}).name
    'starcoder'

    Mellum and Refact have StarCoder's vocabulary and want another order, which no vocabulary tells: they are taken for
    StarCoder, the commonest, unless `codec.Codec` is given their format.
    """
    for format in FORMATS:
        if all(spelling in vocabulary for spelling in (*format.sentinels.values(), *format.marks)):
            return format
    raise ValueError(
        "the vocabulary has the fill-in-the-middle tokens of no known family: expected a code model's, such as "
        f"{', '.join(_UNDERSCORED)}; known are {', '.join(sorted(format.name for format in FORMATS))}"
    )
