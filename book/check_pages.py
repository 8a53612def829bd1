"""Checks a built book as a reader without a network would: nothing a page needs may come from elsewhere.

It knows HTML and the table of contents; it does not know how the book is built.

    python book/check_pages.py _build/html
"""

import sys
from html.parser import HTMLParser
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src", "embed": "src"}
"""Elements that make a browser fetch something when the page opens, and the attribute that says what."""
LOADED_LINKS = {"stylesheet", "preload", "prefetch", "modulepreload", "icon", "preconnect", "dns-prefetch"}


class Page(HTMLParser):
    """What one page fetches, its images without a description, and where its buttons lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.undescribed: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in LOADED:
            self.fetched.append(given.get(LOADED[tag]) or "")
        if tag == "link" and LOADED_LINKS & set((given.get("rel") or "").split()):
            self.fetched.append(given.get("href") or "")
        if tag == "img" and "alt" not in given:
            self.undescribed.append(given.get("src") or "")
        if tag == "a":
            self.links.append(given.get("href") or "")


def is_elsewhere(address: str) -> bool:
    """
    >>> is_elsewhere("https://example.org/a.js"), is_elsewhere("//example.org/a.js"), is_elsewhere("../a.js")
    (True, True, False)
    """
    return address.startswith(("http:", "https:", "//"))


def pages() -> list[str]:
    """Every page in the table of contents."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [contents["root"], *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"])]


def faults(built: Path) -> list[str]:
    """One line for each thing that is wrong."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    repository = config["repository"]["url"].removeprefix("https://github.com/")
    colab = f"{config['launch_buttons']['colab_url']}/github/{repository}/blob/{config['repository']['branch']}/"
    found = []
    for name in pages():
        path = built / f"{name}.html"
        if not path.exists():
            found.append(f"{name} is in _toc.yml and was not built")
            continue
        page = Page(path.read_text(encoding="utf-8"))
        found += [f"{name} fetches {address}: keep it in the book" for address in page.fetched if is_elsewhere(address)]
        found += [f"{name} has an image without alt text: {address[:80]}" for address in page.undescribed]
        buttons = [link.removeprefix(colab) for link in page.links if link.startswith(colab)]
        if name.startswith("notebooks/") and buttons.count(f"{name}.ipynb") < 1:
            found.append(f"{name} has no button that opens it on Colab: does the notebook have a kernelspec?")
        found += [f"{name} links to {link} on Colab, which is not there" for link in buttons if not (ROOT / link).exists()]
    return found


def main(built: str) -> int:
    found = faults(Path(built))
    print("\n".join(found) or f"{len(pages())} pages, nothing fetched from elsewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
