"""Which adapter belongs to an open document: the one that the client asks for, or that of the repository it is in.

It knows documents and the registry; it does not know a protocol, or whether an adapter can be used.
"""

from pathlib import Path

from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.registry import AUTO, BASE, Entry, Registry


class Belonging:
    """The adapters of open documents. `asked` is a name, `base`, or `auto`: looked for when a document is opened or saved."""

    def __init__(self, asked: str = AUTO):
        self.asked = asked
        self._registry = Registry()
        self._found: dict[str, str | None] = {}
        self.refused: set[Entry] = set()
        """Versions that were found and could not be used: the base answers instead of them."""

    @property
    def looks(self) -> bool:
        """Whether it is looked for, and there is anything to find: then it matters whose weights the model's are."""
        return self.asked == AUTO and bool(self._registry.names())

    def of(self, document: str, path: Path | None, fingerprint: str | None) -> Entry | None:
        """The adapter for a document as it is now; None for the base. `AdapterRefused` where one was asked for by name that
        there is not."""
        if self.asked != AUTO:
            return None if self.asked == BASE else self._registry.find(self.asked)
        if fingerprint is None or path is None:
            return None
        if document not in self._found:
            entry = self._registry.detect(path, fingerprint)
            self._found[document] = entry.name if entry else None
        if (name := self._found[document]) is None:
            return None
        try:
            entry = self._registry.find(name)
        except AdapterRefused:  # removed since
            self.forget(document)
            return None
        return None if entry in self.refused else entry

    def forget(self, document: str) -> None:
        """Has it looked for again."""
        self._found.pop(document, None)
