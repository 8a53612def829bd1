r'''Makes instruction examples of a repository's own functions: what the docstring and the signature say, then the body.

It knows syntax trees and the article's format; it does not know gaps or networks. A signature with the answer under it is a
function again, so an answer can be run:

>>> file = SourceFile("a.py", 'def half(x):\n    """Half of a number."""\n    y = x / 2\n    return y\n')
>>> [pair] = pairs(file)
>>> print(prompt(pair) + pair.response)
### Instruction:
Half of a number.
<BLANKLINE>
def half(x):
<BLANKLINE>
### Response:
    y = x / 2
    return y
<BLANKLINE>
'''

import ast
import inspect
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copilot_lib.codec import Codec
from copilot_lib.repository import SourceFile, is_test
from copilot_lib.targets import parsed
from copilot_lib.tuning.drawing import Example

LEAST_STATEMENTS = 2
TRIVIAL = (ast.Pass, ast.Raise, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Pair:
    """What is asked for, and what the repository has there."""

    file: str
    name: str
    docstring: str
    signature: str
    response: str
    """The body, indented as under the signature, without the docstring."""


def prompt(pair: Pair, paragraphs: int | None = None) -> str:
    """The text that an answer follows, as the article writes it; of the docstring all or so many paragraphs."""
    wanted = "\n\n".join(pair.docstring.split("\n\n")[:paragraphs])
    return f"### Instruction:\n{wanted}\n\n{pair.signature}\n\n### Response:\n"


def pairs(file: SourceFile) -> list[Pair]:
    """One for each function or method of a file that says what it does and does something; none in tests."""
    tree = parsed(file.text)
    if tree is None or is_test(file.path):
        return []
    lines = file.text.split("\n")
    return [made for function in functions(tree) if worth(function) and (made := pair(file.path, lines, function))]


def functions(tree: ast.Module) -> Iterator[Function]:
    """Those of the module and of its classes, and not those inside others."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in waiting.pop(0).body:
            if isinstance(node, ast.ClassDef):
                waiting.append(node)
            elif isinstance(node, Function):
                yield node


def worth(function: Function) -> bool:
    """Whether there is a docstring to ask with and a body to answer with: two statements, or one of more than one line."""
    if ast.get_docstring(function) is None or function.name.startswith("test_"):
        return False
    body = [node for node in function.body[1:] if not isinstance(node, TRIVIAL)]
    return len(body) >= LEAST_STATEMENTS or any(node.end_lineno > node.lineno for node in body)


def pair(path: str, lines: Sequence[str], function: Function) -> Pair | None:
    """The parts of a function, moved to the left margin; None where signature, docstring and body share a line."""
    docstring = function.body[0]
    if not function.lineno < docstring.lineno or docstring.end_lineno == function.body[1].lineno:
        return None
    first = lines[function.lineno - 1]
    margin = first[: len(first) - len(first.lstrip())]
    signature = without_margin(lines[function.lineno - 1 : docstring.lineno - 1], margin)
    says = inspect.cleandoc(ast.get_docstring(function, clean=False))
    response = without_margin(lines[docstring.end_lineno : function.end_lineno], margin).strip("\n")
    return Pair(path, function.name, says, signature, response + "\n")


def without_margin(lines: Sequence[str], margin: str) -> str:
    """Lines as one text without the margin that they have in common; lines of strings may have less of it."""
    return "\n".join(line.removeprefix(margin) for line in lines)


def instruction_examples(
    files: Sequence[SourceFile], codec: Codec, context_tokens: int, seed: int = 0, epoch: int = 0
) -> Iterator[Example]:
    """An example of every pair, in an order of chance; only the response and the end token are the answer.

    Where the whole docstring has no room its first paragraph asks; what has none even so is left out, and nothing is cut.
    """
    found = [pair for file in sorted(files, key=lambda file: file.path) for pair in pairs(file)]
    random.Random(f"{seed}/{epoch}").shuffle(found)
    for one in found:
        answer = (*codec.encode(one.response), codec.end_id)
        asked = (codec.plain(prompt(one, paragraphs)).ids for paragraphs in (None, 1))
        if fitting := next((ids for ids in asked if len(ids) + len(answer) <= context_tokens), None):
            yield Example((*fitting, *answer), len(answer), "instruction")
