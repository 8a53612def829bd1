r"""Finds passwords, keys and tokens in source text, by the forms that detect-secrets knows, and says where, never what.

It knows lines and kinds of secrets; it does not know files, and never asks a service whether a secret works. Two kinds of
detectors of the library are left out: those for random-looking strings, which in code are most often hashes and test data,
and that for public addresses, which are no secrets. What its author has marked (`# pragma: allowlist secret`) is none.

    for secret in leaks.found(text):
        print(secret.line, secret.kind)  # such as 12 AWS Access Key
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from copilot_lib.repository import KEYS

NO_SECRET = {"Public IP (ipv4)"}
LONG_WORD = re.compile(r"[A-Za-z0-9+/_=-]{16,}")
"""What a token of any maker holds, with a digit in it."""
KEY_OR_ADDRESS = re.compile(r"PRIVATE KEY|://[^\s/]+@")
STEM = re.compile(r"key|pass|pwd|token|secret|contrase")
"""What stands in every name that the library takes for that of a secret, in lower case: to look for it is much faster."""
CREDENTIALS = re.compile(r"://[^\s/]+@([^\s/:\"'`)?,]*)")
UNREACHABLE = re.compile(r"[\w-]*|(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.[\d.]+|(?:[\w-]+\.)*example\.\w+", re.A)
"""A host that nobody reaches from elsewhere: without a dot, in a private network, or reserved for examples."""
ANNOTATION = re.compile(r":[\w.\[\]| ,]+=(?!=)")
"""The type of what is assigned, with which the library does not see the assignment; what is no type, it may see without."""
MOST_WORK = 100_000_000
"""The sum of the squares of the lengths of what is looked at closely in one file; more takes longer than ten seconds, and is
written only by whoever means harm, or data."""
UNCHECKED = "too much that looks like secrets to be checked"


@dataclass(frozen=True)
class Secret:
    """Where something is that should not be in a repository; the thing itself is not kept."""

    line: int
    """Counted from 1."""
    kind: str
    """In the library's words."""


@cache
def detectors() -> tuple:
    """The library's detectors that are used; each knows its `secret_type` and has `analyze_string`, which asks nobody."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector
    from detect_secrets.plugins.keyword import KeywordDetector

    kinds = sorted(get_mapping_from_secret_type_to_class().items())
    wanted = (RegexBasedDetector, KeywordDetector)
    return tuple(made() for kind, made in kinds if issubclass(made, wanted) and kind not in NO_SECRET)


@cache
def name_of_secret() -> re.Pattern:
    """What a name holds that the library takes for that of a secret."""
    from detect_secrets.plugins.keyword import DENYLIST

    return re.compile("|".join(DENYLIST), re.I)


@cache
def excuses(kind: str) -> tuple[Callable[[str, str], bool], ...]:
    """From a value and its line, whether it is no secret after all: made up, marked by its author, or only named like one."""
    from detect_secrets.filters import heuristic
    from detect_secrets.filters.allowlist import is_line_allowlisted
    from detect_secrets.util.code_snippet import CodeSnippet

    of_value = (
        heuristic.is_sequential_string,
        heuristic.is_potential_uuid,
        heuristic.is_templated_secret,
        heuristic.is_prefixed_with_dollar_sign,
        heuristic.is_not_alphanumeric_string,
    )
    always = (
        lambda value, line: any(check(value) for check in of_value),
        lambda value, line: is_line_allowlisted("a.py", line, CodeSnippet([line], 0, 0)),
    )
    own = {
        "Secret Keyword": (heuristic.is_likely_id_string,),
        "Basic Auth Credentials": (lambda value, line: all_unreachable(line),),
    }
    return (*always, *own.get(kind, ()))


def all_unreachable(line: str) -> bool:
    """Whether a line has an address with a password, and only such that lead nowhere.

    >>> all_unreachable("http://me:mine@localhost:80"), all_unreachable("http://me:mine@shop.com")
    (True, False)
    """
    hosts = CREDENTIALS.findall(line)
    return bool(hosts) and all(map(UNREACHABLE.fullmatch, hosts))


def is_excused(kind: str, value: str, line: str) -> bool:
    """Whether what a detector has found is no secret."""
    return any(excuse(value, line) for excuse in excuses(kind))


def suspects(text: str) -> list[tuple[int, str]]:
    """Number and text, blanks aside, of the lines in which a detector could find something: few, and found much faster."""
    lines = text.split("\n")
    numbers = lines_with(LONG_WORD, text, lambda word: any(map(str.isdigit, word))) | lines_with(KEY_OR_ADDRESS, text)
    named = (number for number in lines_with(STEM, text.lower()) if "'" in lines[number] or '"' in lines[number])
    numbers.update(number for number in named if name_of_secret().search(lines[number]))
    # The library's patterns need minutes for a thousand blanks in a row.
    return [(number + 1, " ".join(lines[number].split())) for number in sorted(numbers)]


def lines_with(pattern: re.Pattern, text: str, wanted: Callable[[str], bool] = bool) -> set[int]:
    """The numbers, from 0, of the lines in which what a pattern finds is wanted."""
    numbers, number, counted = set(), 0, 0
    for match in pattern.finditer(text):
        if wanted(match[0]):
            number, counted = number + text.count("\n", counted, match.start()), match.start()
            numbers.add(number)
    return numbers


def found(text: str) -> list[Secret]:
    """Every line that holds a secret, once for each kind.

    >>> found('user = "me"\\npassword = "hunter2"\\n')
    [Secret(line=2, kind='Secret Keyword')]
    >>> found('password = os.environ["PASSWORD"]\\nurl = "http://me:mine@localhost"\\n')
    []
    """
    lines = suspects(text)
    if sum(len(line) ** 2 for _, line in lines) > MOST_WORK:
        return [Secret(lines[0][0], UNCHECKED)]
    return [
        Secret(number, detector.secret_type)
        for number, line in lines
        for detector in detectors()
        if any(
            not is_excused(detector.secret_type, value, line)
            for form in dict.fromkeys((line, ANNOTATION.sub(" =", line)))
            for value in detector.analyze_string(form)
        )
    ]


def keys(text: str) -> list[Secret]:
    """Every line that holds a key by whose form alone `repository` does not even read a file."""
    numbers = set().union(*(lines_with(re.compile(form), text) for form in KEYS.values()))
    return [Secret(number + 1, "key of a known form") for number in sorted(numbers)]
