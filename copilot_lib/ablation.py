"""Asks one model at the same places with more and less of what stands around, to see what each part of the context is worth.

It knows conditions and how they are compared; it does not know how snippets are found or how a score is computed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from copilot_lib import context, measure
from copilot_lib.checkpoint import write_json
from copilot_lib.completer import Completer, Mixing
from copilot_lib.context.embedding import Embedder, hidden_states
from copilot_lib.context.fusion import Fused
from copilot_lib.context.gathering import InProject, Sources
from copilot_lib.context.imports import imported
from copilot_lib.context.open_files import opened
from copilot_lib.context.retrieval import Index, Searchable, retrieved
from copilot_lib.context.vectors import VectorIndex
from copilot_lib.cursor import Cursor
from copilot_lib.evaluate import LINE_TOKENS, first_line
from copilot_lib.frozen import Frozen
from copilot_lib.metrics import exact, interval, similarity
from copilot_lib.paired import difference
from copilot_lib.targets import Target

KIND = "rest of line"
TABS = 3
"""So many other files of the open file's folder are taken to be open too: what an evaluation can know of somebody's tabs."""
FIRST = "suffix"
"""What all conditions are compared with: the open file, both sides of the cursor."""


@dataclass(frozen=True)
class Setting:
    """What a condition is made of: a repository, as context sees it, and its indexes, by words and by vectors."""

    project: context.Project
    index: Index
    vectors: VectorIndex

    @property
    def indexes(self) -> dict[str, Searchable]:
        """By the name of a source that looks in it."""
        return {"retrieved": self.index, "embedded": self.vectors, "fused": Fused(self.index, self.vectors)}

    def place(self, target: Target, *sources: str) -> InProject:
        """The place of a target in the project, with only these sources."""
        found = {"open": ("open", opened), "imported": ("imported", imported)}
        found |= {name: ("retrieved", partial(retrieved, index=index)) for name, index in self.indexes.items()}
        chosen: Sources = tuple(found[name] for name in found if name in sources)
        return context.place(self.project, target.group, chosen)


def with_tabs(setting: Setting, target: Target) -> Setting:
    """The same with the next files of the target's folder open in an editor."""
    project = context.Project(setting.project.root)
    path = project.path(target.group)
    others = sorted(other for other in path.parent.glob("*.py") if other != path and project.allowed(other))
    later = [other for other in others if other > path] + [other for other in others if other < path]
    for other in later[:TABS]:
        if text := project.stored(other):
            project.change(other, text)
    return replace(setting, project=project)


Condition = Callable[[Setting, Target], tuple[Target, InProject | None]]


def no_suffix(setting: Setting, target: Target) -> tuple[Target, None]:
    """The same question with nothing behind the cursor."""
    alone = Cursor(target.cursor.prefix, target.cursor.offset)
    return Target(alone, target.reference, target.file, target.kind), None


def around(*sources: str) -> Condition:
    """Both sides of the cursor, and what these sources find."""

    def condition(setting: Setting, target: Target) -> tuple[Target, InProject | None]:
        if not sources:
            return target, None
        return target, (with_tabs(setting, target) if "open" in sources else setting).place(target, *sources)

    return condition


CONDITIONS: dict[str, Condition] = {
    "no suffix": no_suffix,
    FIRST: around(),
    "+ imports": around("imported"),
    "+ tabs": around("open"),
    "+ BM25": around("retrieved"),
    "+ embeddings": around("embedded"),
    "+ both, fused": around("fused"),
    "+ all three": around("imported", "open", "retrieved"),
}

WITH_VECTORS = ("+ embeddings", "+ both, fused")
"""Conditions whose outcomes depend on what makes the vectors."""


@dataclass(frozen=True)
class Outcome:
    """What one condition made of one target."""

    exact: float
    similarity: float
    bits: float
    """The information of the reference."""
    context_tokens: int


def outcome(completer: Completer, target: Target, place: InProject | None, ngrams: Mixing | None = None) -> Outcome:
    """Asks once, greedily, and says how well the reference was foreseen."""
    completer.engine.forget()
    completion = completer.complete(target.cursor, max_new_tokens=LINE_TOKENS, place=place, ngrams=ngrams)
    answer = first_line(completion.text, target)
    tokens = completer.prompt(target.cursor, LINE_TOKENS, place=place).context_count
    bits = measure.middle_bits(completer, target, place=place, ngrams=ngrams)
    return Outcome(exact(answer, target), similarity(answer, target), bits, tokens)


def setting_of(root: Path, embedder: Embedder, folder: Path | None = None) -> Setting:
    """A repository with its indexes made; that of vectors, which takes longest, is kept in a folder, if one is named."""
    project = context.Project(root)
    setting = Setting(project, Index(project), VectorIndex(project, embedder, folder and folder / "vectors.db"))
    setting.index.refresh()
    setting.vectors.refresh()
    return setting


def outcomes(
    completer: Completer,
    root: Path,
    asked: Frozen,
    file: Path,
    embedder: Embedder | None = None,
    names: Sequence[str] = tuple(CONDITIONS),
) -> Iterator[tuple[str, list[Outcome]]]:
    """Each condition with its outcomes at all targets of `KIND`. They are kept in a file, from which a stopped run goes on.

    Vectors are made of the completer's own hidden states, if no other way is named; they are kept in a folder beside the file.
    """
    embedder = embedder or hidden_states(completer.model)
    setting = setting_of(root, embedder, file.with_suffix(""))
    targets = [target for target in asked.targets if target.kind == KIND]
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name in (name for name in CONDITIONS if name in {FIRST, *names}):
        by = f", {embedder.name}" if name in WITH_VECTORS else ""
        key = f"{asked.fingerprint} {name}{by}"
        if key not in kept:
            kept[key] = [asdict(outcome(completer, *CONDITIONS[name](setting, target))) for target in targets]
            write_json(file, kept)
        yield name, [Outcome(**one) for one in kept[key]]


def table(asked: Frozen, found: Iterable[tuple[str, list[Outcome]]]) -> list[dict]:
    """A row for each condition and each group of targets: all, and those that need a name from another file."""
    found = dict(found)
    pairs = [(t, label) for t, label in zip(asked.targets, asked.labels, strict=True) if t.kind == KIND]
    elsewhere = [n for n, (_, label) in enumerate(pairs) if label.stratum == "repository"]
    rows = []
    for group, members in (("all", range(len(pairs))), ("needs another file", elsewhere)):
        for name, of_it in found.items() if members else ():
            first, second = ([ones[n] for n in members] for ones in (found[FIRST], of_it))
            rows.append({"targets": group} | row([pairs[n][0] for n in members], name, first, second))
    return rows


def row(targets: Sequence[Target], name: str, first: Sequence[Outcome], found: Sequence[Outcome]) -> dict:
    """One condition: its means, and by how much they are above the first condition's, with 95 % intervals by file."""
    files, sizes = [target.group for target in targets], [len(target.reference.encode()) for target in targets]
    made: dict = {"condition": name, "n": len(targets), "files": len(set(files))}
    for score, units in {"exact": None, "similarity": None, "bits": sizes}.items():
        values, before = ([getattr(one, score) for one in ones] for ones in (found, first))
        made[score] = [round(n, 4) for n in interval(values, files, units=units)]
        made[f"{score}_above_first"] = [round(n, 4) for n in difference(before, values, files, units)]
    return made | {"context_tokens": round(sum(one.context_tokens for one in found) / len(found), 1)}


def beside_earlier(rows: Sequence[dict], before: Sequence[dict]) -> list[dict]:
    """These rows, and of those before them the ones of other conditions, in the order of `CONDITIONS`.

    Only where the first condition gave the same numbers: else the places, the files or the weights are not what they were,
    and nothing of before is kept.
    """
    first = [row for row in rows if row["condition"] == FIRST]
    if first != [row for row in before if row["condition"] == FIRST]:
        before = []
    made = {(row["targets"], row["condition"]): row for row in [*before, *rows]}
    order = list(CONDITIONS)
    return sorted(made.values(), key=lambda row: (row["targets"], order.index(row["condition"])))
