"""Says whether an engine elsewhere uses an adapter whole: its probabilities, beside those that the same model has here.

It knows prompts, and what is likely to come next, there and here; it does not know why an engine leaves something out.

    found = compare("http://127.0.0.1:8000", "shop", tuned, base, prompts(base.codec))
    found.left_out
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import httpx
import numpy

from copilot_lib import sample
from copilot_lib.codec import Codec
from copilot_lib.gateway import SILENCE_S, EngineFailed, answering, authorization, refusal
from copilot_lib.models import Model

FIRST = 5
"""So many tokens are looked at behind each prompt: those that the engine takes for the likeliest."""
WHOLE = 0.1
"""Of what an adapter changes, so much may be missing by rounding alone: an engine in 16 bits has been seen at 0.09,
of an adapter that changes little (`results/claims/vllm.txt`)."""


@dataclass(frozen=True)
class Agreement:
    """How far an engine is from the model here."""

    prompts: int
    same_choice: int
    """At so many prompts the likeliest token is the same."""
    apart: float
    """The mean difference of a log probability there and here."""
    changed: float
    """The same between the model here without and with the adapter: what it is that the engine may leave out."""

    @property
    def left_out(self) -> float:
        """The share of what the adapter changes that is missing there: 0 for none of it, about 1 for all."""
        return self.apart / self.changed

    @property
    def whole(self) -> bool:
        """Whether the engine answers as the model does here."""
        return self.left_out <= WHOLE


def prompts(codec: Codec) -> list[list[int]]:
    """Twenty small files that are written on somewhere, as token ids."""
    return [list(codec.fim(place.cursor.prefix, place.cursor.suffix).ids) for place in sample.places()]


def compare(
    url: str, served: str, tuned: Model, base: Model, asked: Sequence[Sequence[int]], key: str | None = None
) -> Agreement:
    """Asks an engine for what it calls `served`, and the model here with its adapter and without, what comes next.

    `EngineFailed` where the engine cannot be reached, refuses, or gives no log probabilities of token ids, as vLLM does;
    `ValueError` for an adapter that changes nothing.
    """
    rows = list(zip(likeliest(url, served, asked, key), likelihoods(tuned, asked), likelihoods(base, asked), strict=True))
    if any(max(found) >= len(mine) for found, mine, _ in rows):
        raise EngineFailed(f"the engine at {url} has more tokens than {base.name}: it serves another model as {served}")
    there = numpy.concatenate([list(found.values()) for found, _, _ in rows])
    here, before = (numpy.concatenate([row[side][list(row[0])] for row in rows]) for side in (1, 2))
    if not (changed := float(numpy.abs(before - here).mean())):
        raise ValueError("the adapter changes nothing here: there is nothing to compare")
    return Agreement(
        prompts=len(rows),
        same_choice=sum(max(found, key=found.get) == int(mine.argmax()) for found, mine, _ in rows),
        apart=float(numpy.abs(there - here).mean()),
        changed=changed,
    )


def likeliest(url: str, served: str, asked: Iterable[Sequence[int]], key: str | None) -> Iterator[dict[int, float]]:
    """For each prompt the tokens that an engine takes for the likeliest, with their log probabilities."""
    wanted = {"model": served, "max_tokens": 1, "temperature": 0, "logprobs": FIRST, "return_tokens_as_token_ids": True}
    with answering(url), httpx.Client(base_url=url, timeout=SILENCE_S, headers=authorization(key)) as client:
        for ids in asked:
            answer = client.post("/v1/completions", json=wanted | {"prompt": list(ids)})
            if answer.status_code != httpx.codes.OK:
                raise refusal(url, answer)
            yield numbered(answer)


def numbered(answer: httpx.Response) -> dict[int, float]:
    """Token ids and log probabilities, as one answer has them: `{"token_id:17": -0.7, ...}`."""
    try:
        found = answer.json()["choices"][0]["logprobs"]["top_logprobs"][0]
        numbers = {int(token.removeprefix("token_id:")): float(value) for token, value in found.items()}
        if not numbers:
            raise ValueError("none")
        return numbers
    except (ValueError, LookupError, TypeError, AttributeError):
        raise EngineFailed(
            f"the engine gave no log probabilities of token ids, but {answer.text[:100]!r}: expected vLLM, or one like it"
        ) from None


def likelihoods(model: Model, asked: Iterable[Sequence[int]]) -> Iterator[numpy.ndarray]:
    """The log probability of every token behind each prompt."""
    runner = model.runner()
    for ids in asked:
        runner.cut(0)
        logits = runner.advance(ids)[-1].astype(numpy.float64)
        yield logits - numpy.logaddexp.reduce(logits)
