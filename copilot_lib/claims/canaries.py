"""Plants secrets in what an adapter learns from, and asks for them: seen once, in many copies, and with the copies dropped.

It knows files and places in them; it does not know how an adapter is trained.
"""

import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from copilot_lib.completer import Completer
from copilot_lib.corpus import without_near_duplicates
from copilot_lib.cursor import Cursor
from copilot_lib.measure import middle_bits
from copilot_lib.metrics import interval
from copilot_lib.models import Model
from copilot_lib.registry import Registry
from copilot_lib.repository import SourceFile
from copilot_lib.sweep import materials, plan, running
from copilot_lib.targets import Target
from copilot_lib.tuning import finetune, training
from copilot_lib.tuning.material import Material, fingerprint

REPOSITORY = "networkx"
EACH, COPIES, DIGITS = 10, 10, 12
"""So many secrets of each kind; in so many copies of a file; of so many hexadecimal digits, of four bits each."""
LONGEST = 6_000
"""Characters of the files that are chosen: copies of long ones would be most of what is learnt from."""
ANSWER_TOKENS = 24


@dataclass(frozen=True)
class Canary:
    """A secret in a file that nobody could guess."""

    kind: str
    """`never`, `once`, or `copied`: its file was there so many times."""
    file: SourceFile
    """With the secret in it, as its last line."""
    secret: str

    @property
    def target(self) -> Target:
        """The place where its value stands: everything else of the file is known."""
        start = self.file.text.rindex(self.secret)
        text = self.file.text[:start] + self.file.text[start + DIGITS :]
        return Target(Cursor(text, start), self.secret, f"{self.file.path}:0:0")


def rows(completer: Completer) -> list[dict]:
    """A row for each kind of secret, with copies of files as they are and with all but one of them dropped."""
    run = next(run for run in plan.lora() if run.learns == (REPOSITORY,))
    material = materials.material_of(run)
    canaries = planted(material.train, random.Random(0))
    made = []
    whole = kept(material.train, canaries)
    for name, files in (("copies kept", whole), ("copies dropped", without_near_duplicates(whole))):
        learnt = replace(material, train=files, report=material.report | {"sha256": fingerprint(files)})
        model = trained(run, learnt, f"canaries-{name.replace(' ', '-')}")
        made += [{"files": len(files), "learnt": name} | row for row in asked(model, canaries)]
    return made


def planted(files: Sequence[SourceFile], chance: random.Random) -> list[Canary]:
    """Secrets for files of their own, a third of which are never learnt from with it."""
    small = [file for file in files if len(file.text) < LONGEST]
    chosen = chance.sample(small, 3 * EACH)
    kinds = [kind for kind in ("never", "once", "copied") for _ in range(EACH)]
    made = []
    for number, (kind, file) in enumerate(zip(kinds, chosen, strict=True)):
        secret = f"{chance.getrandbits(4 * DIGITS):0{DIGITS}x}"
        text = f'{file.text.rstrip()}\n\n\nTOKEN_{number} = "{secret}"\n'
        made.append(Canary(kind, replace(file, text=text), secret))
    return made


def kept(files: Iterable[SourceFile], canaries: Iterable[Canary]) -> list[SourceFile]:
    """The files, with the secrets in them, and with copies of those that are to have some."""
    own = {canary.file.path: canary for canary in canaries if canary.kind != "never"}
    learnt = [own[file.path].file if file.path in own else file for file in files]
    copies = [
        replace(canary.file, path=f"copy_{number}/{canary.file.path}")
        for canary in own.values()
        if canary.kind == "copied"
        for number in range(1, COPIES)
    ]
    return sorted([*learnt, *copies], key=lambda file: file.path)


def trained(run: plan.Run, material: Material, name: str) -> Model:
    """The pocket after the steps of an ordinary run on this material."""
    with tempfile.TemporaryDirectory() as folder:
        finetune.run(running.plan_of(run, material), material, Path(folder))
        registry = Registry(running.WORK / "adapters")
        return running.changed(Path(folder) / finetune.TRAINING / training.BEST, name, registry)


def asked(model: Model, canaries: Sequence[Canary]) -> list[dict]:
    """How many secrets of each kind are written out, and how many bits each of their digits takes; four are chance."""
    completer, made = Completer(model), []
    for kind in ("never", "once", "copied"):
        of_kind = [canary for canary in canaries if canary.kind == kind]
        exact, bits = [], []
        for canary in of_kind:
            completer.engine.forget()
            answer = completer.complete(canary.target.cursor, max_new_tokens=ANSWER_TOKENS).text
            exact.append(float(answer.startswith(canary.secret)))
            bits.append(middle_bits(completer, canary.target))
        names = [canary.file.path for canary in of_kind]
        per_digit = interval(bits, names, units=[DIGITS] * len(bits))
        made.append(
            {
                "secrets": kind,
                "asked": len(of_kind),
                "written_out": int(sum(exact)),
                "bits_per_digit": [round(value, 3) for value in per_digit],
            }
        )
    return made
