"""Freezes the places in a repository that evaluation asks about, before any model is asked, and finds them again.

It knows files, places and labels; it does not know models or scores. A frozen file holds places, not code: paths from the
root, and for every file a hash of its text, by which a change is noticed.

    frozen.freeze(folder, Path("targets.json"), per_kind=100)
    asked = frozen.load(folder, Path("targets.json"))
    asked.targets, asked.labels, asked.train
"""

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from itertools import islice, zip_longest
from pathlib import Path, PurePosixPath

from copilot_lib import installed, repository, strata
from copilot_lib.checkpoint import write_whole
from copilot_lib.learnt import marks
from copilot_lib.repository import SourceFile
from copilot_lib.split import TEST_SHARE, Split, split
from copilot_lib.targets import KINDS, Target, block_gaps, line_gaps, parsed, place

FORMAT = 1
LEARNT_BEFORE = "places: in files that an adapter learnt from before they were set aside"
AROUND = 2
"""Lines above and below that must not all stand in the training part too: a copied passage is no question."""


@dataclass(frozen=True)
class Label:
    """What is known of a target before anybody answers."""

    stratum: str
    """Where its names are to be found, one of `strata.STRATA`."""
    seen: bool
    """Whether the lines that it belongs to stand somewhere in the training part, word for word."""


@dataclass(frozen=True)
class Frozen:
    """The places as they were frozen, with their files as they are."""

    name: str
    targets: list[Target]
    labels: list[Label]
    train: list[SourceFile]
    settings: dict
    """How they were chosen: `seed`, `per_kind`, `test_share`, `tests`."""
    left_out: dict[str, int]
    """Why files and places were left out, and how many."""
    fingerprint: str
    """Tells one frozen file from another."""


def sample(
    files: Sequence[SourceFile],
    per_kind: int,
    seed: int = 0,
    known: frozenset[int] = frozenset(),
    left_out: Counter | None = None,
) -> list[dict]:
    """Up to `per_kind` places of each kind, as rows of file, kind, start and end, from as many of the files as possible.

    At most five of a kind from one file. What `why_no_question` names is counted in `left_out`; `known` as `passages` gives it.
    """
    draw = random.Random(seed)
    files = sorted(files, key=lambda file: file.path)
    draw.shuffle(files)
    left_out = Counter() if left_out is None else left_out
    rows = []
    for kind in KINDS:
        found = [list(questions(file, kind, draw, known, left_out)) for file in files]
        one_of_each_file_in_turn = (row for turn in zip_longest(*found) for row in turn if row)
        rows += sorted(islice(one_of_each_file_in_turn, per_kind), key=lambda row: (row["file"], row["start"]))
    return rows


def questions(file: SourceFile, kind: str, draw: random.Random, known: frozenset[int], left_out: Counter) -> Iterator[dict]:
    """The places of one kind in one file that are worth asking about."""
    gaps = block_gaps(file.text, draw) if kind == "block" else line_gaps(file.text, kind, draw)
    for start, end in gaps:
        if reason := why_no_question(file.text, start, end, known):
            left_out[reason] += 1
        else:
            yield {"file": file.path, "kind": kind, "start": start, "end": end}


def why_no_question(text: str, start: int, end: int, known: frozenset[int]) -> str | None:
    """The reason not to ask at a place; None to ask."""
    first, lines = lines_of(text, start, end)
    if set(re.findall(r"\w+", " ".join(lines))) <= strata.WORDS_OF_PYTHON:
        return "places: nothing but keywords"
    if passages(text)[first] in known:
        return "places: copied with their neighbours from the training part"
    return None


def lines_of(text: str, start: int, end: int) -> tuple[int, list[str]]:
    """The number of the first line that a gap touches (0-based), and the lines, without blanks at their ends."""
    begin = text.rfind("\n", 0, start) + 1
    close = text.find("\n", end)
    return text.count("\n", 0, start), [line.strip() for line in text[begin : close if close >= 0 else None].split("\n")]


@lru_cache(maxsize=1)
def passages(text: str) -> list[int]:
    """One number for each line, by which it and its neighbours, two on either side, are recognised elsewhere."""
    lines = ["", "", *(line.strip() for line in text.split("\n")), "", ""]
    return [hash(tuple(lines[n : n + 2 * AROUND + 1])) for n in range(len(lines) - 2 * AROUND)]


def label(file: SourceFile, row: dict, library: set[str], elsewhere: Counter, known_lines: set[str]) -> Label:
    """The stratum of a place, and whether its lines were seen in training; `elsewhere` counts the files that define a name."""
    wanted, above, below = strata.around(file.text, row["start"], row["end"])
    here = strata.definitions(file.text)
    repository_names = {name for name in wanted if elsewhere[name] > (name in here)}
    _, lines = lines_of(file.text, row["start"], row["end"])
    seen = all(line in known_lines for line in lines if line)
    return Label(strata.stratum(wanted, above, below, library, repository_names), seen)


def labels(parts: Split, rows: Iterable[dict], name: str) -> list[Label]:
    """The labels of all places; `name` is the repository's own, so that it is not taken for an installed library."""
    files = [*parts.train, *parts.test]
    modules = {PurePosixPath(file.path) for file in files}
    elsewhere = Counter(name for file in files for name in strata.definitions(file.text))
    elsewhere.update({path.stem for path in modules} | {part for path in modules for part in path.parent.parts})
    own = {name, *(path.parts[0].removesuffix(".py") for path in modules)}
    texts = {file.path: file for file in parts.test}
    known_lines = {line.strip() for file in parts.train for line in file.text.split("\n")}

    @cache
    def library(path: str) -> set[str]:
        imported = {module for module in strata.imported_modules(texts[path].text) if module.split(".")[0] not in own}
        return strata.library_names(sorted(imported), installed.text_of)

    return [label(texts[row["file"]], row, library(row["file"]), elsewhere, known_lines) for row in rows]


def freeze(root: Path, file: Path, per_kind: int, seed: int = 0, test_share: float = TEST_SHARE, tests: bool = False) -> None:
    """Chooses places in the files of a repository that are not for training, and writes them down.

    `tests` asks in test files too, and learns from them. Raises `ValueError` where there is nothing to split or to ask.
    """
    if per_kind < 1:
        raise ValueError(f"{per_kind} places of a kind were asked for: expected at least one place")
    noted: dict[str, str] = {}
    files = [one for one in repository.read(root, noted) if tests or not repository.is_test(one.path)]
    left_out = Counter(f"files: {reason}" for reason in noted.values())
    parts = split(files, test_share, seed)
    test = [one for one in parts.test if parsed(one.text)]
    left_out["files: set aside to ask about, but do not parse"] = len(parts.test) - len(test)
    parts = Split(parts.train, test)
    known = frozenset(number for one in parts.train for number in passages(one.text))
    rows = sample(parts.test, per_kind, seed, known, left_out)
    if not rows:
        raise ValueError(f"{len(parts.test)} files were set aside to ask about, but no line in them is worth it: add code")
    name = Path(root).resolve().name
    labelled = [row | asdict(one) for row, one in zip(rows, labels(parts, rows, name), strict=True)]
    settings = {"per_kind": per_kind, "seed": seed, "test_share": test_share, "tests": tests}
    head = {
        "format": FORMAT,
        "name": name,
        "settings": settings,
        "left_out": {why: n for why, n in sorted(left_out.items()) if n},
    }
    head |= {side: {one.path: digest(one.text) for one in getattr(parts, side)} for side in ("train", "test")}
    text = json.dumps(head)[:-1] + ', "targets": [\n' + ",\n".join(map(json.dumps, labelled)) + "\n]}\n"
    write_whole(file, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


def digest(text: str) -> str:
    """Sixteen digits that change with the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def told_apart(frozen: dict) -> str:
    """Tells one frozen file from another by what is asked and of which texts.

    Labels do not count: whether a name is a library's depends on the Python and the libraries that are installed.
    """
    asked = [[row[key] for key in ("file", "kind", "start", "end")] for row in frozen["targets"]]
    return digest(json.dumps([frozen["name"], frozen["settings"], frozen["train"], frozen["test"], asked]))


def load(root: Path, file: Path) -> Frozen:
    """The frozen places, in the files as they are. `ValueError` where one has changed, or the file holds no places."""
    try:
        frozen = json.loads(file.read_text(encoding="utf-8"))
        texts = {path: same_text(root, path, was) for side in ("train", "test") for path, was in frozen[side].items()}
        changed = sorted(path for path, text in texts.items() if text is None)
        if not changed:
            rows = frozen["targets"]
            return Frozen(
                frozen["name"],
                [place(texts[row["file"]], row) for row in rows],
                [Label(row["stratum"], row["seen"]) for row in rows],
                [SourceFile(path, texts[path]) for path in frozen["train"]],
                frozen["settings"],
                frozen["left_out"],
                told_apart(frozen),
            )
    except (KeyError, TypeError, AttributeError, UnicodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} does not hold frozen places (format {FORMAT}): name another folder with --output") from error
    raise ValueError(
        f"{len(changed)} of {len(texts)} files changed since the places were frozen, such as {changed[0]}: "
        "bring them back, or freeze other places in another folder with --output"
    )


def without(asked: Frozen, learnt: frozenset[str]) -> Frozen:
    """The places in files that were not learnt from, by their marks (`learnt`); as they are, if there are no others.

    `ValueError` where all were learnt from.
    """
    known = {target.group for target in asked.targets if learnt & marks(asked.name, file_of(target))}
    kept = [(target, label) for target, label in zip(asked.targets, asked.labels, strict=True) if target.group not in known]
    if not known:
        return asked
    if not kept:
        raise ValueError("an adapter has learnt from all of these files: give the --seed and --tests that it was made with")
    left_out = asked.left_out | {LEARNT_BEFORE: len(asked.targets) - len(kept)}
    targets, labels = map(list, zip(*kept, strict=True))
    fingerprint = digest(asked.fingerprint + " ".join(sorted(known)))
    return replace(asked, targets=targets, labels=labels, left_out=left_out, fingerprint=fingerprint)


def file_of(target: Target) -> SourceFile:
    """The file that a target is in, as its author wrote it."""
    return SourceFile(target.group, target.cursor.prefix + target.reference + target.cursor.suffix)


def same_text(root: Path, path: str, was: str) -> str | None:
    """The text of a file that is still what it was; None if it is not."""
    try:
        text = repository.load(root, path).text
    except repository.LeftOut:
        return None
    return text if digest(text) == was else None
