"""Measures how well a network predicts code that it has never seen, in bits per byte: left to right, and gaps alone.

It knows networks and probabilities; it does not know completions as an editor shows them (`evaluate`).
"""

import lzma
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from importlib import metadata

from copilot_lib.corpus import HELD_OUT
from copilot_lib.targets import Target, held_out_files

SAMPLE_BYTES = 150_000
LARGEST_WINDOW = 1024
NGRAM = 4


def held_out_text(distribution: str, size: int = SAMPLE_BYTES) -> str:
    """About `size` bytes of a distribution's own modules: whole files, in the order of the hash of their paths."""
    text = ""
    for _, source in held_out_files(distribution):
        if len(text) < size:
            text += source
    return text


def information(network, ids: Sequence[int], start: int) -> float:
    """The information of `ids[start:]` under the network, in bits, each id told all that stand before it."""
    import torch

    with torch.inference_mode():
        piece = torch.tensor([ids], device=network.device)
        log_probabilities = network(piece).logits[0, start - 1 : -1].float().log_softmax(-1)
        return -log_probabilities.gather(1, piece[0, start:, None]).sum().item() / math.log(2)


def bits_per_byte(model, text: str) -> float:
    """The mean information of a byte of `text` under the model, over windows that overlap by half: every token but those
    of the first window is predicted from at least half a context. Comparable between tokenizers, unlike a token's loss.
    """
    ids = model.codec.encode(text)
    window = min(model.context_tokens, LARGEST_WINDOW)
    half = window // 2
    starts = range(0, max(1, len(ids) - half), half)
    total = sum(information(model.network, ids[at : at + window], 1 if at == 0 else half) for at in starts)
    return total / len(text.encode())


def middle_bits_per_byte(completer, targets: Iterable[Target]) -> float:
    """The mean information of a byte of the references, each told what stands on both sides of it.

    The same prompt as for a completion, then the reference; the end token after it is not counted, since no byte is.
    """
    total, size = 0.0, 0
    for target in targets:
        reference = completer.model.codec.encode(target.reference)
        prompt = completer.prompt(target.cursor, len(reference) + 1).ids
        total += information(completer.model.network, [*prompt, *reference], len(prompt))
        size += len(target.reference.encode())
    return total / size


def ngram_bits_per_byte(codec, documents: Iterable[str], texts: Sequence[str], order: int = NGRAM) -> list[float]:
    """Bits per byte of each text under an n-gram model of tokens, counted over all documents (Witten and Bell 1991).

    Only contexts that occur in the texts are counted, so that memory grows with these and not with the documents.
    """
    encoded = [codec.encode(text) for text in texts]
    asked = {tuple(ids[at - n : at]) for ids in encoded for n in range(order) for at in range(n, len(ids))}
    counts: dict[tuple[int, ...], Counter] = defaultdict(Counter)
    for document in documents:
        ids = codec.encode(document)
        for at, token in enumerate(ids):
            for n in range(min(order, at + 1)):
                if (context := tuple(ids[at - n : at])) in asked:
                    counts[context][token] += 1
    totals = {context: (seen.total(), len(seen)) for context, seen in counts.items()}
    vocabulary = codec.tokenizer.get_vocab_size()

    def probability(ids: list[int], at: int) -> float:
        value = 1 / vocabulary
        for n in range(min(order, at + 1)):
            context = tuple(ids[at - n : at])
            if context not in totals:
                break
            total, distinct = totals[context]
            value = (counts[context][ids[at]] + distinct * value) / (total + distinct)
        return value

    pairs = zip(texts, encoded, strict=True)
    return [sum(-math.log2(probability(ids, at)) for at in range(1, len(ids))) / len(text.encode()) for text, ids in pairs]


def xz_bits_per_byte(text: str) -> float:
    """What a general compressor needs for the same text, which it sees whole."""
    compressed = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
    return 8 * len(compressed) / len(text.encode())


def table(model, documents: Iterable[str]) -> list[dict]:
    """One row for each held-out distribution: the model, an n-gram model of the same documents, and xz."""
    names = sorted(HELD_OUT)
    texts = [held_out_text(name) for name in names]
    counted = ngram_bits_per_byte(model.codec, documents, texts)
    return [
        {
            "distribution": name,
            "version": metadata.version(name),
            "bytes": len(text.encode()),
            "bits_per_byte": round(bits_per_byte(model, text), 4),
            "ngram": round(ngram, 4),
            "xz": round(xz_bits_per_byte(text), 4),
        }
        for name, text, ngram in zip(names, texts, counted, strict=True)
    ]
