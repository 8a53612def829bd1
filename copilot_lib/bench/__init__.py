"""Measures speed on this machine: of the engine, of a keystroke beside other engines, and of a server with many editors.

It knows the order of the parts; it does not judge. Numbers are ratios within one run, since machines differ and drift.
"""

from collections.abc import Callable

from copilot_lib.bench import engine, keystrokes, server

PARTS: dict[str, Callable[[str | None], str]] = {"engine": engine.run, "typing": keystrokes.run, "server": server.run}
"""Each takes a model's name and returns its report."""
