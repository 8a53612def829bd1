# ---
# jupyter:
#   copilot_lib:
#     teaches: [sampling.probabilities, sampling.pick, stopping.columns, stopping.first_outside, stopping.dedents, stopping.ends_statement]
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
# # 2. Left to right
#
# At the end of this chapter you can write the loop that turns a language model into a completer, choose how it picks its
# words, and stop it in time. You will also know what it can never see.
#
# ```text
#  1 │ def parse_config(filepath):
#  2 │     """Load the settings …"""
#  3 │     ▏ ──→ model ──→ one token ─┐
#    │     ▲                          │
#    │     └── append, ask again ─────┘
# ```
#
# (Drawn by hand. The pictures below come from the model.)
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 60 minutes | any; no GPU | [1](01_the_cursor.ipynb) | [token](../book/glossary.md#token), [logits](../book/glossary.md#logits), [greedy](../book/glossary.md#greedy), [key-value cache](../book/glossary.md#key-value-cache), [temperature](../book/glossary.md#temperature), [top-k](../book/glossary.md#top-k), [top-p](../book/glossary.md#top-p), [end token](../book/glossary.md#end-token) |
#
# You will
#
# - write the decoding loop by hand: tokens in, scores out, the best one appended;
# - keep keys and values, so that each new token costs one token's work, and prove that nothing else changes;
# - turn scores into chances, and change them with temperature, top-k and top-p;
# - stop a completion where the reader of the code would, and measure what is left.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# Chapter 1 ended with an n-gram, the best completer we had. Here it is asked to write the body of a function.
# The docstring says what the body has to do, and nothing comes after.

# %%
from copilot_lib import show
from copilot_lib.baselines import ngram
from copilot_lib.samples import EXAMPLES

cursor = EXAMPLES["parse_config"]
show.completion(cursor, ngram(cursor), "the 6-gram of chapter 1")

# %% [markdown]
# It repeats the docstring. It has to: after a line's indentation this file has only ever had a docstring, and the n-gram knows
# nothing but this file. A language model was trained on many files. It gives a guess for a context that nobody has seen before.
#
# ## One step
#
# **Claim: a language model does one thing. Given tokens, it gives every token of its vocabulary a score for coming next.**
# A *token* is a piece of text with a number. The model's own tokenizer cuts the text; a dot is a blank, the arrow a newline:

# %%
from copilot_lib import models

model = models.load()
network, codec = model.network.float(), model.codec  # 32 bits on every device, so that sums agree
ids = codec.encode(cursor.prefix)
show.tokens([codec.decode([token]) for token in ids], caption=f"{len(ids)} tokens")

# %% [markdown]
# Frequent words are one token, rare ones several, an indentation is one. Now the network itself, as transformers loads it,
# with no help from any method of generation:

# %%
import torch


@torch.inference_mode()
def scores(ids):
    """A row of scores after each of the tokens."""
    return network(torch.tensor([ids], device=network.device)).logits[0].cpu().numpy()


logits = scores(ids)
logits.shape

# %% [markdown]
# One row for each token of the text, one column for each token of the vocabulary. Row *n* scores what may follow the
# tokens up to *n*. Such scores are called *logits*. For a completion only the last row counts.
#
# If torch and numpy are new to you, this is all of them that the chapter needs. Both are tables of numbers: torch's *tensors* go into
# the network, numpy's *arrays* come out. A network takes several texts at once, so one text is a list in a list (`[ids]`), and `[0]`
# takes its result out. `logits[-1]` is the last row. `argmax()` is the position of the largest number in it, `argsort()` gives all
# positions from the smallest number to the largest, and `[::-1][:5]` turns that around and keeps five. Arithmetic works on a whole
# array at once. `inference_mode` tells torch that nothing will be trained.
#
# > **Predict.** How would you begin the body of `parse_config`? Write down three words before you look at the model's five.

# %%
best = logits[-1].argsort()[::-1][:5].tolist()
[(codec.decode([token]), round(float(logits[-1][token]), 1)) for token in best]

# %% [markdown]
# Each entry is a text and its score; higher is likelier, and only differences between scores mean anything. Taking the
# highest is called *greedy*. At the cursor that is one token of ghost text:

# %%
token = int(logits[-1].argmax())
show.completion(cursor, codec.decode([token]))

# %% [markdown]
# ## The loop
#
# **Claim: a completion is this step, repeated.** Append the token, ask again. You wrote the same loop around the n-gram;
# only the line that asks is new. Two things end it: a limit, or an *end token*, one of a few special ids that stand for no text.

# %%
def greedy(ids, max_new_tokens):
    ids, prompt = list(ids), len(ids)
    while len(ids) - prompt < max_new_tokens:
        token = int(scores(ids)[-1].argmax())
        if token in codec.stop_ids:
            break
        ids.append(token)
    return ids[prompt:]


written = greedy(ids, 24)
show.completion(cursor, codec.decode(written), "24 tokens, one by one")

# %% [markdown]
# That is what the model really says at `parse_config`, one of this book's four examples, with no text tidied and no better example
# picked. Read it as a reviewer: is it Python, and does it load a JSON file? A model of five million numbers often gets
# the shape of code right and its meaning wrong. The loop is the same for a model a thousand times larger.
#
# Is our loop the real one? transformers has its own, `generate`. Both have to give the same tokens.

# %%
def generated(ids, max_new_tokens):
    prompt = torch.tensor([ids], device=network.device)
    options = {"eos_token_id": sorted(codec.stop_ids), "pad_token_id": codec.end_id}
    options |= {"max_new_tokens": max_new_tokens, "do_sample": False}
    output = network.generate(prompt, attention_mask=torch.ones_like(prompt), **options)
    return [token for token in output[0, len(ids) :].tolist() if token not in codec.stop_ids]


assert generated(ids, 24) == written
len(written)

# %% [markdown]
# ## Keep what was computed
#
# Our loop wastes work. To get one more token it sends the whole text through the network again.
#
# **Claim: what the network computed for earlier tokens does not change when later ones come.** Each token looks only at those
# before it (*causal attention*). So rows that we have already seen have to come out the same for a longer text:

# %%
import numpy

longer = scores([*ids, *written])
numpy.allclose(longer[: len(ids)], logits, atol=1e-3), len(longer) - len(ids)

# %% [markdown]
# What later tokens need from earlier ones are two lists of numbers in each layer, the *keys* and *values*. Keep
# them, and each step feeds one token only.
#
# > **Predict.** The prompt has about thirty tokens and we write 24. How many tokens go through the network without the cache,
# > and how many with it?

# %%
without = sum(len(ids) + step for step in range(24))
kept = len(ids) + 23
without, kept

# %% [markdown]
# The last token need not be fed, since nobody asks what follows it (the loop below does it all the same, to stay short). The difference grows with the square of the length. Now
# the loop with a cache: `feed` sends new tokens only, and the cache object collects their keys and values.

# %%
from transformers import DynamicCache


@torch.inference_mode()
def feed(new_ids, cache):
    """The scores after the last of the new tokens; the cache grows by all of them."""
    new = torch.tensor([new_ids], device=network.device)
    return network(new, past_key_values=cache, use_cache=True).logits[0, -1].cpu().numpy()


def greedy_cached(ids, max_new_tokens):
    cache, written = DynamicCache(config=network.config), []
    logits = feed(ids, cache)
    while len(written) < max_new_tokens and (token := int(logits.argmax())) not in codec.stop_ids:
        written.append(token)
        logits = feed([token], cache)
    return written


show.completion(cursor, codec.decode(greedy_cached(ids, 24)), "the same 24 tokens, from the cache")

# %% [markdown]
# One equal picture proves little. All four examples, 20 tokens each, by the three loops:

# %%
for name, example in EXAMPLES.items():
    prompt = codec.encode(example.prefix)
    assert greedy_cached(prompt, 20) == greedy(prompt, 20) == generated(prompt, 20), name
list(EXAMPLES)

# %% [markdown]
# The saving on this machine; the numbers differ from run to run, so look at their ratio:

# %% tags=["nbval-ignore-output"]
from time import perf_counter

for loop in (greedy, greedy_cached):
    began = perf_counter()
    loop(ids, 48)
    print(f"{loop.__name__:14} {(perf_counter() - began) * 1000:6.0f} ms for 48 tokens")

# %% [markdown]
# ### Broken on purpose
#
# A cache is also a new way to be wrong. Here somebody wrote the loop with one slip: the new token goes in, but the
# cache does not come along. No error, no warning. See what it does at the cursor.

# %%
def greedy_forgetful(ids, max_new_tokens):
    logits, written = feed(ids, DynamicCache(config=network.config)), []
    for _ in range(max_new_tokens):
        written.append(int(logits.argmax()))
        logits = feed(written[-1:], DynamicCache(config=network.config))
    return written


forgetful = greedy_forgetful(ids, 12)
show.completion(cursor, codec.decode(forgetful), "the cache was left behind")

# %% [markdown]
# Only the first token was asked for with the whole text. After it the network sees one token and nothing else, so the same token always has the same
# follower. You met that in chapter 1: it is a 2-gram, five million numbers wide, and it must run in a circle. The proof
# counts how many different followers any token has:

# %%
from itertools import pairwise


def most_followers(ids):
    return max(len({after for before, after in pairwise(ids) if before == token}) for token in ids)


most_followers(forgetful), most_followers(codec.encode(EXAMPLES["Calculator"].text))

# %% [markdown]
# The first number can only be 1. The second is a person's, over the calculator: there the same token is followed by different
# ones, because the context decides. Small models circle with a healthy cache too, in larger circles: greedy text that
# repeats makes its own repetition likelier. So the test for a cache is not how the text looks. It is the `assert` above.
#
# ## Choosing a token
#
# Greedy takes the best token and forgets how close the others were. **Claim: scores are chances in disguise, and three
# settings reshape them.** To get chances, raise *e* to each score and divide by the sum (*softmax*). By hand, for three scores:

# %%
three = numpy.array([2.0, 1.0, -1.0])
weights = numpy.exp(three)
(weights / weights.sum()).round(3).tolist()

# %% [markdown]
# *Temperature* divides the scores first. Below 1 it widens the gaps, above 1 it narrows them, and at 0 we mean greedy. The same
# three scores at three temperatures:

# %%
for temperature in (0.5, 1, 2):
    weights = numpy.exp(three / temperature)
    print(temperature, (weights / weights.sum()).round(3).tolist())

# %% [markdown]
# *Top-k* keeps the *k* likeliest tokens. *Top-p* keeps the fewest tokens that together reach the share *p*. What is cut
# gets chance 0, and the rest is scaled to sum to 1 again. All three in one function:

# %%
def probabilities(logits, temperature=1.0, top_k=0, top_p=1.0):
    logits = numpy.asarray(logits, dtype=numpy.float64)
    if temperature == 0:
        top_k, temperature = 1, 1.0
    with numpy.errstate(over="ignore"):
        weights = numpy.exp((logits - logits.max()) / temperature)
    order = numpy.argsort(-logits, kind="stable") if top_k or top_p < 1 else None
    if top_k:
        weights[order[top_k:]] = 0
    weights /= weights.sum()
    if top_p < 1:
        before = numpy.cumsum(weights[order]) - weights[order]
        weights[order[before >= top_p]] = 0
    return weights / weights.sum()


for settings in ({}, {"temperature": 0.5}, {"temperature": 0}, {"top_k": 2}, {"top_p": 0.7}):
    print(f"{settings!s:22}", probabilities(three, **settings).round(3).tolist())

# %% [markdown]
# Subtracting the largest score changes nothing in the result and keeps `exp` from overflowing. `before` is the share that the
# likelier tokens have already: a token is cut if they reach *p* without it. So at least one always stays.
#
# Now real scores: the first token at our cursor, under three temperatures. Look at how far the bars fall from left to right.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

temperatures = (0.2, 1.0, 2.0)
likeliest = logits[-1].argsort()[::-1][:10]
figure, axes = plt.subplots(figsize=(7, 3))
for n, temperature in enumerate(temperatures):
    chances = probabilities(logits[-1], temperature)[likeliest]
    axes.bar(numpy.arange(10) + (n - 1) * 0.28, chances, 0.26, label=f"temperature {temperature}")
labels = [codec.decode([token]).replace("\n", "↵").replace(" ", "·") for token in likeliest]
axes.set_xticks(range(10), labels, rotation=30)
axes.set(ylabel="chance of the next token")
axes.legend(frameon=False)
show.figure(figure, "Chances of the ten likeliest next tokens at the cursor in parse_config: "
            "the bars fall steeply at temperature 0.2, less steeply at 1, hardly at 2")

# %% [markdown]
# The order of the bars is the same at each temperature; only their heights differ. The higher the temperature, the less the ten
# hold together: the rest lies on thousands of tokens that are not drawn here, most of them nonsense. That tail is why top-k
# and top-p exist.
#
# > **Predict.** Top-p 0.95 keeps as many tokens as it needs. Take each place in the text of `parse_config` in turn: what
# > is the smallest number of tokens kept, and what is the largest?

# %%
nucleus = [int(numpy.count_nonzero(probabilities(row, top_p=0.95))) for row in logits]
min(nucleus), int(numpy.median(nucleus)), max(nucleus), logits.shape[1]

# %% tags=["hide-input"]
labels = [codec.decode([token]).replace("\n", "↵").replace(" ", "·") for token in ids]
figure, axes = plt.subplots(figsize=(8, 3))
axes.bar(range(len(ids)), nucleus, color="tab:blue")
axes.axhline(40, color="tab:orange", label="top-k 40, everywhere")
axes.set_xticks(range(len(ids)), labels, rotation=75, fontsize=8)
axes.set(yscale="log", ylabel="tokens that top-p 0.95 keeps")
axes.legend(frameon=False)
show.figure(figure, "Tokens kept by top-p 0.95 after each token of parse_config, logarithmic: "
            "a handful at some places, hundreds and more at others; top-k keeps 40 everywhere")

# %% [markdown]
# Each bar stands over the token that has just been read. Where the syntax decides, a handful remain; where a name, a word or
# a statement begins, hundreds do. Top-k 40 is too many for the first and too few for the second. That is the case for top-p.
#
# What is left is to draw. Lay the chances end to end on a line of length 1 and throw a dart:

# %%
def pick(probabilities, random):
    ends = numpy.cumsum(probabilities)
    return int(numpy.searchsorted(ends, random.random() * ends[-1], side="right"))


chances, dice = probabilities(logits[-1]), numpy.random.default_rng(0)
draws = [pick(chances, dice) for _ in range(2000)]
for token in best:
    print(f"{codec.decode([token])!r:12} {chances[token]:.2f} {draws.count(token) / 2000:.2f}")

# %% [markdown]
# Text, chance, share of 2,000 draws: the last two agree to a hundredth or two. The loop with a draw in it:

# %%
def sampled(ids, max_new_tokens, seed, **settings):
    random, written = numpy.random.default_rng(seed), []
    logits = feed(ids, cache := DynamicCache(config=network.config))
    while len(written) < max_new_tokens:
        token = pick(probabilities(logits, **settings), random)
        if token in codec.stop_ids:
            break
        written.append(token)
        logits = feed([token], cache)
    return written


assert sampled(ids, 12, seed=7) == sampled(ids, 12, seed=7)
assert sampled(ids, 12, seed=7, temperature=0) == written[:12]

# %% [markdown]
# The same seed gives the same text, and temperature 0 gives the greedy one. A single sampled text tells you nothing about a
# setting: the next seed gives another. So count. Ten seeds, six tokens each: how many *different* completions?

# %%
def distinct(**settings):
    return len({tuple(sampled(ids, 6, seed, **settings)) for seed in range(10)})


for temperature, top_k in ((0, 0), (0.2, 0), (1, 0), (1, 2)):
    count = distinct(temperature=temperature, top_k=top_k)
    print(f"{count:2} of 10 at temperature {temperature}" + f", top-k {top_k}" * (top_k > 0))

# %% [markdown]
# At temperature 0 the dice do not matter. At 0.2 five completions share the ten draws, and at 1 no two agree. Even where
# only the two likeliest tokens may come, most differ: two choices, six times, are 64 ways to go.
#
# *Build Your Own Copilot in Pure Python*, the article that this book follows, samples at temperature 0.2 with top-p 0.95, as many demonstrations do. An editor asks again at each
# keystroke, and a suggestion that changes though the file did not is unsettling. So this book is greedy unless it says otherwise.
#
# ## Stopping
#
# **Claim: a left-to-right model has no reason to stop.** It was trained on whole files. After a function comes the next function,
# and the end token stands only where a *file* ended.
#
# > **Predict.** 80 tokens at most for each of the four examples. How many of the four end by themselves?

# %%
LIMIT = 80
written = {name: greedy_cached(codec.encode(at.prefix), LIMIT) for name, at in EXAMPLES.items()}
answers = {name: codec.decode(tokens) for name, tokens in written.items()}
[(name, len(tokens), len(answers[name].splitlines())) for name, tokens in written.items()]

# %% [markdown]
# Name, tokens, lines. An answer of 80 tokens ran into the limit; only a shorter one ended by itself, and there is none. The limit, `max_new_tokens`, is
# needed, and it is a poor judge: it cuts in the middle of a line. Here is `fibonacci`, where one expression was asked for:

# %%
fibonacci = EXAMPLES["fibonacci"]
first_lines = answers["fibonacci"].splitlines(keepends=True)[:9]
show.completion(fibonacci, "".join(first_lines), "how the answer begins")

# %% [markdown]
# The caret is in the last line of a function. Everything that is indented less than that line is another matter, which nobody asked
# about. This is a rule that needs no model: *end where a line is indented less than the cursor's block*. First, how far a line is
# indented; then, how far the text before the cursor is:

# %%
TAB_COLUMNS = 4


def columns(line):
    line = line.expandtabs(TAB_COLUMNS)
    return len(line) - len(line.lstrip(" "))


columns("\treturn 1"), columns(fibonacci.line_prefix), columns(EXAMPLES["Calculator"].line_prefix)

# %% [markdown]
# The first line of a completion continues the cursor's, so the rule begins with the second. One exception: inside open
# brackets Python ignores indentation, and a closing bracket often stands further left. `brackets_open` counts those that are open, and
# `code_above` gives the text to count in: from the last unindented definition to the cursor.

# %%
from copilot_lib.cursor import Cursor, line_spans
from copilot_lib.stopping import brackets_open, code_above, goes_on


def first_outside(text, cursor, leaves):
    above = code_above(cursor)
    for start, end in line_spans(text)[1:]:
        line = text[start:end]
        if line.strip() and leaves(line) and not brackets_open(above + text[:start]):
            return len(text[:start].rstrip())
    return None


def dedents(text, cursor):
    block = columns(cursor.line_prefix)
    return first_outside(text, cursor, lambda line: columns(line) < block)


by_hand = "max(\n    n, 1\n)\n\n\nclass Next:\n    pass"
show.completion(fibonacci, by_hand[: dedents(by_hand, fibonacci)], "a text written by hand, cut")

# %% [markdown]
# The lone closing bracket stayed, and the class is gone. `None` means that the completion never left the block. On the model's answers:

# %%
cuts = {name: dedents(answers[name], EXAMPLES[name]) for name in EXAMPLES}
[(name, len(answers[name]), cuts[name]) for name in EXAMPLES]

# %%
show.completion(fibonacci, answers["fibonacci"][: cuts["fibonacci"]], "fibonacci, inside its block")

# %% [markdown]
# Name, characters written, characters kept. Where a number stands, the tokens after it were wasted; a real loop asks the
# rule after each token and stops there. Where `None` stands, the limit cut. The rule judges where the text ends. It can't judge whether
# the text is right, as the picture may remind you.
#
# One step further: who has typed `return ` wants the rest of that line, and who has typed `def area(` wants a body with it. Both are
# *one statement*: the line, what is indented more, and clauses such as `else`, which `goes_on` knows. On a line that is still blank, or
# after a comment, a decorator or a backslash, more may come. The same helper says it:

# %%
def ends_statement(text, cursor):
    begun = cursor.line_prefix.strip()
    if not begun or begun.startswith(("#", "@")) or begun.endswith("\\"):
        return None
    own = columns(cursor.line_prefix)
    return first_outside(text, cursor, lambda line: columns(line) < own or (columns(line) == own and not goes_on(line)))


begun = Cursor("left = 0\nright = ", 17)
two = "len(items)\nwhile left < right:"
show.completion(begun, two[: ends_statement(two, begun)], "a text written by hand, cut")

# %% [markdown]
# ## It cannot see below
#
# **Claim: what stands under the cursor does not exist for this completer.** Its prompt is the prefix. Two files that differ
# only below the cursor are the same question:

# %%
search = EXAMPLES["binary_search"]
alone = Cursor(search.prefix, search.offset)
codec.plain(search.prefix).ids == codec.plain(alone.prefix).ids, search.suffix == alone.suffix

# %%
show.completion(search, answers["binary_search"][:120], "binary_search, left to right")

# %% [markdown]
# Those are its first 120 characters. They begin with an `if`, which is luck: they are no answer to the `elif` below, which the model has not seen.
# There is an opposite fault. Code below the cursor is often the likeliest continuation, since somebody
# wrote it as one, and a model that can't see it writes it again.

# %%
above = """\
class Node:
    def __init__(self, value, left, right):
        self.value = """
below = "\n        self.left = left\n        self.right = right\n"
node = Cursor(above + below, len(above))
again = codec.decode(greedy_cached(codec.encode(above), 32))
show.completion(node, again)

# %% [markdown]
# One value was asked for, and a wrong one came. Then the model writes both lines that the file already has (numbered, after the grey
# ones), and circles in the second. The two rules in
# `copilot_lib/stopping.py` that are left end both: `repeats_itself` where lines come that it has just written, `repeats_suffix`
# where the next line with text below the cursor would come a second time.

# %%
from copilot_lib.stopping import repeats_suffix

show.completion(node, again[: repeats_suffix(again, node)], "the same answer, cut")

# %% [markdown]
# A rule can take a repetition away. It can't correct the 0, or tell the model that an `elif` follows. For that the
# model has to read both sides, which is the next chapter.
#
# ## The same, from the library
#
# The loop lives in [`copilot_lib/engine.py`](../copilot_lib/engine.py), the choice in
# [`copilot_lib/sampling.py`](../copilot_lib/sampling.py), the rules in [`copilot_lib/stopping.py`](../copilot_lib/stopping.py). Do they agree with ours?

# %%
from copilot_lib import sampling, stopping
from copilot_lib.engine import Engine
from copilot_lib.runner import TorchRunner
from copilot_lib.sampling import Sampling

engine = Engine(TorchRunner(network))
limits = {"stop_ids": codec.stop_ids, "max_new_tokens": 16}
drawn = Sampling(temperature=0.7, top_p=0.9, seed=3)
for name, at in EXAMPLES.items():
    prompt = codec.encode(at.prefix)
    assert list(engine.generate(prompt, **limits)) == greedy_cached(prompt, 16)
    theirs = list(engine.generate(prompt, **limits, sampling=drawn))
    assert theirs == sampled(prompt, 16, seed=3, temperature=0.7, top_p=0.9)
    assert stopping.dedents(answers[name], at) == cuts[name]
    assert stopping.ends_statement(answers[name], at) == ends_statement(answers[name], at)
settings = {"temperature": 0.7, "top_k": 40, "top_p": 0.9}
assert (sampling.probabilities(logits[-1], **settings) == probabilities(logits[-1], **settings)).all()

# %% [markdown]
# The engine goes one step further with the cache: it keeps it *between* requests. Ask once, type one character, ask again:

# %%
for typed in (cursor.prefix, cursor.prefix + "w"):
    run = engine.generate(codec.encode(typed), **limits)
    list(run)
    print(f"{run.prompt_tokens} prompt tokens: {run.reused} reused, {run.computed} computed;", run.stopped)

# %% [markdown]
# The second request computes next to nothing, because its tokens begin like those of the first. The last word says why the
# loop ended; `length` is the limit. The settings also refuse what makes no sense:

# %%
try:
    Sampling(temperature=-1)
except ValueError as error:
    print(error)

# %% [markdown]
# ## Measure
#
# The sixty gaps of chapter 1 ask for the rest of a line, so we stop at the first newline. `codec.plain` keeps the end of a prefix
# that would not fit into the model's context. `characters` turns tokens into text without ever splitting a character in two.

# %%
from functools import lru_cache
from copilot_lib.stream import characters


@lru_cache(maxsize=1000)  # the scoreboard and the next cells ask at the same places
def left_to_right(cursor, max_new_tokens=24):
    prompt = codec.plain(cursor.prefix, model.context_tokens - max_new_tokens).ids
    run = engine.generate(prompt, stop_ids=codec.stop_ids, max_new_tokens=max_new_tokens)
    text = ""
    for piece in characters(run, codec.tokenizer):
        text += piece
        if "\n" in text:
            break
    return text.split("\n")[0]


left_to_right(cursor)

# %% [markdown]
# > **Predict.** The best baseline is the 6-gram. Does the model beat it, on exact matches and on similarity?

# %%
from copilot_lib import scoreboard
from copilot_lib.baselines import empty, last_line, most_frequent_line

targets = scoreboard.targets()
methods = (empty, last_line, most_frequent_line, ngram, left_to_right)
rows = [scoreboard.score(method.__name__, method, targets) for method in methods]
scoreboard.table(rows)

# %% [markdown]
# The last row is this chapter's. In exact matches the model is level with the n-gram. In similarity it is behind it, and ahead of
# everything that copies whole lines. A likely reason: the n-gram copies names exactly, which a small model finds hard. Sixty targets are few: in exact matches a
# single one is worth 1.7 points.
#
# A model has one thing that the baselines lack: it says how sure it is. Here is the mean chance (geometric, over the tokens) that it
# gives its own answer, next to the score of that answer.

# %%
def confidence(cursor, answer):
    before = codec.plain(cursor.prefix, 128).ids  # the nearest text is enough for this
    new = codec.encode(answer + "\n")[:64]
    after = scores([*before, *new])[len(before) - 1 :]
    chances = [probabilities(row)[token] for row, token in zip(after, new)]
    return float(numpy.exp(numpy.log(chances).mean()))


sure = [confidence(target.cursor, left_to_right(target.cursor)) for target in targets]
good = [scoreboard.score("one", left_to_right, [target]).similarity for target in targets]
halves = numpy.array(good)[numpy.argsort(sure)].reshape(2, -1)
print("mean similarity: unsure half {:.2f}, sure half {:.2f}".format(*halves.mean(axis=1)))

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6, 3))
axes.scatter(sure, good, alpha=0.7)
axes.set(xlabel="confidence: mean chance of a token of the answer", ylabel="edit similarity")
axes.set(xlim=(0, 1), ylim=(-0.05, 1.05))
show.figure(figure, "Sixty dots: the model's confidence in its answer against "
            "the edit similarity of the answer to what the author wrote")

# %% [markdown]
# Each dot is one gap. The two halves differ by a hundredth: on these sixty, how sure the model was says next to nothing about how good its
# answer was. The three surest are right, and the dots left of them lie as low as any. Dots at the right bottom are the dangerous
# ones, sure and wrong. Before an editor stays silent by such a number, it has to be tried on many more places.
#
# ## What goes wrong
#
# - `IndexError: index out of range in self`: prompt and completion together are longer than the model's positions. Cut the
#   *beginning* of the prefix, as `codec.plain(prefix, tokens)` does. The engine says it before it starts: `the prompt has 600 tokens:
#   this model takes 511; lower the token budgets`.
# - The first request is good, the second is nonsense: keys and values of another text are still in the cache. Cut it back to
#   what both texts share.
# - ``Calling `crop` with a positive value is not supported``: older programs gave `crop` the length to keep, newer versions of
#   transformers want the number of tokens to remove, as a negative number. `copilot_lib/runner.py` is the only place here that has to know.
# - `ValueError: temperature is -1: expected a finite number, 0 (the likeliest token) or more`: 0 is the lowest there is. Unchecked, a
#   negative temperature prefers the *worst* token and raises nothing.
# - `�` in the text: single tokens were decoded, and one of them held half a character. Decode them together, or use `characters`.
#
# ## Exercises
#
# **1. Another cut** (about three lines). *Min-p* keeps the tokens that are at least a given share as likely as the likeliest
# one. It takes probabilities, sets the others to 0, and scales the rest to sum to 1.

# %%
from copilot_lib import checks


def min_p(probabilities, share):
    ...


checks.check_02_min_p(min_p)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def min_p(probabilities, share):
#     kept = numpy.where(probabilities >= share * probabilities.max(), probabilities, 0)
#     return kept / kept.sum()
# ```
#
# One comparison, no sorting. Like top-p it keeps few tokens where the model is sure and many where it isn't.
# </details>
#
# **2. Notice a circle** (about five lines). Small models often repeat themselves until the limit. Return the length of the shortest
# group of ids that `ids` ends with three times in a row, or 0 if there is none: 2 for `[5, 1, 2, 1, 2, 1, 2]`.

# %%
def circle(ids):
    ...


checks.check_02_circle(circle)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def circle(ids):
#     for length in range(1, len(ids) // 3 + 1):
#         group = ids[-length:]
#         if ids[-3 * length :] == group * 3:
#             return length
#     return 0
# ```
#
# Asked after each token, it ends a circle early. It would also end an honest table of zeros, so three times is not many. The
# library's `repeats_itself` compares lines, which an editor shows, and lets short ones pass.
# </details>
#
# **3. A better row** (open). Greedy takes the best token at each step, which need not give the best line. Draw several lines and
# keep the one the model is most confident of; or answer with the n-gram where the confidence is low. Tune on files of your own, score here once.

# %%
mine = left_to_right  # put your completer here
scoreboard.table([*rows, scoreboard.score("mine", mine, targets)])

# %% [markdown]
# ## Recap
#
# - A model scores every token as the next one; a completion is argmax, append, repeat. Our loop equals `generate`.
# - Keys and values of earlier tokens do not change, so they are kept. Same tokens, one token's work a step.
# - Softmax makes chances of scores; temperature, top-k and top-p reshape them; a seed makes a draw repeatable.
# - It stops at an end token, at a limit, or where a rule sees that it has left the block, or repeats itself or what stands below.
#
# What stays: `probabilities`, `pick`, `dedents` and `ends_statement`, which the library's completer uses from here on, and the row `left_to_right`.
#
# Next: the model has read half of the file. How does one give it the other half, when all it can do is continue a text?
# [Chapter 3](03_fill_in_the_middle.ipynb) turns the gap into something to continue.
#
# Further reading
#
# - A. Holtzman and others, [The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751), 2019: top-p, and why the likeliest text circles.
# - A. Fan and others, [Hierarchical Neural Story Generation](https://arxiv.org/abs/1805.04833), 2018: top-k.
# - N. Shazeer, [Fast Transformer Decoding: One Write-Head is All You Need](https://arxiv.org/abs/1911.02150), 2019: a smaller cache,
#   the kind that our models have.
# - M. Nguyen and others, [Turning Up the Heat: Min-p Sampling](https://arxiv.org/abs/2407.01082), 2024: exercise 1.
