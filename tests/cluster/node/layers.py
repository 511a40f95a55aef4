"""An image archive in OCI layout, made of a ``docker save`` one without the layers that are there.

Most of an image of gigabytes stays when its youngest layer changes. containerd asks of an OCI
layout only what its store lacks, so only that is sent.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Set
from typing import IO, Any

from tests.cluster.node.archive import Contents

_OCI = "application/vnd.oci.image"
_LAYER = f"{_OCI}.layer.v1.tar"


def send(
    contents: Contents, source: tarfile.TarFile, there: Set[str], output: IO[bytes]
) -> list[str]:
    """Write the layout to a stream; returns the digests of the layers that it holds."""
    sent = []
    layers = list(zip(contents.diff_ids, contents.layers, strict=True))
    described = [_descriptor(_LAYER, digest, source.getmember(n).size) for digest, n in layers]
    with tarfile.open(fileobj=output, mode="w|") as layout:
        for digest, name in layers:
            if digest not in there:
                sent.append(digest)
                _stream(layout, digest, source, name)
        _describe(layout, contents, described)
    return sent


def _describe(layout: tarfile.TarFile, contents: Contents, layers: list[dict[str, Any]]) -> None:
    config = _blob(layout, f"{_OCI}.config.v1+json", contents.config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": config,
        "layers": layers,
    }
    described = _blob(layout, manifest["mediaType"], json.dumps(manifest).encode())
    named = [
        {**described, "annotations": {"io.containerd.image.name": name}} for name in contents.names
    ]
    _add(layout, "index.json", json.dumps({"schemaVersion": 2, "manifests": named}).encode())
    _add(layout, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())


def _stream(layout: tarfile.TarFile, digest: str, source: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(_path(digest))
    info.size = source.getmember(name).size
    layout.addfile(info, source.extractfile(name))


def _blob(layout: tarfile.TarFile, media: Any, data: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    _add(layout, _path(digest), data)
    return _descriptor(media, digest, len(data))


def _descriptor(media: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media, "digest": digest, "size": size}


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _add(layout: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    layout.addfile(info, io.BytesIO(data))
