from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from mltk.errors import InfrastructureError, NotFound, StepError
from mltk.tfjs import bundle_digest, read_bundle
from mltk.tfjs.bundle import describe_files, replacing
from mltk.tfjs.manifest import MANIFEST_FILE, Golden, Lineage, Manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle of two files that are no model: reading checks digests only."""
    home = tmp_path / "bundle"
    home.mkdir()
    (home / "model.json").write_text("{}")
    (home / "group1-shard1of1.bin").write_bytes(b"\x00\x01")
    files = describe_files(home)
    told = Manifest(1, "m", "", "", (), (), (), Lineage(), "none", files, 4, Golden({}, {}))
    (home / MANIFEST_FILE).write_bytes(told.encode())
    return home


def test_a_whole_bundle_is_read(folder: Path) -> None:
    bundle = read_bundle(folder)
    assert bundle.digest == bundle_digest(folder)
    assert bundle.digest.startswith("sha256:")
    assert [file.path for file in bundle.manifest.files] == ["group1-shard1of1.bin", "model.json"]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda home: (home / "model.json").unlink(), "model.json is missing"),
        (lambda home: (home / "model.json").write_text("[]"), "model.json is changed"),
        (lambda home: (home / "a.txt").write_text(""), "a.txt does not belong to it"),
        (lambda home: (home / "sub").mkdir(), "sub does not belong to it"),
        (lambda home: (home / MANIFEST_FILE).write_text("{}"), "bundle.json is not that of"),
        (lambda home: (home / MANIFEST_FILE).write_text("{"), "bundle.json is not that of"),
    ],
)
def test_a_damaged_bundle_is_refused(
    folder: Path, damage: Callable[[Path], None], complaint: str
) -> None:
    damage(folder)
    with pytest.raises(StepError, match=complaint) as caught:
        read_bundle(folder)
    assert caught.value.where == str(folder)


def test_a_folder_without_a_bundle_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"bundle\.json is missing"):
        read_bundle(tmp_path)
    with pytest.raises(NotFound, match=r"bundle\.json is missing"):
        bundle_digest(tmp_path / "nowhere")


def test_the_digest_stands_for_every_file(folder: Path) -> None:
    before = bundle_digest(folder)
    (folder / "model.json").write_text("[]")
    manifest = dataclasses.replace(
        Manifest(1, "m", "", "", (), (), (), Lineage(), "none", (), 4, Golden({}, {})),
        files=describe_files(folder),
    )
    (folder / MANIFEST_FILE).write_bytes(manifest.encode())
    assert bundle_digest(folder) != before


def test_a_failure_leaves_the_former_bundle_and_no_draft(folder: Path) -> None:
    before = bundle_digest(folder)
    full = pytest.raises(InfrastructureError, match="No space left on device")
    with full, replacing(folder) as draft:
        (draft / "model.json").write_text("new")
        raise OSError(28, "No space left on device")
    assert bundle_digest(folder) == before
    assert read_bundle(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_a_new_bundle_replaces_the_former_one(folder: Path) -> None:
    with replacing(folder) as draft:
        (draft / "only").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["only"]
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_a_parent_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = pytest.raises(InfrastructureError, match="could not be written")
    with refused, replacing(tmp_path / "file" / "bundle"):
        pass
