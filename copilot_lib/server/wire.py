"""Speaks HTTP with whoever connects; what is no HTTP, or never becomes any, ends like every other fault.

It knows bytes and connections; it does not know what is asked for.
"""

import asyncio

from h11 import IDLE, SEND_RESPONSE
from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

from copilot_lib.server.guard import PATIENCE_S, refusal

MOST_HEADER_BYTES = 65_536
LAST_ANSWERS_S = 10
"""How long a server that is told to end waits for the answers that it is giving."""


def settings(app: ASGIApp) -> Config:
    """How uvicorn is to run a server: it logs what fails, and nothing about requests."""
    return Config(
        app,
        http=Wire,
        ws="none",
        log_level="warning",
        server_header=False,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        timeout_graceful_shutdown=LAST_ANSWERS_S,
    )


class Wire(H11Protocol):
    """uvicorn's way with connections, except that its refusals have our shape, and that a silent client is not waited for."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.loop.call_later(PATIENCE_S, self.close_if_nothing_was_asked)

    def close_if_nothing_was_asked(self) -> None:
        if self.cycle is None:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state in (IDLE, SEND_RESPONSE):
            said = f"this is no HTTP, or its headers have more than {MOST_HEADER_BYTES:,} bytes: send a request as browsers do"
            body = refusal(400, said, "not_http").body
            head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        self.transport.close()
