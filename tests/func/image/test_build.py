"""The parts of the image: layers whose bytes stay the same, a config that runs nobody as root."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

IMAGE = Path(__file__).parents[3] / "images" / "mltk"
sys.path.insert(0, str(IMAGE))

import build  # noqa: E402
from builder import archive, cache, layer, mirror, rootfs  # noqa: E402


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return _fill(tmp_path / "tree")


def _fill(root: Path) -> Path:
    """A root file system with one of each: folders, a program, a hard link, a symbolic link."""
    (root / "usr/bin").mkdir(parents=True)
    (root / "etc").mkdir()
    for name, content in (("b", "second"), ("a", "first")):
        (root / "etc" / name).write_text(content)
    program = root / "usr/bin/program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (root / "usr/bin/again").hardlink_to(program)
    (root / "bin").symlink_to("usr/bin")
    return root


def _members(file: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(file) as tar:
        return {member.name: member for member in tar}


def test_the_same_files_give_the_same_layer(tmp_path: Path, tree: Path) -> None:
    other = _fill(tmp_path / "other")
    for path in other.rglob("*"):
        os.utime(path, (1, 2_000_000_000), follow_symlinks=False)
    first, second = tmp_path / "1.tar", tmp_path / "2.tar"
    digests = layer.pack(tree, first), layer.pack(other, second)
    assert first.read_bytes() == second.read_bytes()
    assert set(digests) == {f"sha256:{hashlib.sha256(first.read_bytes()).hexdigest()}"}


def test_a_layer_keeps_modes_links_and_owners(tmp_path: Path, tree: Path) -> None:
    layer.pack(tree, tmp_path / "layer.tar")
    members = _members(tmp_path / "layer.tar")
    assert list(members) == sorted(members, key=lambda name: name.split("/"))
    assert {member.mtime for member in members.values()} == {layer.MOMENT}
    assert members["usr/bin/program"].mode == 0o755
    assert members["usr/bin/program"].islnk() != members["usr/bin/again"].islnk()
    assert members["bin"].linkname == "usr/bin"
    assert (members["etc/a"].uid, members["etc/a"].uname) == (os.getuid(), "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a device, which a whiteout is")
def test_what_a_layer_removes_becomes_a_whiteout(tmp_path: Path, tree: Path) -> None:
    os.mknod(tree / "etc/gone", 0o20000, os.makedev(0, 0))
    layer.pack(tree, tmp_path / "layer.tar")
    assert _members(tmp_path / "layer.tar")["etc/.wh.gone"].isreg()


def _layer(folder: Path, content: bytes) -> archive.Layer:
    file = folder / f"{len(list(folder.iterdir()))}.tar"
    with tarfile.open(file, "w") as tar:
        info = tarfile.TarInfo("file")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return archive.Layer(file, f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}", "a file")


def test_an_archive_holds_what_its_manifest_names(tmp_path: Path) -> None:
    layers = [_layer(tmp_path, b"one"), _layer(tmp_path, b"two")]
    output = tmp_path / "new" / "image.tar"
    identity = archive.write(output, "localhost/mltk:0.1.0", layers, build.SETTINGS)
    with tarfile.open(output) as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        content = tar.extractfile(manifest["Config"]).read()  # type: ignore[union-attr]
        packed = [tar.extractfile(name).read() for name in manifest["Layers"]]  # type: ignore[union-attr]
    assert manifest["RepoTags"] == ["localhost/mltk:0.1.0"]
    assert identity == f"sha256:{hashlib.sha256(content).hexdigest()}"
    digests = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in packed]
    assert json.loads(content)["rootfs"]["diff_ids"] == digests
    again = archive.write(tmp_path / "again.tar", "localhost/mltk:0.1.0", layers, build.SETTINGS)
    assert again == identity
    assert (tmp_path / "again.tar").read_bytes() == output.read_bytes()


def test_nothing_is_left_of_an_archive_that_failed(tmp_path: Path) -> None:
    absent = archive.Layer(tmp_path / "absent.tar", "sha256:0", "nothing")
    with pytest.raises(FileNotFoundError):
        archive.write(tmp_path / "image.tar", "localhost/mltk:0.1.0", [absent], build.SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_a_container_of_it_is_nobody_in_particular(tmp_path: Path) -> None:
    found = json.loads(archive.config([_layer(tmp_path, b"")], build.SETTINGS, "aarch64"))
    assert (found["architecture"], found["os"]) == ("arm64", "linux")
    assert found["config"]["User"] == "65532:65532"
    assert found["config"]["Entrypoint"] == ["mltk"]
    assert "HOME=/tekton/home" in found["config"]["Env"]


def test_the_dockerfile_says_the_same() -> None:
    text = (IMAGE / "Dockerfile").read_text().replace("\\\n", " ")
    (environment,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    assert dict(pair.split("=", 1) for pair in shlex.split(environment)) == dict(
        build.SETTINGS.environment
    )
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == [build.SETTINGS.user]
    assert re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE) == [
        json.dumps(list(build.SETTINGS.entrypoint))
    ]
    ran = re.findall(r"install/(\w+)\.sh", text)
    assert ran == [part.name for part in build.PARTS]


def test_every_part_has_its_script_and_inputs() -> None:
    for part in build.PARTS:
        names = [name for name, _ in build.inputs(part)]
        assert f"images/mltk/install/{part.name}.sh" in names
        assert len(names) == len(set(names)) >= 2 + len(part.inputs)
        assert not any("__pycache__" in name for name in names)


def test_what_asks_for_tensorflow_js_finds_all_that_it_imports(tmp_path: Path) -> None:
    """Its part of the image sees these files alone."""
    (part,) = (each for each in build.PARTS if each.name == "tfjs")
    for name in part.inputs:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(IMAGE.parents[1] / name, tmp_path / name)
    command = [sys.executable, "-S", "-c", "import mltk.tfjs.node"]
    alone = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_key_tells_content_names_and_what_lies_below(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    key = cache.key_of("below", [("a", one), ("b", two)])
    assert key == cache.key_of("below", [("b", two), ("a", one)])
    two.write_text("3")
    others = [
        cache.key_of("below", [("a", one), ("b", two)]),
        cache.key_of("other", [("a", one)]),
        cache.key_of("below", [("a", one)]),
        cache.key_of("below", [("c", one)]),
    ]
    assert len({key, *others}) == 5


def test_a_layer_is_made_once_for_a_key(tmp_path: Path) -> None:
    calls = []

    def make(tree: Path) -> None:
        calls.append(tree)
        (tree / "file").write_text("content")

    first = cache.find_or_make(tmp_path, "mltk", "k1", make)
    again = cache.find_or_make(tmp_path, "mltk", "k1", make)
    assert len(calls) == 1
    assert again.layer("mltk") == first.layer("mltk")
    cache.find_or_make(tmp_path, "mltk", "k2", make)
    assert [path.name for path in tmp_path.iterdir()] == ["mltk-k2"]


def test_a_layer_that_failed_is_not_kept(tmp_path: Path) -> None:
    def fail(tree: Path) -> None:
        (tree / "half").write_text("")
        raise rootfs.BuildError("no network")

    for _ in range(2):
        with pytest.raises(rootfs.BuildError, match="no network"):
            cache.find_or_make(tmp_path, "mltk", "k1", fail)
    assert not (tmp_path / "mltk-k1").exists()


def test_the_mirror_is_that_of_the_machine(tmp_path: Path) -> None:
    assert mirror.of_machine(tmp_path) == mirror.Mirror()
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n\n"
        "Types: deb\nURIs: http://mirror.example/security/\nSuites: bookworm-security\n"
    )
    found = mirror.of_machine(tmp_path)
    assert found == mirror.Mirror("http://mirror.example/debian", "http://mirror.example/security")
    (tmp_path / "sources.list").write_text(
        "# comment\ndeb [signed-by=/k] http://other.example/debian bookworm main\n"
    )
    assert mirror.of_machine(tmp_path).main == "http://other.example/debian"
    assert mirror.of_machine(tmp_path).sources() == (
        "deb http://other.example/debian bookworm main\n"
        "deb http://other.example/debian bookworm-updates main\n"
        "deb http://mirror.example/security bookworm-security main\n"
    )


def test_a_machine_whose_apt_names_no_mirror_leaves_the_choice_to_debootstrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap = tmp_path / "bin" / "debootstrap"
    bootstrap.parent.mkdir()
    bootstrap.write_text('#!/bin/sh\necho "$@"\n')
    bootstrap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bootstrap.parent}:{os.environ['PATH']}")
    log = tmp_path / "log"
    rootfs.debian(tmp_path / "tree", mirror.of_machine(tmp_path), log)
    assert log.read_text() == f"--variant=minbase bookworm {tmp_path / 'tree'}\n"


def test_a_machine_that_cannot_build_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo" in rootfs.missing()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "apt-get install debootstrap" in rootfs.missing()
