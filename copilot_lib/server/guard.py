"""Keeps out what has no business with a completion server on somebody's laptop, before any protocol sees it.

It knows headers and bytes; it does not know what a completion is. Each class is one ASGI layer with one reason to refuse.

A browser lets every web page send requests to localhost. What protects a local server are the name under which it is called
(DNS rebinding, CVE-2024-28224), the page from which the call comes, and a content type that needs the browser to ask first.
"""

import asyncio
import hmac
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
MOST_BYTES, PATIENCE_S = 10_000_000, 10.0
HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::\d*)?")
PUBLIC = frozenset({"/health"})
"""Paths that need no key: they say nothing about anybody."""


def refusal(status: int, message: str, kind: str) -> JSONResponse:
    """The one shape of all errors."""
    return JSONResponse({"error": {"code": status, "message": message, "type": kind}}, status)


def name_of(host: str) -> str:
    """The name in a Host header, without the port; empty where it is none.

    >>> name_of("localhost:8765"), name_of("[::1]:8765"), name_of(":8765")
    ('localhost', '[::1]', '')
    """
    found = HOST.fullmatch(host)
    return found[1].lower() if found else ""


class Hosts:
    """Refuses requests that call the server by a name that is not its own."""

    def __init__(self, app: ASGIApp, allowed: Collection[str] = LOOPBACK):
        self.app, self.allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and name_of(Headers(scope=scope).get("host", "")) not in self.allowed:
            message = "this server does not go by that name: call it localhost, or start it with --allow-host NAME"
            return await refusal(403, message, "host_refused")(scope, receive, send)
        return await self.app(scope, receive, send)


class Origins:
    """Refuses requests that a web page sends, unless the page is the server's own; editors send no Origin."""

    def __init__(self, app: ASGIApp, allowed: Collection[str] = ()):
        self.app, self.allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            own = f"{scope['scheme']}://{headers.get('host', '')}"  # a name that `Hosts` has let pass
            if any(origin not in self.allowed and origin != own for origin in headers.getlist("origin")):
                message = "requests from web pages are refused: start the server with --allow-origin ORIGIN"
                return await refusal(403, message, "origin_refused")(scope, receive, send)
        return await self.app(scope, receive, send)


class Keys:
    """Asks for a key, as `Authorization: Bearer KEY` or `X-Api-Key: KEY`; none asked for if there is none."""

    def __init__(self, app: ASGIApp, key: str | None = None):
        self.app, self.key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.key and scope["path"] not in PUBLIC:
            headers = Headers(scope=scope)
            given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.key.encode()):
                message = "a key is needed: send Authorization: Bearer KEY"
                return await refusal(401, message, "key_refused")(scope, receive, send)
        return await self.app(scope, receive, send)


class Bodies:
    """Reads the body of a request whole, if it is JSON by its type, not too large and not too slow, and hands it on."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES, patience_s: float = PATIENCE_S):
        self.app, self.most_bytes, self.patience_s = app, most_bytes, patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            message = f"the content type is {kind or 'missing'}: send application/json"
            return await refusal(415, message, "content_type")(scope, receive, send)
        try:
            body = await asyncio.wait_for(self._read(receive), self.patience_s)
        except TimeoutError:
            return await refusal(408, f"the body took more than {self.patience_s:g} s", "slow_body")(scope, receive, send)
        except EOFError:
            return None
        if len(body) > self.most_bytes:
            message = f"the body has more than {self.most_bytes:,} bytes: send the part of the file around the cursor"
            return await refusal(413, message, "body_too_large")(scope, receive, send)
        return await self.app(scope, replayed(body, receive), send)

    async def _read(self, receive: Receive) -> bytes:
        """All of the body, or as soon as it is too large what there is of it; `EOFError` if the client has gone."""
        body, more = bytearray(), True
        while more and len(body) <= self.most_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise EOFError
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body in one piece, and then what comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return left.pop() if left else await receive()

    return next_message
