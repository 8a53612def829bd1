"""Puts the server together: protocols, guard, and one shape for every error.

It knows which parts there are; it does not know what is in them.
"""

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from copilot_lib.feedback import Store
from copilot_lib.formats import Format
from copilot_lib.gateway import EngineFailed
from copilot_lib.server import article, events, infill, meters, openai
from copilot_lib.server.guard import LOOPBACK, Bodies, Hosts, Keys, Origins, refusal
from copilot_lib.server.service import Busy, Service, Superseded
from copilot_lib.server.waiting import Gone

ROUTES = (article.router, infill.router, openai.router, events.router, meters.router)
CLIENT_HAS_GONE = 499
RETRY_AFTER_S = 1


@dataclass(frozen=True)
class Served:
    """What a server says about the model that answers."""

    name: str
    context_tokens: int
    format: Format


def create(
    service: Service,
    served: Served,
    *,
    hosts: Collection[str] = LOOPBACK,
    origins: Collection[str] = (),
    key: str | None = None,
    store: Store | None = None,
) -> FastAPI:
    """The ASGI application for a service. What becomes of completions is kept if there is a store for it."""
    app = FastAPI(title="Build Your Own Copilot", description="Completes code at a cursor.")
    app.state.service, app.state.served, app.state.store = service, served, store
    app.state.recent, app.state.meters = events.Recent(), meters.Meters(service)
    for router in ROUTES:
        app.include_router(router)

    @app.get("/health")
    async def health() -> dict:
        """Whether the server can be asked, and how many requests wait."""
        return {"status": "ok", "model": served.name, "waiting": service.waiting}

    @app.get("/props")
    async def props() -> dict:
        """What llama.cpp's clients ask before they begin."""
        settings = {"n_ctx": served.context_tokens}
        return {"default_generation_settings": settings, "total_slots": 1, "model_path": served.name}

    for kind, handler in ERRORS.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(events.Ids)
    app.add_middleware(Bodies)
    app.add_middleware(Keys, key=key)
    app.add_middleware(Origins, allowed=origins)
    app.add_middleware(Hosts, allowed=hosts)  # the last one added is asked first
    return app


async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """What was wrong with a body, field by field."""
    wrong = "; ".join(f"{'.'.join(map(str, one['loc'][1:])) or 'body'}: {one['msg']}" for one in error.errors())
    return refusal(422, wrong, "invalid_request")


async def out_of_place(request: Request, error: ValueError) -> JSONResponse:
    return refusal(422, str(error), "invalid_request")


async def busy(request: Request, error: Busy) -> JSONResponse:
    answer = refusal(429, str(error), "busy")
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


async def superseded(request: Request, error: Superseded) -> JSONResponse:
    return refusal(409, str(error), "superseded")


async def gone(request: Request, error: Gone) -> Response:
    return Response(status_code=CLIENT_HAS_GONE)


async def other(request: Request, error: HTTPException) -> JSONResponse:
    return refusal(error.status_code, str(error.detail), "http_error")


async def model_failed(request: Request, error: Exception) -> JSONResponse:
    return refusal(500, f"the model failed: {error}", "model_failed")


async def engine_failed(request: Request, error: EngineFailed) -> JSONResponse:
    return refusal(502, str(error), "engine_failed")


async def internal(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: the log has its traceback, the client the same shape as for every other."""
    return refusal(500, "the server has a fault: its log says where", "internal_error")


ERRORS = {
    RequestValidationError: invalid,
    HTTPException: other,
    ValueError: out_of_place,
    FloatingPointError: model_failed,
    EngineFailed: engine_failed,
    Busy: busy,
    Superseded: superseded,
    Gone: gone,
    Exception: internal,
}
