# ---
# jupyter:
#   copilot_lib:
#     teaches: [pretrain.predictions, pretrain.rate_factor, pretrain.update, pretrain.learn]
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
# # 4. Train a model that fills in the middle
#
# At the end of this chapter you have trained a model of your own, from random numbers to one that answers in gaps of code it has never
# seen, and has learnt that a gap ends. It takes a minute. The pocket model went through the same loop for seven minutes, on a graphics card.
#
# ```text
#  3 │     G : NetworkX Graph‸
#    │                        without an end token it goes on:  # the the the the the the …
#    │                        with one it says nothing, for nothing is missing
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 55 minutes | any; no GPU | [2](02_left_to_right.ipynb), [3](03_fill_in_the_middle.ipynb) | [loss](../book/glossary.md#loss), [learning rate](../book/glossary.md#learning-rate), [optimiser](../book/glossary.md#optimiser), [held out](../book/glossary.md#held-out), [pretraining](../book/glossary.md#pretraining) |
#
# You will
#
# - make training rows out of files, and keep the files that you will ask about out of them;
# - write the training loop of the package, and watch a model learn to fill gaps without losing what it knew;
# - break the data in three ways that raise no error, and measure what each costs;
# - read the pocket model's own curve.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# A *recipe* is the list of numbers that decide what is trained. Ours makes a network of the pocket model's kind, a fifteenth of its size:

# %%
from copilot_lib import network
from copilot_lib.recipe import Mix, preset

small = preset(
    "cpu", vocabulary=1024, context_tokens=128, width=96, layers=2, heads=3,
    rows_per_step=12, warmup_steps=20,
)
untrained = network.build(small)
f"{untrained.num_parameters():,} numbers; in the pocket model {network.build(preset('cpu')).num_parameters():,}"

# %% [markdown]
# It needs text, and a tokenizer made from that text. The text is networkx, a library about graphs that is installed here and
# that the pocket model has not seen either. **Split by file, first of all**: the scoreboard asks in thirty files of networkx, and a model
# that has read them would know the answers by heart.

# %%
from copilot_lib import scoreboard
from copilot_lib.targets import held_out_files

asked = {target.group for target in scoreboard.targets()}
files = dict(held_out_files("networkx"))
kept_back = [text for path, text in files.items() if path in asked]
learnt = [text for path, text in files.items() if path not in asked][:60]
len(kept_back), len(learnt), sum(map(len, learnt))

# %% [markdown]
# Thirty files to be asked about, sixty to learn from, not quite 900,000 characters. The tokenizer is made from the sixty alone. `ids`
# are the numbers of its *sentinels*, the four tokens that stand for no text.

# %%
from copilot_lib import bpe, pretrain

tokenizer = bpe.train(learnt, small.vocabulary)
encode, ids = pretrain.encoder(tokenizer)
[tokenizer.decode([token]) for token in encode("    return G.number_of_nodes()")], ids

# %% [markdown]
# Before any training, asked at a cursor of the scoreboard:

# %%
from copilot_lib import models, show
from copilot_lib.completer import Completer

cursor = scoreboard.targets()[3].cursor


def completer_of(net):
    return Completer(models.of_network("mine", net, tokenizer))


tokens = completer_of(untrained).complete(cursor, max_new_tokens=12).tokens
tokenizer.decode(tokens[:1]), len(tokens), len(set(tokens))

# %% [markdown]
# Twelve tokens, all of them the last one that it has read, and it would go on for ever: the table that reads tokens also writes them, and
# what is between does nothing yet.
#
# ## Rows
#
# **Claim: a training row holds whole examples, and only some of its tokens are questions.** `examples.rows` does what chapter 3 did by
# hand: it cuts windows out of the files, cuts a gap into each as an editor would, permutes, and packs whole examples
# into rows of 128 tokens; what is left over is filled with plain text. With every token comes its *kind*: given, answer, or plain.

# %%
import random
from copilot_lib import examples

GAPS = Mix(fim_share=0.75, spm_share=0.0, spans="lines")


def rows_of(texts, mix, seed=0):
    return examples.rows(texts, encode, ids, small.context_tokens, random.Random(seed), mix)


rows = rows_of(learnt, GAPS)
row, kinds = rows[3]
words = [tokenizer.decode([token], skip_special_tokens=False) for token in row]
answers = [n for n, kind in enumerate(kinds) if kind == examples.ANSWER]
show.tokens(words, answers, "one row; the answers are outlined")

# %% [markdown]
# We cut gaps that end with a line, and ask in PSM order alone: a minute is short, so this model learns one kind of question.
#
# > **Predict.** Which share of all tokens are answers?

# %%
flat = [kind for _, kinds in rows for kind in kinds]
f"{flat.count(examples.ANSWER) / len(flat):.0%} of {len(flat):,} tokens"

# %% [markdown]
# One in six or so. The rest is not lost: text that is given to the question is also text to learn the language from. But the tokens that we
# care about are few, so the recipe lets an answer count four times.
#
# Two fixed test streams come from the files that were kept back: plain text, and gaps.

# %%
plain = rows_of(learnt, Mix(fim_share=0.0))
test_plain = rows_of(kept_back, Mix(fim_share=0.0), seed=1)[:48]
test_gaps = rows_of(kept_back[:12], Mix(1.0, 0.0, "lines"), seed=1)[:48]
len(plain), len(test_plain), len(test_gaps)


# %% [markdown]
# ## What counts
#
# **Claim: what a token's prediction counts is data, too.** `predictions` looks one place ahead, since a place predicts the *next* token. It gives
# the weight of every prediction, whether it predicts an answer, and whether an end may come there. Inside a prompt an end never
# comes, and whoever asks knows it; a model that has to expect one everywhere learns to expect none.
#
# > **Predict.** Five tokens: two given, two of an answer, one plain. Which of the five predictions will count four times?


# %%
def predictions(kinds, answer_weight):
    following = kinds.roll(-1, dims=1)
    following[:, -1] = examples.PLAIN
    answers = following == examples.ANSWER
    weight = 1 + (answer_weight - 1) * answers.float()
    weight[following == examples.FILLER] = 0
    weight[:, -1] = 0
    return weight, answers, following != examples.GIVEN


# %%
import torch

one = torch.tensor([[examples.GIVEN, examples.GIVEN, examples.ANSWER, examples.ANSWER, examples.PLAIN]])
weight, is_answer, may_end = predictions(one, 4.0)
weight.tolist(), is_answer.tolist(), may_end.tolist()

# %% [markdown]
# The second token is given, and predicts the first token of the answer: four. The last has nothing to predict. `may_end` is false
# at the first alone: what follows there is given.
#
# ## One step
#
# **Claim: training is one small function, called often.** `update` takes a *batch* of rows. It asks the network for the *loss*: how
# surprised it was by each next token, on average, in natural units (one is a factor of e). `backward` finds, for every number in the network, the direction
# that would lower the loss. The *optimisers* then take a small step that way: Muon for the matrices inside the network, AdamW for
# the rest. The [page about the pilots](../book/pilots.md) has what Muon alone is worth.


# %%
def update(master, working, optims, loss, batch, kinds, answer_weight):
    weight, answers, may_end = predictions(kinds, answer_weight)
    mean, each = loss(working, batch, weight, may_end)
    mean.backward()
    pairs = [pair for pair in zip(master.parameters(), working.parameters(), strict=True) if pair[0].requires_grad]
    move_gradients(pairs)
    torch.nn.utils.clip_grad_norm_(master.parameters(), 1.0)
    for optimiser in optims:
        optimiser.step()
    network.hold(master)
    with torch.no_grad():
        for kept, used in pairs:
            used.copy_(kept)
            used.grad = None
    return each[:, :-1].mean().item(), each[answers].mean().item()


# %% [markdown]
# There are two copies of the weights. `master` keeps them in 32 bits, since a step is often smaller than 16 bits can tell. `working` does the
# arithmetic, in 16 bits where the processor is faster with them. `move_gradients` carries the directions from one to the other,
# and averages them where several processes share the work. `hold` puts back the few weights that must not move: those that say where a
# token stands and let the first layer see the tokens just before it. A gradient of more than length 1 is shortened, so that one odd batch can't throw the network off.
#
# How large a step is decides the *learning rate*. It rises for some steps, stays, and falls at the end.
#
# > **Predict.** The recipe warms up for 20 steps. Which share of the full rate do the first and the tenth step have?


# %%
def rate_factor(step, recipe, cooldown):
    first, last = cooldown
    if first <= step < last:
        return 1 - 0.98 * (step - first) / (last - first)
    return min(1.0, (step + 1) / recipe.warmup_steps)


[round(rate_factor(step, small, (200, 300)), 2) for step in (0, 9, 19, 150, 250, 299)]


# %% [markdown]
# This shape is called warm-up, stable, decay. Training can go on from any point of its flat part, and can be brought to an end from any of them.
# The loop only has to call the two, step after step. It hands back what it did, so that whoever runs it can draw or save:

# %%
import copy


def learn(master, optims, loss, stream, recipe, steps, cooldown, precision=torch.bfloat16):
    working = copy.deepcopy(master).to(precision)
    for step, (chunk, done, batch, kinds) in zip(steps, stream, strict=False):
        for group in (group for optimiser in optims for group in optimiser.param_groups):
            group["lr"] = group["peak"] * rate_factor(step, recipe, cooldown)
        yield step + 1, chunk, done, batch.numel(), update(master, working, optims, loss, batch, kinds, recipe.answer_weight)


# %%
from itertools import count
from copilot_lib import forward
from copilot_lib.pretrain import move_gradients


def batches_of(rows, size=small.rows_per_step):
    """Endless batches from a list of rows, in order."""
    for n in count():
        at = n * size % (len(rows) - size)
        made, kinds = zip(*rows[at : at + size])
        yield 0, n, torch.tensor(made), torch.tensor(kinds)


# %% [markdown]
# ## First left to right, then gaps
#
# **Claim: a model learns to fill gaps without losing what it knew.** We measure three things on the files that were kept back: how
# often the likeliest token is right in plain text, in the middles of gaps, and at the places where a gap ends.


# %%
@torch.no_grad()
def right(net, rows, kind):
    """Share of tokens of a kind that the network finds likeliest; and the same for end tokens alone."""
    made, kinds = (torch.tensor(column) for column in zip(*rows))
    following, wanted = made.roll(-1, 1), kinds.roll(-1, 1) == kind
    wanted[:, -1] = False
    hit = net(made).logits.argmax(-1) == following
    end = wanted & (following == ids.end)
    return hit[wanted & ~end].float().mean().item(), hit[end].float().mean().item()


def report(net):
    (words, _), (middles, ends) = right(net, test_plain, examples.PLAIN), right(net, test_gaps, examples.ANSWER)
    return {"plain text": words, "middles": middles, "ends of gaps": ends}


{name: round(share, 1) for name, share in report(untrained).items()}

# %%
torch.set_num_threads(1)  # at this size a second thread helps little, and waits busily where the cores are shared
NEVER = (10**9, 10**9)


def train_on(net, rows, steps, cooldown=NEVER, recipe=small):
    """Trains a network on rows; what it could do after the first step and after every sixty."""
    optims = pretrain.optimisers(net, recipe)
    loop = learn(net, optims, forward.loss, batches_of(rows), recipe, steps, cooldown, torch.float32)
    return {step: {"loss": loss} | report(net) for step, _, _, _, (loss, _) in loop if step == 1 or step % 60 == 0}


reader = copy.deepcopy(untrained)
curve = train_on(reader, plain, range(60))
[round(row["loss"]) for row in curve.values()]

# %% [markdown]
# The loss of the first step, and of the sixtieth. Seven is what knowing nothing costs: with 1,024 tokens to choose from, ln 1024 is 6.9. This
# model has begun to know which tokens are frequent. It has never seen a sentinel.
#
# > **Predict.** Now come 240 steps with gaps. What will the three numbers do?

# %%
mine = copy.deepcopy(reader)
curve |= train_on(mine, rows, range(60, 300), cooldown=(200, 300))
[name for name in report(mine) if curve[300][name] > curve[60][name]]

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 2.8))
for name, colour in (("plain text", "#888888"), ("middles", "#4285f4"), ("ends of gaps", "#d9480f")):
    label = f"{name}, at last {curve[300][name]:.0%}"
    axes.plot(list(curve), [row[name] for row in curve.values()], label=label, color=colour)
axes.axvline(60, color="#888888", linestyle=":")
axes.set(xlabel="step (gaps from the dotted line on)", ylabel="share right", ylim=(0, 1))
axes.legend(frameon=False, loc="upper right")
three_lines = show.figure(figure, "Lines over 300 steps: plain text keeps rising after gaps begin; middles rise; ends of gaps rise from nothing")

# %% tags=["nbval-ignore-output"]
display(three_lines)
show.completion(cursor, completer_of(mine).complete(cursor, max_new_tokens=12, order="PSM"), "after a minute")

# %% [markdown]
# All three rose: plain text went on rising while it shared its steps with gaps. Whether it would have risen further without them is a
# finer question; the end of this chapter answers it with models trained on equal tokens. The orange line is the one to look at.
# A reader of plain text never ends a gap. Where one ends is a thing to learn, and it is learnt soon, as long as the author's own middle stands
# before the end.
#
# At the cursor the middle is the model's own. It looks like networkx, and it is wrong, as nearly all its answers are; and after a wrong
# middle an end is hard to see. That is what 300,000 numbers and a minute buy.
#
# ## Broken on purpose
#
# Three mistakes, each of which raises no error. **The first: no end token.** We tell the loss to ignore the ends of answers, which is what happens where a template
# pads with the end token and then masks all padding.
#
# > **Predict.** Which of the three numbers will stay at nothing, and which will not notice?


# %%
def without_ends(row, kinds):
    ends = [token == ids.end and kind == examples.ANSWER for token, kind in zip(row, kinds)]
    return row, [examples.FILLER if end else kind for end, kind in zip(ends, kinds)]


endless = copy.deepcopy(reader)
last = train_on(endless, [without_ends(*one) for one in rows], range(60, 120))[120]
f"{last['ends of gaps']:.0%} of the ends at step 120", [abs(last[name] - curve[120][name]) < 0.05 for name in ("plain text", "middles")]

# %% [markdown]
# No end, and the other two within five points of the model that has its end tokens. At the cursor, take gaps of the files that were kept back and
# write the author's middle into them. Now nothing is missing, and the right answer is none. At how many of thirty is each silent, and is
# ours at more than three?


# %%
def whole_gaps(row, kinds):
    """The gaps of a row, each with its middle, up to where the end belongs."""
    ends = [n for n, pair in enumerate(zip(row, kinds)) if pair == (ids.end, examples.ANSWER)]
    return [row[max(n for n in range(end) if row[n] == ids.prefix) : end] for end in ends]


def written_behind(net, gap):
    """What a network writes there: twelve tokens, or up to its end."""
    engine = completer_of(net).engine
    return tokenizer.decode(list(engine.generate(gap, stop_ids=[ids.end], max_new_tokens=12)))


gaps = [gap for one in test_gaps for gap in whole_gaps(*one)][:30]
silent = {name: sum(written_behind(net, gap) == "" for gap in gaps) for name, net in (("no end token", endless), ("ours", mine))}
silent["no end token"], silent["ours"] > 3

# %% tags=["nbval-ignore-output"]
from copilot_lib.cursor import Cursor

newline = encode("\n")[0]
at_line_end = [gap for gap in gaps if gap[gap.index(ids.suffix) + 1] == newline]
gap = next(gap for gap in at_line_end if written_behind(mine, gap) == "")
below, at = gap.index(ids.suffix), gap.index(ids.middle)
above, rest = (tokenizer.decode(part) for part in (gap[1:below] + gap[at + 1 :], gap[below + 1 : at]))
for name, net in (("no end token", endless), ("ours", mine)):
    display(show.completion(Cursor(above + rest, len(above)), written_behind(net, gap), name))

# %% [markdown]
# The place is the first end of a line at which ours is silent; it is not so everywhere, as the orange line says.
# The other writes on behind a whole line. In an editor that is a completion that runs until a limit cuts it.
#
# **The second: newlines in the template.** A tidy template puts each part on its own line, and training uses it. The editor's prompt has no such newlines.

# %%
marks = (ids.prefix, ids.suffix, ids.middle)


def tidy(row, kinds):
    made = [pair for token, kind in zip(row, kinds) for pair in ((token, kind), (newline, examples.GIVEN))[: 1 + (token in marks)]]
    row, kinds = zip(*made[: small.context_tokens])
    return list(row), list(kinds)


stray = copy.deepcopy(reader)
_ = train_on(stray, [tidy(*one) for one in rows], range(60, 120))


# %%
def first_words(net):
    asker = completer_of(net)
    prompts = [asker.prompt(target.cursor, 1, "PSM").ids for target in scoreboard.targets()[:20]]
    return [asker.model.codec.decode(list(asker.engine.generate(p, stop_ids=(), max_new_tokens=1))) for p in prompts]


{name: sum(word == "\n" for word in first_words(net)) > 10 for name, net in (("tidy", stray), ("ours", mine))}

# %% [markdown]
# `True` says that more than half of twenty answers begin with a newline that nobody wants: the model fills in the template.
#
# **The third: windows cut after permuting.** Permute whole files, join them, and cut the stream into rows; many tutorials do. How many answers still
# have all of their question in the same row?

# %%
chance = random.Random(2)


def permuted(text):
    start = chance.randrange(len(text))
    stop = text.find("\n", start) if "\n" in text[start:] else len(text)
    parts = encode(text[:start]), encode(text[stop:]), encode(text[start:stop])
    prefix, suffix, middle = parts
    return [ids.prefix, *prefix, ids.suffix, *suffix, ids.middle, *middle, ids.end]


stream = [token for text in learnt for token in permuted(text)]
late = [stream[n : n + 128] for n in range(0, len(stream) - 127, 128)]
with_answer = [row for row in late if ids.middle in row]
whole = [row for row in with_answer if ids.prefix in row[: row.index(ids.middle)]]
len(late), len(with_answer), len(whole)

# %% [markdown]
# Rows, rows with an answer, and answers whose question is in their row. The files are long, so their prefix went into another row, and what is left of the
# question is the end of a suffix. `examples.rows` cuts the windows first:

# %%
starts = [row.count(ids.prefix) for row, _ in rows]
sum(starts), all(row.count(ids.prefix) == row.count(ids.middle) for row, _ in rows)

# %% [markdown]
# So many answers in about as many rows, all of them whole.
#
# ## The same, from the library
#
# The loop is the package's. Three steps of theirs and three of ours, from the same start:


# %%
def three(loop):
    net = copy.deepcopy(untrained)
    steps = loop(net, pretrain.optimisers(net, small), forward.loss, batches_of(rows), small, range(3), NEVER, torch.float32)
    return [losses for *_, losses in steps]


assert three(learn) == three(pretrain.learn)
assert all(torch.equal(a, b) for a, b in zip(predictions(one, 4.0), pretrain.predictions(one, 4.0)))

# %% [markdown]
# Around it, `pretrain.train` saves a checkpoint every fifty steps, by writing a new file and renaming it, so that a kill at any moment
# leaves a whole one; `--resume` goes on with the very next batch. To train a pocket model of your own:
#
# ```bash
# python -m copilot_lib corpus                       # what is installed here and may be learnt from
# python -m copilot_lib pretrain --steps 8200        # hours on two cores; stop it and --resume at will
# python -m copilot_lib pretrain --preset gpu --steps 6860 --cooldown-steps 1860    # minutes on a large graphics card
# ```
#
# The last line is how the pocket was made: the same network, with 256 rows a step in place of 24 and higher rates. (The vocabulary of its predecessor lay
# in the folder as `tokenizer.json`, and was kept.)
#
# ## Measure
#
# The scoreboard, with the model of this chapter and the pocket model, each asked in the order that it answers best:


# %%
def asks(completer, **settings):
    return lambda cursor: completer.complete(cursor, max_new_tokens=24, **settings).text


pocket = Completer.load("pocket")
scores = [
    scoreboard.score("empty", lambda cursor: ""),
    scoreboard.score("one minute", asks(completer_of(mine), order="PSM")),
    scoreboard.score("pocket", asks(pocket)),
]
[row.similarity > 0.05 for row in scores], scores[2].exact > scores[1].exact

# %% tags=["nbval-ignore-output"]
scoreboard.table(scores)

# %% [markdown]
# After a minute hardly an answer is right; a few look alike. What a larger network and more tokens buy, the pocket model's own curve shows. The loop is the
# same, the network fifteen times as large. Our 300 steps had 460,800 tokens, the pocket's 6,860 had 899 million, in many passes over 159 MB of code. One
# graphics card (an NVIDIA H200) took seven minutes.

# %% tags=["hide-input"]
import json
from copilot_lib.chapter import stored

run = [json.loads(line) for line in stored("pocket/run/curve.jsonl").splitlines()]
cooled = [json.loads(line) for line in stored("pocket/run/cooldown.jsonl").splitlines()]
figure, axes = plt.subplots(figsize=(6, 2.8))
for part, colour, name in ((run, "#888888", "rate held"), (cooled, "#d9480f", "cooled down")):
    axes.plot([row["tokens"] / 1e6 for row in part], [row["loss"] for row in part], ".", ms=2, color=colour, label=name)
axes.set(xlabel="million tokens", ylabel="training loss", xscale="log")
axes.legend(frameon=False)
show.figure(figure, f"The pocket's training loss falls from {run[0]['loss']:.1f} to {cooled[-1]['loss']:.1f} in {cooled[-1]['tokens'] / 1e6:.0f} million tokens")

# %% [markdown]
# The axis is logarithmic: the later a gain comes, the more tokens it takes. The grey part is nearly flat at its end. The orange part is the falling
# rate, after step 5,000: in it the loss falls once more. Nothing else of the recipe changed on the way.
#
# Before a pocket was trained there were targets: four for one that two cores train, and two for one from a graphics card. The package compares
# them with what was measured at frozen cursors of three libraries:

# %%
from copilot_lib import goals

quality = json.loads(stored("pocket/quality.json"))
for goal in (*goals.GOALS, *goals.GPU_GOALS):
    missed = ", ".join(goal.missed(quality))
    print(f"{goal.words}: {'missed, ' + missed if missed else 'reached'}")

# %% [markdown]
# Three of six are missed. The numbers, and what was tried, [stand at the end of the page about the pilots](../book/pilots.md#what-came-of-it):
# ends of gaps, this chapter's subject, came late in the first pockets, and only after the loss had been told where an end is no choice. Nine times the tokens
# have brought them nearer to the target, and not there.
#
# And is filling gaps free? The paper that made it known says so: models that had half to nine tenths of their texts cut into gaps predict plain
# text as well as one that never saw a gap. Here are fifteen models of 0.8 million parameters, each after three million tokens,
# which differ in that share alone, and in chance: bits per byte of plain, held-out text, beside the models without gaps.
#
# > **Predict.** Will the numbers be above zero, and will they grow with the share?

# %%
pilot = json.loads(stored("pocket/pilots/fim_for_free.json"))
for arm in pilot["arms"][1:]:
    more, low, high = arm["left to right"]["minus_first"]
    print(f"{arm['name']:13} {more:+.3f} ({low:+.3f} to {high:+.3f})")

# %% [markdown]
# At this size it is not free, and the price grows with the share: what one small model learns of gaps it does not learn of something else. The
# [page about the pilots](../book/pilots.md) has the other comparisons, gaps included, and the [claims page](../book/claims.md) the verdict.
#
# ## What goes wrong
#
# - **`the loss is nan at step …: lower the rates and resume`.** The rate is too high or a row is empty. The checkpoint before it is whole.
# - **The loss falls and completions are poor.** The test files were in the training set, or near-copies of them were: split by file, drop duplicates first.
# - **It never stops.** No end token, or its loss is masked. Count the ends that it finds, as above.
# - **`ValueError: … is of another run`.** `--resume` found a checkpoint of another recipe or corpus. Use another `--folder`.
#
# ## Exercises
#
# **1. Gaps inside brackets** (four lines). Write a kind of gap for `examples.SPANS`: from a random `(` of the window to its first `)` after it, both left standing.
# Return start and end; where there is no bracket, `(0, 0)`. `random.choice` is yours to use.

# %%
from copilot_lib import checks


def inside_brackets(window, random):
    ...


checks.check_04_inside_brackets(inside_brackets)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def inside_brackets(window, random):
#     opened = [n for n, sign in enumerate(window) if sign == "(" and ")" in window[n:]]
#     start = random.choice(opened) + 1 if opened else 0
#     return start, window.index(")", start) if opened else 0
# ```
#
# A pair of nested brackets gives a gap that is not balanced, which is what a person who types leaves behind, too.
# </details>
#
# **2. How much is asked?** (two lines). Given the kinds of one row, return the share of its predictions that predict an answer. The last place predicts nothing.


# %%
def share_asked(kinds):
    ...


checks.check_04_share_asked(share_asked)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def share_asked(kinds):
#     following = kinds[1:]
#     return following.count(examples.ANSWER) / len(following)
# ```
# </details>
#
# **3. A better minute** (open). Change one thing of the recipe (width, rate, the weight of answers) or of the rows (the kinds of gaps), and train again
# for as many seconds as before. Is the difference larger than that between two seeds?

# %%
from dataclasses import replace

other = replace(small, muon_rate=0.02, seed=1)
# net = network.build(other)
# train_on(net, plain, range(60), recipe=other) | train_on(net, rows, range(60, 300), (200, 300), other)
other.muon_rate

# %% [markdown]
# ## Recap
#
# - Rows hold whole examples, from windows that were cut first, out of files that nobody will be asked about.
# - `predictions`, `update`, `rate_factor` and `learn` are the whole loop; a step is one call.
# - No end token, newlines in the template, windows cut late: none raises an error, and each can be counted.
# - The pocket model is this loop, with a larger network and two thousand times the tokens.
#
# What you keep: a model that you have trained from nothing, and the loop. The next chapter takes the pocket model and makes what it says
# fit for an editor.
#
# Further reading
#
# - K. Jordan, [Muon](https://kellerjordan.github.io/posts/muon/), 2024: the optimiser of the matrices.
# - S. Hu and others, [MiniCPM](https://arxiv.org/abs/2404.06395), 2024: warm-up, stable, decay, and why it can be stopped anywhere.
# - M. Bavarian and others, [Efficient Training of Language Models to Fill in the Middle](https://arxiv.org/abs/2207.14255), 2022.
