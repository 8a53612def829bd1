r"""Reads the rules of `.gitignore` files and says which paths git would ignore.

It knows rules and paths; it does not know files. Written here because the libraries for it match with backtracking, so that
one rule of many stars in a foreign repository costs minutes, and differ from git where a folder is taken back (`!folder/`).
Each part of a rule is matched in time linear in the name, and parts are matched without ever going back.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate

MOST_RULES = 2000
"""Of one file; the rules after them are not applied."""
ANY_FOLDERS = "**"


@dataclass(frozen=True)
class Rule:
    """One line of a `.gitignore`."""

    ignores: bool
    """False for a line that begins with `!`, which takes back."""
    folders_only: bool
    parts: tuple[Callable[[str], object] | str, ...]
    """What the parts of a path between slashes must match; `**` stands for any number of them."""

    def matches(self, path: Sequence[str], is_folder: bool) -> bool:
        """Whether the rule speaks of this very path, which is given in parts; not of a folder that it lies in."""
        if self.folders_only and not is_folder:
            return False
        reached = self.passed({0})
        for name in path:
            stay = {n for n in reached if n < len(self.parts) and self.parts[n] == ANY_FOLDERS}
            on = {n + 1 for n in reached - stay if n < len(self.parts) and self.parts[n](name)}
            reached = self.passed(stay | on)
        return len(self.parts) in reached

    def passed(self, reached: set[int]) -> set[int]:
        """The parts that are reached when `**` stands for no folder too."""
        for n in sorted(reached):
            while n < len(self.parts) and self.parts[n] == ANY_FOLDERS:
                n += 1
                reached = reached | {n}
        return reached


def parse(text: str) -> list[Rule]:
    r"""The rules of a `.gitignore`, in its order.

    >>> [rule.matches(["a", "b.py"], False) for rule in parse("*.py\n# a comment\n/b.py\na/**\n!a/b.py")]
    [True, False, True, True]
    """
    lines = (line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n"))
    return [rule for line in lines if line and not line.startswith("#") and (rule := parse_line(line))][:MOST_RULES]


def parse_line(line: str) -> Rule | None:
    """The rule of one line; None where nothing is left of it."""
    line = re.sub(r"(?<!\\) +$", "", line)
    ignores = not line.startswith("!")
    line = line.removeprefix("!")
    folders_only = line.endswith("/")
    line = line.removesuffix("/")
    if not line:
        return None
    parts = line.removeprefix("/").split("/")
    if "/" not in line:
        parts = [ANY_FOLDERS, parts[0].replace("**", "*")]
    elif parts[-1] == ANY_FOLDERS:  # what is in the folder, and not the folder
        parts = [*parts, "*"]
    return Rule(ignores, folders_only, tuple(part if part == ANY_FOLDERS else matcher(part) for part in parts))


def matcher(part: str) -> Callable[[str], object]:
    r"""What a name between two slashes must match.

    >>> [bool(matcher(part)("a*.py")) for part in ("*.py", r"a\*.py", "[^b]?.py", "a.py")]
    [True, True, True, False]
    """
    part = re.sub(r"\\(.)", lambda escaped: escaped[1] if escaped[1] not in "*?[" else f"[{escaped[1]}]", part)
    return re.compile(translate(part.replace("[^", "[!"))).match


def ruling(rules: Sequence[Rule], path: Sequence[str], is_folder: bool) -> bool | None:
    """Whether these rules ignore a path, given in parts; None if they do not speak of it. The last that speaks decides."""
    return next((rule.ignores for rule in reversed(rules) if rule.matches(path, is_folder)), None)
