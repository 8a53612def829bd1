"""Trains the pocket model's tokenizer: byte-level BPE with pieces that suit Python.

It knows text and tokens; it does not know prompts or models.
"""

from collections.abc import Iterable
from pathlib import Path

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<fim_pad>",
    "<filename>",
    "<gh_stars>",
    "<reponame>",
    *(f"<reserved_{n}>" for n in range(8)),
)
"""StarCoder's spellings, so that one code path serves both, and eight spare rows for later chapters."""

PIECES = "|".join(
    (
        r"^ +",  # an indentation is one piece: 4, 8 and 12 spaces become single tokens
        r" ?\p{L}+",  # a word takes at most the one space before it
        r"_\p{L}+",  # snake_case splits before the underscore
        r"\p{N}",  # digits stand alone
        r" ?[^\s\p{L}\p{N}]+",  # runs of punctuation
        r"[\r\n]",  # a newline stands alone, whatever follows
        r"\t+",
        r" +(?= )",
        r"\s",
    )
)


def train(texts: Iterable[str], vocabulary: int):
    """A `tokenizers.Tokenizer` of exactly `vocabulary` entries, the special tokens first; it normalises nothing."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[AddedToken(name, special=True, normalized=False) for name in SPECIAL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save(tokenizer, folder: Path, context_tokens: int) -> None:
    """Writes the files that `transformers.AutoTokenizer` reads."""
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        pad_token="<fim_pad>",
        additional_special_tokens=[t for t in SPECIAL_TOKENS if t not in ("<|endoftext|>", "<fim_pad>")],
        model_max_length=context_tokens,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)
