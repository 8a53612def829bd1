"""Instruction examples: functions that say what they do, taken apart so that they can be put together again."""

import ast
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import bpe
from copilot_lib.codec import Codec
from copilot_lib.repository import SourceFile
from copilot_lib.tuning.instructions import instruction_examples, pairs, prompt

CODE = '''import math


def area(radius):
    """The area of a circle.

    The radius is in metres.
    """
    # Nobody has a negative radius.
    if radius < 0:
        raise ValueError(radius)
    return math.pi * radius**2


class Shelf:
    """Keeps things."""

    def __init__(self, things):
        """Begins with some things."""
        self.things = list(things)
        self.text = """
left as it is
"""

    @property
    def first(
        self,
        default=None,
    ):
        """The first thing,
        or another."""
        for thing in self.things:
            return thing
        return default


async def fetch(door):
    "What comes through a door."
    data = await door.read()
    return data
'''
SKIPPED = {
    "no docstring": "def f(x):\n    y = x + 1\n    return y\n",
    "one line": 'def f(x):\n    """One more."""\n    return x + 1\n',
    "nothing but a docstring": 'def f(x):\n    """One more."""\n',
    "not written yet": 'def f(x):\n    """One more."""\n    raise NotImplementedError\n',
    "only imports": 'def f(x):\n    """One more."""\n    import os\n    import re\n    pass\n',
    "all in one line": 'def f(x): "One more."; y = x; return y\n',
    "the docstring shares its line": 'def f(x):\n    "One more."; y = x\n    return y\n',
    "a test": 'def test_f(x):\n    """One more."""\n    y = x\n    return y\n',
    "inside another": 'def f(x):\n    def g(y):\n        """One."""\n        z = y\n        return z\n    return g(x)\n',
    "does not parse": 'def f(x:\n    """One more."""\n    y = x\n    return y\n',
}


@cache
def codec():
    return Codec(bpe.train([CODE] * 3, 400))


def test_each_function_that_says_what_it_does_is_one_pair():
    assert [pair.name for pair in pairs(SourceFile("a.py", CODE))] == ["area", "fetch", "__init__", "first"]


def test_the_prompt_is_the_article_s_and_may_be_shortened_to_the_first_paragraph():
    area = pairs(SourceFile("a.py", CODE))[0]
    head = "### Instruction:\nThe area of a circle."
    tail = "\n\ndef area(radius):\n\n### Response:\n"
    assert prompt(area) == head + "\n\nThe radius is in metres." + tail
    assert prompt(area, 1) == head + tail
    assert area.response.startswith("    # Nobody has a negative radius.\n    if radius < 0:")


def test_signature_and_response_are_the_function_again():
    tree = ast.parse(CODE)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for pair in pairs(SourceFile("a.py", CODE)):
        [again] = ast.parse(f"{pair.signature}\n{pair.response}").body
        before = functions[pair.name]
        assert [ast.dump(node) for node in again.body] == [ast.dump(node) for node in before.body[1:]]
        assert ast.dump(again.args) == ast.dump(before.args)


@pytest.mark.parametrize("why", SKIPPED)
def test_what_would_teach_nothing_is_skipped(why):
    assert pairs(SourceFile("a.py", SKIPPED[why])) == []


def test_files_of_tests_are_skipped():
    assert pairs(SourceFile("tests/a.py", CODE)) == []


@given(st.integers(20, 400), st.integers(0, 99), st.integers(0, 99))
def test_only_the_response_and_the_end_token_are_learnt_and_nothing_is_cut(context_tokens, seed, epoch):
    coder = codec()
    responses = {pair.response for pair in pairs(SourceFile("a.py", CODE))}
    for example in instruction_examples([SourceFile("a.py", CODE)], coder, context_tokens, seed, epoch):
        assert len(example.ids) <= context_tokens
        assert example.ids[-1] == coder.end_id
        assert coder.decode(example.ids[-example.answer_count : -1]) in responses
        asked = coder.decode(example.ids[: -example.answer_count])
        assert asked.startswith("### Instruction:\n") and asked.endswith(":\n\n### Response:\n")


def test_a_docstring_without_room_asks_with_its_first_paragraph():
    def asked(tokens):
        made = instruction_examples([SourceFile("a.py", CODE)], codec(), tokens)
        return "".join(codec().decode(example.ids) for example in made)

    assert "in metres" in asked(400)
    tight = next(tokens for tokens in range(400, 20, -1) if "in metres" not in asked(tokens))
    assert "area of a circle" in asked(tight)


def test_the_order_is_another_every_epoch():
    orders = {tuple(e.ids for e in instruction_examples([SourceFile("a.py", CODE)], codec(), 400, epoch=n)) for n in range(9)}
    assert len(orders) > 1
    assert len({frozenset(order) for order in orders}) == 1
