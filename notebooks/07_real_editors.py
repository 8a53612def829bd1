# ---
# jupyter:
#   copilot_lib:
#     teaches: [lsp.offset_at]
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
# # 7. Real editors
#
# At the end of this chapter the editor that you use every day shows your model's completions, and you can read every byte that goes between the two.
# Chapter 6's server answers whoever asks in its way; editors ask in theirs.
#
# ```text
# editor →  textDocument/didChange        "r" at 1:4
# editor →  textDocument/inlineCompletion at 1:5, number 7
# editor →  textDocument/didChange        "e" at 1:5
# editor →  $/cancelRequest               number 7
#        ←  number 7: error -32800, request cancelled
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 50 minutes | any; no GPU | [5](05_model_to_editor.ipynb), [6](06_the_server.ipynb) | [protocol](../book/glossary.md#protocol), [LSP](../book/glossary.md#lsp), [UTF-16 column](../book/glossary.md#utf-16-column) |
#
# You will
#
# - send what a Vim plugin sends, and read what it reads;
# - speak the Language Server Protocol by hand, byte by byte, and then through a client;
# - put a completion in the wrong place on purpose, with nothing but a snake in a string;
# - write a client that asks at the right time, and set up an editor of your own.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# The server of [chapter 6](06_the_server.ipynb) takes a document and a place. We start it, and send what llama.vim, a plugin for Vim, would send for
# the same place:

# %%
import http.client
import json
import os
import re
import subprocess

server = subprocess.Popen(
    [sys.executable, "-m", "copilot_lib", "serve", "--port", "0"],
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
)
port = int(re.search(r":(\d+)", server.stdout.readline())[1])


# %%
def post(path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


from_vim = {
    "input_prefix": "def area(width, height):\n",
    "prompt": "    return ",
    "input_suffix": "\n\n\nprint(area(2, 3))\n",
    "n_predict": 32,
    "t_max_predict_ms": 1000,
    "response_fields": ["content", "timings/prompt_n", "truncated"],
}
status, said = post("/", from_vim)
status, said["error"]["message"][:60]

# %% [markdown]
# Status 422: understood, and not what is asked for here. Nothing is wrong with either side. They speak different *protocols*: which fields, what they mean, where the text is cut, what comes back. There is no
# agreement among editors on one, so a server that wants to be used speaks several.
#
# ## What a plugin says
#
# **Claim: a protocol is a small function in front of one `complete`, and another one behind.** llama.vim cuts the text in three: the lines above, the line up to the
# cursor, and all after it. So the cursor stands between the second and the third:

# %%
from copilot_lib.cursor import Cursor


def gap_of(body):
    before = body["input_prefix"] + body["prompt"]
    return Cursor(before + body["input_suffix"], len(before))


from copilot_lib import show
from copilot_lib.completer import Completer

completer = Completer.load()
show.completion(gap_of(from_vim), completer.complete(gap_of(from_vim)), "what the plugin asks about")

# %%
status, answer = post("/infill", from_vim)
answer["content"] == completer.complete(gap_of(from_vim)).text, list(answer)

# %% [markdown]
# The guess is wrong, and would be in any protocol: an area is `width * height`. What counts here is that both ways give the same, since it is the same
# question; only its clothes differ. What the plugin does not see is the memory and the thread of
# chapter 6 behind it: whoever asks, in whatever protocol, is served by the same service, and may be answered with what another one asked before.
#
# Three details of this protocol are easy to miss, and the plugin needs all of them. The fields of the answer are those that the request names, and a `/` in
# a name reaches into the answer. A request with `n_predict` 0 wants no text: it lets the server read what the next one will begin with. And a time limit is
# a promise: what is there when the time is over, is the answer.

# %%
quiet = from_vim | {"n_predict": 0}
hurried = from_vim | {"t_max_predict_ms": 1, "response_fields": ["content", "stop_type"]}
post("/infill", quiet)[1]["content"], post("/infill", hurried)[0]

# %% [markdown]
# No text was wanted, and none came. The hurried one was answered after its millisecond with what there was, which may be nothing either, and
# with status 200: to run out of time is no fault.
#
# OpenAI's completions are what most other programs speak. There the text after the cursor is called `suffix`:

# %%
asked = {"prompt": from_vim["input_prefix"] + from_vim["prompt"], "suffix": from_vim["input_suffix"], "max_tokens": 32}
status, answer = post("/v1/completions", asked)
answer["choices"][0]["text"] == completer.complete(gap_of(from_vim)).text, answer["choices"][0]["finish_reason"]

# %% [markdown]
# What a server does not do it should refuse, and not pass over: who asks how probable the four likeliest tokens were (`logprobs`) and is not told
# has been lied to.

# %%
for extra in ({"logprobs": 4}, {"best_of": 3}, {"n": 0}):
    status, answer = post("/v1/completions", asked | extra)
    print(status, answer.get("error", {}).get("message", "answered")[:90])

# %% [markdown]
# ## What an editor says
#
# **Claim: the Language Server Protocol is JSON with a length in front.** Editors speak it with programs that they start themselves, over standard input and output. Every message
# is a header with the number of *bytes*, an empty line, and JSON. A *request* has a number and wants an answer, a *notification* has none.

# %%
def message(method, params, number=None):
    """One message of the protocol, as bytes."""
    content = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})
    data = json.dumps(content, ensure_ascii=False).encode()
    return f"Content-Length: {len(data)}\r\n\r\n".encode() + data


message("exit", None)

# %% [markdown]
# > **Predict.** `ensure_ascii=False` leaves `é` as it is. If we counted characters instead of bytes, what would the other side read?

# %%
text = '{"method": "é"}'
miscounted = f"Content-Length: {len(text)}\r\n\r\n{text}".encode() + message("exit", None)
body = miscounted.split(b"\r\n\r\n", 1)[1]
body[: len(text)], body[len(text) :][:30]

# %% [markdown]
# One byte too few: the message lacks its bracket, and is no JSON. The bracket stands before the next header, so the good message after it is lost
# too. Now the other direction, and a language server to talk to:


# %%
def receive(stream):
    """The next message."""
    header = b""
    while not header.endswith(b"\r\n\r\n"):
        header += stream.read(1)
    return json.loads(stream.read(int(re.search(rb"Content-Length: (\d+)", header)[1])))


helper = subprocess.Popen(
    [sys.executable, "-m", "copilot_lib", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
)


# %%
from textwrap import fill


def print_message(*parts, most=300):
    """Prints a message on lines of 80 columns, and at most so many characters of it."""
    words = " ".join(part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in parts)
    print(fill(words[:most] + "…" * (len(words) > most), 80, subsequent_indent="      ", break_on_hyphens=False))


# %%
def tell(method, params, number=None):
    """Sends, and prints what was sent."""
    helper.stdin.write(message(method, params, number))
    helper.stdin.flush()
    print_message("→", method if number is None else f"{number} {method}", params)


def hear(number):
    """Reads up to the answer to a request, and prints it; what the server asks or tells on the way is passed over."""
    while (answer := receive(helper.stdout)).get("id") != number or "method" in answer:
        pass
    print_message("←", str(number), answer.get("result", answer.get("error")), most=190)
    return answer


tell("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)
capabilities = hear(1)["result"]["capabilities"]

# %%
{name: capabilities[name] for name in sorted(capabilities) if "ompletion" in name or name in ("positionEncoding", "executeCommandProvider")}

# %% [markdown]
# Both sides say what they can. The server offers ghost text (`inlineCompletionProvider`) and, for editors that do not know that yet, a menu. From now on it must know the document as the
# editor has it, so the editor tells it of every change, and then asks by position alone:

# %%
URI = {"uri": "file:///area.py"}
TEXT = "def area(width, height):\n    return \n\n\nprint(area(2, 3))\n"


def ask(number, line, character):
    place = {"line": line, "character": character}
    tell("textDocument/inlineCompletion", {"textDocument": URI, "position": place, "context": {"triggerKind": 1}}, number)


tell("initialized", {})
tell("textDocument/didOpen", {"textDocument": URI | {"languageId": "python", "version": 1, "text": TEXT}})
ask(2, 1, 11)
items = hear(2)["result"]["items"]
items[0]["insertText"] == completer.complete(Cursor.at(TEXT, 1, 11)).text

# %% [markdown]
# With the text comes a command. The editor runs it if the suggestion is accepted, and so the server learns what became of it. Over HTTP the same is a
# request: each answer has a header `X-Completion-Id`, and `POST /v1/events` takes that id with `shown`, `accepted` or `rejected`. Nothing is written down unless the
# server was started with `--record FILE`, and then it says at its start what it keeps. A later chapter learns from such a file.
#
# Now a key is pressed while an answer is being made. The editor withdraws its question, and tells of the change. (It asks about another place
# first: what was asked before would come from memory, before anybody could withdraw it.)

# %%
def typed(text, line, character):
    place = {"line": line, "character": character}
    change = {"range": {"start": place, "end": place}, "text": text}
    tell("textDocument/didChange", {"textDocument": URI | {"version": 2}, "contentChanges": [change]})


ask(3, 0, 9)
tell("$/cancelRequest", {"id": 3})
typed("w", 1, 11)
ask(4, 1, 12)
first, second = hear(3), hear(4)
first["error"]["code"]

# %% [markdown]
# The withdrawn question is answered too, with an error that says so (-32800). A server that stays silent leaves the editor waiting for ever. And the letter was
# typed into the server's copy of the document before the second question was read, since messages are taken in the order in which they come. So the answer
# to number 4, `idth`, begins behind the letter. If a server answered the first question all the same, the editor would have to find out by itself that the text has changed.
#
# Not every editor withdraws. Many just ask again, and forget the number of the older question. The server treats that as chapter 6 did: a newer question of the same kind ends the
# older one, which is answered with another code, *content modified*.
#
# ## Where is the cursor?
#
# The protocol counts columns in units of UTF-16, because the first editor that spoke it was written in JavaScript. `é` is one such unit, and 🐍 is two. Python counts characters. [Chapter 1](01_the_cursor.ipynb)
# warned of it; now it is ours to get right. A position may also lie outside the text, when editor and server disagree for a moment. In the function,
# `units` is what measures a piece of text: `utf16_length` for the editor's columns, `len` for characters.

# %%
from copilot_lib.cursor import line_spans, utf16_length


def offset_at(text, position, units):
    spans = line_spans(text)
    if position.line >= len(spans):
        return len(text)
    offset, end = spans[position.line]
    left = position.character
    while offset < end and (size := units(text[offset])) <= left:
        offset, left = offset + 1, left - size
    return offset


# %% [markdown]
# > **Predict.** In the line below, the caret stands behind `values`. How many characters stand before it, and how many UTF-16 units?

# %%
from types import SimpleNamespace

snake = 'print("🐍🐍", len(values))\n'
caret = snake.index("values") + len("values")
units = utf16_length(snake[:caret])
caret, units, offset_at(snake, SimpleNamespace(line=0, character=units), utf16_length)

# %% [markdown]
# *Broken on purpose*: a server that takes the editor's number for a count of characters. Everything works until somebody has a snake in a string. Here is where the
# suggestion `, key=len` would go:

# %%
wrong = offset_at(snake, SimpleNamespace(line=0, character=units), len)
show.completion(Cursor(snake, wrong), ", key=len", "columns taken for characters")

# %%
show.completion(Cursor(snake, caret), ", key=len", "columns counted in the editor's units")

# %% [markdown]
# Two snakes, two characters too far: the suggestion went out of the call. Newer editors and servers agree on another unit when they say hello (`positionEncoding` above); older ones can't, so both have to work.
#
# ## Through a client
#
# Nobody writes these bytes by hand twice. pygls is the library that our server is built with, and has a client too. The same conversation (a notebook
# takes `await` outside of functions):

# %%
from lsprotocol import types
from pygls.lsp.client import LanguageClient

client = LanguageClient("notebook", "1")
await client.start_io(sys.executable, "-m", "copilot_lib", "lsp")
await client.initialize_async(types.InitializeParams(capabilities=types.ClientCapabilities()))
client.initialized(types.InitializedParams())
client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(URI["uri"], "python", 1, TEXT)))

# %%
async def suggest(cursor):
    """The server's suggestion at a cursor; the whole text is told anew."""
    document = types.VersionedTextDocumentIdentifier(2, URI["uri"])
    whole = types.TextDocumentContentChangeWholeDocument(cursor.text)
    client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))
    place = types.Position(cursor.line, utf16_length(cursor.line_prefix))
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
    wanted = types.InlineCompletionParams(context, types.TextDocumentIdentifier(URI["uri"]), place)
    answer = await client.text_document_inline_completion_async(wanted)
    return answer.items[0].insert_text if answer.items else ""


await suggest(Cursor.at(TEXT, 1, 11)) == items[0]["insertText"]

# %% [markdown]
# What is left for the editor's side is *when*. Twenty lines have all that chapter 5 said: wait by the typist's rhythm, drop what is overtaken, keep what agrees with
# the key, and show nothing that is late. An editor would send `$/cancelRequest` for what it drops. pygls does not do so when a call is cancelled;
# here the next question ends the older one, as above.

# %%
import asyncio
import time

from copilot_lib.debounce import Debounce


# %%
class Client:
    """Ghost text for whoever types: tell it of every key."""

    def __init__(self, suggest):
        self.suggest, self.debounce = suggest, Debounce()
        self.waiting, self.ghost, self.asked = None, "", 0

    def key(self, typed, cursor):
        wait_ms = self.debounce.typed(time.monotonic() * 1000)
        if self.waiting:
            self.waiting.cancel()
        agrees = bool(typed) and self.ghost.startswith(typed)
        self.ghost = self.ghost[len(typed) :] if agrees else ""
        self.waiting = None if self.ghost else asyncio.ensure_future(self.later(wait_ms, cursor))

    async def later(self, wait_ms, cursor):
        await asyncio.sleep(wait_ms / 1000)
        started, self.asked = time.monotonic(), self.asked + 1
        self.ghost = await self.suggest(cursor)
        self.debounce.answered((time.monotonic() - started) * 1000)


# %% [markdown]
# > **Predict.** We type `    return`, a letter every 20 milliseconds, and wait. How often does it ask?

# %%
ours, letters = Client(suggest), "    return "
for n in range(1, len(letters) + 1):
    text = TEXT.replace("    return ", letters[:n], 1)
    ours.key(letters[n - 1], Cursor.at(text, 1, n))
    await asyncio.sleep(0.02)
await ours.waiting
ours.asked, ours.ghost == items[0]["insertText"]

# %% [markdown]
# Once, after the last letter: the wait is never less than 30 ms. Then the typist goes on with what the ghost text says, and nobody has to be asked at all:

# %%
suggestion = ours.ghost
for n, letter in enumerate(suggestion[:4]):
    ours.key(letter, Cursor.at(TEXT, 1, 11).insert(suggestion[: n + 1]))
ours.asked, ours.ghost == suggestion[4:]

# %%
await client.shutdown_async(None)
client.exit(None)
await client.stop()

# %% [markdown]
# ## Your editor
#
# The page [Editors](../book/editors.md) has the settings for Vim, Neovim, Emacs, VS Code and JupyterLab, and says of each whether it was tried with this version. Two
# families of them exist: those that start `python -m copilot_lib lsp` themselves, and those that ask a server which you have started. Here is what
# Emacs needs, whole:
#
# ```elisp
# (with-eval-after-load 'eglot
#   (add-to-list 'eglot-server-programs
#                '(python-mode . ("python" "-m" "copilot_lib" "lsp"))))
# ```
#
# ## The same, from the library
#
# Our `offset_at` against the one that the language server uses, at places inside and outside of five texts:

# %%
from copilot_lib import lsp

for text in (TEXT, snake, "a\fb\nc", "", "é🐍\r\n\tx"):
    for row in range(4):
        for column in range(12):
            place = types.Position(row, column)
            assert lsp.offset_at(text, place, utf16_length) == offset_at(text, place, utf16_length)

# %% [markdown]
# ## Measure
#
# Do the protocols cost anything? The scoreboard is asked once more, through `/infill` and by hand over the pipe. The text must be the same; what differs is time. All three
# are asked in turn at each place, so that whatever else the machine does meets them alike, and what counts is the middle one of sixty times.

# %%
from collections import defaultdict

from copilot_lib import scoreboard
from copilot_lib.baselines import empty, ngram


def direct(cursor):
    return completer.complete(cursor).text


def infill(cursor):
    body = {"input_prefix": cursor.prefix, "prompt": "", "input_suffix": cursor.suffix, "n_predict": 64}
    return post("/infill", body)[1]["content"]


# %%
def language_server(cursor):
    global number
    number += 1
    change = {"textDocument": URI | {"version": number}, "contentChanges": [{"text": cursor.text}]}
    place = {"line": cursor.line, "character": utf16_length(cursor.line_prefix)}
    wanted = {"textDocument": URI, "position": place, "context": {"triggerKind": 2}}
    helper.stdin.write(message("textDocument/didChange", change))
    helper.stdin.write(message("textDocument/inlineCompletion", wanted, number))
    helper.stdin.flush()
    while (answer := receive(helper.stdout)).get("id") != number:
        pass
    return answer["result"]["items"][0]["insertText"] if answer["result"]["items"] else ""


# %%
import statistics

number, targets = 100, scoreboard.targets()
texts, times = defaultdict(dict), defaultdict(list)
for target in targets:
    for method in (direct, infill, language_server):
        started = time.perf_counter()
        texts[method.__name__][target.cursor] = method(target.cursor)
        times[method.__name__].append((time.perf_counter() - started) * 1000)
taken = {name: statistics.median(each) for name, each in times.items()}
rows = [scoreboard.score(method.__name__, method) for method in (empty, ngram)]
scoreboard.table(rows + [scoreboard.score(name, answered.get) for name, answered in texts.items()])

# %%
for name, ms in taken.items():
    print(f"{name:18} {ms:.1f} ms a request")
print("the same texts:", texts["direct"] == texts["infill"] == texts["language_server"])

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 1.9))
names = ["direct", "infill", "language_server"]
bars = axes.barh([name.replace("_", " ") for name in names], [taken[name] for name in names], color="#4285f4")
axes.bar_label(bars, fmt="%.0f", padding=3)
axes.set(xlabel="milliseconds a request (median), each in another file")
axes.set_xlim(0, 1.2 * max(taken[name] for name in names))
axes.invert_yaxis()
show.figure(figure, "Bars, milliseconds a request at the median: the model called directly, through /infill, and through the language server")

# %%
helper.stdin.write(message("shutdown", None, 999) + message("exit", None))
helper.stdin.close()
server.terminate()
helper.wait(), server.wait()

# %% [markdown]
# The texts agree to the last letter. The times differ by less than they do from one run to the next, when even their order changes: beside a model even this small,
# JSON, sockets and pipes cost little. (The machine of this page had other work to do, so take no milliseconds from here; those in use are
# [measured](../book/claims.md) apart. The similarity is a little higher than in chapter 5, since 64 tokens are allowed here, and 24 were there.) So choose a protocol by what your editor
# speaks.
#
# ## What goes wrong
#
# - **The editor says that the server crashed at once.** Something printed to standard output, which belongs to the protocol. `python -m copilot_lib lsp` sends all printing
#   to standard error; a `print` in a start-up file of Python can still do it.
# - **Completions come in the wrong column, in some lines.** Emoji or rare letters, and two ideas of a column. Count in the unit that `initialize` agreed on.
# - **`file:///… is not open: send textDocument/didOpen first`.** The client asked about a document that it has not told of, or has closed.
# - **Nothing comes, and no error either.** The editor knows no inline completions: it has to ask for the menu. Look at what it says in `initialize`.
# - **`409` again and again.** Two editors use one name (`X-Editor`), and withdraw each other's questions. Give each its own.
#
# ## Exercises
#
# **1. Half a message** (eight lines). A pipe gives bytes as they come. Given what has come so far, return the contents of all whole messages as a list, read by `json.loads`,
# and the bytes that are left.

# %%
from copilot_lib import checks


def whole_messages(data):
    ...


checks.check_07_whole_messages(whole_messages)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def whole_messages(data):
#     found = []
#     while head := re.match(rb"Content-Length: (\d+)\r\n\r\n", data):
#         end = head.end() + int(head[1])
#         if end > len(data):
#             break
#         found.append(json.loads(data[head.end() : end]))
#         data = data[end:]
#     return found, data
# ```
#
# A header may be cut in the middle too: then nothing matches, and all of it is left for the next time.
# </details>
#
# **2. Back again** (one line). Given a line and a column in characters, return the column in UTF-16 units, without the library's `utf16_length`: Python can
# encode text as UTF-16.

# %%
def utf16_column(line, column):
    ...


checks.check_07_utf16_column(utf16_column)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def utf16_column(line, column):
#     return len(line[:column].encode("utf-16-le")) // 2
# ```
#
# Every unit of UTF-16 is two bytes. A character beyond the first 65,536 takes two units, and its four bytes count as such.
# </details>
#
# **3. Your editor** (open). Set up the editor that you use, by the page above, and type for ten minutes. Start the server with `--record FILE`, and count afterwards:
# `Store(Path(FILE)).events()` of `copilot_lib.feedback` gives what was kept. How many suggestions did you take, and how many characters? A client runs the command of
# a suggestion that was taken, and says nothing of the others. What would you have to add to know which share you took?

# %% [markdown]
# ## Recap
#
# - `/infill` cuts the text in three, OpenAI's completions in two; each is a small function in front of the same `complete`.
# - The Language Server Protocol is JSON with a length in bytes in front; every request is answered, also a withdrawn one.
# - Columns are counted in the client's units.
# - A client waits, withdraws, keeps what agrees, and drops what is late.
#
# What stays: `python -m copilot_lib lsp`, and your own editor with your own model in it. Next: the model sees one file, and your code has many.
# What should it be shown besides?
#
# Further reading
#
# - [The Language Server Protocol](https://microsoft.github.io/language-server-protocol/), version 3.18: inline completion, positions, cancellation.
# - [llama.vim](https://github.com/ggml-org/llama.vim) and [llama.vscode](https://github.com/ggml-org/llama.vscode): two plugins that speak `/infill`.
# - [pygls](https://github.com/openlawlibrary/pygls): the library under our language server, and the client above.
