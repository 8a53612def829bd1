"""Tasks about generators: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""


def countdown(start):
    """Whole numbers from the start down to 1."""
    while start > 0:
        yield start
        start -= 1


def test_countdown():
    assert list(countdown(3)) == [3, 2, 1]
    assert list(countdown(0)) == []


def pairs(items):
    """Each item together with the one after it."""
    iterator = iter(items)
    previous = next(iterator, None)
    for item in iterator:
        yield previous, item
        previous = item


def test_pairs():
    assert list(pairs([1, 2, 3])) == [(1, 2), (2, 3)]
    assert list(pairs([])) == []


def take(iterator, count):
    """The first items of something that may never end."""
    for _ in range(count):
        try:
            yield next(iterator)
        except StopIteration:
            return


def test_take():
    from itertools import count

    assert list(take(count(5), 3)) == [5, 6, 7]
    assert list(take(iter([1]), 3)) == [1]


def alternate(first, second):
    """One of the first, one of the second, and so on, until one of them ends."""
    for a, b in zip(first, second, strict=False):
        yield a
        yield b


def test_alternate():
    assert list(alternate("ab", "xyz")) == ["a", "x", "b", "y"]
    assert list(alternate([], [1])) == []


def windows(items, size):
    """All runs of so many neighbours in a list."""
    for start in range(len(items) - size + 1):
        yield items[start : start + size]


def test_windows():
    assert list(windows([1, 2, 3, 4], 2)) == [[1, 2], [2, 3], [3, 4]]
    assert list(windows([1], 2)) == []


def walk(tree):
    """All leaves of nested lists, from left to right."""
    for node in tree:
        if isinstance(node, list):
            yield from walk(node)
        else:
            yield node


def test_walk():
    assert list(walk([1, [2, [3, []]], 4])) == [1, 2, 3, 4]
