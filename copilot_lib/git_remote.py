"""Reads from a repository's own files which address it is pushed to, without running git, and writes it in one way.

It knows where git keeps its settings; it does not know what a remote is used for. Nothing outside the repository is read.
"""

import re
from pathlib import Path

MOST_BYTES = 1_000_000
SECTION = re.compile(r'\s*\[\s*remote\s+"(.*)"\s*\]')
URL = re.compile(r"\s*url\s*=\s*(.*?)\s*$", re.IGNORECASE)
ADDRESS = re.compile(r"(?:(?:https?|ssh|git)://)?(?:[^@/]*@)?([\w.-]+)(?::\d+(?=/))?[:/]+(.+?)(?:\.git)?/*")


def of(folder: Path) -> str | None:
    """The remote of the repository that a folder is in, `origin` before others; None where there is none."""
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            try:
                return remote_in(settings_of(place / ".git") or "")
            except (OSError, ValueError):  # what stands in the files of somebody's repository need be no path
                return None
    return None


def settings_of(git: Path) -> str | None:
    """What `.git/config` says, or that of the repository whose worktree or submodule this is, if it says so too."""
    if git.is_dir():
        return read(git / "config")
    found = re.fullmatch(r"gitdir: (.+)\s*", read(git) or "")
    if not found:
        return None
    administered = (git.parent / found[1]).resolve()
    if (back := read(administered / "gitdir")) is not None:  # a worktree: its main repository knows where it is
        if Path(back.strip()).resolve() != git.resolve() or administered.parent.name != "worktrees":
            return None
        return read(administered.parent.parent / "config")
    modules = [place / ".git" / "modules" for place in git.parent.resolve().parents]
    return read(administered / "config") if any(administered.is_relative_to(place) for place in modules) else None


def read(file: Path) -> str | None:
    """A small text file; None where it is none."""
    try:
        if not file.is_file() or file.stat().st_size > MOST_BYTES:
            return None
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def remote_in(settings: str) -> str | None:
    r"""The address in git's settings.

    >>> remote_in('[remote "fork"]\n\turl = https://a.org/me/x\n[remote "origin"]\n\turl = git@a.org:we/x.git\n')
    'a.org/we/x'
    """
    found: dict[str, str] = {}
    name = None
    for line in settings.splitlines():
        if line.lstrip().startswith("["):
            section = SECTION.match(line)
            name = section[1] if section else None
        elif name is not None and (url := URL.match(line)):
            found.setdefault(name, url[1])
    return plain(found.get("origin") or next(iter(found.values()), ""))


def plain(address: str) -> str | None:
    """An address without what differs between people: way, user, key, port and ending. None for what is no such address.

    >>> plain("git@github.com:me/tool.git"), plain("https://me:secret@GitHub.com/me/tool/")
    ('github.com/me/tool', 'github.com/me/tool')
    >>> plain("ssh://git@example.org:2222/me/tool.git"), plain("/srv/git/tool.git")
    ('example.org/me/tool', None)
    """
    found = ADDRESS.fullmatch(address.strip())
    return f"{found[1].lower()}/{found[2]}" if found else None
