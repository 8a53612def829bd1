"""The benchmark of retrieval makes real repositories of the size that was asked for; how fast anything is, no test says."""

import pytest

from copilot_lib.bench import repository


def test_a_repository_of_a_size_is_whole_files_of_others_and_the_same_every_time(tmp_path):
    for name in ("one", "other"):
        repository.repository(tmp_path / name, 3000)
    files = sorted((tmp_path / "one").rglob("*.py"))
    texts = [file.read_bytes() for file in files]
    assert sum(text.count(b"\n") for text in texts) >= 3000
    assert sum(text.count(b"\n") for text in texts) - 3000 < max(text.count(b"\n") for text in texts)
    assert texts == [file.read_bytes() for file in sorted((tmp_path / "other").rglob("*.py"))]


def test_every_size_is_measured_in_a_process_of_its_own_and_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(repository.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(repository, "SIZES", (2000, 6000))
    *_, head, small, large = repository.run().split("\n")
    assert head.split()[:3] == ["lines", "files", "pieces"]
    assert (small.split()[0], large.split()[0]) == ("2,000", "6,000")
    assert int(small.split()[2].replace(",", "")) < int(large.split()[2].replace(",", ""))
    assert list(tmp_path.iterdir()) == []


def test_more_than_there_is_cannot_be_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(repository, "sources", lambda: iter(()))
    with pytest.raises(ValueError, match="install more"):
        repository.repository(tmp_path, 1)
