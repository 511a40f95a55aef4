"""Image archives (``docker save`` format): writing small ones, and reading what one holds."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node.errors import NodeError

NONROOT = 65532
_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
_PASSWD = f"root:x:0:0::/root:/bin/sh\nnonroot:x:{NONROOT}:{NONROOT}::/home/nonroot:/bin/sh\n"


@dataclass(frozen=True)
class Contents:
    """What an archive says of itself."""

    names: tuple[str, ...]
    config: bytes
    layers: tuple[str, ...]
    """The members that hold the layers, the lowest first."""

    @property
    def config_digest(self) -> str:
        """What tells one image from another."""
        return f"sha256:{hashlib.sha256(self.config).hexdigest()}"

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The digests of the layers as they are unpacked, in the same order."""
        return tuple(json.loads(self.config)["rootfs"]["diff_ids"])


def write(
    output: Path,
    name: str,
    *,
    files: Mapping[str, Path],
    links: Mapping[str, str],
    entrypoint: Sequence[str],
    user: int,
) -> None:
    """Write an image of one layer: ``files`` by their path in it, ``links`` to their targets."""
    layer = _layer(files, links)
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": _ARCHITECTURE,
            "os": "linux",
            "config": {
                "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/sbin:/ko-app"],
                "Entrypoint": list(entrypoint),
                "User": str(user),
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        },
        sort_keys=True,
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_name = f"{digest}/layer.tar"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [layer_name]}]
    with tarfile.open(output, "w") as archive:
        _add(archive, config_name, config)
        _add(archive, layer_name, layer)
        _add(archive, "manifest.json", json.dumps(manifest).encode())


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[Contents, tarfile.TarFile]]:
    """What an archive holds, and the archive to read its layers from.

    Raises:
        NodeError: it is no such archive, or holds more than one image.
    """
    try:
        with tarfile.open(path, mode="r:") as archive:
            yield _contents(archive), archive
    except FileNotFoundError:
        raise NodeError(f"{path}: no such file") from None
    except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise NodeError(
            f"{path} is not an archive of one image: {error}",
            hint="images/mltk/build.py and `docker save` write such archives",
        ) from None


def _contents(archive: tarfile.TarFile) -> Contents:
    (image,) = json.loads(_member(archive, "manifest.json"))
    config = _member(archive, image["Config"])
    return Contents(tuple(image["RepoTags"] or ()), config, tuple(image["Layers"]))


def _layer(files: Mapping[str, Path], links: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for folder, mode in (("tmp", 0o1777), ("etc", 0o755), ("home/nonroot", 0o755)):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, mode
            if folder == "home/nonroot":
                info.uid = info.gid = NONROOT
            layer.addfile(info)
        _add(layer, "etc/passwd", _PASSWD.encode())
        for target, source in sorted(files.items()):
            _add(layer, target, source.read_bytes(), mode=0o755)
        for link, target in sorted(links.items()):
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, target
            layer.addfile(info)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    archive.addfile(info, io.BytesIO(data))


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()
