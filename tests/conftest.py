"""What several tests share: settings of property tests, and a server process."""

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

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
def server_process(*words):
    """A server process on a free port; its address and itself."""
    command = [sys.executable, "-m", "copilot_lib", "serve", "--port", "0", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (
        tempfile.NamedTemporaryFile("w+") as errors,  # a pipe that nobody reads would stop a server that has much to say
        open(errors.name, encoding="utf-8") as said_wrong,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        process.stderr = said_wrong
        said = process.stdout.readline()
        found = re.search(r"http://\S+", said)
        assert found, said + process.stderr.read()
        try:
            yield found[0], process
        finally:
            process.terminate()


@pytest.fixture
def serving():
    """Starts servers: `with serving("--api-key", "x") as (address, process)`."""
    return server_process


@pytest.fixture(scope="module")
def address():
    """A server that all tests of a module may ask."""
    with server_process() as (address, _):
        yield address
