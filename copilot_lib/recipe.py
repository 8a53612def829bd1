"""The recipes of the pocket model: every number that decides what is trained, and two presets.

It knows numbers; it does not know what they are used for.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Mix:
    """What kinds of examples a model is shown."""

    fim_share: float = 0.75
    """How many of the texts become gaps; the others are read from left to right."""
    spm_share: float = 0.5
    """How many of the gaps are asked in SPM order; the others in PSM."""
    spans: str = "editor"
    """Where gaps are cut: a name in `examples.SPANS`."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is trained. The same recipe gives the same batches in the same order."""

    vocabulary: int = 4096
    context_tokens: int = 512
    width: int = 256
    layers: int = 5
    heads: int = 4
    rows_per_step: int = 24
    mix: Mix = Mix()
    optimiser: str = "muon"
    muon_rate: float = 0.01
    adamw_rate: float = 2e-3
    warmup_steps: int = 60
    answer_weight: float = 4.0
    """How much a token of a middle, or the end token after it, counts beside one of the text around: one in ten is such."""
    seed: int = 0


PRESETS = {
    "cpu": Recipe(),
    "gpu": Recipe(rows_per_step=256, muon_rate=0.02, adamw_rate=3e-3, warmup_steps=100),
}
"""One network in both, which a laptop runs at every key: a graphics card gives it more tokens to read, not more weights."""


def preset(name: str, **changes) -> Recipe:
    """A named recipe with some values changed.

    >>> preset("cpu", layers=6).layers
    6
    """
    return replace(PRESETS[name], **changes)
