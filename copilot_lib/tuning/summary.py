"""Draws the report of collected material as a table for a terminal, or for any page.

It knows the report; it does not know files' texts, and so can show no secret.
"""

from copilot_lib.scoreboard import aligned

PARTS = {"train": "to learn from", "validation": "to see when to stop", "test": "held out"}
MOST_SECRETS = 10
"""That are shown; the report has all."""


def text(report: dict) -> str:
    """The report in a few lines: parts, licence, what was left out and why, and where secrets were found."""
    return "\n\n".join(filter(None, (parts(report), licence(report), left_out(report), secrets(report))))


def parts(report: dict) -> str:
    """How much is in each part."""
    rows = [
        (words, *(f"{report[what][part]:,}" for what in ("files", "lines")), f"{report['bytes'][part] / 1000:,.0f}")
        for part, words in PARTS.items()
    ]
    return aligned([(report["name"], "files", "lines", "kB"), *rows])


def licence(report: dict) -> str:
    """What the repository says of itself."""
    found = report["licence"]
    if found is None:
        return "licence  none found: find out what you may do with this code"
    known = "allows reuse" if found["permissive"] else "read what it allows"
    return f"licence  {found['file']}: {found['title']} ({known})"


def left_out(report: dict) -> str:
    """Why files and folders were left out, and how many."""
    rows = [(reason, f"{count:,}") for reason, count in report["left_out"].items()]
    return aligned([("left out", ""), *rows]) if rows else ""


def secrets(report: dict) -> str:
    """Where secrets were found; what they are stays where it is."""
    found = report["secrets"]
    shown = [f"{row['file']}:{row['line']}: {row['kind']}" for row in found[:MOST_SECRETS]]
    more = [f"and {len(found) - MOST_SECRETS} more, which --output lists"] if len(found) > MOST_SECRETS else []
    return "\n".join(["secrets", *shown, *more]) if found else ""
