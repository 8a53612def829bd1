"""Collects the Python files that a model may learn from, and writes down where each one came from.

It knows files, licences and duplicates; it does not know tokens or models.
"""

import ast
import hashlib
import json
import re
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from copilot_lib.checkpoint import fingerprint, write_whole
from copilot_lib.repository import GENERATED

HELD_OUT = frozenset({"networkx", "sqlalchemy", "fonttools"})
"""Distributions that no pocket model has seen: the chapters use them as "your codebase"."""

PERMISSIVE = re.compile(r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|HPND|Zlib|Unlicense|0BSD|CC0)\b", re.I)
COPYLEFT = re.compile(r"GPL|General Public License|MPL|Mozilla|EPL|CDDL|EUPL|proprietary|NVIDIA", re.I)

SKIPPED_FOLDERS = re.compile(
    r"(^|/)(_?vendor(ed)?|_vendored_packages|extern(s|al)?|third_party|tests?|testing|idlelib|lib2to3|node_modules)(/|$)", re.I
)
BENCHMARK = re.compile(r"HumanEval|def has_close_elements\(|def separate_paren_groups\(|def truncate_number\(")
HELD_OUT_COPY = re.compile(r"\b(networkx|sqlalchemy|fontTools)\b")

LICENCE_HEADER = re.compile(
    r"\A(#!.*\n)?(#.*coding.*\n)?\s*(#(?=.*(copyright|licen[cs]e|SPDX)).*\n)(#.*\n)*|\A(#.*\n){1,3}(#(?=.*(copyright|licen[cs]ed?)).*\n)(#.*\n)*",
    re.I,
)

MAX_BYTES, MIN_LINES, MAX_LINE, MAX_MEAN_LINE = 200_000, 8, 400, 80
MAX_BYTES_PER_SOURCE = 12_000_000
SIMILARITY = 0.8
PERMUTATIONS = 64


@dataclass(frozen=True)
class Source:
    """One distribution (or the standard library) with the licence that its own metadata names."""

    name: str
    version: str
    licence: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Document:
    """One file that was kept."""

    source: str
    path: str
    text: str


def licence_of(distribution: metadata.Distribution) -> str:
    """The licence a distribution declares: its SPDX expression, else its classifiers, else the short licence field."""
    fields = distribution.metadata
    classifiers = [line.split(" :: ")[-1] for line in fields.get_all("Classifier", []) if line.startswith("License")]
    short = (fields.get("License") or "").strip().split("\n")[0][:80]
    return fields.get("License-Expression") or ", ".join(classifiers) or short or "unknown"


def is_permissive(licence: str) -> bool:
    """True for licences that allow reuse with no more than a notice.

    >>> is_permissive("BSD-3-Clause"), is_permissive("GPL-3.0-or-later"), is_permissive("unknown")
    (True, False, False)
    """
    return bool(PERMISSIVE.search(licence)) and not COPYLEFT.search(licence)


def installed_sources() -> Iterator[Source]:
    """The standard library and every installed distribution whose licence is permissive, in alphabetical order."""
    library = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(p for p in library.rglob("*.py") if "site-packages" not in p.parts)
    yield Source("python-standard-library", sysconfig.get_python_version(), "PSF-2.0", tuple(files))
    seen = set()
    for distribution in sorted(metadata.distributions(), key=lambda d: (d.metadata["Name"] or "").lower()):
        name, licence = (distribution.metadata["Name"] or "").lower(), licence_of(distribution)
        if not name or name in seen or name in HELD_OUT or name == "copilot-lib" or not is_permissive(licence):
            continue
        seen.add(name)
        paths = (Path(str(distribution.locate_file(f))) for f in distribution.files or () if f.suffix == ".py")
        yield Source(name, distribution.version, licence, tuple(sorted(p for p in paths if p.is_file())))


def why_skipped(path: str, text: str) -> str | None:
    """The reason to leave a file out, or None to keep it."""
    lines = text.split("\n")
    if SKIPPED_FOLDERS.search(path) or Path(path).name.startswith(("test_", "conftest")):
        return "test or vendored"
    if HELD_OUT_COPY.search(path):
        return "held out"
    if len(text) > MAX_BYTES or len(lines) < MIN_LINES:
        return "size"
    if max(map(len, lines)) > MAX_LINE or len(text) > MAX_MEAN_LINE * len(lines):
        return "long lines"
    if GENERATED.search("\n".join(lines[:6])):
        return "generated"
    if BENCHMARK.search(text):
        return "benchmark"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "does not parse"
    return None


def without_licence_header(text: str) -> str:
    """The text without a comment block at its top that only states copyright: thousands of copies teach nothing.

    >>> without_licence_header("# Copyright 2020 Someone\\n# Licensed under X\\n\\nimport os\\n")
    'import os\\n'
    """
    return LICENCE_HEADER.sub("", text, count=1).lstrip("\n")


def read_source(source: Source, dropped: dict[str, int]) -> list[Document]:
    """The files of one source that pass every filter; counts the reasons of the others in `dropped`."""
    kept = []
    for file in source.files:
        try:
            text = file.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            dropped["not UTF-8"] = dropped.get("not UTF-8", 0) + 1
            continue
        text = without_licence_header(text)
        path = str(file).split("site-packages/")[-1].split(f"python{sysconfig.get_python_version()}/")[-1]
        reason = why_skipped(path, text)
        if reason:
            dropped[reason] = dropped.get(reason, 0) + 1
        else:
            kept.append(Document(source.name, path, text))
    return kept


def words_of(text: str) -> list[str]:
    """What files are compared by: letters and digits, whatever stands between them."""
    return re.findall(r"\w+", text)


def sketch(words: list[str]):
    """A short signature of a file, by which files with many word 5-grams in common are found (MinHash, Broder 1997)."""
    import zlib

    from datasketch import MinHash

    made = MinHash(num_perm=PERMUTATIONS, hashfunc=zlib.crc32)
    made.update_batch({" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))})
    return made


def without_near_duplicates(documents: Iterable[Document]) -> list[Document]:
    """Keeps the first of every group of files whose word 5-grams overlap by 80 % or more (MinHash with LSH, Broder 1997)."""
    from datasketch import MinHashLSH

    index, kept, exact = MinHashLSH(threshold=SIMILARITY, num_perm=PERMUTATIONS), [], set()
    for document in documents:
        words = words_of(document.text)
        key = hashlib.sha1(" ".join(words).encode()).digest()
        if key in exact or len(words) < 10:
            continue
        exact.add(key)
        signature = sketch(words)
        if not index.query(signature):
            index.insert(str(len(kept)), signature)
            kept.append(document)
    return kept


def capped(documents: list[Document], max_bytes_per_source: int) -> list[Document]:
    """At most so many bytes of each source, chosen by the hash of the path, so that the choice is stable and spread out."""
    by_hash = sorted(documents, key=lambda d: hashlib.sha1(d.path.encode()).digest())
    used: dict[str, int] = {}
    kept = []
    for document in by_hash:
        size = used.get(document.source, 0) + len(document.text)
        if size <= max_bytes_per_source:
            used[document.source] = size
            kept.append(document)
    return kept


def build(folder: Path, max_bytes_per_source: int = MAX_BYTES_PER_SOURCE) -> dict:
    """Writes `corpus.jsonl` (one file a line) and `manifest.json` into `folder`, and returns the manifest.

    The same environment gives the same bytes, because every order in here is alphabetical or by hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dropped: dict[str, int] = {}
    sources = list(installed_sources())
    documents = [d for source in sources for d in read_source(source, dropped)]
    unique = without_near_duplicates(documents)
    dropped["near-duplicate"] = len(documents) - len(unique)
    kept = capped(unique, max_bytes_per_source)
    dropped["over the cap of its distribution"] = len(unique) - len(kept)
    lines = [json.dumps({"source": d.source, "path": d.path, "text": d.text}) for d in kept]
    write_whole(folder / "corpus.jsonl", lambda file: file.write_text("\n".join(lines) + "\n", encoding="utf-8"))
    rows = []
    for source in sources:
        mine = [d for d in kept if d.source == source.name]
        if mine:
            size = sum(len(d.text.encode()) for d in mine)
            row = {"name": source.name, "version": source.version, "licence": source.licence}
            rows.append(row | {"files": len(mine), "bytes": size})
    manifest = {
        "sha256": fingerprint(folder / "corpus.jsonl"),
        "files": len(kept),
        "bytes": sum(row["bytes"] for row in rows),
        "held_out": sorted(HELD_OUT),
        "dropped": dict(sorted(dropped.items())),
        "sources": rows,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return manifest


def read(folder: Path) -> list[Document]:
    """The documents of a corpus written by `build`."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        return [Document(**json.loads(line)) for line in lines]
