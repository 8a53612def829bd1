"""Keeps an engine for each adapter that was asked for lately, and drops the one that was not for longest.

It knows adapters by their entries in a registry; it does not know text, or how an adapter runs beside a model (`models`).
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable

from copilot_lib.engine import Engine
from copilot_lib.models import Model
from copilot_lib.registry import Entry

MOST = 4
"""Adapters in memory beside the base: `COPILOT_ADAPTERS_IN_MEMORY` sets another number."""


def most_in_memory() -> int:
    """How many adapters are kept in memory; `ValueError` where the environment says no number above 0."""
    said = os.environ.get("COPILOT_ADAPTERS_IN_MEMORY", "")
    if said and not (said.isdecimal() and int(said)):
        raise ValueError(f"COPILOT_ADAPTERS_IN_MEMORY is {said!r}: expected a whole number above 0")
    return int(said) if said else MOST


class Engines:
    """An engine of its own for each adapter, so that no keys and values of one are ever taken for another's.

    Not for several threads at once. `made` counts how often an adapter was read from its folder.
    """

    def __init__(self, model: Model, most: int | None = None, clock: Callable[[], float] = time.perf_counter):
        self._model, self._clock = model, clock
        self._most = most or most_in_memory()
        self._kept: OrderedDict[Entry, tuple[Engine, Callable[[], None]]] = OrderedDict()
        """Engines, and how to give back what they take. Models would hold the adapters' numbers a second time."""
        self.made = 0

    def of(self, adapter: Entry) -> Engine:
        """The engine for an adapter, which is loaded if it is not in memory; `AdapterRefused` where it cannot be used."""
        if adapter not in self._kept:
            changes = self._model.read_adapter(adapter.folder, adapter.scale)  # one that is refused drops no other
            for older in [entry for entry in self._kept if older_version(entry, adapter)]:
                self._drop(older)
            while len(self._kept) >= self._most:
                self._drop(next(iter(self._kept)))
            model = self._model.changed_by(changes, adapter.name)
            self._kept[adapter] = Engine(model.runner(), self._clock), model.release
            self.made += 1
        self._kept.move_to_end(adapter)
        return self._kept[adapter][0]

    def _drop(self, adapter: Entry) -> None:
        engine, release = self._kept.pop(adapter)
        engine.forget()
        release()


def older_version(one: Entry, other: Entry) -> bool:
    """Whether an entry is of the same folder at another time."""
    return one.folder == other.folder and one.stamp != other.stamp
