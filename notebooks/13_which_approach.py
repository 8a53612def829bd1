# ---
# jupyter:
#   copilot_lib:
#     teaches: [paired.verdict]
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
# # 13. Which approach?
#
# At the end of this chapter you can decide between counting, retrieval, an adapter, both, and training all weights, for your own repository, with numbers of your own; and you can say "we do not know yet" and mean something exact by it.
#
# ```text
#   one place │ nothing ✗   RAG ✓   LoRA ✗   both ✗
#   the next  │ nothing ✗   RAG ✗   LoRA ✓   both ✗
#             └ which of them do you build?
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 55 minutes | any; no GPU | [8](08_context.ipynb), [9](09_evaluation.ipynb), [11](11_lora.ipynb) | [verdict](../book/glossary.md#verdict), [interaction](../book/glossary.md#interaction), [forgetting](../book/glossary.md#forgetting) |
#
# You will
#
# - read an interval in four ways instead of two, and know why "not significant" is not "equal";
# - measure whether two helps add up, and how sure one can be of that;
# - put what an approach costs beside what it gains, before a request and during it;
# - make a model forget, and see what protects it.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# The article that this book follows compares three ways to make a model know a repository. Its table, without the last column:
#
# | approach | training cost | infrastructure | quality gain |
# |---|---|---|---|
# | RAG only | none | embedding index | good |
# | LoRA fine-tune | ~$10-50 (cloud GPU) | 1 GPU, 4-8 hours | very good |
# | full fine-tune | ~$500-5000 | multi-GPU, days | marginal over LoRA |
#
# Further down it adds both together, "what most production tools do", and continued pretraining, with a "risk of catastrophic forgetting". But "good" has no unit, and cannot be compared with a day of your work.
#
# So we asked. `python -m copilot_lib sweep` trains adapters for three repositories that the pocket model has never seen, and asks each at the same frozen places, in files that nothing was learnt from. First the places: they are
# chosen again here, from the same releases, in the same way.

# %%
import tempfile
from pathlib import Path
from copilot_lib.sweep.asking import asked_of

work = Path(tempfile.mkdtemp())
asked = {name: asked_of(name, work) for name in ("networkx", "sqlalchemy", "fontTools")}
{name: f"{len(one.targets)} places in {len({target.group for target in one.targets})} files" for name, one in asked.items()}

# %% [markdown]
# And here is what was stored of networkx. Four strings, a digit for each place, 1 where the rest of the line was written exactly as its author did. RAG (*retrieval-augmented generation*) is what [BM25](../book/glossary.md#bm25) finds in the other files, as in chapter 8; LoRA is the first of three adapters
# of chapter 11, a few minutes of training each.

# %%
import json
from copilot_lib.chapter import stored

record = json.loads(stored("claims/tuning.json"))
runs = f"claims/runs/{record['model']}"
base, tuned = (json.loads(stored(f"{runs}/{name}.json"))["outcomes"]["networkx"] for name in ("base-networkx", "lora-networkx-0"))
digits = {
    "nothing": base["alone"]["exact"],
    "RAG": base["bm25"]["exact"],
    "LoRA": tuned["alone"]["exact"],
    "both": tuned["bm25"]["exact"],
}
for name, string in digits.items():
    print(f"{name:8} {string[:72]}…")

# %% [markdown]
# Two of these places. At the first only retrieval was right; at the second only the adapter.

# %%
from copilot_lib import show

at_each_place = ["".join(four) for four in zip(*digits.values())]
for name, pattern in {"RAG": "0100", "LoRA": "0010"}.items():
    target = asked["networkx"].targets[at_each_place.index(pattern)]
    display(show.completion(target.cursor, target.reference, f"{target.group}: of the four, only {name} wrote this"))

# %% [markdown]
# Whoever wants to sell you an index shows the first place, and whoever wants to sell you an adapter shows the second. (So did I.) We count all places, by who was right.

# %%
from collections import Counter

for pattern, count in Counter(at_each_place).most_common():
    who = [name for name, digit in zip(digits, pattern) if digit == "1"]
    print(f"{count:4}  {', '.join(who) or 'nobody'}")

# %% [markdown]
# At most places they agree, mostly in being wrong. Everything that can be said about which is better comes from the few lines in between.
#
# ## The same places, paired
#
# **Claim: of two strings of digits only the places where they differ say anything, and one can compute it by hand.** Nothing beside LoRA:

# %%
pairs = Counter(zip(digits["nothing"], digits["LoRA"]))
n, lost, won = len(digits["LoRA"]), pairs["1", "0"], pairs["0", "1"]
print(f"{n} places: {won} won, {lost} lost, so {won - lost:+} in {n}: {(won - lost) / n:+.1%}")

# %% [markdown]
# How sure is that? Each place has gained 1, lost 1, or stayed. The spread of these numbers, over the root of how many there are, is the error of their mean; about twice that to each side is the interval.

# %%
mean = (won - lost) / n
error = ((won + lost) / n - mean**2) ** 0.5 / n**0.5
print(f"by hand {mean:+.1%} ({mean - 1.96 * error:+.1%} to {mean + 1.96 * error:+.1%})")

# %% [markdown]
# By hand it is a loss, clear of zero. The library draws whole files anew instead, as in chapter 9, since places in one file are alike. In the records a *run* is one training, a *condition* what was shown or counted beside it. Trained with another seed an adapter is another adapter; so a place counts as the share of seeds that were right there.

# %%
from copilot_lib import paired


def row_of(repository, group, condition):
    run = group if group == "base" else f"{group}-{repository}"
    wanted = (repository, run, condition)
    return next((row for row in record["rows"] if (row["repository"], row["run"], row["condition"]) == wanted), None)


def right_at(repository, group, condition):
    count = len(row_of(repository, group, condition)["exact_of_seeds"])
    names = [f"base-{repository}"] if group == "base" else [f"{group}-{repository}-{seed}" for seed in range(count)]
    found = [json.loads(stored(f"{runs}/{name}.json")) for name in names]
    assert {one["places"][repository] for one in found} == {asked[repository].fingerprint}, "records of other places"
    strings = [one["outcomes"][repository][condition]["exact"] for one in found]
    return [sum(map(int, place)) / count for place in zip(*strings)]

# %%
def gain(repository, group, condition):
    files = [target.group for target in asked[repository].targets]
    return paired.difference(right_at(repository, "base", "alone"), right_at(repository, group, condition), files)


def in_points(found):
    return "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * value for value in found))


for name in asked:
    row, [before, *_] = row_of(name, "lora", "alone"), row_of(name, "base", "alone")["exact"]
    assert [round(value, 6) for value in gain(name, "lora", "alone")] == row["exact_above_base"]
    seeds = [f"{100 * (one - before):+.1f}" for one in row["exact_of_seeds"]]
    print(f"{name:11} LoRA {in_points(gain(name, 'lora', 'alone')):24} points; by seeds", *seeds)

# %% [markdown]
# These are percentage points: of a hundred lines, how many more are right. The loss was the first adapter's; files drawn anew hardly change it, two other seeds do. No interval over places knows what another training would give. The `assert` says that we arrive at the table's numbers.
#
# ## What an interval says
#
# **Claim: there are four things to say of a difference, and "significant" knows two.** Here is the usual way to read an interval. Broken on purpose; watch what it says, and how wide the interval is.

# %%
import numpy


def usual(found):
    _, low, high = found
    return "different" if low > 0 or high < 0 else "equal"


before, after = right_at("networkx", "base", "alone"), right_at("networkx", "lora", "alone")
files = [target.group for target in asked["networkx"].targets]
mixed = numpy.random.default_rng(0).permutation(len(files))


def at_some(count):
    some = mixed[:count]
    return paired.difference(*([values[n] for n in some] for values in (before, after, files)))


for count in (20, 60, len(files)):
    print(f"{count:4} places: {in_points(at_some(count)):28} {usual(at_some(count))}")

# %% [markdown]
# Three times equal, though at twenty places the loss might be ten points, or the gain. Whoever wants to show that something makes no difference need only ask rarely. What is missing is a number that no statistics can give: **what difference would be worth anything to you?** Say three points: of a hundred lines three more. Below that you would
# not keep an index, or train anew each month. Then an interval has four places to lie in.

# %%
def verdict(found, matters):
    if matters < 0:
        raise ValueError(f"a difference of {matters} was to matter: expected 0 or more")
    _, low, high = found
    if low > matters:
        return "better"
    if high < -matters:
        return "worse"
    return "no difference that matters" if -matters <= low and high <= matters else "open"

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

MATTERS = 0.03
figure, axes = plt.subplots(figsize=(6.5, 1.7))
for y, (low, high) in enumerate([(4, 9), (-8, -3.5), (-1.5, 2), (-2, 6)]):
    axes.errorbar((low + high) / 2, y, xerr=(high - low) / 2, fmt="o", color="#4285f4", capsize=3)
    axes.text(10, y, verdict((0, low / 100, high / 100), MATTERS), va="center")
axes.axvspan(-3, 3, color="#868e96", alpha=0.25, linewidth=0)
axes.set(xlabel="points", yticks=[], xlim=(-9, 23), xticks=range(-9, 10, 3), ylim=(3.6, -0.6))
show.figure(figure, "Four intervals around a band from -3 to +3: above it is better, below it worse, inside it no difference that matters, across an edge open")

# %% [markdown]
# > **Predict.** Which of the four does each count of places above get?

# %%
for count in (20, 60, len(files)):
    print(f"{count:4} places: {in_points(at_some(count)):28} {verdict(at_some(count), MATTERS)}")

# %% [markdown]
# The usual reading asks whether the interval is clear of zero. Whether it is clear of the *band*, from minus three to three, is another question, and needs more places.
#
# `open` is the honest word for most small measurements. It means: ask at more places, or decide by something else, such as the price. It never means that two things are the same.
#
# The other word has to be earned. Here is a difference that is surely none: two halves of a long dice game, each place drawn with the same luck.

# %%
dice = numpy.random.default_rng(13)
for count in (100, 1000, 10000):
    one, other = dice.random((2, count)) < 0.3
    found = paired.difference(one.astype(float), other.astype(float), [str(n) for n in range(count)])
    print(f"{count:6} throws: {in_points(found):24} {usual(found):10} {verdict(found, MATTERS)}")

# %% [markdown]
# The usual way says "equal" from the first line on; only the last one has shown it. With `matters=0` the function answers the usual question, and with a sign turned round it judges scores of which less is better, such as bits.
#
# ## Do two helps add up?
#
# **Claim: that two things help does not mean that together they help twice; it has to be measured.** The article calls retrieval and LoRA complementary. If they are, each adds to the other what it adds alone. So take four numbers at each place: nothing,
# one, the other, both. What both have beyond the sum is the *interaction*: `both − LoRA − RAG + nothing`.

# %%
def interaction(none, one, other, both, groups):
    summed = [a + b - c for a, b, c in zip(one, other, none, strict=True)]
    return paired.difference(summed, both, groups)

# %% [markdown]
# By hand, on the strings of networkx: where one of the two helped alone, is it still right with both?

# %%
for name in ("RAG", "LoRA"):
    helped = [n for n, pair in enumerate(zip(digits["nothing"], digits[name])) if pair == ("0", "1")]
    kept = sum(digits["both"][n] == "1" for n in helped)
    print(f"{name:5} turned {len(helped):2} wrong answers into right ones; with both, {kept} of these are right")
new = sum(pattern == "0001" for pattern in at_each_place)
print(f"both  was right at {new} places where nobody else was")

# %% [markdown]
# What is shown to the model pushes out some of the open file, and an adapter that has never seen such prompts has to read them. Some of what was won is lost, and something new comes in.
#
# > **Predict.** On which of three repositories is the interaction below zero, as in "they get in each other's way"? And is its interval wider than that of a gain?

# %%
ARMS = {"RAG": ("base", "bm25"), "LoRA": ("lora", "alone"), "both": ("lora", "bm25")}
crossed = {}
for name, one in asked.items():
    files = [target.group for target in one.targets]
    none, rag, lora, both = (right_at(name, *how) for how in (("base", "alone"), *ARMS.values()))
    crossed[name] = interaction(none, rag, lora, both, files)
    for arm, how in ARMS.items():
        print(f"{name:11}{arm:12}{in_points(gain(name, *how)):24}{verdict(gain(name, *how), MATTERS)}")
    print(f"{'':11}{'interaction':12}{in_points(crossed[name]):24}{verdict(crossed[name], MATTERS)}")

# %% tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(8, 2.6), sharey=True, sharex=True)
fifth = {"both, trained together": ("retrieval", "bm25")}
described = []
for axes, name in zip(panels, asked):
    found = {arm: gain(name, *how) for arm, how in (ARMS | fifth).items() if row_of(name, *how)} | {"interaction": crossed[name]}
    for arm, (mean, low, high) in found.items():
        y = [*ARMS, *fifth, "interaction"].index(arm)
        colour = "#d9480f" if arm == "interaction" else "#4285f4"
        axes.errorbar(100 * mean, y, xerr=[[100 * (mean - low)], [100 * (high - mean)]], fmt="o", color=colour, capsize=3)
    axes.axvspan(-100 * MATTERS, 100 * MATTERS, color="#868e96", alpha=0.25, linewidth=0)
    axes.set(title=name, xlabel="points", ylim=(4.5, -0.5), yticks=range(5), yticklabels=[*ARMS, *fifth, "interaction"])
    described.append(f"{name}: " + ", ".join(f"{arm} {in_points(value)}" for arm, value in found.items()))
figure.tight_layout()
show.figure(figure, "Gains over the base in points of exact match, with intervals; a band shows what does not matter. " + "; ".join(described))

# %% [markdown]
# A gain whose whole interval lies in the grey band makes no difference that matters to this reader. None does: all are open.
#
# An interaction is made of four measurements, and one might expect its interval to be the widest of all. It is no wider than that of a gain: at the same places most errors are shared, and cancel. A red interval in the band, as in fontTools, says that they add up, as far as that matters; one
# clear of zero, that they do not; the two others leave it open. What *can* be read off is simpler, and decides: is `both` better than the better of the two alone?

# %%
for name, one in asked.items():
    alone = max(("RAG", "LoRA"), key=lambda arm: gain(name, *ARMS[arm])[0])
    found = paired.difference(right_at(name, *ARMS[alone]), right_at(name, *ARMS["both"]), [t.group for t in one.targets])
    print(f"{name:11} both beside {alone:5} alone: {in_points(found):24} {verdict(found, MATTERS)}")

# %% [markdown]
# Nowhere is that shown. One way to make two helps fit each other is to train them together: `finetune --context` shows pieces of other files in half of its examples. That is the fourth row of the figure:

# %%
for name in asked:
    pairs = (f"lora-{name}, bm25", f"retrieval-{name}, bm25")
    beside = next(pair["exact"] for pair in record["beside"] if (pair["repository"], pair["first"], pair["second"]) == (name, *pairs))
    print(f"{name:11} {in_points(gain(name, 'retrieval', 'bm25')):24} beside both as they were: {in_points(beside)}")

# %% [markdown]
# No interval of the last column lies above zero: nothing is shown to be won.
#
# ### Seventy per cent of the way
#
# The article writes that RAG gets you 70 % of the way, and LoRA 90 %. Of which way? Suppose that both together are the whole of it.

# %%
for name in asked:
    whole = gain(name, *ARMS["both"])
    shares = {arm: gain(name, *ARMS[arm])[0] / whole[0] for arm in ("RAG", "LoRA") if whole[0]}
    print(f"{name:11}", {arm: f"{share:.0%}" for arm, share in shares.items()}, f"of {in_points(whole)}")

# %% [markdown]
# A share of something that may be nothing can come out as anything: below zero, above a hundred, or not at all. Ask for points.
#
# ## Count first
#
# **Claim: before you train anything, count.** Chapter 8 mixed an [n-gram cache](../book/glossary.md#n-gram-cache) into the network's probabilities. It was asked at the same places, beside the base and beside LoRA.
#
# > **Predict.** It knows only which tokens followed which. Is it worth more than RAG, more than LoRA? And what does LoRA still add to it?

# %%
COUNTED = {"n-grams": ("base", "ngrams"), "LoRA, n-grams": ("lora", "ngrams")}
for name, one in asked.items():
    for arm, how in COUNTED.items():
        print(f"{name:11}{arm:15}{in_points(gain(name, *how)):26}{verdict(gain(name, *how), MATTERS)}")
    more = paired.difference(right_at(name, "base", "ngrams"), right_at(name, "lora", "ngrams"), [t.group for t in one.targets])
    print(f"{'':11}{'LoRA adds':15}{in_points(more):26}{verdict(more, MATTERS)}")
    ahead = paired.difference(right_at(name, "lora", "alone"), right_at(name, "base", "ngrams"), [t.group for t in one.targets])
    print(f"{'':11}{'ahead of LoRA':15}{in_points(ahead):26}{verdict(ahead, MATTERS)}")

# %% [markdown]
# Place by place the count is ahead of LoRA in every repository, clear of zero, and nobody has trained. Is it only copying? Some of the lines stand in another file too, word for word. Leave those out:

# %%
from collections import Counter
from copilot_lib import repository

for name, one in asked.items():
    texts = [one.project.stored(one.project.path(file)) or "" for file in repository.find(one.project.root)]
    count = Counter(line for text in texts for line in {line.strip() for line in text.split("\n")})
    new = [n for n, t in enumerate(one.targets) if count[(t.cursor.line_prefix + t.reference).strip()] < 2]
    was, now = ([right_at(name, "base", shown)[n] for n in new] for shown in ("alone", "ngrams"))
    found = paired.difference(was, now, [one.targets[n].group for n in new])
    print(f"{name:11}{len(new)} of {len(one.targets)} lines are new: {in_points(found):24}{verdict(found, MATTERS)}")

# %% [markdown]
# Much of the gain is lines that were written before. An editor should offer them, and the small network alone does not: what it lacks is memory, and a count is nothing else. On new lines less is left, clear of zero in networkx alone. *LoRA adds* no lines, as it gave none alone. In bits it saves 0.25 a byte of networkx alone, and 0.06 beside the count ([claims](../book/claims.md#counting-instead)): perhaps much of what it learns is memory as well.
#
# ## What it costs
#
# **Claim: an approach is paid for three times: before the first request, at every request, and when the code has moved on.** Retrieval first. An index is made when a folder is opened. (The times are your processor's.)

# %% tags=["nbval-ignore-output"]
from time import process_time
from copilot_lib import context

index = context.Index(asked["networkx"].project)
times = []
for _ in range(2):
    began = process_time()
    count = index.refresh()
    times.append(f"{count} files read in {process_time() - began:.2f} seconds of a core")
print("\nagain, with nothing changed: ".join(times))

# %% [markdown]
# At each request the index is searched, and what it finds is read by the model. What does that do to a prompt? The pocket's window is 512 tokens.

# %%
from copilot_lib.completer import Completer

completer = Completer.load("pocket")
chosen = asked["networkx"].targets[::20]
shown = [asked["networkx"].place(target, "bm25") for target in chosen]
for condition, places in (("nothing", [None] * len(chosen)), ("RAG", shown)):
    prompts = [completer.prompt(target.cursor, 64, place=place) for target, place in zip(chosen, places)]
    own = sum(prompt.prefix_count + prompt.suffix_count for prompt in prompts) / len(prompts)
    print(f"{condition:8} {own:4.0f} tokens of the open file, {sum(p.context_count for p in prompts) / len(prompts):4.0f} of others")

# %% [markdown]
# In long files nothing is added: the window is full, and other files take the place of this one's own lines. What remains is the search, and more to read where files are short.

# %% tags=["nbval-ignore-output"]
from statistics import median


def first_token_ms(target, place):
    completer.engine.forget()
    began = process_time()
    completer.complete(target.cursor, max_new_tokens=1, place=place)
    return 1000 * (process_time() - began)


times = [(first_token_ms(target, None), first_token_ms(target, place)) for target, place in zip(chosen, shown)]
alone_ms, more_ms = median(a for a, _ in times), median(b - a for a, b in times)
print(f"a first token, nothing kept from before: {alone_ms:.0f} ms alone, {more_ms:+.0f} ms with retrieval")

# %% [markdown]
# An adapter is paid for beforehand, and then costs next to nothing: it is added to the weights when it is first asked for (chapter 12).

# %%
adapting = json.loads(stored("claims/adapting.json"))
served = next(row for row in adapting["rows"] if "adapter_bytes" in row)
minutes = [minute for name in asked for minute in row_of(name, "lora", "alone")["cpu_minutes"]]
print(f"{min(minutes):.1f} to {max(minutes):.1f} minutes of one core for each training; {record['hardware']}")
print(f"{served['adapter_bytes'] / 1e6:.1f} MB to keep, loaded in {served['load_ms']:.0f} ms; an answer takes {served['answer_ms']} ms")

# %% [markdown]
# With a model of the pocket's size that is pocket money. The article's prices are those of models thousands of times larger. Now its table, with numbers in it.

# %%
APPROACHES = ARMS | fifth | COUNTED | {
    "LoRA, 20 minutes": ("longer", "alone"),
    "LoRA, half of it": ("weaker", "alone"),
    "all weights": ("whole", "alone"),
    "continued pretraining": ("undecayed", "alone"),
}
for arm, (group, condition) in APPROACHES.items():
    if not any(row_of(name, group, condition) for name in asked):
        print(f"{arm:24}not run yet")
    for name in asked:
        if row := row_of(name, group, condition):
            found, seeds = gain(name, group, condition), len(row["exact_of_seeds"])
            trained = "no training" if group == "base" else f"{seeds} seed(s)"
            print(f"{arm:24}{name:11}{in_points(found):24}{trained:13}{verdict(found, MATTERS)}")

# %%
from copilot_lib import scoreboard

UNREAD = "files not read again"
STALE = {"RAG": UNREAD, "n-grams": UNREAD, "LoRA": "changed names and habits", "all weights": "as LoRA, and stays on"}
cost = [("approach", "minutes before", "MB to keep", "tokens shown", "goes stale by")]
for arm in STALE:
    group, condition = APPROACHES[arm]
    spent = [m for name in asked for m in (row_of(name, group, condition) or {}).get("cpu_minutes", [])]
    before = f"{max(spent):.1f}" if spent else ("reading the files" if group == "base" else "not run yet")
    kept = {"LoRA": served["adapter_bytes"], "all weights": 4 * completer.model.parameters}.get(arm)
    tokens = base["bm25"]["context_tokens"] if condition == "bm25" else 0
    cost.append((arm, before, f"{kept / 1e6:.1f}" if kept else "in memory", f"{tokens:.0f}", STALE[arm]))
print(scoreboard.aligned(cost))

# %% [markdown]
# Read the two together. A gain is worth its price if the verdict is `better` and you would pay it again each time the last column happens. Where two verdicts are both `open`, take the one that is cheaper and can be taken off again.
#
# This is about a reader of five million numbers and a window of fifty lines. That retrieval does little for *it* says nothing about a model that was trained to use four thousand tokens.
#
# An adapter can be trained in other ways. Each beside LoRA as it was, at the same places; the one for three has as many steps as one of them had, or as all had. Bits see more than exact lines do, and fewer are better.

# %%
WAYS = {
    "for twenty minutes": "longer-{}",
    "at half strength": "weaker-{}",
    "all weights": "whole-{}",
    "continued pretraining": "undecayed-{}",
    "from ten files": "files-10",
    "on a release of 2022": "stale-networkx-2-8-8",
    "one for three": "pooled-490",
    "one for three, longer": "pooled-1470",
}
in_bits = "{:+.3f} ({:+.3f} to {:+.3f})".format
found_beside = {(pair["repository"], pair["first"], pair["second"]): pair for pair in record["beside"]}
other_ways = [("instead of LoRA", "asked in", "points more", "bits per byte more")]
for way, run in WAYS.items():
    for name in asked:
        if pair := found_beside.get((name, f"lora-{name}, alone", f"{run.format(name)}, alone")):
            other_ways.append((way, name, in_points(pair["exact"]), in_bits(*pair["bits"])))
    if other_ways[-1][0] != way:
        other_ways.append((way, "", "not run yet", ""))
print(scoreboard.aligned(other_ways))

# %% [markdown]
# Look for intervals that do not hold zero: of forty, two do so by chance. Twenty minutes have one seed, and gain on an adapter that was unlucky. What does an adapter's age cost, beside what few files cost? And where three share one: who pays?
#
# Every seed here is asked in the same files. In files taken out of what is learnt from, drawn three times, LoRA won 62 lines of networkx and lost 28, of sqlalchemy 31 and 29, of fontTools 41 and 56 ([claims](../book/claims.md#context-or-lora)).
#
# ## What is forgotten
#
# **Claim: all weights can learn more, and forget more; a rate that is right for an adapter is wrong for them.** Three files of networkx are gone through again and again, sixteen steps of 512 tokens. Then we ask three texts for their bits: what was learnt from, another file of networkx, and a
# file of fontTools, which is Python as well and has nothing to do with graphs.

# %%
from itertools import islice
from copilot_lib import frozen, measure, models
from copilot_lib.tuning import batches, drawing, settings, training

root = asked["networkx"].project.root
train = frozen.load(root, work / "networkx-places.json").train
few = [file for file in train if file.path.startswith("algorithms/tree/") and len(file.text) > 1000][:3]
codec = completer.model.codec


def epoch(number):
    return drawing.draw(few, codec, 512, seed=0, epoch=number)


steps = list(islice(batches.endless(epoch, 512, 4.0, codec.end_id, 0), 16))
print(*(file.path for file in few), f"{sum(batch.tokens for batch in steps)} tokens", sep="\n")

# %%
import torch


def few_steps(network, rate):
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=rate, weight_decay=0)
    for batch in steps:
        optimiser.zero_grad()
        training.weighted_loss(network, training.on_device(batch)).backward()
        optimiser.step()
    return network.eval()

# %% [markdown]
# > **Predict.** The same steps, twice each: all weights at rates of 0.001 and a tenth of that, an adapter of rank 32 at 0.001 and at 0.004, which is the package's rate. Which of the four learns most of its three files? Which loses most of fontTools?

# %%
from peft import get_peft_model

torch.set_num_threads(1)  # at this size a second thread only waits
torch.manual_seed(0)


def fresh():
    return models.load_network("pocket", "cpu")[0]


def with_lora():
    return get_peft_model(fresh(), settings.lora(fresh(), settings.Settings()))


networks = {"as it was": fresh().eval()}
for rate in (1e-3, 1e-4):
    networks[f"all weights, {rate:.4f}"] = few_steps(fresh(), rate)
for rate in (1e-3, 4e-3):
    networks[f"LoRA, {rate:.4f}"] = few_steps(with_lora(), rate).merge_and_unload()

# %%
texts = {
    "learnt from": "".join(file.text for file in few)[:6000],
    "networkx": (root / "algorithms/cycles.py").read_text()[:6000],
    "fontTools": (asked["fontTools"].project.root / "feaLib/lexer.py").read_text()[:6000],
}
changed = {name: models.of_network(name, network, codec.tokenizer) for name, network in networks.items()}
bits = {name: [measure.bits_per_byte(model, text) for text in texts.values()] for name, model in changed.items()}
print(scoreboard.aligned([("bits per byte", *texts), *((name, *(f"{value:.2f}" for value in row)) for name, row in bits.items())]))

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.5, 2.4))
for y, row in enumerate([*bits.values()][1:]):
    for value, was, text, colour in zip(row, bits["as it was"], texts, ("#2f9e44", "#4285f4", "#d9480f")):
        axes.plot(value - was, y, "o", color=colour, label=text if y == 0 else None)
axes.axvline(0, color="#868e96", linestyle=":")
axes.set(yticks=range(len(bits) - 1), yticklabels=[*bits][1:], xlabel="bits per byte more than before: to the right is forgotten")
axes.invert_yaxis()
axes.margins(y=0.2)
axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
moved = "; ".join(f"{name}: " + ", ".join(f"{text} {a - b:+.2f}" for text, a, b in zip(texts, row, bits["as it was"])) for name, row in [*bits.items()][1:])
show.figure(figure, f"Change of bits per byte after sixteen steps, for four ways to train. {moved}")

# %% [markdown]
# All four have learnt their files: the green points lie on the left. Whoever looked only at the loss of the repository would be content with each. But all weights at 0.001, though they learnt most, have paid with everything else, the rest of networkx included; the adapter at its usual rate has paid too, and got less for it. At the lower rates both do the same, and hardly anything is lost. At the cursor:

# %%
from copilot_lib.samples import gap

cursor = gap("def divide(a, b):\n    if b == 0:\n        raise ", "\n    return a / b\n")
for name, model in changed.items():
    display(show.completion(cursor, Completer(model).complete(cursor).text, name))

# %% [markdown]
# As it was the pocket raised a `ValueError`, with a message that is hardly English; so do three of four, the last with a better one. The second raises `nx.error`, of a name that this file does not know: what was learnt was not only networkx, but that everything is networkx.
#
# At the same rate an adapter moves less than all weights do, learns less and forgets less. Does a low rank protect beyond that? Here it does not: where both learn the same, both lose the same. What protects is a low rate and few steps. So compare approaches each at a rate that suits it, as the sweep does. The long form, each
# repository's model asked at the other repositories:

# %%
forgotten = {(row["run"], row["repository"]): row["bits_above_base"] for row in record["rows"] if row["condition"] == "alone"}
beside = [("learnt from", *(f"asked in {name}" for name in asked))]
for way, run in {"all weights": "whole", "LoRA": "lora"}.items():
    for name in asked:
        found = [forgotten.get((f"{run}-{name}", other)) for other in asked]
        beside.append((f"{name}, {way}", *(in_bits(*bits) if bits else "not run yet" for bits in found)))
print("bits per byte above the base:", scoreboard.aligned(beside), sep="\n")

# %% [markdown]
# Where the two names are one, look which intervals lie below zero: these have learnt. Everywhere else the numbers are above zero, LoRA's too: code of other people surprises it more than before. An adapter spares a part of that, not all. But it can be taken off.
#
# ## Your own numbers
#
# **Claim: a few commands and one evening say for your repository what can be said.** Count, retrieve, train, and compare at the same places. What was said is kept, so nobody is asked twice.
#
# ```console
# $ python -m copilot_lib evaluate ~/my-project --targets 500 --compare pocket pocket+ngrams
# $ python -m copilot_lib evaluate ~/my-project --targets 500 --compare pocket pocket+bm25
# $ python -m copilot_lib finetune ~/my-project --name mine --minutes 20 --targets 0
# $ python -m copilot_lib evaluate ~/my-project --targets 500 --compare pocket adapter:mine
# $ python -m copilot_lib evaluate ~/my-project --targets 500 --compare adapter:mine adapter:mine+bm25
# ```
#
# `adapter:mine+bm25+ngrams` is everything; `finetune --context` trains them together. In `results.json` there is a difference with its interval for each pair and kind of cursor, and `verdict` reads it. Here is the one that chapter 9 stored:

# %%
for pair in json.loads(stored("evaluation/networkx.json"))["pairs"]:
    if pair["first"] == "pocket" and pair["metric"] == "exact":
        found = pair["difference"]
        print(f"{pair['second']}, {pair['kind']:13} {pair['targets']} places  {in_points(found):24} {verdict(found, MATTERS)}")

# %% [markdown]
# The last line needs a warning. Where both were right at the same places, or nowhere, resampling draws nothing but zeros, and the interval is a point. That is not certainty: what was not seen in `n` places may still be there at about three in `n` of them, so here at three in a hundred, and
# such a verdict is worth that much.
#
# How many places? [Chapter 9](09_evaluation.ipynb) has the formula: it depends on how often two disagree, which you know after a first run, and on what matters to you.

# %%
disagree = sum(a != b for a, b in zip(digits["nothing"], digits["LoRA"])) / len(digits["LoRA"])
print(f"they disagree at {disagree:.0%}; places that are needed, in four cases of five:")
for gained in (0.08, 0.05, MATTERS):
    spread, more = disagree - gained**2, gained - MATTERS
    clear = (1.96 * disagree**0.5 + 0.84 * spread**0.5) ** 2 / gained**2
    better = f"{(1.96 + 0.84) ** 2 * spread / more**2:5.0f}" if more > 0 else "never"
    print(f"{100 * gained:3.0f} points gained: until they are clear of zero {clear:4.0f}, until they are `better` {better}")
print(f"nothing gained: until `no difference that matters` {(1.96 + 1.28) ** 2 * disagree / MATTERS**2:.0f}")

# %% [markdown]
# A small repository does not have so many lines to ask about, and a gain of just what matters stays `open` however many there are. Then the price decides.
#
# ## The same, from the library

# %%
from copilot_lib.metrics import interval

draws = [tuple(sorted(three)[n] for n in (1, 0, 2)) for three in dice.normal(0, 0.05, (500, 3))]
assert all(verdict(found, MATTERS) == paired.verdict(found, MATTERS) for found in draws)
fours = (right_at("fontTools", *how) for how in (("base", "alone"), *ARMS.values()))
each = [d - b - c + a for a, b, c, d in zip(*fours)]
files = [target.group for target in asked["fontTools"].targets]
assert numpy.allclose(interval(each, files), crossed["fontTools"])
sorted({paired.verdict(found, MATTERS) for found in draws})

# %% [markdown]
# ## Measure
#
# A row for LoRA on the scoreboard? Its sixty places are in networkx too. How many of them lie in files that an adapter of networkx has *not* learnt from?

# %%
learnt = {f"networkx/{file.path}" for file in train}
fair = [target for target in scoreboard.targets() if target.group not in learnt]
f"{len(fair)} of {len(scoreboard.targets())}"

# %% [markdown]
# At the others it would be asked about what it has read. So there is no such row: with most of its places known, the number would look splendid, and with the few that are left it would say nothing. Retrieval and count may be shown, as they never see the open file as it is stored. At all sixty places:

# %%
from copilot_lib.baselines import empty, ngram

where = {target.cursor: target.group.removeprefix("networkx/") for target in scoreboard.targets()}
retrieving = context.with_index(index)[-1:]


def alone(cursor):
    return completer.complete(cursor).text


def with_ngrams(cursor):
    return completer.complete(cursor, ngrams=asked["networkx"].cache.at(where[cursor])).text


def with_bm25(cursor):
    return completer.complete(cursor, place=context.place(asked["networkx"].project, where[cursor], retrieving)).text


scoreboard.table([scoreboard.score(method.__name__, method) for method in (empty, ngram, alone, with_bm25, with_ngrams)])

# %% [markdown]
# ## What goes wrong
#
# - **"No significant difference, so we took the cheap one."** The interval reached from eight points worse to nine better. Say what matters, and read the verdict: `open` is a reason to ask more, or to say that you decide by price.
# - **`a difference of -0.03 was to matter: expected 0 or more`.** What matters has no sign; the two sides of the band have.
# - **The adapter is splendid on your own test.** The test was learnt from. `finetune` and `evaluate` set the same files aside for the same `--seed`; with another seed they do not.
# - **The loss falls and the editor gets worse.** All weights, a high rate, few files. Watch a text that has nothing to do with the repository, and compare it before and after.
# - **`pip could not fetch networkx==3.6.1, which needs a network: …`.** Another release is installed than was measured. Its lines are others, so pip fetches that one. Or install the tested set (constraints.txt).
#
# ## Exercises
#
# **1. What to build** (two lines). `rows` are `(name, interval, price)`. Return the name of the cheapest one whose verdict is `better`, or `None` where there is none. Use `verdict`.

# %%
from copilot_lib import checks


def to_build(rows, matters):
    ...


checks.check_13_to_build(to_build)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def to_build(rows, matters):
#     worth_it = [(price, label) for label, gained, price in rows if verdict(gained, matters) == "better"]
#     return min(worth_it)[1] if worth_it else None
# ```
#
# To build nothing is a decision as well, and the most frequent right one.
# </details>
#
# **2. Won and lost** (three lines). Three strings of digits: one help alone, another alone, both. Return a pair: at how many places `both` is right where neither was alone, and at how many it is wrong where at least one was right.

# %%
def won_and_lost(one, other, both):
    ...


checks.check_13_won_and_lost(won_and_lost)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def won_and_lost(one, other, both):
#     places = [("1" in (x, y), z == "1") for x, y, z in zip(one, other, both, strict=True)]
#     more = sum(together and not apart for apart, together in places)
#     return more, sum(apart and not together for apart, together in places)
# ```
#
# Beside each other the two numbers say more than their difference: a small sum of large parts is a reason to look at the places.
# </details>
#
# **3. Your repository** (open). Before you run the commands above, write down what difference would matter to you, and what you would do at each of the four verdicts. Then run them. Did you want to change the number afterwards?

# %% [markdown]
# ## Recap
#
# - An interval and what matters give one of four verdicts; `open` is not "equal", and "no difference that matters" has to be shown.
# - Whether two helps add up is a difference of differences, measured at the same places, and seldom what decides. Compare both with the better one alone.
# - Count before you train: it costs a reading of the files. Retrieval is paid for at each request, training before the first one, and each goes stale in its own way. Put the columns beside the gain.
# - All weights at an adapter's rate learn three files and forget Python. The loss of the repository does not show it.
#
# What stays: `paired.verdict`, and a table whose empty lines are visible. Next: so far the question was a cursor. What if it is a sentence, and what if your copilot learns from what you accept?
#
# Further reading
#
# - [LoRA Learns Less and Forgets Less](https://arxiv.org/abs/2405.09673): both halves of the title, measured on code with large models.
# - [RAG vs Fine-tuning](https://arxiv.org/abs/2401.08406): the same 2×2, on a farm's questions instead of code, and with larger models.
# - [Absence of evidence is not evidence of absence](https://doi.org/10.1136/bmj.311.7003.485): one page about the word "equal", by statisticians of medicine.
# - [Bayesian Estimation Supersedes the t Test](https://doi.org/10.1037/a0029146): where the band of what does not matter is called a region of practical equivalence.
