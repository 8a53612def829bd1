"""Makes everything that evaluation can ask look the same: a name, and a function from a cursor to an answer.

It knows how baselines and models are asked; it does not know targets' references, scores or files of answers. To compare
something else is to add a row to `MAKERS`: its prefix, and a function of what stands behind the prefix and a `Setting`, which
gives a `Contestant`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot_lib import baselines, context, learnt, registry
from copilot_lib.adapter_files import AdapterRefused, Folder, read_in, refusing
from copilot_lib.codec import Codec
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.evaluate import raw_answer
from copilot_lib.measure import middle_bits
from copilot_lib.models import default_name, load
from copilot_lib.quality import digest
from copilot_lib.repository import SourceFile
from copilot_lib.targets import Target


@dataclass(frozen=True)
class Said:
    """An answer in two ways."""

    raw: str
    """All that was said until its own end, or the limit; no rule of ours."""
    ended: bool
    """Whether it ended by itself."""
    shown: str
    """As an editor shows it: stopping rules and clean-up applied."""


@dataclass(frozen=True)
class Contestant:
    """Someone to be asked."""

    name: str
    identity: str
    """Changes when its answers may: what was said by another is not taken for its own."""
    answer: Callable[[Cursor, str, int], Said]
    """From a cursor, the path of its file from the repository's root, and the most tokens that an answer may have."""
    bits: Callable[[Target], float] | None = None
    """The information of a target's reference in bits; None where there are no probabilities."""


@dataclass(frozen=True)
class Setting:
    """What a contestant may be made of: the repository, and the part of it that may be learnt from."""

    root: Path
    train: list[SourceFile]
    model: str | None = None
    """The model that adapters and contexts are for; None for the default."""


def of_method(name: str, method: Callable[[Cursor], str], identity: str = "") -> Contestant:
    """A contestant that is a plain function; it always ends by itself.

    >>> of_method("empty", baselines.empty).answer(Cursor("", 0), "a.py", 10)
    Said(raw='', ended=True, shown='')
    """

    def answer(cursor: Cursor, path: str, max_new_tokens: int) -> Said:
        text = method(cursor)
        return Said(text, True, text)

    return Contestant(name, identity or name, answer)


Help = Callable[[str], dict[str, object]]
"""From a file's path, what helps a completer there: `place`, `ngrams`, or nothing."""


def helpless(path: str) -> dict[str, object]:
    """Nothing but the file itself."""
    return {}


def of_completer(name: str, completer: Completer, help_at: Help = helpless) -> Contestant:
    """A contestant that is a model in this process, with what helps it in a file."""

    def answer(cursor: Cursor, path: str, max_new_tokens: int) -> Said:
        completer.engine.forget()  # in 8 bits what is kept of an earlier target could change this answer
        helping = help_at(path)
        raw, ended = raw_answer(completer, cursor, max_new_tokens, **helping)
        return Said(raw, ended, completer.complete(cursor, max_new_tokens=max_new_tokens, **helping).text)

    precision = os.environ.get("COPILOT_PRECISION") or "default precision"
    identity = f"{digest(completer.model)}, {completer.model.device}, {precision}"
    return Contestant(name, identity, answer, lambda target: middle_bits(completer, target, **help_at(target.group)))


BASELINES: dict[str, Callable[[Setting], Callable[[Cursor], str]]] = {
    "empty": lambda setting: baselines.empty,
    "previous line": lambda setting: baselines.last_line,
    "most frequent line": lambda setting: baselines.most_frequent_line,
    "n-gram": lambda setting: baselines.ngram,
    "lookup": lambda setting: baselines.lookup(file.text for file in setting.train),
}
"""Always asked; the last one has the same files to learn from as an adapter."""


def of_baseline(rest: str, setting: Setting) -> Contestant:
    """One of `BASELINES` by its name."""
    if rest not in BASELINES:
        raise ValueError(f"{rest!r} is no baseline: expected one of {', '.join(BASELINES)}")
    return of_method(f"baseline:{rest}", BASELINES[rest](setting))


def of_model(rest: str, setting: Setting) -> Contestant:
    """A model by name, folder or hub id, with what other files are to it behind a plus."""
    name, helps = and_helps(rest)
    completer = Completer.load(name)
    return of_completer(rest, completer, helping(helps, setting.root, completer.model.codec))


def of_adapter(rest: str, setting: Setting) -> Contestant:
    """The setting's model with an adapter, by its name in the user's registry or its folder; behind a plus as `of_model`."""
    name, helps = and_helps(rest)
    entry = registry.said_to_be(name)
    model = load(setting.model)
    adapted = model.changed_by(model.read_adapter(entry.folder), entry.name)
    return of_completer(f"adapter:{rest}", Completer(adapted), helping(helps, setting.root, model.codec))


def learnt_by(name: str) -> frozenset[str]:
    """The marks of the files that a named contestant has learnt from, as far as it is noted."""
    kind, _, rest = name.partition(":")
    return learnt.read(registry.said_to_be(and_helps(rest)[0]).folder) if kind == "adapter" else frozenset()


def refuse_what_was_learnt(name: str, root: Path, seed: int, tests: bool) -> None:
    """`AdapterRefused` where a name is that of an adapter that may have learnt from files that are to be asked about.

    That is one of this very repository, divided by another `seed` or otherwise with `tests`, or of a folder in it or around it.
    """
    kind, _, rest = name.partition(":")
    if kind != "adapter":
        return
    entry = registry.said_to_be(and_helps(rest)[0])
    with refusing(entry.name):
        about = read_in(entry.folder, Folder.about)
    own, noted = registry.repository_of(root), about.get("repository", {})
    whole, divided = noted.get("root"), {"seed": seed, "tests": tests}
    if isinstance(whole, str) and whole != own["root"] and around(Path(whole), Path(own["root"])):
        raise AdapterRefused(f"{entry.name} has learnt from {whole}, which was divided as a whole: evaluate that folder")
    was = registry.division_of(about)
    if any(own[key] and own[key] == noted.get(key) for key in own) and was != {key: divided[key] for key in was}:
        options = f"--seed {was.get('seed', seed)} and {'with' if was.get('tests', tests) else 'without'} --tests"
        raise AdapterRefused(
            f"{entry.name} held out other files than those that are to be asked about: evaluate with {options}"
        )


def around(one: Path, other: Path) -> bool:
    """Whether one of two folders is in the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def and_helps(name: str) -> tuple[str, tuple[str, ...]]:
    """A name apart from what stands behind its plus signs, if those are helps.

    >>> and_helps("pocket+bm25+ngrams"), and_helps("a+b")
    (('pocket', ('bm25', 'ngrams')), ('a+b', ()))
    """
    before, _, word = name.rpartition("+")
    if not before or word not in {*CONTEXTS, NGRAMS}:
        return name, ()
    name, helps = and_helps(before)
    return name, (*helps, word)


def helping(helps: Sequence[str], root: Path, codec: Codec) -> Help:
    """From a file's path to what other files of the repository are to a completer there; nothing without helps.

    The files are taken as they are, but for the open one: who writes a line has the other files on disk.
    """
    project, found = context.Project(root), {}
    if shown := {source for word in helps for source in CONTEXTS.get(word, ())}:
        index = context.Index(project)
        index.refresh()
        sources = tuple(source for source in context.with_index(index) if source[0] in shown)
        found["place"] = lambda path: context.place(project, path, sources)
    if NGRAMS in helps:
        cache = context.NgramCache(project, codec)
        cache.refresh()
        found["ngrams"] = cache.at
    return lambda path: {name: at(path) for name, at in found.items()}


CONTEXTS = {"imports": {"imported"}, "bm25": {"retrieved"}, "context": {"imported", "retrieved"}}
"""What may stand behind a plus, as in `pocket+bm25`, and the sources of `context` that it stands for: what is shown."""
NGRAMS = "ngrams"
"""The same for what is counted and not shown, as in `pocket+ngrams` and `pocket+bm25+ngrams`."""

MAKERS: dict[str, Callable[[str, Setting], Contestant]] = {
    "adapter": of_adapter,
    "baseline": of_baseline,
    "model": of_model,
}
"""What may stand before a colon; without any, a name is a model's."""


def contestant(name: str, setting: Setting) -> Contestant:
    """The contestant for a name: `pocket`, a folder, `pocket+bm25`, `adapter:mine`, `baseline:lookup`; else `ValueError`."""
    kind, colon, rest = name.partition(":")
    return MAKERS[kind](rest, setting) if colon and kind in MAKERS else of_model(name or default_name(), setting)
