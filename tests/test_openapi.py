"""What the server says of itself is true: requests made from its own OpenAPI, right ones and wrong ones, by schemathesis."""

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from copilot_lib.formats import FORMATS
from copilot_lib.server import app
from copilot_lib.server.service import Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
DESCRIBED = app.create(Service(lambda cursor: None), app.Served("pocket", 512, FORMATS[0])).openapi()
api = schemathesis.openapi.from_dict(DESCRIBED)
short = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_the_description_is_served(address):
    assert httpx.get(f"{address}/openapi.json").json() == DESCRIBED


@api.parametrize()
@short
def test_every_answer_is_one_that_is_described(case, address):
    answer = case.call_and_validate(base_url=address, checks=CHECKS)
    if answer.status_code >= 400:
        fault = answer.json()["error"]
        assert fault["code"] == answer.status_code
        assert set(fault) == {"code", "message", "type"}
    assert httpx.get(f"{address}/health").json()["status"] == "ok"
