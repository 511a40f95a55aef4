#!/usr/bin/env python3
"""Build the image of mltk without a registry and without a container engine.

    sudo python3 images/mltk/build.py --tag localhost/mltk:0.1.0 --output mltk.tar

The content is that of the Dockerfile beside this file: both run install/. The archive goes into
a cluster's node with `ctr -n k8s.io images import mltk.tar`, into Docker with `docker load`. Needs
root, Debian's debootstrap, and the network for what the cache does not hold yet.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from builder import archive, cache, mirror, rootfs

REPOSITORY = Path(__file__).parents[2]
_INSTALL = "images/mltk/install"

SETTINGS = archive.Settings(
    user="65532:65532",
    environment={
        "PATH": "/opt/mltk/bin:/usr/local/bin:/usr/bin:/bin",
        # Tekton mounts a volume there; all else is read-only.
        "HOME": "/tekton/home",
        "TMPDIR": "/tekton/home",
        "MLTK_CACHE": "/opt/mltk/cache",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        # A training is followed while it runs.
        "PYTHONUNBUFFERED": "1",
    },
    entrypoint=["mltk"],
    labels={
        "org.opencontainers.image.title": "mltk",
        "org.opencontainers.image.licenses": "Apache-2.0",
    },
)


@dataclasses.dataclass(frozen=True)
class Part:
    """A layer: the script in install/ that makes it, and the files that the script reads."""

    name: str
    what: str
    inputs: tuple[str, ...] = ()


PARTS = (
    Part("system", "Debian bookworm, Python 3.11 and git"),
    Part("requirements", "the locked requirements", ("requirements/image.txt",)),
    Part(
        "tfjs",
        "TensorFlow.js",
        (
            "mltk/__init__.py",
            "mltk/errors.py",
            "mltk/locks.py",
            "mltk/tfjs/__init__.py",
            "mltk/tfjs/node.py",
            "mltk/tfjs/runtime/.npmrc",
            "mltk/tfjs/runtime/package.json",
            "mltk/tfjs/runtime/package-lock.json",
        ),
    ),
    Part(
        "mltk",
        "mltk",
        ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "mltk", "tasks", "tekton"),
    ),
)


def main() -> int:
    arguments = _arguments()
    lacking = rootfs.missing()
    if lacking:
        _say(f"error: {lacking}")
        return 3
    try:
        build(arguments.tag, arguments.output, arguments.cache)
    except rootfs.BuildError as error:
        _say(f"error: {error}")
        return 5
    return 0


def build(tag: str, output: Path, folder: Path) -> None:
    """Make what the cache lacks, and write the archive."""
    began = time.monotonic()
    made: list[cache.Made] = []
    with cache.only_one(folder):
        for part in PARTS:
            made.append(_layer(part, made, folder))
        layers = [found.layer(part.what) for found, part in zip(made, PARTS, strict=True)]
        identity = archive.write(output, tag, layers, SETTINGS)
    size = output.stat().st_size / 1e6
    _say(f"{tag} {identity[:19]} {size:.0f} MB in {time.monotonic() - began:.0f} s: {output}")


def _layer(part: Part, below: list[cache.Made], folder: Path) -> cache.Made:
    files = list(inputs(part))
    key = cache.key_of(below[-1].key if below else mirror.SUITE, files)
    began = time.monotonic()

    def make(tree: Path) -> None:
        _say(f"{part.name}: making {part.what}; log: {folder / part.name}.log")
        with tempfile.TemporaryDirectory(prefix="mltk-image-") as source:
            _copy(files, Path(source))
            _fill(part.name, tree, below, Path(source), folder / f"{part.name}.log")

    found = cache.find_or_make(folder, part.name, key, make)
    _say(f"{part.name}: {found.size / 1e6:.0f} MB, key {key} ({time.monotonic() - began:.0f} s)")
    return found


def _fill(part: str, tree: Path, below: list[cache.Made], source: Path, log: Path) -> None:
    log.unlink(missing_ok=True)
    if not below:
        rootfs.debian(tree, mirror.of_machine(), log)
    rootfs.install(part, tree, [found.tree for found in reversed(below)], source, log)
    if not below:
        rootfs.settle(tree)


def inputs(part: Part) -> Iterator[tuple[str, Path]]:
    """Give the files that a part is made from: its script and what that reads, by name."""
    for name in (f"{_INSTALL}/common.sh", f"{_INSTALL}/{part.name}.sh", *part.inputs):
        place = REPOSITORY / name
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in found:
            if file.is_file() and "__pycache__" not in file.parts:
                yield file.relative_to(REPOSITORY).as_posix(), file


def _copy(files: list[tuple[str, Path]], target: Path) -> None:
    # Its scripts see nothing but what counts in the key.
    target.chmod(0o755)
    for name, file in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / name)
        (target / name).chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the image of mltk without a registry.")
    parser.add_argument("--tag", required=True, help="name of the image, e.g. localhost/mltk:0.1.0")
    parser.add_argument("--output", required=True, type=Path, help="archive to write")
    parser.add_argument("--cache", type=Path, default=cache.cache_folder(), help="folder of layers")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stderr.write(f"image: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
