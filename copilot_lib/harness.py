"""Writes held-out places as tasks of EleutherAI's lm-evaluation-harness, so that a program of others measures the same models.

It knows how that program wants its tasks; it does not know an answer or a score.

    tasks = harness.write(Path("build/harness"), "shop", asked.targets, completer)
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from copilot_lib.ablation import KIND
from copilot_lib.checkpoint import write_whole
from copilot_lib.completer import Completer
from copilot_lib.evaluate import LINE_TOKENS
from copilot_lib.targets import Target

ORDER = "PSM"
"""So the answer begins behind a sentinel, where it cannot grow together with the prompt, whoever encodes the two."""
PLACES = "places.jsonl"
TASKS: dict[str, dict] = {
    "surprise": {
        "output_type": "loglikelihood",
        "metric_list": [
            {"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False},
            {"metric": "acc", "aggregation": "mean", "higher_is_better": True},
        ],
    },
    "line": {
        "output_type": "generate_until",
        "generation_kwargs": {"until": ["\n"], "do_sample": False, "max_gen_toks": LINE_TOKENS},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    },
}
"""How probable what stands there is: of the whole of it, not of a token, so that 2 to the number of bits is its perplexity. And
whether the model, which takes the likeliest token each time, writes just that line."""


def write(folder: Path, name: str, targets: Iterable[Target], completer: Completer) -> list[str]:
    """Puts tasks about the rests of lines among the targets into a folder; returns their names, as `--tasks` takes them.

    `ValueError` where none of the targets can be asked so, or the model cannot.
    """
    asked = list(rows(targets, completer))
    if not asked:
        raise ValueError(f"none of the places is a {KIND} with code behind it: ask at more places")
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in asked)
    write_whole(folder / PLACES, lambda file: file.write_text(lines, encoding="utf-8"))
    names = []
    for kind, options in TASKS.items():
        task = {
            "task": f"{name}_{kind}",
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str((folder / PLACES).resolve())}},
            "test_split": "test",
            "doc_to_text": "prompt",  # names, not templates: a template's `[]` is taken for a list of answers
            "doc_to_target": "reference",
            "target_delimiter": "",
        }
        text = json.dumps(task | options, indent=1) + "\n"  # which is YAML too
        write_whole(folder / f"{kind}.yaml", lambda file, text=text: file.write_text(text, encoding="utf-8"))
        names.append(task["task"])
    return names


def rows(targets: Iterable[Target], completer: Completer) -> Iterator[dict]:
    """Prompts as text, with sentinels spelled, and what stands there.

    Without those at the end of a file, and in files that spell a sentinel: text cannot say that.
    """
    codec = completer.model.codec
    if not codec.format.psm:
        raise ValueError(f"{completer.model.name} was trained in SPM order alone, which this program cannot be told")
    for target in (target for target in targets if target.kind == KIND):
        prompt = completer.prompt(target.cursor, LINE_TOKENS, ORDER)
        if prompt.mode != "fim":
            continue
        try:
            text = codec.spelled(prompt.ids)
        except ValueError:
            continue
        yield {"prompt": text, "reference": target.reference}
