"""The completion server, with a model that fails when a document says so; and one that waits for a line on standard input."""

import functools
import sys

import numpy

from copilot_lib import __main__
from copilot_lib.cli import serving
from copilot_lib.completer import Completer
from copilot_lib.server import app

SLOWEST_BODY_S = 0.5


class Faulty(Completer):
    def complete(self, cursor, **options):
        advance = self.engine.runner.advance
        for words, fail in FAILURES.items():
            if words in cursor.text:
                fail(self, options.get("cancel"))
        try:
            return super().complete(cursor, **options)
        finally:
            self.engine.runner.advance = advance


def not_a_number(completer, cancel):
    whole = completer.engine.runner.advance
    completer.engine.runner.advance = lambda *words: whole(*words) * numpy.nan


def breaks(completer, cancel):
    raise RuntimeError("a layer is missing")


def wants_too_much(completer, cancel):
    numpy.ones(2**48)


def waits(completer, cancel):
    print("begun", flush=True)
    sys.stdin.readline()
    print("withdrawn" if cancel.cancelled else "wanted", flush=True)


FAILURES = {"not a number": not_a_number, "breaks": breaks, "wants too much": wants_too_much, "waits": waits}

if __name__ == "__main__":
    serving.BACKENDS["here"] = lambda arguments: Faulty.load(arguments.model)
    app.create = functools.partial(app.create, slowest_body_s=SLOWEST_BODY_S)
    sys.exit(__main__.main())
