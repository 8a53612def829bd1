"""Takes reports of what became of completions, `POST /v1/events`, and hands them to the feedback store if there is one.

It knows the route and the last completions by their ids; it does not know how events are kept.
"""

import asyncio
import sqlite3
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from pydantic import AliasChoices, BaseModel, Field, Strict
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor
from copilot_lib.feedback import CHARACTERS_AROUND, Contradiction, Event

router = APIRouter()
MOST_REMEMBERED = 1_000
KINDS = {"shown": "shown", "accepted": "accepted", "rejected": "rejected"}
KINDS |= {"view": "shown", "select": "accepted", "dismiss": "rejected"}
"""Our words, and Tabby's for the same."""
Text = Annotated[str, Strict()]
Whole = Annotated[int, Strict()]


class Recent:
    """The last completions by their ids, so that a report need not repeat the text."""

    def __init__(self, most: int = MOST_REMEMBERED):
        self._most = most
        self._told: OrderedDict[tuple[str, int], tuple[Cursor, Completion]] = OrderedDict()

    def add(self, completion_id: str, cursor: Cursor, completion: Completion) -> None:
        """Remembers one; a further one of the same request is its next choice."""
        choice = sum((completion_id, number) in self._told for number in range(8))
        self._told[completion_id, choice] = cursor, completion
        while len(self._told) > self._most:
            self._told.popitem(last=False)

    def find(self, completion_id: str, choice: int) -> tuple[Cursor, Completion] | None:
        return self._told.get((completion_id, choice))


class Report(BaseModel):
    """What became of a completion; how much of it was accepted, if not all."""

    type: Text = Field(examples=["accepted"])
    completion_id: Text = Field(examples=["cmpl-0123456789abcdef"])
    choice_index: Annotated[Whole, Field(ge=0, lt=8)] = 0
    accepted_characters: Annotated[Whole, Field(ge=0)] | None = None
    elapsed_ms: Annotated[Whole, Field(ge=0, le=10**12)] | None = Field(
        default=None, validation_alias=AliasChoices("elapsed_ms", "elapsed")
    )


class Recorded(BaseModel):
    recorded: bool
    """False where the server was started without `--record`."""


@router.post("/v1/events")
async def report(report: Report, request: Request) -> Recorded:
    """Takes a report; nothing is kept unless the server was started with `--record FILE`."""
    if report.type not in KINDS:
        raise ValueError(f"type is {report.type!r}: expected shown, accepted or rejected")
    store = request.app.state.store
    if not store:
        return Recorded(recorded=False)
    found = request.app.state.recent.find(report.completion_id, report.choice_index)
    if not found:
        raise HTTPException(404, "no such completion: report within the last thousand, with the id that came with it")
    event = event_of(report, *found, request.app.state.served.name)
    try:
        await asyncio.to_thread(store.add, event)
    except Contradiction as error:
        raise HTTPException(409, str(error)) from None
    except sqlite3.Error as error:
        raise HTTPException(507, f"the event could not be written to {store.file} ({error}): make room there") from None
    return Recorded(recorded=True)


def event_of(report: Report, cursor: Cursor, completion: Completion, model: str) -> Event:
    kind = KINDS[report.type]
    whole = len(completion.text)
    accepted = whole if report.accepted_characters is None else report.accepted_characters
    if accepted > whole:
        raise ValueError(f"accepted_characters is {accepted}: the completion has {whole}")
    return Event(
        completion_id=f"{report.completion_id}/{report.choice_index}",
        kind=kind,
        accepted_characters=accepted if kind == "accepted" else 0,
        elapsed_ms=report.elapsed_ms,
        time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        model=f"{model}:{completion.adapter}" if completion.adapter else model,
        prefix=cursor.prefix[-CHARACTERS_AROUND:],
        suffix=cursor.suffix[:CHARACTERS_AROUND],
        text=completion.text,
    )


class Ids:
    """Puts the id of the completion into the answer's `X-Completion-Id`, for protocols that have no place for it."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start" and (id := scope.get("state", {}).get("completion_id")):
                MutableHeaders(scope=message)["X-Completion-Id"] = id
            await send(message)

        await self.app(scope, receive, send_with_id)
