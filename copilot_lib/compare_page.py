"""Draws two contestants side by side at every cursor, as one page that needs nothing but itself.

It knows targets, replies and tables; it does not know how they were made. Whatever stands in a repository is text: it is
escaped, what no page should draw is replaced, and the page may run nothing and load nothing.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from copilot_lib import tables
from copilot_lib.baselines import pieces
from copilot_lib.evaluate import first_line
from copilot_lib.frozen import Frozen
from copilot_lib.metrics import exact
from copilot_lib.replies import Reply
from copilot_lib.show import visible
from copilot_lib.targets import KINDS, Target

LINES_AROUND = 6
MOST_CHARACTERS = 300
"""Of one line: what is longer is cut, since nobody reads it."""
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that draw the text after them in another order, so that code looks like other code."""
WINNERS = ("first", "second", "both", "none")

STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --page: #ffffff; --box: #f4f5f7; --line: #d0d7de;
  --right: #1a7f37; --wrong: #b35900; --same: #1a7f3722; --other: #b3590033; --quiet: #59636e }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --page: #0d1117; --box: #161b22; --line: #30363d;
  --right: #4cc25f; --wrong: #f0a050; --same: #4cc25f33; --other: #f0a05044; --quiet: #9aa4ae } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 90rem; color: var(--text); background: var(--page);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.3rem; margin: 0 0 .3rem } h2 { font-size: 1rem; margin: 1.4rem 0 .3rem }
p { margin: .3rem 0; max-width: 60rem } .quiet { color: var(--quiet) }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem }
td, th { padding: .15rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line) }
td:first-child, th:first-child { text-align: left }
.choice { position: absolute; opacity: 0; pointer-events: none }
.choices { position: sticky; top: 0; padding: .4rem 0; background: var(--page); z-index: 1;
  border-bottom: 1px solid var(--line) }
.choices label { display: inline-block; padding: .2rem .7rem; margin: .15rem .1rem; border: 1px solid var(--line);
  border-radius: 1rem; cursor: pointer; font-size: .9rem }
article { margin: 1rem 0; padding: .7rem; border: 1px solid var(--line); border-radius: 6px }
article h3 { margin: 0 0 .4rem; font-size: .9rem; font-weight: 600 }
pre { margin: 0; padding: .3rem .5rem; overflow-x: auto; tab-size: 4; direction: ltr; unicode-bidi: bidi-override;
  font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--quiet) }
.sides { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .5rem; margin: .3rem 0 }
.sides > div { border: 1px solid var(--line); border-radius: 4px; background: var(--box); min-width: 0 }
.sides h4 { margin: 0; padding: .15rem .5rem; font-size: .8rem; border-bottom: 1px solid var(--line) }
.sides pre { white-space: pre-wrap } i { margin: 0 .4em; opacity: .8 }
mark { color: var(--text); border-radius: 2px; background: var(--same) }
mark.other { background: var(--other); text-decoration: underline dotted }
.right { color: var(--right) } .wrong { color: var(--wrong) }
@media (max-width: 46rem) { .sides { grid-template-columns: minmax(0, 1fr) } body { padding: .6rem }
  .choices { position: static } }
"""


class Case(NamedTuple):
    """One place with what two said there."""

    target: Target
    about: str
    """What is known of it, in words."""
    said: tuple[str, str]
    right: tuple[bool, bool]

    @property
    def winner(self) -> str:
        """One of `WINNERS`."""
        return {(True, False): "first", (False, True): "second", (True, True): "both", (False, False): "none"}[self.right]


def cases(asked: Frozen, first: Sequence[Reply], second: Sequence[Reply]) -> list[Case]:
    """A case for every target; an answer is right if it is the reference, as the tables count it."""
    made = []
    for target, label, *replies in zip(asked.targets, asked.labels, first, second, strict=True):
        said = tuple(first_line(reply.shown, target) for reply in replies)
        about = f"{target.kind} · names: {label.stratum} · {'seen' if label.seen else 'unseen'} line"
        made.append(Case(target, about, said, tuple(exact(one, target) == 1 for one in said)))
    return made


def drawn(text: str) -> str:
    """Text as HTML that shows it as it is: control characters as symbols, none that turn the reading order."""
    lines = (line[:MOST_CHARACTERS] + "…" * (len(line) > MOST_CHARACTERS) for line in text.split("\n"))
    return "\n".join(escape(BIDI.sub("\ufffd", visible(line))) for line in lines)


def marked(answer: str, reference: str) -> str:
    """An answer with the words and signs that are the reference's marked in one way and the others in another."""
    said, marks = pieces(answer), []
    for operation in Levenshtein.opcodes(said, pieces(reference)):
        part = "".join(said[operation.src_start : operation.src_end])
        if part:
            marks.append(f"<mark{'' if operation.tag == 'equal' else ' class=other'}>{drawn(part)}</mark>")
    return "".join(marks) or "<i>nothing</i>"


def side(name: str, sign: str, answer: str, target: Target) -> str:
    """One answer in the line of its cursor."""
    cursor = target.cursor
    body = drawn(cursor.line_prefix) + marked(answer, target.reference) + drawn(cursor.line_suffix)
    return f"<div><h4>{drawn(name)}{sign}</h4><pre>{body}</pre></div>"


def article(case: Case, names: Sequence[str]) -> str:
    """One place: the lines above, both answers and the reference side by side, the lines below."""
    target, cursor = case.target, case.target.cursor
    above = cursor.prefix.split("\n")[:-1][-LINES_AROUND:]
    below = cursor.suffix.split("\n")[1:][:LINES_AROUND]
    signs = ['<span class="right"> ✓ right</span>' if right else '<span class="wrong"> ✗</span>' for right in case.right]
    sides = [side(*of_one, target) for of_one in zip(names, signs, case.said, strict=True)]
    sides.append(side("reference", "", target.reference, target))
    kind = f"k{KINDS.index(target.kind)}"
    return (
        f'<article class="{case.winner} {kind}"><h3>{drawn(target.file)} <span class="quiet">{drawn(case.about)}</span></h3>'
        f'<pre>{drawn(chr(10).join(above))}</pre><div class="sides">{"".join(sides)}</div>'
        f"<pre>{drawn(chr(10).join(below))}</pre></article>"
    )


def table(cells: Sequence[Sequence[str]]) -> str:
    """Cells as an HTML table, the first row as its head."""
    head, *rows = cells
    lines = ["".join(f"<th>{drawn(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{drawn(cell)}</td>" for cell in row) for row in rows]
    return f'<div class="wide"><table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'


def choice(group: str, key: str, label: str, chosen: bool) -> tuple[str, str, str]:
    """A button of a filter: its input, its label, and the style by which it hides what is of another `key`."""
    name = f"{group}-{key}"
    others = f"#{name}:checked ~ main article:not(.{key}) {{ display: none }}" if key != "all" else ""
    lit = f'#{name}:checked ~ .choices label[for="{name}"] {{ background: var(--text); color: var(--page) }}'
    focus = f'#{name}:focus-visible ~ .choices label[for="{name}"] {{ outline: 3px solid var(--wrong) }}'
    box = f'<input class="choice" type="radio" name="{group}" id="{name}"{" checked" if chosen else ""}>'
    return box, f'<label for="{name}">{drawn(label)}</label>', others + lit + focus


def page(asked: Frozen, record: dict, names: Sequence[str], first: Sequence[Reply], second: Sequence[Reply]) -> str:
    """The whole page: tables, two filters (who is right, which kind of cursor), and every place."""
    all_cases = cases(asked, first, second)
    short = [tables.plain(name) for name in names]
    count = {winner: sum(case.winner == winner for case in all_cases) for winner in WINNERS}
    labels = dict(zip(WINNERS, (f"only {short[0]}", f"only {short[1]}", "both", "none"), strict=True))
    who = [choice("who", "all", f"all {len(all_cases)}", True)]
    who += [choice("who", winner, f"{labels[winner]}: {count[winner]}", False) for winner in WINNERS]
    what = [choice("kind", "all", "every kind", True)]
    what += [choice("kind", f"k{KINDS.index(kind)}", kind, False) for kind in tables.kinds(record)]
    inputs, buttons, styles = zip(*who, *what, strict=True)
    titles = "".join(f"<h2>{kind}</h2>{table(tables.main_table(record, kind))}" for kind in tables.kinds(record))
    heading = f"{short[0]} and {short[1]} in {asked.name}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{drawn(heading)}</title><style>{STYLE}{"".join(styles)}</style></head><body>
<h1>{drawn(heading)}</h1>
<p>At each place the rest of a line, or a block, was taken out, and both were asked for it. Right is what equals the reference
to the last blank. What an answer shares with the reference is shaded in one colour; the rest is underlined.</p>
<details><summary>Tables: all kinds and all who were asked</summary>{titles}
{table(tables.pairs_table(record, *names))}</details>
{"".join(inputs)}<div class="choices"><div>{"".join(buttons[: len(who)])}</div><div>{"".join(buttons[len(who) :])}</div></div>
<main>{"".join(article(case, short) for case in all_cases)}</main></body></html>
"""
