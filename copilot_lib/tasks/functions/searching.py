"""Tasks about finding and ordering things: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""


def find_first(items, wanted):
    """The position of the first item for which a function says yes; -1 if there is none."""
    for position, item in enumerate(items):
        if wanted(item):
            return position
    return -1


def test_find_first():
    assert find_first([1, 4, 6], lambda n: n % 2 == 0) == 1
    assert find_first([], bool) == -1


def insert_position(numbers, value):
    """Where a value belongs in a sorted list, in front of its equals, by halving."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


def test_insert_position():
    assert [insert_position([1, 3, 3, 5], n) for n in (0, 3, 4, 9)] == [0, 1, 3, 4]
    assert insert_position([], 1) == 0


def two_that_sum(numbers, target):
    """The positions of two numbers whose sum is the target, the earlier first; None if there are none."""
    seen = {}
    for position, number in enumerate(numbers):
        if target - number in seen:
            return seen[target - number], position
        seen[number] = position
    return None


def test_two_that_sum():
    assert two_that_sum([2, 7, 11, 15], 18) == (1, 2)
    assert two_that_sum([1, 2], 5) is None
    assert two_that_sum([4, 4], 8) == (0, 1)


def bubble(numbers):
    """A sorted copy of a list, made by swapping neighbours."""
    numbers = list(numbers)
    for end in range(len(numbers) - 1, 0, -1):
        for i in range(end):
            if numbers[i] > numbers[i + 1]:
                numbers[i], numbers[i + 1] = numbers[i + 1], numbers[i]
    return numbers


def test_bubble():
    unsorted = [3, 1, 2, 1]
    assert bubble(unsorted) == [1, 1, 2, 3]
    assert unsorted == [3, 1, 2, 1]
    assert bubble([]) == []


def top_scores(scores, count):
    """The names with the highest scores, the best first; equal scores in the order of the names."""
    ordered = sorted(scores, key=lambda name: (-scores[name], name))
    return ordered[:count]


def test_top_scores():
    assert top_scores({"bo": 3, "al": 3, "cy": 9}, 2) == ["cy", "al"]
    assert top_scores({}, 1) == []


def shortest_path(graph, start, goal):
    """The fewest steps from one node to another in a dictionary of neighbours; None where no way leads there."""
    distance = {start: 0}
    queue = [start]
    for node in queue:
        if node == goal:
            return distance[node]
        for neighbour in graph.get(node, []):
            if neighbour not in distance:
                distance[neighbour] = distance[node] + 1
                queue.append(neighbour)
    return None


def test_shortest_path():
    graph = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"]}
    assert shortest_path(graph, "a", "e") == 3
    assert shortest_path(graph, "e", "a") is None
    assert shortest_path(graph, "a", "a") == 0
