# ---
# jupyter:
#   copilot_lib:
#     teaches: [tuning.instructions.prompt, tuning.accepted.settled, tuning.mixing.among, tuning.simulation.taken]
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
# # 14. From completion to NL2Code, and the flywheel
#
# At the end of this chapter you can train the same model to be asked in words, and make the next model out of what people accepted of the last one, without feeding it
# its own mistakes. And you can say what either is worth.
#
# ```text
#  "The mean of the values."
#     shown      return max(values)                  refused
#     accepted   return sum(values)                  changed afterwards
#     learnt     return sum(values) / len(values)
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 60 minutes | any; no GPU | [6](06_the_server.ipynb), [8](08_context.ipynb), [10](10_data.ipynb), [11](11_lora.ipynb), [12](12_many_repositories.ipynb) | [NL2Code](../book/glossary.md#nl2code), [flywheel](../book/glossary.md#flywheel), [model collapse](../book/glossary.md#model-collapse) |
#
# You will
#
# - train with the same loop on other data, and see what that costs the model at a cursor;
# - measure answers in words beside an answer that is always the same;
# - turn a record of accepted completions into examples, and say of each that is dropped why;
# - let a simulated user turn the wheel, with the filter and without.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# Another kind of tool is asked in plain English and writes a function: *natural language to code*. The article's own request, to our copilot:

# %%
from copilot_lib.completer import Completer

completer = Completer.load()
codec = completer.model.codec


def says(engine, asked, most=60):
    run = engine.generate(codec.plain(asked).ids, stop_ids=codec.stop_ids, max_new_tokens=most)
    return codec.decode(list(run)), run.stopped

# %%
english = "### Instruction:\nWrite a function that filters positive numbers from a list.\n\n### Response:\n"
text, stopped = says(completer.engine, english)
print(text, stopped, sep="\n--- stopped by: ")

# %% [markdown]
# That is no answer. The model has read code, docstrings among it, and no conversation: three `#` are the beginning of a comment to it, and it goes on as comments do. The same wish, where it stands in code, at a cursor:

# %%
from copilot_lib import show
from copilot_lib.samples import gap

cursor = gap('def positive(numbers):\n    """Filters positive numbers from a list."""\n    return [', "\n\n\nprint(positive([1, -2]))\n")
show.completion(cursor, completer.complete(cursor).text, "the same wish, asked as a gap")

# %% [markdown]
# Python, and at an end; but nothing is filtered.
#
# ## Words in, body out
#
# **Claim: a repository has hundreds of requests in words, each with its answer.** The docstring says what is wanted, the signature how it will be called, the body is the answer. We take the algorithms of networkx, which the pocket has never seen, and split them by file.

# %%
import networkx
from pathlib import Path
from copilot_lib import repository, split
from copilot_lib.tuning import instructions

package = Path(networkx.__file__).parent
files = [file for file in repository.read(package / "algorithms") if not repository.is_test(file.path)]
parts = split.split(files)
texts = {file.path: file.text for file in files}
requests = sum(len(instructions.pairs(file)) for file in files)
print(f"{len(parts.train)} files to learn from, {len(parts.test)} held out; {requests} functions with a docstring")

# %% [markdown]
# The article's format, by hand. Long docstrings may ask with their first paragraph only.

# %%
def prompt(pair, paragraphs=None):
    wanted = "\n\n".join(pair.docstring.split("\n\n")[:paragraphs])
    return f"### Instruction:\n{wanted}\n\n{pair.signature}\n\n### Response:\n"

# %%
def askable(pair):
    size = len(codec.encode(prompt(pair, 1) + pair.response))
    return pair.response in texts[pair.file] and size < 300 and 2 <= pair.response.count("\n") <= 12


held_out = [pair for file in parts.test for pair in instructions.pairs(file) if askable(pair)][:10]
print(len(held_out), "held-out requests, such as:", prompt(held_out[0], 1) + held_out[0].response, sep="\n")

# %% [markdown]
# How well does the base know such a body? We ask in bits, as in chapter 8, since right answers will be rare. Four ways to ask for the very same text: with nothing but the signature; in words; left to right, where it stands in its file; and as a gap, with what stands below it too.

# %%
from copilot_lib.measure import information


def ways(pair):
    text, body = texts[pair.file], pair.response
    above, below = text[: text.index(body)], text[text.index(body) + len(body) :]
    return {
        "signature alone": codec.plain(pair.signature + "\n").ids,
        "in words": codec.plain(prompt(pair, 1)).ids,
        "left to right": codec.plain(above, 200).ids,
        "as a gap": codec.fim(above, below, None, 150, 50).ids,
    }

# %%
def body_and_end(network, way):
    bits = [0.0, 0.0]
    for pair in held_out:
        asked, body = ways(pair)[way], codec.encode(pair.response)
        bits[0] += information(network, [*asked, *body], len(asked))
        bits[1] += information(network, [*asked, *body, codec.end_id], len(asked) + len(body))
    return round(bits[0] / sum(len(pair.response) for pair in held_out), 2), round(bits[1] / len(held_out), 1)


base = {way: body_and_end(completer.model.network, way) for way in ("signature alone", "in words", "left to right", "as a gap")}
print(*(f"{way:16} {body:.2f} bits a character, {end:4.1f} bits for the end" for way, (body, end) in base.items()), sep="\n")

# %% [markdown]
# Fewer is better. Compare the first two rows: to the base the words are worth nothing. It says what may be said under such a signature, and the sentence above tells it no more than any comment would. Even a gap, which sees both sides, makes the body no cheaper: what stands around a whole body says little of what is in it. The last column shows what it does know, and where from. The end of an answer costs it least in a gap: gaps always ended, in all of its training. Left to right nothing ends but files.
#
# This is how data for filling in the middle helps here, and how it does not: the base knows that answers end, but behind sentinels only.
#
# ## Same base, same loop, other data
#
# **Claim: nothing in the loop changes but the examples.** An example is a prompt, the answer, and the end token. Batches, network, optimiser and adapter are those of chapter 11.
#
# > **Predict.** After twenty steps, seconds of work: which of the eight numbers above will be smaller, and will one be larger?

# %%
from itertools import islice
from copilot_lib.scoreboard import aligned
from copilot_lib.tuning import batches


def of_requests(side, seed=0):
    return batches.endless(lambda epoch: instructions.instruction_examples(side, codec, 512, seed, epoch), 1024, 4.0, codec.end_id, seed)


first = next(of_requests(parts.train))
{"examples": len(first.ids), "tokens": first.tokens, "of answers": first.answers, "last id is the end": first.ids[0][-1] == codec.end_id}

# %%
import tempfile
from copilot_lib import models
from copilot_lib.tuning import training
from copilot_lib.tuning.settings import Settings

work = Path(tempfile.mkdtemp())
network, tokenizer = models.load_network("pocket", "cpu")
train, test = parts.train, parts.test
course = training.train(network, tokenizer, lambda: of_requests(train), lambda: islice(of_requests(test), 1), Settings(), 20, work / "words")
print(f"held-out loss {course.first_loss:.2f} before, {course.best_loss:.2f} after {course.steps} steps")

# %%
tuned = {way: body_and_end(network, way) for way in base}
print(aligned([("body, bits a character", "base", "tuned"), *((way, f"{base[way][0]:.2f}", f"{tuned[way][0]:.2f}") for way in base)]), end="\n\n")
print(aligned([("end, bits", "base", "tuned"), *((way, f"{base[way][1]:.1f}", f"{tuned[way][1]:.1f}") for way in base)]))

# %% [markdown]
# All eight are smaller. In bodies most was won *in words*, which is what was trained, and the words have begun to count: that row is now below the signature alone, by a little. The signature alone has won nearly as much, the other two less than half of what the words have: that much is knowledge of networkx, which any text of networkx would have taught. Ends are now cheap everywhere, in gaps as well. So in twenty steps one format has not hurt the other; the scoreboard at the end asks the same at the cursor.
#
# `python -m copilot_lib finetune REPO --name mine --instructions` trains both in one adapter: a quarter of its examples ask for a function in this way, the others are the gaps of chapter 10.
#
# ## What it can do, and what it cannot
#
# **Claim: look at answers before you believe a loss.** The adapter goes into a registry, and an engine answers with it.

# %%
import shutil
from copilot_lib.registry import Registry

registry = Registry(work / "adapters")
made_for = {"base": {"name": "pocket", "fingerprint": models.fingerprint("pocket")}, "repository": {}}
registry.save("in-words", lambda new: shutil.copytree(work / "words" / training.BEST, new, dirs_exist_ok=True), made_for)
engine = completer.adapters.of(registry.find("in-words"))

# %% tags=["nbval-ignore-output"]
for title, who in (("base", completer.engine), ("tuned", engine)):
    text, stopped = says(who, prompt(held_out[0], 1))
    print(f"--- {title}, stopped by {stopped}:\n{text.rstrip()}")

# %% [markdown]
# Neither is an answer. Look for where each begins, and for what it repeats, as greedy answers of a small model do (chapter 2). One answer is an anecdote; ten can be counted.
#
# > **Predict.** Of ten answers, how many will be Python under their signature? How many of an answer that is always the same, `return` and the first parameter?

# %%
import ast
import re
from copilot_lib.targets import parsed

def names_given(pair):
    [function] = ast.parse(pair.signature + "\n    pass").body
    return [one.arg for one in function.args.args] or ["None"]


def looked_at(answers):
    told = list(zip(held_out, answers))
    return {
        "ends by itself": sum(stopped == "end" for _, (_, stopped) in told),
        "is Python": sum(bool(text.strip()) and parsed(f"{pair.signature}\n{text}") is not None for pair, (text, _) in told),
        "uses all parameters": sum(set(names_given(pair)) <= set(re.findall(r"\w+", text)) for pair, (text, _) in told),
        "is the author's": sum(text.strip() == pair.response.strip() for pair, (text, _) in told),
    }

# %%
answers = {name: [says(who, prompt(pair, 1), 120) for pair in held_out] for name, who in (("base", completer.engine), ("tuned", engine))}
answers["always the same"] = [(f"    return {names_given(pair)[0]}\n", "end") for pair in held_out]
answers["the author"] = [(pair.response, "end") for pair in held_out]
table = {name: looked_at(said) for name, said in answers.items()}
print(aligned([(f"of {len(held_out)}", *table["base"]), *((name, *map(str, row.values())) for name, row in table.items())]))

# %% [markdown]
# The answer that is always the same is Python every time, and ends every time. Both columns measure *form*, not understanding. Form is what twenty steps begin to teach an adapter: where an answer ends, and the indentation. All parameters are used as seldom as before, and as
# seldom as in the answer that is always the same. The content is not in the model, and no format brings it there: none of the answers is the author's. Whether another one does what it should is found out by running it (chapter 9), and what brings that to useful heights is, by all that others report, size: this same loop on a far larger model.
#
# ## The wheel
#
# **Claim: an accepted completion is a statement about one place, and it may be out of date.** "Every accepted completion becomes a training signal that makes the next completion better", says the article. The server keeps them with `--record FILE`. Here is such a file, with what happens in a week. First the week's code:

# %%
shop = '''from decimal import Decimal


class Basket:
    """What somebody wants to buy."""

    def put(self, item, count=1):
        self.items += [item] * count

    def total(self, country):
        net = sum(item.price for item in self.items)
        return with_tax(net, country)
'''
mine = repository.SourceFile("shop/money.py", shop)

# %% [markdown]
# On Monday somebody took a completion word by word; on Tuesday one was taken and then changed; Thursday's was refused; Friday's is Wednesday's again; Saturday's is from another project; on Sunday somebody tried a key.

# %%
from dataclasses import replace
from copilot_lib.feedback import Event, Store


def accepted_at(answer, said, id, text=shop):
    at = text.index(answer)
    around = {"prefix": text[:at], "suffix": text[at + len(answer) :]}
    return Event(id, "accepted", accepted_characters=len(said), elapsed_ms=900, time="2026-11-02", model="pocket", text=said, **around)


week = [accepted_at("sum(item.price for item in self.items)", "sum(item.price", "mon")]
week += [replace(week[0], text="sum(item.price for item in self.items)", accepted_characters=38)]  # one word more, and more
week += [accepted_at("with_tax(net, country)", "net * 1.19", "tue"), accepted_at("[item] * count", "[item] * count", "wed")]
week += [replace(week[-1], completion_id="thu", kind="rejected", accepted_characters=0), replace(week[-1], completion_id="fri")]
elsewhere = shop.replace("item", "thing").replace("somebody wants to buy", "they lent us")
week += [accepted_at("[thing] * count", "[thing] * count", "sat", elsewhere)]
leaking = shop.replace("    def t", '    key = "AKIA' + 'QZXW3E4R5T6Y7U8I"\n    def t')
week += [accepted_at("with_tax(net, country)", "with_tax(net, country)", "sun", leaking)]

# %% [markdown]
# Of each completion the last acceptance counts:

# %%
def settled(events):
    last = {}
    for event in events:
        if event.kind == "accepted" and event.text[: event.accepted_characters].strip():
            last[event.completion_id] = event
    return list(last.values())


store = Store(work / "events.sqlite")
for event in week:
    store.add(event)
[(event.completion_id, event.text[: event.accepted_characters]) for event in settled(store.events())]

# %% [markdown]
# Then each is looked for in the repository as it is now: the three lines above the cursor and the beginning of its own, word for word, and the next line below not far on. What stands between them is the answer, whatever was accepted there.

# %%
from copilot_lib.tuning import accepted

judged = accepted.judge(store.events(), [mine])
for one in judged:
    print(f"{one.event.completion_id}  {one.verdict:10} {one.answer}")

# %%
print(accepted.summary(accepted.counts(judged)))

# %% [markdown]
# Tuesday's is worth the most: the model said one thing, the author another. Saturday's would have taught this repository's adapter somebody else's names. Sunday's key is no part of the answer; it stands in the prompt. Only answers are learnt, but a key has no business in a file of examples, and an answer may copy it. Nobody has to trust all this: `learn --review` asks a person about each.
#
# The prompt is the one that was asked, so that the model learns in the situation in which it will be asked. Of such an example only the answer is learnt, for the text around it may be half finished.

# %%
examples, _ = accepted.examples(judged, completer, 512)
batch = batches.padded([examples[1]], 4.0, codec.end_id)
codec.decode(examples[1].ids[-examples[1].answer_count :]), sum(weight > 0 for weight in batch.weights[0]), len(batch.ids[0])

# %% [markdown]
# Twelve of its 101 tokens are learnt.
#
# ## Not from itself alone
#
# **Claim: what a model said is a narrow diet.** What was accepted is what the model could say already. So accepted completions come among gaps that are drawn from the repository itself (chapter 10): one in four, and each four times an epoch at most, however few there are.

# %%
import random
from copilot_lib.tuning.mixing import FURTHER_SHARE, MOST_TIMES


def among(own, further, chance):
    waiting = [example for _ in range(MOST_TIMES) for example in chance.sample(further, len(further))]
    for example in own:
        yield example
        if waiting and chance.random() < FURTHER_SHARE / (1 - FURTHER_SHARE):
            yield waiting.pop()

# %%
from collections import Counter
from copilot_lib.tuning.drawing import draw

own = list(draw(parts.train[:20], codec, 512))
Counter(example.kind for example in among(own, examples, random.Random(0))), Counter(example.kind for example in among(own, examples * 30, random.Random(0)))

# %% [markdown]
# Three accepted completions come four times each. Thirty times as many are a quarter of what is learnt, and no more than that.
#
# All of it is one command. It ends as `finetune` does: an adapter in the registry, whose card says how many events were used and why the others were not. Until then the old adapter stays. The last line is for the week after.
#
# ```console
# $ python -m copilot_lib serve --record events.sqlite  # for a week
# $ python -m copilot_lib learn --record events.sqlite . --name mine --review
# $ python -m copilot_lib learn --record events.sqlite . --name mine --from mine
# ```
#
# ## A user who is a program
#
# **Claim: the wheel can be measured without people, if somebody has already written the code.** The simulated user types a file that its author has finished, looks at what is shown at some places, and takes its first line if the author's line goes on like that.

# %%
def taken(text, target):
    first = text.split("\n")[0]
    return first if first.strip() and target.reference.startswith(first) else ""

# %%
from copilot_lib.tuning import simulation

targets = simulation.targets_in(parts.test[:6], 8, 0)
shown = simulation.shown_to_typist(completer, targets)
parts_taken = [taken(text, at) for text, at in zip(shown, targets)]
Counter("whole" if part == at.reference else "a part" if part else "refused" for part, at in zip(parts_taken, targets))

# %% [markdown]
# Look at *a part*. A completion that stops early is right as far as it goes, so whoever learns from acceptance alone learns to say little. That is why we count characters saved beside acceptances, and why the answer is what stands in the file, not what was taken.
#
# Now broken on purpose: a wheel without a filter. All that was shown at every other place is learnt as if it had been right, which is what "train on our logs" comes to; and beside it, as many steps on what the author wrote there.
#
# > **Predict.** Which of the two training losses falls? And what does either do to the other half of the places?

# %%
from functools import partial
from copilot_lib.tuning import arms, teaching

slow = replace(Settings(), rate=teaching.EVENTS_RATE)  # a step of these examples holds few answers: the usual rate is too high


def fed_on(texts, name, steps=16):
    places = list(zip(targets, texts))[::2]
    kept = [accepted.Judged(simulation.event(at, text, "shown", "pocket"), accepted.KEPT, text) for at, text in places if text]
    fed, _ = accepted.examples(kept, completer, 512)
    stream = partial(teaching.streamed, fed, [], codec, slow)
    network, _ = models.load_network("pocket", "cpu")
    course = training.train(network, tokenizer, stream, partial(teaching.first_of, stream), slow, steps, work / name)
    print(f"{name}: {len(fed)} examples; their loss {course.first_loss:.1f} before, {course.best_loss:.1f} after")
    return network


fed = {"its own words": fed_on(shown, "its own words"), "the author's": fed_on([at.reference for at in targets], "the author's")}

# %%
def bits_of_the_author(network):
    told = [(completer.prompt(at.cursor, 64).ids, codec.encode(at.reference)) for at in targets[1::2]]
    return sum(information(network, [*asked, *said], len(asked)) for asked, said in told) / len(told)


for name, fed_network in {"the pocket": completer.model.network, **fed}.items():
    print(f"{name:14}{bits_of_the_author(fed_network):5.1f} bits for what the author wrote at the other places")

# %% [markdown]
# Both losses have fallen, to the lowest where the model is fed on itself: with itself it agrees soonest. But it agrees less with an author: what the author wrote surprises it more. Nothing in the loop can notice this, since all that it is compared with is its own. (At one of the twelve places nothing was shown.) One place where its answer is now another:

# %% tags=["nbval-ignore-output"]
registry.save("fed", lambda new: shutil.copytree(work / "its own words" / training.BEST, new, dirs_exist_ok=True), made_for)
fed_adapter = registry.find("fed")
again = simulation.shown_to_typist(completer, targets, fed_adapter)
[which, *_] = [n for n, (one, other) in enumerate(zip(shown, again)) if one != other]
print(f"before it said {shown[which]!r}; the author wrote {targets[which].reference!r}")
show.completion(targets[which].cursor, again[which], "fed on its own words")

# %% [markdown]
# ## The same, from the library

# %%
from copilot_lib.tuning import mixing

pair = held_out[1]
assert prompt(pair) == instructions.prompt(pair) and prompt(pair, 1) == instructions.prompt(pair, 1)
assert settled(week) == accepted.settled(week)
assert list(among(own, examples, random.Random(3))) == list(mixing.among(own, examples, random.Random(3)))
assert all(taken(text, at) == simulation.taken(text, at) for text, at in zip(shown, targets))
{name: arm.says for name, arm in arms.ARMS.items()}

# %% [markdown]
# ## Measure
#
# The long run is stored: three users of fontTools, each with three rounds of 150 places, each round in other files, all ways to learn with as many steps after each round, each going on from its own last adapter; events alone at a quarter of the rate at which gaps are learnt. In the first round nobody has learnt.

# %%
import json
from copilot_lib.chapter import stored

record = json.loads(stored("claims/flywheel.json"))
print(record["command"], record["hardware"], record["date"], sep="; ", end="\n\n")
later = [row for row in record["rows"] if row["round"] == "later"]


def signed(three, scale, digits):
    return "{:+.{d}f} ({:+.{d}f} to {:+.{d}f})".format(*(scale * value for value in three), d=digits)


shares = [(f"{row['accepted_share'][0]:.1%}", f"{row['saved_share'][0]:.1%}") for row in later]
cells = [(row["arm"], *pair, signed(row["accepted_more"], 100, 1), signed(row["bits_more"], 1, 2)) for row, pair in zip(later, shares)]
print(aligned([("rounds 2 and 3", "accepted", "saved", "points more than never", "bits a character, more"), *cells]))

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
colours = {"never": "#868e96", "accepted": "#2f9e44", "everything": "#d9480f", "written": "#4285f4", "code": "#9c36b5", "both": "#e67700"}
for name, colour in colours.items():
    rows = [row for row in record["rows"] if row["arm"] == name and row["round"] != "later"]
    left.plot([row["round"] for row in rows], [100 * row["accepted_share"][0] for row in rows], "o-", color=colour, label=rows[0]["says"])
    [(middle, low, high)] = [row["bits_more"] for row in later if row["arm"] == name]
    right.errorbar(middle, [*colours].index(name), xerr=[[middle - low], [high - middle]], fmt="o", color=colour, capsize=3)
left.set(xlabel="round", ylabel="accepted, %", xticks=[1, 2, 3], ylim=(0, None))
right.axvline(0, color="#868e96", linewidth=0.8)
right.set(xlabel="bits a character more than never, rounds 2 and 3", yticks=range(len(colours)), yticklabels=list(colours))
right.invert_yaxis()
figure.subplots_adjust(wspace=0.35)
figure.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=2, frameon=False)
show.figure(figure, "Left: the share of completions that the simulated user accepted, round by round, for six ways to learn. Right: how much more surprising the author's text is to each than to who never learns, with intervals")

# %% [markdown]
# The wheel does not turn here. With who never learns, a user takes one completion in four, and no way to learn is above that; gaps alone are a little below. The right panel tells more. Whoever learns from accepted completions alone, from all that was shown, or from gaps alone, finds the author's text more surprising than who never learns. Of what the author wrote, and of gaps with accepted completions among them, as `learn` puts them, no harm is seen, and no gain. So the sentence of the article is not shown by this. With thousands of events, or a larger model, it may come out otherwise, and the command is the same.
#
# And for the running scoreboard, sixty places in networkx. (The one trained in words has read some of their files, so this says whether it still completes, and not how well it has learnt.)

# %%
from copilot_lib import scoreboard


def asked_with(adapter):
    return lambda cursor: completer.complete(cursor, adapter=adapter).text


methods = {"pocket": None, "pocket, trained in words": registry.find("in-words"), "pocket, fed on its own words": fed_adapter}
scoreboard.table(scoreboard.score(name, asked_with(adapter)) for name, adapter in methods.items())

# %% [markdown]
# Exact matches do not tell the three apart. Trained in words, it completes about as well as before. Fed on its own words it answers less like the author, as the similarity says.
#
# ## What goes wrong
#
# - **`nothing to learn from the record`.** The table under it says why: most often the files changed around the places, or the record is of another repository.
# - **Acceptance rises, and people type as much as before.** The completions got shorter. Count characters.
# - **The loss falls and everything else with it.** The model is fed on its own output. Compare with text that people wrote, in files that nothing was learnt from.
# - **The tuned model answers in words and no longer at the cursor.** One format was trained. Mix both, or keep two adapters, and let each request name its own (chapter 12).
# - **`… was trained with --seed 1, which held out other files`.** A model that goes on learning must not be given the files that it is measured with. Use the same seed.
#
# ## Exercises
#
# **1. Saved** (two lines). Given what was shown and what the author wrote at each place, return the share of the author's characters that did not have to be typed. A completion counts where the author's text begins with it.

# %%
from copilot_lib import checks


def share_saved(offered, wanted):
    ...


checks.check_14_share_saved(share_saved)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def share_saved(offered, wanted):
#     saved = sum(len(part) for part, whole in zip(offered, wanted) if whole.startswith(part))
#     return saved / sum(map(len, wanted))
# ```
#
# An empty completion is the beginning of everything, and saves nothing: it may be counted or not.
# </details>
#
# **2. What became of it** (three lines). Given what was accepted and what stands there now, return `"kept"`, `"corrected"`, or `"taken back"` where nothing but blanks is left.

# %%
def fate(taken, here):
    ...


checks.check_14_fate(fate)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def fate(taken, here):
#     if not here.strip():
#         return "taken back"
#     return "kept" if here == taken else "corrected"
# ```
# </details>
#
# **3. Your week** (open). Start your server or `lsp` with `--record`, work for a week, run `learn --review`, and evaluate with `evaluate --adapter`. Which of the reasons dropped most of your events? Is the adapter better than that of `finetune` alone, after as many minutes?

# %% [markdown]
# ## Recap
#
# - Same base, same loop, other data: an instruction example is a docstring and a signature that ask, and a body that answers. Twenty steps teach the form; the content needs a larger model.
# - Loss says how surprising the author's text is. An answer that is always the same ends and parses every time, and knows nothing.
# - An accepted completion is looked for where it stands; what stands there now is learnt; secrets, strangers, repetitions and held-out files are not.
# - A wheel that is fed on its own output turns, too. Only text from outside shows in which direction.
#
# What stays: `finetune --instructions`, and `learn`. Next: the same, past one machine.
#
# Further reading
#
# - [Self-Instruct](https://arxiv.org/abs/2212.10560) and [Magicoder](https://arxiv.org/abs/2312.02120): where instruction examples come from when nobody writes them.
# - [The Curse of Recursion](https://arxiv.org/abs/2305.17493): what training on generated data does to the tails of a distribution.
# - [Is Model Collapse Inevitable?](https://arxiv.org/abs/2404.01413): not where real data stays in the mix.
# - [Productivity Assessment of Neural Code Completion](https://arxiv.org/abs/2205.06537): acceptance rate is what people's own judgement goes with best.
