"""Counts requests and completions for Prometheus, `GET /metrics`.

It knows numbers and their names; it does not know what a completion says, or who asked.
"""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.responses import PlainTextResponse, Response

from copilot_lib.completer import Completion
from copilot_lib.server.service import Service

router = APIRouter()
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Meters:
    """One server's numbers; two servers in one process have two."""

    def __init__(self, service: Service):
        self.registry = CollectorRegistry()
        self._service = service
        self._completions = Counter("copilot_completions", "Completions", ["stopped"], registry=self.registry)
        self._tokens = Counter("copilot_tokens", "Tokens", ["kind"], registry=self.registry)
        self._seconds = Histogram(
            "copilot_completion_seconds", "The model's time for a completion", buckets=SECONDS, registry=self.registry
        )
        self.registry.register(self)

    def count(self, completion: Completion) -> None:
        """Adds a completion that was answered."""
        self._completions.labels(completion.stopped).inc()
        self._tokens.labels("prompt").inc(completion.prompt_tokens)
        self._tokens.labels("reused").inc(completion.reused_tokens)
        self._tokens.labels("written").inc(len(completion.tokens))
        self._seconds.observe(completion.times_ms.get("total", 0.0) / 1000)

    def collect(self):
        """What the service knows at this moment."""
        yield GaugeMetricFamily("copilot_waiting", "Requests that wait for the model", self._service.waiting)
        yield GaugeMetricFamily("copilot_remembered", "Requests answered from memory so far", self._service.remembered)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """The numbers, in Prometheus' text format."""
    return Response(generate_latest(request.app.state.meters.registry), media_type=CONTENT_TYPE_LATEST)
