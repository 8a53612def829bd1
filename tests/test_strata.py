"""Strata: the hardest name of a target decides, whatever the code around it looks like."""

from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import installed, strata

TEXT = '''import json
from os.path import join as joined

LIMIT = 3  # not a name: comment_word


def load(path):
    """Docstring words are no names."""
    raw = open(joined(path, "string_word")).read()
    return json.loads(raw, parse_float=decimal_of)


def decimal_of(text):
    return helper(text)
'''


def wanted_in(line):
    start = TEXT.index(line)
    return strata.around(TEXT, start, start + len(line))


def test_names_above_below_and_touched_are_told_apart():
    touched, above, below = wanted_in("json.loads(raw, parse_float=decimal_of)")
    assert touched == {"json", "loads", "raw", "parse_float", "decimal_of"}
    assert {"path", "LIMIT", "joined"} <= above
    assert {"decimal_of", "helper", "text"} <= below
    assert not {"comment_word", "string_word", "Docstring"} & (above | below | touched)


def test_a_name_that_is_begun_before_the_cursor_counts_whole():
    assert wanted_in("per(text)")[0] == {"helper", "text"}


def test_the_hardest_name_decides():
    line = "json.loads(raw, parse_float=decimal_of)"
    wanted, above, below = wanted_in(line)
    library = strata.library_names(strata.imported_modules(TEXT), installed.text_of)
    assert strata.stratum(wanted, above, below, library, set()) == "library"
    assert strata.stratum({"raw", "decimal_of"}, above, below, library, set()) == "below"
    assert strata.stratum({"raw"}, above, below, library, set()) == "above"
    assert strata.stratum({"loads", "price_of"}, above, below, library, {"price_of"}) == "repository"
    assert strata.stratum({"loads", "price_of"}, above, below, library, set()) == "new"
    assert strata.stratum(set(), above, below, library, set()) == "no name"


def test_imports_are_found_in_all_their_forms():
    text = "import a, b.c as d\n    import e\nfrom f.g import (h,\n  i)\nfrom . import j\nfrom .k import l\nimportant = 1\n"
    assert strata.imported_modules(text) == {"a", "b.c", "e", "f.g"}


def test_modules_are_found_without_being_imported():
    assert "def bipartite_layout(" in installed.text_of("networkx.drawing.layout")
    assert "islice" in installed.text_of("itertools").split()
    assert installed.text_of("os.no_such_part") == installed.text_of("no.such.module") == ""
    # Who imports the first prints a poem; who imports the second opens a browser.
    assert "Beautiful" not in installed.text_of("this")
    assert "webbrowser" in installed.text_of("antigravity")


@given(st.text())
def test_any_text_has_names_and_is_as_long_without_its_strings(text):
    assert len(strata.code_only(text)) == len(text)
    assert strata.names(text) <= set(strata.NAME.findall(text))
    strata.definitions(text)
    strata.imported_modules(text)
