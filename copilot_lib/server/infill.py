"""llama.cpp's protocol for editors, `POST /infill`, as llama.vim and llama.vscode send it.

It knows that route's fields and answers; it does not know how a completion is made. Completions are greedy, whatever
samplers a request names.
"""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, Strict
from starlette.responses import JSONResponse

from copilot_lib.completer import Completion
from copilot_lib.cursor import Cursor, line_spans
from copilot_lib.server.adapters import Named, Weighted, choice_of, options
from copilot_lib.server.extra import brought
from copilot_lib.server.waiting import complete_while_connected

router = APIRouter()
MOST_TOKENS = 64
"""`n_predict` is an upper bound; what is kept free for the answer is lost to the prompt."""
Text, Whole = Annotated[str, Strict()], Annotated[int, Strict()]


class Chunk(BaseModel):
    """A piece of another file. Its name is only a name: no file is opened."""

    text: Text
    filename: Text = ""


class Gap(BaseModel):
    """Text before the cursor's line, the line before the cursor, and text after the cursor; and limits."""

    input_prefix: Text = Field(examples=["def area(width, height):\n"])
    input_suffix: Text = Field(default="", examples=["\n\n\nprint(area(2, 3))\n"])
    prompt: Text = Field(default="", examples=["    return "])
    input_extra: list[Chunk] = Field(
        default=[], max_length=1000, description="pieces of other files, the newest last, for models that are shown them"
    )
    n_predict: Whole = Field(default=128, ge=-1)
    n_indent: Whole = Field(default=0, ge=0)
    stop: list[Text] = Field(default=[], max_length=64)
    t_max_prompt_ms: Whole | None = Field(default=None, ge=0)
    t_max_predict_ms: Whole | None = Field(default=None, ge=0)
    adapter: Named = None
    lora: list[Weighted] | None = Field(default=None, max_length=100, description="another way to name an adapter")
    response_fields: list[Text] | None = Field(default=None, examples=[["content", "timings/prompt_n"]])


@router.post("/infill")
async def infill(gap: Gap, request: Request) -> JSONResponse:
    """The text that belongs between prefix and suffix; with `n_predict` 0 the prompt is only read, for the next request."""
    before = gap.input_prefix + gap.prompt
    choice = choice_of(request)
    adapter = choice.weighted(gap.lora) if gap.lora and not gap.adapter else choice.named(gap.adapter)
    extra = gap.input_extra if request.app.state.served.context else []
    place = brought((piece.filename, piece.text) for piece in extra)
    completion = await complete_while_connected(
        request,
        Cursor(before + gap.input_suffix, len(before)),
        max_new_tokens=min(gap.n_predict, MOST_TOKENS) if gap.n_predict >= 0 else MOST_TOKENS,
        stop=tuple(stop for stop in gap.stop if stop),
        prefill_ms=gap.t_max_prompt_ms or None,
        decode_ms=gap.t_max_predict_ms or None,
        **options(adapter),
        **({"place": place} if place else {}),
    )
    completion = replace(completion, text=indented(completion.text, gap.n_indent))
    return JSONResponse(chosen(answer(completion), gap.response_fields))


def indented(text: str, columns: int) -> str:
    r"""The text up to the first of its further lines that is indented by fewer blanks; blank lines do not count.

    >>> indented("x\n\n    y\n  z", 4)
    'x\n\n    y'
    """
    for start, end in line_spans(text)[1:]:
        line = text[start:end]
        if line.strip() and len(line) - len(line.lstrip(" \t")) < columns:
            return text[:start].rstrip()
    return text


def answer(completion: Completion) -> dict[str, Any]:
    """Everything the plugins read."""
    computed = completion.prompt_tokens - completion.reused_tokens
    return {
        "content": completion.text,
        "stop": True,
        "stop_type": completion.stopped,
        "tokens_cached": completion.prompt_tokens + len(completion.tokens),
        "tokens_evaluated": completion.prompt_tokens,
        "truncated": False,
        "timings": rates("prompt", computed, completion.times_ms["prefill"])
        | rates("predicted", len(completion.tokens), completion.times_ms["decode"]),
    }


def rates(stage: str, tokens: int, ms: float) -> dict[str, float | None]:
    """One stage's tokens and milliseconds, and the two as rates; no rate where there is nothing to divide by.

    >>> rates("prompt", 10, 5.0)
    {'prompt_n': 10, 'prompt_ms': 5.0, 'prompt_per_token_ms': 0.5, 'prompt_per_second': 2000.0}
    """
    return {
        f"{stage}_n": tokens,
        f"{stage}_ms": ms,
        f"{stage}_per_token_ms": ms / tokens if tokens else None,
        f"{stage}_per_second": 1000 * tokens / ms if ms else None,
    }


def chosen(whole: dict[str, Any], fields: list[str] | None) -> dict[str, Any]:
    """Only the fields asked for: `a/b` becomes one flat key, what there is not is left out.

    >>> chosen({"content": "x", "timings": {"prompt_n": 3}}, ["content", "timings/prompt_n", "model"])
    {'content': 'x', 'timings/prompt_n': 3}
    """
    if fields is None:
        return whole
    flat = whole | {
        f"{name}/{part}": value for name, parts in whole.items() if isinstance(parts, dict) for part, value in parts.items()
    }
    return {field: flat[field] for field in fields if field in flat}
