"""Which version of a data file a commit names, without pulling it.

DVC records the MD5 of a file's bytes, in the .dvc file itself or, for a file in a tracked folder,
in the folder's manifest. Both are small; DVC (the library) is only imported when the manifest is
not in the cache of this machine.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from mltk.data.objects import fetch_object, md5
from mltk.errors import ConfigError, DataError
from mltk.project.git import Repository
from mltk.wording import did_you_mean

_LFS = b"version https://git-lfs.github.com/spec/"


@dataclasses.dataclass(frozen=True)
class Tracked:
    """A data file at one revision.

    `digest` is the MD5 of its bytes, `dvc_file` what tracks it (None: git itself) and `remote` the
    DVC remote that the .dvc file asks for (None: the default one).
    """

    path: str
    digest: str
    dvc_file: str | None = None
    remote: str | None = None

    @property
    def version(self) -> str:
        """The version as keys and results have it."""
        return f"md5:{self.digest}"


@dataclasses.dataclass(frozen=True)
class _Output:
    """One entry of `outs` in a .dvc file or in dvc.lock; `path` is relative to the repository."""

    path: str
    digest: str
    dvc_file: str
    remote: str | None


def locate(
    repository: Repository, path: str, revision: str, objects: Path | None = None
) -> Tracked:
    """What `revision` names as the bytes of `path`, be it tracked by DVC or by git.

    Manifests of folders are looked up in the DVC project at `objects` (default: the repository).
    Raises ConfigError for a file that nothing tracks, DataError or InfrastructureError when a
    manifest is neither in the cache nor in the remote.
    """
    output = _output(repository, path, revision)
    if output is None:
        return _in_git(repository, path, revision)
    if not output.digest.endswith(".dir"):
        return Tracked(path, output.digest, output.dvc_file, output.remote)
    manifest = fetch_object(
        objects or repository.root, output.digest, output.remote, output.dvc_file
    )
    entries = _entries(manifest)
    inner = PurePosixPath(path).relative_to(output.path).as_posix()
    if inner not in entries:
        raise ConfigError(
            f"'{path}' is not in the folder '{output.path}' as {output.dvc_file} records it"
            + did_you_mean(inner, list(entries)),
            where=output.dvc_file,
            hint=f"type `dvc add {output.path}` and commit {output.dvc_file}",
        )
    return Tracked(path, entries[inner], output.dvc_file, output.remote)


def content(
    repository: Repository, tracked: Tracked, revision: str, objects: Path | None = None
) -> bytes:
    """The bytes of a data file: from the work tree if it has them, else from git or from DVC.

    DVC's are looked up in the project at `objects` (default: the repository).
    """
    file = repository.root / tracked.path
    if file.is_file() and md5(file) == tracked.digest:
        return file.read_bytes()
    if tracked.dvc_file is None:
        return repository.read(revision, tracked.path) or b""
    project = objects or repository.root
    return fetch_object(project, tracked.digest, tracked.remote, tracked.dvc_file).read_bytes()


def tracker(repository: Repository, path: str, revision: str) -> tuple[str, str] | None:
    """The .dvc file that tracks `path` and the output (it, or a folder above it); None: no file."""
    output = _output(repository, path, revision)
    return (output.dvc_file, output.path) if output else None


def refuse_changed(repository: Repository, tracked: Tracked) -> None:
    """ConfigError when the file in the work tree is not the one that its .dvc file records.

    A file that was not pulled is fine: the run pulls it.
    """
    file = repository.root / tracked.path
    if tracked.dvc_file is None or not file.is_file() or md5(file) == tracked.digest:
        return
    raise ConfigError(
        f"'{tracked.path}' changed, and {tracked.dvc_file} still records the version before",
        where=tracked.path,
        hint=f"type `{_record(tracked.dvc_file)}` to keep the change, or"
        f" `dvc checkout {tracked.dvc_file}` to undo it",
    )


def _record(dvc_file: str) -> str:
    """The command that makes DVC record what is in the work tree."""
    if PurePosixPath(dvc_file).name == "dvc.lock":
        return "dvc repro"
    return f"dvc add {dvc_file.removesuffix('.dvc')}"


def _in_git(repository: Repository, path: str, revision: str) -> Tracked:
    content = repository.read(revision, path)
    if content is not None:
        if content.startswith(_LFS):
            raise ConfigError(
                f"'{path}' is kept by Git LFS, which mltk does not read",
                where=path,
                hint=f"type `git rm --cached {path}`, `dvc add {path}` and commit {path}.dvc",
            )
        return Tracked(path, hashlib.md5(content, usedforsecurity=False).hexdigest())
    if (repository.root / path).exists():
        raise ConfigError(
            f"'{path}' is tracked neither by DVC nor by git",
            where=path,
            hint=f"type `dvc add {path}` and commit {path}.dvc",
        )
    raise ConfigError(
        f"there is no data file '{path}'",
        where=f"revision {revision[:12]}",
        hint=f"correct data.path in mltk.yaml, or bring the file, type `dvc add {path}` and commit",
    )


def _output(repository: Repository, path: str, revision: str) -> _Output | None:
    """The output that is `path` or a folder above it."""
    inside = {path, *(str(folder) for folder in PurePosixPath(path).parents)}
    # Where `dvc add` puts it; only then all the other places where it may be.
    usual = [f"{place}.dvc" for place in sorted(inside, key=len, reverse=True) if place != "."]
    seen = set()
    for dvc_file in (*usual, *_dvc_files(repository, revision)):
        if dvc_file not in seen:
            seen.add(dvc_file)
            for output in _outputs(repository.read(revision, dvc_file), dvc_file):
                if output.path in inside:
                    return output
    return None


def _dvc_files(repository: Repository, revision: str) -> Iterator[str]:
    for file in repository.files(revision):
        if file.endswith(".dvc") or PurePosixPath(file).name == "dvc.lock":
            yield file


@functools.lru_cache(maxsize=256)
def _outputs(content: bytes | None, dvc_file: str) -> tuple[_Output, ...]:
    if content is None:
        return ()
    try:
        document = yaml.safe_load(content)
        stages = [document] if dvc_file.endswith(".dvc") else document["stages"].values()
        return tuple(
            _parse_output(out, stage.get("wdir", "."), dvc_file)
            for stage in stages
            for out in stage.get("outs", ())
            if out.get("cache", True)
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            "this is not a file as DVC writes it", where=dvc_file, hint="type `dvc status`"
        ) from None


def _parse_output(out: dict[str, Any], wdir: str, dvc_file: str) -> _Output:
    folder = PurePosixPath(dvc_file).parent / wdir
    path = _normal(folder / out["path"])
    digest = str(out.get("md5", ""))
    if out.get("hash") != "md5" or not digest:
        raise ConfigError(
            f"{dvc_file} records no MD5 of '{path}' as DVC 3 does",
            where=dvc_file,
            hint="type `dvc cache migrate --dvc-files` (DVC 2), or `dvc add` it again",
        )
    return _Output(path, digest, dvc_file, out.get("remote"))


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _entries(manifest: Path) -> dict[str, str]:
    try:
        return {
            entry["relpath"]: entry["md5"]
            for entry in json.loads(manifest.read_text(encoding="utf-8"))
        }
    except (ValueError, KeyError, TypeError):
        raise DataError(
            "the manifest of a data folder in DVC's cache is damaged",
            where=str(manifest),
            hint="delete that file, then type `dvc fetch`",
        ) from None
