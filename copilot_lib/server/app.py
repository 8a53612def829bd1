"""Puts the server together: protocols, guard, one shape for every error, and pages that describe it all.

It knows which parts there are; it does not know what is in them.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from copilot_lib.feedback import Store
from copilot_lib.formats import Format
from copilot_lib.server import adapters, article, errors, events, infill, meters, openai
from copilot_lib.server.adapters import Choice
from copilot_lib.server.guard import LOOPBACK, PATIENCE_S, Bodies, Hosts, Keys, Origins
from copilot_lib.server.service import Service

ROUTES = (
    (article.router, errors.OF_COMPLETIONS),
    (infill.router, errors.OF_COMPLETIONS),
    (openai.router, errors.OF_COMPLETIONS),
    (openai.about, {}),
    (adapters.router, {}),
    (events.router, errors.OF_REPORTS),
    (meters.router, {}),
)
"""The routes of each protocol, and with which errors they answer besides those that every route has."""


@dataclass(frozen=True)
class Served:
    """What a server says about the model that answers."""

    name: str
    context_tokens: int
    format: Format
    context: bool = False
    """Whether it is shown what requests bring of other files."""


def create(
    service: Service,
    served: Served,
    *,
    hosts: Collection[str] = LOOPBACK,
    origins: Collection[str] = (),
    key: str | None = None,
    store: Store | None = None,
    choice: Choice | None = None,
    beside: Callable[[], Mapping[str, Hashable]] = dict,
    slowest_body_s: float = PATIENCE_S,
) -> FastAPI:
    """The ASGI application for a service. What becomes of completions is kept if there is a store for it.

    With a `choice` of adapters, requests may name one. `beside` is asked at every request what the completer is given besides.
    """
    # The pages at /docs come with the server: FastAPI's own would have the browser fetch them from elsewhere.
    words = {"title": "Build Your Own Copilot", "description": "Completes code at a cursor.", "redoc_url": None}
    app = FastAPIOffline(**words, responses=errors.EVERYWHERE, exception_handlers=errors.HANDLERS)
    app.state.service, app.state.served, app.state.store = service, served, store
    app.state.choice, app.state.beside = choice or Choice(served.name), beside
    app.state.recent, app.state.meters = events.Recent(), meters.Meters(service)
    for router, answers in ROUTES:
        app.include_router(router, responses=answers)

    @app.get("/health")
    async def health() -> dict:
        """Whether the server can be asked, and how many requests wait."""
        return {"status": "ok", "model": served.name, "waiting": service.waiting}

    @app.get("/props")
    async def props() -> dict:
        """What llama.cpp's clients ask before they begin."""
        settings = {"n_ctx": served.context_tokens}
        return {"default_generation_settings": settings, "total_slots": 1, "model_path": served.name}

    app.add_middleware(events.Ids)
    app.add_middleware(Bodies, patience_s=slowest_body_s)
    app.add_middleware(Keys, key=key)
    app.add_middleware(Origins, allowed=origins)
    app.add_middleware(Hosts, allowed=hosts)  # the last one added is asked first
    return app
