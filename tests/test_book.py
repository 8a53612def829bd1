"""The pages around the chapters: every link leads somewhere, every chapter is in the book, every button opens something."""

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
import yaml

from copilot_lib import sample, show
from copilot_lib.completer import Completer

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "book").glob("*.md"))]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
CONTENTS = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
IN_BOOK = [CONTENTS["root"], *(chapter["file"] for part in CONTENTS["parts"] for chapter in part["chapters"])]
COLAB = re.compile(r"https://colab\.research\.google\.com/github/([\w-]+/[\w-]+)/blob/([\w-]+)/(\S+)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def source(name: str) -> Path | None:
    """The file behind a name in the table of contents."""
    return next((path for ending in (".md", ".ipynb") if (path := ROOT / f"{name}{ending}").exists()), None)


def markdown(path: Path) -> str:
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return path.read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    """What can stand after the # of a link to this page."""
    headings = re.findall(r"^#+ +(.*?) *$", FENCE.sub("", markdown(path)), re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower())) for heading in headings}


def links(path: Path) -> list[str]:
    text = FENCE.sub("", markdown(path))
    found = re.findall(r"\]\(([^)\s]+)\)|\b(?:href|src|srcset)=\"([^\"]+)\"", text)
    return [next(filter(None, pair)) for pair in found]


def test_the_table_of_contents_names_files_and_all_chapters():
    assert [name for name in IN_BOOK if source(name) is None] == []
    chapters = {f"notebooks/{path.stem}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert chapters == {name for name in IN_BOOK if name.startswith("notebooks/")}
    pages = {f"book/{path.stem}" for path in (ROOT / "book").glob("*.md")}
    assert pages == {name for name in IN_BOOK if name.startswith("book/")}
    assert len(IN_BOOK) == len(set(IN_BOOK))


def test_chapters_stand_in_the_order_of_their_numbers():
    chapters = [name for name in IN_BOOK if name.startswith("notebooks/")]
    assert chapters == sorted(chapters)


@pytest.mark.parametrize("name", [name for name in IN_BOOK if name.startswith("notebooks/")])
def test_colab_s_button_opens_a_notebook(name):
    # The theme builds the address from these, and shows no button where a notebook has no kernelspec.
    assert CONFIG["repository"]["url"].startswith("https://github.com/")
    assert CONFIG["repository"]["branch"] == "main"
    assert CONFIG["launch_buttons"]["colab_url"] == "https://colab.research.google.com"
    assert nbformat.read(ROOT / f"{name}.ipynb", as_version=4).metadata.kernelspec.name == "python3"


@each_page
def test_links_lead_somewhere(page):
    for link in links(page):
        if colab := COLAB.match(link):
            repository, branch, path = colab.groups()
            assert CONFIG["repository"]["url"].endswith(repository)
            assert branch == CONFIG["repository"]["branch"]
            link = f"/{path}"
        elif re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = page if not name else ROOT / name[1:] if name.startswith("/") else (page.parent / name).resolve()
        assert target.exists(), f"{page.name} links to {link}, which is not there"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}, but the page has no such heading"


@each_page
def test_images_have_a_description(page):
    text = markdown(page)
    for image in re.findall(r"<img\b[^>]*>", text):
        assert re.search(r'\balt="[^"]{20,}"', image), image
    assert all(len(alt) >= 20 for alt in re.findall(r"!\[([^\]]*)\]\(", text))


def test_readme_s_chapter_table_is_the_book_s():
    table = re.findall(r"^\| (\d+) \| \[.*?\]\((notebooks/\d\d_\w+)\.ipynb\)", markdown(ROOT / "README.md"), re.MULTILINE)
    assert [name for _, name in table] == [name for name in IN_BOOK if name.startswith("notebooks/")]
    assert all(name.startswith(f"notebooks/{int(number):02d}_") for number, name in table)


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "book" / "intro.md"], ids=lambda path: path.name)
def test_times_in_tables_are_those_on_the_chapters_cards(page):
    rows = re.findall(r"^\|.*\((?:\.\./)?(notebooks/\d\d_\w+)\.ipynb\).*?\| (\d+) min \|", markdown(page), re.MULTILINE)
    assert len(rows) == sum(name.startswith("notebooks/") for name in IN_BOOK)
    for name, minutes in rows:
        card = re.search(r"^\| time \|.*\n\|[-| ]+\n\|([^|]*)\|", markdown(ROOT / f"{name}.ipynb"), re.MULTILINE).group(1)
        assert re.findall(r"\d+", card)[-1:] == [minutes], f"{name} says {card.strip()}"


def test_glossary_has_every_new_word_of_the_chapters():
    words = anchors(ROOT / "book" / "glossary.md")
    for name in IN_BOOK:
        if not name.startswith("notebooks/"):
            continue
        row = re.search(r"^\| time \|.*\n\|[-| ]+\n\|.*\|([^|]*)\|$", markdown(ROOT / f"{name}.ipynb"), re.MULTILINE).group(1)
        new = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", word).strip().lower() for word in row.split(",")]
        new = [re.sub(r"[^\w-]", "", word.replace(" ", "-")) for word in new]  # as headings become anchors
        assert set(new) <= words, f"{name}: not in the glossary: {set(new) - words}"


def test_glossary_is_in_order():
    words = re.findall(r"^## (.*)$", markdown(ROOT / "book" / "glossary.md"), re.MULTILINE)
    assert words == sorted(words, key=lambda word: word.lower())


def test_how_to_use_explains_every_tag_in_use():
    explained = set(re.findall(r"^\| `([\w-]+)` \|", markdown(ROOT / "book" / "how-to-use.md"), re.MULTILINE))
    used = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        used |= {tag for cell in nbformat.read(path, as_version=4).cells for tag in cell.metadata.get("tags", [])}
    assert used <= explained


def test_the_readmes_picture_shows_what_the_model_that_ships_says():
    cursor = next(place.cursor for place in sample.places() if place.name == "a loop")
    picture = show.completion(cursor, Completer.load("pocket").complete(cursor))
    drawn = (ROOT / "book" / "figures" / "completion.txt").read_text(encoding="utf-8")
    assert drawn == f"{picture}\n", "draw it anew: python book/make_readme_picture.py"
