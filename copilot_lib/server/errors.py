"""Answers whatever goes wrong with a status and one shape of JSON, and says in the OpenAPI which statuses there are.

It knows exceptions and what they mean to a client; it does not know what was asked.
"""

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from copilot_lib.gateway import EngineFailed
from copilot_lib.server.guard import refusal
from copilot_lib.server.service import Busy, Superseded
from copilot_lib.server.waiting import Gone

CLIENT_HAS_GONE = 499
RETRY_AFTER_S = 1


class Fault(BaseModel):
    """What was wrong."""

    code: int
    """The status once more."""
    message: str
    """What was wrong, what was expected, what to do."""
    type: str
    """One word for programs."""


class Refusal(BaseModel):
    """The one shape of all errors."""

    error: Fault


MEANINGS = {
    400: "The body cannot be read",
    401: "A key is needed",
    403: "Called by a name that is not its own, or from a web page",
    404: "There is no such thing",
    408: "The body came too slowly",
    409: "A newer request of the same editor has come, or a report contradicts an earlier one",
    413: "The body is too large",
    415: "The body is not called JSON",
    422: "A field is missing, of a wrong kind, or asks for what cannot be done",
    429: "Too many requests wait: ask again after `Retry-After`",
    500: "The model or the server has failed",
    502: "The engine behind this server has failed",
    507: "There is no room to keep a report",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI is to say of these statuses.

    >>> documented(401)[401]["description"]
    'A key is needed'
    """
    return {status: {"model": Refusal, "description": MEANINGS[status]} for status in statuses}


EVERYWHERE = documented(401, 403)
WITH_A_BODY = documented(400, 408, 413, 415, 422)
OF_COMPLETIONS = WITH_A_BODY | documented(409, 429, 500, 502)
OF_REPORTS = WITH_A_BODY | documented(404, 409, 507)


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
    answer = refusal(error.status_code, str(error.detail), "http_error")
    answer.headers.update(error.headers or {})  # which methods there are, where it was another
    return answer


async def model_failed(request: Request, error: Exception) -> JSONResponse:
    return refusal(500, f"the model failed: {error}", "model_failed")


async def engine_failed(request: Request, error: EngineFailed) -> JSONResponse:
    return refusal(502, str(error), "engine_failed")


async def internal(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: the log has its traceback, the client the same shape as for every other."""
    return refusal(500, "the server has a fault: its log says where", "internal_error")


HANDLERS = {
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
