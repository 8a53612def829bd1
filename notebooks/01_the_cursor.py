# ---
# jupyter:
#   copilot_lib:
#     teaches: [cursor.utf16_length, baselines.empty, baselines.rest_of, baselines.last_line, baselines.most_frequent_line,
#       baselines.PIECE, baselines.pieces, baselines.count_ngrams, baselines.next_piece, baselines.ngram]
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
# # 1. The cursor
#
# At the end of this chapter you can turn any place in any file into a question for a completer, you know four completers
# that need no model at all, and you have a number for each of them that a model has to beat.
#
# ```text
#  2 │ def shopping(prices):
#  3 │     return sum(▏)
#    │                └ everything after this point is suffix, the bracket included
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 50 minutes | any; no GPU | [0](00_first_completion.ipynb) | [prefix](../book/glossary.md#prefix), [suffix](../book/glossary.md#suffix), [offset](../book/glossary.md#offset), [UTF-16 column](../book/glossary.md#utf-16-column), [baseline](../book/glossary.md#baseline), [n-gram](../book/glossary.md#n-gram), [target](../book/glossary.md#target), [exact match](../book/glossary.md#exact-match), [edit similarity](../book/glossary.md#edit-similarity) |
#
# You will
#
# - split a file at a cursor so that no character is lost, and count columns as an editor does;
# - see what a completer loses when it is not told the rest of the cursor's line;
# - write four completers without a model: silence, the last line, the most frequent line, and an n-gram;
# - score them on sixty gaps in real code.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# Chapter 0 asked for completions and got them. Now we ask again, and tell the completer a little less. The caret stands
# between the brackets of `sum()`:

# %%
from copilot_lib import show
from copilot_lib.completer import complete
from copilot_lib.cursor import Cursor

TEXT = '''\
# what a shopping trip costs
def shopping(prices):
    return sum()


print(shopping([3, 4]))
'''
cursor = Cursor.at(TEXT, 2, 15)
show.completion(cursor)

# %% [markdown]
# A simple way to split a file at a cursor works by lines: the lines above, the cursor's line up to the cursor, and then
# the lines *below*. Several published examples do this. Here is that split, with the answer it leads to. Look at the end of the line.


# %%
def lines_below_only(cursor):
    below = cursor.suffix.split("\n")[1:]
    return Cursor(cursor.prefix + "\n" + "\n".join(below), cursor.offset)


told = lines_below_only(cursor)
show.completion(told, complete(told), "what a completer is told that knows only the lines below")

# %% [markdown]
# The bracket in the grey text is the model's own. The one after the caret is gone: it was never part of the question. If an editor
# stored this text, it would have deleted a character that you typed. If it only inserted the answer, there would be two, since the model could not
# know that a bracket is there already. The cure is to say exactly what a cursor is.
#
# ## A cursor is a text and a number
#
# **Claim: a document and one offset say everything.** The offset counts the characters before the cursor. What lies
# before it is the *prefix*, what lies after it the *suffix*, and the two together are the document again. By hand, on
# nine characters:

# %%
text, offset = "sum(x, y)", 4
prefix, suffix = text[:offset], text[offset:]
prefix, suffix, prefix + suffix == text

# %% [markdown]
# People and editors do not say "offset 66". They say *line 3, column 16*. So we need a way from line and column to the
# offset: skip the lines above, newlines included, then count columns.


# %%
def offset_of(text, line, column):
    lines_above = text.split("\n")[:line]
    return sum(len(above) + 1 for above in lines_above) + column


offset_of(TEXT, 2, 15), cursor.offset

# %% [markdown]
# Lines and columns count from 0 inside programs and from 1 where people type them: `shopping.py:3:16` is line 2, column
# 15.
#
# The smallest test of a split is that nothing gets lost, and it is cheap enough to run at *every* offset. How many
# offsets are there, how many of them lose text if we keep the cursor as it is, and how many with the split by lines?

# %%
def loses(split, text):
    return [at for at in range(len(text) + 1) if split(Cursor(text, at)).text != text]


len(TEXT) + 1, len(loses(lambda whole: whole, TEXT)), len(loses(lines_below_only, TEXT))

# %% [markdown]
# > **Predict.** The last number counts the places where the split by lines changes the text. At which places does it lose
# > nothing? Say it in words before you run the next cell.

# %%
lost = set(loses(lines_below_only, TEXT))
[TEXT[:at].split("\n")[-1] for at in range(len(TEXT) + 1) if at not in lost]

# %% [markdown]
# Only at the ends of lines, where there is no rest to lose. That is why the mistake survives a demonstration: people
# demonstrate completion at the end of a line. An editor asks wherever you stop typing, and brackets and quotes close
# themselves, so many of its questions have something after the caret.
#
# One more trap is hidden in the word *character*. Python counts code points. The protocol that editors speak counts
# UTF-16 units, and some characters take two:


# %%
def utf16_length(text):
    return len(text) + sum(character > "\uffff" for character in text)


[(word, len(word), utf16_length(word)) for word in ("snake", "café", "🐍", "🐍🐍")]

# %% [markdown]
# Each snake before the cursor moves it by one column if nobody converts. Here the editor says column 10, and means the
# place between the quotation mark and the bracket:

# %%
snakes = 'print("🐍")\n'
editor_column = utf16_length('print("🐍"')
show.completion(Cursor.at(snakes, 0, editor_column), caption="taken as characters: one too far")

# %%
show.completion(Cursor.at_utf16(snakes, 0, editor_column), caption="taken as UTF-16 units: right")

# %% [markdown]
# ## What the rest of the line is worth
#
# **Claim: the characters after the caret are the cheapest help there is.** They say which brackets are already
# closed, what type the answer must have, and where it has to stop. To see their worth we empty every pair of brackets in
# the four examples of this book, one at a time, and ask the model to fill it again.

# %%
import re
from copilot_lib.samples import EXAMPLES

BRACKETS = re.compile(r"[(\[]([^()\[\]\n]+)[)\]]")


def emptied_brackets(text):
    """A cursor in each pair of brackets whose content was taken out."""
    return [Cursor(text[: m.start(1)] + text[m.end(1) :], m.start(1)) for m in BRACKETS.finditer(text)]


cursors = [cursor for example in EXAMPLES.values() for cursor in emptied_brackets(example.text)]
len(cursors), [cursor.line_prefix.strip() + "▏" + cursor.line_suffix for cursor in cursors[:4]]

# %% [markdown]
# An answer fits if there is one and the brackets of its line still match once it is inserted. That is far less than being right,
# but it is what the rest of the line can promise. Counting pairs is enough for these lines:


# %%
def fits(cursor, answer):
    line = cursor.line_prefix + answer + cursor.line_suffix
    pairs_match = all(line.count(opened) == line.count(closed) for opened, closed in ("()", "[]", "{}"))
    return bool(answer) and pairs_match


fits(cursors[0], "n"), fits(cursors[0], "n):"), fits(cursors[0], "")


# %% [markdown]
# Now the model, once told everything and once only the lines below. We take the first line of each answer, since a pair
# of brackets on one line asks for no more.
#
# > **Predict.** Of the thirteen answers, how many will fit when the model saw the closing bracket, and how many when it did not?

# %%
def ask(cursor):
    return complete(cursor, max_new_tokens=12).text.split("\n")[0]


told_all = [ask(cursor) for cursor in cursors]
told_less = [ask(lines_below_only(cursor)) for cursor in cursors]
[sum(map(fits, cursors, answers)) for answers in (told_all, told_less)], len(cursors)

# %% [markdown]
# The first number counts the answers that fit when the model saw the rest of the line, the second when it did not, the
# third is how many were asked. Here is the first place where only the better informed answer fits. Both are inserted
# into the *real* file, as an editor would do it.

# %%
triples = list(zip(cursors, told_all, told_less, strict=True))
differ = [(cursor, more, less) for cursor, more, less in triples if fits(cursor, more) and not fits(cursor, less)]
at, more, less = (differ or triples)[0]
show.completion(at, less, "not told the rest of the line")

# %%
show.completion(at, more, "told the rest of the line")

# %% [markdown]
# Read them by their last characters. A model that cannot see the closing bracket has to write one, and then there
# are two; or it leaves the bracket out for reasons of its own. Either way nothing in the model can repair it: the question was
# wrong.
#
# From here on a cursor is always the whole document and one offset, and `suffix` begins with the rest of the line.
#
# ## Completing without a model
#
# Before we believe that a model is good we ask how far one gets without. A *baseline* is the cheapest method that gives
# an answer at all. The first one is hard to beat at being harmless:


# %%
def empty(cursor):
    return ""


# %% [markdown]
# The second copies. Code repeats itself, so the nearest line above that begins like the current one is a fair guess for
# how this one goes on. By hand: we typed `self.hi`; which line begins so, and what does it have after that?

# %%
line, typed = '        self.history.append(("add", a, b, result))', "        self.hi"
line.strip()[len(typed.lstrip()):]


# %%
def rest_of(line, typed):
    line, typed = line.strip(), typed.lstrip()
    return line[len(typed) :] if line.startswith(typed) else ""


def last_line(cursor):
    above = cursor.prefix.split("\n")[:-1]
    rests = (rest_of(line, cursor.line_prefix) for line in reversed(above))
    return next((rest for rest in rests if rest), "")


# %% [markdown]
# Indentation does not count, only what is typed. If nothing is typed yet, every line begins like this one, and the
# baseline repeats the line above. Try it in the `subtract` method of our calculator, where we have begun a line:

# %%
begun = "result = a - b\n        self."
calculator = EXAMPLES["Calculator"].insert(begun)
show.completion(calculator, last_line(calculator))

# %% [markdown]
# Nearly right, with `"add"` where `"subtract"` belongs: a copy knows nothing of the method it stands in. The third
# baseline takes the line that occurs most often, in the whole file. It looks *below* the cursor too: a completer that
# has a suffix may use it.


# %%
def most_frequent_line(cursor):
    others = cursor.prefix.split("\n")[:-1] + cursor.suffix.split("\n")[1:]
    rests = [rest for line in others if (rest := rest_of(line, cursor.line_prefix))]
    return max(rests, key=rests.count, default="")


# %% [markdown]
# > **Predict.** In the calculator we type `ret` instead. What does the last line offer, and what the most frequent line?

# %%
returning = EXAMPLES["Calculator"].insert("ret")
last_line(returning), most_frequent_line(returning)

# %%
show.completion(returning, most_frequent_line(returning))

# %% [markdown]
# Two lines begin with `ret`, one above the cursor and one below, each occurs once, and the first of equals wins. With
# so little to count it is luck. And where nothing is typed yet?

# %%
search = EXAMPLES["binary_search"]
show.completion(search, last_line(search), "the last line, on a fresh line")

# %% [markdown]
# It offers the line that was just written. Copying needs a beginning that narrows the choice.
#
# ## An n-gram: copying in small steps
#
# **Claim: copying pieces of lines beats copying lines.** A line that is half like one and half like another cannot be
# copied whole. So we cut text into pieces (words, single signs, blanks) and ask for one piece at a time: *after these
# few pieces, which piece came most often in this file?*

# %%
PIECE = re.compile(r"\r?\n|\r|[^\S\r\n]+|\w+|[^\w\s]")


def pieces(text):
    return PIECE.findall(text)


show.tokens(pieces("left, right = 0, len(arr) - 1"))

# %% [markdown]
# Joined again, the pieces are the text: blanks are pieces too. Models cut text in a similar way, and
# [chapter 2](02_left_to_right.ipynb) shows theirs. Now we count. The pieces that we look at are the *context*. A context of up to
# five pieces and the one that follows it make six: a 6-gram. Small first, with contexts of one piece:

# %%
from itertools import pairwise

followers = {}
sequence = pieces("a=b+c a=b-c")
for before, after in pairwise(sequence):
    followers.setdefault(before, []).append(after)
followers

# %% [markdown]
# After `a` there was always `=`, after `b` once a plus and once a minus. The function does the same for all lengths of
# context up to `n - 1`, none included (what is the most frequent piece of all?), and keeps counts instead of lists:

# %%
from collections import Counter, defaultdict


def count_ngrams(sequence, n):
    counts = defaultdict(Counter)
    for i, piece in enumerate(sequence):
        for length in range(min(n, i + 1)):
            counts[tuple(sequence[i - length : i])][piece] += 1
    return counts


count_ngrams(sequence, 3)[("=", "b")]


# %% [markdown]
# Long contexts know best but have rarely been seen. So we try the longest first and shorten it until it has been seen.
# This is called *backing off*. Where even one piece of context is new, the line ends.

# %%
def next_piece(counts, sequence, n):
    for length in range(min(n - 1, len(sequence)), 0, -1):
        seen = counts.get(tuple(sequence[-length:]))
        if seen:
            return seen.most_common(1)[0][0]
    return "\n"


next_piece(count_ngrams(sequence, 3), pieces("z=b"), 3)

# %% [markdown]
# The context `=b` was followed by `+` and by `-`, once each, and again the first of equals wins. What remains is a loop:
# append a piece, ask again, stop at the end of the line, or after thirty pieces. Prefix and suffix are counted apart, since the piece
# before the cursor and the one after it are no neighbours. [Chapter 2](02_left_to_right.ipynb) writes the very same loop around a model.


# %%
def ngram(cursor, n=6, max_new_pieces=30):
    counts = count_ngrams(pieces(cursor.prefix), n)
    for context, seen in count_ngrams(pieces(cursor.suffix), n).items():
        counts[context].update(seen)
    sequence = pieces(cursor.prefix)
    start = len(sequence)
    while len(sequence) - start < max_new_pieces:
        piece = next_piece(counts, sequence, n)
        if not piece.strip("\r\n"):
            break
        sequence.append(piece)
    return "".join(sequence[start:])


show.completion(calculator, ngram(calculator))

# %% [markdown]
# A line was finished, but which one? Two lines of the file begin with `self.history`. Here is what the table says where they part:

# %%
counts = count_ngrams(pieces(calculator.prefix), 6)
counts[tuple(pieces("\n        self.history"))]

# %% [markdown]
# A tie, once more, and the line of `__init__` came first. In the binary search there is more to mix.
#
# > **Predict.** We have typed `if arr[mid]`, and no line above begins so. From which line will the n-gram go on?

# %%
started = search.insert("if arr[mid]")
show.completion(started, ngram(started), "a 6-gram: up to five pieces of context")

# %% [markdown]
# The condition is Python, it fits its line, and the file has it already: below the cursor, after the `elif`. That is why it is
# wrong. The same question twice in a row makes the second one useless. An n-gram copies how code goes on, and knows nothing of why.
#
# What if it sees less? With `n=2` it looks at one piece only:

# %%
show.completion(started, ngram(started, n=2), "a 2-gram: one piece of context")

# %% [markdown]
# With one piece of context it soon turns in a circle, always the same follower after the same piece, until the limit
# of thirty pieces ends it. Models do that too; you will meet it again.
#
# ## The same, from the library
#
# Everything that this chapter defined is in [`copilot_lib/baselines.py`](../copilot_lib/baselines.py) and
# [`copilot_lib/cursor.py`](../copilot_lib/cursor.py). Do both agree, at every offset of the calculator?

# %%
from copilot_lib import baselines
from copilot_lib import cursor as library

text = EXAMPLES["Calculator"].text
for at in [Cursor(text, offset) for offset in range(len(text) + 1)]:
    assert offset_of(text, at.line, at.column) == at.offset
    assert utf16_length(at.line_prefix) == library.utf16_length(at.line_prefix) == at.utf16_column
    for mine in (empty, last_line, most_frequent_line, ngram):
        assert mine(at) == getattr(baselines, mine.__name__)(at)
len(text) + 1

# %% [markdown]
# `Cursor` does more than our two lines: it refuses places that do not exist, and says which ones do. It also keeps every
# newline style, which splitting at `"\n"` does not.

# %%
try:
    Cursor.at(TEXT, 2, 99)
except ValueError as error:
    print(error)

# %% [markdown]
# ## Measure
#
# A picture at a cursor convinces, and proves nothing. The scoreboard of this book asks every method for the rest of a
# line at the same sixty cursors, in files of the package networkx that our model never saw in training. At each of them nothing
# follows on the cursor's own line: this scale is for the rest of a line, and can't notice the mistake from the start of the chapter, which
# we counted there. Two of them:

# %%
from copilot_lib import scoreboard

targets = scoreboard.targets()
[(target.cursor.line_prefix.strip(), target.reference) for target in targets[1:3]], len(targets)

# %% [markdown]
# *Exact match* is the share of answers that equal what the author wrote. *Edit similarity* is 1 for equal lines, and falls
# with every character that has to be changed, added or removed, down to 0. *Stripped* is exact match without the blanks at both ends.
#
# > **Predict.** The best of our four gets how many of sixty lines exactly right?

# %%
methods = empty, last_line, most_frequent_line, ngram
rows = [scoreboard.score(method.__name__, method, targets) for method in methods]
scoreboard.table(rows)

# %% [markdown]
# Five of sixty. Copying pieces is ahead of copying lines. In exact matches by two targets of sixty, which may be luck; in edit similarity it is
# nearly twice as good. These rows stay in the table from now on, and whatever we build is printed beneath them.
#
# How much context does the n-gram need? One figure, two curves:

# %%
from functools import partial
import matplotlib.pyplot as plt

lengths = range(2, 9)
curve = [scoreboard.score(f"{n}-gram", partial(ngram, n=n), targets) for n in lengths]
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(lengths, [row.similarity for row in curve], marker="o", label="edit similarity")
axes.plot(lengths, [row.exact for row in curve], marker="s", label="exact match")
axes.set(xlabel="n (pieces of context, plus one)", ylabel="score over 60 targets", ylim=(0, 0.4))
axes.legend(frameon=False)
show.figure(figure, "Score of the n-gram for n from 2 to 8: edit similarity rises up to 6, both curves are about level after it")

# %% [markdown]
# Up to five pieces, more context helps. Beyond that nothing is gained: longer contexts occur rarely inside one file, and the small
# ups and downs are single targets. A model is, from here, a way to use a context that was *never* seen before.
#
# ## What goes wrong
#
# - `ValueError: column 99 is outside line 2: expected 0 to 16 characters (counted from 0)`: the position came from an
#   older version of the text, or counts from 1. Subtract 1 where a person typed it; ask the editor again.
# - The caret is off by one or two, only on some lines: those lines contain emoji, and the editor counts UTF-16 units.
#   Use `Cursor.at_utf16`.
# - Suggestions end in `))` or `""` where one was enough: the rest of the line did not reach the completer. Check that
#   `cursor.prefix + cursor.suffix` is the document.
# - The caret is off by one more on every line: the file has Windows newlines (`\r\n`) and something counted them as one
#   character. `Cursor` keeps them; do not translate the text on the way in.
#
# ## Exercises
#
# **1. Trim what is there already** (about four lines). An answer may end with what already follows the caret on its
# line. Write a function that removes from the end of `answer` the longest part with which `rest` begins: `trimmed("x, y)", "))")` is
# `"x, y"`.

# %%
from copilot_lib import checks


def trimmed(answer, rest):
    ...


checks.check_01_trimmed(trimmed)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def trimmed(answer, rest):
#     for length in range(len(rest), 0, -1):
#         if answer.endswith(rest[:length]):
#             return answer[:-length]
#     return answer
# ```
#
# It is a little too eager: after `f(▏)` the answer `g(x)` closes a bracket of its own, and loses it. The library's
# version, in [`copilot_lib/postprocess.py`](../copilot_lib/postprocess.py), looks whether the answer opened it.
# </details>

# %% [markdown]
# **2. Finish the word** (about five lines). Our n-gram is lost in the middle of a word: it never saw the piece `hist`.
# Write a completer that finishes a half-typed word with the most frequent word of the file that begins so and is
# longer. It gives the missing letters only: `"ory"` after `hist`. It offers nothing when no word is begun.

# %%
def finished_word(cursor):
    ...


checks.check_01_finished_word(finished_word)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def finished_word(cursor):
#     begun = re.search(r"\w*$", cursor.prefix).group()
#     words = re.findall(r"\w+", cursor.prefix + " " + cursor.suffix)
#     longer = [word for word in words if begun and word.startswith(begun) and word != begun]
#     return max(longer, key=longer.count, default="")[len(begun) :]
# ```
#
# The blank between prefix and suffix keeps the begun word apart from what follows it.
# </details>

# %% [markdown]
# **3. Beat the n-gram** (open). Our ties go to the first of equals, and every line of the file counts alike. Let the nearest
# win, count lines near the cursor twice, finish begun words first, or combine two baselines. Score it in the cell below;
# one target more than `ngram` is a result, three are a good one. Do not look at the references while you tune: tune on files
# of your own, score here once.

# %%
mine = ngram  # put your completer here
scoreboard.table([*rows, scoreboard.score("mine", mine, targets)])

# %% [markdown]
# ## Recap
#
# - A cursor is a document and an offset; prefix and suffix together are the document, at every offset. Editors may
#   count columns in UTF-16 units.
# - The suffix begins with the rest of the cursor's own line. Left out, it costs brackets.
# - Silence, the last line, the most frequent line and an n-gram complete code without a model.
# - Sixty gaps, exact match and edit similarity: the n-gram's row is the one to beat.
#
# What stays: the four rows of the scoreboard, recomputed in each later chapter by
# [`copilot_lib/baselines.py`](../copilot_lib/baselines.py).
#
# Next: the n-gram only knows contexts that it has seen. What does a model do with one that it has not? [Chapter 2](02_left_to_right.ipynb)
# opens the loop.
#
# Further reading
#
# - C. E. Shannon, [A Mathematical Theory of Communication](https://doi.org/10.1002/j.1538-7305.1948.tb01338.x), 1948:
#   section 3 writes English with n-grams, by hand.
# - A. Hindle and others, [On the Naturalness of Software](https://doi.org/10.1109/ICSE.2012.6227135), 2012: code repeats itself more
#   than English does, and an n-gram completer built on that.
# - V. Hellendoorn and P. Devanbu, [Are Deep Neural Networks the Best Choice for Modeling Source Code?](https://doi.org/10.1145/3106237.3106290),
#   2017: n-grams that count near lines more, against networks.
# - The [Language Server Protocol](https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#position), section
#   Position: why columns are UTF-16 units.
