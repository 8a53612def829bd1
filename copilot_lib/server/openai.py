"""OpenAI's protocol for completions, `POST /v1/completions`, and Mistral's for gaps, `POST /v1/fim/completions`.

It knows their fields and answers; it does not know how a completion is made. What is asked and cannot be done is refused.
"""

import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, Strict, field_validator
from starlette.responses import JSONResponse, Response, StreamingResponse

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor
from copilot_lib.sampling import Sampling
from copilot_lib.server.adapters import choice_of, options
from copilot_lib.server.waiting import complete_while_connected, pieces_while_connected

router, about = APIRouter(), APIRouter()
MOST_TOKENS = 256
Text = Annotated[str, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
NOT_DONE: dict[str, tuple] = {
    "echo": (None, False),
    "logprobs": (None,),
    "best_of": (None, 1),
    "logit_bias": (None, {}),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
}
"""Fields that cannot be honoured, and the values with which they ask for nothing."""
STREAMED = {200: {"content": {"text/event-stream": {}}}}


class StreamOptions(BaseModel):
    include_usage: Annotated[bool, Strict()] = False


class Asked(BaseModel, extra="allow"):
    """A text to go on with, or with a `suffix` a gap to fill; greedy unless a temperature is given."""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=1)] = Field(examples=["def area(width, height):\n    "])
    suffix: Text | None = Field(default=None, examples=["\n\n\nprint(area(2, 3))\n"])
    model: Text | None = None
    max_tokens: Annotated[int, Strict(), Field(ge=0)] | None = Field(default=None, description=f"at most {MOST_TOKENS}")
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    n: Annotated[int, Strict(), Field(ge=1, le=8)] | None = None
    seed: Annotated[int, Strict(), Field(ge=0)] | None = None
    stop: Text | Annotated[list[Text], Field(max_length=64)] | None = None
    stream: Annotated[bool, Strict()] | None = None
    stream_options: StreamOptions | None = None
    echo: Any = None
    logprobs: Any = None
    best_of: Any = None
    logit_bias: Any = None
    frequency_penalty: Any = None
    presence_penalty: Any = None

    @field_validator(*NOT_DONE)
    @classmethod
    def asks_for_nothing(cls, value: Any, about) -> Any:
        if value not in NOT_DONE[about.field_name]:
            raise ValueError("this server cannot do that: leave the field out")
        return value

    @field_validator("stop")
    @classmethod
    def stops_at_something(cls, value: str | list[str] | None) -> str | list[str] | None:
        if value == "" or (value and "" in list(value)):
            raise ValueError("a stop string is empty: expected at least one character")
        return value

    def cursor(self, request: Request) -> Cursor:
        """The place to complete at. A prompt that is written out with the model's own sentinels is read as what it means."""
        prompt = self.prompt if isinstance(self.prompt, str) else self.prompt[0]
        written_out = request.app.state.served.format.read(prompt) if self.suffix is None else None
        prefix, suffix = written_out or (prompt, self.suffix or "")
        return Cursor(prefix + suffix, len(prefix))

    def runs(self) -> list[dict[str, Any]]:
        """The options of each choice that was asked for; they differ in the seed."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        options = {"max_new_tokens": min(64 if self.max_tokens is None else self.max_tokens, MOST_TOKENS), "stop": stop}
        count = self.n or 1
        if not self.temperature:
            return [options] * count
        first = secrets.randbelow(2**31) if self.seed is None else self.seed
        sampling = Sampling(self.temperature, top_p=self.top_p or 1.0)
        return [options | {"sampling": replace(sampling, seed=first + number)} for number in range(count)]


@dataclass(frozen=True)
class Tongue:
    """In which words one of the two protocols says the same."""

    kind: str
    piece_kind: str
    whole: Callable[[str], dict[str, Any]]
    piece: Callable[[str], dict[str, Any]]


TEXT = Tongue("text_completion", "text_completion", *[lambda text: {"text": text, "logprobs": None}] * 2)
CHAT = Tongue(
    "chat.completion",
    "chat.completion.chunk",
    lambda text: {"message": {"role": "assistant", "content": text}},
    lambda text: {"delta": {"content": text}},
)


@router.post("/v1/completions", responses=STREAMED)
async def completions(asked: Asked, request: Request) -> Response:
    """Goes on with a text or fills a gap, as OpenAI's legacy completions do; with `stream` as server-sent events."""
    return await answer(asked, request, TEXT)


@router.post("/v1/fim/completions", responses=STREAMED)
async def fim_completions(asked: Asked, request: Request) -> Response:
    """Fills a gap, as Mistral's endpoint for Codestral does."""
    return await answer(asked, request, CHAT)


@about.get("/v1/models")
async def models(request: Request) -> dict:
    """The model, and the model with each adapter. A request that gives any other name is answered too."""
    choice = choice_of(request)
    names = [choice.model, *(f"{choice.model}:{name}" for name in choice.names())]
    about = {"object": "model", "created": 0, "owned_by": "copilot_lib"}
    return {"object": "list", "data": [{"id": name} | about for name in names]}


async def answer(asked: Asked, request: Request, tongue: Tongue) -> Response:
    id = request.state.completion_id = f"cmpl-{secrets.token_hex(12)}"
    adapter = choice_of(request).of_model(asked.model)
    head = {"id": id, "created": int(time.time()), "model": choice_of(request).full_name(adapter)}
    runs = [run | options(adapter) for run in asked.runs()]
    if asked.stream:
        events = stream(asked, runs, request, tongue, head)
        first = await anext(events)  # what goes wrong before the first piece still has its status
        return StreamingResponse(after(first, events), media_type="text/event-stream")
    cursor = asked.cursor(request)
    made = [await complete_while_connected(request, cursor, **run) for run in runs]
    choices = [{"index": n} | tongue.whole(one.text) | {"finish_reason": reason(one)} for n, one in enumerate(made)]
    return JSONResponse(head | {"object": tongue.kind, "choices": choices, "usage": usage(made)})


async def stream(asked: Asked, runs: list[dict], request: Request, tongue: Tongue, head: dict) -> AsyncIterator[str]:
    """Server-sent events: the pieces of each choice in turn, then, if asked for, the usage, then `[DONE]`."""
    cursor = asked.cursor(request)
    head = head | {"object": tongue.piece_kind}
    made = []
    for number, run in enumerate(runs):
        async for piece in pieces_while_connected(request, cursor, **run):
            text, ended = ("", reason(piece)) if isinstance(piece, Completion) else (piece, None)
            choice = {"index": number} | tongue.piece(text) | {"finish_reason": ended}
            yield event(head | {"choices": [choice]})
        made.append(piece)
    if asked.stream_options and asked.stream_options.include_usage:
        yield event(head | {"choices": [], "usage": usage(made)})
    yield "data: [DONE]\n\n"


async def after(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    """A stream of which the first piece is known already; what breaks it off is its last event."""
    try:
        yield first
        async for piece in rest:
            yield piece
    except Exception as error:
        yield event({"error": {"code": 500, "message": str(error), "type": "broken_off"}})
    finally:
        await rest.aclose()


def event(data: dict) -> str:
    r"""One server-sent event; its JSON is one line.

    >>> event({"a": "é"})
    'data: {"a":"é"}\n\n'
    """
    return f"data: {json.dumps(data, separators=(',', ':'), ensure_ascii=False)}\n\n"


def reason(completion: Completion) -> str:
    """Why the text ended, in OpenAI's two words."""
    return "length" if completion.stopped in ("length", "context full") else "stop"


def usage(made: list[Completion]) -> dict[str, int]:
    prompt, written = made[0].prompt_tokens, sum(len(one.tokens) for one in made)
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}
