"""An editor for a notebook cell: a Python file with a real caret, and suggestions at it.

It knows text, caret and events, in Python and in the page alike; it does not know how a completion is made.
"""

import re
from collections.abc import Callable
from pathlib import Path

import anywidget
import traitlets

from copilot_lib import show
from copilot_lib.cursor import LINE_END, Cursor

WORD = re.compile(r"\s*(\w+|[^\w\s]+)")
"""What one press of the accept-a-word key takes; src/editor.js has the same rule."""


class Editor(anywidget.AnyWidget):
    """A Python file, a caret, and ghost text; hands and cells do the same things to it.

    `complete` takes a `Cursor` and returns a `Completion`; where none is given the default model answers. Newlines of any
    style become `\\n` here, since the page's editor has no other.

    >>> from types import SimpleNamespace
    >>> editor = Editor("def f(x):\\n    return ", complete=lambda cursor: SimpleNamespace(text="x + 1"))
    >>> editor.ask().text, editor.suggestion
    ('x + 1', 'x + 1')
    >>> editor.accept_word().text.split("\\n")[1]
    '    return x'
    >>> editor.suggestion
    ' + 1'
    """

    _esm = Path(__file__).parent / "editor.bundle.js"
    _css = Path(__file__).parent / "editor.css"

    text = traitlets.Unicode().tag(sync=True)
    offset = traitlets.Int().tag(sync=True)
    """Characters before the caret, as `Cursor` counts them."""
    suggestion = traitlets.Unicode().tag(sync=True)
    answered = traitlets.Int().tag(sync=True)
    """The number of the page's request that `suggestion` answers; 0 if a cell asked."""
    status = traitlets.Unicode().tag(sync=True)
    automatic = traitlets.Bool().tag(sync=True)
    """Ask whenever typing pauses: for how long is learnt from the typing (`debounce`)."""
    debounce_ms = traitlets.Int(350).tag(sync=True)
    """The longest wait."""
    events = traitlets.List(traitlets.Dict()).tag(sync=True)
    """What happened to suggestions, oldest first: `{"kind": "shown" | "accepted" | "rejected", "text": …}`."""

    def __init__(self, text: str = "", offset: int | None = None, complete: Callable | None = None, **traits):
        text = LINE_END.sub("\n", text)
        cursor = Cursor(text, len(text) if offset is None else offset)
        super().__init__(text=cursor.text, offset=cursor.offset, **traits)
        self._complete = complete
        self.on_msg(self._on_message)

    @property
    def cursor(self) -> Cursor:
        """Text and caret as the one value that everything else in this package takes."""
        return Cursor(self.text, self.offset)

    def place(self, line: int, column: int) -> Cursor:
        """Puts the caret at a line and column, counted from 0; an outstanding suggestion goes."""
        return self._become(Cursor.at(self.text, line, column))

    def type(self, text: str) -> Cursor:
        """Types at the caret; a suggestion that begins with what is typed shrinks, any other goes."""
        text = LINE_END.sub("\n", text)
        rest = self.suggestion.removeprefix(text) if text and self.suggestion.startswith(text) else ""
        return self._become(self.cursor.insert(text), rest)

    def ask(self):
        """Asks for a completion at the caret, shows it as ghost text, and returns it."""
        return self._ask(0, self.cursor)

    def accept(self) -> Cursor:
        """Takes the whole suggestion into the text."""
        return self._accept(self.suggestion)

    def accept_word(self) -> Cursor:
        """Takes the suggestion's first word, or its first signs, into the text."""
        word = WORD.match(self.suggestion)
        return self._accept(word[0] if word else "")

    def reject(self) -> Cursor:
        """Drops the suggestion."""
        if self.suggestion:
            self._note("rejected", self.suggestion)
        return self._become(self.cursor)

    def show(self) -> show.Picture:
        """The static twin: the same picture where no Python runs."""
        return show.completion(self.cursor, self.suggestion)

    def _repr_mimebundle_(self, **options):
        """The live editor for a page with a kernel, and its static twin for every other."""
        live = super()._repr_mimebundle_(**options)
        data, metadata = live if isinstance(live, tuple) else (live or {}, {})
        twin = self.show()
        return data | {"text/plain": str(twin), "text/html": twin.html}, metadata

    def _become(self, cursor: Cursor, suggestion: str = "") -> Cursor:
        with self.hold_sync():
            self.text, self.offset, self.suggestion = cursor.text, cursor.offset, suggestion
        return cursor

    def _accept(self, text: str) -> Cursor:
        if not text:
            return self.cursor
        self._note("accepted", text)
        return self._become(self.cursor.insert(text), self.suggestion[len(text) :])

    def _note(self, kind: str, text: str) -> None:
        self.events = [*self.events, {"kind": kind, "text": text}]

    def _ask(self, number: int, cursor: Cursor):
        """Completes, and says in one message what the answer is and which request it belongs to."""
        completion = self._completer()(cursor)
        with self.hold_sync():
            self.suggestion = LINE_END.sub("\n", completion.text)
            self.status = summary(completion)
            self.answered = number
        if completion.text:
            self._note("shown", completion.text)
        return completion

    def _completer(self) -> Callable:
        if self._complete is None:
            # Here and not above: a model is loaded when it is first needed, not when a page is opened.
            from copilot_lib.completer import complete

            self._complete = complete
        return self._complete

    def _on_message(self, _widget, content: dict, _buffers) -> None:
        """What the page says: a request with its number and what it is about, or an event that happened there."""
        match content:
            case {"kind": "ask", "number": int(number), "text": str(text), "offset": int(offset)}:
                try:
                    self._ask(number, Cursor(text, offset))
                except BaseException as error:
                    # The page waits for its answer, and has no traceback to show: the reason goes where the reader looks.
                    reason = str(error) or "the kernel was interrupted"
                    with self.hold_sync():
                        self.suggestion, self.status, self.answered = "", f"no completion: {reason}", number
                    if not isinstance(error, Exception):
                        raise
            case {"kind": "event", "event": {"kind": "accepted" | "rejected" as kind, "text": str(text)}}:
                self._note(kind, text)


def summary(completion) -> str:
    """One line about a completion: mode, tokens, milliseconds; what is not known is left out.

    >>> from types import SimpleNamespace
    >>> summary(SimpleNamespace(text="x", mode="fim", tokens=(5, 6), times_ms={"total": 41.7}))
    'fim · 2 tokens · 42 ms'
    """
    parts = [getattr(completion, "mode", "")]
    if tokens := getattr(completion, "tokens", ()):
        parts.append(f"{len(tokens)} tokens")
    if times := getattr(completion, "times_ms", {}):
        parts.append(f"{times['total']:.0f} ms")
    if not completion.text:
        parts.append("nothing to add")
    return " · ".join(part for part in parts if part)
