"""What several tests share: settings of property tests, and a server process."""

import contextlib
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

# In 8 bits, what was kept of earlier requests may change a completion: see test_export.
os.environ["COPILOT_PRECISION"] = "float32"
# What a property test finds may not depend on how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def script_of_book(name):
    """A script in `book/`, which is no package, as a module."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent.parent / "book" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def load_script():
    """Loads a script of the book by its name."""
    return script_of_book


@contextlib.contextmanager
def server_process(*words, program=("-m", "copilot_lib")):
    """A server process on a free port; its address and itself."""
    command = [sys.executable, *program, "serve", "--port", "0", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        tempfile.NamedTemporaryFile("w+") as errors,  # a pipe that nobody reads would stop a server that has much to say
        open(errors.name, encoding="utf-8") as said_wrong,
        subprocess.Popen(command, **pipes, stderr=errors, text=True, env=environment) as process,
    ):
        process.stderr = said_wrong
        said = process.stdout.readline()
        found = re.search(r"http://\S+", said)
        assert found, said + process.stderr.read()
        try:
            yield found[0], process
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def serving():
    """Starts servers: `with serving("--api-key", "x") as (address, process)`."""
    return server_process


@contextlib.contextmanager
def engine_of_others(log, *command, **environment):
    """A server of another program on a free port, once it says that it is well; its address. What it says goes into `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(log, "w") as written:
        environment = os.environ | {"HF_HUB_OFFLINE": "1"} | environment
        process = subprocess.Popen([*command, "--port", str(port)], stdout=written, stderr=written, env=environment)
    try:
        for _ in range(600):  # some minutes at most
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
                pytest.fail(log.read_text()[-3000:])
        else:
            pytest.fail("it does not answer")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def running_engine():
    """Starts engines that others have made: `with running_engine(log, python, "-m", "program") as address`."""
    return engine_of_others


@pytest.fixture(scope="module")
def address():
    """A server that all tests of a module may ask."""
    with server_process() as (address, _):
        yield address


def random_adapter(folder, model="pocket", seed=0, strength=0.05, **options):
    """Saves an adapter as peft saves it, with random numbers in it, and beside it what says for whose weights it is."""
    import torch
    from peft import LoraConfig, get_peft_model

    from copilot_lib import models

    network, _ = models.load_network(model, "cpu")
    options = {"r": 4, "lora_alpha": 8, "target_modules": ["c_attn", "c_proj", "c_fc"], "task_type": "CAUSAL_LM"} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names in transformers that peft uses and that will change
        adapted = get_peft_model(network, LoraConfig(**options)).eval()
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape, generator=random) * strength)
    adapted.save_pretrained(folder)
    about = {"format": 1, "name": folder.name, "base": {"name": model, "fingerprint": models.fingerprint(model)}}
    (folder / "adapter.json").write_text(json.dumps(about | {"created": "2026-01-01T00:00:00+00:00"}))
    return adapted


@pytest.fixture(scope="module")
def make_adapter():
    """Makes adapters: `make_adapter(folder, seed=1, r=8)`; returns peft's own model with it."""
    return random_adapter


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A checkpoint of the pocket's kind with chance for weights, in a folder: what trains in no time."""
    from copilot_lib import models, network
    from copilot_lib.recipe import Recipe

    folder = tmp_path_factory.mktemp("tiny")
    network.build(Recipe(width=64, layers=2, heads=2, context_tokens=256)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((models.POCKET / name).read_bytes())
    return folder
