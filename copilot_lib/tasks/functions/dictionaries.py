"""Tasks about dictionaries: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""


def inverted(mapping):
    """From each value to the sorted list of keys that have it."""
    result = {}
    for key, value in mapping.items():
        result.setdefault(value, []).append(key)
    return {value: sorted(keys) for value, keys in result.items()}


def test_inverted():
    assert inverted({"b": 1, "a": 1, "c": 2}) == {1: ["a", "b"], 2: ["c"]}
    assert inverted({}) == {}


def word_counts(text):
    """How often each word stands in a text, in lower case."""
    counts = {}
    for word in text.lower().split():
        counts[word] = counts.get(word, 0) + 1
    return counts


def test_word_counts():
    assert word_counts("a b A") == {"a": 2, "b": 1}
    assert word_counts("") == {}


def with_defaults(options, defaults):
    """A new dictionary with all options, and the defaults of those that are missing or None."""
    merged = dict(defaults)
    for name, value in options.items():
        if value is not None:
            merged[name] = value
    return merged


def test_with_defaults():
    defaults = {"size": 1, "color": "red"}
    assert with_defaults({"size": 3, "color": None}, defaults) == {"size": 3, "color": "red"}
    assert with_defaults({"new": 0}, defaults) == {"size": 1, "color": "red", "new": 0}
    assert defaults == {"size": 1, "color": "red"}


def get_path(data, path, default=None):
    """Follow names with dots between them into dictionaries of dictionaries."""
    current = data
    for name in path.split("."):
        if not isinstance(current, dict) or name not in current:
            return default
        current = current[name]
    return current


def test_get_path():
    data = {"a": {"b": {"c": 1}}, "x": 0}
    assert get_path(data, "a.b.c") == 1
    assert get_path(data, "a.z", 5) == 5
    assert get_path(data, "x.y") is None
    assert get_path(data, "x") == 0


def group_by_length(words):
    """From each length to the words that have it, in their order."""
    groups = {}
    for word in words:
        length = len(word)
        if length not in groups:
            groups[length] = []
        groups[length].append(word)
    return groups


def test_group_by_length():
    assert group_by_length(["to", "a", "be"]) == {2: ["to", "be"], 1: ["a"]}
    assert group_by_length([]) == {}


def changed_keys(before, after):
    """The sorted names of entries that were added, removed or changed."""
    names = set(before) | set(after)
    missing = object()
    return sorted(name for name in names if before.get(name, missing) != after.get(name, missing))


def test_changed_keys():
    assert changed_keys({"a": 1, "b": 2}, {"b": 3, "c": None}) == ["a", "b", "c"]
    assert changed_keys({"a": 1}, {"a": 1}) == []
