"""Measures speed on this machine: of the engine, of a keystroke beside other engines, of a server with many editors, and of an
index as a repository grows.

It knows the order of the parts; it does not judge. Numbers are ratios within one run, since machines differ and drift.
"""

from collections.abc import Callable

from copilot_lib.bench import engine, keystrokes, repository, server

PARTS: dict[str, Callable[[str | None], str]] = {
    "engine": engine.run,
    "typing": keystrokes.run,
    "server": server.run,
    "repository": repository.run,
}
"""Each takes a model's name and returns its report."""
