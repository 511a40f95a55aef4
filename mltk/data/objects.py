"""DVC's objects: files named by the MD5 of their bytes, in a cache and in a remote.

What is in the cache is taken from there, at the price of a stat. Only what is not is asked of the
remote, and then DVC is imported (a quarter of a second).
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mltk.errors import INSTALL, ConfigError, DataError, InfrastructureError, MltkError
from mltk.locks import only_one


def md5(file: Path) -> str:
    """MD5 of a file's bytes in hex, as DVC names its objects."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, _md5).hexdigest()


def fetch_object(project: Path, name: str, remote: str | None, dvc_file: str) -> Path:
    """Path in the cache of the object `name` (MD5, or MD5.dir), fetched if it is not there.

    `project` is the folder of a DVC project, `remote` one of its remotes (None: the default).
    DataError when the remote holds other bytes under that name, InfrastructureError when the
    bytes cannot be had: no remote, none that can be read, or one that lacks the object.
    """
    present = project / ".dvc" / "cache" / "files" / "md5" / name[:2] / name[2:]
    if present.is_file():
        return present
    with dvc_project(project) as repo:
        cache = repo.cache.local
        if not cache.exists(name):
            # Of several that need it at once, one asks the remote and the others wait for it.
            with only_one(Path(repo.tmp_dir) / f"mltk-{name}.lock"):
                if not cache.exists(name):
                    _download(repo, name, remote, dvc_file)
        return Path(cache.oid_to_path(name))


def _download(repo: Any, name: str, remote: str | None, dvc_file: str) -> None:
    from dvc.fs import localfs

    source = _remote_objects(repo, remote, dvc_file)
    place = source.oid_to_path(name)
    with tempfile.TemporaryDirectory(dir=repo.tmp_dir) as folder:
        draft = Path(folder, "object")
        try:
            source.fs.get_file(place, str(draft))
        except FileNotFoundError:
            raise InfrastructureError(
                f"the data that {dvc_file} records ({name}) is neither in the cache nor in the"
                f" remote {source.path}",
                where=dvc_file,
                hint=f"type `dvc push {dvc_file}` where the data is, then run again",
            ) from None
        _refuse_other_bytes(draft, name, place, dvc_file)
        repo.cache.local.add(str(draft), localfs, name)


def _remote_objects(repo: Any, remote: str | None, dvc_file: str) -> Any:
    """The remote's object database; it is asked for before anything is read from it."""
    from dvc.config import NoRemoteError

    try:
        found = repo.cloud.get_remote(remote, "fetch")
    except NoRemoteError:
        raise InfrastructureError(
            f"the data that {dvc_file} records is not in the cache, and the project has no remote"
            " to fetch it from",
            where=dvc_file,
            hint="where the data is, type `dvc remote add -d storage URL` and `dvc push`; commit",
        ) from None
    # An object that is missing and a disk that is not mounted look alike further down.
    if found.fs.protocol == "local" and not Path(found.path).is_dir():
        raise InfrastructureError(
            f"the DVC remote '{found.name}' is gone: there is no folder {found.path}",
            where=".dvc/config",
            hint=_bring_back(found.name, Path(found.path), Path(repo.root_dir)),
        )
    return repo.cloud.get_remote_odb(remote, "fetch")


def _bring_back(name: str, folder: Path, project: Path) -> str:
    """What to do about a remote that is a folder and is not there."""
    elsewhere = f"type `dvc remote modify {name} url NEW`"
    if not folder.is_relative_to(project):
        return f"bring it back, or {elsewhere}"
    # As `mltk init` lays it out: git ignores the folder, so no clone brings it along.
    inner = folder.relative_to(project)
    return f"it lies beside the data of the original project: copy its {inner} here, or {elsewhere}"


def _refuse_other_bytes(file: Path, name: str, place: str, dvc_file: str) -> None:
    found = md5(file)
    if found != name.removesuffix(".dir"):
        raise DataError(
            f"{place} holds other bytes (md5:{found}) than {dvc_file} records (md5:{name})",
            where=dvc_file,
            hint=f"the copy is damaged: delete {place},"
            f" and type `dvc push {dvc_file}` where the data is",
        )


@contextmanager
def dvc_library() -> Iterator[type[Any]]:
    """The class ``dvc.repo.Repo``; in the block DVC keeps its advice to itself.

    What DVC and its file systems raise becomes an InfrastructureError.
    """
    try:
        from dvc.repo import Repo
    except ImportError:
        raise InfrastructureError("DVC is not installed", hint=INSTALL) from None
    logger = logging.getLogger("dvc")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # Of the libraries that DVC uses; nothing a user of mltk could act on.
            warnings.simplefilter("ignore", DeprecationWarning)
            yield Repo
    except MltkError:
        raise
    except Exception as error:  # each remote brings the exceptions of its own library
        raise InfrastructureError(
            f"DVC failed: {type(error).__name__}: {error}",
            hint="`dvc status` and `dvc fetch` in the project say more",
        ) from error
    finally:
        logger.setLevel(level)


@contextmanager
def dvc_project(folder: Path) -> Iterator[Any]:
    """The open DVC project in `folder`; ConfigError when there is none."""
    if not (folder / ".dvc").is_dir():
        raise ConfigError(
            "there are .dvc files, but the project was never set up for DVC",
            where=str(folder),
            hint="type `dvc init`, and commit .dvc/",
        )
    # DVC's own place for it, /var/tmp, cannot be written to in a read-only container, nor by the
    # second user of a machine.
    settings = {"core": {"site_cache_dir": str(folder.resolve() / ".dvc" / "tmp" / "site")}}
    with dvc_library() as library, library(str(folder), config=settings) as repo:
        yield repo


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
