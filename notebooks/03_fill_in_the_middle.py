# ---
# jupyter:
#   copilot_lib:
#     teaches: [formats.PSM, formats.SPM_JOINED, formats.SPM_APART, fim.cut, fim.arrange, fim.transform]
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
# # 3. Fill in the middle
#
# At the end of this chapter you can ask a model for the text *between* two texts, in the very format it was trained on,
# and no file can break your question. The loop that you wrote in chapter 2 could only go on from the text before the cursor.
#
# ```text
#  2 │     text = path.read_text()
#  3 │     ▏
#    │     └ only the lines below say that a `try` belongs here
#  4 │         return json.loads(text)
#  5 │     except ValueError:
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 55 minutes | any; no GPU | [1](01_the_cursor.ipynb), [2](02_left_to_right.ipynb) | [FIM](../book/glossary.md#fim), [middle](../book/glossary.md#middle), [sentinel](../book/glossary.md#sentinel), [PSM](../book/glossary.md#psm), [SPM](../book/glossary.md#spm), [end token](../book/glossary.md#end-token), [format](../book/glossary.md#format) |
#
# You will
#
# - turn any text into training examples for gaps, and back;
# - build prompts as token ids in both orders, and say what each order costs while somebody types;
# - break two prompts that look right, and build one that a file cannot break;
# - see what the tokens at the cursor look like, and measure what the text after the cursor is worth.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# The tool of [chapter 2](02_left_to_right.ipynb) goes on from what stands before the cursor. Here is a function in
# which a line is missing. Below the gap stands an `except`, so the gap must hold a `try`. We give the completer the text
# above, as before, and draw its answer into the whole file. Look at how the answer meets the lines below.

# %%
from copilot_lib import show
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor

ABOVE = "def load(path):\n    text = path.read_text()\n    "
BELOW = "\n        return json.loads(text)\n    except ValueError:\n        return {}\n"
completer = Completer.load()
untried = Cursor(ABOVE + BELOW, len(ABOVE))
above_only = Cursor(ABOVE, len(ABOVE))
show.completion(untried, completer.complete(above_only), "told only what stands above")

# %% [markdown]
# A fair way to go on, and it does not fit: the model could not know of the `except`. A better one would not help: every file that begins like this
# asks the same question, and few of them need a `try` here. The answer has to come from below.
#
# ## Cut, then permute
#
# **Claim: a model that can only go on can fill gaps, if the gap is moved to the end.** Take a text, cut out a *middle*,
# and write the parts down in another order: what came before, what came after, and last what was cut out. Reading that,
# a model that predicts the next token predicts the middle, and has seen both sides. Bavarian and others showed in 2022
# that this is all it takes; it is called *fill in the middle*, FIM. By hand, on one line:

# %%
line = "total = sum(prices)\n"
line[:12], line[12:18], line[18:]


# %% [markdown]
# The function only adds a check. The three parts, joined, must be the text again:

# %%
def cut(text, start, end):
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"the gap from {start} to {end} is not in the text: expected 0 <= start <= end <= {len(text)}")
    return text[:start], text[start:end], text[end:]


cut(line, 12, 18)

# %% [markdown]
# > **Predict.** The line has 20 characters, its newline included. How many different gaps does it have, empty ones
# > counted? And at how many of them is anything lost?

# %%
gaps = [(start, end) for start in range(len(line) + 1) for end in range(start, len(line) + 1)]
len(gaps), sum("".join(cut(line, start, end)) != line for start, end in gaps)

# %% [markdown]
# Twenty characters have 21 places between them and at their ends, and a gap is two of these, the same one twice included: 21 · 22 / 2.
# One short line holds hundreds of exercises, each with its answer. The empty gaps teach that often nothing is missing. *Build Your Own Copilot in Pure Python*, the article that this book follows, adds that a model learns all this
# almost for free, without getting worse at plain continuation. That was measured on models trained from scratch on
# plenty of text; for a model as small as ours it is an open question.
#
# The parts can be put in more than one order. Between them go *sentinels*, marks that say which part begins: one for the prefix, one
# for the suffix, one for the middle. In the three layouts below, `"P"` and `"S"` are the texts before and after the gap, and
# `"prefix"`, `"suffix"` and `"middle"` are the sentinels. The answer always comes last:

# %%
PSM = ("prefix", "P", "suffix", "S", "middle")
SPM_JOINED = ("prefix", "suffix", "S", "middle", "P")
SPM_APART = ("suffix", "S", "prefix", "P", "middle")

# %% [markdown]
# A drawing says it better. It is made from the three tuples, so it cannot disagree with them. Coloured boxes are text, grey ones
# are sentinels, and what is underlined is what the model has to write.

# %% tags=["hide-input"]
from html import escape

FILLS = {"P": "#cfe0fc", "S": "#cdebd0", "M": "#ffd5a6"}
TEXTS = dict(zip("PMS", cut("total = sum(prices)", 12, 18), strict=True))


def strip(y, label, boxes):
    """One row of the drawing, as SVG shapes."""
    x, shapes = 70, [f'<text x="0" y="{y + 18}" fill="#888">{label}</text>']
    for name in boxes:
        text = TEXTS.get(name, name)
        fill, ink = (FILLS[name], "#222") if name in FILLS else ("#6b6b6b", "#fff")
        width = 8 * len(text) + 12
        shapes.append(f'<rect x="{x}" y="{y}" width="{width}" height="26" rx="4" fill="{fill}"/>')
        shapes.append(f'<text x="{x + 6}" y="{y + 18}" fill="{ink}">{escape(text)}</text>')
        if name in ("M", "end") and label != "file":
            shapes.append(f'<path d="M{x} {y + 30} h{width + 3}" stroke="#e8590c" stroke-width="3"/>')
        x += width + 3
    return "".join(shapes)


# %% tags=["hide-input"]
drawn = {"file": "PMS"}
for label, layout in (("PSM", PSM), ("SPM", SPM_JOINED), ("article", SPM_APART)):
    drawn[label] = (*layout, "M", "end")

shapes = "".join(strip(8 + 48 * n, *row) for n, row in enumerate(drawn.items()))
alt = "The line total = sum(prices) with prices cut out, as boxes. " + " ".join(
    f"{label}: {' | '.join(TEXTS.get(name, name) for name in boxes)}." for label, boxes in drawn.items()
)
font = 'font-family="ui-monospace,Menlo,Consolas,monospace" font-size="13"'
size = 'viewBox="0 0 530 196" style="width:530px;max-width:none;height:196px"'
svg = f'<svg role="img" aria-label="{escape(alt)}" {size} {font}>{shapes}</svg>'
show.Picture(f'<div style="overflow-x:auto">{svg}</div>', alt)

# %% [markdown]
# **PSM**, prefix, suffix, middle, is the order that most tools ask in. **SPM** puts the suffix first. The last row is SPM as
# the article spells it, each sentinel directly before its own part; Mellum was trained so. The row
# above it is the spelling that StarCoder, CodeLlama and our pocket model have learned, beside PSM. It begins with two sentinels in a row,
# as if an empty prefix came first: so both orders begin alike, and the middle's mark stands before the text that the answer continues. Look at the end of
# that row: prefix and middle touch. The model reads the line up to the gap and simply goes on, as it would without FIM.
#
# ## Sentinels are ids, not words
#
# **Claim: a sentinel is one entry of the vocabulary, and no text may spell it.** It is written `<fim_prefix>` so that people can
# talk about it, but the model gets a number. The tokenizer's own vocabulary says which:

# %%
codec = completer.model.codec
to_id = codec.tokenizer.token_to_id
sentinels = {name: [to_id(spelling)] for name, spelling in codec.format.sentinels.items()}
codec.format.name, sentinels, codec.end_id


# %% [markdown]
# The last number is the *end token*, which says that the middle is finished. A prompt is now a matter of laying pieces
# side by side. With tiny numbers, so that the result can be read:

# %%
def arrange(layout, pieces):
    return [token for name in layout for token in pieces[name]]


arrange(PSM, {"prefix": [1], "middle": [2], "suffix": [3], "P": [70, 71, 72], "S": [80]})

# %% [markdown]
# The same with our gap. The two texts are encoded apart, the sentinels are put between them as numbers, and
# nothing else is added. `codec.fim` of the library does this in one call:

# %%
pieces = {**sentinels, "P": codec.encode(ABOVE), "S": codec.encode(BELOW)}
prompt = arrange(PSM, pieces)
len(prompt), tuple(prompt) == codec.fim(ABOVE, BELOW, "PSM").ids


# %% [markdown]
# A training example is a prompt, its answer, and the end token. Without the end token a model never learns to stop, a
# mistake that many tutorials make. In the picture the sentinels are outlined:

# %%
def transform(prefix, middle, suffix, codec, order=None):
    return [*codec.fim(prefix, suffix, order).ids, *codec.encode(middle), codec.end_id]


def boxes(ids, caption=""):
    special = [n for n, token in enumerate(ids) if token in codec.stop_ids]
    return show.tokens([codec.decode([token]) for token in ids], special, caption)


for order in ("PSM", "SPM"):
    display(boxes(transform(*cut(line, 12, 18), codec, order), order))

# %% [markdown]
# The pocket model saw about three quarters of its text like this, half in each order, and the rest plain. Three rules keep
# such training sound, and [`copilot_lib/examples.py`](../copilot_lib/examples.py) follows them. A model reads a limited number of
# tokens at once, a *window*. Cut the window out of the file *first* and permute afterwards, or prefix, suffix and middle end up in
# different windows. Where a window is too long, drop
# tokens at the *outer* ends of prefix and suffix, since in a permuted text the answer stands last and is what a cut at
# the end takes away. And place the gaps by characters, not by tokens; the last section shows why.
#
# ## Two orders at one cursor
#
# **Claim: a model answers in the orders that it was trained on, and the order decides how much work a keystroke costs.**
# First the answers. `ask` takes any ids and gives the model's own words, without the completer's clean-up:

# %%
from copilot_lib.stream import characters, until


def ask(ids, stops=(), max_new_tokens=24):
    run = completer.engine.generate(ids, stop_ids=codec.stop_ids, max_new_tokens=max_new_tokens)
    return "".join(until(characters(run, codec.tokenizer), stops))


show.completion(untried, ask(arrange(PSM, pieces)), "PSM")

# %%
show.completion(untried, ask(arrange(SPM_JOINED, pieces)), "SPM, as trained")

# %%
show.completion(untried, ask(arrange(SPM_APART, pieces)), "SPM, as the article spells it")

# %% [markdown]
# The pocket model knows the first two layouts, and in both finds the `try`. It has never seen the third. It does not complain: a wrong
# layout raises no error, the answers only get worse, by an amount that one example cannot show. We measure it below. Of the two that
# it knows, SPM asks less of it: prefix and answer are one piece of text, as in chapter 2. In PSM the suffix stands between them,
# and the answer has to look back over it. `complete` asks suffix first.
#
# Now the work. The engine keeps what it computed for the last prompt and computes only from the first token that
# differs. Think of typing `if arr` into the gap of the binary search, a letter at a time, with a question after each.
#
# > **Predict.** In which order does a keystroke change only the end of the prompt?

# %%
from copilot_lib.samples import EXAMPLES


def computed_while_typing(order, text="if arr"):
    counts, cursor = [], EXAMPLES["binary_search"]
    for letter in text:
        cursor = cursor.insert(letter)
        completion = completer.complete(cursor, order=order, max_new_tokens=1)
        counts.append(completion.prompt_tokens - completion.reused_tokens)
    return counts


computed_while_typing("PSM"), computed_while_typing("SPM")

# %% [markdown]
# The first number of each list is the start, where the engine still held another prompt. A letter inside a word costs one token in
# both, as a later section explains. Where a word has ended, PSM computes the whole suffix again, since the suffix comes
# after it. SPM goes on where it was. The longer the file below the cursor, the larger the difference. When the cursor jumps to another line it is the other way round: the
# suffix changes at its start, and all that follows it has to be computed again.
#
# ## A prompt is not a string
#
# **Claim: a prompt glued together as a string is right until the day it is wrong.** The article writes it as an f-string
# with the sentinels spelled out, and lets the tokenizer find them. A tokenizer as it comes does find them:

# %%
from tokenizers import Tokenizer

as_it_comes = Tokenizer.from_str(codec.tokenizer.to_str())


def glued(prefix, suffix, template="<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>"):
    return as_it_comes.encode(template.format(prefix=prefix, suffix=suffix)).ids


glued(ABOVE, BELOW) == prompt

# %% [markdown]
# The same ids. So where is the harm? Sooner or later somebody writes the template
# more readably, each sentinel on a line of its own. **This cell is broken on purpose.** Look at
# where the answer begins.

# %%
TIDY = "<fim_prefix>{prefix}\n<fim_suffix>{suffix}\n<fim_middle>\n"

fibonacci = EXAMPLES["fibonacci"]
tidy = glued(fibonacci.prefix, fibonacci.suffix, TIDY)
show.completion(fibonacci, ask(tidy), "with the tidy template")

# %%
clean = codec.fim(fibonacci.prefix, fibonacci.suffix, "PSM").ids
show.completion(fibonacci, ask(clean), "from pieces")

# %% [markdown]
# Here are the ends of both prompts, token by token. To us the newlines are layout. To the model they are three lies about
# the file: the cursor's line ended, the file ends with one more empty line, and the answer has already begun with a
# line break. An answer to that is an answer for the next line, and lands after `return`, where it does not belong.

# %%
display(boxes(tidy[-24:], "tidy"), boxes(clean[-22:], "from pieces"))

# %% [markdown]
# ## A file that contains a sentinel
#
# The second harm is worse, since the file's author chooses it. Here is a file as you will write it in this very book:
# it mentions a sentinel. We count how often the *id* of the middle sentinel occurs in each prompt.

# %%
FILE = """\
MIDDLE = "<fim_middle>"
SUFFIX = "<fim_suffix>"


def ends_prompt(text):
    return text.endswith()
"""
mentions = Cursor.at(FILE, 5, 25)
both = mentions.prefix, mentions.suffix
prompts = {"glued": glued(*both), "from pieces": codec.fim(*both, "PSM").ids}
{name: ids.count(sentinels["middle"][0]) for name, ids in prompts.items()}

# %%
for name, ids in prompts.items():
    display(boxes(ids[:17], name))

# %% [markdown]
# In the glued prompt the question ends within the first line of the file, and everything after it counts as the answer. From
# pieces, the mention is what it is in the file: an ordinary string in a few ordinary tokens. What that does at the
# cursor:

# %%
for name, ids in prompts.items():
    display(show.completion(mentions, ask(ids), name))

# %% [markdown]
# A small model is often wrong in both; what matters is that only the second one was asked our question. A line in
# somebody's file must not be able to end a prompt.
# The library's test asks the question for the control tokens of all families. How many are there, and do their spellings, all in one
# text, give an id that is special?

# %%
from copilot_lib import formats

len(formats.CONTROL), not codec.stop_ids.isdisjoint(codec.encode("".join(formats.CONTROL)))

# %% [markdown]
# The way back has the same trap. The article decodes the answer with `skip_special_tokens=True` and then searches the text
# for `<fim_middle>`. By then there is none left to find, and a whole prompt decoded like this is prefix and suffix run
# together. Cut at ids, then decode:

# %%
decoded = as_it_comes.decode(prompt, skip_special_tokens=True)
"<fim_middle>" in decoded, decoded == ABOVE + BELOW

# %% [markdown]
# ## Every family has its own format
#
# **Claim: the format belongs to the model; with the wrong one nothing fails and everything gets worse.** These are the
# formats of eleven families and of the pocket model. `P` and `S` are the texts; the last column counts the tokens that the prefix
# sentinel takes in the model you are running now.

# %%
def spelled(format):
    return "".join(format.sentinels.get(piece, piece) for piece in format.layout())


print(f"{'family':<15}{'order':<6} {'prompt':<46} tokens")
for format in formats.FORMATS:
    count = len(as_it_comes.encode(format.prefix).ids)
    print(f"{format.name:<15}{format.order:<6} {spelled(format):<46} {count:>6}")

# %% [markdown]
# Look at the near misses: hyphens or underscores, bars or none, a *hole* where others say suffix, and Codestral, which
# has no middle sentinel at all. Four rows spell StarCoder's sentinels, and want them in different orders.
# Only spellings that the vocabulary knows are one token.
# Below, the model is asked with SantaCoder's hyphens, which differ from its own sentinels by one character each.

# %%
HYPHENS = "<fim-prefix>{prefix}<fim-suffix>{suffix}<fim-middle>"

hyphens = glued(fibonacci.prefix, fibonacci.suffix, HYPHENS)
display(boxes(hyphens[-12:], "the end of that prompt"))
show.completion(fibonacci, ask(hyphens), "asked with SantaCoder's sentinels")

# %% [markdown]
# To the model this is a Python file with an odd last line, and it goes on with that file, odd mark and all. So the format is never guessed from
# a model's name. It is read from the vocabulary. Families that share sentinels are told apart by another token of theirs; our pocket
# model has `<reserved_0>` for that. Mellum has none, is taken for StarCoder, and has to be named. A tokenizer without sentinels is refused:

# %%
print(formats.detect(codec.tokenizer.get_vocab()).name)
try:
    formats.detect({"def": 0, "return": 1})
except ValueError as error:
    print(error)

# %% [markdown]
# ## The token at the cursor
#
# **Claim: cursors stand between characters, tokens do not care.** Text is split into tokens by what is frequent. A
# cursor can stand anywhere, and the pieces on its two sides are encoded apart. Compare a line in one piece and cut.
# The first token after the cursor is outlined.

# %%
statement = "    return function(number)"
whole = [codec.decode([token]) for token in codec.encode(statement)]
show.tokens(whole, caption="in one piece")


# %%
def at_cursor(before, after):
    left, right = codec.encode(before), codec.encode(after)
    texts = [codec.decode([token]) for token in left + right]
    return show.tokens(texts, len(left), f"{before}▏{after}")


display(at_cursor(statement[:15], statement[15:]))
at_cursor(statement[:11], statement[11:])

# %% [markdown]
# In the first, the word's own token is gone; on both sides are leftovers that running text hardly ever contains. In the second
# a space, which belongs to the word after it, is alone. How often does it happen? We count, in the text before the scoreboard's
# places in real files, the positions inside a token.

# %%
from copilot_lib import scoreboard

targets = scoreboard.targets()
texts = [target.cursor.prefix for target in targets]
positions = sum(len(text) for text in texts)
tokens = sum(len(codec.encode(text)) for text in texts)
f"{1 - tokens / positions:.0%} of {positions} positions are inside a token"

# %% [markdown]
# That is why the training gaps are cut by characters: the halves then occur in training as they do in editing. Is it enough?
# Here is the pocket model in the middle of a word that the file has, asked at the cursor:

# %%
word = "def count_words(text):\n    words = text.split()\n    return len(wor"
middle_of_word = Cursor(word + ")\n", len(word))
half = codec.fim(middle_of_word.prefix, middle_of_word.suffix).ids
show.completion(middle_of_word, ask(half, ["\n"]))

# %% [markdown]
# It finishes the half token to a word, but not to the word of this file. What it would copy stands there in other tokens.
#
# *Token healing* steps back to where the word begins and asks there. Of all tokens it then allows only those that agree with
# what was typed: they begin with it, or it begins with them.

# %%
from copilot_lib.healing import Vocabulary, step_back

before, typed = step_back(middle_of_word)
allowed = Vocabulary(codec).opening(typed)([])
print([codec.decode([token]) for token in allowed])
show.completion(middle_of_word, completer.complete(middle_of_word))

# %% [markdown]
# `complete` heals words, a space behind a word, and half an indentation. The stored measurement compares, at hundreds of places in
# held-out files, who completes the word at the cursor; `rule` takes the last word above that begins so:

# %%
import json
from copilot_lib.chapter import stored

behaviour = {row["name"]: row for row in json.loads(stored("pocket/quality.json"))["behaviour"]}
word_completed = behaviour["completes the word at the cursor"]
{way: f"{word_completed[way][0]:.0%}" for way in ("rule", "unhealed", "raw", "shown")}

# %% [markdown]
# Asked at the cursor itself, a model of five million parameters loses to one line of Python. Asked where its tokens begin, it does not.
#
# ## The same, from the library
#
# What this chapter defined is in [`copilot_lib/formats.py`](../copilot_lib/formats.py) and
# [`copilot_lib/fim.py`](../copilot_lib/fim.py). Both must agree, at every gap of our line and in both orders:

# %%
from copilot_lib import fim

assert (formats.PSM, formats.SPM_JOINED, formats.SPM_APART) == (PSM, SPM_JOINED, SPM_APART)
assert fim.arrange(SPM_JOINED, pieces) == arrange(SPM_JOINED, pieces)
for gap in gaps:
    parts = cut(line, *gap)
    assert parts == fim.cut(line, *gap)
    for order in ("PSM", "SPM"):
        assert transform(*parts, codec, order) == fim.transform(*parts, codec, order)
len(gaps)

# %% [markdown]
# From now on `completer.complete` is our tool. It fills the gap where anything but blanks follows the cursor, goes on from
# the left otherwise, and cleans up. Here it is at the gap from the top, and at two of the article's:

# %%
for at in (untried, EXAMPLES["binary_search"], EXAMPLES["Calculator"]):
    display(show.completion(at, completer.complete(at), "told both sides"))

# %% [markdown]
# The first is right: now the model writes the `try`. The second is a line that stands four lines below, letter by
# letter: the model has read the other side, and not understood the `elif`. The third is copied from above. Five million parameters
# are very few: expect it to fail often, and count instead of hoping.
#
# ## Measure
#
# The scoreboard keeps its baselines, and the row of chapter 2. To them we add the same model, told both sides, in each
# order. `completer.prompt` cuts the outer ends of long files to what the model's context holds. The model's own first
# line is compared, before any clean-up.

# %%
from copilot_lib.baselines import empty, last_line, most_frequent_line, ngram


def left_to_right(cursor):
    return ask(codec.plain(cursor.prefix, completer.model.context_tokens - 24).ids, ["\n"])


methods = (empty, last_line, most_frequent_line, ngram, left_to_right)
rows = [scoreboard.score(method.__name__, method, targets) for method in methods]


# %%
def fim_psm(cursor):
    return ask(completer.prompt(cursor, 24, "PSM").ids, ["\n"])


def fim_spm(cursor):
    return ask(completer.prompt(cursor, 24, "SPM").ids, ["\n"])


rows += [scoreboard.score(method.__name__, method, targets) for method in (fim_psm, fim_spm)]
scoreboard.table(rows)

# %% [markdown]
# Read the lower rows against the upper ones first: suffix first, the model is ahead of the n-gram by one target and a
# hundredth, nothing to rely on. Then compare it with itself. Told both sides it gains in similarity, in SPM more than in PSM. In exact
# matches sixty targets cannot say; a difference of two or three of them is chance.
#
# A finer question: how many *bits* does the model need for the line that the author wrote, if it is read out to the model
# token by token? A token to which the model gives chance 1/2 costs one bit, one with chance 1/8 three: few bits mean small surprise. This tells layouts apart even where no answer is exactly right.

# %%
import math
import torch


def bits(ids, middle):
    answer = codec.encode(middle)
    row = torch.tensor([[*ids, *answer]], device=completer.model.device)
    with torch.inference_mode():
        logits = completer.model.network(row).logits[0, len(ids) - 1 : -1]
    chances = logits.float().log_softmax(-1)[range(len(answer)), answer]
    return -chances.sum().item() / math.log(2)


# %%
def asked_as(layout, newline=""):
    """Prompts in a layout: 200 tokens before the cursor, 80 after, a newline after each or not."""
    extra = codec.encode(newline)

    def ids(cursor):
        before, after = codec.encode(cursor.prefix)[-200:], codec.encode(cursor.suffix)[:80]
        texts = {"P": [*before, *extra], "S": [*after, *extra], "newline": extra}
        return arrange(layout, {**sentinels, **texts})

    return ids


layouts = {
    "left to right": asked_as(("P",)),
    "PSM": asked_as(PSM),
    "SPM": asked_as(SPM_JOINED),
    "SPM, article": asked_as(SPM_APART),
    "PSM, tidy": asked_as((*PSM, "newline"), "\n"),
}

# %%
some = targets[::3]
length = sum(len(target.reference) for target in some)
needed = {
    name: sum(bits(ids(target.cursor), target.reference) for target in some) / length
    for name, ids in layouts.items()
}
{name: round(mean, 2) for name, mean in needed.items()}

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 2.4))
bars = axes.barh(
    list(needed), list(needed.values()), color=["#888888", "#4285f4", "#34a853", "#e8a33c", "#d9480f"]
)
axes.bar_label(bars, fmt="%.2f", padding=3)
axes.invert_yaxis()
axes.set(xlabel="bits per character of the author's line (shorter is better)")
axes.set_xlim(0, 1.1 * max(needed.values()))
described = ", ".join(f"{name} {mean:.2f}" for name, mean in needed.items())
show.figure(figure, f"Bars, bits per character: {described}")

# %% [markdown]
# The grey bar is the model without the text below. The blue and the green bar are shorter: the suffix helped. Which of the two is
# shorter is chance: with `targets[1::3]` it is the green one. The orange bars are the two prompts that raise no error: a layout that the model was not trained on, and the tidy
# template. Both cost more bits than leaving the suffix out altogether. Each bar is the mean of twenty targets. And it is read along the
# author's line: after a bad first token the model is put right again, as nobody does on the scoreboard.
#
# ## What goes wrong
#
# - **The answer starts on a new line, or with indentation that is there already.** The prompt has a newline that the file
#   does not have, most often after the middle sentinel. Build it from ids.
# - **The answer repeats the text below, or never ends.** The end token was missing in training, or decoding removed it
#   before anybody looked. Stop on ids.
# - **`ValueError: the vocabulary has the fill-in-the-middle tokens of no known family`.** The model was trained on plain
#   text only, as GPT-2 was. It can go on, but not fill in: use left-to-right, or another model.
# - **`ValueError: mellum was not trained on order 'PSM': expected SPM`.** A format says which orders its family saw.
# - **Answers are poor but look like code.** Another family's sentinels were read as text. Each must be exactly one id.
#
# ## Exercises
#
# **1. Suffix first** (three lines). Build the ids of an SPM prompt as the pocket model was trained on it, without `codec.fim`. You may use
# `codec.encode(text)` and `codec.tokenizer.token_to_id(spelling)`. The texts may contain anything.

# %%
from copilot_lib import checks


def suffix_first(prefix, suffix, codec):
    ...


checks.check_03_suffix_first(suffix_first)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def suffix_first(prefix, suffix, codec):
#     names = "<fim_prefix>", "<fim_suffix>", "<fim_middle>"
#     begin, after, middle = map(codec.tokenizer.token_to_id, names)
#     return [begin, after, *codec.encode(suffix), middle, *codec.encode(prefix)]
# ```
#
# The prefix comes last and nothing follows it: the answer goes on where it ends.
# </details>
#
# **2. Undo** (five lines). Given the ids of a PSM training example, return the original text and its middle. Texts that
# mention sentinels must come back unharmed, so look for ids. `codec.decode(ids)` gives text.

# %%
def undo(ids, codec):
    ...


checks.check_03_undo(undo)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def undo(ids, codec):
#     after, middle = map(codec.tokenizer.token_to_id, ("<fim_suffix>", "<fim_middle>"))
#     one, two = ids.index(after), ids.index(middle)
#     parts = ids[1:one], ids[one + 1 : two], ids[two + 1 : -1]
#     prefix, suffix, cut_out = map(codec.decode, parts)
#     return prefix + cut_out + suffix, cut_out
# ```
#
# A search in the decoded text would find the sentinels that the text only mentions.
# </details>
#
# **3. How much suffix is enough?** (open). The last two arguments of `codec.fim` are budgets, in tokens, for prefix and suffix. Here are
# the bits at one target for three budgets; go on with all of `some` and more budgets, and draw the bits against them. Then give what you
# saved to the prefix: is that the better use?

# %%
target = some[0]
before, after = target.cursor.prefix, target.cursor.suffix
[round(bits(codec.fim(before, after, "SPM", 300, n).ids, target.reference)) for n in (1, 20, 160)]

# %% [markdown]
# ## Recap
#
# - `cut` and `transform` turn any text into examples for gaps; prefix, middle and suffix, joined, are the text.
# - Prompts are ids laid side by side. PSM recomputes the suffix at every keystroke, SPM as StarCoder spells it only appends.
# - A tidy template and a file that mentions a sentinel break prompts made of strings; prompts made of ids have neither fault.
# - A cursor stands inside a token more often than not, so gaps are cut by characters.
#
# What you keep: `copilot_lib.fim`, and a completer that looks both ways. The next chapter asks how a model comes to know
# all this: it trains one, small enough to watch.
#
# Further reading
#
# - M. Bavarian and others, [Efficient Training of Language Models to Fill in the Middle](https://arxiv.org/abs/2207.14255),
#   2022: both orders, both spellings of SPM, and cuts by character, token and line compared.
# - R. Li and others, [StarCoder: may the source be with you](https://arxiv.org/abs/2305.06161), 2023: the family that
#   lent the pocket model its sentinels.
# - [Mellum](https://arxiv.org/abs/2510.05788), 2025: a model for an editor, trained suffix first, with the sentinels as the article has them.
