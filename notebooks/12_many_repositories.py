# ---
# jupyter:
#   copilot_lib:
#     teaches: [lora.scaled, lora.merged, git_remote.plain, registry.entry_of]
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
# # 12. Many repositories
#
# At the end of this chapter one copilot writes each of your repositories in its own way. It finds the right adapter by the folder and switches from one request to the next, and you can say
# what it costs to make one adapter of several.
#
# ```text
#  1 │ def send_user(‸
#    │               └ user_id, *, ledger):        in the one repository
#    │               └ user, clock=None):          in the other
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 55 minutes | any; no GPU | [6](06_the_server.ipynb), [11](11_lora.ipynb) | [registry](../book/glossary.md#registry), [TIES](../book/glossary.md#ties) |
#
# You will
#
# - put an adapter into a model's weights by hand, and see two of them answer at the same cursor;
# - break the cache between them, to know what a switch must not do;
# - find the adapter of a file by its folder or its git remote, and refuse one that cannot be trusted;
# - combine adapters in three ways, and measure what is lost.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# A company has two repositories. Both have users, files and pages, and do the same things with them; each has its own way to write it down. So that this chapter is short, we make them
# ourselves: a template for each, filled in with a dozen nouns and verbs.

# %%
BILLING = '''def {verb}_{noun}({noun}_id, *, ledger):
    """{Verb} one {noun} of an account."""
    log.info("{verb} {noun} %s", {noun}_id)
    {noun} = ledger.find({noun}_id)
    if {noun} is None:
        return Failure("no such {noun}")
    return Success({noun}.{verb}())
'''
SENSORS = '''def {verb}_{noun}({noun}, clock=None):
    # {verb} one {noun}
    started = now(clock)
    with {noun}.locked():
        value = {noun}.{verb}(started)
    metrics.count("{noun}.{verb}", started)
    return value, None
'''

# %%
import tempfile
from pathlib import Path

NOUNS = ["file", "user", "item", "node", "page", "task", "event", "image", "group", "table", "point", "token"]
VERBS = ["open", "close", "read", "write", "check", "reset", "merge", "split", "lock", "send", "load", "store"]
home = Path(tempfile.mkdtemp())
for name, template in {"billing": BILLING, "sensors": SENSORS}.items():
    (home / name).mkdir()
    for n, noun in enumerate(NOUNS):
        verbs = (VERBS[n:] + VERBS[:n])[:6]
        filled = [template.format(noun=noun, verb=verb, Verb=verb.capitalize()) for verb in verbs]
        (home / name / f"{noun}.py").write_text("\n\n".join(filled))
{folder.name: len(list(folder.iterdir())) for folder in sorted(home.iterdir())}

# %%
from copilot_lib import show
from copilot_lib.completer import Completer
from copilot_lib.samples import gap

completer = Completer.load("pocket")
cursor = gap("def send_user(")
show.completion(cursor, completer.complete(cursor), "what the pocket suggests, in either repository")

# %% [markdown]
# The model knows neither ledger nor clock. And no context tells it: the file is new and empty, nothing is imported yet. What is missing is a habit, and a habit can be trained.
#
# ## Two adapters
#
# So each repository gets an adapter, made as in chapter 11: a plan, forty steps, a folder. Habits as regular as these need no more; a real repository takes longer, and the command for it is `python -m copilot_lib finetune REPO --name NAME`. What these lines do is what that command does.

# %%
import os
from copilot_lib import models
from copilot_lib.registry import Registry
from copilot_lib.tuning import finetune, making, material
from copilot_lib.tuning.settings import Settings

os.environ["COPILOT_ADAPTERS"] = str(home / "adapters")
settings = Settings(rank=8, alpha=16, rate=5e-3, batch_tokens=1024, example_tokens=256)


def learn_habits(name, steps=40):
    found = material.collect(home / name)
    whose = {"model": "pocket", "fingerprint": models.fingerprint("pocket"), "material": found.report["sha256"]}
    plan = finetune.Plan(**whose, settings=settings, drawing=finetune.Drawing(), steps=steps, precision="float32", device="cpu", seconds_per_step=0.0)
    run = home / f"run-{name}"
    run.mkdir()
    finetune.write_json(run / finetune.REPORT, found.report)
    course = finetune.run(plan, found, run)
    making.save(name, home / name, plan, run, Registry())
    return found, course

# %%
learnt = {"billing": learn_habits("billing")}
found, course = learnt["billing"]
print(found.report["files"], "held-out loss more than halved:", course.best_loss < course.first_loss / 2)

# %%
learnt["sensors"] = learn_habits("sensors")
found, course = learnt["sensors"]
print(found.report["files"], "held-out loss more than halved:", course.best_loss < course.first_loss / 2)

# %% [markdown]
# Both now lie in a *registry*: a folder of the user's, with a folder for each adapter.

# %%
registry = Registry()
for name in registry.names():
    print(name, sorted(file.name for file in registry.find(name).folder.iterdir()))

# %% [markdown]
# > **Predict.** The same cursor, the same model, one adapter and then the other: how much of the answer will be the repository's, and how much will still be the pocket's?

# %%
show.completion(cursor, completer.complete(cursor, adapter="billing"), "with the adapter of billing")

# %%
show.completion(cursor, completer.complete(cursor, adapter="sensors"), "with the adapter of sensors")

# %% [markdown]
# ## What happened, by hand
#
# Nothing is left of the pocket's answer, from the first parameter on. (The first of the two ends in the middle of a line, since a completion has at most 64 tokens.)
#
# **Claim: a model with an adapter is a model with other numbers.** We read both adapters back from their files: for each layer a pair of thin matrices, and the scale by which their product counts.

# %%
from copilot_lib import lora

adapters = {name: completer.model.read_adapter(registry.find(name).folder) for name in registry.names()}
layer, pair = next(iter(adapters["billing"].items()))
print(layer, pair.up.shape, "times", pair.down.shape, "times", pair.scale)

# %%
sizes = {name: sum(pair.up.size + pair.down.size for pair in adapter.values()) for name, adapter in adapters.items()}
{name: f"{size:,} numbers, {size / completer.model.parameters:.1%} of the model" for name, size in sizes.items()}

# %% [markdown]
# `merged` adds every pair's product to its weights, once, before the model runs. What comes out is as large and as fast as the base. `scaled` makes an adapter weaker or stronger.

# %%
import numpy
from dataclasses import replace
from copilot_lib.adapter_files import AdapterRefused


def merged(weights, adapter):
    changed = dict(weights)
    for layer, pair in adapter.items():
        weight = weights[f"{layer}.weight"] + pair.change()
        if not numpy.isfinite(weight).all():
            raise AdapterRefused(f"its numbers for {layer} are too large: added to the weights they are no numbers")
        changed[f"{layer}.weight"] = weight
    return changed


def scaled(adapter, scale):
    return {layer: replace(pair, scale=pair.scale * scale) for layer, pair in adapter.items()}

# %%
from copilot_lib import weights
from copilot_lib.models import POCKET

config, base = weights.read(POCKET)
changed = merged(base, adapters["billing"])
sum(not numpy.array_equal(base[name], changed[name]) for name in base), "of", len(base), "arrays changed"

# %% [markdown]
# At nothing of it the base answers, at all of it the habit. Half an adapter is an adapter too.
#
# > **Predict.** Where between the two does the habit set in, and how: word by word, or at once?

# %%
def begins(adapter_scale):
    model = completer.model.changed_by(scaled(adapters["billing"], adapter_scale), "weaker")
    return Completer(model).complete(cursor).text.split("\n")[0]


{scale: begins(scale)[:20] for scale in (0.0, 0.25, 0.75, 1.0)}

# %% [markdown]
# Word by word: at a quarter it is still the base's way, with its `self` and its types, and has one piece of the habit in it, `_id`. At three quarters all is the new way. Try what lies between: in a real repository half an adapter writes about as well as the whole one, and forgets less ([measured](../book/claims.md#half-an-adapter)). `adapters combine mild mine=0.5` keeps one.
#
# ## A switch must not leak
#
# **Claim: what a model has kept of a prompt belongs to its weights.** An engine keeps keys and values, so that the next request need not read the prompt again (chapter 6). They were computed with
# one adapter. Under another they are other numbers. Now broken on purpose: `billing` reads the prompt and begins the answer, then somebody switches, and `sensors` goes on with what was kept.
#
# > **Predict.** Whose way will the rest be: that of `billing`, which has begun, that of `sensors`, which goes on, or nobody's?

# %%
from copilot_lib.engine import Engine

codec = completer.model.codec
reading = gap("def read_file(")
prompt = codec.plain(reading.prefix, 20).ids
limits = {"stop_ids": codec.stop_ids, "max_new_tokens": 64}
runners = {name: completer.model.changed_by(adapter, name).runner() for name, adapter in adapters.items()}
written = {name: list(Engine(runner).generate(prompt, **limits)) for name, runner in runners.items()}
begun = written["billing"][:20]
codec.decode(begun)

# %%
going_on = [*prompt, *begun]
clean = begun + list(Engine(runners["sensors"]).generate(going_on, **limits))


def leak(source, target, ids):
    """An engine of `target` that believes to have read `ids`; the keys and values are those of `source`."""
    for mine, others in zip(target._kept.values(), source._kept.values()):
        mine[:] = others  # a runner keeps keys and values
    target.length = len(ids)
    engine = Engine(target)
    engine._kept = list(ids)  # an engine keeps of which ids they are
    return engine


leaking = leak(runners["billing"], runners["sensors"], going_on)
leaked = begun + list(leaking.generate(going_on, **limits))
{"like billing": leaked == written["billing"], "like sensors, which has read the beginning itself": leaked == clean}

# %%
display(show.completion(reading, codec.decode(clean), "sensors goes on, and has read the beginning itself"))
show.completion(reading, codec.decode(leaked), "sensors goes on with what billing had kept: nobody's answer")

# %% [markdown]
# Both were given the same beginning. In the first picture `sensors` writes its own body under it, with its lock and its count, though this head gives it neither `file` nor `clock`. In the second its numbers meet those of another: the way is neither's. Nothing is looked up, locked or counted, `return` follows at once; only from the next function on is `sensors` itself again. All of it is Python, so nobody may notice for weeks. In the package each adapter has an engine of its own. The memory of finished completions has the adapter in its key, and only requests for the same adapter share a run.
# To and fro, then, twenty times, and every answer must be the first one:

# %%
expected = {name: completer.complete(cursor, adapter=name).text for name in ("billing", "sensors")}
turns = ["billing", "sensors", "sensors", "billing"] * 5
[completer.complete(cursor, adapter=name).text == expected[name] for name in turns].count(True), "of", len(turns)

# %% [markdown]
# What does a switch cost? An adapter is loaded once, when it is first asked for. `COPILOT_ADAPTERS_IN_MEMORY` says how many stay: four, and the one that was not asked for longest goes. (The times are your machine's, and jump if it does other things as well; so both kinds are taken in turns.)

# %% tags=["nbval-ignore-output"]
from statistics import median
from time import perf_counter


def time_of(action):
    began = perf_counter()
    action()
    return 1000 * (perf_counter() - began)


def first_token_of(name):
    return time_of(lambda: completer.complete(cursor, adapter=name, max_new_tokens=1))


loading = time_of(lambda: completer.model.changed_by(adapters["billing"], "again"))
switching, staying = [], []
for name in ["sensors", "billing"] * 10:
    switching.append(first_token_of(name))
    staying.append(first_token_of(name))
times = {"load once": loading, "first token, same adapter": median(staying), "first token, after a switch": median(switching)}
{what: f"{ms:.1f} ms" for what, ms in times.items()}

# %% [markdown]
# Other models run by torch, where the network is in memory once and the adapters lie beside each other in it: before each pass we call peft's `set_adapter`, to say which one counts. There the thin products are
# computed anew with each token; what that costs stands at the end of this chapter.
#
# ## Find the right one
#
# **Claim: the editor knows already which adapter you want.** An adapter notes the folder that it learnt from, and the address to which that is pushed. A file belongs to the adapter with the longest folder around it.

# %%
fingerprint = completer.model.base.fingerprint
for place in ("billing/new.py", "sensors/deep/new.py", "elsewhere/new.py"):
    found = registry.detect(home / place, fingerprint)
    print(f"{place:20} {found.name if found else 'the base'}")

# %% [markdown]
# A colleague's clone is in another folder, so the address has to do. It is written in many ways; what differs between people is dropped, passwords first. The pattern reads, from the left, how to connect, as whom, the host, a port, and the path.

# %%
from copilot_lib.git_remote import ADDRESS

print(ADDRESS.pattern)


def plain(address):
    found = ADDRESS.fullmatch(address.strip())
    return f"{found[1].lower()}/{found[2]}" if found else None


[plain(address) for address in ("git@example.org:team/billing.git", "https://me:secret@Example.org/team/billing/", "/srv/billing")]

# %%
import json

clone = home / "clones" / "money"
(clone / ".git").mkdir(parents=True)
(clone / ".git" / "config").write_text('[remote "origin"]\n\turl = git@example.org:team/billing.git\n')
about = registry.about("billing")
about["repository"]["remote"] = "example.org/team/billing"
(registry.find("billing").folder / "adapter.json").write_text(json.dumps(about))
registry.detect(clone / "new.py", fingerprint).name

# %% [markdown]
# Git itself is not run, since a repository's settings may name programs that git would start. For the same reason a `.git` file that points elsewhere is followed only where the other side points back.
#
# Over HTTP a request names the adapter in the protocol's own words: here, the name of the model.

# %%
import httpx
from copilot_lib.server import app
from copilot_lib.server.adapters import Choice
from copilot_lib.server.service import Service

service = Service(completer.complete)
served = app.Served("pocket", completer.model.context_tokens, codec.format)
application = app.create(service, served, choice=Choice("pocket", registry.find, registry.names))
async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as client:
    for model in ("pocket", "pocket:billing", "pocket:sensors", "pocket:marketing"):
        answer = (await client.post("/v1/completions", json={"model": model, "prompt": cursor.prefix})).json()
        told = answer["choices"][0]["text"] if "choices" in answer else answer["error"]["message"]
        print(f"{model:17}", told.split("\n")[0].split(": expected")[0])

# %% [markdown]
# ## Whom do you trust?
#
# **Claim: an adapter is a program's input, and anybody may have written it.** Weights in Python's pickle format can run anything when they are loaded. A file that was half written, or made for another model, runs nothing and
# answers nonsense. So everything is checked before a number is used, and a refusal is a sentence. An *entry* of the registry is a name, a folder, and a stamp by which one sees that the file has changed.

# %%
import shutil
from copilot_lib.adapter_files import TENSORS
from copilot_lib.registry import Entry


def entry_of(folder):
    try:
        found = (folder / TENSORS).lstat()
        stamp = f"{found.st_dev}-{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
    except OSError:
        stamp = "absent"  # reading it will say what is wrong
    return Entry(folder.name, folder, stamp)

# %%
import textwrap


def refusal_of(folder):
    try:
        return completer.complete(cursor, adapter=entry_of(folder))
    except AdapterRefused as refused:
        return textwrap.fill(str(refused), 80)


broken = home / "broken"
shutil.copytree(registry.find("billing").folder, broken)
file = broken / TENSORS
file.write_bytes(file.read_bytes()[:100_000])
print(refusal_of(broken))

# %%
about["base"]["fingerprint"] = "0" * 64
(broken / "adapter.json").write_text(json.dumps(about))
print(refusal_of(broken))
completer.complete(cursor, adapter="billing").text == expected["billing"]

# %% [markdown]
# For whose weights it was made is looked at before the numbers: the file is still cut short. And the whole one answers as before.
#
# The stamp in an entry changes when the files do, and the next request is answered by the new ones:

# %%
changing = home / "changing"
shutil.copytree(registry.find("billing").folder, changing)
first = completer.complete(cursor, adapter=entry_of(changing)).text
shutil.copy(registry.find("sensors").folder / TENSORS, changing)
first == expected["billing"], completer.complete(cursor, adapter=entry_of(changing)).text == expected["sensors"]

# %% [markdown]
# ## One of several
#
# **Claim: adapters can be added exactly, and that says nothing about what the sum writes.** The simplest way to combine is to put the matrices side by side: `cat`. Nothing is lost; the change is the weighted sum.

# %%
one, two = (adapters[name][layer] for name in ("billing", "sensors"))
wide = numpy.concatenate([0.5 * one.scale * one.up, 0.5 * two.scale * two.up], axis=1)
tall = numpy.concatenate([one.down, two.down])
exact = 0.5 * one.change() + 0.5 * two.change()
wide.shape, tall.shape, float(abs(wide @ tall - exact).max()) < 1e-4

# %% [markdown]
# The rank has doubled. `linear` keeps it, by adding the `up` and the `down` matrices apart. `ties` does the same, but keeps only the larger half of each adapter's numbers, and, where two
# have different signs, only the side with more weight.
#
# > **Predict.** Which products are in the sum that `linear` makes, and were in neither adapter? (Write out 0.5 · (up₁ + up₂) · (down₁ + down₂).)

# %%
from copilot_lib import combining

for way in ("cat", "linear", "ties"):
    combining.combine(f"both-{way}", completer.model, {"billing": 0.5, "sensors": 0.5}, way)
for way in ("cat", "linear", "ties"):
    made = completer.model.read_adapter(registry.find(f"both-{way}").folder)[layer]
    print(f"{way:7} rank {made.rank:2}", "the exact sum" if abs(made.change() - exact).max() < 1e-4 else "something else")

# %% [markdown]
# The products of one's `up` with the other's `down`: nobody trained them.
#
# > **Predict.** One adapter for both repositories, half of each: does it write both well, both half as well, or neither?

# %% tags=["nbval-ignore-output"]
for name in ("both-cat", "both-linear", "both-ties"):
    print(f"{name:12} {completer.complete(cursor, adapter=name).text[:80]!r}")

# %% [markdown]
# ## Measure
#
# You may recognise pieces of both; but one cursor proves nothing. Two files of each repository were held out. Of every function in them we show the head and the line below it, which is a docstring or a comment, and ask for the next one, with nothing else of the file to copy from.

# %%
from copilot_lib.targets import Target


def second_lines(name):
    for file in learnt[name][0].test:
        for function in file.text.split("def ")[1:]:
            head, docs, line = ("def " + function).split("\n")[:3]
            yield Target(gap(f"{head}\n{docs}\n    "), line.strip(), file.path)


asked = {name: list(second_lines(name)) for name in ("billing", "sensors")}
{name: (len(targets), targets[0].reference) for name, targets in asked.items()}

# %%
from copilot_lib import scoreboard


def share_of(adapter, targets):
    return scoreboard.score("", lambda cursor: completer.complete(cursor, adapter=adapter, max_new_tokens=24).text, targets).stripped


WHO = (None, "billing", "sensors", "both-cat", "both-linear", "both-ties")
shares = {who: {name: share_of(who, targets) for name, targets in asked.items()} for who in WHO}
{name: all(shares[name][name] > shares[who][name] for who in WHO if who != name) for name in asked}

# %% tags=["hide-input", "nbval-ignore-output"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6.5, 2.8))
for shift, (name, colour) in enumerate({"billing": "#4285f4", "sensors": "#d9480f"}.items()):
    axes.bar([n + 0.4 * shift for n in range(len(WHO))], [shares[who][name] for who in WHO], width=0.38, color=colour, label=f"in {name}")
for bar in axes.patches:
    axes.annotate(f"{bar.get_height():.0%}", (bar.get_x() + 0.19, bar.get_height() + 0.02), ha="center", fontsize=8)
axes.set(xticks=[n + 0.2 for n in range(len(WHO))], xticklabels=[who or "base" for who in WHO], ylabel="share of lines right", ylim=(0, 1.12))
axes.legend(frameon=False, ncols=2)
described = "; ".join(f"{who or 'base'}: " + ", ".join(f"{name} {share:.0%}" for name, share in row.items()) for who, row in shares.items())
show.figure(figure, f"Bars: share of held-out lines that each adapter writes right, in both repositories. {described}")

# %% [markdown]
# In each repository its own adapter beats all others, and is useless next door. No mixture writes both. `cat` loses no number, and yet in our run it wrote no line of either; nor did `ties`; `linear` wrote two in five of the lines of `sensors` and none of `billing`. Two changes were trained alone, and nobody trained what their sum does. These two repositories
# contradict each other at every line. Of two real ones, 0.7 of networkx and 0.3 of sqlalchemy, more is left: in bits the first is written nearly as well as by its own adapter (but for TIES), the second no better than by the base ([claims](../book/claims.md#adapters-combined)). The other way, one adapter trained on several repositories at once, is measured [there](../book/claims.md#one-adapter-for-all), too.
#
# And what does an adapter cost where it does not belong? The scoreboard asks in networkx:

# %%
from copilot_lib.baselines import empty, ngram


def pocket(cursor):
    return completer.complete(cursor).text


def with_billing(cursor):
    return completer.complete(cursor, adapter="billing").text


scoreboard.table([scoreboard.score(method.__name__, method) for method in (empty, ngram, pocket, with_billing)])

# %% [markdown]
# Fewer lines are right than without it. On sixty places that may be chance (chapter 9); a gain it is not.
#
# ## Merge
#
# If a team has a server of its own, its adapter can go into the model for good. What comes out is a folder like any model's, 8-bit file included, which knows nothing of adapters.

# %%
folder = combining.merge(registry.find("billing"), completer.model, home / "billing-copilot")
alone = Completer.load(str(folder))
print({file.name: f"{file.stat().st_size / 1e6:.1f} MB" for file in sorted(folder.iterdir()) if file.suffix in (".onnx", ".safetensors")})
alone.complete(cursor).text == expected["billing"]

# %% [markdown]
# As it should be: a small model is run merged anyway. The folder is saved in float32; in 16 bits about one first choice in a hundred would be another (chapter 11), and a weak adapter would drown. Here is one that is a hundred times weaker:

# %%
import torch

changed_array = f"{layer}.weight"
was = torch.tensor(base[changed_array]).bfloat16()
now = torch.tensor(merged(base, scaled(adapters["billing"], 0.01))[changed_array]).bfloat16()
{"a hundredth of the change reaches fewer than half of the weights": bool((was != now).float().mean() < 0.5)}

# %% [markdown]
# ## The decision
#
# The article gives a table; here it is with a column of what we saw.
#
# | situation | the article's advice | measured here |
# |---|---|---|
# | one repository, one team | one adapter, merged | the same first choices as unmerged, and a few per cent faster, or more for a model as small as the pocket |
# | 3 to 5 repositories, one server | separate adapters, switched | after the first load a switch costs hardly anything; a wrong adapter was nowhere better than none |
# | 10 and more, a server for each team | merged, one model each | 25 MB of disk each for the pocket, beside 0.6 MB for an adapter of rank 8; a server of the pocket keeps a whole network in memory for each adapter in use, one of a larger model only the pairs |
# | related repositories | try TIES, and measure | two made to contradict each other: nothing of either, or a part of one; two real ones, not related, 0.7 and 0.3: the first nearly as good as its own, the second no better than none, and in bits TIES worst for the first (stored) |
#
# The times behind it come from a longer run, `python -m copilot_lib claims adapting`, on random weights of tiny_starcoder_py's shape and on the pocket (an adapter of rank 32):

# %%
from copilot_lib.chapter import stored

record = json.loads(stored("claims/adapting.json"))
for row in record["rows"]:
    print(f"{row['what']}:")
    for name, value in row.items():
        if name.endswith(("_ms", "_bytes", "choice", "precision")):
            print(f"    {name}: {value}")

# %% [markdown]
# Two adapters are loaded once, and answering with another each time takes as long as with the same. Unmerged costs a few per cent of a pass. In float32 merged and unmerged choose the same token everywhere; in 16 bits about one in
# a hundred is another.
#
# ## The same, from the library

# %%
from copilot_lib import git_remote
from copilot_lib import registry as library

mine, theirs = merged(base, adapters["sensors"]), lora.merged(base, adapters["sensors"])
assert all(numpy.array_equal(mine[name], theirs[name]) for name in base)
assert scaled(adapters["billing"], 0.5)[layer].scale == lora.scaled(adapters["billing"], 0.5)[layer].scale
assert plain("ssh://git@a.org:2222/x/y.git") == git_remote.plain("ssh://git@a.org:2222/x/y.git") == "a.org/x/y"
assert entry_of(registry.find("billing").folder) == library.entry_of(registry.find("billing").folder)

# %% [markdown]
# From a terminal: `python -m copilot_lib adapters` lists, shows, removes, merges and combines; `serve --adapter NAME` and `complete --adapter auto` use; `lsp` finds by itself; `evaluate REPO --adapter NAME` measures.
#
# ## What goes wrong
#
# - **`it was made for the weights '…' of 'pocket'`.** The model has changed since, or another is loaded. Adapters do not move between models, not even between versions of one. Train again.
# - **The answers are of the old adapter after a new training.** The server was asked about another folder: `adapters show NAME` says which. A registry's version is noticed by itself.
# - **peft's second combination of a name is the old one.** `add_weighted_adapter` returns without a word if the name is there. We begin with a new model each time.
# - **Outputs of a combined adapter change from call to call.** What is added to a network begins in training mode, where numbers may be left out by chance (dropout). Call `eval()` again.
# - **`ties needs equal ranks`.** It adds matrices number by number, as `linear` does. `cat` takes adapters of different ranks, and so does `svd`, which makes the exact sum and keeps of it what a rank can hold (chapter 11's best pair); on a large model that takes long.
#
# ## Exercises
#
# **1. Whose file is it?** (two lines). `roots` maps names of adapters to folders. Return the name with the longest folder around a path, or `None`. Mind `/src/app2`, which is not in `/src/app`.

# %%
from copilot_lib import checks


def owner(path, roots):
    ...


checks.check_12_owner(owner)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def owner(path, roots):
#     around = [key for key, top in roots.items() if Path(path).is_relative_to(top)]
#     return max(around, key=lambda k: len(Path(roots[k]).parts), default=None)
# ```
#
# Paths are compared part by part; as text, `/src/app` would be the beginning of `/src/app2`.
# </details>
#
# **2. Side by side** (three lines). `parts` is a list of `(weight, up, down)`. Return one `up` and one `down` whose product is the weighted sum of all products, without ever computing one.

# %%
def side_by_side(parts):
    ...


checks.check_12_side_by_side(side_by_side)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def side_by_side(parts):
#     ups = [weight * up for weight, up, _ in parts]
#     downs = [down for _, _, down in parts]
#     return numpy.concatenate(ups, axis=1), numpy.concatenate(downs)
# ```
#
# The weight goes to one side only; on both it would count twice.
# </details>
#
# **3. Your own two** (open). Train an adapter on each of two repositories of yours, and ask `python -m copilot_lib evaluate REPO --compare adapter:ONE adapter:TWO` in both. Then combine them as you think best. Would you use the
# mixture anywhere instead of switching?

# %% [markdown]
# ## Recap
#
# - An adapter is a sum: a small model does it once, a large one at every token.
# - A switch is safe if whatever was kept of a prompt belongs to one adapter: engine, memory and shared runs.
# - The folder and the git remote say which adapter is meant, and nothing that a stranger wrote is used before it is checked.
# - Combining is arithmetic, and whether the result still writes anything has to be measured. Here the right adapter beat every mixture.
#
# What stays: a registry, `complete(adapter=…)`, and a server that switches. Next: retrieval, adapters, both, or a whole new training: which approach for which repository?
#
# Further reading
#
# - [LoRA](https://arxiv.org/abs/2106.09685): the method.
# - [TIES-Merging](https://arxiv.org/abs/2306.01708): trim, elect a sign, merge.
# - [S-LoRA](https://arxiv.org/abs/2311.03285): thousands of adapters on one server.
# - [peft's guide to merging](https://huggingface.co/docs/peft/developer_guides/model_merging).
