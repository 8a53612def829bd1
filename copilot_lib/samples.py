"""The four small files that the whole book asks for completions in, each with its cursor.

It knows these texts; it does not know what a good completion of them is.
"""

from copilot_lib.cursor import Cursor


def gap(before: str, after: str = "") -> Cursor:
    """The cursor between two texts.

    >>> gap("f(", ")")
    Cursor(text='f()', offset=2)
    """
    return Cursor(before + after, len(before))


FIBONACCI = gap(
    """\
def fibonacci(n):
    if n <= 1:
        return n
    return """,
    """


print([fibonacci(n) for n in range(10)])
""",
)
"""An expression is missing; what comes after uses the function."""

BINARY_SEARCH = gap(
    """\
def binary_search(arr, target):
    left, right = 0, len(arr) - 1
    while left <= right:
        mid = (left + right) // 2
        """,
    """
        elif arr[mid] > target:
            right = mid - 1
        else:
            left = mid + 1
    return -1
""",
)
"""The branch before an `elif` is missing: only the text after the cursor says that there must be an `if`."""

PARSE_CONFIG = gap(
    '''\
def parse_config(filepath):
    """Load the settings in a JSON file and give them back as a dictionary."""
    ''',
)
"""Nothing comes after: the text just goes on."""

CALCULATOR = gap(
    """\
class Calculator:
    def __init__(self):
        self.history = []

    def add(self, a, b):
        result = a + b
        self.history.append(("add", a, b, result))
        return result

    def subtract(self, a, b):
        """,
    """

    def get_history(self):
        return self.history
""",
)
"""The body of a method is missing; the method above shows the pattern."""

EXAMPLES: dict[str, Cursor] = {
    "fibonacci": FIBONACCI,
    "binary_search": BINARY_SEARCH,
    "parse_config": PARSE_CONFIG,
    "Calculator": CALCULATOR,
}
"""All four, by the name of what they define."""
