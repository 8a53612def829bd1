"""Whose weights a model's are: the same for the same weights, wherever they lie, and another for every other."""

import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from copilot_lib import models, weights


def test_a_copy_has_the_same_fingerprint_and_one_changed_number_gives_another(tmp_path):
    shutil.copytree(models.POCKET, tmp_path / "copy")
    file = tmp_path / "copy" / "model.safetensors"
    assert models.fingerprint(str(tmp_path / "copy")) == models.fingerprint("pocket")
    assert models.fingerprint("pocket") == weights.identity(models.POCKET)["weights"]
    changed = load_file(file)
    changed["transformer.ln_f.bias"][0] += 1
    save_file(changed, file)
    assert models.fingerprint(str(tmp_path / "copy")) != models.fingerprint("pocket")


def test_the_hub_s_cache_is_known_by_the_names_it_stores_files_under(tmp_path, monkeypatch):
    # The cache's own layout: blobs under their sha256, links to them in a folder of the commit.
    cached, commit = tmp_path / "models--someone--small", "a" * 40
    snapshot = cached / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    (cached / "blobs").mkdir()
    for name in ("config.json", "model.safetensors"):
        digest = hashlib.sha256((models.POCKET / name).read_bytes()).hexdigest()
        shutil.copy(models.POCKET / name, cached / "blobs" / digest)
        (snapshot / name).symlink_to(cached / "blobs" / digest)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert models.fingerprint("someone/small") == models.fingerprint("pocket")


def test_a_checkpoint_in_pieces_is_all_of_them(tmp_path):
    for name, value in (("a", 1.0), ("b", 2.0)):
        save_file({name: torch.full((2,), value)}, tmp_path / f"{name}.safetensors")
    index = {"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    both = models.fingerprint(str(tmp_path))
    save_file({"b": torch.full((2,), 3.0)}, tmp_path / "b.safetensors")
    assert models.fingerprint(str(tmp_path)) != both


@pytest.mark.parametrize("name", ["someone/absent", "pokcet", "./nowhere", "a/b/c"])
def test_what_is_not_on_this_machine_has_none(name):
    with pytest.raises(models.ModelNotAvailable, match="on this machine"):
        models.fingerprint(name)
