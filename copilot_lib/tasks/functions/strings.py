"""Tasks about strings: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""


def squeeze(text):
    """Put one blank where several blanks stand, and none at the ends."""
    words = text.split()
    return " ".join(words)


def test_squeeze():
    assert squeeze("  a  b   c ") == "a b c"
    assert squeeze("") == ""
    assert squeeze("one") == "one"


def initials(name):
    """The first letters of all words of a name, in capitals, each with a dot behind it."""
    letters = []
    for word in name.split():
        letters.append(word[0].upper() + ".")
    return "".join(letters)


def test_initials():
    assert initials("ada lovelace") == "A.L."
    assert initials("Grace  Brewster Hopper") == "G.B.H."
    assert initials("") == ""


def snake_case(name):
    """Turn a name like readLineAgain into read_line_again."""
    result = ""
    for letter in name:
        if letter.isupper() and result:
            result += "_"
        result += letter.lower()
    return result


def test_snake_case():
    assert snake_case("readLineAgain") == "read_line_again"
    assert snake_case("Cart") == "cart"
    assert snake_case("plain") == "plain"


def shorten(text, width, end="..."):
    """Cut a text that is longer than width, so that it has exactly that width with the end mark."""
    if len(text) <= width:
        return text
    keep = max(0, width - len(end))
    return text[:keep] + end


def test_shorten():
    assert shorten("abcdef", 10) == "abcdef"
    assert shorten("abcdefghij", 6) == "abc..."
    assert shorten("abcdef", 5, "~") == "abcd~"


def common_start(first, second):
    """The longest text that both begin with."""
    length = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        length += 1
    return first[:length]


def test_common_start():
    assert common_start("interval", "internal") == "inter"
    assert common_start("a", "b") == ""
    assert common_start("same", "same thing") == "same"


def indent_lines(text, depth=4):
    """Put blanks in front of all lines that are not empty."""
    margin = " " * depth
    lines = []
    for line in text.split("\n"):
        lines.append(margin + line if line.strip() else "")
    return "\n".join(lines)


def test_indent_lines():
    assert indent_lines("a\n\n  b", 2) == "  a\n\n    b"
    assert indent_lines("x") == "    x"
