# ---
# jupyter:
#   copilot_lib:
#     teaches: []
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
# # 0. A completion in five minutes
#
# At the end of this chapter you can put a cursor into a Python file and get a completion for it, from a model on your own
# machine, without a network, a login or a graphics card.
#
# ```text
#  1 │ def area(width, height):
#  2 │     return ▏width * height
#    │             └ grey until you accept it: a suggestion at the cursor
# ```
#
# (Drawn by hand. The pictures below come from the model.)
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 5 minutes to the first completion, 20 in all | any; no GPU | none | [cursor](../book/glossary.md#cursor), [completion](../book/glossary.md#completion), [ghost text](../book/glossary.md#ghost-text), [pocket model](../book/glossary.md#pocket-model) |
#
# You will
#
# - start the model that ships with this book and complete code at a cursor;
# - read what a completion says about itself: text, mode, why it stopped, how long it took;
# - accept a suggestion, from a cell and in an editor;
# - see where the model fails, so that you know from the start what the other chapters are for.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# This cell is the same in every chapter. It prints the versions and the model that answers: `pocket`, about five million
# numbers that were trained in this project and are installed with it. Colab with a GPU takes a larger one, and the environment
# variable `COPILOT_MODEL` chooses yours. If a later cell prints something else for you than here, compare this line first.
#
# ## The problem, seen
#
# Here is a file in an editor without a copilot. Somebody was writing a binary search and stopped; the bar is the caret.

# %%
from copilot_lib import show
from copilot_lib.samples import EXAMPLES

cursor = EXAMPLES["binary_search"]
show.completion(cursor)

# %% [markdown]
# Nothing happens. What is missing there is plain to a reader: the lines *below* begin with `elif`, so an `if` has to come
# first. Can a program see that?
#
# ## Ask for a completion
#
# `cursor` is a document and a place in it, nothing else. `complete` takes it and answers:

# %%
from copilot_lib.completer import complete

completion = complete(cursor)
show.completion(cursor, completion)

# %% [markdown]
# The grey text is the model's. It is drawn where it would be inserted, and it is not part of your file: editors call it *ghost
# text*. In a terminal it stands between ⟦ and ⟧. Judge it as you would judge a colleague's line: is it an `if`? Does it
# compare the right things? Does it fit what follows?
#
# As this page was made it was no `if`. It was a line from further down in the file, letter by letter: the model reads
# what stands below, and had not understood the `elif`.
#
# The model is small: more than a thousand times smaller than the ones behind products. It has learned the shape of Python better than its
# meaning, and it is often wrong. This book does not hide that, it measures it: [chapter 1](01_the_cursor.ipynb) builds the scale, and
# [chapter 2](02_left_to_right.ipynb) puts the model on it.
#
# ## What a completion says about itself

# %%
completion.mode, completion.stopped, len(completion.tokens)

# %% [markdown]
# - `mode`: `fim` means *fill in the middle*. The model was shown the text before the cursor and the text after it.
# - `stopped`: why it ended. `end` is the model's own decision. The other words name a limit or a rule: `length` (as many tokens as it may write), `dedent` (a line that leaves
#   the cursor's block), `statement end` (the line that you began is complete), `repeats the suffix` (what follows is there
#   already), `repeats itself` and `circles in a line` (small models turn in circles).
# - `tokens`: a model does not write letters or words but *tokens*, pieces of a few characters.
#
# It also says how long each step took, in milliseconds. Yours will differ.

# %% tags=["nbval-ignore-output"]
{stage: round(ms) for stage, ms in completion.times_ms.items()}

# %% [markdown]
# *Prefill* is reading your file, *decode* is writing the answer, token by token. A suggestion is worth little if it comes
# when you have typed on, so these numbers return in many chapters.
#
# Ask twice and you get the same answer: the model takes the likeliest token at each step, without dice.

# %%
complete(cursor).text == completion.text

# %% [markdown]
# ## Accept it
#
# To accept is to insert the text at the cursor. What you get is a cursor again, after the new text, and `.text` is the new
# document:

# %%
accepted = cursor.insert(completion.text)
print(accepted.text)

# %% [markdown]
# `cursor.prefix` is all text before the cursor, `cursor.suffix` all text after it. Whatever the model wrote, both are still there:

# %%
accepted.text == cursor.prefix + completion.text + cursor.suffix

# %% [markdown]
# Is the result Python at all? The dumbest question one can ask about a completion, and a computer can answer it:

# %%
import ast


def parses(text):
    try:
        ast.parse(text)
    except SyntaxError as error:
        return f"no: {error.msg}, line {error.lineno}"
    return "yes"


parses(cursor.text), parses(accepted.text)

# %% [markdown]
# The first answer is for the file without the completion, the second for the file with it. Both fail at the same place: the `elif`
# still has no `if`. Where the rest of the file is complete, a completion that does not parse is wrong or unfinished, and no one has
# to read it to know. Now we type `if` and a blank for the model, and ask again:

# %%
helped = cursor.insert("if ")
second = complete(helped)
show.completion(helped, second, f"does it parse? {parses(helped.insert(second.text).text)}")

# %% [markdown]
# It parses, and it is still no binary search: nothing asks whether `arr[mid]` is the target. Parsing says nothing about being right.
#
# ## Anywhere in any file
#
# Put your own cursor into your own text. In programs lines and columns count from 0, so `line=5` is the line that the picture numbers
# 6. `insert(" ")` types a blank there, as a person would before waiting for a suggestion:

# %%
from copilot_lib.cursor import Cursor

shapes = '''\
def area(width, height):
    return width * height


def volume(width, height, depth):
    return


print(volume(2, 3, 4))
'''
mine = Cursor.at(shapes, line=5, column=10).insert(" ")
show.completion(mine, complete(mine))

# %% [markdown]
# What it wrote is the body of `area`, from above, and a volume needs the depth as well. Change the text, the line and the column, and
# run the cell again. A place that does not exist is refused, with the
# range that does:

# %%
try:
    Cursor.at(shapes, line=5, column=40)
except ValueError as error:
    print(error)

# %% [markdown]
# Not every place is as hard as these. Here an import is begun, and the word that is missing stands in the last line of the file:

# %%
loading = '''\
import


def load(path):
    with open(path) as file:
        return json.load(file)
'''
begun = Cursor.at(loading, line=0, column=6).insert(" ")
show.completion(begun, complete(begun))

# %% [markdown]
# > **Predict.** What will the model do differently if we delete everything after the cursor? Then run the next cell, which
# > breaks the question on purpose.

# %%
cut_off = Cursor(begun.prefix, len(begun.prefix))
alone = complete(cut_off)
show.completion(cut_off, alone, f"without the text below: {alone.mode}, stopped by {alone.stopped}")

# %% [markdown]
# Without a text below there is no middle to fill. The mode is now `left-to-right`: the model just goes on. It cannot know of
# `json`, nothing in its question says where to end, and it runs in a circle until the limit, `length` (the rule against circles does
# not look inside a word). Half of what makes a completion useful is what the model is told, and most of this book is about that half.
#
# ## Four files that come back
#
# The binary search is one of four small files that come back all through this book. Here are the other three:

# %%
show.completion(EXAMPLES["fibonacci"], complete(EXAMPLES["fibonacci"]))

# %%
show.completion(EXAMPLES["parse_config"], complete(EXAMPLES["parse_config"]))

# %%
show.completion(EXAMPLES["Calculator"], complete(EXAMPLES["Calculator"]))

# %% [markdown]
# Look for three kinds of failure. A *plausible name* or call does not exist in this file. A *fair beginning* has the shape of Python and
# not the meaning: a condition that nobody would ask, a value made up. A *wrong ending* stops too early, or runs on into code that nobody
# asked for. Which of them do you see above? As this page was made: `n` ends too early. The `isinstance` is a fair beginning, and
# runs on: the same question twice, a third begun, until the limit. `result = a + b` in a method
# called `subtract` is copied from the method above, a failure of its own kind. No rule of spelling or syntax finds that one.
#
# ## In an editor
#
# So far a cell decided where the cursor is. In the editor below you do. It is a real one:
#
# - click, or use the arrow keys, to place the caret, and type;
# - **Alt-]** (or **Ctrl-I**) asks for a suggestion; in automatic mode it comes by itself when you stop typing for a moment;
# - **Tab** accepts it, **Ctrl-→** accepts one word of it (**Alt-→** on a Mac), **Alt-[** rejects it.

# %%
from copilot_lib.editor import Editor

editor = Editor(cursor.text)
editor

# %% [markdown]
# In JupyterLab and on Colab the editor is alive. On a rendered page there is no Python behind it, so it cannot be. But everything
# that you do with keys a cell can do too, and a cell can draw what the editor shows. Here it places the caret (lines count
# from 0), asks, and looks:

# %%
editor.place(cursor.line, cursor.column)
editor.ask()
editor.show()

# %% [markdown]
# This is the editor's *static twin*: the same document, caret and ghost text, drawn without the editor, and the picture that
# you saw above. If you run the chapter yourself, look at the editor, too: the caret has moved, and the grey text is there.
# Accepting in the editor should do what we did by hand:

# %%
editor.accept()
editor.text == accepted.text, [event["kind"] for event in editor.events]

# %% [markdown]
# The editor notes what became of each suggestion. How often people accept is one of the few honest measures of a
# completion tool.
#
# ## The same, from the terminal
#
# The command line is a third way to the same call. People count lines and columns from 1. We write our file into a new folder,
# run the command, and print what it prints:

# %%
import subprocess, tempfile
from pathlib import Path

file = Path(tempfile.mkdtemp()) / "search.py"
file.write_text(cursor.text)
place = f"{file}:{cursor.line + 1}:{cursor.column + 1}"
command = [sys.executable, "-m", "copilot_lib", "complete", place]
answer = subprocess.run(command, capture_output=True, text=True).stdout
print(answer)
answer.rstrip("\n") == completion.text.rstrip("\n")

# %% [markdown]
# Save any file of yours, and ask in your own terminal, in this book's environment: `python -m copilot_lib complete FILE.py:5:9 --show`
# draws the completion at line 5, column 9.
#
# ## What goes wrong
#
# - `No module named 'copilot_lib'`: the notebook runs in another Python than the one the package is in. Start it with
#   `make lab`, or choose the kernel *Python 3 (ipykernel)* of the project's environment.
# - `… could not be loaded (…)`: `COPILOT_MODEL` names a model that is not here. Unset it, and the pocket
#   model answers.
# - The first completion takes longer than the next ones: it loads the model. Keep the process.
# - Anything else: `python -m copilot_lib doctor` checks versions, model, device, memory and speed, and says what to do.
#
# ## Exercises
#
# **1. Accept by hand** (one line). Given a cursor and a suggestion, give back the new document, without `insert`.

# %%
from copilot_lib import checks


def accept(cursor, suggestion):
    ...


checks.check_00_kept(accept)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def accept(cursor, suggestion):
#     return cursor.prefix + suggestion + cursor.suffix
# ```
#
# </details>

# %% [markdown]
# **2. Accept one word** (about two lines). Often only the beginning of a suggestion is right, and editors have a key for taking one
# word of it. Write the function behind that key: it gives the part of the suggestion up to the end of its first word, with the
# blanks and signs before it. `first_word(" = a + b")` is `" = a"`. If no word is left, it gives all of it.

# %%
def first_word(suggestion):
    ...


checks.check_00_first_word(first_word)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# import re
#
#
# def first_word(suggestion):
#     return re.match(r"\W*\w*", suggestion).group()
# ```
#
# </details>

# %% [markdown]
# **3. Your own file** (open). Take a file that you wrote. Ask for completions at ten places where you know what belongs there,
# and keep a tally: right, usable after a change, useless. Which kinds of places work? Keep the places, and ask there
# again whenever the completer has learned something.
#
# ## Recap
#
# - `complete(cursor)` answers at a place in a document, offline.
# - A completion carries its text, its mode, the reason it stopped, and its times.
# - To accept is to insert; a cell, the editor and the terminal do the same.
# - The model knows the shape of code better than its meaning, and invents what it does not know. Now you have seen it.
#
# What stays: a working completer, in the notebook and in the terminal.
#
# Next: was the answer good? One picture cannot say. [Chapter 1](01_the_cursor.ipynb) looks closely at the question, a cursor, and
# finds the dumbest answers that a model has to beat.
#
# Further reading
#
# - M. Bavarian and others, [Efficient Training of Language Models to Fill in the Middle](https://arxiv.org/abs/2207.14255), 2022.
# - A. Ziegler and others, [Productivity Assessment of Neural Code Completion](https://arxiv.org/abs/2205.06537), 2022: what
#   people do with suggestions, by how many they accept.
