"""Checks a reader's answer to an exercise by what it does, and says at once what is still missing.

It knows the properties that an answer must have; it does not know the solution's text. Each function is named
`check_NN_exercise`, takes the reader's answer, and prints one line: `not yet: …` or `right: …`.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy

from copilot_lib.cursor import Cursor


class NotYet(Exception):
    """The answer lacks a property; the message says which."""


def expect(condition: bool, otherwise: str) -> None:
    """Ends a check with the message if the condition does not hold."""
    if not condition:
        raise NotYet(otherwise)


def expect_type(value: Any, wanted: type, call: str) -> None:
    """Ends a check unless a call gave a value of the wanted type; an unsolved stub gives None."""
    expect(
        isinstance(value, wanted),
        f"{call} gave {value!r}; expected {'an' if wanted.__name__[0] in 'aeiou' else 'a'} {wanted.__name__}",
    )


def check(function: Callable[..., None]) -> Callable[..., None]:
    """Turns a function that raises `NotYet` into one that prints; the first line of its docstring is the praise."""

    @wraps(function)
    def run(*answer: Any) -> None:
        try:
            function(*answer)
        except NotYet as missing:
            print(f"not yet: {missing}")
        else:
            print(f"right: {function.__doc__.strip().splitlines()[0]}")

    return run


@check
def check_00_kept(answer: Callable[[Cursor, str], str]) -> None:
    """the text before and after the caret is kept, and the suggestion stands between."""
    for text, offset, suggestion in (("f()\n", 2, "x, y"), ("a\nb\n", 4, "c"), ("", 0, "pass"), ("x = ", 4, "")):
        call = f"your function, at {text!r} with the caret at {offset} and {suggestion!r} accepted,"
        got = answer(Cursor(text, offset), suggestion)
        expect_type(got, str, call)
        expect(got == text[:offset] + suggestion + text[offset:], f"{call} gave {got!r}")


@check
def check_00_first_word(answer: Callable[[str], str]) -> None:
    """accepted again and again, the parts make the whole suggestion, and each has one word at most."""
    for suggestion in ("return a + b", "    x = f(1)\n", "(a, b)", "", "\n\n"):
        left, parts = suggestion, []
        while left:
            part = answer(left)
            expect_type(part, str, f"your function, given {left!r},")
            expect(part != "" and left.startswith(part), f"given {left!r} it gave {part!r}, which is not how that text begins")
            expect(len(re.findall(r"\w+", part)) <= 1, f"given {left!r} it gave {part!r}, which is more than one word")
            expect(
                bool(re.search(r"\w", part)) or not re.search(r"\w", left), f"given {left!r} it gave {part!r}, without its word"
            )
            parts.append(part)
            left = left[len(part) :]
    expect_type(answer(""), str, "your function, given '',")


@check
def check_01_trimmed(answer: Callable[[str, str], str]) -> None:
    """what follows the caret is never doubled, and nothing else is taken away."""
    for text, rest, wanted in (
        ("x, y)", ")", "x, y"),
        ("x, y))", "))", "x, y"),
        ("x, y)", "))", "x, y"),
        ("x, y", ")", "x, y"),
        ('name"', '")', "name"),
        ("x", "", "x"),
        ("", ")", ""),
    ):
        got = answer(text, rest)
        expect_type(got, str, f"trimmed({text!r}, {rest!r})")
        expect(got == wanted, f"trimmed({text!r}, {rest!r}) gave {got!r}; expected {wanted!r}")


@check
def check_01_finished_word(answer: Callable[[Cursor], str]) -> None:
    """begun words are finished from the file's own words, above or below, the most frequent first."""
    for before, after, wanted in (
        ("history = []\nhist", "", "ory"),
        ("hist", "\nhistory = []", "ory"),
        ("rest = 1\nresult = 2\nres", "\nresult += 1", "ult"),
        ("value = 1\nvalue", "", ""),
        ("value = 1\n", "", ""),
        ("value = 1\nxy", "", ""),
        ("value = 1\nval", "ue", "ue"),
    ):
        got = answer(Cursor(before + after, len(before)))
        call = f"finished_word, between {before!r} and {after!r},"
        expect_type(got, str, call)
        expect(got == wanted, f"{call} gave {got!r}; expected {wanted!r}")


@check
def check_02_min_p(answer: Callable[[numpy.ndarray, float], numpy.ndarray]) -> None:
    """the likely tokens are kept in their proportions, the others have chance 0, and the sum is 1."""
    for chances, share, kept in (
        ([0.5, 0.3, 0.15, 0.05], 0.5, 2),
        ([0.5, 0.3, 0.15, 0.05], 0.1, 4),
        ([0.2, 0.2, 0.5, 0.1], 0.9, 1),
        ([0.25, 0.25, 0.25, 0.25], 1.0, 4),
    ):
        given = numpy.array(chances)
        got = answer(given, share)
        call = f"min_p(array({chances}), {share})"
        expect(isinstance(got, numpy.ndarray) and got.shape == given.shape, f"{call} gave {got!r}; expected an array of four")
        expect(given.tolist() == chances, f"{call} changed the array that it was given; make a new one")
        expect(numpy.count_nonzero(got) == kept, f"{call} keeps {numpy.count_nonzero(got)} tokens; expected {kept}")
        expect(abs(got.sum() - 1) < 1e-9, f"{call} sums to {got.sum():.3f}; expected 1")
        wanted = numpy.where(got > 0, given, 0)
        expect(numpy.allclose(got * wanted.sum(), wanted), f"{call} gave {got.round(3).tolist()}: not in proportion")
        expect(given[got > 0].min() >= given[got == 0].max(initial=0), f"{call} kept a less likely token than one it cut")


@check
def check_02_circle(answer: Callable[[list[int]], int]) -> None:
    """circles of every length are noticed, and only circles."""
    for ids, wanted in (
        ([5, 1, 2, 1, 2, 1, 2], 2),
        ([7, 7, 7], 1),
        ([1, 2, 3, 4], 0),
        ([1, 2, 1, 2], 0),
        ([], 0),
        ([1, 1, 1, 2], 0),
        ([3, 1, 1, 1, 1, 1, 1], 1),
        ([1, 2, 3] * 3, 3),
        ([1, 1, 2] * 3, 3),
    ):
        got = answer(list(ids))
        expect_type(got, int, f"circle({ids})")
        expect(got == wanted, f"circle({ids}) gave {got}; expected {wanted}")


def pocket_codec():
    """The way between text and ids of the model that ships with the project; its network is not loaded."""
    from tokenizers import Tokenizer

    from copilot_lib.codec import Codec
    from copilot_lib.models import POCKET

    return Codec(Tokenizer.from_file(str(POCKET / "tokenizer.json")))


GAPS_03 = (
    ("total = sum(", "prices", ")\n"),
    ("", "x", ""),
    ("x = 1\n", "", ""),
    ('"<fim_middle>"\n', "<fim_suffix>", "# <fim_prefix><|endoftext|>\n"),
    ("\tif a:\r\n", "🐍 = 'é'", "\r\n"),
)
"""Gaps for the exercises of chapter 3, some of them in texts that mention sentinels."""


@check
def check_03_suffix_first(answer: Callable[[str, str, Any], list[int]]) -> None:
    """every prompt asks suffix first, with each sentinel once, and no text is lost or taken for a sentinel."""
    codec = pocket_codec()
    order = [codec.tokenizer.token_to_id(spelling) for spelling in ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")]
    for prefix, _, suffix in GAPS_03:
        got, call = answer(prefix, suffix, codec), f"suffix_first({prefix!r}, {suffix!r}, codec)"
        expect_type(got, list, call)
        special = [token for token in got if token in codec.stop_ids]
        expect(special == order, f"{call}: its special ids are {special}; expected {order}")
        begin, after, middle = map(got.index, order)
        parts = got[:begin], got[begin + 1 : after], got[after + 1 : middle], got[middle + 1 :]
        said = [codec.decode(part) for part in parts]
        wanted = ["", "", suffix, prefix]
        expect(said == wanted, f"{call}: before, between and after its sentinels stand {said}; expected {wanted}")


@check
def check_03_undo(answer: Callable[[list[int], Any], tuple[str, str]]) -> None:
    """every example gives back its text and its middle, sentinels in the text included."""
    from copilot_lib.fim import transform

    codec = pocket_codec()
    for prefix, middle, suffix in GAPS_03:
        got = answer(transform(prefix, middle, suffix, codec, "PSM"), codec)
        call, wanted = f"undo, given the example of {(prefix, middle, suffix)},", (prefix + middle + suffix, middle)
        expect_type(got, tuple, call)
        expect(got == wanted, f"{call} gave {got!r}; expected {wanted!r}")


@check
def check_04_inside_brackets(answer: Callable[[str, Any], tuple[int, int]]) -> None:
    """every gap lies between a bracket and the first that closes after it, all brackets are tried, and none is no error."""
    import random

    window = "f(a, g(b))\nreturn x\n(c"
    got = {answer(window, random.Random(seed)) for seed in range(60)}
    for gap in got:
        call = f"inside_brackets({window!r}, random)"
        expect(isinstance(gap, tuple) and len(gap) == 2, f"{call} gave {gap!r}; expected a pair (start, end)")
        start, end = gap
        fits = 0 < start <= end and window[start - 1] == "(" and window.find(")", start) == end
        expect(fits, f"{call} gave {gap}, {window[start:end]!r}; expected what stands between ( and the first ) after it")
    expect(len(got) == 2, f"of the two pairs in {window!r} only {len(got)} came in sixty tries; choose at random")
    expect(answer("x = 1\n", random.Random(0)) == (0, 0), "a window without brackets has the gap (0, 0)")


@check
def check_04_share_asked(answer: Callable[[list[int]], float]) -> None:
    """only predictions are counted, and what stands first is predicted by nobody."""
    from copilot_lib.examples import ANSWER, GIVEN, PLAIN

    for kinds, wanted in (
        ([GIVEN, GIVEN, ANSWER, ANSWER, PLAIN], 0.5),
        ([ANSWER, GIVEN, GIVEN], 0.0),
        ([PLAIN, ANSWER], 1.0),
    ):
        got = answer(list(kinds))
        expect(isinstance(got, int | float), f"share_asked({kinds}) gave {got!r}; expected a number")
        expect(abs(got - wanted) < 1e-9, f"share_asked({kinds}) gave {got}; expected {wanted}")


@check
def check_05_own_tabs(answer: Callable[[str, Cursor], str]) -> None:
    """tabs where the file has tabs, nothing elsewhere, and the first line as it was."""
    tabs, spaces = Cursor("def f():\n\treturn 1\n\n\nx = ", 25), Cursor("def f():\n    return 1\n\n\nx = ", 28)
    text = "(    1,\n    2,\n        3,\n)"
    for cursor, wanted in ((spaces, text), (tabs, "(    1,\n\t2,\n\t\t3,\n)")):
        got = answer(text, cursor)
        call = f"own_tabs({text!r}, a cursor in a file of {'tabs' if cursor is tabs else 'spaces'})"
        expect_type(got, str, call)
        expect(got == wanted, f"{call} gave {got!r}; expected {wanted!r}")


@check
def check_05_requests(answer: Callable[[list[float], float], int]) -> None:
    """a key asks unless the next one comes within the wait, and the last key always asks."""
    times = [0.0, 100.0, 180.0, 1000.0, 1090.0]
    for given, wait_ms, wanted in ((times, 50, 5), (times, 95, 3), (times, 150, 2), (times, 5000, 1), ([], 100, 0)):
        got = answer(list(given), wait_ms)
        expect_type(got, int, f"requests({given}, {wait_ms})")
        expect(got == wanted, f"requests({given}, {wait_ms}) gave {got}; expected {wanted}")


@check
def check_06_may_ask(answer: Callable[[list[str], set[str]], bool]) -> None:
    """editors, which send no origin, may ask; of pages only those that are allowed, and every origin counts."""
    page, other = "https://notes.example", "https://evil.example"
    for origins, allowed, wanted in (
        ([], set(), True),
        ([page], set(), False),
        ([page], {page}, True),
        ([page, other], {page}, False),
        (["null"], {page}, False),
        ([""], {page}, False),
    ):
        got = answer(list(origins), set(allowed))
        expect_type(got, bool, f"may_ask({origins}, {allowed or '{}'})")
        expect(got == wanted, f"may_ask({origins}, {allowed or '{}'}) gave {got}; expected {wanted}")


@check
def check_06_joined(answer: Callable[[list[str]], str]) -> None:
    """pieces are joined in order, signs of life are no text, and nothing is read after the end."""
    pieces = ['data: {"choices": [{"text": "x ="}]}', "", ": still here", 'data: {"choices": [{"text": " 1\\n"}]}', ""]
    for lines, wanted in (([], ""), (pieces, "x = 1\n"), ([*pieces, "data: [DONE]", *pieces], "x = 1\n")):
        got = answer(list(lines))
        expect_type(got, str, f"joined({lines})")
        expect(got == wanted, f"joined({lines}) gave {got!r}; expected {wanted!r}")


@check
def check_07_whole_messages(answer: Callable[[bytes], tuple[list, bytes]]) -> None:
    """whole messages come out in order, lengths are bytes, and what is not whole waits."""
    one, two = b'Content-Length: 8\r\n\r\n{"a": 1}', 'Content-Length: 11\r\n\r\n{"b": "é"}'.encode()
    for data, wanted in (
        (b"", ([], b"")),
        (one, ([{"a": 1}], b"")),
        (one + two, ([{"a": 1}, {"b": "é"}], b"")),
        (two + one[:5], ([{"b": "é"}], one[:5])),
        (one[:-1], ([], one[:-1])),
    ):
        got = answer(data)
        expect(got is not None, f"whole_messages({data!r}) gave None; expected a list and bytes")
        expect(tuple(got) == wanted, f"whole_messages({data!r}) gave {got!r}; expected {wanted!r}")


@check
def check_07_utf16_column(answer: Callable[[str, int], int]) -> None:
    """letters count one, what lies beyond the first 65,536 characters two, and only what stands before counts."""
    for line, column, wanted in (("abc", 2, 2), ("é漢x", 3, 3), ("🐍x🐍", 1, 2), ("🐍x🐍", 2, 3), ("🐍x🐍", 3, 5), ("", 0, 0)):
        got = answer(line, column)
        expect_type(got, int, f"utf16_column({line!r}, {column})")
        expect(got == wanted, f"utf16_column({line!r}, {column}) gave {got}; expected {wanted}")


@check
def check_08_imported_from(answer: Callable[[str, str], str | None]) -> None:
    """the last import of a name counts, by the name that it is bound to, also where the file does not parse."""
    text = "import os.path as where\nfrom a.b import f, g as h\nfrom c import f\ndef (:\n"
    for name, wanted in (("f", "c"), ("h", "a.b"), ("g", None), ("where", "os.path"), ("x", None)):
        got = answer(text, name)
        expect(got == wanted, f"imported_from({text!r}, {name!r}) gave {got!r}; expected {wanted!r}")


@check
def check_08_fused(answer: Callable[[list[str], list[str]], list[str]]) -> None:
    """every piece comes once, what both lists have comes first, and an empty list changes nothing."""
    for one, other, wanted in (
        ([], [], []),
        (["a", "b"], [], ["a", "b"]),
        (["a", "b", "c"], ["c", "d"], ["c", "a", "b", "d"]),
        (["a", "b"], ["a", "b"], ["a", "b"]),
    ):
        got = answer(list(one), list(other))
        expect_type(got, list, f"fused({one}, {other})")
        same = got == wanted or (sorted(got) == sorted(wanted) and got[:2] == wanted[:2] == ["c", "a"])
        expect(same, f"fused({one}, {other}) gave {got}; expected {wanted}")


@check
def check_09_share_right(answer: Callable[[list[str | None], list[str]], float]) -> None:
    """every place counts, whatever was said there, and lists that do not belong together are refused."""
    for said, references, wanted in (
        (["a", "b"], ["a", "b"], 1.0),
        (["a", None, "", "x"], ["a", "b", "c", "d"], 0.25),
        ([None, None], ["a", "b"], 0.0),
        (["a "], ["a"], 0.0),
    ):
        got = answer(list(said), list(references))
        expect(isinstance(got, int | float), f"share_right({said}, {references}) gave {got!r}; expected a number")
        expect(got == wanted, f"share_right({said}, {references}) gave {got}; expected {wanted}")
    try:
        got = answer(["a"], ["a", "b"])
    except ValueError:
        return
    expect(False, f"share_right(['a'], ['a', 'b']) gave {got}; an answer is missing: expected a ValueError")


@check
def check_09_places_needed(answer: Callable[[float, float], int]) -> None:
    """five points at 15 % of disagreement need 469 places, and smaller differences many more."""
    for points, d, wanted in ((0.05, 0.15, 469), (0.1, 0.15, 116), (0.03, 0.15, 1305), (0.05, 0.05, 155)):
        got = answer(points, d)
        expect_type(got, int, f"places_needed({points}, {d})")
        expect(got == wanted, f"places_needed({points}, {d}) gave {got}; expected {wanted}")


@check
def check_10_padding_share(answer: Callable[[list[int], int], float]) -> None:
    """every batch is as long as its longest example, and the last batch may be smaller."""
    for lengths, batch, wanted in (([4, 4], 2, 0.0), ([1, 3], 2, 1 / 3), ([1, 3], 1, 0.0), ([2, 4, 4, 1, 5], 2, 5 / 21)):
        got = answer(list(lengths), batch)
        expect_type(got, float, f"padding_share({lengths}, {batch})")
        expect(abs(got - wanted) < 1e-9, f"padding_share({lengths}, {batch}) gave {got}; expected {wanted}")


@check
def check_10_hold_out(answer: Callable[[list[list[str]], float], set[str]]) -> None:
    """groups stay whole, what has no room is passed over, and the share is kept."""
    groups = [["a", "b"], ["c"], ["d", "e", "f"], ["g"], ["h", "i", "j"]]
    for share, wanted in ((0.0, set()), (0.2, {"a", "b"}), (0.3, {"a", "b", "c"}), (0.1, {"c"}), (0.4, {"a", "b", "c", "g"})):
        got = answer([list(group) for group in groups], share)
        expect_type(got, set, f"hold_out({groups}, {share})")
        expect(got == wanted, f"hold_out({groups}, {share}) gave {sorted(got)}; expected {sorted(wanted)}")


@check
def check_11_largest_rank(answer: Callable[[list[tuple[int, int]], int], int]) -> None:
    """the numbers of all layers fit, one rank more would not, and where none fits the answer is 0."""
    for shapes, most_bytes, wanted in (
        ([(256, 256)], 4 * 512 * 7, 7),
        ([(256, 256)], 4 * 512 * 8 - 1, 7),
        ([(384, 256), (256, 256), (1024, 256), (256, 1024)], 1_000_000, 67),
        ([(384, 256), (1024, 256)], 100, 0),
    ):
        got = answer(list(shapes), most_bytes)
        expect_type(got, int, f"largest_rank({shapes}, {most_bytes})")
        expect(got == wanted, f"largest_rank({shapes}, {most_bytes}) gave {got}; expected {wanted}")


@check
def check_11_best_pair(answer: Callable[[numpy.ndarray, int], tuple[numpy.ndarray, numpy.ndarray]]) -> None:
    """up @ down has the rank that was asked for, and no pair of that rank comes nearer to the change."""
    dice = numpy.random.default_rng(11)
    for rows, columns, rank in ((6, 4, 1), (4, 6, 3), (5, 5, 5), (8, 3, 2)):
        change = dice.standard_normal((rows, columns))
        got, call = answer(change.copy(), rank), f"best_pair(a change of {rows} by {columns}, {rank})"
        expect(isinstance(got, tuple) and len(got) == 2, f"{call} gave {type(got).__name__}; expected a pair (up, down)")
        found, wanted = tuple(numpy.shape(half) for half in got), ((rows, rank), (rank, columns))
        expect(found == wanted, f"{call} gave halves of the shapes {found}; expected {wanted}")
        missing = numpy.square(got[0] @ got[1] - change).sum()
        least = numpy.square(numpy.linalg.svd(change, compute_uv=False)[rank:]).sum()
        expect(missing <= least + 1e-6, f"{call} leaves {missing:.3f} of the change; {least:.3f} is possible")


@check
def check_12_owner(answer: Callable[[str, dict[str, str]], str | None]) -> None:
    """the longest folder around a path wins, and a folder whose name only begins alike is not around it."""
    roots = {"app": "/src/app", "part": "/src/app/part", "other": "/src/other"}
    for path, wanted in (
        ("/src/app/a.py", "app"),
        ("/src/app/part/b/c.py", "part"),
        ("/src/app2/a.py", None),
        ("/src/app/party.py", "app"),
        ("/src", None),
    ):
        got = answer(path, dict(roots))
        expect(got == wanted, f"owner({path!r}, {roots}) gave {got!r}; expected {wanted!r}")


@check
def check_12_side_by_side(answer: Callable[[list[tuple]], tuple[Any, Any]]) -> None:
    """one product is the weighted sum of all, ranks may differ, and the weight counts once."""
    random = numpy.random.default_rng(0)
    for ranks in ((1, 1), (2, 3), (1, 2, 4)):
        parts = [(n - 0.5, random.normal(size=(5, rank)), random.normal(size=(rank, 7))) for n, rank in enumerate(ranks)]
        wanted = sum(weight * up @ down for weight, up, down in parts)
        got = answer(list(parts))
        call = f"side_by_side(parts of the ranks {ranks})"
        expect(isinstance(got, tuple) and len(got) == 2, f"{call} gave {got!r}; expected up and down")
        shapes = [array.shape for array in got]
        expect(shapes == [(5, sum(ranks)), (sum(ranks), 7)], f"{call} gave the shapes {shapes}; expected the ranks to add up")
        expect(numpy.allclose(got[0] @ got[1], wanted), f"{call}: up @ down is not the weighted sum")


@check
def check_13_to_build(answer: Callable[[list[tuple], float], str | None]) -> None:
    """the cheapest of those that are surely better by what matters, and nothing where there is none."""
    rag, adapter, both = ("rag", (0.02, 0.01, 0.03), 1), ("adapter", (0.08, 0.05, 0.11), 5), ("both", (0.1, 0.04, 0.16), 9)
    for rows, matters, wanted in (
        ([both, adapter, rag], 0.03, "adapter"),
        ([adapter, rag, both], 0.0, "rag"),
        ([both, rag, adapter], 0.045, "adapter"),
        ([rag, both, adapter], 0.06, None),
        ([("worse", (-0.2, -0.3, -0.1), 0), both], 0.03, "both"),
        ([], 0.03, None),
    ):
        got = answer(list(rows), matters)
        expect(got == wanted, f"to_build({rows}, {matters}) gave {got!r}; expected {wanted!r}")


@check
def check_13_won_and_lost(answer: Callable[[str, str, str], tuple[int, int]]) -> None:
    """what neither had is won, what any had and both have not is lost, and the rest is neither."""
    for one, other, both, wanted in (
        ("0000", "0000", "0110", (2, 0)),
        ("0110", "0011", "0000", (0, 3)),
        ("1100", "1010", "1001", (1, 2)),
        ("1010", "0101", "1111", (0, 0)),
        ("", "", "", (0, 0)),
    ):
        got = answer(one, other, both)
        call = f"won_and_lost({one!r}, {other!r}, {both!r})"
        expect_type(got, tuple, call)
        expect(got == wanted, f"{call} gave {got}; expected {wanted}")


@check
def check_14_share_saved(answer: Callable[[list[str], list[str]], float]) -> None:
    """only what the author's text begins with counts, by its characters, and every place is to be typed."""
    for texts, references, wanted in (
        (["ab", "x"], ["abcd", "wxyz"], 0.25),
        (["abcd", "", "y"], ["abcd", "ab", "xy"], 0.5),
        (["abcde"], ["abcd"], 0.0),
        (["abcd"], ["abcd"], 1.0),
    ):
        got = answer(list(texts), list(references))
        expect(isinstance(got, int | float), f"share_saved({texts}, {references}) gave {got!r}; expected a number")
        expect(abs(got - wanted) < 1e-9, f"share_saved({texts}, {references}) gave {got}; expected {wanted}")


@check
def check_14_fate(answer: Callable[[str, str], str]) -> None:
    """what stands there decides, and blanks are nothing."""
    for said, now, wanted in (
        ("f(x)", "f(x)", "kept"),
        ("f(x)", "f(x, y)", "corrected"),
        ("f(x)", "", "taken back"),
        ("f(x)", "\n    ", "taken back"),
        ("f", "g", "corrected"),
    ):
        got = answer(said, now)
        expect(got == wanted, f"fate({said!r}, {now!r}) gave {got!r}; expected {wanted!r}")


@check
def check_15_batches_of(answer: Callable[[list[str], int, int], list[str]]) -> None:
    """every process has as many batches as the others, none has another's, and the order stays."""
    for batches, count in ((list("abcdef"), 2), (list("abcdefg"), 2), (list("abcdefg"), 3), (list("ab"), 3), (list("abc"), 1)):
        got = [answer(list(batches), index, count) for index in range(count)]
        for index, own in enumerate(got):
            expect_type(own, list, f"batches_of({batches}, {index}, {count})")
        lengths = {len(own) for own in got}
        expect(len(lengths) == 1, f"of {batches}, {count} processes got {got}: expected as many for each")
        together = [batch for step in zip(*got, strict=True) for batch in step]
        wanted = batches[: len(batches) // count * count]
        expect(together == wanted, f"of {batches}, {count} processes got {got}: together and in turns expected {wanted}")


@check
def check_15_cards_needed(answer: Callable[[int, int, int], int | None]) -> None:
    """what is everywhere leaves less room for what is divided, and where it leaves none there is no number."""
    cases = (40, 255, 80, 7), (6, 255, 80, 4), (0, 80, 80, 1), (90, 9, 80, None), (9, 71, 80, 1)
    for everywhere, divided, size, wanted in cases:
        got = answer(everywhere, divided, size)
        expect(got == wanted, f"cards_needed({everywhere}, {divided}, {size}) gave {got}; expected {wanted}")
