"""Says how long a client waits after a keystroke before it asks for a completion: as long as this typist's keys are apart.

It knows times; it does not know timers, texts or who asks. The editor's page has the same rule in src/debounce.js.
"""

LEAST_MS, MOST_MS = 30.0, 350.0
LONGEST_GAP_MS = 1000.0
"""A longer gap is a pause, and says nothing about the rhythm of typing."""
TYPICAL_GAP_MS, LONGER, NEWEST = 150.0, 1.5, 0.2


class Debounce:
    """Waits half as long again as the keys were apart lately, less what an answer takes; never much, never not at all.

    Who waits less asks at every key, and nobody looks at those answers; who waits much more lets every pause go by. Tabby
    adapts in this way too.

    >>> debounce = Debounce()
    >>> [round(debounce.typed(now_ms)) for now_ms in (0, 90, 180, 270, 2000, 2090)]
    [225, 207, 193, 181, 181, 172]
    >>> debounce.answered(120)
    >>> round(debounce.typed(2180))
    44
    """

    def __init__(self, most_ms: float = MOST_MS):
        self.most_ms = most_ms
        self._gap_ms, self._answer_ms = TYPICAL_GAP_MS, 0.0
        self._last_ms: float | None = None

    def typed(self, now_ms: float) -> float:
        """Notes a keystroke; returns how many milliseconds without another one to wait for."""
        if self._last_ms is not None and (gap_ms := now_ms - self._last_ms) < LONGEST_GAP_MS:
            self._gap_ms += NEWEST * (gap_ms - self._gap_ms)
        self._last_ms = now_ms
        return min(self.most_ms, max(LEAST_MS, LONGER * self._gap_ms - self._answer_ms))

    def answered(self, took_ms: float) -> None:
        """Notes how long the last answer took."""
        self._answer_ms = took_ms
