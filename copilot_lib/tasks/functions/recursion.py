"""Tasks about functions that call themselves: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""


def depth(items):
    """How deep lists are nested in a list: 1 where there is none inside."""
    inner = [depth(item) for item in items if isinstance(item, list)]
    return 1 + max(inner, default=0)


def test_depth():
    assert depth([]) == 1
    assert depth([1, [2, [3]], [4]]) == 3


def power(base, exponent):
    """A number multiplied with itself so many times, by squaring."""
    if exponent == 0:
        return 1
    half = power(base, exponent // 2)
    if exponent % 2 == 0:
        return half * half
    return half * half * base


def test_power():
    assert power(2, 10) == 1024
    assert power(3, 5) == 243
    assert power(7, 0) == 1


def arrangements(items):
    """All orders of a list, as lists."""
    if not items:
        return [[]]
    found = []
    for n, first in enumerate(items):
        rest = items[:n] + items[n + 1 :]
        for order in arrangements(rest):
            found.append([first, *order])
    return found


def test_arrangements():
    assert arrangements([1, 2, 3])[:3] == [[1, 2, 3], [1, 3, 2], [2, 1, 3]]
    assert len(arrangements([1, 2, 3, 4])) == 24
    assert arrangements([]) == [[]]


def tree_sum(node):
    """The sum of all values in a tree of dictionaries with a value and a list of children."""
    total = node["value"]
    for child in node.get("children", []):
        total += tree_sum(child)
    return total


def test_tree_sum():
    leaf = {"value": 3}
    assert tree_sum(leaf) == 3
    assert tree_sum({"value": 1, "children": [leaf, {"value": 2, "children": [leaf]}]}) == 9


def subsets(items):
    """All selections from a list, the empty one first, each in the list's order."""
    if not items:
        return [[]]
    without = subsets(items[:-1])
    return without + [[*chosen, items[-1]] for chosen in without]


def test_subsets():
    assert subsets([1, 2]) == [[], [1], [2], [1, 2]]
    assert len(subsets(list("abcde"))) == 32


def ways_up(stairs):
    """In how many ways one can climb so many stairs, one or two at a time."""
    if stairs <= 1:
        return 1
    return ways_up(stairs - 1) + ways_up(stairs - 2)


def test_ways_up():
    assert [ways_up(n) for n in range(6)] == [1, 1, 2, 3, 5, 8]
