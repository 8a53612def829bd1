"""What the pocket model was to reach before anyone had trained it, and whether it did.

It knows numbers that were wanted and where a record holds what was measured; it does not measure.
"""

from collections.abc import Callable
from dataclasses import dataclass

LINES = ("whole line", "rest of line", "mid-word")
"""The kinds of cursor at which a single line, or the rest of one, is missing."""
Found = dict[str, float]
"""By what was measured: the number."""


def answers(view: str, metric: str, kinds: tuple[str, ...]) -> Callable[[dict], Found]:
    """How to find a metric of some kinds of cursor in a `quality.record`."""
    return lambda quality: {
        row["kind"]: row[metric][0] for row in quality["answers"] if row["view"] == view and row["kind"] in kinds
    }


def bits_per_byte(quality: dict) -> Found:
    """Of each held-out distribution, left to right."""
    return {row["distribution"]: row["bits_per_byte"] for row in quality["left_to_right"]}


@dataclass(frozen=True)
class Goal:
    """A number that was wanted of each of several measurements."""

    words: str
    wanted: float
    at_least: bool
    find: Callable[[dict], Found]

    def missed(self, quality: dict) -> list[str]:
        """Which of the measurements miss it."""
        found = self.find(quality).items()
        return [name for name, one in found if (one < self.wanted if self.at_least else one > self.wanted)]


GOALS = (
    Goal("ends by itself where a line or a part of one is missing", 0.97, True, answers("raw", "ended", LINES)),
    Goal("the file parses with the answer in it, at the same places", 0.90, True, answers("shown", "parses_in_place", LINES)),
    Goal("bits per byte, left to right", 1.05, False, bits_per_byte),
    Goal("exact, rest of line", 0.18, True, answers("shown", "exact", ("rest of line",))),
)
"""Those of a model that two cores train."""

GPU_GOALS = (
    Goal("bits per byte, left to right, after a graphics card", 0.85, False, bits_per_byte),
    Goal("exact, rest of line, after a graphics card", 0.28, True, answers("shown", "exact", ("rest of line",))),
)
"""Those of a model that a graphics card trains."""

SAME_NETWORK = (
    "The last two rows were set for the `gpu` preset, which was to be a network of 17 million parameters. It became the "
    "network of the `cpu` preset on nine times the tokens, seven minutes of one card: four times the weights would have made "
    "every key about four times as slow on a laptop."
)


def number(goal: Goal, found: float) -> str:
    """As people read it: a share in per cent, bits as they are.

    >>> number(GOALS[0], 0.9392), number(GOALS[2], 1.1202)
    ('93.9 %', '1.120')
    """
    return f"{100 * found:.1f} %" if goal.at_least else f"{found:.3f}"


def rows(quality: dict) -> list[str]:
    """A Markdown table: what was wanted, what was measured, and the verdict."""
    lines = ["| | wanted | measured | |", "|---|---|---|---|"]
    for goal in (*GOALS, *GPU_GOALS):
        wanted = f"{'at least' if goal.at_least else 'at most'} {number(goal, goal.wanted)}"
        measured = ", ".join(f"{name} {number(goal, found)}" for name, found in goal.find(quality).items())
        missed = goal.missed(quality)
        lines.append(f"| {goal.words} | {wanted} | {measured} | {'**missed**: ' + ', '.join(missed) if missed else 'met'} |")
    return lines


def tried_rows(versions: list[dict]) -> list[str]:
    """A Markdown table: the versions that were measured, what was new in each, and what it did for the goals."""
    names = list(versions[0]["bits_per_byte"]) if versions else []
    lines = [f"| million tokens | what was new | ends: {', '.join(LINES)} | parses | exact | bits: {', '.join(names)} |"]
    lines.append("|---" * 6 + "|")
    for version in versions:
        ended, parses = (
            ", ".join(f"{100 * version[name][kind]:.1f}" for kind in LINES) for name in ("ended", "parses_in_place")
        )
        exact = 100 * version["exact"]["rest of line"]
        bits = ", ".join(f"{version['bits_per_byte'][name]:.3f}" for name in names)
        lines.append(f"| {version['tokens'] / 1e6:.1f} | {version['new']} | {ended} | {parses} | {exact:.1f} | {bits} |")
    return lines
