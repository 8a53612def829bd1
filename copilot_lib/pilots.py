"""Compares recipes: trains models that differ in one thing, for the same effort, and measures them on code none has seen.

It knows which comparisons are made and how they are summed up; it does not know how a model is trained (`pretrain`) or
what a bit is (`measure`).
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy
import torch

from copilot_lib import checkpoint, forward, hardware, measure, network, pretrain
from copilot_lib.completer import Completer
from copilot_lib.corpus import HELD_OUT
from copilot_lib.metrics import RESAMPLES
from copilot_lib.recipe import Recipe, preset
from copilot_lib.targets import KINDS, Target, held_out_files

COOLDOWN_SHARE = 0.2
FILES_OF_A_DISTRIBUTION, CHARACTERS_OF_A_FILE = 24, 10_000
TARGETS_OF_A_KIND = 120
Bits = dict[str, tuple[float, int]]
"""By file: the information of what was predicted in it, in bits, and its bytes."""


@dataclass(frozen=True)
class Pilot:
    """A question, the recipes that answer it, and the effort that each of them may make: tokens, or minutes of one core."""

    question: str
    arms: dict[str, Recipe]
    tokens: int | None = None
    core_minutes: float | None = None
    seeds: int = 1

    def runs(self) -> list[tuple[str, Recipe]]:
        """Every arm with every seed."""
        return [(name, replace(recipe, seed=seed)) for seed in range(self.seeds) for name, recipe in self.arms.items()]

    @property
    def effort(self) -> str:
        """In words."""
        return f"{self.tokens:,} tokens" if self.tokens else f"{self.core_minutes:g} minutes of one core"


SMALL = preset("cpu", vocabulary=2048, context_tokens=256, width=128, layers=3, rows_per_step=16, answer_weight=1.0)
"""About 0.8 million parameters: small enough for many runs. All tokens count the same, as in the paper."""
POCKET = preset("cpu")


def mixed(recipe: Recipe, **changes) -> Recipe:
    """A recipe with another mix of examples."""
    return replace(recipe, mix=replace(recipe.mix, **changes))


PILOTS = {
    "fim_for_free": Pilot(
        "What does FIM cost in left-to-right prediction?",
        {f"FIM rate {share:g}": mixed(SMALL, fim_share=share) for share in (0, 0.5, 0.7, 0.9, 1.0)},
        tokens=3_000_000,
        seeds=3,
    ),
    "order": Pilot(
        "One order alone, or both?",
        {name: mixed(SMALL, fim_share=0.7, spm_share=share) for name, share in (("both", 0.5), ("PSM", 0.0), ("SPM", 1.0))},
        tokens=3_000_000,
        seeds=3,
    ),
    "seed": Pilot("How far apart are runs that differ in nothing but chance?", {"pocket": POCKET}, core_minutes=10, seeds=3),
    "optimiser": Pilot(
        "Muon or AdamW?",
        {f"Muon {rate:g}": replace(POCKET, muon_rate=rate) for rate in (0.01, 0.005, 0.02, 0.04)}
        | {f"AdamW {rate:g}": replace(POCKET, optimiser="adamw", adamw_rate=rate) for rate in (1e-3, 2e-3, 4e-3)},
        core_minutes=10,
    ),
    "vocabulary": Pilot("4096 tokens or 8192?", {"4096": POCKET, "8192": replace(POCKET, vocabulary=8192)}, core_minutes=10),
    "fim_rate": Pilot(
        "How many texts become gaps?",
        {f"{share:g}": mixed(POCKET, fim_share=share) for share in (0.75, 0.5, 0.9)},
        core_minutes=10,
    ),
    "spans": Pilot(
        "Where are gaps cut?",
        {name: mixed(POCKET, spans=name) for name in ("editor", "lines", "characters")},
        core_minutes=10,
    ),
    "context": Pilot(
        "512 tokens of context or 1024?",
        {"512": POCKET, "1024": replace(POCKET, context_tokens=1024, rows_per_step=12)},
        core_minutes=10,
    ),
}
"""In each, the first arm is the one that the others are compared with."""


def train(pilot: Pilot, recipe: Recipe, texts: list[str], tokenizer, clock: Callable[[], float] = time.process_time):
    """A model after the pilot's effort, the last fifth of its steps with a falling rate; and what it took: steps, tokens, time.

    Time is that of the processor, so that what else the machine does falls on nobody.
    """
    encode, ids = pretrain.encoder(tokenizer)
    model = network.build(recipe)
    optims = pretrain.optimisers(model, recipe)
    stream = pretrain.batches(texts, encode, ids, recipe, 0, 0)
    loss = torch.compile(forward.loss, dynamic=False)
    began, tokens, last = None, 0, 10**9
    for step, _, _, more, _ in pretrain.learn(model, optims, loss, stream, recipe, range(last), (last, last)):  # noqa: B007 - step is used after it
        if began is None:
            began = clock()  # the first step compiles, which is paid once and not for every token
            continue
        tokens += more
        used = tokens / pilot.tokens if pilot.tokens else (clock() - began) / 60 / pilot.core_minutes
        if used >= 1 - COOLDOWN_SHARE:
            break
    last = round(step / (1 - COOLDOWN_SHARE))
    for _, _, _, more, _ in pretrain.learn(model, optims, loss, stream, recipe, range(step, last), (step, last)):
        tokens += more
    return model, {"step": last, "tokens": tokens, "seconds": round(clock() - began, 1)}


def read(folder: Path, targets: list[Target]) -> dict[str, Bits]:
    """What a model needs for three streams that are the same for every model: plain code, and middles asked in both orders."""
    completer = Completer.load(str(folder))
    by_kind = [[target for target in targets if target.kind == kind] for kind in KINDS]
    chosen = [target for mine in by_kind for target in mine[:: max(1, len(mine) // TARGETS_OF_A_KIND)]]
    streams: dict[str, Bits] = {"left to right": {}}
    for distribution in sorted(HELD_OUT):
        for file, text in islice(held_out_files(distribution), FILES_OF_A_DISTRIBUTION):
            text = text[:CHARACTERS_OF_A_FILE]
            size = len(text.encode())
            streams["left to right"][file] = measure.bits_per_byte(completer.model, text) * size, size
    for order in ("PSM", "SPM"):
        bits = streams[f"middle, {order}"] = {}
        for target in chosen:
            size = len(target.reference.encode())
            before, bytes_before = bits.get(target.group, (0.0, 0))
            now = measure.middle_bits(completer, target, order)
            bits[target.group] = before + now, bytes_before + size
    return streams


def run(pilot: Pilot, recipe: Recipe, folder: Path, texts: list[str], targets: list[Target]) -> dict:
    """Trains and measures one arm with one seed, unless that has been done before; recipes may occur in several pilots."""
    key = json.dumps([asdict(recipe), pilot.tokens, pilot.core_minutes], sort_keys=True)
    mine = folder / hashlib.sha256(key.encode()).hexdigest()[:12]
    if not (mine / "measured.json").exists():
        words = folder / f"vocabulary-{recipe.vocabulary}"
        words.mkdir(parents=True, exist_ok=True)
        tokenizer = pretrain.load_or_train_tokenizer(words, texts, recipe)
        model, place = train(pilot, recipe, texts, tokenizer)
        pretrain.export(model, tokenizer, mine, recipe, place)
        found = place | {"streams": read(mine, targets)}
        checkpoint.write_whole(mine / "measured.json", lambda file: file.write_text(json.dumps(found)))
    return json.loads((mine / "measured.json").read_text())


def difference(these: list[Bits], those: list[Bits], seed: int = 0) -> list[float]:
    """Bits per byte of one arm minus those of another, with the ends of its 95 % interval.

    Files are resampled, and so are pairs of runs with the same seed: both the code and the run are draws.

    >>> difference([{"a.py": (30.0, 10), "b.py": (15.0, 5)}], [{"a.py": (20.0, 10), "b.py": (10.0, 5)}])
    [1.0, 1.0, 1.0]
    """
    files = sorted(those[0])
    sizes = numpy.array([those[0][file][1] for file in files])
    apart = numpy.array([[a[f][0] - b[f][0] for f in files] for a, b in zip(these, those, strict=True)])
    random = numpy.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        runs, columns = random.integers(len(apart), size=len(apart)), random.integers(len(files), size=len(files))
        drawn.append(apart[runs][:, columns].sum() / len(apart) / sizes[columns].sum())
    mean = apart.sum() / len(apart) / sizes.sum()
    return [round(float(n), 4) for n in (mean, *numpy.quantile(drawn, (0.025, 0.975)))]


def record(name: str, folder: Path, texts: list[str], targets: list[Target], progress: Callable[[str], object]) -> dict:
    """Runs a pilot and sums it up, ready for JSON: one row for each arm, in bits per byte, beside the first arm."""
    pilot = PILOTS[name]
    found: dict[str, list[dict]] = {arm: [] for arm in pilot.arms}
    for arm, recipe in pilot.runs():
        found[arm].append(run(pilot, recipe, folder, texts, targets))
        progress(f"{name}: {arm}, seed {recipe.seed}")
    first, *_ = found.values()
    return {
        "question": pilot.question,
        "effort": pilot.effort,
        "hardware": hardware.describe(),
        "command": f"python -m copilot_lib pilots {name}",
        "arms": [
            {"name": arm, "tokens": [one["tokens"] for one in runs], "seconds": [one["seconds"] for one in runs]}
            | {
                stream: {
                    "bits_per_byte": [
                        round(sum(b for b, _ in bits.values()) / sum(n for _, n in bits.values()), 4) for bits in mine
                    ],
                    "minus_first": difference(mine, [one["streams"][stream] for one in first]),
                }
                for stream in runs[0]["streams"]
                for mine in [[one["streams"][stream] for one in runs]]
            }
            for arm, runs in found.items()
        ],
    }
