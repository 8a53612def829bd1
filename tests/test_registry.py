"""The user's adapters: listed, found for a file, saved whole or not at all, removed."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib import git_remote
from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.registry import RESERVED, Registry, checked, default_folder, repository_of

PRINT = "f" * 64


def files(content="1"):
    def write(folder):
        (folder / "adapter_config.json").write_text("{}")
        (folder / "adapter_model.safetensors").write_text(content)

    return write


def about(root="/nowhere", remote=None, fingerprint=PRINT, **others):
    base = {"name": "pocket", "fingerprint": fingerprint}
    return {"base": base, "repository": {"root": str(root), "remote": remote}} | others


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "adapters")


def git(folder, *words):
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, env=os.environ | identity)


@pytest.fixture
def repository(tmp_path):
    """A git repository with a commit and a remote."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", "git@example.org:team/tool.git")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x")
    return folder


def test_what_is_saved_is_listed_found_and_removed(registry):
    assert registry.names() == []
    for name in ("b", "a"):
        registry.save(name, files(), about(learnt_files=7))
    assert registry.names() == ["a", "b"]
    found = registry.about("a")
    assert (found["format"], found["name"], found["learnt_files"]) == (1, "a", 7)
    registry.remove("a")
    assert registry.names() == ["b"]
    for ask in (registry.find, registry.remove, registry.about):
        with pytest.raises(AdapterRefused, match="there is no adapter a"):
            ask("a")
    assert [one.name for one in registry.folder.iterdir()] == ["b"]


@given(st.text(max_size=80))
def test_a_name_is_a_plain_word_or_refused(name):
    plain = name.isascii() and not set(name) & set("/\\.\0 \n") and name.lower() not in RESERVED
    with contextlib.suppress(AdapterRefused):
        assert checked(name) == name
        assert plain


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", "a.b", "/etc", "x\0", "base", "AUTO", "-x", "x" * 65])
def test_names_that_lead_elsewhere_or_mean_something_are_refused(registry, name):
    with pytest.raises(AdapterRefused, match="no name for an adapter"):
        registry.find(name)


def test_links_and_loose_files_are_not_adapters(registry, tmp_path):
    registry.save("real", files(), about())
    (registry.folder / "link").symlink_to(registry.folder / "real")
    (registry.folder / "file").write_text("x")
    assert registry.names() == ["real"]


def test_a_newer_version_has_another_stamp(registry):
    registry.save("a", files("old"), about())
    before = registry.find("a")
    assert registry.find("a") == before
    registry.save("a", files("new"), about())
    assert registry.find("a") != before


def test_a_save_that_fails_leaves_the_old_one(registry):
    registry.save("a", files("old"), about())

    def fails(folder):
        (folder / "adapter_model.safetensors").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        registry.save("a", fails, about())
    with pytest.raises(ValueError, match="without adapter_config"):
        registry.save("a", lambda folder: (folder / "adapter_model.safetensors").write_text("x"), about())
    assert (registry.folder / "a" / "adapter_model.safetensors").read_text() == "old"
    assert [one.name for one in registry.folder.iterdir()] == ["a"]


KILLED = """
import os, sys
from pathlib import Path
from copilot_lib.registry import Registry
rename, calls = os.rename, []
def killed(*paths):
    calls.append(paths)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    rename(*paths)
os.rename = killed
def write(folder):
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_text("new")
Registry(Path(sys.argv[1])).save("a", write, {"base": {"name": "p", "fingerprint": "f"}})
"""


@pytest.mark.parametrize(("at", "expected"), [(1, "old"), (2, "old"), (3, "new")])
def test_a_process_that_is_killed_while_it_saves_leaves_one_whole_adapter(registry, at, expected):
    registry.save("a", files("old"), about())
    done = subprocess.run([sys.executable, "-c", KILLED, str(registry.folder), str(at)], check=False)
    assert done.returncode == (-9 if at < 3 else 0)
    assert registry.names() == ["a"]
    assert (registry.find("a").folder / "adapter_model.safetensors").read_text() == expected
    registry.save("a", files("next"), about())
    assert (registry.find("a").folder / "adapter_model.safetensors").read_text() == "next"


def test_what_is_removed_does_not_come_back_as_its_older_version(registry):
    """Of a save that was killed before it had deleted the older one. Removed may be what holds a secret."""
    registry.save("a", files("old"), about())
    shutil.copytree(registry.folder / "a", registry.folder / ".old-a")
    registry.remove("a")
    assert registry.names() == []


SAVING = """
import sys
from pathlib import Path
from copilot_lib.registry import Registry
def write(folder):
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_text(sys.argv[2])
for _ in range(100):
    Registry(Path(sys.argv[1])).save("a", write, {"base": {"name": "p", "fingerprint": "f"}})
"""


def test_two_processes_that_save_one_name_do_not_disturb_each_other_or_who_reads(registry):
    registry.save("a", files("0"), about())
    writers = [subprocess.Popen([sys.executable, "-c", SAVING, str(registry.folder), str(n)]) for n in (1, 2)]
    while any(writer.poll() is None for writer in writers):
        assert registry.about("a")["name"] == "a"
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [one.name for one in registry.folder.iterdir()] == ["a"]


ODD = {"repository": [1], "settings": [1], "material": "x", "combined": 3}


@pytest.mark.parametrize("name", ODD)
def test_what_is_noted_otherwise_than_we_note_it_is_refused_by_name(registry, name):
    registry.save("a", files(), about() | {name: ODD[name]})
    with pytest.raises(AdapterRefused, match=f"the adapter a is refused: adapter.json has a '{name}' that is no JSON object"):
        registry.about("a")


def test_the_longest_root_around_a_file_wins(registry, tmp_path):
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    registry.save("outer", files(), about(outer))
    registry.save("inner", files(), about(inner))
    registry.save("of-another-model", files(), about(inner / "deeper", fingerprint="0" * 64))
    registry.save("elsewhere", files(), about(tmp_path / "out"))

    def found(path):
        entry = registry.detect(path, PRINT)
        return entry and entry.name

    assert found(inner / "a.py") == "inner"
    assert found(inner / "deeper" / "a.py") == "inner"
    assert found(outer / "a.py") == "outer"
    assert found(tmp_path / "outer2" / "a.py") is None
    assert found(tmp_path) is None


def test_of_two_for_one_root_the_newer_is_taken(registry, tmp_path):
    for name, year in (("b", 2025), ("a", 2026), ("c", 2024)):
        registry.save(name, files(), about(tmp_path, created=f"{year}-01-01T00:00:00+00:00"))
    assert registry.detect(tmp_path / "x.py", PRINT).name == "a"


def test_a_clone_elsewhere_is_known_by_its_remote_and_a_root_is_better(registry, repository, tmp_path):
    registry.save("by-remote", files(), about("/somebody/else", remote="example.org/team/tool"))
    (repository / "src").mkdir()
    assert registry.detect(repository / "src" / "a.py", PRINT).name == "by-remote"
    registry.save("by-root", files(), about(**repository_of(repository)))
    assert registry.detect(repository / "src" / "a.py", PRINT).name == "by-root"
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    registry.remove("by-root")
    assert registry.detect(tmp_path / "tree" / "a.py", PRINT).name == "by-remote"
    git(repository, "remote", "set-url", "origin", "https://me:secret@example.org/team/other")
    assert registry.detect(repository / "src" / "a.py", PRINT) is None


def test_a_repository_is_noted_without_keys_and_users(repository):
    git(repository, "remote", "set-url", "origin", "https://me:secret@Example.org/team/tool.git")
    assert repository_of(repository) == {"root": str(repository.resolve()), "remote": "example.org/team/tool"}


def test_a_submodule_has_its_own_remote(repository, tmp_path):
    inner = tmp_path / "inner"
    shutil.copytree(repository, inner)
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git(repository / "sub", "remote", "set-url", "origin", "https://example.org/team/sub")
    assert (repository / "sub" / ".git").is_file()
    assert git_remote.of(repository / "sub") == "example.org/team/sub"


def test_a_git_file_that_points_anywhere_else_is_not_followed(repository, tmp_path):
    liar = tmp_path / "liar"
    liar.mkdir()
    for target in (repository / ".git", repository / ".git" / "worktrees" / "x", "/etc", "\0", "../repository/.git"):
        (liar / ".git").write_text(f"gitdir: {target}\n")
        assert git_remote.of(liar) is None


@pytest.mark.parametrize(
    "settings", [b"", b"\xff\xfe[", b'[remote "origin"]', b'[remote "origin"]\nurl', b"url = x", b'[remote "origin"]\nurl =\n']
)
def test_odd_settings_have_no_remote(repository, settings):
    (repository / ".git" / "config").write_bytes(settings)
    assert git_remote.of(repository) is None


@pytest.mark.parametrize("damage", ["{", "[]", "null", json.dumps({"format": 1, "base": 3}), json.dumps({"format": 9})])
def test_a_damaged_one_is_listed_and_never_found_for_a_file(registry, tmp_path, damage):
    registry.save("sound", files(), about(tmp_path))
    registry.save("damaged", files(), about(tmp_path, created="3000"))
    (registry.folder / "damaged" / "adapter.json").write_text(damage)
    assert registry.names() == ["damaged", "sound"]
    assert registry.detect(tmp_path / "x.py", PRINT).name == "sound"
    with pytest.raises(AdapterRefused, match="the adapter damaged is refused"):
        registry.about("damaged")


def test_the_folder_is_the_user_s_or_what_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.delenv("COPILOT_ADAPTERS", raising=False)
    assert default_folder().parts[-2:] == ("copilot_lib", "adapters")
    monkeypatch.setenv("COPILOT_ADAPTERS", str(tmp_path))
    assert Registry().folder == tmp_path
