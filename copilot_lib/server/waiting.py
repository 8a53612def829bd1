"""Waits for a completion as long as somebody else waits for it: a closed connection withdraws the request.

It knows connections and who sends on them; it does not know protocols.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator

from fastapi import Request

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor


class Gone(Exception):
    """The client has closed the connection: whatever is answered, nobody reads it."""


def editor_of(request: Request) -> str:
    """Who asks: the name in `X-Editor`, or else the connection. Editors on one machine share an address, not a connection."""
    return request.headers.get("x-editor") or f"{request.client.host}:{request.client.port}"


async def complete_while_connected(request: Request, cursor: Cursor, **options) -> Completion:
    """The service's completion; if the client goes, the work stops and `Gone` is raised."""
    state = request.app.state
    if not hasattr(request.state, "completion_id"):
        request.state.completion_id = f"cmpl-{secrets.token_hex(12)}"
    work = asyncio.ensure_future(state.service.complete(editor_of(request), cursor, **options, **state.beside()))
    gone = asyncio.ensure_future(disconnected(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Gone
        completion = work.result()
        state.recent.add(request.state.completion_id, cursor, completion)
        state.meters.count(completion)
        return completion
    finally:
        gone.cancel()
        work.cancel()


async def pieces_while_connected(request: Request, cursor: Cursor, **options) -> AsyncIterator[str | Completion]:
    """The completion's text as it becomes certain, piece by piece, and in the end the completion itself."""
    coming: asyncio.Queue = asyncio.Queue()
    work = asyncio.ensure_future(complete_while_connected(request, cursor, show=coming.put_nowait, **options))
    work.add_done_callback(coming.put_nowait)
    sent = 0
    try:
        while (text := await coming.get()) is not work:
            if piece := text[sent:]:
                yield piece
            sent = max(sent, len(text))
        completion = work.result()
        if rest := completion.text[sent:]:
            yield rest
        yield completion
    finally:
        work.cancel()


async def disconnected(request: Request) -> None:
    """Returns when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
