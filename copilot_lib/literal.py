"""Makes a tokenizer take every text literally, so that decoding gives back what was encoded, byte for byte.

It knows the steps inside a tokenizer; it does not know prompts, or which model the tokenizer belongs to.
"""

import json

from tokenizers import Tokenizer

from copilot_lib.formats import CONTROL

BREAKS = (
    ("a\n", "b"),
    ("a\n", "    b"),
    ("a\n", "\tb"),
    ("a:\n", "\n    b"),
    ("a\n\n", "b"),
    ("a \n", " \n"),
    ("\r\n", "\r\n"),
)
"""Where a tokenizer that takes newlines together with what is around them betrays itself."""


def exact(tokenizer: Tokenizer) -> tuple[Tokenizer, str]:
    """A copy that takes every text literally, and what the original puts before a text (a space, or nothing).

    Taken out are all steps that would make decode(encode(text)) another text: added spaces, Unicode normalisation,
    truncation. Control tokens that are not flagged as special are flagged, so that none is ever read out of a text.
    One thing stays: a tokenizer of SentencePiece's kind writes a space as U+2581, and so reads U+2581 as a space.
    """
    parts = json.loads(tokenizer.to_str())
    steps = [*_steps(parts["normalizer"]), *_steps(parts["pre_tokenizer"])]
    leads = any(s["type"] == "Prepend" or s.get("prepend_scheme", "never") != "never" for s in steps)
    for step in (*steps, *_steps(parts["decoder"])):
        step.update({key: value for key, value in (("prepend_scheme", "never"), ("add_prefix_space", False)) if key in step})
    for token in parts["added_tokens"]:
        token["special"] |= token["content"] in CONTROL
    parts["normalizer"] = _sequence("normalizers", [s for s in _steps(parts["normalizer"]) if s["type"] == "Replace"])
    parts["decoder"] = _sequence("decoders", [s for s in _steps(parts["decoder"]) if s["type"] != "Strip"])
    parts |= {"truncation": None, "padding": None}
    copy = Tokenizer.from_str(json.dumps(parts))
    copy.encode_special_tokens = True
    return copy, " " if leads else ""


def _steps(component: dict | None) -> list[dict]:
    """The steps of a tokenizer's component, which may be none, one or a sequence."""
    if component is None:
        return []
    if component["type"] != "Sequence":
        return [component]
    nested = next(value for key, value in component.items() if key != "type")
    return [step for inner in nested for step in _steps(inner)]


def _sequence(kind: str, steps: list[dict]) -> dict | None:
    return {"type": "Sequence", kind: steps} if steps else None


def reads_line_by_line(tokenizer: Tokenizer) -> bool:
    """Whether the ids of a text are those of its lines, one after the other: not where a newline joins what follows it."""

    def ids(text):
        return tokenizer.encode(text, add_special_tokens=False).ids

    return all(ids(a + b) == ids(a) + ids(b) for a, b in BREAKS)
