"""Asks a model at twenty fixed cursors, so that a new version can be compared with the old one at a glance.

It knows cursors and what a person wrote there; it does not judge an answer: that is the scoreboard's work.
"""

from dataclasses import dataclass

from copilot_lib.cursor import Cursor
from copilot_lib.samples import EXAMPLES

MARK = "‸"
"""In the texts below the gap stands between two marks; between them is what a person wrote."""

WRITTEN = {
    "fibonacci": "fibonacci(n - 1) + fibonacci(n - 2)",
    "binary_search": "if arr[mid] == target:\n            return mid",
    "parse_config": "with open(filepath) as file:\n        return json.load(file)",
    "Calculator": 'result = a - b\n        self.history.append(("subtract", a, b, result))\n        return result',
}
"""What a person writes at the book's four examples, whose texts are in `samples`."""

TEXTS = {
    "after return": '''\
def area(width, height):
    """The area of a rectangle."""
    return ‸width * height‸
''',
    "inside a call's brackets": """\
def copy(source, target):
    with open(source) as file:
        text = file.read()
    with open(target, "w") as file:
        file.write(‸text‸)
""",
    "after a dot": """\
class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.‸items.append(item)‸

    def pop(self):
        return self.items.pop()
""",
    "a blank line in a body": """\
def mean(values):
    total = 0
    for value in values:
        total += value
    ‸return total / len(values)‸


print(mean([1, 2, 3]))
""",
    "an import line": """\
import ‸json‸
import sys


def load(path):
    with open(path) as file:
        return json.load(file)


print(load(sys.argv[1]))
""",
    "in the middle of a word": """\
def count_words(text):
    words = text.split()
    return len(wor‸ds‸)
""",
    "before a closing bracket": """\
names = ["ada", "grace", "alan"]
for index, name in enumerate(‸names‸):
    print(index, name)
""",
    "nothing is missing": """\
def double(x):
    return x * 2‸‸


print(double(21))
""",
    "a docstring": '''\
def is_even(number):
    """‸Return True if the number is even.‸"""
    return number % 2 == 0
''',
    "a method like its siblings": """\
class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def add(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def subtract(self, other):
        ‸return Point(self.x - other.x, self.y - other.y)‸

    def scale(self, factor):
        return Point(self.x * factor, self.y * factor)
""",
    "a loop": """\
def largest(values):
    best = values[0]
    for value in ‸values‸:
        if value > best:
            best = value
    return best
""",
    "a gap before elif": """\
def sign(number):
    ‸if number > 0:
        return 1‸
    elif number < 0:
        return -1
    else:
        return 0
""",
    "a dictionary": """\
WEEKDAYS = {
    "monday": 0,
    "tuesday": 1,
    ‸"wednesday": 2,‸
    "thursday": 3,
    "friday": 4,
}
""",
    "an f-string": """\
def greet(name, age):
    return f"{name} is {‸age‸} years old"
""",
    "a test": """\
def add(a, b):
    return a + b


def test_add():
    assert add(1, 2) == 3
    assert add(0, 0) == ‸0‸
""",
    "a keyword argument": """\
def connect(host, port=80, timeout=10):
    return (host, port, timeout)


connect("localhost", port=8080, timeout=‸30‸)
""",
}


@dataclass(frozen=True)
class Place:
    """A cursor with a name, and what a person wrote there."""

    name: str
    cursor: Cursor
    written: str


def place(name: str, marked: str) -> Place:
    """The place that a text with two marks describes.

    >>> place("call", "f(‸x‸)").cursor, place("call", "f(‸x‸)").written
    (Cursor(text='f()', offset=2), 'x')
    """
    before, written, after = marked.split(MARK)
    return Place(name, Cursor(before + after, len(before)), written)


def places() -> list[Place]:
    """The four examples of the book and sixteen more."""
    known = [Place(name, cursor, WRITTEN[name]) for name, cursor in EXAMPLES.items()]
    return known + [place(name, marked) for name, marked in TEXTS.items()]


def run(completer) -> list[dict]:
    """The completer's greedy answer at every place, as an editor would show it: one row a place, ready for JSON."""
    return [answer(place, completer.complete(place.cursor)) for place in places()]


def answer(place: Place, completion) -> dict:
    """A completion beside its line and what a person wrote; `same` compares these two as they are, to the last blank."""
    return {
        "name": place.name,
        "line": (place.cursor.line_prefix + MARK + place.cursor.line_suffix).strip(),
        "written": place.written,
        "completion": completion.text,
        "same": completion.text == place.written,
        "mode": completion.mode,
        "stopped": completion.stopped,
    }
