"""Sums up replies: every contestant at every kind of cursor, by stratum, by seen and unseen lines, and in pairs.

It knows replies, labels and metrics; it does not know how a contestant is asked or how a table is drawn. Every target counts,
whatever was answered; kinds of cursors are never pooled; intervals resample files.
"""

from collections.abc import Callable, Iterable, Sequence

from copilot_lib import metrics, paired
from copilot_lib.evaluate import first_line, scored
from copilot_lib.frozen import Frozen
from copilot_lib.replies import Reply
from copilot_lib.strata import STRATA
from copilot_lib.targets import KINDS, Target

VIEWS: dict[str, Callable[[Reply, Target], str]] = {
    "raw": lambda reply, target: reply.raw,
    "shown": lambda reply, target: reply.shown,
    "first line": lambda reply, target: first_line(reply.shown, target),
}
"""Which text of a reply is scored. A reference is one line, but for blocks; an editor may show more."""
MAIN_VIEW = "first line"
PAIRED = ("exact", "stripped", "similarity", "identifier_f1")
Scores = dict[str, list[float]]
"""For each metric its values in the order of the targets."""


def scores_of(replies: Sequence[Reply], targets: Sequence[Target], view: str = MAIN_VIEW) -> Scores:
    """All metrics of one contestant's replies; `bits` and `ended`, which belong to the raw answer, where there are any."""
    scores = scored([VIEWS[view](*pair) for pair in zip(replies, targets, strict=True)], targets)
    if view == "raw":
        scores["ended"] = [float(reply.ended) for reply in replies]
    return scores


def bits_of(replies: Sequence[Reply]) -> list[float] | None:
    """The bits of all references; None where one has none."""
    bits = [reply.bits for reply in replies]
    return None if None in bits else bits


def sizes_of(targets: Sequence[Target]) -> list[int]:
    """The bytes of all references."""
    return [len(target.reference.encode()) for target in targets]


def rounded(numbers: Iterable[float]) -> list[float]:
    """As they are written down."""
    return [round(number, 4) for number in numbers]


def summary(replies: Sequence[Reply], targets: Sequence[Target], chosen: Sequence[int], view: str = MAIN_VIEW) -> dict:
    """Each metric as [mean, low, high] over the chosen targets (by number), and how many targets and files they are."""
    replies, targets = [replies[n] for n in chosen], [targets[n] for n in chosen]
    groups = [target.group for target in targets]
    row = {"targets": len(targets), "files": len(set(groups))}
    row |= {name: rounded(metrics.interval(values, groups)) for name, values in scores_of(replies, targets, view).items()}
    if view == MAIN_VIEW and (bits := bits_of(replies)):
        row["bits_per_byte"] = rounded(metrics.interval(bits, groups, units=sizes_of(targets)))
    return row


def numbers_of(kind: str, targets: Sequence[Target]) -> list[int]:
    """The numbers of the targets of a kind."""
    return [n for n, target in enumerate(targets) if target.kind == kind]


def kinds_in(targets: Sequence[Target]) -> list[str]:
    """The kinds that there are targets of, in their order."""
    return [kind for kind in KINDS if any(target.kind == kind for target in targets)]


def table(asked: Frozen, replies: dict[str, list[Reply]]) -> list[dict]:
    """One row for each kind, contestant and view."""
    return [
        {"kind": kind, "contestant": name, "view": view} | summary(said, asked.targets, numbers_of(kind, asked.targets), view)
        for kind in kinds_in(asked.targets)
        for name, said in replies.items()
        for view in VIEWS
    ]


def parts(asked: Frozen, replies: dict[str, list[Reply]], label: str, values: Sequence) -> list[dict]:
    """One row for each kind, value of a label (`stratum` or `seen`) and contestant; values without targets have none."""
    rows = []
    for kind in kinds_in(asked.targets):
        for value in values:
            chosen = [n for n in numbers_of(kind, asked.targets) if getattr(asked.labels[n], label) == value]
            if chosen:
                head = {"kind": kind, label: value}
                rows += [head | {"contestant": name} | summary(said, asked.targets, chosen) for name, said in replies.items()]
    return rows


def pairs(asked: Frozen, first: str, second: str, replies: dict[str, list[Reply]]) -> list[dict]:
    """One row for each kind and metric: by how much the second is ahead of the first, and what only one got right."""
    rows = []
    for kind in kinds_in(asked.targets):
        chosen = numbers_of(kind, asked.targets)
        targets = [asked.targets[n] for n in chosen]
        groups = [target.group for target in targets]
        both = [[replies[name][n] for n in chosen] for name in (first, second)]
        scores = [scores_of(said, targets) for said in both]
        head = {"kind": kind, "first": first, "second": second, "targets": len(chosen)}
        for metric in PAIRED:
            values = [of_one[metric] for of_one in scores]
            row = head | {"metric": metric, "difference": rounded(paired.difference(*values, groups))}
            if set(values[0] + values[1]) <= {0, 1}:
                only_first, only_second, p = paired.mcnemar(*values)
                row |= {"only_first": only_first, "only_second": only_second, "p": float(f"{p:.3g}")}
            rows.append(row)
        bits = [bits_of(said) for said in both]
        if None not in bits:
            difference = paired.difference(*bits, groups, units=sizes_of(targets))
            rows.append(head | {"metric": "bits_per_byte", "difference": rounded(difference)})
    return rows


def record(asked: Frozen, replies: dict[str, list[Reply]], compared: Sequence[tuple[str, str]]) -> dict:
    """All that is to be said of these replies, ready for JSON; `compared` names the pairs."""
    return {
        "repository": asked.name,
        "places": {"fingerprint": asked.fingerprint, "settings": asked.settings, "left_out": asked.left_out},
        "files": {"train": len(asked.train), "asked about": len({target.group for target in asked.targets})},
        "table": table(asked, replies),
        "strata": parts(asked, replies, "stratum", STRATA),
        "seen": parts(asked, replies, "seen", (True, False)),
        "pairs": [row for first, second in compared for row in pairs(asked, first, second, replies)],
    }
