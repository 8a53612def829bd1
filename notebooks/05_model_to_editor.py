# ---
# jupyter:
#   copilot_lib:
#     teaches: [completer.has_meaningful_suffix, completer.line_end, completer.first_stop, postprocess.no_doubled_space,
#       postprocess.closes_what_it_opens, postprocess.no_echo_of_rest, postprocess.no_blank_tail, postprocess.only_blanks, debounce.Debounce]
#   jupytext:
#     cell_metadata_filter: tags,-all
#     notebook_metadata_filter: kernelspec,jupytext,copilot_lib
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5. From model to editor
#
# At the end of this chapter you have everything that stands between a model and a person who types: what to ask, where to
# cut, what to clean, when to ask at all, and how to be interrupted. Chapter 3 could fill a gap; it could not be lived with.
#
# ```text
#  2 │ print(sorted(numbers‸))
#    │                     └─────────────────┘
#    │                     , reverse=True))      two brackets too many
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 55 minutes | any; no GPU | [2](02_left_to_right.ipynb), [3](03_fill_in_the_middle.ipynb) | [stopping rule](../book/glossary.md#stopping-rule), [filter](../book/glossary.md#filter), [debounce](../book/glossary.md#debounce) |
#
# You will
#
# - decide between filling a gap and going on, and measure what the decision is worth;
# - write rules that end a text, and test them on text whose right end is known;
# - clean an answer for the place it goes to, and see what a careless filter does to good code;
# - wait for a typist as long as this typist needs, and stop the model when the wait was too short.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# `completer.begin` is what chapters 2 and 3 built: prompt, model, text as it comes, and no rule of ours. `completer.complete` is all of
# the completer; this chapter takes its second half apart. We ask both at forty places in networkx where the rest of a line is missing, and
# once more at the same places with all text below taken away, as at the end of a file that is being written. How often do they differ?
# (`begin` returns a prompt, a run and the pieces of text as they come; the pieces are what we want. The blocks are for later.)

# %%
from copilot_lib import show
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.targets import held_out_files, place, sample

completer = Completer.load()
files = dict(held_out_files("networkx"))
places = [place(files[row["file"]], row) for row in sample(files.items(), 40, seed=5)]
lines = [target for target in places if target.kind == "rest of line"]
blocks = [target for target in places if target.kind == "block"]
ends = [Cursor(target.cursor.prefix, target.cursor.offset) for target in lines]
len(lines), len(blocks)


# %%
def unruled(cursor, tokens=32):
    return "".join(completer.begin(cursor, tokens)[2])


raw = [unruled(cursor) for cursor in ends]
shown = [completer.complete(cursor, max_new_tokens=32) for cursor in ends]
between = [unruled(t.cursor) != completer.complete(t.cursor, max_new_tokens=32).text for t in lines]
{"in the middle": sum(between), "at the end": sum(a != b.text for a, b in zip(raw, shown))}

# %% [markdown]
# With text below, the model mostly ends its answer itself: it has learnt an end token for gaps. At the end of a file it knows no end. Here is
# the answer there that the rules shortened most: first the model's own words, then what is left of them.

# %%
worst = max(range(len(ends)), key=lambda n: len(raw[n]) - len(shown[n].text))
show.completion(ends[worst], raw[worst], "the model's own words")

# %%
show.completion(ends[worst], shown[worst], f"cut by: {shown[worst].stopped}")

# %% [markdown]
# The author wrote `None`, too: the model had the line right, and went on into a method that breaks off in its docstring. What follows is about
# everything but the model's knowledge.
#
# ## Fill, or go on?
#
# **Claim: one line of code decides what the model is asked.** A model that was trained on gaps and on plain text can be asked
# either way. If there is text below the cursor, it should see it. If there is none, a gap with an empty suffix would tell the model
# that the file ends right behind the answer. Blanks below are not text: every file ends with a newline.

# %%
from copilot_lib.samples import gap


def has_meaningful_suffix(cursor):
    return bool(cursor.suffix.strip())


loop = "total = 0\nfor price in prices:\n    "
three = {"end": gap(loop), "blanks below": gap(loop, "\n\n\n"), "code below": gap(loop, "\n\nprint(total)\n")}
{name: has_meaningful_suffix(cursor) for name, cursor in three.items()}

# %% [markdown]
# > **Predict.** Ask at the forty ends of files once as plain text
# > and once as a gap with an empty suffix. Which scores higher, and by how much? And which of the two ends its answer itself?
#
# Both get the last 400 tokens of the prefix; None leaves the order of the parts to the model's own format.

# %%
from dataclasses import replace

from copilot_lib import scoreboard

codec, engine = completer.model.codec, completer.engine


# %%
def first_line_of(prompt):
    run = engine.generate(prompt.ids, stop_ids=codec.stop_ids, max_new_tokens=24)
    return codec.decode(list(run)).split("\n")[0]


def as_plain(cursor):
    return first_line_of(codec.plain(cursor.prefix, 400))


def as_gap(cursor):
    return first_line_of(codec.fim(cursor.prefix, "", None, 400))


# %%
at_ends = [replace(target, cursor=end) for target, end in zip(lines, ends)]
scoreboard.table([scoreboard.score(method.__name__, method, at_ends) for method in (as_plain, as_gap)])

# %%
def ends_itself(prompt):
    run = engine.generate(prompt.ids, stop_ids=codec.stop_ids, max_new_tokens=32)
    return len(list(run)) < 32


{
    "as plain text": sum(ends_itself(codec.plain(cursor.prefix, 400)) for cursor in ends),
    "as a gap": sum(ends_itself(codec.fim(cursor.prefix, "", None, 400)) for cursor in ends),
}


# %% [markdown]
# Seven right answers each, and the gap's are a little closer to the author's: forty places can't tell which is better. The last cell shows a difference that
# they can tell. Asked as a gap, the model ended its answer at 38 of the forty; asked as plain text, never, because a text in a file goes on until the file ends. For
# this model either would do. The library goes on with plain text all the same: a gap would claim that nothing follows, which is not true of a
# file that is being written, and plain text is what every model can go on with, also one that was never trained on gaps. But it leaves the end to
# somebody else.
#
# ## Where to stop
#
# **Claim: rules find the end that the model does not find.** Chapter 2 wrote two, `dedents` and `ends_statement`. A rule
# takes the text and the cursor, and returns the position where the text should have ended, or None. The simplest is missing so far. When code
# follows the cursor *on its own line*, nobody wants a second line in between. (`gap` makes a cursor from the text on both sides, and `LINE_END`
# finds a newline of any system.)

# %%
from copilot_lib.cursor import LINE_END


def line_end(text, cursor):
    newline = LINE_END.search(text)
    return newline.start() if newline and cursor.line_suffix.strip() else None


inside = gap("numbers = [3, 1, 2]\nprint(sorted(numbers", "))\nprint(len(numbers))\n")
endless = ", reverse=True))\nprint(max(numbers))\nprint(min(numbers))\n"
endless[: line_end(endless, inside)]

# %% [markdown]
# Three more are in the library. `repeats_suffix` ends a text that begins to write what stands below the cursor. `repeats_itself` and
# `circles_in_line` end one that turns in a circle: the same lines again, or three times the same piece in one line. Rules are data, a name
# and a function each, and the earliest cut wins, whoever makes it.

# %%
from copilot_lib.stopping import circles_in_line, dedents, ends_statement, repeats_itself, repeats_suffix

STOPS = (
    ("line end", line_end),
    ("dedent", dedents),
    ("statement end", ends_statement),
    ("repeats the suffix", repeats_suffix),
    ("repeats itself", repeats_itself),
    ("circles in a line", circles_in_line),
)


# %%
def first_stop(text, cursor):
    return min(((at, name) for name, rule in STOPS if (at := rule(text, cursor)) is not None), default=None)


first_stop(endless, inside)

# %% [markdown]
# The completer asks after every piece of text, while the model writes, so a rule that fires saves the time of all that would have followed.
# That needs one property: **a position, once given, must not move when the text grows.** Otherwise what was shown might have to be taken back.

# %%
grown = [first_stop(endless[:n], inside) for n in range(len(endless) + 1)]
sorted(set(filter(None, grown))), grown.count(None)

# %% [markdown]
# One answer at all lengths, and None only while the first line was unfinished.
#
# How good are the rules? A model that knew the file by heart and never stopped would write the author's line and go on with the rest
# of the file. Give the rules exactly that text. The right place to stop is known: where the author's line ended.
#
# > **Predict.** At how many of the forty do the rules stop in the right place, and are the others cut too early or too late? Does it matter
# > whether the cursor sees the text below?

# %%
from collections import Counter


def judgement(target, cursor):
    found = first_stop(target.reference + target.cursor.suffix, cursor)
    if found is None:
        return "never", "no rule"
    wanted = len(target.reference.rstrip())
    return ("right" if found[0] == wanted else "early" if found[0] < wanted else "late"), found[1]


# %%
Counter(judgement(target, target.cursor) for target in lines).most_common()

# %%
Counter(judgement(target, end) for target, end in zip(lines, ends)).most_common()

# %% [markdown]
# With text below, 37 of forty are right; without, 25. In the middle of a file the next line is known, and meeting it again is the surest sign. At
# the end of a file `ends_statement` has to do it: who begins a statement wants that statement. None of the eighty was cut too early; that would be
# the bad fault, since it harms right answers. Late cuts cost tokens, and show lines that nobody asked for. Ten of the eleven late ones are lines
# that open a block, such as `else:`, and a rule lets the block pass. Of the six where no rule fired, four
# stand on the last line of their file: there is nothing to cut.
#
# ## What to clean
#
# **Claim: a filter that repairs bad answers must leave good ones alone.** The article that this book follows ends with a function that
# cleans an answer. Its best known step gives every line the indentation of the cursor, so that the answer is sure to fit in. We write
# that step, and give it not a model's answer but an author's:

# %%
def same_indentation(text, cursor):
    """Every line indented as the cursor's: not a good idea."""
    first, *rest = text.split("\n")
    indent = " " * (len(cursor.line_prefix) - len(cursor.line_prefix.lstrip(" ")))
    return "\n".join([first, *(indent + line.lstrip() for line in rest)])


body = "for price in prices:\n        if price > limit:\n            return price\n    return None"
cheap = gap("def first_above(prices, limit):\n    ", "\n")
show.completion(cheap, same_indentation(body, cheap), "a nested block, with all its lines indented alike")

# %% [markdown]
# The loop has lost its body. Python reads indentation as meaning, so no filter may change what lines have among themselves. How much
# damage is that? Of forty blocks of up to six lines, cut out of networkx, give the author's own text to the filter, and count the files that still
# parse.

# %%
import ast


def is_python(cursor, text):
    try:
        ast.parse(cursor.prefix + text + cursor.suffix)
    except SyntaxError:
        return False
    return True


# %%
def still_parse(clean_up):
    return sum(is_python(block.cursor, clean_up(block.reference, block.cursor)) for block in blocks)


{"left alone": still_parse(lambda text, cursor: text), "same indentation": still_parse(same_indentation)}


# %% [markdown]
# The author's text, every time, and yet the filter broke 36 files of forty. So
# ours follow two rules: each is a small pure function `(text, cursor) → text` with *one* fault that it cures, and none touches relative
# indentation. Here are four, each with its fault.
#
# A model likes to begin with a space, and the space is typed already:

# %%
def no_doubled_space(text, cursor):
    typed = cursor.line_prefix
    return text.lstrip(" ") if typed.strip() and typed.endswith(" ") else text


no_doubled_space(" left + right", gap("total = "))


# %% [markdown]
# A model writes the statement to its end, and that end stands behind the cursor: editors put the closing bracket there when the opening
# one is typed. What repeats the rest of the line must go, but only if what is left closes all that it opens, and never from the middle of a word
# (`SPLIT_WORD`).

# %%
def closes_what_it_opens(code):
    return all(code.count(opening) <= code.count(closing) for opening, closing in ("()", "[]", "{}"))


# %%
import re

SPLIT_WORD = re.compile(r"\w\n\w")


def no_echo_of_rest(text, cursor):
    rest = cursor.line_suffix
    for length in range(min(len(rest), len(text)), 0, -1):
        kept, tail = text[:-length], text[-length:]
        if tail.strip() and rest.startswith(tail) and closes_what_it_opens(kept) and not SPLIT_WORD.search(kept + "\n" + tail):
            return kept
    return text


no_echo_of_rest(", reverse=True))", inside)

# %% [markdown]
# > **Predict.** Behind the cursor stand two closing brackets. Which of the next four answers lose their last character?

# %%
[no_echo_of_rest(text, inside) for text in (", key=len)", ", key=f(x)", ", key=f(x))", "[f(0)]")]

# %% [markdown]
# The first and the third, whose last bracket closes nothing of their own. In the others it does.
#
# Two last ones. Blanks at the end of a line can't be seen, but they are in the file after `Tab`. And an answer of blanks alone is none:

# %%
def no_blank_tail(text, cursor):
    return text if cursor.line_suffix.strip() else text.rstrip()


def only_blanks(text, cursor):
    return text if text.strip() else ""


no_blank_tail("left + right   \n\n", gap("total = ")), only_blanks("\n    ", inside)

# %% [markdown]
# ## When to ask
#
# **Claim: a wait is for slow answers, and its best length is the typist's.** An editor that asks at every key may ask for answers that nobody will
# see: the next key comes first. An editor that waits long is slow at every pause. The usual compromise is a fixed wait of some hundred
# milliseconds, called *debounce*. Here is a typist: keys 110 ms apart, some more between words, and a pause after each statement.

# %%
import random


def typist(statements, key_ms, seed=0):
    """Times of keys in milliseconds, and which of them end a statement."""
    draw, now, times, ends = random.Random(seed), 0.0, [], []
    for _ in range(statements):
        for key in range(draw.randint(12, 30)):
            now += draw.gauss(key_ms, key_ms / 4) + (key % 6 == 5) * key_ms
            times.append(now)
        ends.append(len(times) - 1)
        now += draw.uniform(900, 2500)
    return times, ends


# %%
quick = typist(20, key_ms=110)
[round(time) for time in quick[0][:8]], len(quick[0])


# %% [markdown]
# A rule for waiting gets the time of each key. We count how often it asks, how many of those answers were overtaken by the next key, and
# how long after the last key of a statement the answer is there. An answer takes 20 ms at first: about what this book's engine was
# [measured](../book/claims.md) to take after a jump to another place. At the next key, with keys and values kept, it takes 3 to 5 ms.

# %%
def replay(typed, wait, answer_ms=20):
    times, ends = typed
    waits = [wait(time) for time in times]
    gaps = [after - before for before, after in zip(times, [*times[1:], float("inf")])]
    asked = [n for n, (wait_ms, gap_ms) in enumerate(zip(waits, gaps)) if wait_ms < gap_ms]
    late = [n for n in asked if waits[n] + answer_ms > gaps[n]]
    felt = sorted(waits[n] + answer_ms for n in ends)[len(ends) // 2]
    return {"asked": len(asked), "overtaken": len(late), "ms at a pause": round(felt)}


# %%
def always(wait_ms):
    return lambda time: wait_ms


{wait_ms: replay(quick, always(wait_ms)) for wait_ms in (0, 75, 350)}

# %% [markdown]
# Without a wait every key is a request, and every answer is there before the next key. Nothing can be quicker, if the model has nothing else to do.
# With 75 ms nearly every key still is a request, and 59 are overtaken, since the wait has brought the answers close to the next key. With 350 ms
# only pauses ask, and each is felt. Now a model that takes 200 ms, a larger one or one far away:

# %%
{wait_ms: replay(quick, always(wait_ms), answer_ms=200) for wait_ms in (0, 75, 350)}

# %% [markdown]
# Of 443 answers 373 come too late, and the model is busy all the time: 443 times 0.2 s, in 89 s of typing. Here a wait saves nearly all of the work. A fixed one has its price:
#
# > **Predict.** Which fixed wait would suit this typist, and would it suit one whose keys are 220 ms apart?

# %%
slow = typist(20, key_ms=220)
{wait_ms: (replay(quick, always(wait_ms)), replay(slow, always(wait_ms))) for wait_ms in (180, 330)}

# %% [markdown]
# With 180 ms the quick typist asks between words and at pauses, but the slow one at most keys. With 330 ms the slow one does well, and the quick
# one feels 150 ms more at each pause. So let the wait follow the rhythm: half as long again as the keys were apart lately, less
# what an answer takes, within limits. A gap of more than a second is a pause and says nothing about the rhythm.

# %%
LEAST_MS, MOST_MS = 30.0, 350.0
LONGEST_GAP_MS = 1000.0
TYPICAL_GAP_MS, LONGER, NEWEST = 150.0, 1.5, 0.2


class Debounce:
    def __init__(self, most_ms=MOST_MS):
        self.most_ms = most_ms
        self._gap_ms, self._answer_ms = TYPICAL_GAP_MS, 0.0
        self._last_ms = None

    def typed(self, now_ms):
        if self._last_ms is not None and (gap_ms := now_ms - self._last_ms) < LONGEST_GAP_MS:
            self._gap_ms += NEWEST * (gap_ms - self._gap_ms)
        self._last_ms = now_ms
        return min(self.most_ms, max(LEAST_MS, LONGER * self._gap_ms - self._answer_ms))

    def answered(self, took_ms):
        self._answer_ms = took_ms


# %%
{name: replay(typed, Debounce().typed) for name, typed in {"quick": quick, "slow": slow}.items()}

# %% [markdown]
# Each gets about the fixed wait that suited, 180 and 330 ms, and nobody had to say who types. (The replay never calls `answered`, so
# nothing was taken off for the answer.)

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 2.3))
times = [time for time in quick[0] if time < 7000]
for row, wait in enumerate((always(75), Debounce().typed, always(350))):
    for ask, following in zip([time + wait(time) for time in times], [*times[1:], 9e9]):
        if ask < following:
            axes.plot(ask, row, "o", ms=5, color="#d9480f" if ask + 20 > following else "#34a853")
axes.plot(times, [3] * len(times), "|", color="#888888", ms=9)
axes.set(yticks=range(4), yticklabels=["75 ms", "adaptive", "350 ms", "keys"], xlabel="milliseconds")
show.figure(figure, "Keys as strokes and requests as dots: after 75 ms at nearly every key, adaptive between words and at pauses, after 350 ms at pauses alone")

# %% [markdown]
# Green dots are requests whose answers were seen, orange ones were overtaken. Read the distance from a dot to the last stroke before it: that is how
# long the typist had waited.
#
# No wait is right every time. If a key comes while the model writes, the answer is worthless, and the model must stop *now*, not at its
# end. A switch that any thread may throw goes down to the loop of chapter 2, which looks at it between two tokens:

# %%
from copilot_lib.engine import Cancel

cancel = Cancel()
_, run, pieces = completer.begin(cheap, 40, cancel=cancel)
before = [next(pieces), next(pieces)]
cancel.cancel()  # here the next key was pressed
before, list(pieces), run.stopped, len(run.ids)

# %% [markdown]
# Two pieces had come; the rest was never computed. The next request reuses the keys and values of what both prompts share, so being interrupted costs almost
# nothing.
#
# The editor of [the first chapter](00_first_completion.ipynb) has all of it. With *automatic* ticked it waits as `Debounce` does, and drops an answer that comes too late.
# On a page without a kernel you see a still of it:

# %%
from copilot_lib.editor import Editor
from copilot_lib.samples import EXAMPLES

sample = EXAMPLES["Calculator"]
editor = Editor(sample.text, sample.offset, complete=completer.complete)
editor.automatic = True
editor.ask()
editor

# %% [markdown]
# It copies `add` into `subtract`: well cut and well placed, and wrong.
#
# ## The same, from the library
#
# `completer.complete` does it in this order: prompt, model, `first_stop` after each piece, `postprocess.clean`. With the functions of this chapter:

# %%
from copilot_lib import completer as library
from copilot_lib import debounce, postprocess

for (name, ours), (_, theirs) in zip(STOPS, library.STOPS, strict=True):
    for cursor, text in zip(ends, raw):
        assert ours(text, cursor) == theirs(text, cursor), name
for ours in (no_doubled_space, no_echo_of_rest, no_blank_tail, only_blanks):
    theirs = getattr(postprocess, ours.__name__)
    assert all(ours(text, cursor) == theirs(text, cursor) for cursor, text in zip(ends, raw))
assert replay(quick, Debounce().typed) == replay(quick, debounce.Debounce().typed)
[filter.__name__ for filter in postprocess.FILTERS]

# %% [markdown]
# Two more are there: a bracket that the file has already and that is not the last thing written, and the file's own newline style.
#
# ## Measure
#
# The scoreboard gets its rows, with the baselines in it as always:

# %%
from copilot_lib.baselines import empty, last_line, most_frequent_line, ngram


def no_rules(cursor):
    return unruled(cursor, 24)


def whole_completer(cursor):
    return completer.complete(cursor, max_new_tokens=24).text


targets = scoreboard.targets()
rows = [scoreboard.score(method.__name__, method, targets) for method in (empty, last_line, most_frequent_line, ngram)]
rows += [scoreboard.score(method.__name__, method, targets) for method in (no_rules, whole_completer)]
scoreboard.table(rows)

# %% [markdown]
# The last two rows are alike: first lines are all that is compared, and there the rules change nothing. A person sees all that is offered. So ask in three places, and look at two things: is
# the file still Python with the answer in it, and how many lines were offered?

# %%
kinds = {
    "rest of a line": [target.cursor for target in lines],
    "end of a file": ends,
    "block of lines": [block.cursor for block in blocks],
}
measured = {}
for kind, cursors in kinds.items():
    for name, answer in (("no_rules", no_rules), ("complete", whole_completer)):
        texts = [answer(cursor) for cursor in cursors]
        python = sum(map(is_python, cursors, texts)) / len(texts)
        measured[kind, name] = round(python, 2), round(sum(text.count("\n") + 1 for text in texts) / len(texts), 1)
measured

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6, 2.4))
for shift, (name, colour) in enumerate({"no_rules": "#888888", "complete": "#34a853"}.items()):
    shares = [measured[kind, name][0] for kind in kinds]
    bars = axes.barh([n + shift * 0.38 for n in range(3)], shares, 0.36, color=colour, label=name)
    axes.bar_label(bars, [f"{share:.0%}, {measured[kind, name][1]} lines" for kind, share in zip(kinds, shares)], padding=3)
axes.set(yticks=[n + 0.19 for n in range(3)], yticklabels=kinds, xlim=(0, 1.6), xticks=[0, 0.5, 1])
axes.set_xlabel("share of files that are Python with the answer in")
axes.invert_yaxis()
axes.legend(loc="lower right", frameon=False)
described = "; ".join(f"{kind}, {name} {share:.0%}" for (kind, name), (share, _) in measured.items())
show.figure(figure, f"Bars, share of files that are still Python: {described}")

# %% [markdown]
# At the end of a file the rules matter: 82% of the files are Python instead of 33%, and two lines fewer are shown that nobody asked for. With text
# below the model mostly ended by itself, and there is little to gain. Of the blocks more than a quarter are broken with the rules as without: a short
# answer can still be a wrong one.
#
# And the question that this chapter asked of every filter: what do all of them together do to the author's own text?

# %%
answers = [(target.reference, target.cursor) for target in [*lines, *blocks]]
harmed = [pair for pair in answers if postprocess.clean(*pair).rstrip() != pair[0].rstrip()]
f"{len(harmed)} of {len(answers)} right answers changed"

# %% [markdown]
# Nothing. A filter that helps one answer in fifty and harms none is worth having; one that helps ten and harms one is not, because the
# person who had the right line on the screen sees it taken away.
#
# ## What goes wrong
#
# - **The completion appears, and is gone at the next key.** The client asks again instead of keeping what agrees with the typed letter. Compare first:
#   a suggestion that begins with what was typed only gets shorter.
# - **An old answer overwrites a newer one.** Answers arrive in another order than the questions. Number the requests, and drop every answer but
#   the last.
# - **The completion stops after `if x:`.** A rule looked at the first line alone. A line that opens a block goes on to what is indented more.
# - **`IndentationError` after `Tab`.** A filter touched the indentation of lines after the first. None may.
# - **`RuntimeError: another request has begun on this engine`.** A cancelled text was read on after the next request had started. Drop it.
#
# ## Exercises
#
# **1. The file's own tabs** (three lines). In a file that indents with tabs, a model's four spaces are an error. If `cursor.text` has a line
# that begins with a tab, turn each group of four spaces at the beginning of the answer's lines into a tab, but not in its first line, which goes on
# with the cursor's; else change nothing.

# %%
from copilot_lib import checks


def own_tabs(text, cursor):
    ...


checks.check_05_own_tabs(own_tabs)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def own_tabs(text, cursor):
#     if not re.search(r"^\t", cursor.text, re.MULTILINE):
#         return text
#     return re.sub(r"(?<=\n)(?: {4})+", lambda found: "\t" * (len(found[0]) // 4), text)
# ```
#
# Only what follows a newline is indentation, and the expression in `(?<=…)` asks for one without replacing it.
# </details>
#
# **2. Count the requests** (two lines). Keys come at `times`; a client asks when `wait_ms` have passed without another key. How often does it
# ask? Nothing follows the last key.

# %%
def requests(times, wait_ms):
    ...


checks.check_05_requests(requests)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def requests(times, wait_ms):
#     gaps = [after - before for before, after in zip(times, times[1:])]
#     return sum(gap > wait_ms for gap in gaps) + bool(times)
# ```
#
# A statement of thirty keys and one pause is one request or thirty, and the wait decides which.
# </details>
#
# **3. A filter of your own** (open). Take a fault that you have seen a model make, and write the filter. Then count what it changes: in the forty
# raw answers, where it should act, and in the right answers, where it must not.

# %%
def my_filter(text, cursor):
    return text


acted = sum(my_filter(text, cursor) != text for text, cursor in zip(raw, ends))
harm = sum(my_filter(*pair) != pair[0] for pair in answers)
acted, harm

# %% [markdown]
# ## Recap
#
# - Text below the cursor makes the question a gap; without it the text just goes on.
# - A rule returns a position that does not move as the text grows; the earliest cut wins. It was tested on text whose right end is known.
# - A filter cures one fault and is measured by what it does to right answers. None touches relative indentation.
# - The wait follows the typist's rhythm, and a cancelled request ends between two tokens.
#
# What stays: the rules, the filters and `Debounce`, all in the completer and the editor that you have used since chapter 0. Next: the editor
# on this page lives beside the model, in one process. Other editors do not. How does a keystroke get to a model that another program holds?
#
# Further reading
#
# - Hugging Face, [llm-ls](https://github.com/huggingface/llm-ls), and Tabby, [tabby-agent](https://github.com/TabbyML/tabby): post-processing and
#   debounce of two open copilots, to compare with.
# - M. Bavarian and others, [Efficient Training of Language Models to Fill in the Middle](https://arxiv.org/abs/2207.14255), 2022: what an end token
#   is for, and what happens when it is not learnt.
