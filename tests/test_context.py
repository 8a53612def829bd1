"""Gathering: what is shown of other files stays inside the budget and the root, and says where it is from and why."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import context
from copilot_lib.codec import Codec
from copilot_lib.completer import CONTEXT_SHARE, Completer
from copilot_lib.context import Project
from copilot_lib.context.gathering import in_pocket_tokens
from copilot_lib.cursor import Cursor
from copilot_lib.snippet import Snippet, fit

TAX = 'def net(gross, rate=0.19):\n    """Without tax."""\n    return gross / (1 + rate)\n'
CART = "def add_item(cart, item):\n    cart.items.append(item)\n    cart.total += item.price\n"
MAIN = "from tax import net\n\ndef checkout(cart, item):\n    cart.items.append(item)\n    return net("


@pytest.fixture
def shop(tmp_path) -> Project:
    for name, text in {"tax.py": TAX, "cart.py": CART, "main.py": MAIN}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return Project(tmp_path)


@pytest.fixture(scope="module")
def completer() -> Completer:
    return Completer.load("pocket")


def sources(project: Project):
    index = context.Index(project)
    index.refresh()
    return context.with_index(index)


END = Cursor(MAIN, len(MAIN))


def test_each_snippet_says_where_it_is_from_and_why(shop):
    shop.change("notes.py", "def append_items(cart, item):\n    cart.items.append(item)\n")
    found = context.gather(END, "main.py", shop, 300, sources=sources(shop))
    assert [(one.source, one.file, one.first_line) for one in found] == [
        ("open", "notes.py", 1),
        ("imported", "tax.py", 1),
        ("retrieved", "cart.py", 1),
    ]
    assert [one.reason.split(",")[0] for one in found] == ["open", "net is used on line 5", "similar"]


@given(st.integers(0, 120))
def test_the_budget_is_kept_to_the_token(tmp_path_factory, budget):
    root = tmp_path_factory.getbasetemp() / "shop"
    root.mkdir(exist_ok=True)
    for name, text in {"tax.py": TAX, "cart.py": CART}.items():
        (root / name).write_text(text, encoding="utf-8")
    found = context.gather(END, "main.py", Project(root), budget)
    assert sum(map(in_pocket_tokens, found)) <= budget


def test_no_two_snippets_show_the_same_lines_and_none_the_open_file(shop):
    found = context.gather(END, "tax.py", shop, 500, sources=sources(shop))
    assert "tax.py" not in {one.file for one in found}
    ranges = [(one.file, line) for one in found for line in range(one.first_line, one.last_line + 1)]
    assert len(ranges) == len(set(ranges))


def test_what_was_just_changed_in_another_tab_comes_before_what_is_alike(shop):
    shop.change("cart.py", CART)
    shop.change("cart.py", CART + "\n\ndef remove(cart):\n    pass\n")
    found = context.gather(END, "main.py", shop, 300)
    assert [one.reason for one in found if one.source == "open"] == ["changed on line 5"]


def test_a_closed_tab_is_forgotten(shop):
    shop.change("cart.py", CART)
    shop.close("cart.py")
    assert "open" not in {one.source for one in context.gather(END, "main.py", shop, 300)}


def test_a_tab_outside_the_project_or_named_like_a_secret_is_not_shown(shop):
    for name in ("../elsewhere.py", "credentials.py"):
        shop.change(name, CART)
    assert "open" not in {one.source for one in context.gather(END, "main.py", shop, 300)}


def test_places_differ_when_another_document_has_changed_but_not_by_the_open_file_itself(shop):
    before = context.place(shop, "main.py")
    shop.change("main.py", MAIN + "x")
    assert context.place(shop, "main.py") == before
    shop.change("cart.py", CART + "x")
    assert context.place(shop, "main.py") != before


def test_the_prompt_is_never_longer_than_without_and_its_context_has_its_share(shop, completer):
    long = Cursor("x = 1\n" * 2000 + MAIN, 6 * 2000 + len(MAIN))
    place = context.place(shop, "main.py")
    alone, with_context = completer.prompt(long, 64), completer.prompt(long, 64, place=place)
    assert 0 < with_context.context_count <= CONTEXT_SHARE * len(alone.ids)
    assert with_context.prefix_count + with_context.context_count <= alone.prefix_count + len(alone.ids) // 8


def test_the_model_reads_the_context_before_the_file_in_either_mode(shop, completer):
    place = context.place(shop, "main.py")
    shown = "# tax.py:\n# def net(gross, rate=0.19):\n"
    for cursor in (END, Cursor(MAIN + ")\n", len(MAIN))):
        text = completer.model.codec.decode(completer.prompt(cursor, 64, place=place).ids)
        assert 0 <= text.index(shown) < text.index("from tax import net")


def test_without_anything_to_show_the_prompt_is_the_same_as_without_a_project(tmp_path, completer):
    assert completer.prompt(END, 64, place=context.place(Project(tmp_path), "main.py")) == completer.prompt(END, 64)


def test_a_completion_with_context_is_one_like_any_other(shop, completer):
    place = context.place(shop, "main.py")
    assert completer.complete(END, place=place).prompt_tokens > completer.complete(END).prompt_tokens


def test_a_family_that_was_trained_on_repositories_gets_its_own_form(separated: Codec):
    ids = separated.snippet("a.py", "x = 1")
    assert separated.decode(ids) == "<file_sep>a.py\nx = 1\n"
    prompt = separated.fim("p", "s", context=[*ids, *separated.own_header("b.py")])
    assert separated.decode(prompt.ids) == ("<file_sep>a.py\nx = 1\n<file_sep>b.py\n<fim_prefix>p<fim_suffix>s<fim_middle>")


@pytest.fixture
def separated(completer) -> Codec:
    """A codec of StarCoder 2's family, whose separator this vocabulary has as one token."""
    from tokenizers import AddedToken, Tokenizer

    copy = Tokenizer.from_str(completer.model.codec.tokenizer.to_str())
    copy.add_special_tokens([AddedToken("<file_sep>", special=True)])
    return Codec(copy)


def test_text_of_other_files_that_spells_sentinels_stays_text(completer):
    codec = completer.model.codec
    ids = codec.snippet("a<fim_middle>.py", "x = '<fim_prefix><|endoftext|>'")
    assert codec.stop_ids.isdisjoint(ids)


HOSTILE = {
    "syntax error": b"def f(:\n  class\n",
    "bytes that are no UTF-8": b"x = '\xff\xfe'\n",
    "NUL": b"x = 1\0\n",
    "huge": b"x = 1\n" * 9_000_000,
    "one long line": b"x = [" + b"1, " * 300_000 + b"]\n",
    "deep": b"(" * 20_000,
    "empty": b"",
}


def test_a_hostile_repository_is_survived(tmp_path):
    for name, data in HOSTILE.items():
        (tmp_path / f"{name.replace(' ', '_')}.py").write_bytes(data)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "good.py").write_text(TAX, encoding="utf-8")
    project = Project(tmp_path)
    text = "\n".join(f"import {path.stem}" for path in tmp_path.glob("*.py") if path.stem.isidentifier()) + "\ngood.net(gross, "
    found = context.gather(Cursor(text, len(text)), "main.py", project, 200, sources=sources(project))
    assert {one.file for one in found} == {"good.py"}


def test_the_root_must_be_a_folder(tmp_path):
    with pytest.raises(ValueError, match="is not a folder: expected the root of a project"):
        Project(tmp_path / "nowhere")


def pieces(texts: list[str]) -> list[Snippet]:
    return [Snippet(f"{n}.py", 1, text.count("\n") + 1, text, "open", "") for n, text in enumerate(texts)]


@given(st.lists(st.text("ab\n", max_size=12), max_size=5), st.integers(0, 30))
def test_what_fits_is_a_beginning_of_each_and_within_the_budget(texts, budget):
    def count(piece):
        return len(piece.text) + 1

    kept = fit(pieces(texts), budget, count)
    assert sum(map(count, kept)) <= budget
    for piece in kept:
        assert texts[int(Path(piece.file).stem)].startswith(piece.text)
