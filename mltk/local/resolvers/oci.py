"""Images in an OCI layout, as a folder or as an archive of it, read with the standard library.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md. Every blob is checked
against its digest, so that a layout can hold nothing but what its index names.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mltk.local.resolvers.base import MAX_BYTES

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_REF = "org.opencontainers.image.ref.name"
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_BIGGEST_BLOB = 16 * MAX_BYTES
_GZIP = b"\x1f\x8b"


class BadLayout(Exception):
    """There is no image, or not one that can be read."""


class Files(Protocol):
    """The files of a layout by their path in it."""

    def read(self, path: str) -> bytes:
        """Return a file; raises BadLayout when it is not there, or too big."""


@dataclass(frozen=True)
class Image:
    """A manifest with its digest, ``sha256:...``."""

    digest: str
    manifest: dict[str, Any]
    files: Files

    @property
    def layers(self) -> list[dict[str, Any]]:
        """Descriptors of the layers."""
        return [each for each in self.manifest.get("layers") or () if isinstance(each, dict)]

    def layer(self, descriptor: dict[str, Any]) -> bytes:
        """Return what a layer holds: the first file of an archive, or all of it."""
        plain = _plain(_blob(self.files, descriptor))
        try:
            with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
                first = archive.next()
                file = archive.extractfile(first) if first is not None else None
                if file is None or first is None or first.size > MAX_BYTES:
                    raise BadLayout("the first entry of the layer is no file that can be read")
                return file.read()
        except tarfile.TarError:
            return plain


@contextmanager
def opened(path: Path) -> Iterator[Files]:
    """The files of a layout; raises BadLayout for what is neither a folder nor an archive."""
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        with tarfile.open(path) as archive:
            yield _Archive(archive)
    except FileNotFoundError:
        raise BadLayout(f"there is no {path}") from None
    except (OSError, tarfile.TarError) as error:
        raise BadLayout(f"{path} is no OCI layout: {error}") from None


def find_image(files: Files, wanted: str) -> Image:
    """Return the image of a tag or a digest; the only one when `wanted` is empty."""
    index = _json(files.read("index.json"))
    manifests = [each for each in index.get("manifests") or () if isinstance(each, dict)]
    found = [each for each in manifests if _is_wanted(each, wanted)]
    if not found:
        tags = ", ".join(sorted(map(_tag, manifests))) or "none"
        raise BadLayout(f"there is no image '{wanted}' in the layout (tags: {tags})")
    if len(found) > 1:
        tags = ", ".join(sorted(map(_tag, found)))
        raise BadLayout(f"there are {len(found)} images in the layout: name one of {tags}")
    return _image(files, found[0])


def _image(files: Files, descriptor: dict[str, Any]) -> Image:
    manifest = _json(_blob(files, descriptor))
    if manifest.get("mediaType", descriptor.get("mediaType")) in _INDEXES:
        inner = [each for each in manifest.get("manifests") or () if isinstance(each, dict)]
        if not inner:
            raise BadLayout("the index of the image is empty")
        descriptor = next(filter(_is_for_linux, inner), inner[0])
        manifest = _json(_blob(files, descriptor))
    return Image(str(descriptor["digest"]), manifest, files)


def _is_wanted(descriptor: dict[str, Any], wanted: str) -> bool:
    return not wanted or wanted in (_tag(descriptor), descriptor.get("digest"))


def _is_for_linux(descriptor: dict[str, Any]) -> bool:
    platform = descriptor.get("platform") or {}
    return (platform.get("os"), platform.get("architecture")) == ("linux", "amd64")


def _tag(descriptor: dict[str, Any]) -> str:
    return str((descriptor.get("annotations") or {}).get(_REF, ""))


def _blob(files: Files, descriptor: dict[str, Any]) -> bytes:
    digest = str(descriptor.get("digest", ""))
    named = _DIGEST.fullmatch(digest)
    if named is None:
        raise BadLayout(f"'{digest}' is no digest of SHA-256")
    found = files.read(f"blobs/sha256/{named[1]}")
    if hashlib.sha256(found).hexdigest() != named[1]:
        raise BadLayout(f"the blob {digest} holds something else")
    return found


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadLayout("an index or a manifest of the layout is not JSON")
    return found


def _plain(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            found = file.read(_BIGGEST_BLOB + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadLayout(f"a layer cannot be unpacked: {error}") from None
    if len(found) > _BIGGEST_BLOB:
        raise BadLayout(f"a layer holds more than {_BIGGEST_BLOB} bytes")
    return found


@dataclass(frozen=True)
class _Folder:
    root: Path

    def read(self, path: str) -> bytes:
        try:
            with (self.root / path).open("rb") as file:
                return _bounded(file.read(_BIGGEST_BLOB + 1), path)
        except OSError as error:
            raise BadLayout(f"{path} of the layout cannot be read: {error.strerror}") from None


@dataclass(frozen=True)
class _Archive:
    archive: tarfile.TarFile

    def read(self, path: str) -> bytes:
        for name in (path, f"./{path}"):
            try:
                file = self.archive.extractfile(name)
            except KeyError:
                continue
            if file is not None:
                return _bounded(file.read(_BIGGEST_BLOB + 1), path)
        raise BadLayout(f"{path} is not in the archive")


def _bounded(data: bytes, path: str) -> bytes:
    if len(data) > _BIGGEST_BLOB:
        raise BadLayout(f"{path} of the layout holds more than {_BIGGEST_BLOB} bytes")
    return data
