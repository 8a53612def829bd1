"""Writes the card of an adapter: what it is for, what it learnt from, how, and how good it is beside its base.

It knows records; it does not know how any of them came about.
"""

from collections.abc import Mapping
from importlib import metadata

from copilot_lib import tables
from copilot_lib.tuning.finetune import Plan

VERSIONS = ("torch", "transformers", "peft", "trl")


def text(name: str, plan: Plan, report: Mapping, result: Mapping, evaluated: Mapping | None) -> str:
    """The card in Markdown, with the head that a model hub reads. `evaluated` is the record of an evaluation, or None."""
    licence = report["licence"]
    lines = [
        "---",
        f"base_model: {plan.model}",
        "library_name: peft",
        "pipeline_tag: text-generation",
        "---",
        "",
        f"# {name}",
        "",
        f"An adapter for `{plan.model}` (weights {plan.fingerprint[:12]}) that learnt from the repository {report['name']}.",
        "It is no model of its own: it is added to that one, and is refused by every other.",
        "",
        "## What it learnt from",
        "",
        f"- {report['files']['train']} files, {report['lines']['train']:,} lines, {report['bytes']['train']:,} bytes"
        f"; {report['files']['validation']} files said when to stop (SHA-256 of both {report['sha256'][:12]})",
        f"- held out: {report['files']['test']} files, which `evaluate` asks about with `{divided(report)}`",
        *feedback(report),
        *(f"- left out: {count} {reason}" for reason, count in report["left_out"].items()),
        f"- secrets found, and their files left out: {len(report['secrets'])}",
        f"- licence: {licence['title']} ({licence['file']})" if licence else "- licence: the repository states none",
        "- what the adapter writes may repeat lines of these files: who may not see them should not have it",
        "",
        "## How",
        "",
        f"- LoRA of rank {plan.settings.rank}, alpha {plan.settings.alpha}, rate {plan.settings.rate},"
        f" seed {plan.settings.seed}; steps of {plan.settings.batch_tokens} tokens, computed in {plan.precision}"
        + (f", in each of {plan.processes} processes" if plan.processes > 1 else ""),
        *(["- functions asked for by docstring and signature: a quarter of the examples"] if plan.drawing.instructions else []),
        f"- {result['steps']} of {plan.steps} steps, {result['seconds'] / 60:.1f} minutes on {result['hardware']}",
        f"- loss of held-out gaps: {result['first_loss']:.3f} before, {result['best_loss']:.3f} after (nats a token)",
        "- " + ", ".join(f"{package} {metadata.version(package)}" for package in VERSIONS),
        "",
        "## How good it is",
        "",
    ]
    if evaluated:
        command = f"`{evaluated['command']}`, {evaluated['date']}, {evaluated['hardware']}"
        lines += ["```text", tables.text(evaluated), "```", "", f"By {command}."]
    else:
        command = f"python -m copilot_lib evaluate REPO --model {plan.model} --adapter {name} {divided(report)}"
        lines += [f"Not measured: `{command}` does."]
    return "\n".join(lines) + "\n"


def divided(report: Mapping) -> str:
    """The options by which `evaluate` asks in the files that nothing was learnt from."""
    return f"--seed {report['settings']['seed']}" + (" --tests" if report["settings"]["tests"] else "")


def feedback(report: Mapping) -> list[str]:
    """How many accepted completions were used beside the files, and how many were not, where any were."""
    used = report.get("feedback")
    if not used:
        return []
    went_on = f"; trained on from `{used['from']}`" if used["from"] else ""
    left = ", ".join(f"{count} {why}" for why, count in used["dropped"].items())
    return [
        f"- {used['events']} accepted completions"
        f" ({', '.join(f'{count} {how}' for how, count in used['taken'].items())}){went_on}",
        *([f"- accepted completions left out: {left}"] if left else []),
    ]
