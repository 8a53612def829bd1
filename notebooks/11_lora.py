# ---
# jupyter:
#   copilot_lib:
#     teaches: [lora.Pair, lora.belongs, tuning.training.weighted_loss]
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
# # 11. LoRA
#
# At the end of this chapter you have an adapter: a file of little more than a megabyte that, beside the pocket's weights, makes it write as networkx does. You have built its layer by hand, counted its numbers, trained it in half a minute, broken it on
# purpose, and merged it.
#
# ```text
#  4 │ @not_implemented_for("directed")
#  5 │ @‸
#    │  └ not_implemented_for("directed")   the pocket
#    │  └ nx._dispatchable                  with six numbers more to a hundred
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 60 minutes | any; no GPU | [4](04_train_a_model.ipynb), [10](10_data.ipynb) | [LoRA](../book/glossary.md#lora), [adapter](../book/glossary.md#adapter), [rank](../book/glossary.md#rank), [fine-tuning](../book/glossary.md#fine-tuning), [merging](../book/glossary.md#merging) |
#
# You will
#
# - build a low-rank layer, say what it answers before its first step, and see what its rank limits;
# - count the numbers of an adapter to the last one, for the pocket and for the article's model;
# - train one by hand and by the library, at a rate that works and at one that does not;
# - merge it, in 32 bits and in 16, and say what was lost.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# networkx writes one decorator above most of its functions, `@nx._dispatchable`; where a function is not made for all kinds of graphs, another one stands above that. The pocket has never read networkx, and says the line above once more.

# %%
from copilot_lib import show
from copilot_lib.completer import Completer
from copilot_lib.samples import gap

completer = Completer.load()
above = 'import networkx as nx\n\n\n@not_implemented_for("directed")\n@'
cursor = gap(above, "\ndef degree_sum(G):\n    return sum(degree for _, degree in G.degree())\n")
show.completion(cursor, completer.complete(cursor).text, "the pocket")

# %% [markdown]
# A chapter has a minute, so *your* repository is a small part of networkx today, its folder about connected components.

# %%
import networkx
from pathlib import Path
from copilot_lib.tuning import material

root = Path(networkx.__file__).parent / "algorithms/components"
mine = material.collect(root)
for what, files in {"to learn from": mine.train, "to see when to stop": mine.validation, "held out": mine.test}.items():
    print(f"{what:20}", *(file.path for file in files))
print(sum(file.text.count("@nx._dispatchable") for file in mine.train), "times the decorator, in what is learnt from")

# %% [markdown]
# One could train on with all of the pocket's weights. The result would be another model, as large as the first; so would be that of the next repository, and of the next. How little has to change?
#
# ## A change with few directions
#
# **Claim: a rule costs a row and a column.** Nearly all of a network's numbers are in matrices. Each takes some numbers in and gives some out, and what comes out is a sum over what came in. Suppose we want of a matrix of three by four: *what comes in at place 2
# (counted from 0) shall go out at place 1 twice as large, beside all that it did before.* What has to be added to it? A row that reads, and a column that writes:

# %%
import numpy

down = numpy.array([[0, 0, 1, 0]], dtype=numpy.float32)
up = numpy.array([[0], [2], [0]], dtype=numpy.float32)
up @ down

# %% [markdown]
# Seven numbers instead of twelve. For 256 by 1,024 it would be 1,280 instead of 262,144. From the row to the column passes a single number. A change may be the sum of several such pairs; how many, is its *rank*. This is all there is to LoRA's name: low-rank adaptation.

# %%
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Pair:
    down: numpy.ndarray
    up: numpy.ndarray
    scale: float

    @property
    def rank(self):
        return len(self.down)

    def change(self):
        with numpy.errstate(over="ignore", invalid="ignore"):  # who adds it to weights looks at what comes out
            return numpy.float32(self.scale) * (self.up @ self.down)


Pair(down, up, 0.5).change()[1], Pair(down, up, 0.5).rank

# %% [markdown]
# `scale` says how loudly the change is added. In training it is alpha / rank, where alpha is a number that one chooses; so one may try another rank without changing anything else.
#
# What can such a pair not do? Below are three changes of a matrix of 64 by 64: three rules like the one above; a rule for each of the 64 places, to pass on once more what comes in there (a matrix that has passed everything on is then twice as loud); and chance. `left_over` is the share of a change that is missing after the best pair of a rank was added. (Which is the best one, the singular value
# decomposition says: it sorts any change into rules, the largest first.)
#
# > **Predict.** Of which of the three is nothing missing at rank 4? And how much of the others at rank 16, a quarter of 64?

# %%
dice = numpy.random.default_rng(0)
rules = [numpy.outer(dice.standard_normal(64), dice.standard_normal(64)) for _ in range(3)]
changes = {"three rules": sum(rules) / 64, "twice as loud": numpy.eye(64), "chance": dice.standard_normal((64, 64)) / 8}


def left_over(change, rank):
    sizes = numpy.linalg.svd(change, compute_uv=False) ** 2
    return sizes[rank:].sum() / sizes.sum()


for name, change in changes.items():
    print(f"{name:14}", *(f"rank {rank}: {left_over(change, rank):4.0%}" for rank in (1, 4, 16)), sep="  ")

# %% [markdown]
# Rank limits how many rules there are, and not how strong one is. A change that does a little everywhere is not made of a few rules. So that LoRA works at all is a finding about fine-tuning, not a theorem: what has to be learnt on top of a trained model happens to be mostly a few strong rules.
#
# ## A layer by hand
#
# **Claim: begin with nothing, but not with two nothings.** In training the base's matrix is *frozen*, and a path beside it learns.

# %%
import torch


class LowRank(torch.nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = torch.nn.Linear(base.in_features, rank, bias=False)
        self.up = torch.nn.Linear(rank, base.out_features, bias=False)
        torch.nn.init.zeros_(self.up.weight)
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.up(self.down(x)) * self.scale

# %% [markdown]
# > **Predict.** `down` begins as torch begins any layer, with small random numbers; `up` with zeros. What does the layer say before its first step, beside what its base says: the same, nearly the same, something else?

# %%
torch.set_num_threads(1)  # at this size a second thread only waits
torch.manual_seed(0)
frozen = torch.nn.Linear(64, 64)
x = 16 * torch.linalg.qr(torch.randn(256, 64)).Q  # no direction is favoured
torch.equal(LowRank(frozen, rank=4, alpha=8)(x), frozen(x))

# %% [markdown]
# The same, to the last bit. Training sets out from the model that we have, and not from one that was jolted first. Now let the layer imitate another one, which is the frozen one and three rules more, from three starts.

# %%
more = torch.from_numpy(changes["three rules"]).float()
wanted = frozen(x) + x @ more.T


def imitate(rank, begin=lambda layer: None, steps=300):
    torch.manual_seed(1)
    layer = LowRank(frozen, rank, alpha=2 * rank)
    begin(layer)
    optimiser = torch.optim.Adam([layer.down.weight, layer.up.weight], lr=0.02)
    losses = []
    for _ in range(steps):
        loss = (layer(x) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item() / (x @ more.T).square().mean().item())
    return losses

# %%
starts = {
    "up is zero": lambda layer: None,
    "neither is zero": lambda layer: torch.nn.init.normal_(layer.up.weight, std=0.2),
    "both are zero": lambda layer: torch.nn.init.zeros_(layer.down.weight),
}
for name, begin in starts.items():
    losses = imitate(4, begin)
    print(f"{name:16} missing at first {losses[0]:5.0%}, after 300 steps {losses[-1]:4.0%}")

# %% [markdown]
# With neither at zero it first has to undo what chance did. With both at zero it never moves: what tells `up` where to go passes through `down`, and the other way round. In every step of training one of them has to be there for the other.
#
# And the rank? Dotted is what the decomposition promised, as the best that any pair could do.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6.5, 2.6))
ends = {}
for rank, colour in ((1, "#d9480f"), (2, "#4285f4"), (3, "#2f9e44")):
    losses = imitate(rank)
    ends[rank] = losses[-1]
    axes.plot(losses, color=colour, label=f"rank {rank}")
    axes.axhline(left_over(changes["three rules"], rank), color=colour, linestyle=":")
axes.set(xlabel="step", ylabel="missing", ylim=(-0.03, 1.05))
axes.legend(frameon=False)
show.figure(figure, "Loss of a layer that imitates three rules: " + ", ".join(f"rank {rank} ends at {end:.0%} missing" for rank, end in ends.items()))

# %% [markdown]
# Each ends on its dotted line: rank 1 learns the largest rule and stays there, however long it is trained; rank 3 has room for all.
#
# ## Which layers
#
# **Claim: an adapter's size is arithmetic.** Here are the matrices in the pocket's first block. Two belong to attention (`attn`): one makes queries, keys and values, the other brings back what was gathered. Two are the halves of what follows it (`mlp`).

# %%
from copilot_lib import models

shapes = models.load().shapes()
{name: shapes[name] for name in sorted(shapes) if ".h.0." in name}

# %% [markdown]
# Which layers get a path beside them is said by the ends of their names. That is short, and easily means more than one thinks.
#
# > **Predict.** The article names three, `c_attn`, `c_proj` and `c_fc`, and explains `c_proj` as "the attention output projection". The pocket has five blocks. How many layers get a path by that explanation, and how many by their names?

# %%
def belongs(layer, name):
    return layer == name or layer.endswith(f".{name}")


TARGETS = ["c_attn", "c_proj", "c_fc"]
meant = {target: [layer for layer in shapes if belongs(layer, target)] for target in TARGETS}
{target: len(layers) for target, layers in meant.items()}, len(shapes)

# %% [markdown]
# 15 by the explanation, 20 by their names: ten layers are called `c_proj`, and all four matrices of a block get a path. With rank 16 each costs 16 times what goes in and what comes out:

# %%
def adapter_numbers(shapes, targets, rank):
    chosen = [shape for layer, shape in shapes.items() if any(belongs(layer, target) for target in targets)]
    return sum(rank * (rows + columns) for rows, columns in chosen)


added = adapter_numbers(shapes, TARGETS, 16)
base = models.load().parameters
print(f"{added:,} numbers beside {base:,}: {added / base:.1%} more, {4 * added / 1e6:.1f} MB in 32 bits")

# %% [markdown]
# Most people use adapters by way of peft, a library. The article prints what it says of `bigcode/tiny_starcoder_py`: 3,481,600 of 167,625,728 numbers are trained. To check this nothing has to be downloaded. The shape of that model is public, and on torch's *meta device* a network has shapes and no numbers.

# %%
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GPTBigCodeConfig
from copilot_lib.tuning import training

shape = GPTBigCodeConfig(vocab_size=49152, n_positions=8192, n_embd=768, n_layer=20, n_head=12, n_inner=3072)
with torch.device("meta"):
    article = AutoModelForCausalLM.from_config(shape)
linear = {name: tuple(layer.weight.shape) for name, layer in article.named_modules() if isinstance(layer, torch.nn.Linear)}
with training.quietly():
    adapted = get_peft_model(article, LoraConfig(r=16, lora_alpha=32, target_modules=TARGETS, task_type="CAUSAL_LM"))
adapted.print_trainable_parameters()

# %%
assert adapted.get_nb_trainable_parameters() == (3_481_600, 167_625_728)
assert adapter_numbers(linear, TARGETS, 16) == 3_481_600
print(f"{adapter_numbers(linear, ['mlp.c_proj'], 16):,} of them in layers that the article does not speak of")

# %% [markdown]
# Exactly as the article prints it, and a third of it is in the layers that it does not speak of. Four bytes each are 13.9 megabytes. For the pocket the same settings add a larger share, because its matrices are smaller: 2 % is a property of that model and this rank, not of LoRA.
#
# ## What is learnt
#
# **Claim: the loop of chapter 4 is enough.** Put the layer into the pocket, and draw batches as in chapter 10. A batch holds examples as alike in length as there are (here few), filled up to a common one; every token has a weight: 4 for what was asked for, 1 for what stands around it, 0 for padding.

# %%
def with_paths(network, targets, rank, alpha):
    torch.manual_seed(0)
    network.requires_grad_(False)
    for name in [name for name, _ in network.named_modules() if any(belongs(name, target) for target in targets)]:
        parent, _, last = name.rpartition(".")
        setattr(network.get_submodule(parent), last, LowRank(network.get_submodule(name), rank, alpha))
    return network


NAME = models.default_name()
by_hand = with_paths(models.load_network(NAME, "cpu")[0], TARGETS, 16, 32)
sum(weight.numel() for weight in by_hand.parameters() if weight.requires_grad)

# %%
from copilot_lib.tuning import finetune
from copilot_lib.tuning.drawing import Drawing
from copilot_lib.tuning.settings import Settings

codec = completer.model.codec
short = Settings(batch_tokens=512)
batches = list(finetune.of_epoch(mine, codec, short, Drawing(), number=0))
batch = max(batches, key=lambda one: len(one.ids))
padding = sum(row.count(0) for row in batch.weights)
print(len(batches), "batches; in one", len(batch.ids), "rows of", len(batch.ids[0]), "tokens,", batch.answers, "asked for,", padding, "of padding")
for ids, weights in zip(batch.ids, batch.weights):
    print(repr(codec.decode([token for token, weight in zip(ids, weights) if weight == short.answer_weight])))

# %% [markdown]
# The loss is the mean surprise at the next token, each counted by its weight. It comes in *nats*, which are bits by the natural logarithm: a nat is 1.44 bits.

# %%
def weighted_loss(model, given):
    import torch
    from torch.nn import functional

    logits = model(input_ids=given["input_ids"], use_cache=False).logits[:, :-1].to(torch.float32, copy=True)
    logits[..., int(given["end_id"])].masked_fill_(~given["may_end"][:, 1:], -torch.inf)
    targets, weights = given["input_ids"][:, 1:], given["weights"][:, 1:]
    each = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (each * weights.flatten()).sum() / weights.sum()

# %%
def given(batch):
    lists = {"input_ids": batch.ids, "weights": batch.weights, "may_end": batch.may_end, "end_id": batch.end_id}
    return {name: torch.tensor(numbers) for name, numbers in lists.items()}


with torch.no_grad():
    print(f"{weighted_loss(by_hand, given(batch)):.2f} nats a token")

# %% [markdown]
# Look at the line with `-torch.inf`. `may_end` marks where an end may come: in the answer. In the prompt the end token's score becomes minus infinity, so that it is no candidate, and the loss pushes it neither up nor down. Without the line each of hundreds of tokens of a prompt pushes it down a little, and one at the end of the answer pulls it up. Without it an adapter had about as many lines right, and ended 17 of a hundred; with it, 94 ([record](../results/claims/ends.txt), of an earlier pocket).

# %%
def practise(network, batches, rate):
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=rate, weight_decay=0)
    for batch in batches:
        optimiser.zero_grad()
        weighted_loss(network, given(batch)).backward()
        optimiser.step()
    return network


def average_loss(network, batches):
    with torch.no_grad():
        return sum(weighted_loss(network, given(batch)).item() for batch in batches) / len(batches)

# %% [markdown]
# What rate? The article says that 2e-4 is standard, and that a much higher one overfits. We try that, twenty-five times that, and ten times as much again, which is broken on purpose: a dozen small steps each, from the same start, over the same batches. `unseen` are gaps in what is kept
# to see when to stop. (The `plan` says how they are drawn; what else it is for, the next section says.)
#
# > **Predict.** Which of the three has learnt most after twelve steps? What does the loss of the broken one look like, beside that of the pocket as it was?

# %%
settings = Settings(rank=16, alpha=32, rate=5e-3, batch_tokens=1024)
plan = finetune.Plan(NAME, models.fingerprint(NAME), mine.report["sha256"], settings, Drawing(), steps=40, precision="float32", device="cpu", seconds_per_step=1.0)
unseen = finetune.held_out(mine, codec, plan)
print(f"before     {average_loss(by_hand, unseen):.1f}")
tried = {}
for rate in (2e-4, 5e-3, 5e-2):
    fresh = with_paths(models.load_network(NAME, "cpu")[0], TARGETS, 16, 32)
    tried[rate] = practise(fresh, batches[:12], rate)
    print(f"rate {rate:.4f}  {average_loss(fresh, unseen):.1f}")

# %% [markdown]
# At the article's rate hardly anything has happened yet. With very many steps it may get somewhere, in a minute it does not: a rate is not right or wrong by itself, but for a number of steps. And the last one has not overfitted. It has destroyed the model, and one sees at the cursor how: it writes one token until a rule cuts it.

# %%
broken = Completer(models.of_network("broken", tried[5e-2].eval(), codec.tokenizer))
answer = broken.complete(cursor)
print(f"stopped: {answer.stopped}; {len(answer.tokens)} tokens, {len(set(answer.tokens))} different:", repr(codec.decode(answer.tokens)[:12]))
show.completion(cursor, answer.text, "twelve steps at ten times the rate that works")

# %% [markdown]
# The base is unharmed, of course: its numbers are frozen. Leave out the paths, and the pocket is what it was. That alone is worth much in practice.
#
# ## The run
#
# **Claim: a library's loop is this loop, and what one forgets.** trl is a library around transformers' trainer and peft. Its loop adds a warm-up and a falling rate, gradients cut to a length, a look at the held-out loss from time to time, checkpoints to go on from, and it keeps the best. All its arguments are in one file of the package,
# `tuning/settings.py`, since they change from version to version. What is decided before the first step is a *plan*; `finetune.prepare` makes one from minutes, by measuring the machine. Here we wrote it ourselves: forty steps of at most 1,024 tokens.

# %%
import tempfile

folder = Path(tempfile.mkdtemp())
finetune.write_json(folder / finetune.REPORT, mine.report)
course = finetune.run(plan, mine, folder)
print(f"{course.steps} steps; loss of what was not learnt from: {course.first_loss:.1f} before, {course.best_loss:.1f} at best")

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.5, 2.6))
steps = [(row["step"], row["loss"]) for row in course.curve if "loss" in row]
looks = [(row["step"], row["eval_loss"]) for row in course.curve if "eval_loss" in row]
axes.plot(*zip(*steps), ".", color="#868e96", label="a step's own batch")
axes.plot(*zip(*looks), "o-", color="#4285f4", label="gaps in another file")
axes.set(xlabel="step", ylabel="nats a token")
axes.legend(frameon=False)
show.figure(figure, f"Loss of each step's batch, which varies much, and of held-out gaps, which falls from {course.first_loss:.1f} to {course.best_loss:.1f} in {course.steps} steps")

# %% [markdown]
# Each grey point is another batch, some harder than others. Most end below the blue line, which is always about the same gaps, in a file that is not learnt from: these files are easier from the start, and part of the rest is learnt by heart. What came of it is a folder:

# %%
best = folder / finetune.TRAINING / training.BEST
file = best / "adapter_model.safetensors"
header = 8 + int.from_bytes(file.read_bytes()[:8], "little")
assert file.stat().st_size == 4 * added + header
print(f"{added:,} numbers of 4 bytes, and {header:,} bytes that say which is which")

# %% [markdown]
# Nothing in it says whose paths these are. A path for another model fits where its shapes fit, and makes nonsense. So the package saves, beside peft's two files, the fingerprint of the base's weights, a card, and marks of the files that were learnt from. Who loads it for another model is told so, and nobody asks it about what it has read.

# %%
from copilot_lib.registry import Registry
from copilot_lib.tuning import making

registry = Registry(folder / "adapters")
making.save("components", root, plan, folder, registry)
adapter = registry.find("components")
print(*sorted(path.name for path in adapter.folder.iterdir()))

# %% [markdown]
# ## Before and after
#
# `complete` takes an adapter. The cursor of the beginning:

# %%
pair = '@not_implemented_for("directed")\n@nx._dispatchable'
print(sum(file.text.count(pair) for file in mine.train), "times in what was learnt")
show.completion(cursor, completer.complete(cursor, adapter=adapter).text, "the pocket with the adapter")

# %% [markdown]
# The decorator is this repository's. Chapter 10's pupil, who only recalls, would say it too.
#
# At other cursors, the pocket on the left and with its adapter on the right, the first sixteen characters of each:

# %%
BODY = "    return sum(degree for _, degree in G.degree())\n"


def decorated(begun):
    return gap(f"import networkx as nx\n\n\n@{begun}", f"\ndef degree_sum(G):\n{BODY}")


def in_docstring(begun):
    above = f'import networkx as nx\n\n\ndef degree_sum(G):\n    """Sum of all degrees.\n\n    {begun}'
    return gap(above, f'\n    """\n{BODY}')

# %%
others = {
    "behind @nx": decorated("nx"),
    "behind @nx.": decorated("nx."),
    "a docstring's part": in_docstring("Parameters\n    ----------\n    G : "),
    "what it raises": in_docstring("Raises\n    ------\n    "),
    "an example": in_docstring("Examples\n    --------\n    >>> G = "),
    "an error": gap("import networkx as nx\n\n\ndef degree_sum(G):\n    if len(G) == 0:\n        raise ", f"\n{BODY}"),
}
for name, place in others.items():
    answers = [completer.complete(place, adapter=chosen).text.split("\n")[0][:16] for chosen in (None, adapter)]
    print(f"{name:20}{answers[0]!r:20}{answers[1]!r}")

# %% [markdown]
# It has learnt how docstrings of networkx are written, and knows the decorator behind `@nx`, but no longer one character later, where chapter 10 began. An exception it names in a docstring, and in code makes one up, as it does the function in the example. Half a minute teaches habits, not knowledge. Answers are a blunt measure, as in chapter 8; here are the bits of right texts at places in the held-out files:

# %%
from copilot_lib import measure
from copilot_lib.targets import place as at, sample

held_out = {file.path: file.text for file in mine.test}
asked = [at(held_out[row["file"]], row) for row in sample(held_out.items(), count=30, seed=1)][::3]
tuned = completer.model.changed_by(completer.model.read_adapter(adapter.folder), "tuned")
bits = [[measure.middle_bits(one, target) for target in asked] for one in (completer, Completer(tuned))]
cheaper = sum(after < before for before, after in zip(*bits))
print(f"{len(asked)} places: {sum(bits[0]) / len(asked):.0f} bits before, {sum(bits[1]) / len(asked):.0f} after; cheaper at {cheaper}")

# %% [markdown]
# Two fifths fewer bits, not everywhere; thirteen are few.
#
# ## Merge
#
# **Claim: merged is the same up to rounding, and the rounding depends on the bits.** A path can be added to its matrix once and for all. Then nothing is computed beside it, and only who keeps the path can take it out again. The article says of this: same quality, zero overhead.

# %%
from peft import PeftModel

pairs = completer.model.read_adapter(adapter.folder)
with training.quietly():
    apart = PeftModel.from_pretrained(models.load_network(NAME, "cpu")[0], best).eval()
merged = tuned.network
asked_ids = torch.tensor(unseen[0].ids)


def compared(one, other):
    with torch.no_grad():
        a, b = (network(input_ids=asked_ids).logits.float() for network in (one, other))
    return (a - b).abs().max().item(), (a.argmax(-1) == b.argmax(-1)).float().mean().item()

largest, same = compared(apart, merged)
print(f"logits within a thousandth: {largest < 1e-3}; same likeliest token at {same:.1%} of {asked_ids.numel()}")

# %% [markdown]
# In 32 bits nobody will see a difference. On graphics cards weights mostly have 16 bits. Of these bfloat16 keeps eight binary digits for the number itself: next to 1 the next larger number is 1.008.
#
# > **Predict.** We merge, and store the sums in bfloat16. How large is the error, beside the change? And if the change were a hundred times smaller, as after a short run at a low rate?

# %%
from copilot_lib import lora


def to_16_bits(weight):
    return weight.to(torch.bfloat16).float()


def in_16_bits(pairs):
    unmoved = count = lost = size = 0
    for layer, pair in pairs.items():
        weight = completer.model.network.get_submodule(layer).weight.detach()
        change = torch.from_numpy(pair.change())
        arrived = to_16_bits(weight + change) - to_16_bits(weight)
        unmoved, count = unmoved + (arrived == 0).sum().item(), count + change.numel()
        lost, size = lost + (arrived - change).square().sum().item(), size + change.square().sum().item()
    return unmoved / count, (lost / size) ** 0.5

# %%
for scale in (1, 0.1, 0.01):
    unmoved, error = in_16_bits(lora.scaled(pairs, scale))
    print(f"{scale:5} of the change: {unmoved:4.0%} of the numbers did not move, error {error:4.0%} of it")

# %% [markdown]
# A large change survives. A small one drowns: where it is smaller than half a step of the 16-bit number that it is added to, nothing is stored. It needs weights in 32 bits, or a path apart. What is worse is to *switch* by merging, taking out, and merging the next, as one may be tempted to:

# %%
with training.quietly():
    switched = PeftModel.from_pretrained(models.load_network(NAME, "cpu")[0].to(torch.bfloat16), best)
before = {name: weight.clone() for name, weight in switched.named_parameters() if "base_layer.weight" in name}
switched.merge_adapter()
switched.unmerge_adapter()
differ = sum((before[name] != weight).sum().item() for name, weight in switched.named_parameters() if name in before)
total = sum(weight.numel() for weight in before.values())
print(f"{differ / total:.0%} of the base's numbers are not what they were")

# %% [markdown]
# Each new adapter leaves some dust in the base, and nobody sees when it has become too much. Chapter 12 switches without touching it. And the overhead that merging saves, when a few tokens are read? (The times are your machine's.)

# %% tags=["nbval-ignore-output"]
import statistics, time


def once_ms(network, ids=asked_ids[:1, :4]):
    started = time.perf_counter()
    with torch.inference_mode():
        network(input_ids=ids)
    return 1000 * (time.perf_counter() - started)


times = [(once_ms(apart), once_ms(merged)) for _ in range(40)]
slow, fast = (statistics.median(column) for column in zip(*times))
print(f"four tokens: apart {slow:.1f} ms, merged {fast:.1f} ms, {slow / fast:.1f} times")

# %% [markdown]
# Forty small products more in a small network are not nothing. That is why the package's own runner for small models merges an adapter when it is first asked for, and keeps the base beside it. The same questions, asked at ten thousand places and of a network of the article's shape, are
# stored:

# %%
import json
from copilot_lib.chapter import stored

for row in json.loads(stored("claims/adapting.json"))["rows"]:
    if "same_first_choice" in row:
        print(f"{row['precision']}: {row['predictions']:,} predictions, apart and merged agree at {row['same_first_choice']:.1%}")
    elif "pass_ms" in row:
        print(f"the article's shape, {row['prompt_tokens']} tokens: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in row["pass_ms"].items()))

# %% [markdown]
# In the larger network the paths take seven per cent more. Merged and apart agree everywhere in 32 bits, and in 16 at all but about one place in a hundred.
#
# ## The same, from the library
#
# peft's layer is ours. Given the same numbers both say the same, and not only nearly:

# %%
with training.quietly():
    wrapped = get_peft_model(torch.nn.ModuleDict({"layer": frozen}), LoraConfig(r=4, lora_alpha=8, target_modules=["layer"]))
theirs = wrapped.base_model.model["layer"]
ours = LowRank(frozen, rank=4, alpha=8)
with torch.no_grad():
    ours.up.weight.normal_()
    theirs.lora_B["default"].weight.copy_(ours.up.weight)
    theirs.lora_A["default"].weight.copy_(ours.down.weight)
assert torch.equal(ours(x), theirs(x))

# %% [markdown]
# The whole network, too: what trl trained with peft, put into the paths that we made by hand.

# %%
with torch.no_grad():
    for name, pair in pairs.items():
        layer = by_hand.get_submodule(name)
        layer.down.weight.copy_(torch.from_numpy(pair.down))
        layer.up.weight.copy_(torch.from_numpy(pair.up))
assert compared(by_hand.eval(), apart) == (0.0, 1.0)
assert weighted_loss(by_hand, given(batch)) == training.weighted_loss(apart, given(batch))

# %%
one = next(iter(pairs.values()))
assert (Pair(one.down, one.up, one.scale).change() == lora.Pair(one.down, one.up, one.scale).change()).all()
before = {f"{name}.weight": completer.model.network.get_submodule(name).weight.detach().numpy() for name in pairs}
peft_s = apart.merge_and_unload()
assert all(numpy.allclose(weight, peft_s.get_parameter(name).detach(), atol=1e-5) for name, weight in lora.merged(before, pairs).items())

# %% [markdown]
# `lora.merged` adds in numpy what `merge_and_unload` adds in torch. A server that runs the pocket by onnxruntime needs neither torch nor peft for it.
#
# ## Measure
#
# **Claim: forty steps are a demonstration; a measurement takes more steps, more places and more than one repository.** The scoreboard asks at sixty places of networkx, two of them in the folder that was learnt from: without these.

# %%
from copilot_lib import scoreboard
from copilot_lib.baselines import empty, ngram

honest = [target for target in scoreboard.targets() if "/components/" not in target.group]


def pocket(cursor):
    return completer.complete(cursor).text


def adapted_pocket(cursor):
    return completer.complete(cursor, adapter=adapter).text


scoreboard.table([scoreboard.score(method.__name__, method, honest) for method in (empty, ngram, pocket, adapted_pocket)])

# %% [markdown]
# One line more is right than without it, which chance could do as well. It has learnt three files about one subject, at a high rate, and is asked about others. An adapter is for what it has learnt from; what it costs elsewhere has to be asked, too.
#
# So the long run is stored, base included. For each of three repositories, `python -m copilot_lib sweep lora` trained adapters of rank 32 on all of it but what was held out, some minutes each, and asked for the rest of a line at hundreds of places in files that nothing was learnt from.
#
# > **Predict.** How many more of a hundred answers are right with an adapter? Is the difference larger than what other files would have said by chance?

# %%
record = json.loads(stored("claims/tuning.json"))
rows = [row for row in record["rows"] if row["condition"] == "alone" and row["run"] in ("base", f"lora-{row['repository']}")]
print(f"{record['command']}, {record['date']}, {record['hardware']}")
for row in rows:
    run, (mean, low, high) = row["run"].split("-")[0], row["exact_above_base"]
    bits = "{:+.2f} ({:+.2f} to {:+.2f}) bits/byte".format(*row["bits_above_base"])
    above = "" if run == "base" else f"  {mean:+.1%} ({low:+.1%} to {high:+.1%})  {bits}"
    print(f"{row['repository']:11}{run:5}{row['exact'][0]:6.1%} of {row['targets']}{above}")
for row in rows[1::2]:
    minutes, losses = row["cpu_minutes"], row["held_out_loss"]
    print(f"{row['repository']:11}{len(minutes)} seeds of {min(minutes):.1f} to {max(minutes):.1f} minutes of one core; held-out loss {losses[0]:.2f} before, at most {max(losses[1::2]):.2f} after")

# %% tags=["hide-input"]
tuned_rows = [row for row in rows if row["run"] != "base"]
figure, axes = plt.subplots(1, 2, figsize=(6.5, 1.9), sharey=True)
for panel, key, scale, label in ((axes[0], "exact_above_base", 100, "exact answers, points"), (axes[1], "bits_above_base", 1, "bits per byte")):
    for n, row in enumerate(tuned_rows):
        mean, low, high = (scale * value for value in row[key])
        panel.errorbar(mean, n, xerr=[[mean - low], [high - mean]], fmt="o", color="#4285f4" if low * high > 0 else "#868e96", capsize=3)
    panel.axvline(0, color="#868e96", linewidth=0.8)
    panel.set(yticks=range(len(tuned_rows)), yticklabels=[row["repository"] for row in tuned_rows], xlabel=label, ylim=(2.5, -0.5))
described = "; ".join(f"{row['repository']} {100 * row['exact_above_base'][0]:+.1f} points, {row['bits_above_base'][0]:+.2f} bits" for row in tuned_rows)
show.figure(figure, f"What an adapter adds, with intervals; blue where zero lies outside: {described}")

# %% [markdown]
# Each difference was taken place by place (chapter 9), and its interval decides. Left, the answers: blue to the right of zero would be a gain that these places bear out, blue to the left is a loss. Right, the bits: to the left of zero the right text has become likelier. To become likelier is easier than to come first, and a person sees only what comes first: two repositories have fewer bits, and none has more
# right lines ([in other files](../book/claims.md#context-or-lora) one has). The held-out loss of every one of these adapters fell. *A loss that falls is no proof of better completions*: it says that training works, and only asking says what for. Whether pieces of other files do more, and what both do together, is chapter 13's question.
#
# ## What goes wrong
#
# - **`SFTConfig.__init__() got an unexpected keyword argument 'max_seq_length'`**, or `'warmup_ratio'`, or of the trainer `'tokenizer'`. The snippet is older than the library. Today they are `max_length`, `warmup_steps=0.1` and `processing_class`.
# - **`Your setup doesn't support bf16/gpu.`** 16 bits are trl's default, also where there are none. On a CPU, say `use_cpu=True, bf16=False`.
# - **``You passed a `PeftModel` instance together with a `peft_config` to the trainer.``** Give it the base and the description, or the model that has its adapter; two would be one inside the other.
# - **`Target modules {'q_proj'} not found in the base model.`** These are the names of another family's layers. Print `named_modules()`, or say `"all-linear"`.
# - **It never stops.** The tokenizer has no padding token, so the end token was taken, and transformers' `DataCollatorForLanguageModeling` hides what looks like padding: no end is ever learnt. trl's own does not. Give padding an id of its own.
#
# ## Exercises
#
# **1. What fits?** (two lines). Given the shapes of the layers that get a path, as (out, in), and a number of bytes, return the largest rank of which the numbers fit, in 32 bits.

# %%
from copilot_lib import checks


def largest_rank(shapes, most_bytes):
    ...


checks.check_11_largest_rank(largest_rank)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def largest_rank(shapes, most_bytes):
#     bytes_a_rank = 4 * sum(rows + columns for rows, columns in shapes)
#     return most_bytes // bytes_a_rank
# ```
#
# An adapter grows with the sum of a matrix's sides, the matrix with their product: the larger the model, the smaller the share.
# </details>
#
# **2. An adapter of a difference** (two lines). Somebody tuned all weights, and you have the difference to the base. Return `(up, down)`, the best pair of a rank for it. `numpy.linalg.svd(change, full_matrices=False)` gives `left, sizes, right`, and `left @ diag(sizes) @ right` is the change again.

# %%
def best_pair(change, rank):
    ...


checks.check_11_best_pair(best_pair)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def best_pair(change, rank):
#     left, sizes, right = numpy.linalg.svd(change, full_matrices=False)
#     return left[:, :rank] * sizes[:rank], right[:rank]
# ```
#
# Nobody can do better with that rank (Eckart and Young, 1936). Whether it does well is another question: `left_over` answers it.
# </details>
#
# **3. Your repository** (open). `python -m copilot_lib finetune YOUR_FOLDER --name mine --minutes 10`. Read the table at its end before you read completions. At which cursors does it help, and is one of them where you need help?

# %% [markdown]
# ## Recap
#
# - A low-rank path begins at nothing and learns rules; how many, its rank says, and how strong, the training.
# - An adapter has rank times in-plus-out numbers for each layer, and `c_proj` means two: 296,960 for the pocket, 3,481,600 for the article's model.
# - A rate is right for a number of steps. Ten times the one that works destroys the answers, and never the base.
# - Merged is the same in 32 bits; in 16 it is as good as 16 bits are, and switching by merging wears out the base.
#
# What stays: the adapter's folder, and `completer.complete(cursor, adapter=…)`. Next: you have more than one repository. Which adapter answers where, and can two be one?
#
# Further reading
#
# - [LoRA: Low-Rank Adaptation of Large Language Models](https://arxiv.org/abs/2106.09685): where it comes from, with the zero at the beginning.
# - [LoRA Learns Less and Forgets Less](https://arxiv.org/abs/2405.09673): beside full tuning, on code.
# - [Why Personalizing Deep Learning-Based Code Completion Tools Matters](https://arxiv.org/abs/2503.14201): what tuning on a team's code is worth, measured.
# - [LoRA Without Regret](https://thinkingmachines.ai/blog/lora/): which layers, which rank, which rate.
# - [Intrinsic Dimensionality Explains the Effectiveness of Language Model Fine-Tuning](https://arxiv.org/abs/2012.13255): why few directions are enough.
