"""Which adapter a request means, in the words of each protocol: a name, a model's name, or numbers with scales.

It knows names; it does not know where adapters lie, or whether they can be used.
"""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, Strict

from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.registry import BASE, Entry

router = APIRouter()
Text, Whole = Annotated[str, Strict()], Annotated[int, Strict()]
Find = Callable[[str, float], Entry]
Named = Annotated[
    Text | None, Field(description=f"the name of an adapter; `{BASE}` for the model without any", examples=[BASE])
]


def none_here(name: str, scale: float = 1.0) -> Entry:
    """Where there are no adapters, none is found."""
    raise AdapterRefused(f"there is no adapter {name[:80]!r}: this server has none")


class Weighted(BaseModel):
    """An adapter by the number that `GET /lora-adapters` gives it, and how strong it is wanted."""

    id: Whole = Field(ge=0, examples=[0])
    scale: Annotated[float, Strict(), Field(ge=-4, le=4, allow_inf_nan=False)] = 1.0


class Listed(BaseModel):
    id: int
    path: str
    """Its name."""
    scale: float
    """1 for the one that answers where a request names none, else 0."""


class Choice:
    """The adapters that a server offers, and the one that answers where a request names none."""

    def __init__(
        self, model: str, find: Find = none_here, names: Callable[[], Sequence[str]] = tuple, default: str | None = None
    ):
        self.model, self._find, self.names, self.default = model, find, names, default
        self._numbers: list[str] = []
        """Names by their numbers. One that was given out means the same for as long as the server runs."""

    def named(self, name: str | None, scale: float = 1.0) -> Entry | None:
        """The adapter of a name; without one the default, and None for the base."""
        name = name or self.default
        return None if name is None or name == BASE else self._find(name, scale)

    def of_model(self, model: str | None) -> Entry | None:
        """The adapter that a model's name means: `MODEL:ADAPTER`, or the adapter's own. Any other name is only a name."""
        kind, colon, name = (model or "").partition(f"{self.model}:")
        if not kind and colon:
            return self.named(name or BASE)
        return self.named(model if model in self.names() else None)

    def weighted(self, wanted: Sequence[Weighted]) -> Entry | None:
        """The adapter that is wanted with a scale other than 0; None for none."""
        chosen = [one for one in wanted if one.scale]
        if len(chosen) > 1:
            raise AdapterRefused("several adapters at once: make them one with `python -m copilot_lib adapters combine`")
        if not chosen:
            return None
        numbered = self.numbered()
        if chosen[0].id >= len(numbered):
            raise AdapterRefused(f"there is no adapter with the number {chosen[0].id}: GET /lora-adapters lists them")
        return self.named(numbered[chosen[0].id], chosen[0].scale)

    def numbered(self) -> list[str]:
        """All names that were ever listed, each at its number."""
        self._numbers += [name for name in self.names() if name not in self._numbers]
        return self._numbers

    def full_name(self, adapter: Entry | None) -> str:
        """What an answer says of who answered."""
        return f"{self.model}:{adapter.name}" if adapter else self.model


def choice_of(request: Request) -> Choice:
    return request.app.state.choice


def options(adapter: Entry | None) -> dict[str, Entry]:
    """What a completion is asked with."""
    return {"adapter": adapter} if adapter else {}


@router.get("/lora-adapters")
async def listed(request: Request) -> list[Listed]:
    """The adapters by their numbers, as llama.cpp lists them; which one answers is said in each request."""
    choice = choice_of(request)
    there = set(choice.names())
    names = enumerate(choice.numbered())
    return [Listed(id=n, path=name, scale=float(name == choice.default)) for n, name in names if name in there]
