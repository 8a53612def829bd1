"""Finds what followed the same ids before, and mixes these counts into a network's probabilities: a cache of n-grams.

It knows ids and counts; it does not know texts, files, or which network is asked.

Code repeats itself, above all within one project, and a count of it needs no training (Hellendoorn and Devanbu 2017, "Are deep
neural networks the best choice for modeling source code?").
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest

import numpy

SHORTEST, LONGEST = 2, 16
"""How many ids in a row have to be the same, and how many are compared at most."""
DOUBT, MOST_SEEN = 16, 4
"""Chosen by exact answers at 600 places in files of the held-out packages that no measurement asks about: a doubt of 8 needs
fewer bits there, and turns more right answers into wrong ones. The shortest run was chosen by bits."""
APART = -1
"""Stands between two sequences: no id."""
NO_PAIR = numpy.iinfo(numpy.int64).min
"""Is no two ids."""
Mix = Callable[[Sequence[int], numpy.ndarray], numpy.ndarray]
"""From the ids written so far and the network's scores of the next one, (vocabulary,): the scores to choose by."""


def unmixed(written: Sequence[int], scores: numpy.ndarray) -> numpy.ndarray:
    """The network's scores as they are."""
    return scores


class Ngrams:
    """Sequences of ids, in which any run of ids is found again quickly: 12 bytes for each id, and one search for each length.

    >>> ngrams = Ngrams([[1, 2, 3, 4], [9, 2, 3, 5]])
    >>> [ids.tolist() for ids in ngrams.following([1, 2, 3])]
    [[4, 5], [4]]
    >>> [ids.tolist() for ids in ngrams.following([1, 2, 3], but=0)]
    [[5]]
    """

    def __init__(self, sequences: Iterable[Sequence[int]]):
        parts = [numpy.append(numpy.asarray(sequence, dtype=numpy.int32), numpy.int32(APART)) for sequence in sequences]
        self._starts = numpy.cumsum([0, *map(len, parts)])
        self._ids = numpy.concatenate([numpy.array([APART] * SHORTEST, dtype=numpy.int32), *parts])
        pairs = self._ids[:-2].astype(numpy.int64) << 32 | self._ids[1:-1]
        self._order = numpy.argsort(pairs, kind="stable").astype(numpy.int32)
        pairs = pairs[self._order]
        self._first = numpy.flatnonzero(numpy.diff(pairs, prepend=NO_PAIR))  # less memory than numpy.unique, which sorts again
        self._pairs = pairs[self._first]

    def following(self, ids: Sequence[int], but: int | None = None) -> list[numpy.ndarray]:
        """What followed where the last 2, 3, … of some ids stood, as long as they stood anywhere; at most `LONGEST`.

        Each is an array of ids, one for each place. Places in the sequence with the number `but` do not count.
        """
        places = self._behind(ids[-SHORTEST:]) if len(ids) >= SHORTEST else numpy.array([], dtype=int)
        if but is not None:
            begin, end = self._starts[but : but + 2] + SHORTEST
            places = places[(places < begin) | (places >= end)]
        found = []
        for length in range(SHORTEST, min(LONGEST, len(ids)) + 1):
            if length > SHORTEST:
                places = places[places >= length]
                places = places[self._ids[places - length] == ids[-length]]
            if not len(places):
                break
            found.append(self._ids[places])
        return found

    def _behind(self, pair: Sequence[int]) -> numpy.ndarray:
        """The places behind two ids in a row, but for ends of sequences."""
        wanted = int(pair[0]) << 32 | int(pair[1])
        at = int(numpy.searchsorted(self._pairs, wanted))
        if at == len(self._pairs) or self._pairs[at] != wanted:
            return numpy.array([], dtype=int)
        end = self._first[at + 1] if at + 1 < len(self._first) else len(self._order)
        places = self._order[self._first[at] : end] + SHORTEST
        return places[self._ids[places] != APART]


def together(*found: Sequence[numpy.ndarray]) -> list[numpy.ndarray]:
    """What was found in several places, length by length."""
    return [numpy.concatenate([ids for ids in of_length if ids is not None]) for of_length in zip_longest(*found)]


def mixed(probabilities: numpy.ndarray, found: Iterable[numpy.ndarray]) -> numpy.ndarray:
    """Probabilities in which what followed the same ids counts: for each length, from short to long, by Witten and Bell (1991).

    What was known before counts `DOUBT` times for each kind of id that followed, and what was seen once for each time, but
    `MOST_SEEN` times together at most. So one long run that always went on alike is believed, and a short one that went on
    in many ways is not. Where nothing was found nothing changes.

    >>> mixed(numpy.array([0.5, 0.5]), [numpy.array([0, 0, 0, 0])]).round(3).tolist()
    [0.6, 0.4]
    """
    for following in found:
        counts = numpy.bincount(following, minlength=len(probabilities))
        seen, doubt = min(len(following), MOST_SEEN), DOUBT * numpy.count_nonzero(counts)
        probabilities = (seen / len(following) * counts + doubt * probabilities) / (seen + doubt)
    return probabilities
