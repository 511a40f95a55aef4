"""The bundle as a folder: written whole or not at all, read only when nothing is changed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mltk.errors import InfrastructureError, NotFound, StepError
from mltk.tfjs.manifest import MANIFEST_FILE, File, Manifest, decode, digest_of


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose files were found to be those that its manifest names."""

    folder: Path
    digest: str
    manifest: Manifest


def read_bundle(folder: str | Path) -> Bundle:
    """Read a bundle and check every file of it.

    Raises NotFound when `folder` holds no bundle, and StepError when bundle.json cannot be
    understood or a file is missing, changed, or not of the bundle.
    """
    folder = Path(folder)
    content = _manifest_bytes(folder)
    try:
        manifest = decode(content)
    except ValueError as error:
        raise StepError(
            f"{MANIFEST_FILE} is not that of a bundle: {_first_line(error)}", where=str(folder)
        ) from None
    damages = list(_damages(folder, manifest))
    if damages:
        raise StepError(
            "the bundle is not what was exported: " + "; ".join(damages),
            where=str(folder),
            hint="fetch the bundle again, or export the model again",
        )
    return Bundle(folder, digest_of(content), manifest)


def bundle_digest(folder: str | Path) -> str:
    """Give the digest of a bundle, ``sha256:`` and the hash of its bundle.json.

    bundle.json holds the hash of every other file, so that the digest stands for all of them.
    """
    return digest_of(_manifest_bytes(Path(folder)))


def describe_files(folder: Path) -> tuple[File, ...]:
    """Describe what lies in `folder`, in the order of the names."""
    return tuple(
        File(path.name, path.stat().st_size, _sha256(path))
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST_FILE
    )


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a draft folder that becomes `folder` in the end, or vanishes when something fails.

    A failure to write (disk full, no permission) is raised as InfrastructureError.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise unwritable(folder, error.strerror) from error
    try:
        # mkdtemp is for its owner only; what is served from here is for all.
        draft.chmod(0o755)
        yield draft
        _swap(draft, folder)
    except OSError as error:
        raise unwritable(folder, error.strerror) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def unwritable(folder: Path, reason: str | None) -> InfrastructureError:
    """Say that the bundle could not be written, and why."""
    return InfrastructureError(
        f"the bundle could not be written: {reason}",
        where=str(folder),
        hint="make room on the disk, or choose another folder, and export again",
    )


def _swap(draft: Path, folder: Path) -> None:
    if folder.exists():
        # A rename cannot replace a folder that holds files.
        former = draft.with_name(draft.name + ".former")
        folder.rename(former)
        draft.rename(folder)
        shutil.rmtree(former, ignore_errors=True)
    else:
        draft.rename(folder)


def _manifest_bytes(folder: Path) -> bytes:
    try:
        return (folder / MANIFEST_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"there is no bundle: {MANIFEST_FILE} is missing",
            where=str(folder),
            hint="name the folder that the model was exported into",
        ) from None
    except OSError as error:
        raise InfrastructureError(
            f"{MANIFEST_FILE} could not be read: {error.strerror}", where=str(folder)
        ) from error


def _damages(folder: Path, manifest: Manifest) -> Iterator[str]:
    named = {file.path: file for file in manifest.files}
    present = {path.name: path for path in folder.iterdir() if path.name != MANIFEST_FILE}
    for name in sorted({*named, *present}):
        if name not in present:
            yield f"{name} is missing"
        elif name not in named:
            yield f"{name} does not belong to it"
        elif _sha256(present[name]) != named[name].sha256:
            yield f"{name} is changed"


def _sha256(path: Path) -> str:
    if not path.is_file():
        return "not a file"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
