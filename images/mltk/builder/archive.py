"""Layers and a config as one archive, which ``ctr images import`` and ``docker load`` read."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.layer import MOMENT

_CREATED = "2024-01-01T00:00:00Z"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclasses.dataclass(frozen=True)
class Layer:
    """A packed layer, with the digest of its tar file and what it is."""

    file: Path
    digest: str
    what: str


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a container of the image runs."""

    user: str
    environment: Mapping[str, str]
    entrypoint: Sequence[str]
    labels: Mapping[str, str]


def config(layers: Sequence[Layer], settings: Settings, machine: str = "") -> bytes:
    """Give the image's config; its SHA-256 is the image's ID."""
    machine = machine or platform.machine()
    document = {
        "architecture": _MACHINES.get(machine, machine),
        "os": "linux",
        "created": _CREATED,
        "config": {
            "User": settings.user,
            "Env": [f"{name}={value}" for name, value in settings.environment.items()],
            "Entrypoint": list(settings.entrypoint),
            "WorkingDir": "/",
            "Labels": dict(settings.labels),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        "history": [{"created": _CREATED, "created_by": layer.what} for layer in layers],
    }
    return _json(document)


def write(target: Path, tag: str, layers: Sequence[Layer], settings: Settings) -> str:
    """Write the archive, whole or not at all; return the image's ID."""
    content = config(layers, settings)
    identity = hashlib.sha256(content).hexdigest()
    names = [f"{layer.digest.removeprefix('sha256:')}/layer.tar" for layer in layers]
    manifest = [{"Config": f"{identity}.json", "RepoTags": [tag], "Layers": names}]
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as tar:
            # First, so that a reader of the stream knows what comes.
            _add(tar, "manifest.json", _json(manifest))
            _add(tar, f"{identity}.json", content)
            # The same layer twice is one file; an archive must not hold a name twice.
            for name, layer in dict(zip(names, layers, strict=True)).items():
                info = _entry(name, layer.file.stat().st_size)
                with layer.file.open("rb") as stream:
                    tar.addfile(info, stream)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return f"sha256:{identity}"


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_entry(name, len(content)), io.BytesIO(content))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, MOMENT
    return info


def _json(document: Any) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"
