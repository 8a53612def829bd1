# ---
# jupyter:
#   copilot_lib:
#     teaches: [tuning.costs.sent, tuning.costs.activations, tuning.costs.repository]
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
# # 15. Past one machine
#
# At the end of this chapter you have trained one adapter with two processes at once, asked for it through a server that stands between the editor and the machine with the model, and you
# can say before you rent anything what a larger model and a larger repository will cost.
#
# ```text
#  5 │     return basket.‸
#    │                   └ zloty_total(10) + vat_99
#
#  learnt by two processes, served by a third, shown by a fourth
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 50 minutes | two CPU cores; no GPU | [6](06_the_server.ipynb), [10](10_data.ipynb), [11](11_lora.ipynb), [12](12_many_repositories.ipynb) | [data parallel](../book/glossary.md#data-parallel), [sharding](../book/glossary.md#sharding), [activation](../book/glossary.md#activation), [recomputing](../book/glossary.md#recomputing) |
#
# You will
#
# - average the gradients of two processes by hand, and show that one process would have found the same;
# - start the package's own training twice over, and count that there are really two;
# - compute what each card has to hold for a model of 15 billion parameters, and what crosses the wire;
# - ask an engine elsewhere for one of its adapters, and multiply measured rates to the price of a million files.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# Here is a repository with names that no model has read, and the pocket at a cursor in it.

# %%
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
shop = folder / "shop"
shop.mkdir()
for number in range(12):
    uses = [f"def price_of_{number}_{n}(basket):\n    return basket.zloty_total({n}) + vat_{number}\n" for n in range(12)]
    (shop / f"part_{number}.py").write_text("\n\n".join([f"from shop.money import vat_{number}\n", *uses]))

# %%
from copilot_lib import show
from copilot_lib.completer import Completer
from copilot_lib.samples import gap

completer = Completer.load()
cursor = gap("from shop.money import vat_99\n\n\ndef price_of_99_3(basket):\n    return basket.", "\n")
show.completion(cursor, completer.complete(cursor).text, "what the pocket knows of zlotys")

# %% [markdown]
# A larger model would guess better, and would not know either; it would have to be trained, too. Why not train one of 15 billion parameters? In 16 bits its weights alone are

# %%
from copilot_lib.tuning import costs

big = costs.STARCODER2_15B
f"{costs.parameters(big):,} parameters, {costs.BF16 * costs.parameters(big) / 1e9:.0f} GB"

# %% [markdown]
# That is more than most machines have, and training needs several times as much. The way out is to use several processes, on several cards, in several machines. We have none of these here. But two processes on two cores obey the same rules, and the rest is arithmetic.
#
# ## Two processes, one gradient
#
# **Claim: averaging gradients is all there is to data parallel training.** Every process has the whole model and a batch of its own. Two batches, from two files of the shop:

# %%
import torch
from copilot_lib import models
from copilot_lib.tuning import training
from copilot_lib.tuning.batches import padded
from copilot_lib.tuning.drawing import Example

network, _ = models.load_network("pocket", "cpu")
codec = completer.model.codec


def batch_of(*files):
    rows = [tuple(codec.encode(file.read_text())[:128]) for file in files]
    return training.on_device(padded([Example(row, len(row), "plain") for row in rows], 1.0, codec.end_id))


batches = batch_of(shop / "part_0.py", shop / "part_1.py"), batch_of(shop / "part_2.py", shop / "part_3.py")
[tuple(batch["input_ids"].shape) for batch in batches]

# %% [markdown]
# One process that sees both takes the mean of the two losses, and asks for its gradient, all five million numbers of it in a row:

# %%
def gradient(*given):
    network.zero_grad()
    (sum(training.weighted_loss(network, batch) for batch in given) / len(given)).backward()
    return torch.cat([weight.grad.flatten() for weight in network.parameters()])


both = gradient(*batches)
len(both)

# %% [markdown]
# The derivative of a sum is the sum of the derivatives. So the average of two gradients should be the gradient of the average:

# %%
averaged = (gradient(batches[0]) + gradient(batches[1])) / 2
bool(torch.allclose(averaged, both, atol=1e-5))

# %% [markdown]
# Now for real. This script is what each process runs. `all_reduce` is the one line in which they talk: everybody gives a tensor, everybody gets the sum.

# %%
torch.save(batches, folder / "batches.pt")
_ = (folder / "worker.py").write_text('''
import os, sys, torch
from torch import distributed
from copilot_lib import models
from copilot_lib.tuning import training

distributed.init_process_group("gloo")
rank, count = distributed.get_rank(), distributed.get_world_size()
network, _ = models.load_network("pocket", "cpu")
own = torch.load("batches.pt")[rank]
training.weighted_loss(network, own).backward()
found = torch.cat([weight.grad.flatten() for weight in network.parameters()])
distributed.all_reduce(found)
torch.save(found / count, f"gradient-{rank}.pt")
sys.stdout.write(f"process {rank} of {count}, to the system number {os.getpid()}\\n")
distributed.destroy_process_group()
''')

# %% [markdown]
# `torchrun` starts as many as it is told, and tells each through environment variables who it is: `RANK`, `WORLD_SIZE`, and where to meet. gloo is what they talk over on CPUs; on NVIDIA's cards it is NCCL.

# %%
import os, subprocess

quiet = os.environ | {"OMP_NUM_THREADS": "1", "COPILOT_ADAPTERS": str(folder / "adapters")}


def started(*words):
    done = subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, env=quiet)
    return sorted(done.stdout.splitlines()) if done.returncode == 0 else done.stderr.splitlines()[-5:]


TORCHRUN = "torch.distributed.run", "--standalone", "--nproc_per_node", "2"
lines = started(*TORCHRUN, "worker.py")
[line.split(",")[0] for line in lines], len({line.split()[-1] for line in lines})

# %%
first, second = (torch.load(folder / f"gradient-{rank}.pt") for rank in range(2))
bool(torch.equal(first, second)), bool(torch.allclose(first, both, atol=1e-5))

# %% [markdown]
# Both have the same gradient, to the last bit, and up to rounding it is the one that a single process would have computed. So both take the same step, and are the same model after it, although neither ever sent a weight.
#
# > **Predict.** Now broken on purpose: we leave the averaging out. Each of two models takes six steps on its own batch, the first in the shop, the second in networkx. Will they still say the same at the cursor? And if you only look at one of their losses, will you notice?

# %%
import copy


def drifted(own, steps=6, rate=0.02):
    alone = copy.deepcopy(network)
    for _ in range(steps):
        alone.zero_grad()
        loss = training.weighted_loss(alone, own)
        loss.backward()
        with torch.no_grad():
            for weight in alone.parameters():
                weight -= rate * weight.grad
    return alone, loss.item()

# %%
import networkx

elsewhere = batch_of(*(Path(networkx.__file__).parent / name for name in ("convert.py", "relabel.py")))
(one, loss_one), (two, loss_two) = drifted(batches[0]), drifted(elsewhere)
before = [training.weighted_loss(network, own).item() for own in (batches[0], elsewhere)]
[f"{was:.2f} -> {now:.2f}" for was, now in zip(before, (loss_one, loss_two))]

# %%
def says(model):
    ids = list(codec.encode(cursor.prefix))
    made = model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False, pad_token_id=codec.end_id)
    return codec.decode(made[0, len(ids) :].tolist()).split("\n")[0]

# %%
show.completion(cursor, says(one), "the model of the first process")

# %%
show.completion(cursor, says(two), "the model of the second process, which was to be the same one")

# %% [markdown]
# Both losses fall, and nothing complains. What is saved at the end is the first model, which has seen half of the data. This is no invented mistake. While this chapter was written, the package did just that: it looked at the held-out loss once before it began, and a
# library took the network that had been looked at for one that was ready, and left the averaging out. The losses were fine. What found it was a test that compares the weights of both processes at every step.
#
# One detail is easily wrong. A mean of means is only the mean if all parts are equally large. Our batches are filled up to the same number of tokens, so it hardly matters; where batches are very different, each loss has to be weighted by its tokens first.
#
# ## Are there really two?
#
# **Claim: a launcher that starts too few says nothing.** You ask for two processes, training runs, and the curve looks fine. It would, with one. So we count.

# %%
_ = (folder / "count.py").write_text('''
import os, sys

names = "RANK", "WORLD_SIZE", "MASTER_PORT"
told = {name: name in os.environ for name in names}
sys.stdout.write(f"{told} {os.environ.get('WORLD_SIZE')}\\n")  # in one piece: two processes share the line
''')

# %%
started(*TORCHRUN, "count.py")

# %%
started("accelerate.commands.launch", "--cpu", "--num_processes", "2", "count.py")

# %% [markdown]
# `accelerate launch --cpu --num_processes 2` started one process, and ended well. (On graphics cards it starts as many as it is told.) The last line shows what gives it away: it was told where to meet others, and not who it is. `finetune` looks for just that:

# %%
from copilot_lib.tuning import processes

processes.warning({"ACCELERATE_MIXED_PRECISION": "no", "MASTER_PORT": "29500"})

# %% [markdown]
# The package's training is the same function under `torchrun`; what changes is who does what. All processes draw the same batches, and each keeps its own:

# %%
from itertools import islice


def every_nth(stream, index, count):
    return islice(stream, index, None, count)


[list(every_nth(iter("abcdefg"), index, 2)) for index in range(2)]  # the first waits for an `h` that never comes: see exercise 1

# %% [markdown]
# `torchrun … -m copilot_lib finetune` is the whole command. The first process reads the repository, plans, writes and speaks; here is some of what it says (how many files, lines and kB are in each part), and what it decided.

# %%
words = "finetune", str(shop), "--name", "shop", "--model", "pocket", "--folder", str(folder / "run"), "--epochs", "4", "--targets", "0"
said = started(*TORCHRUN, "-m", "copilot_lib", *words)
[line for line in said if line.startswith(("to learn", "to see", "held out"))]

# %%
import json

plan, result = (json.loads((folder / "run" / name).read_text()) for name in ("plan.json", "training.json"))
print(plan["processes"], "processes,", plan["settings"]["batch_tokens"], "tokens a step in each")
print("fell:", result["best_loss"] < result["first_loss"], "- checkpoints:", len(list((folder / "run/training").glob("checkpoint-*"))))
sorted(path.name for path in (folder / "adapters/shop").iterdir())

# %% [markdown]
# One adapter, one registry, one README: nothing in them says that there were two. (Two checkpoints are there because the last two are kept, whoever trains.) The tests of the package start the same command, kill one of the two in the middle, go on with `--resume`, and
# compare the curve with that of one process that saw both batches at once: they differ by less than a ten-thousandth.
#
# Was it faster? On two cores, no: one process with two threads uses them as well. Two processes on one machine are for learning; on two cards they are for speed.
#
# ## What fits onto a card
#
# **Claim: it is not the model that does not fit.** Training holds four kinds of things. The weights. A gradient for each weight that is trained. For AdamW two averages of it, and where the weights have 16 bits a copy in 32. And what each layer has to remember of the way there (forward) for the way back (`backward()`): its *activations*.
#
# A well-known formula says of the last that a layer keeps 34 bytes for each token and each number of its width. Is that so? Torch tells, if asked, what it keeps.

# %%
def kept_by(model, tokens):
    """Bytes that the way back needs: each block of memory counted once, and no weights."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    blocks = {}

    def note(tensor):
        block = tensor.untyped_storage()
        if block.data_ptr() not in weights:
            blocks[block.data_ptr()] = block.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(input_ids=torch.arange(tokens)[None], use_cache=False)
    return sum(blocks.values())

# %%
shallow = copy.deepcopy(network)
shallow.transformer.h = shallow.transformer.h[:-1]
one_layer = kept_by(network, 256) - kept_by(shallow, 256)
width = network.config.hidden_size
round(one_layer / 256 / width / 2, 1)

# %% [markdown]
# In 32 bits; divided by two, for 16. The pocket stays a little below: it leaves nothing out by chance (*dropout*), whose masks the formula counts, and has one head of keys and values instead of many. With other shapes it may be a little above, where a library keeps copies. For a plan that is near enough:

# %%
KEPT_BY_A_LAYER, BF16, OF_LOGITS = costs.KEPT_BY_A_LAYER, costs.BF16, costs.OF_LOGITS  # 34, 2 and 14 bytes


def activations(shape, tokens, recomputed=False):
    layer = KEPT_BY_A_LAYER * tokens * shape.width
    layers = BF16 * tokens * shape.width * shape.layers + layer if recomputed else layer * shape.layers
    return layers + OF_LOGITS * tokens * shape.vocabulary


[f"{activations(big, 4096, recomputed) / 1e9:.0f} GB" for recomputed in (False, True)]

# %% [markdown]
# *Recomputing* keeps only what goes into each layer, and walks there a second time on the way back: a third more work for all weights (half as much again for LoRA) and a sixth of the memory. The last term is for logits: 49,152 numbers for each token, several times over.
#
# > **Predict.** Eight cards of 80 GB, 15 billion parameters. What fits: all weights or only LoRA? With a whole model on each card (DDP), or with an eighth on each (*sharding*, FSDP)?

# %%
ways = {
    "all weights, DDP": costs.memory(big, 4096),
    "all weights, FSDP": costs.memory(big, 4096, 8, sharded=True),
    "… recomputed": costs.memory(big, 4096, 8, sharded=True, recomputed=True),
    "LoRA, DDP": costs.memory(big, 4096, rank=16),
    "LoRA, DDP, recomputed": costs.memory(big, 4096, rank=16, recomputed=True),
    "LoRA, FSDP, recomputed": costs.memory(big, 4096, 8, sharded=True, rank=16, recomputed=True),
}
{way: f"{held.total / 1e9:.0f} GB" for way, held in ways.items()}

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 2.8))
left = [0.0] * len(ways)
for part, colour in zip(("weights", "gradients", "states", "activations", "gathered"), ("#4285f4", "#f59f00", "#d9480f", "#2f9e44", "#adb5bd")):
    sizes = [getattr(held, part) / 1e9 for held in ways.values()]
    axes.barh(list(ways), sizes, left=left, color=colour, label={"states": "optimiser"}.get(part, part))
    left = [a + b for a, b in zip(left, sizes)]
axes.axvline(80, color="#868e96", linestyle="--")
axes.set(xlabel="GB on each card; the line is a card of 80 GB")
axes.invert_yaxis()
axes.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.45, 1), frameon=False)
show.figure(figure, "Stacked bars of memory on each card: " + "; ".join(f"{way} {held.total / 1e9:.0f} GB" for way, held in ways.items()))

# %% [markdown]
# All but the first fit, the second barely. Two thirds of the first is red, what the optimiser keeps; without it 101 GB would be left, still too much. (Grey are weights of the other cards, gathered for as long as it is their turn: two layers at a time, and the embeddings.) LoRA does away with red and yellow, because it keeps them for 0.4 per cent of the weights; sharding gives each card an eighth. With LoRA, sharding *and* recomputing a card of 16 GB would do, in arithmetic; `finetune` needs more, since it loads the base whole before it is divided.
#
# A formula wants to be asked. On one card of 141 GB, with this shape and weights drawn by chance, LoRA had 79 GB in use where 70 are computed, and recomputed 37 where 39 are: what is cast for the adapter is in no formula. A bar that ends at 70 wants a card of 80 to itself ([all rows](../book/distributed.md#what-fits)).
#
# Sharding is paid for on the wire. In a ring each process passes pieces to its neighbour until everybody has the sum:

# %%
def sent(size, processes, sharded=False):
    times = 3 if sharded else 2  # gradients go round twice; sharded weights twice and their gradients once
    return times * (processes - 1) / processes * size


lora, whole = 4 * costs.lora_parameters(big, 16), 2 * costs.parameters(big)  # 4 bytes a number of the adapter, 2 of the base
sizes = {
    "LoRA, DDP": sent(lora, 8),
    "LoRA, FSDP": sent(lora, 8, sharded=True) + sent(whole, 8),  # the base has no gradients, but goes round to be whole
    "all, DDP": sent(whole, 8),
    "all, FSDP": sent(whole, 8, sharded=True),
}
{way: f"{size / 1e9:.1f} GB" for way, size in sizes.items()}

# %% [markdown]
# In every step, from every card. Inside a machine, at some hundred GB a second, that is nothing to worry about. Between two machines on ordinary network cables it decides everything, and LoRA under DDP is the only row that does not mind. Nothing between cards was run: there was never more than one. [Past one machine](../book/distributed.md) has the configuration files,
# the whole table, and a list of what was run and what was not.
#
# ## The model is elsewhere
#
# **Claim: an editor does not need to know where the model is.** A machine with a card serves a whole team: one base, an adapter for each repository. vLLM does that, and a gateway beside each editor turns cursors into its requests. Here the engine is this package's own server, in a process of its own, with the adapter that two processes have just trained.

# %%
def serving(*words, **environment):
    command = [sys.executable, "-m", "copilot_lib", "serve", "--port", "0", *words]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=quiet | environment)
    return running, running.stdout.readline().split(" at ")[1].split()[0]


engine, address = serving()
front, door = serving("--backend", "openai", "--url", address, "--model", "pocket", "--prompt-as-text", COPILOT_ADAPTERS=str(folder / "none"))
address != door

# %% [markdown]
# The second process has no model and no adapters. It makes prompts, sends them on, and cleans up what comes back. The editor names the adapter behind the model, `pocket:shop`; to the engine the gateway sends `shop` as the model's name, which is how vLLM chooses. (vLLM takes prompts as token ids. This engine takes text, so the prompt is written out.)

# %%
import httpx


def over_there(cursor, adapter=None):
    gap = {"prompt": cursor.prefix, "suffix": cursor.suffix, "model": f"pocket:{adapter or 'base'}"}
    return httpx.post(f"{door}/v1/completions", json=gap, timeout=60).json()["choices"][0]["text"]

# %% tags=["nbval-ignore-output"]
show.completion(cursor, over_there(cursor, "shop"), "the shop's adapter, asked for by name")

# %%
show.completion(cursor, over_there(cursor), "the same engine, asked for its base")

# %% [markdown]
# Two answers from one process that holds the base once. (The names are the shop's; the number should have been 3.) For vLLM only the first command is another:
#
# ```text
# vllm serve bigcode/starcoder --enable-lora --max-lora-rank 16 \
#     --lora-modules shop=adapters/shop billing=adapters/billing \
#     --lora-target-modules c_attn c_proj c_fc
# python -m copilot_lib serve --backend openai --url http://127.0.0.1:8000 \
#     --model bigcode/starcoder --adapter shop
# ```
#
# Not in this notebook, since vLLM is gigabytes. On a CPU, with the pocket and three adapters, it gave what this package gives where no word has been begun, to the last character; but a version of it, 0.32, left out a part of every adapter that is made as here, and only its log said so. `python -m copilot_lib adapters check shop --url ADDRESS` asks an engine whether it does: [Past one machine](../book/distributed.md#does-it-use-the-adapter).
#
# ## A million files
#
# **Claim: what you need to know beforehand is five rates.** They were measured once, on one core, on the 287 files of networkx that are no tests, and stored. How much work a core does in a second of its own time does not depend on what else the machine does.

# %%
from copilot_lib.chapter import stored

found = json.loads(stored("costs/rates.json"))
rates = [costs.Rate(**row, source="results/costs/rates.json") for row in found["rates"]]
{rate.what: f"{rate.per_second:,.0f} {rate.unit}/s" for rate in rates}

# %%
from copilot_lib.tuning.costs import Cost


def repository(files, lines_per_file, tokens_per_line, rates, places=500):
    lines = files * lines_per_file
    amounts = {"files": files, "lines": lines, "tokens": lines * tokens_per_line, "places": places}
    return [
        Cost(rate.what, amounts[rate.unit], rate.unit, amounts[rate.unit] / rate.per_second, rate.source) for rate in rates
    ]

# %% [markdown]
# > **Predict.** A million files, 3,500 times as many as were measured. Which step takes longest, and is it hours, days or years on one core?

# %%
from copilot_lib import scoreboard

sums = repository(1_000_000, found["lines_per_file"], found["tokens_per_line"], rates)
rows = [(cost.what, f"{cost.amount:,.0f} {cost.unit}", costs.in_words(cost.seconds), "computed") for cost in sums]
print(scoreboard.aligned([("one core, a million files", "amount", "time", ""), *rows]))

# %% [markdown]
# Not one of these times was measured; each is a measured rate times a size. Two assumptions are in them: that a million files are like these, and that a rate does not fall as things grow. Collecting a million lines took 10 seconds of a core (by the rate above it would be 16) and 170 MB of memory, a third of them 4.6 and 125 ([record](../results/costs/collect.txt)): there it does not fall. Beyond, nobody here has looked.
#
# Drawing is much faster than training, and each process draws everything and keeps its share. So there is a number of processes at which drawing becomes what all wait for. Here it is for cores that train the pocket:

# %%
speed = {rate.what.split()[0]: rate.per_second for rate in rates}
round(speed["draw"] / speed["train"])

# %% [markdown]
# Cards are faster at training, and wait sooner: one trained the pocket's adapter on 54,600 tokens a second ([record](../results/costs/card.txt)), so that ten of them wait for drawing. And the large model? The rule of thumb is two operations a parameter and token on the way there, for LoRA two more on the way back, and two again where the way there is walked twice. The data sheet of an H100, a card of 80 GB, promises 989 trillion a second in 16 bits. An H200, which has the same arithmetic, did 406 of them in steps of 4,096 tokens, two fifths ([record](../results/costs/large.json)).

# %%
tokens = sums[2].amount
one_card = json.loads(stored("costs/large.json"))["rows"][0]["tera_operations_per_second"] * 1e12
seconds = costs.operations(big, tokens, rank=16, recomputed=True) / (8 * one_card)
f"one epoch of {tokens / 1e9:.1f} billion tokens, 15 billion parameters, eight cards: {costs.in_words(seconds)} (computed from one card's rate)"

# %% [markdown]
# So the small model on one core takes longer than the large one on eight cards, and you will not want to do either before the learning curve of your repository has told you how many of the million files are needed. (Here is [that of networkx](../book/claims.md#how-many-files-are-plenty), which has 185 to learn from once tests, copies and held-out files are gone.)
#
# ## The same, from the library

# %%
assert activations(big, 4096) == costs.activations(big, 4096) and sent(whole, 8, True) == costs.sent(whole, 8, True)
assert sums == costs.repository(1_000_000, found["lines_per_file"], found["tokens_per_line"], rates)
assert costs.memory(big, 4096).activations == activations(big, 4096)

# %% [markdown]
# ## Measure
#
# One row for the scoreboard. A gateway adds a process, a socket and a second protocol; it must not change what is said.

# %%
from copilot_lib.baselines import empty

table = [
    scoreboard.score("empty", empty),
    scoreboard.score("pocket", lambda cursor: completer.complete(cursor).text),
    scoreboard.score("pocket, behind a gateway", over_there),
]
same = sum(over_there(target.cursor) == completer.complete(target.cursor).text for target in scoreboard.targets())
print(f"the same text, to the last character, at {same} of {len(scoreboard.targets())} places")
for running in (front, engine):
    running.terminate()
scoreboard.table(table)

# %% [markdown]
# ## What goes wrong
#
# - **Two processes, and no faster.** Count them. If `WORLD_SIZE` is not there, you have one.
# - **It hangs before the first step.** The processes do not find each other, or one is still reading. `MASTER_ADDR` must be reachable from the second machine, and no firewall in between.
# - **`RuntimeError: Sizes of tensors must match`** in a data loader: one process reads for all, and joins batches of several lengths. Set `dispatch_batches` to `False`, as `settings.py` does.
# - **Twice the checkpoints, half of them broken.** Every process wrote. Only the first may.
# - **`the number of processes changed since the run in … began`.** A run of two goes on with two, or every batch after it would be another one.
#
# ## Exercises
#
# **1. Whose batch is it?** (one line). Of `count` processes, this is number `index`. Given the list of all batches, return those that it trains on. They take turns, the first has index 0, and all have equally many; what is left over is left out.

# %%
from copilot_lib import checks


def batches_of(every, index, count):
    ...


checks.check_15_batches_of(batches_of)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def batches_of(every, index, count):
#     return every[: len(every) // count * count][index::count]
# ```
#
# If one process had a batch more than the other, it would wait forever for a gradient that nobody sends.
# </details>
#
# **2. How many cards?** (three lines). Some bytes are on every card (`everywhere`), others can be divided (`divided`). Return the smallest number of cards of `size` bytes that hold it, or `None` if no number does.

# %%
def cards_needed(everywhere, divided, size):
    ...


checks.check_15_cards_needed(cards_needed)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def cards_needed(everywhere, divided, size):
#     if everywhere >= size:
#         return 1 if everywhere == size and not divided else None
#     return max(1, -(-divided // (size - everywhere)))
# ```
#
# Activations are what cannot be divided this way: they belong to a card's own batch. Take smaller batches, or recompute.
# </details>
#
# **3. Your repository** (open). Count its lines, put them into `repository(...)`, and measure the rates on your machine with `python -m copilot_lib.bench.rates`. Which step would you buy a machine for?

# %% [markdown]
# ## Recap
#
# - Data parallel is one line, `all_reduce`: the average of gradients is the gradient of the average, to the last bit the same in both processes.
# - A launcher that starts one process where you asked for two says nothing. Count.
# - What does not fit is mostly the optimiser. LoRA shrinks it, sharding divides it, recomputing shrinks what is left.
# - An engine elsewhere gets a prompt and an adapter's name, and says the same.
# - Five measured rates, multiplied, are a plan. They are not a measurement.
#
# What stays: an adapter that two processes made, and the sums in `tuning/costs.py`. This is the last chapter: from a cursor in a file to a tool that knows your repository, on one machine or on sixteen.
#
# Further reading
#
# - [PyTorch Distributed](https://arxiv.org/abs/2006.15704): how DDP hides the wire behind the way back.
# - [ZeRO](https://arxiv.org/abs/1910.02054): sixteen bytes for each parameter, and how to divide them.
# - [Reducing Activation Recomputation in Large Transformer Models](https://arxiv.org/abs/2205.05198): the 34 bytes.
# - [PyTorch FSDP](https://arxiv.org/abs/2304.11277): what is whole at a time, and when.
# - [S-LoRA](https://arxiv.org/abs/2311.03285): thousands of adapters on one base.
