# ---
# jupyter:
#   copilot_lib:
#     teaches: [metrics.interval, paired.mcnemar, paired.difference]
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
# # 9. Does it help?
#
# At the end of this chapter you can say of two copilots which is better in your own repository, by how much, and how sure you are; and you have seen how easily such a sentence is wrong.
#
# ```text
#  61 │     raise nx.NetworkXError("edge weights must ‸
#     │                                               be negative.")   one   ✗
#     │                                               be positive")    other ✓   and at the next cursor it is the other way round
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 60 minutes | any; no GPU | [1](01_the_cursor.ipynb), [5](05_model_to_editor.ipynb), [8](08_context.ipynb) | [target](../book/glossary.md#target), [interval](../book/glossary.md#interval), [paired comparison](../book/glossary.md#paired-comparison), [stratum](../book/glossary.md#stratum), [pass@1](../book/glossary.md#pass1) |
#
# You will
#
# - take a measurement apart that looks sound, and see five faults of it do damage;
# - freeze places to ask at, before anybody is asked, in files that nothing was learnt from;
# - put an interval on a share and on a difference, and know how many places a question needs;
# - run what a model writes, in a process that can do no harm.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# Two copilots: the pocket model with the text on both sides of the cursor, and the same model with the text above alone. Chapter 3 said that the text below is worth having. Here is a place in networkx
# where that is so:

# %%
from copilot_lib import scoreboard, show
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor

completer = Completer.load()


def both_sides(cursor):
    return completer.complete(cursor).text.split("\n")[0]


def above_only(cursor):
    return both_sides(Cursor(cursor.prefix, cursor.offset))

# %%
targets = scoreboard.targets()
for method in (above_only, both_sides):
    display(show.completion(targets[31].cursor, method(targets[31].cursor), method.__name__))

# %% [markdown]
# Three lines below the cursor something else must be positive: the model that reads it says so here, too. And here is another place.

# %%
for method in (above_only, both_sides):
    display(show.completion(targets[29].cursor, method(targets[29].cursor), method.__name__))

# %% [markdown]
# There the author wrote `=T, weight=weight)`, and the text below has led the model away from it. Whoever shows you ten such places has chosen them. So we count.
#
# ## How an easy metric lies
#
# **Claim: a number from a sound-looking loop can be worth nothing.** The article that this book follows measures like this, line by line; only its `fim_complete` is here a `method` that is asked at a cursor. It takes one random line out of
# every file and compares the first line of the answer, without the blanks at its ends.

# %%
import random
from rapidfuzz.distance import Levenshtein
from copilot_lib.samples import gap


def easy(method, files, num_samples=100):
    exact_matches, edit_distances = 0, []
    for content in files[:num_samples]:
        lines = content.split("\n")
        if len(lines) < 5:
            continue
        mask_line = random.randint(1, len(lines) - 2)
        prefix, suffix = "\n".join(lines[:mask_line]), "\n".join(lines[mask_line + 1:])
        first_line, expected = method(gap(prefix, suffix)).split("\n")[0], lines[mask_line]
        exact_matches += first_line.strip() == expected.strip()
        edit_distances.append(Levenshtein.distance(first_line.strip(), expected.strip()))
    accuracy = exact_matches / min(num_samples, len(files))
    return {"exact_match": round(accuracy, 3), "avg_edit_distance": round(sum(edit_distances) / len(edit_distances), 1)}

# %% [markdown]
# > **Predict.** We ask the pocket model in forty files of networkx, and beside it a copilot that never says anything. What does silence score?

# %%
from copilot_lib.baselines import empty, last_line
from copilot_lib.targets import held_out_files

files = [text for _, text in held_out_files("networkx")][:40]
for name, method in (("silence", empty), ("pocket", both_sides)):
    random.seed(2)
    print(f"{name:8}", easy(method, files))

# %% [markdown]
# Silence is as often right as the model, and hardly farther away. Either the model is worth nothing, or the measurement is. It is the measurement, and it has five faults; each does damage on its own.
#
# **First, blank lines.** A random line is often empty, and whoever says nothing there is right.

# %%
lines = [line for text in files for line in text.split("\n")]
f"{sum(not line.strip() for line in lines) / len(lines):.0%} of {len(lines)} lines are blank"

# %% [markdown]
# **Second, the cut.** Where does the cursor stand when a line is taken out by `"\n".join`? Look at the caret.

# %%
lines = ["def area(width, height):", "    size = width * height", "    return size", ""]
cut = gap("\n".join(lines[:1]), "\n".join(lines[2:]))
show.completion(cut, "\n" + lines[1] + "\n", "the right answer, where the article's loop asks")

# %% [markdown]
# At the end of the line *above*. The right answer begins with a newline, and its first line is empty: whoever answers right is counted as having said nothing. The newline in front of the cursor was lost with the line. With it, the same forty places; all else stays as it was:

# %%
def at_the_line(cursor):
    return both_sides(gap(cursor.prefix + "\n", "\n" + cursor.suffix))


random.seed(2)
easy(at_the_line, files)

# %% [markdown]
# **Third, an argument that nobody reads.** The article's function takes `model` and `tokenizer`, and calls a `fim_complete` that knows one model of its own. Broken on purpose, here is what it says of a base model, a tuned one, and a pumpkin:

# %%
def eval_completion_accuracy(model, tokenizer, files):
    random.seed(2)
    return easy(last_line, files)["avg_edit_distance"]


[eval_completion_accuracy(model, None, files) for model in ("base", "tuned", "a pumpkin")]

# %% [markdown]
# Equal to the last digit, which two models never are. A difference of exactly nothing is a symptom: somebody was asked twice.
#
# **Fourth, the denominator.** Files of fewer than five lines are left out of the loop, and not out of the number that is divided by. So the score depends on how many near-empty `__init__.py` a repository has:

# %%
for added in (0, 20, 40):
    random.seed(2)
    print(f"{added:2} empty files more:", easy(empty, files + ["\n"] * added)["exact_match"])

# %% [markdown]
# The opposite is worse, because it flatters: to divide by the places that were *answered*. A method that copies a line from above when one begins alike is silent at most places.

# %%
said = [last_line(target.cursor) for target in targets]
right = sum(text == target.reference for text, target in zip(said, targets))
answered = sum(map(bool, said))
f"{right} right: {right / answered:.0%} of what it answered, {right / len(targets):.0%} of the places"

# %% [markdown]
# **Fifth, the distance in characters.** The article writes that a base model is 15 to 20 characters away and a tuned one 3 to 5. Away from what? The distance of nothing from a line is the length of the line.
#
# > **Predict.** Which method below is the best by distance in characters, and which by the share of characters?

# %%
from copilot_lib.targets import code_lines

written = []
for text in files:
    lines = text.split("\n")
    written += [lines[n].strip() for n in code_lines(text)[::5]]
rows = []
for name, least, most in (("short lines", 1, 24), ("all lines", 1, 999), ("long lines", 40, 999)):
    lengths = [len(line) for line in written if least <= len(line) <= most]
    rows.append((name, str(len(lengths)), f"{sum(lengths) / len(lengths):.1f}"))
print(scoreboard.aligned([("", "lines", "distance of silence"), *rows]))

# %% [markdown]
# So 3 to 5 may be a good model, or short lines. Divided by the length of the longer of the two texts, silence is 1 away from everything, and the reference 0.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
from copilot_lib.baselines import ngram

answers = {name: [method(target.cursor) for target in targets] for name, method in (("silence", empty), ("copied line", last_line), ("n-gram", ngram), ("above only", above_only), ("both sides", both_sides))}
pairs = {name: [(text.split("\n")[0], target.reference) for text, target in zip(said, targets)] for name, said in answers.items()}
characters = {name: sum(Levenshtein.distance(*pair) for pair in of_one) / len(of_one) for name, of_one in pairs.items()}
shares = {name: sum(Levenshtein.normalized_distance(*pair) for pair in of_one) / len(of_one) for name, of_one in pairs.items()}
figure, panels = plt.subplots(1, 2, figsize=(7.5, 2.4), sharey=True)
for axes, values, unit in zip(panels, (characters, shares), ("mean distance in characters", "mean share of the longer text")):
    axes.barh(list(values), list(values.values()), color=["#868e96"] * 3 + ["#4285f4"] * 2)
    axes.set(xlabel=unit)
panels[0].axvspan(15, 20, color="#d9480f", alpha=0.35, linewidth=0)
panels[0].invert_yaxis()
show.figure(figure, "Bars of five methods. In characters: " + ", ".join(f"{name} {value:.1f}" for name, value in characters.items()) + ". As shares: " + ", ".join(f"{name} {value:.2f}" for name, value in shares.items()) + ". The band from 15 to 20 is what the article gives for a base model")

# %% [markdown]
# The band is what the article expects of a base model, and silence stands in it, beside everything else but the n-gram model. To the left the n-gram model is worse than silence, because what it says is long; to the right it is a good deal better, because what it says is often nearly right, and as good as the network that sees only the text above.
#
# ### Ask it what you know
#
# None of this needed a model to be found. **Give a measurement answers whose worth you know**, before you believe it about answers whose worth you do not.

# %%
from copilot_lib import metrics

known = {target.cursor: target.reference for target in targets}
others = dict(zip(known, [*known.values()][1:] + [*known.values()][:1]))
methods = {"the reference": known.get, "with a blank behind": lambda cursor: known[cursor] + " ", "of another place": others.get, "nothing": empty}
scores = (metrics.exact, metrics.stripped, metrics.similarity, metrics.distance, metrics.identifier_f1)
print(f"{'':20}", *(f"{score.__name__:>15}" for score in scores))
for name, method in methods.items():
    means = [sum(score(method(t.cursor), t) for t in targets) / len(targets) for score in scores]
    print(f"{name:20}", *(f"{value:15.2f}" for value in means))

# %% [markdown]
# The reference has 1 and no distance, nothing has 0 and the whole distance, and a blank too many is where strict and stripped matches part. Had `easy` been asked this first, the reference would have betrayed the cut, and silence the blank lines.
#
# ## The protocol
#
# **Claim: choose the places first, once, and in files that nothing was learnt from.** `frozen.freeze` reads a repository, sets whole files aside, draws places in them, and writes down where they are, before anybody is asked. It skips what nobody would ask (blanks,
# comments, lone brackets), takes at most five places of a kind from a file, and counts what it leaves out.

# %%
import tempfile
from pathlib import Path
import networkx
from copilot_lib import frozen

root = Path(networkx.__file__).parent / "readwrite"
places = Path(tempfile.mkdtemp()) / "targets.json"
frozen.freeze(root, places, per_kind=10)
asked = frozen.load(root, places)
len(asked.targets), len(asked.train), asked.left_out

# %%
for n in (0, 10, 20, 30):
    target, label = asked.targets[n], asked.labels[n]
    print(f"{target.kind:13} {target.file:18} {label.stratum:8} {target.reference[:44]!r}")

# %% [markdown]
# Four kinds of cursor, never thrown together: a whole line, the rest of one, the rest of a word, a block. Each place has a [stratum](../book/glossary.md#stratum): where the hardest of the names that it needs is to be found. `above` can be copied; `repository` needs another
# file; `new` needs luck.
#
# Why whole files, and why near-duplicates on one side? Here is a baseline that learns by heart. It copies the line that most often followed the line above. Once it has the files that may be learnt from, once all of them.

# %%
from copilot_lib import repository
from copilot_lib.baselines import lookup

everything = list(repository.read(root))
fair, leaking = (lookup(file.text for file in part) for part in (asked.train, everything))
for kind in ("whole line", "rest of line"):
    chosen = [target for target in asked.targets if target.kind == kind]
    print(kind, *(f"{sum(metrics.exact(method(t.cursor), t) for t in chosen) / len(chosen):5.0%}" for method in (fair, leaking)))

# %% [markdown]
# A lookup table beats every model of this book, if it may see the test. So will a model that was fine-tuned on a file, or on its twin in another folder. What was frozen therefore also notes of each place whether its line stands word for word in the part that may be learnt from, and
# tables show `seen` and `unseen` apart.
#
# The whole protocol is one command, `python -m copilot_lib evaluate REPO --compare A B`. It asks both, and five baselines, keeps every answer in a file so that a run that was stopped goes on, and writes a page with both side by side. This is what it stored for networkx:

# %%
import json
from copilot_lib import tables
from copilot_lib.chapter import stored

record = json.loads(stored("evaluation/networkx.json"))
print(record["command"], "|", record["hardware"], "|", record["date"])
for kind in ("whole line", "rest of line", "mid-word", "block"):
    table = tables.main_table(record, kind)
    print(f"\n{kind}", scoreboard.aligned([[row[n] for n in (0, 1, 3, 8, 9, 10)] for row in (table[0], *table[-3:])]), sep="\n")

# %% [markdown]
# Read across the kinds: the same model is right at nearly a quarter of the rests of lines, a quarter of the words, two whole lines in a hundred, and no block. One pooled number would say how many of each were asked, and little else. And read to the right: at whole lines a lookup table has more right than the model, seven against two, and all seven are lines that stand word for word in the other part: 31.8 % of the seen, none of the unseen, where the model's two are. Without those two columns one would conclude that tables of lines write code.
#
# ## How sure?
#
# **Claim: a share without an interval is half a number.** Other places would have given another share. We can't draw other places from the world, but we can draw these anew: two thousand times, with repetition; the middle 95 % of the means is the interval. Answers in one file are alike (who
# knows one line of it knows the next), so whole files are drawn, with all their places.

# %%
import numpy

RESAMPLES = 2000


def interval(values, groups, seed=0, units=None):
    if not values:
        raise ValueError("no values: expected at least one")
    values = numpy.asarray(values, dtype=float)
    units = numpy.ones(len(values)) if units is None else numpy.asarray(units, dtype=float)
    groups = groups if len(set(groups)) > 1 else range(len(values))  # one file alone would give a point
    names, member = numpy.unique(numpy.asarray(groups), return_inverse=True)
    sums, counts = numpy.bincount(member, values), numpy.bincount(member, units)
    chosen = numpy.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[chosen].sum(1) / counts[chosen].sum(1)
    low, high = numpy.quantile(means, (0.025, 0.975))
    return float(values.sum() / units.sum()), float(low), float(high)

# %%
right = {name: [metrics.exact(text.split("\n")[0], target) for text, target in zip(said, targets)] for name, said in answers.items()}
groups = [target.group for target in targets]
for name in ("n-gram", "above only", "both sides"):
    by_place, by_file = interval(right[name], range(60)), interval(right[name], groups)
    print(f"{name:11} {by_file[0]:.1%}   by place {by_place[1]:.1%} to {by_place[2]:.1%}   by file {by_file[1]:.1%} to {by_file[2]:.1%}")

# %% [markdown]
# With two places in a file it matters little which is drawn; with many it does, and always in one direction: places alone make you surer than you may be. The intervals of the two copilots overlap, so nothing can be said? Not yet: both were asked at the *same* places. What is hard for one is hard for the other, and that cancels when we look at the differences place by place.

# %%
def difference(first, second, groups, units=None):
    return interval([b - a for a, b in zip(first, second, strict=True)], groups, units=units)


[f"{value:+.1%}" for value in difference(right["above only"], right["both sides"], groups)]

# %% [markdown]
# Only places where they disagree count. Of those, how many are each one's? If both were equally good, each such place would be a coin. McNemar's exact test asks how likely coins would be so unequal, or more.

# %%
from math import comb
from typing import NamedTuple


class Discordant(NamedTuple):
    only_first: int
    only_second: int
    p: float


def mcnemar(first, second):
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    only_first = sum(a > b for a, b in pairs)
    n, fewer = len(pairs), min(only_first, len(pairs) - only_first)
    # Whole numbers until the end: two to the power of a thousand places is no float.
    as_unequal = 2 * sum(comb(n, k) for k in range(fewer + 1))
    return Discordant(only_first, n - only_first, min(1.0, as_unequal / 2**n))


mcnemar(right["above only"], right["both sides"])

# %% [markdown]
# Five places out of sixty decide, four to one, for the text below the cursor. Coins would be as unequal in three cases of eight. So sixty places do not tell the two apart, and the right sentence is: between two points worse and twelve points better.
#
# ### How many places does a question need?
#
# Suppose one copilot is truly better by some points, and they disagree at 15 % of the places. We draw such comparisons by chance, test each, and count how often the better one is found out.

# %%
def found_out(points, places, disagree=0.15, trials=400):
    draw = numpy.random.default_rng(0)
    differing = draw.binomial(places, disagree, trials)
    its = draw.binomial(differing, (1 + points / disagree) / 2)
    return sum(mcnemar([0] * b + [1] * (n - b), [1] * b + [0] * (n - b)).p < 0.05 for n, b in zip(differing, its)) / trials


{places: found_out(0.05, places) for places in (60, 170, 470, 1000)}

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.5, 2.8))
sizes = [30, 60, 120, 250, 500, 1000, 2000]
powers = {points: [found_out(points, n, trials=200) for n in sizes] for points in (0.1, 0.05, 0.03)}
for (points, values), colour in zip(powers.items(), ("#2f9e44", "#4285f4", "#d9480f")):
    axes.plot(sizes, values, marker="o", color=colour, label=f"{100 * points:.0f} points better")
axes.axhline(0.8, color="#868e96", linestyle=":")
axes.set(xscale="log", xticks=sizes, xticklabels=sizes, xlabel="places", ylabel="found out")
axes.minorticks_off()
axes.legend(frameon=False)
show.figure(figure, "How often the better of two is found out, by number of places: " + "; ".join(f"{100 * points:.0f} points: " + ", ".join(f"{n} places {value:.0%}" for n, value in zip(sizes, values)) for points, values in powers.items()))

# %% [markdown]
# Sixty places find five points once in ten times; it takes about five hundred to find them four times out of five, the dotted line, and thirteen hundred for three points. That is why the scoreboards of these chapters decide nothing, and why `evaluate` asks a hundred places of each kind unless you ask for more.
#
# There is a cheaper way than more places: a score that moves with every answer. Chapter 8 asked the very question, text below or not, at 170 places of networkx, in bits as well:

# %%
rows = json.loads(stored("context/networkx.json"))["rows"]
without = next(row for row in rows if row["condition"] == "no suffix" and row["targets"] == "all")
for score, unit in (("exact", "right answers"), ("bits", "bits per byte")):
    mean, low, high = without[f"{score}_above_first"]
    print(f"{unit}: {mean:+.3f} ({low:+.3f} to {high:+.3f}) without the text below")

# %% [markdown]
# Some five points again, at three times as many places, and their interval now ends just short of nothing. That of the bits is far away from it: the right text is clearly dearer without what stands below. Right answers decide what a person sees, bits say first whether anything has changed. Show both.
#
# ## Does it run?
#
# **Claim: there is more than one right line.** Exact match asks whether a model wrote what the author wrote. For sixty small functions with tests, written for this book, there is a better question. A hole is cut into one; what comes back is put in, and the tests are run.

# %%
from copilot_lib import tasks

hole = [hole for hole in tasks.holes("line") if hole.task.name == "clamp"][-1]
show.completion(hole.cursor, hole.reference, "a hole, and its author's answer")

# %%
for text in (hole.reference, "return min(value, high)", "return low", "", "import os; os._exit(0)"):
    print(f"{text!r:27} exact {metrics.exact(text, hole):.0f}   {tasks.run(hole.filled(text)).why}")

# %% [markdown]
# The second is not the author's and right; the last one wants to be clever. It ends the process with a zero, which is what success looks like from outside. So the child has to *say* that it reached its last line, by a number drawn anew for each run, over a pipe of its own. It has two seconds of
# processor time, half a gigabyte, an empty folder, no network and no other processes. That holds what a model writes by accident; against somebody who wants out, take a virtual machine.
#
# > **Predict.** Nothing at all is put into the hole of each line, one after the other. How many of the functions pass their tests? And how many, if the author's own line is put in without the newline behind it?

# %%
ran = json.loads(stored("tasks/pocket.json"))
from copilot_lib.tasks import measuring

print(ran["hardware"], "|", ran["date"])
print(scoreboard.aligned([row[:5] for row in measuring.table([row for row in ran["rows"] if row["kind"] != "line"])]))

# %% [markdown]
# Nothing at all passes at 1.3 % of the lines, since some lines are not tested or not needed: that is the floor. The author's own line without its newline passes at 44 %, and a stripped match calls every one of these answers right. The pocket gets 8.1 % to run, and asked without the
# suffix 10.3 %; of the bodies 6.8 %, and without it 4.0 %. Once the text below seems to harm, once to help, and no more can be said: these intervals are wide, and that of the bodies reaches down to none. Sixty functions are few. Where more runs than is exact, something ran that is not what its author wrote.
#
# ## Side by side
#
# **Claim: numbers say who, places say why.** Having counted, look: not at ten places that somebody chose, but at all where only one is right.

# %%
only = {
    "both sides": [t for t, a, b in zip(targets, right["above only"], right["both sides"]) if a < b],
    "above only": [t for t, a, b in zip(targets, right["above only"], right["both sides"]) if a > b],
}
for name, places in only.items():
    print(f"only {name}:")
    for target in places:
        print(f"  {target.cursor.line_prefix.strip()[-34:]:>34} ▏{target.reference}")

# %% [markdown]
# Five places. At three of the four at the top, what stands below has the answer: the names in a list that lacks its bracket, *must be positive*, and a second comment that says *nodes in*. At the one at the bottom the model closes the bracket too soon once it sees how the text goes on. Why is a guess, and now one knows what to count next. The page that `evaluate` writes has this for every place: the lines around it, both answers with what they share with the reference in colour, and a filter for who is right.
#
# ## The same, from the library

# %%
from copilot_lib import paired

one, other = right["above only"], right["both sides"]
assert interval(one, groups) == metrics.interval(one, groups)
assert tuple(mcnemar(one, other)) == tuple(paired.mcnemar(one, other))
assert difference(one, other, groups) == paired.difference(one, other, groups)

# %% [markdown]
# ## Measure
#
# Now the question of chapter 8 by the whole protocol: is the pocket better if it is shown pieces of other files? In networkx, at the places that were frozen above, 100 of each kind:

# %%
print(scoreboard.aligned(tables.pairs_table(record, "pocket", "pocket+bm25")))

# %% tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.5, 2.2), sharey=True)
described = []
for axes, metric, scale, unit in zip(panels, ("exact", "bits_per_byte"), (100, 1), ("points of exact match", "bits per byte")):
    rows = [row for row in record["pairs"] if row["first"] == "pocket" and row["metric"] == metric]
    for y, row in enumerate(rows):
        mean, low, high = (scale * value for value in row["difference"])
        axes.plot([low, high], [y, y], color="#4285f4", linewidth=3)
        axes.plot(mean, y, "o", color="#4285f4")
        described.append(f"{row['kind']} {mean:+.2f} ({low:+.2f} to {high:+.2f}) {unit}")
    axes.axvline(0, color="#868e96", linestyle=":")
    axes.set(yticks=range(len(rows)), yticklabels=[row["kind"] for row in rows], xlabel=unit)
panels[0].invert_yaxis()
show.figure(figure, "What pieces of other files change, with intervals, by kind of cursor: " + "; ".join(described))

# %% [markdown]
# No interval leaves out zero. One place in a hundred more is right, or two, or one fewer; that is what one coin more than another would do. In bits all four kinds go the same way, whole lines by 0.05 of 1.02, and even that may be nothing. So the honest answer to chapter 8's question is still: for *this* reader, not that we could see, and
# if there is a gain of exact matches, it is hardly above seven points. With five times as many places one could say more; with another model one must.
#
# And the scoreboard, for once with what it cannot say:

# %%
rows = [scoreboard.score(name, dict(zip((t.cursor for t in targets), said)).get) for name, said in answers.items()]
scoreboard.table(rows)

# %% [markdown]
# ## What goes wrong
#
# - **The tuned model is better by exactly 0.** Somebody was asked twice. Let `identity` stand with the answers: `holds other replies (identity was 'weights 1' and is 'weights 2')` is what `evaluate` says when a file of answers is another model's.
# - **`3 of 310 files changed since the places were frozen`.** The code moved on. Bring it back (`git worktree`), or freeze other places in another folder; never mix.
# - **The score rises from run to run while nothing is changed.** The places are drawn anew each time, or the best of several runs is reported. Freeze, fix the seed, and count every run.
# - **All is right and the editor feels wrong.** Stripped matches hide a wrong indentation or newline. Look at the strict column, and at whether it runs.
# - **It wins on the test and fails at work.** A twin of the test file was learnt from. Split by file, with near-duplicates on one side, and read `seen` and `unseen` apart.
#
# ## Exercises
#
# **1. Every place counts** (two lines). Given the answers and the references, return the share that is right, where a missing answer is `None`. No answer at all is an answer too.

# %%
from copilot_lib import checks


def share_right(answers, references):
    ...


checks.check_09_share_right(share_right)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def share_right(answers, references):
#     right = [answer == reference for answer, reference in zip(answers, references, strict=True)]
#     return sum(right) / len(references)
# ```
#
# `strict=True` refuses a list that has lost some of its answers on the way, which is how denominators shrink.
# </details>
#
# **2. How many?** (three lines). Two copilots disagree at a share `d` of the places, and one is better by `points` (a share as well). For 80 % of a chance to find that out one needs about (1.96 √d + 0.84 √(d − points²))² / points² places. Return that, rounded up.

# %%
def places_needed(points, d):
    ...


checks.check_09_places_needed(places_needed)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# from math import ceil, sqrt
#
#
# def places_needed(points, d):
#     spread = 1.96 * sqrt(d) + 0.84 * sqrt(d - points**2)
#     return ceil((spread / points) ** 2)
# ```
#
# For five points at 15 % of disagreement that is 469, for three points 1,305. Half the difference needs four times as many.
# </details>
#
# **3. Your repository** (open). Run `python -m copilot_lib evaluate YOUR_FOLDER --compare pocket pocket+imports`, and open the page that it writes. Which stratum is the model's best, and do the pairs tell the two apart?

# %% [markdown]
# ## Recap
#
# - Blank lines, a cut that loses a newline, an argument that nobody reads, a wrong denominator, a distance in characters: each alone makes a number worthless, and answers of known worth find all of them.
# - Places are frozen before anybody is asked, in whole files that nothing was learnt from; kinds of cursor and seen lines stand apart.
# - Files are resampled; pairs are compared place by place; five points need some five hundred places, and bits need fewer.
# - What a model writes can be run, in a process that may do little, and says with a nonce that it came to its end.
#
# What stays: `python -m copilot_lib evaluate`, `tasks`, and `harness`, which hands the same places to a program that others have made. Next: we can tell whether something helps. What if the model had read *your* code before?
#
# Further reading
#
# - [Efficient Training of Language Models to Fill in the Middle](https://arxiv.org/abs/2207.14255): where infilling by single lines, several lines and random spans of a benchmark comes from.
# - [The Adverse Effects of Code Duplication in Machine Learning Models of Code](https://arxiv.org/abs/1812.06469): what twins on both sides of a split do to a score.
# - [With Little Power Comes Great Responsibility](https://arxiv.org/abs/2010.06595): how many published comparisons could not have found what they report.
# - [Long Code Arena](https://arxiv.org/abs/2406.11612): completion by repository, with the lines sorted by what they need.
