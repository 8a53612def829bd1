# ---
# jupyter:
#   copilot_lib:
#     teaches: [settled.settled, settled.may_circle, server.guard.name_of]
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
# # 6. The server
#
# At the end of this chapter a process of its own holds the model and answers any program on your machine: quickly, the newest question
# first, and nobody who has no business there. In chapter 5 model and editor were one process, and only a notebook could ask.
#
# ```text
# keys      r e t u r n ␣ l          e f
# request   └─✗ └─✗ └──────── "left + right"
# typed       overtaken        └──── "eft + right", from memory
# ```
#
# | time | hardware | chapters it needs | new words |
# |---|---|---|---|
# | 60 minutes | any; no GPU | [3](03_fill_in_the_middle.ipynb), [5](05_model_to_editor.ipynb) | [endpoint](../book/glossary.md#endpoint), [origin](../book/glossary.md#origin), [streaming](../book/glossary.md#streaming), [latency](../book/glossary.md#latency) |
#
# You will
#
# - write a completion server with Python's own library, and break it in three ways;
# - see what the package's server does about each;
# - stream an answer without ever taking back a letter;
# - climb from "compute everything at every key" to what this book runs, and count what each step saves.

# %%
import sys
if "google.colab" in sys.modules:  # install the package there, leave its torch alone
    get_ipython().system("pip install -q git+https://github.com/build-your-own-copilot/build-your-own-copilot")
from copilot_lib.chapter import start
start()

# %% [markdown]
# ## The problem, seen
#
# Your editor is another program. The simplest way for it to get a completion is the command line. One completion, from a new process:

# %%
import subprocess
import time

source = b"def add(a, b):\n    return "
command = [sys.executable, "-m", "copilot_lib", "complete", "-:2:12"]


def timed(call):
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


# %%
f"{timed(lambda: subprocess.run(command, input=source, capture_output=True)):.0f} ms"

# %% [markdown]
# Now the same from a completer that is loaded already, for the second time:

# %%
from copilot_lib.completer import Completer
from copilot_lib.cursor import Cursor
from copilot_lib.samples import EXAMPLES, gap

completer = Completer.load()
place = gap("def add(a, b):\n    return ")
completer.complete(place)
f"{timed(lambda: completer.complete(place)):.0f} ms"

# %% [markdown]
# The difference is Python starting, libraries loading, weights being read: everything but the question. So one process has to stay, and
# others have to reach it.
#
# ## By hand
#
# **Claim: thirty lines of the standard library make a completion server that works, for one polite client.** A request is a document and a place
# in it, as JSON. It is the shape that the article has, and the package speaks it too.

# %%
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        cursor = Cursor.at(asked["document"], asked["line"], asked["col"])
        body = json.dumps({"completion": self.server.complete(cursor).text}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Says nothing about requests."""


# %%
class Simple(HTTPServer):
    """A server in a thread of its own, which keeps its errors for us to read."""

    def __init__(self, complete):
        super().__init__(("127.0.0.1", 0), Handler)
        self.complete, self.errors = complete, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        self.errors.append(repr(sys.exception()) if hasattr(sys, "exception") else repr(sys.exc_info()[1]))


simple = Simple(completer.complete)

# %%
import http.client


def post(port, body, path="/", **headers):
    """Status and text of one answer; header names are written with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request("POST", path, body, headers, encode_chunked="Transfer-Encoding" in headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return "no answer", ""
    finally:
        connection.close()


# %%
question = json.dumps({"document": place.text, "line": 1, "col": 11})
post(simple.server_port, question)

# %% [markdown]
# It works. Any editor that can send a request has a copilot now. The answer is wrong, `a + b` was wanted; this chapter is about how an answer arrives.
#
# ## What breaks
#
# > **Predict.** Three things happen on a real machine: a client that sends no `Content-Length`, a typist whose keys come faster than answers, and a
# > browser tab with somebody else's page in it. What does our server do in each case?
#
# **A client without a length.** HTTP allows to send a body in pieces, and then no header says how long it is:

# %%
in_pieces = post(simple.server_port, iter([question.encode()]), Transfer_Encoding="chunked")
in_pieces, simple.errors

# %% [markdown]
# The client hears nothing at all, and the reason stays on the server. Every fault in a body ends so: no JSON, a missing field, a column past the end of its line.
#
# **A quick typist.** Four keys, and the editor asks at each, without waiting. Only the last answer will be looked at. We count how many tokens the model writes:

# %%
written = []


def counting(cursor):
    completion = completer.complete(cursor)
    written.append(len(completion.tokens))
    return completion


def type_quickly(port):
    texts = ["def double(x):\n    r", "def double(x):\n    re", "def double(x):\n    ret", "def double(x):\n    retu"]
    bodies = [json.dumps({"document": text, "line": 1, "col": len(text) - 15}) for text in texts]
    askers = [threading.Thread(target=post, args=(port, body)) for body in bodies]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()


# %%
quick = Simple(counting)
type_quickly(quick.server_port)
len(written), sum(written) > max(written)

# %% [markdown]
# Four answers were written, and three were for nobody. What is worse, they were written one after the other, and which of them came last was left to chance.
# The person at the keyboard waits for all of them.
#
# **A web page.** A page of any site may let your browser send a request to `localhost`. It says where it comes from in the header `Origin`, and
# avoids the browser's questions by calling its JSON `text/plain`. If the site lets its own name point at your machine (*DNS rebinding*), it can read the
# answers too. Then the header `Host` has its name:

# %%
post(simple.server_port, question, Content_Type="text/plain", Origin="https://evil.example", Host="evil.example")

# %% [markdown]
# *Broken on purpose, and quietly so*: it was answered like a friend. A completion shows what is in your files. Ollama had this very fault in 2024
# (CVE-2024-28224), and other local servers since.
#
# ## The real one
#
# `python -m copilot_lib serve` is the package's server. It says where it listens; here it takes any free port.

# %%
import os
import re

simple.shutdown()
quick.shutdown()
server = subprocess.Popen(
    [sys.executable, "-m", "copilot_lib", "serve", "--port", "0"],
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
)
port = int(re.search(r":(\d+)", server.stdout.readline())[1])
post(port, question)

# %% [markdown]
# The same question and the same answer. Now the first and the third fault, and a few of their relatives:

# %%
bad = {
    "in pieces": (iter([question.encode()]), {"Transfer_Encoding": "chunked"}),
    "no JSON": ("{", {}),
    "no place": (json.dumps({"document": "x", "line": 7, "col": 0}), {}),
    "web page": (question, {"Origin": "https://evil.example"}),
    "rebound": (question, {"Host": "evil.example"}),
    "text/plain": (question, {"Content_Type": "text/plain"}),
}
for name, (body, headers) in bad.items():
    status, text = post(port, body, **headers)
    print(f"{name:11}{status}", json.loads(text).get("error", {}).get("message", "answered")[:86])


# %% [markdown]
# What is well formed is answered, also in pieces. Everything else gets a status and a sentence that says what to do, all in one shape. The guard is a chain of small
# classes in [`copilot_lib/server/guard.py`](../copilot_lib/server/guard.py), each with one reason to refuse. This is how it reads a name:

# %%
HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::\d*)?")


def name_of(host):
    found = HOST.fullmatch(host)
    return found[1].lower() if found else ""


[name_of(host) for host in ("localhost:8765", "[::1]:8765", ":8765", "127.0.0.1.evil.example", "a:b:c")]

# %% [markdown]
# An empty name is not on the list of allowed ones either. One well-known server let it pass.
#
# ## The latest wins
#
# **Claim: who asks again does not want the old answer.** So a new request of the same editor withdraws the one before. The model belongs to one thread, and
# a switch goes with each request; chapter 5 threw it by hand. Twelve lines show the idea:

# %%
from concurrent.futures import ThreadPoolExecutor

from copilot_lib.engine import Cancel


class LatestWins:
    def __init__(self, complete):
        self.complete, self.thread, self.cancel = complete, ThreadPoolExecutor(max_workers=1), Cancel()

    def ask(self, cursor):
        self.cancel.cancel()
        self.cancel = Cancel()
        return self.thread.submit(self.complete, cursor, cancel=self.cancel)


# %%
one = LatestWins(completer.complete)
asked = [one.ask(gap("def double(x):\n    return x"[:length])) for length in (19, 21, 23, 25)]
[answer.result().stopped == "cancelled" for answer in asked]

# %% [markdown]
# Three stopped between two tokens or before the first, and the thread was free for the fourth. The package's
# [`Service`](../copilot_lib/server/service.py) does this for each editor, and no editor can withdraw what another one asked. It also notices when a
# client hangs up, lets equal questions share one run, and answers `429` when too many wait.
#
# ## Text while it is written
#
# **Claim: a stream may show only what no rule will take back.** Chapter 5's rules cut text that is there already: a line that turns out to be the one
# below, a circle. A person who saw it appear would see it vanish. So text is shown by whole lines, and lines that may be the beginning of a circle wait:

# %%
from itertools import pairwise

from copilot_lib import postprocess
from copilot_lib.cursor import line_spans


def may_circle(lines):
    repeated = (
        len(lines) - start
        for start in range(len(lines))
        for length in range(len(lines) - start, start + 1)
        if lines[start:] == lines[start - length : len(lines) - length]
    )
    return max(repeated, default=0)


may_circle(["a = 1", "b = 2"]), may_circle(["a = 1", "b = 2", "a = 1"])


# %%
def settled(text, cursor):
    typed = len(cursor.line_prefix)
    whole = cursor.line_prefix + text
    spans = [(start, end) for start, end in line_spans(whole)[:-1] if whole[start:end].strip()]
    safe = len(spans) - may_circle([whole[start:end].rstrip() for start, end in spans])
    return postprocess.clean(text[: max(0, spans[safe - 1][1] - typed)], cursor) if safe else ""


# %% [markdown]
# > **Predict.** The text below grows letter by letter, and a closing `return` stands under the cursor already. How many different states does a reader see, and
# > does any of them disagree with the one after it?

# %%
inside = gap("def positive(numbers):\n    found = []\n    ", "\n    return found\n")
text = "for number in numbers:\n        if number > 0:\n            found.append(number)\n    return found\n"
# %%
states = [settled(text[:n], inside) for n in range(len(text) + 1)]
distinct = [state for n, state in enumerate(states) if n == 0 or state != states[n - 1]]
[state.count("\n") + bool(state) for state in distinct], all(b.startswith(a) for a, b in pairwise(distinct))

# %% [markdown]
# Lines come whole, and each state begins with the one before. The last line of the text repeats what stands below. Has it been shown? It has, in the list's last
# entry: `settled` looks at circles, and the completer stops at `repeats_suffix` before it asks what is settled. Over HTTP a stream is lines that begin with
# `data:` (*server-sent events*). This is what OpenAI's clients read:

# %%
search = EXAMPLES["parse_config"]
wanted = {"prompt": search.prefix, "max_tokens": 40, "stream": True}
status, events = post(port, json.dumps(wanted), "/v1/completions")
for line in filter(None, events.split("\n")):
    data = line.removeprefix("data: ")
    print(repr(json.loads(data)["choices"][0]["text"]) if data != "[DONE]" else data)


# %% [markdown]
# The third line repeats the first. It had no newline yet, and could begin a circle, so it was kept back until the forty tokens were over and nothing
# more could come.
#
# ## What was computed once
#
# Most keystrokes follow a suggestion that is on the screen. If the typist goes on as suggested, the answer is known: the same text, one letter shorter. A
# memory in front of the model, keyed by everything that a question has, finds it:

# %%
from copilot_lib.memory import Memory

memory = Memory()
suggestion = completer.complete(place)
memory.keep(place, {}, suggestion)
typed = suggestion.text[:3]
further = gap(place.text + typed)
memory.find(further, {}).text == suggestion.text[3:], memory.find(gap(place.text + "zzz"), {})

# %% [markdown]
# The server has it too, and counts. We ask, and then type all letters of the answer, one question each:

# %%
import urllib.request


def counted(name):
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    return float(re.search(rf"^{name}\S* ([\d.]+)$", page, re.MULTILINE)[1])


before = counted("copilot_remembered")
answer = json.loads(post(port, question)[1])["completion"]
for n in range(1, len(answer)):
    document = place.text + answer[:n]
    assert json.loads(post(port, json.dumps({"document": document, "line": 1, "col": 11 + n}))[1])["completion"] == answer[n:]
counted("copilot_remembered") - before == len(answer)

# %% [markdown]
# Every one of them came from memory, the first included: it had been asked above.
#
# ## The ladder
#
# **Claim: most of a keystroke's time is work that was done before.** We type a statement into a file of networkx and ask at each key, first in the dumbest way. A
# runner that counts shows what goes through the network: how often it runs (*passes*), and over how many tokens in all.

# %%
from copilot_lib.engine import Engine
from copilot_lib.targets import held_out_files

file = dict(held_out_files("networkx"))["networkx/algorithms/clique.py"]
lines = file.splitlines(keepends=True)
at = next(n for n, line in enumerate(lines) if n > 60 and line.startswith("    ") and "=" in line and len(line) > 30)
above, statement, below = "".join(lines[:at]), lines[at].rstrip("\n"), "\n" + "".join(lines[at + 1 :])
keys = [gap(above + statement[:n], below) for n in range(len(statement) - 16, len(statement))]
statement, len(keys)


# %%
class Counting:
    """A runner that counts what another one is fed."""

    def __init__(self, runner):
        self.runner, self.passes, self.tokens = runner, 0, 0

    def __getattr__(self, name):
        return getattr(self.runner, name)

    def advance(self, ids, scores=1):
        self.passes, self.tokens = self.passes + 1, self.tokens + len(ids)
        return self.runner.advance(ids, scores)


runner = Counting(completer.model.runner())
completer.engine = Engine(runner)
codec = completer.model.codec


# %% [markdown]
# The rungs, from the bottom. Each answers one keystroke with at most sixteen tokens:

# %%
LIMITS = {"stop_ids": codec.stop_ids, "max_new_tokens": 16}


def recompute_everything(cursor):
    ids = list(completer.prompt(cursor, 16, "PSM").ids)
    for _ in range(16):
        runner.cut(0)
        token = int(runner.advance(ids)[0].argmax())
        if token in codec.stop_ids:
            return
        ids.append(token)


# %%
def keep_within_a_request(cursor):
    completer.engine.forget()
    list(completer.engine.generate(completer.prompt(cursor, 16, "PSM").ids, **LIMITS))


# %%
def keep_between_requests(cursor):
    list(completer.engine.generate(completer.prompt(cursor, 16, "PSM").ids, **LIMITS))


def suffix_first(cursor):
    list(completer.engine.generate(completer.prompt(cursor, 16, "SPM").ids, **LIMITS))


def stop_by_rules(cursor):
    return completer.complete(cursor, max_new_tokens=16)


def remember(cursor):
    if not recent.find(cursor, {}):
        recent.keep(cursor, {}, stop_by_rules(cursor))


# %% [markdown]
# > **Predict.** By what factor does the number of tokens fall from the first rung to the last? Which single step is the largest?

# %%
LADDER = (recompute_everything, keep_within_a_request, keep_between_requests, suffix_first, stop_by_rules, remember)
climbed = {}
for rung in LADDER:
    recent, runner.passes, runner.tokens = Memory(), 0, 0
    completer.engine.forget()
    rung(keys[0])  # the first key pays for the file; what counts is each one after it
    runner.passes = runner.tokens = 0
    times = sorted(timed(lambda key=key, rung=rung: rung(key)) for key in keys[1:])
    climbed[rung.__name__] = runner.passes / len(times), runner.tokens / len(times), times[len(times) // 2]
    passes, tokens, ms = climbed[rung.__name__]
    print(f"{rung.__name__:24}{passes:6.1f} passes {tokens:8.1f} tokens a key")

# %%
for name, (_, _, ms) in climbed.items():
    print(f"{name:24} {ms:.1f} ms")

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

from copilot_lib import show

figure, axes = plt.subplots(figsize=(6.5, 2.6))
names = [name.replace("_", " ") for name in climbed]
bars = axes.barh(names, [tokens for _, tokens, _ in climbed.values()], color="#4285f4")
axes.bar_label(bars, [f"{tokens:.0f} tokens, {passes:.0f} passes" for passes, tokens, _ in climbed.values()], padding=3)
axes.set(xscale="log", xlabel="tokens through the network at a key (logarithmic)")
axes.set_xlim(1, 60 * max(tokens for _, tokens, _ in climbed.values()))
axes.invert_yaxis()
described = ", ".join(f"{name} {tokens:.0f}" for name, (_, tokens, _) in climbed.items())
show.figure(figure, f"Bars, tokens through the network at a key: {described}")

# %% [markdown]
# From the first rung to the last the tokens fall more than a thousandfold. The step to the second rung is the one that chapter 2 took. The step to the fourth is
# chapter 3's, and the largest: with the suffix first, only what is typed is new. In memory the typist's own letters find what was suggested for them.
# And the rules? What ended the sixteen answers of the fifth rung:

# %%
{stop_by_rules(key).stopped for key in keys}

# %% [markdown]
# The end token, at every key. So no rule had anything to save here, as it has at the end of a file; what differs from the rung before is how
# `complete` asks, from the beginning of a word (chapter 3's token healing).
#
# Passes are fewer than tokens, because guesses are checked together. Code repeats itself, so what followed the last two tokens when they last stood side by
# side is a good guess for what follows now, and one pass tells how much of it is right. What is not right is not taken, so the text is the same:

# %%
from copilot_lib import scoreboard

tokens = passes = 0
for target in scoreboard.targets()[:20]:
    prompt = completer.prompt(target.cursor, 32, "SPM")
    run = completer.engine.generate(prompt.ids, stop_ids=codec.stop_ids, max_new_tokens=32)
    tokens, passes = tokens + len(list(run)) + 1, passes + run.passes + 1
f"{tokens} tokens, ends included, in {passes} passes"

# %% [markdown]
# Two more rungs don't show in tokens. Reading text is work too: the ids of lines are remembered, so that a keystroke reads one line and not the file. And the weights
# that ship can be used in 8 bits (chapters use 32, so that every processor gives the same letters):

# %%
from copilot_lib import models

in_8_bits = Completer(models.load("pocket", precision="int8"))


def middle_ms(call, cursors):
    return sorted(timed(lambda cursor=cursor: call(cursor)) for cursor in cursors)[len(cursors) // 2]


# %%
for name, one in {"32 bits": completer, "8 bits": in_8_bits}.items():
    one.complete(keys[0])
    print(f"a key, {name:22} {middle_ms(lambda cursor, one=one: one.complete(cursor, max_new_tokens=16), keys):.1f} ms")
for name, read in {"the file read anew": lambda c: codec.tokenizer.encode(c.text), "one line": lambda c: codec.encode(c.text)}.items():
    print(f"ids at a key, {name:19} {middle_ms(read, keys):.2f} ms")

# %% [markdown]
# What does all of this look like to the typist? Let the keys come so fast that a file which was not read before takes two of them to be read. `LatestWins` asks at each. We
# note when each request was asked, when it ended, and whether it was withdrawn:

# %%
def timeline(keys, apart_ms):
    completer.engine.forget()
    one, noted, begun = LatestWins(completer.complete), [], time.perf_counter()
    for cursor in keys:
        asked = time.perf_counter() - begun
        request = one.ask(cursor)
        request.add_done_callback(lambda r, asked=asked: noted.append((asked, time.perf_counter() - begun, r.result().stopped)))
        time.sleep(apart_ms / 1000)
    one.thread.shutdown()
    return sorted(noted)


completer.engine.forget()
requests = timeline(keys[:10], timed(lambda: suffix_first(keys[0])) / 2)
requests[0][2], requests[-1][2] == "cancelled"

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.5, 2.6))
for row, (asked, ended, stopped) in enumerate(requests):
    colour = "#d9480f" if stopped == "cancelled" else "#34a853"
    axes.barh(row, 1000 * (ended - asked), left=1000 * asked, height=0.7, color=colour)
    axes.plot(1000 * asked, row, "|", color="#888888", ms=12)
typed = [repr(key.line_prefix[-1]) for key in keys[:10]]
axes.set(yticks=range(10), yticklabels=typed, xlabel="milliseconds from the first key", ylabel="key")
axes.invert_yaxis()
show.figure(figure, "Bars, the life of each of ten requests from its key on: withdrawn ones in orange, answered ones in green")

# %% [markdown]
# Orange requests were withdrawn, green ones answered. The first is withdrawn by the second key and ends with the chunk of the prompt that it is at. What it has read by then is
# not read again, so one of the next ends before its successor comes. From there on, a key costs what it adds.
#
# ## Measure
#
# The article has a table of where the time of a completion goes. Here is ours, the middle one of the fifteen keys, each stage by its own clock:

# %%
fresh = Completer.load()
asked = [fresh.complete(key, max_new_tokens=16) for key in keys]
middle = {stage: sorted(c.times_ms[stage] for c in asked[1:])[7] for stage in ("prompt", "prefill", "decode", "postprocess")}
article = {"prompt": "5–10", "prefill": "100–500 with decode", "decode": "in the above", "postprocess": "1–5"}
for stage, ms in middle.items():
    print(f"{stage:12} {ms:.1f} ms, and in the article: {article[stage]}")

# %% [markdown]
# A model thirty times smaller explains part of it. The rest is not the model: the article's editor waits 200 to 500 milliseconds *before* it asks, so that its server is not asked
# too often. A server that reuses, remembers and stops in time can be asked much sooner, and `Debounce` makes use of that.
#
# A last measurement: eight editors, each in a file of its own, all typing at once. Is everybody served, and in turn?

# %%
def editor(number, answered):
    for length in range(4):
        text = f"def scale_{number}(values):\n    return [value"[: 30 + length]
        asked = {"input_prefix": text, "input_suffix": "\n", "n_predict": 8}
        answered.append((number, post(port, json.dumps(asked), "/infill", X_Editor=str(number))[0]))


# %%
answered = []
editors = [threading.Thread(target=editor, args=(number, answered)) for number in range(8)]
started = time.perf_counter()
for thread in editors:
    thread.start()
for thread in editors:
    thread.join()
print(len(answered), {status for _, status in answered}, f"{(time.perf_counter() - started) * 1000 / 32:.0f} ms a request")

# %%
server.terminate()
server.wait()

# %% [markdown]
# It ended with status 0: what was running was finished first.
#
# ## What goes wrong
#
# - **`127.0.0.1:8765 cannot be used (address already in use)`**: a server runs already. Use it, or choose another `--port`.
# - **`403 this server does not go by that name`**: it was called by a name that is not on its list, for instance from a container. Start it with
#   `--allow-host NAME`.
# - **`415 the content type is …`**: send `Content-Type: application/json`. `curl -d` alone sends another one.
# - **`409 a newer request of the same editor has come`**: no fault; drop it. If two windows send it to each other, they call themselves the same editor.
# - **Every answer takes as long as the first**: something changes the beginning of the prompt at every key, for instance a clock in a header comment. Then nothing can be reused.
#
# ## Exercises
#
# **1. Who may ask?** (three lines). `origins` is the list of `Origin` headers of a request (editors send none, a browser one). Return whether a server
# that allows the origins in `allowed` should answer. `null` is what a sandboxed frame sends.

# %%
from copilot_lib import checks


def may_ask(origins, allowed):
    ...


checks.check_06_may_ask(may_ask)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def may_ask(origins, allowed):
#     return all(origin in allowed for origin in origins)
# ```
#
# No header, no objection; any that is not on the list, and nobody is let in. `null` needs no rule of its own: nobody should put it on a list.
# </details>
#
# **2. Read a stream** (five lines). Given the lines of a stream of server-sent events, return the text of all its pieces, joined. Lines that do not begin with
# `data:` mean nothing, and `[DONE]` ends it.

# %%
def joined(lines):
    ...


checks.check_06_joined(joined)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def joined(lines):
#     text = ""
#     for line in lines:
#         if line == "data: [DONE]":
#             break
#         if line.startswith("data:"):
#             text += json.loads(line.removeprefix("data:"))["choices"][0]["text"]
#     return text
# ```
#
# Empty lines separate events, and a line that begins with a colon is a sign of life: neither is text.
# </details>
#
# **3. The slowest key** (open). The ladder shows the middle key. Find one that still costs hundreds of tokens: jump to another function, or type where the file is longer than
# the model's context. What has to be computed, and how could it be done before the key comes?

# %%
far = gap("".join(lines[:30]), "".join(lines[30:]))
runner.tokens = 0
stop_by_rules(far)
runner.tokens

# %% [markdown]
# ## Recap
#
# - A handler of a dozen lines answers a polite client; lengths, quick typists and web pages need more.
# - One thread owns the model, the newest question of an editor wins, and a guard of small classes refuses with a sentence.
# - A stream shows what no rule takes back; a memory answers who types what was suggested.
# - Suffix first, reuse, rules and memory leave a few tokens of work at a key.
#
# What stays: `python -m copilot_lib serve`. Next: it speaks several languages already. What do the editors that people use say to it, and what do they want to hear?
#
# Further reading
#
# - [llama.cpp's server](https://github.com/ggml-org/llama.cpp/tree/master/tools/server): the server that the plugins of several editors were written for.
# - [CVE-2024-28224](https://nvd.nist.gov/vuln/detail/CVE-2024-28224): a web page that talks to a model server on localhost.
# - A. Saxena, [Prompt Lookup Decoding](https://github.com/apoorvumang/prompt-lookup-decoding), 2023: guesses from the text itself.
