"""Tasks about reading text: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""

import re


def parse_pair(line):
    """The name and the value of a line like name = value, without blanks around them; None where there is no sign."""
    if "=" not in line:
        return None
    name, value = line.split("=", 1)
    return name.strip(), value.strip()


def test_parse_pair():
    assert parse_pair("a = 1") == ("a", "1")
    assert parse_pair("path=x=y") == ("path", "x=y")
    assert parse_pair("nothing") is None


def parse_settings(text):
    """A dictionary of the lines like name: value; empty lines and lines that begin with # do not count."""
    settings = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, _, value = line.partition(":")
        settings[name.strip()] = value.strip()
    return settings


def test_parse_settings():
    text = "# a comment\n\nname: ada\nurl: http://x\n"
    assert parse_settings(text) == {"name": "ada", "url": "http://x"}
    assert parse_settings("") == {}


def numbers_in(text):
    """All whole numbers in a text, in their order."""
    return [int(found) for found in re.findall(r"-?\d+", text)]


def test_numbers_in():
    assert numbers_in("3 men, -2 dogs and 15 cats") == [3, -2, 15]
    assert numbers_in("none") == []


def parse_version(text):
    """The parts of a version like v1.20.3 as a tuple of numbers."""
    if text.startswith("v"):
        text = text[1:]
    return tuple(int(part) for part in text.split("."))


def test_parse_version():
    assert parse_version("v1.20.3") == (1, 20, 3)
    assert parse_version("2.0") < parse_version("2.0.1")


def split_quoted(line):
    """The parts of a line between commas; a comma inside double quotes separates nothing, and the quotes go."""
    parts = []
    current = ""
    quoted = False
    for letter in line:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            parts.append(current)
            current = ""
        else:
            current += letter
    parts.append(current)
    return parts


def test_split_quoted():
    assert split_quoted('a,"b,c",d') == ["a", "b,c", "d"]
    assert split_quoted("") == [""]
    assert split_quoted("x,") == ["x", ""]


def tokens_of(expression):
    """The numbers and signs of a sum such as 3 + 4*(2-1), in their order, numbers as int."""
    tokens = []
    for found in re.finditer(r"\d+|[-+*/()]", expression):
        token = found.group()
        tokens.append(int(token) if token.isdigit() else token)
    return tokens


def test_tokens_of():
    assert tokens_of("3 + 14*(2-1)") == [3, "+", 14, "*", "(", 2, "-", 1, ")"]
    assert tokens_of("") == []
