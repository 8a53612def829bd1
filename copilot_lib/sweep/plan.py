"""The trainings that the claims need, as data, with what each costs.

It knows repositories, settings and numbers of steps; it does not know how a training is done or what it shows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from copilot_lib.tuning.drawing import Drawing
from copilot_lib.tuning.settings import Settings

RELEASES = {"networkx": "3.6.1", "sqlalchemy": "2.1.9", "fontTools": "4.68.0"}
"""Which are learnt from and asked about, whatever is installed; pip fetches them where that is another."""
REPOSITORIES = tuple(RELEASES)
"""Held out from the pocket's own training, whole."""
OLDER = "networkx==2.8.8"
"""A release that is three years older; pip fetches it."""
SEEDS = (0, 1, 2)
STEPS = 490
"""Of `SETTINGS.batch_tokens` each: half a million tokens, in less than four minutes of one core's time."""
LONG_STEPS = 2800
"""Twenty minutes of one core."""
SETTINGS = Settings(rank=32, alpha=64, rate=4e-3, batch_tokens=1024)
TOKENS_PER_SECOND = 2350
"""What one core trains, as it was measured; only for the plan that is shown."""
ASKING_MINUTES = 1.0
"""About so long it takes to ask at all places of a repository in one way."""
ALONE = "alone"
FURTHER = {"retrieval": ("bm25",)} | dict.fromkeys(("base", "lora", "longer", "weaker"), ("bm25", "ngrams", "bm25+ngrams"))
"""Groups that are asked not only alone: with what BM25 finds in other files, with the repository's n-grams, with both."""


def conditions(group: str) -> tuple[str, ...]:
    """How the runs of a group are asked.

    >>> conditions("shape"), conditions("retrieval")
    (('alone',), ('alone', 'bm25'))
    """
    return (ALONE, *FURTHER.get(group, ()))


@dataclass(frozen=True)
class Run:
    """One training, and the repositories at whose places its adapter is asked."""

    group: str
    """The claim that it is for; `python -m copilot_lib sweep GROUP` runs it."""
    name: str
    """Tells it from the others of its group, without the seed."""
    learns: tuple[str, ...]
    settings: Settings
    steps: int = STEPS
    drawing: Drawing = Drawing()  # noqa: RUF009 - frozen
    asked: tuple[str, ...] = ()
    """None for those that it learns from."""
    most_files: int | None = None
    """Only so many of the files are learnt from; None for all."""
    elsewhere: tuple[str, ...] = ()
    """Others at whose places it is asked too, without more, to see what is forgotten."""
    undecayed: bool = False
    """Whether it begins with the pocket's weights from before its rates fell, and not with the finished ones."""

    @property
    def seed(self) -> int:
        """Of what chance decides."""
        return self.settings.seed

    @property
    def key(self) -> str:
        """The name of its record."""
        return f"{self.group}-{self.name}-{self.seed}"

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be there before it."""
        return ()

    @property
    def places_of(self) -> tuple[str, ...]:
        """The repositories at whose places it is asked."""
        return self.asked or self.learns

    @property
    def tokens(self) -> int:
        """What it is trained on."""
        return self.steps * self.settings.batch_tokens

    @property
    def minutes(self) -> float:
        """What it takes of one core, about: training, and asking."""
        return self.tokens / TOKENS_PER_SECOND / 60 + asking_minutes(self)


@dataclass(frozen=True)
class Combination:
    """Adapters of other runs made one, or one made weaker, and the repositories at whose places that is asked."""

    group: str
    name: str
    """Tells it from the others of its group, without the seed."""
    way: str
    weights: tuple[tuple[str, float], ...]
    """Names of runs, and how much of each."""
    places_of: tuple[str, ...]
    """The repositories at whose places it is asked."""
    seed: int
    elsewhere: tuple[str, ...] = ()
    """Others at whose places it is asked too, without more, to see what is forgotten."""

    @property
    def key(self) -> str:
        """The name of its record."""
        return f"{self.group}-{self.name}-{self.seed}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The runs whose adapters it is made of."""
        return tuple(name for name, _ in self.weights)

    @property
    def steps(self) -> int:
        """Nothing is trained."""
        return 0

    @property
    def tokens(self) -> int:
        """Nothing is trained."""
        return 0

    @property
    def minutes(self) -> float:
        """What asking takes of one core, about."""
        return asking_minutes(self)


def asking_minutes(one: Run | Combination) -> float:
    """What it takes of one core, about, to ask wherever and however a run is asked."""
    return ASKING_MINUTES * (len(conditions(one.group)) * len(one.places_of) + len(one.elsewhere))


def others(name: str) -> tuple[str, ...]:
    """The repositories but one."""
    return tuple(other for other in REPOSITORIES if other != name)


def seeded(run: Run) -> Iterator[Run]:
    """The same run with each seed."""
    return (replace(run, settings=replace(run.settings, seed=seed)) for seed in SEEDS)


def lora() -> Iterator[Run]:
    """An adapter for each repository: base and LoRA, with and without retrieval, and in the other repositories."""
    for name in REPOSITORIES:
        yield from seeded(Run("lora", name, (name,), SETTINGS, elsewhere=others(name)))


def retrieval() -> Iterator[Run]:
    """The same, trained with retrieved pieces in half of its prompts."""
    for name in REPOSITORIES:
        yield from seeded(Run("retrieval", name, (name,), SETTINGS, drawing=Drawing(context_share=0.5)))


def longer() -> Iterator[Run]:
    """What an adapter is worth that learns for twenty minutes of one core; with one seed, or it would be half of the plan."""
    for name in REPOSITORIES:
        yield Run("longer", name, (name,), SETTINGS, steps=LONG_STEPS)


def files() -> Iterator[Run]:
    """From how many files is enough learnt? The same steps, fewer files."""
    for count in (10, 30, 100):
        yield from seeded(Run("files", f"{count}", ("networkx",), SETTINGS, most_files=count))


def weaker() -> Iterator[Combination]:
    """Each repository's adapter at half its strength, as Wortsman et al. (2022) go half the way from base to tuned weights."""
    for seed in SEEDS:
        for name in REPOSITORIES:
            yield Combination("weaker", name, "cat", ((f"lora-{name}-{seed}", 0.5),), (name,), seed, others(name))


def combined() -> Iterator[Combination]:
    """The article's combination of two related repositories, and its rivals: each asked at both."""
    for seed in SEEDS:
        weights = ((f"lora-networkx-{seed}", 0.7), (f"lora-sqlalchemy-{seed}", 0.3))
        for way in ("ties", "linear", "cat", "svd"):
            yield Combination("combined", f"{way}-70-30", way, weights, ("networkx", "sqlalchemy"), seed)


def stale() -> Iterator[Run]:
    """An adapter of an older release, asked at the places of the newer."""
    yield from seeded(Run("stale", re.sub(r"\W+", "-", OLDER), (OLDER,), SETTINGS, asked=("networkx",)))


def pooled() -> Iterator[Run]:
    """One adapter for all three, of as many steps as the three together, and of as many as one."""
    for steps in (STEPS, 3 * STEPS):
        yield from seeded(Run("pooled", f"{steps}", REPOSITORIES, SETTINGS, steps=steps))


def shape() -> Iterator[Run]:
    """Ranks, and which layers."""
    for rank in (4, 16, 128):
        yield from seeded(Run("shape", f"rank-{rank}", ("networkx",), replace(SETTINGS, rank=rank, alpha=2 * rank)))
    for name, targets in {"attention": ("c_attn", "attn.c_proj"), "mlp": ("c_fc", "mlp.c_proj")}.items():
        yield from seeded(Run("shape", name, ("networkx",), replace(SETTINGS, targets=targets)))


def whole() -> Iterator[Run]:
    """All weights instead of an adapter, at a tenth of the rate; asked at all repositories, to see what is forgotten."""
    for name in REPOSITORIES:
        yield from seeded(Run("whole", name, (name,), replace(SETTINGS, rank=0, rate=4e-4), asked=REPOSITORIES))


def undecayed() -> Iterator[Run]:
    """Pretraining gone on with, on a repository's text alone: it is there that the rates fall, at the end."""
    for run in whole():
        yield replace(run, group="undecayed", undecayed=True)


GROUPS = {
    made.__name__: made for made in (lora, retrieval, weaker, combined, longer, whole, undecayed, pooled, stale, files, shape)
}
"""In the order in which they are worth running; between adapters and what is made of them there is time for another process."""


def of_groups(names: Sequence[str]) -> list[Run | Combination]:
    """The runs of the named groups, all for none; `ValueError` for a name that is none.

    One seed of everything comes before the next: a plan that is stopped early has said something about every claim.
    """
    if unknown := [name for name in names if name not in GROUPS]:
        raise ValueError(f"{unknown[0]!r} is no group of runs: expected some of {', '.join(GROUPS)}")
    return sorted((run for name in names or GROUPS for run in GROUPS[name]()), key=lambda run: run.seed)


def table(runs: Sequence[Run | Combination], done: Iterable[str]) -> str:
    """What there is to do, with minutes of one core."""
    done = set(done)
    lines = [f"{'run':30} {'steps':>6} {'tokens':>12} {'minutes':>8}"]
    for run in runs:
        mark = "done" if run.key in done else f"{run.minutes:.0f}"
        lines.append(f"{run.key:30} {run.steps:>6} {run.tokens:>12,} {mark:>8}")
    left = sum(run.minutes for run in runs if run.key not in done)
    return "\n".join([*lines, f"{len(runs)} runs; about {left / 60:.1f} hours of one core are left"])
