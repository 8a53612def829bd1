"""Tasks about lists: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""


def in_groups(items, size):
    """Cut a list into lists of the given size; the last may be shorter."""
    groups = []
    for start in range(0, len(items), size):
        groups.append(items[start : start + size])
    return groups


def test_in_groups():
    assert in_groups([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
    assert in_groups([], 3) == []
    assert in_groups("abc", 3) == ["abc"]


def without_repeats(items):
    """Drop an item where it equals the one before it."""
    kept = []
    for item in items:
        if not kept or kept[-1] != item:
            kept.append(item)
    return kept


def test_without_repeats():
    assert without_repeats([1, 1, 2, 1, 1, 1]) == [1, 2, 1]
    assert without_repeats([]) == []
    assert without_repeats([0, 0]) == [0]


def flatten_once(rows):
    """Join a list of lists into one list."""
    flat = []
    for row in rows:
        flat.extend(row)
    return flat


def test_flatten_once():
    assert flatten_once([[1], [2, 3], []]) == [1, 2, 3]
    assert flatten_once([[[1]], [2]]) == [[1], 2]


def running_totals(numbers):
    """The sums of the first one, the first two, the first three numbers, and so on."""
    total = 0
    totals = []
    for number in numbers:
        total += number
        totals.append(total)
    return totals


def test_running_totals():
    assert running_totals([1, 2, 3]) == [1, 3, 6]
    assert running_totals([]) == []
    assert running_totals([5, -5, 1]) == [5, 0, 1]


def merge_sorted(left, right):
    """Join two sorted lists into one sorted list."""
    merged = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    return merged + left[i:] + right[j:]


def test_merge_sorted():
    assert merge_sorted([1, 4, 9], [2, 3]) == [1, 2, 3, 4, 9]
    assert merge_sorted([], [1]) == [1]
    assert merge_sorted([1, 1], [1]) == [1, 1, 1]


def transpose(rows):
    """Turn the rows of a table into its columns."""
    if not rows:
        return []
    return [list(column) for column in zip(*rows, strict=True)]


def test_transpose():
    assert transpose([[1, 2], [3, 4], [5, 6]]) == [[1, 3, 5], [2, 4, 6]]
    assert transpose([]) == []
