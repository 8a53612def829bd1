"""Measures how well a network predicts code that it has never seen, in bits per byte: left to right, and gaps alone.

It knows networks and probabilities; it does not know completions as an editor shows them (`evaluate`).
"""

import lzma
import math
from collections.abc import Iterable, Sequence
from importlib import metadata

import numpy

from copilot_lib.completer import Mixing
from copilot_lib.corpus import HELD_OUT
from copilot_lib.ngrams import Mix, unmixed
from copilot_lib.snippet import Place
from copilot_lib.targets import Target, held_out_files

SAMPLE_BYTES = 150_000
READING_WINDOW = 1024
NGRAM = 4


def held_out_text(distribution: str, size: int = SAMPLE_BYTES) -> str:
    """About `size` bytes of a distribution's own modules: whole files, in the order of the hash of their paths."""
    text = ""
    for _, source in held_out_files(distribution):
        if len(text) < size:
            text += source
    return text


def information(network, ids: Sequence[int], start: int, mix: Mix = unmixed) -> float:
    """The information of `ids[start:]` under the network, in bits, each id told all that stand before it.

    With a `mix`, which is told `ids[start:]` as far as they stand before, under what it makes of the network's scores.
    """
    import torch

    with torch.inference_mode():
        piece = torch.tensor([ids], device=network.device)
        scores = network(piece).logits[0, start - 1 : -1].float()
        if mix is not unmixed:
            rows = [mix(ids[start : start + n], row.cpu().numpy()) for n, row in enumerate(scores)]
            scores = torch.tensor(numpy.array(rows), device=scores.device)
        log_probabilities = scores.log_softmax(-1)
        return -log_probabilities.gather(1, piece[0, start:, None]).sum().item() / math.log(2)


def bits_per_byte(model, text: str) -> float:
    """The mean information of a byte of `text` under the model, over windows that overlap by half: every token but those
    of the first window is predicted from at least half a context. Comparable between tokenizers, unlike a token's loss.
    """
    ids = model.codec.encode(text)
    window = min(model.context_tokens, READING_WINDOW)
    half = window // 2
    starts = range(0, max(1, len(ids) - half), half)
    total = sum(information(model.network, ids[at : at + window], 1 if at == 0 else half) for at in starts)
    return total / len(text.encode())


def middle_bits(
    completer, target: Target, order: str | None = None, place: Place | None = None, ngrams: Mixing | None = None
) -> float:
    """The information of a reference in bits, told what stands on both sides of it, and of other files what is said in `place`.

    The same prompt as for a completion, then the reference; the end token after it is not counted, since no byte is.
    """
    reference = completer.model.codec.encode(target.reference)
    prompt = completer.prompt(target.cursor, len(reference) + 1, order, place).ids
    mix = ngrams.mix(target.cursor) if ngrams else unmixed
    return information(completer.model.network, [*prompt, *reference], len(prompt), mix)


def middle_bits_per_byte(completer, targets: Iterable[Target], order: str | None = None) -> float:
    """The mean information of a byte of the references, each told what stands on both sides of it."""
    total, size = 0.0, 0
    for target in targets:
        total += middle_bits(completer, target, order)
        size += len(target.reference.encode())
    return total / size


def ngram_bits_per_byte(codec, documents: Iterable[str], texts: Sequence[str], order: int = NGRAM) -> list[float]:
    """Bits per byte of each text under an n-gram model of tokens; its first token is given."""
    told = ngram_bits(codec, documents, [codec.encode(text) for text in texts], order)
    return [float(bits[1:].sum()) / len(text.encode()) for text, bits in zip(texts, told, strict=True)]


def ngram_bits(codec, documents: Iterable[str], asked_for: Sequence[Sequence[int]], order: int = NGRAM) -> list[numpy.ndarray]:
    """The information of each id under an n-gram model of tokens, in bits, counted over all documents (Witten and Bell 1991).

    Only what follows a context that is asked for is kept, and counted at the end: 8 bytes a token and order at most.
    """
    base = codec.tokenizer.get_vocab_size()
    if base**order >= 2**64:
        raise ValueError(f"runs of {order} tokens of a vocabulary of {base} do not fit 64 bits: lower the order")
    encoded = [numpy.array(ids, dtype=numpy.uint64) for ids in asked_for]
    asked = [numpy.unique(numpy.concatenate([runs(ids, n, base) for ids in encoded])) for n in range(order)]
    seen: list[list[numpy.ndarray]] = [[] for _ in range(order)]
    for document in documents:
        ids = numpy.array(codec.encode(document), dtype=numpy.uint64)
        for n in range(order):
            grams = runs(ids, n + 1, base)
            seen[n].append(grams[look_up(asked[n], asked[n], grams // base) == grams // base])
    tables = []
    for of_length in seen:
        grams, counts = numpy.unique(numpy.concatenate(of_length), return_counts=True)
        contexts, starts = numpy.unique(grams // base, return_index=True)
        totals = numpy.add.reduceat(counts, starts) if len(counts) else counts
        tables.append((grams, counts, contexts, totals, numpy.diff(starts, append=len(grams))))

    def probabilities(ids: numpy.ndarray) -> numpy.ndarray:
        values = numpy.full(len(ids), 1 / base)
        for n, (grams, counts, contexts, totals, distinct) in enumerate(tables):
            asked_for = runs(ids, n + 1, base)
            total = look_up(contexts, totals, asked_for // base)
            kinds = look_up(contexts, distinct, asked_for // base)
            mixed = (look_up(grams, counts, asked_for) + kinds * values[n:]) / numpy.maximum(total + kinds, 1)
            values[n:] = numpy.where(total > 0, mixed, values[n:])
        return values

    return [-numpy.log2(probabilities(ids)) for ids in encoded]


def runs(ids: numpy.ndarray, length: int, base: int) -> numpy.ndarray:
    """All runs of so many ids, each as one number, whose last digit to the base is the run's last id.

    >>> runs(numpy.array([1, 2, 3]), 2, 10), runs(numpy.array([1, 2, 3]), 0, 10)
    (array([12, 23]), array([0, 0, 0, 0]))
    """
    made = numpy.zeros(max(0, len(ids) - length + 1), dtype=ids.dtype)
    for n in range(length):
        made = made * base + ids[n : n + len(made)]
    return made


def look_up(keys: numpy.ndarray, values: numpy.ndarray, wanted: numpy.ndarray) -> numpy.ndarray:
    """The value of each wanted key, 0 where it is not among the sorted keys."""
    if not len(keys):
        return numpy.zeros(len(wanted), dtype=values.dtype)
    at = numpy.minimum(numpy.searchsorted(keys, wanted), len(keys) - 1)
    return numpy.where(keys[at] == wanted, values[at], 0)


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


def middle_table(completer, targets: Sequence[Target], documents: Iterable[str]) -> list[dict]:
    """One row for each held-out distribution: the middles of the targets in it, all kinds, each from what is around it.

    Beside the model, which is told both sides, an n-gram model that is told the ids just before, and xz, which is told
    nothing and sees the middles of a distribution in one piece, a line break after each.
    """
    codec = completer.model.codec
    references = [codec.encode(target.reference) for target in targets]
    begun = [codec.encode(target.cursor.prefix[-20 * NGRAM :])[1 - NGRAM :] for target in targets]
    told = ngram_bits(codec, documents, [[*before, *ids] for before, ids in zip(begun, references, strict=True)])
    rows = []
    for name in sorted(HELD_OUT):
        mine = [n for n, target in enumerate(targets) if target.file.split("/")[0].lower() == name]
        size = sum(len(targets[n].reference.encode()) for n in mine)
        found = {
            "bits_per_byte": sum(middle_bits(completer, targets[n]) for n in mine),
            "ngram": sum(float(told[n][len(begun[n]) :].sum()) for n in mine),
        }
        packed = xz_bits_per_byte("\n".join(targets[n].reference for n in mine))
        rows.append(
            {"distribution": name, "targets": len(mine), "bytes": size}
            | {way: round(bits / size, 4) for way, bits in found.items()}
            | {"xz": round(packed, 4)}
        )
    return rows
