"""A bucket as a source, by fsspec: S3, Google, Azure, HTTP.

Credentials come from the environment, as the library of each store reads them; an S3 server that is
not Amazon's is named by `endpoint`, or by `AWS_ENDPOINT_URL`.
"""

from __future__ import annotations

import base64
import binascii
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mltk.data.arrivals.arrival import Arrival
from mltk.data.arrivals.found import ChangedError, Found
from mltk.errors import INSTALL, InfrastructureError, MltkError
from mltk.urls import without_password

_EXTRAS = ("s3", "gs", "az")
_SECONDS = 60
# What says whether an object is still the same, the best first.
_VERSIONS = ("generation", "ETag", "etag", "checksum", "content-md5")
_TIMES = ("LastModified", "updated", "last_modified", "mtime", "timeCreated")


class Bucket:
    """The objects below `place`. Where it cannot be listed (HTTP), those that `told` names.

    `told` serves nothing else: an event is a reason to look, and says nothing of what is there.
    """

    def __init__(
        self, place: str, endpoint: str | None = None, told: Sequence[Arrival] = ()
    ) -> None:
        self._place = place.rstrip("/") + "/"
        self._endpoint = endpoint
        # What events say of objects that a plain web server says less of.
        self._told = {each.uri: each.version or each.etag for each in told}
        self._opened: Any = None

    def find(self) -> Sequence[Found]:
        """All objects below the place, without the marks of folders."""
        with self._asked():
            if self._scheme in ("http", "https"):
                # A query would be another object, and a fragment none.
                named = sorted(
                    uri
                    for uri in self._told
                    if uri.startswith(self._place) and ".." not in uri.split("/")
                )
                return [self._found(self._info(uri), uri) for uri in named]
            files = self._system.find(self._place, detail=True)
            if not files and self._scheme == "az":
                self._see_container()
            return [
                self._found(entry, f"{self._scheme}://{path}")
                for path, entry in files.items()
                if not self._is_mark(path, entry)
            ]

    def fetch(self, found: Found, target: Path) -> None:
        """Get the object's bytes; ChangedError when it is another by now, or came short."""
        with self._asked(found.uri):
            try:
                self._system.get_file(self._path(found.uri), str(target))
                now = self._found(self._info(found.uri), found.uri)
            except FileNotFoundError:
                raise ChangedError("the object is gone", where=found.uri) from None
        came = target.stat().st_size
        if now != found or (found.size is not None and came != found.size):
            raise ChangedError("the object was written anew meanwhile", where=found.uri)

    @property
    def _scheme(self) -> str:
        return urlsplit(self._place).scheme

    @property
    def _system(self) -> Any:
        if self._opened is None:
            self._opened = _open(self._scheme, self._endpoint)
        return self._opened

    def _see_container(self) -> None:
        """Raise FileNotFoundError where there is none: its library lists nothing then."""
        try:
            self._system.info(urlsplit(self._place).netloc)
        except FileNotFoundError:
            raise
        except Exception:  # who may list may not always ask for the container itself
            return

    def _is_mark(self, path: str, entry: Mapping[str, Any]) -> bool:
        """Whether it only says that there is a folder.

        Such a "file" has a name that ends so, or the name of the place. Azure's library takes that
        end off; without bytes it may as well be a file that is begun, and will come again.
        """
        named_so = path.endswith("/") or f"{self._scheme}://{path}/" == self._place
        return named_so or (self._scheme == "az" and entry.get("size") == 0)

    def _path(self, uri: str) -> str:
        return uri if self._scheme in ("http", "https") else uri.partition("://")[2]

    def _info(self, uri: str) -> Mapping[str, Any]:
        self._system.invalidate_cache()
        found: Mapping[str, Any] = self._system.info(self._path(uri))
        return found

    def _found(self, entry: Mapping[str, Any], uri: str) -> Found:
        size = entry.get("size")
        return Found(
            uri=uri,
            name=uri.removeprefix(self._place),
            version=_version(entry) or self._told.get(uri) or f"size-{size}",
            size=int(size) if size is not None else None,
            time=_time(entry),
            digest=_digest(entry),
        )

    @contextmanager
    def _asked(self, uri: str = "") -> Iterator[None]:
        """What the library of the store raises of an object, or of the place, in mltk's words."""
        try:
            with warnings.catch_warnings():
                # Of the libraries below; nothing a user of mltk could act on.
                warnings.simplefilter("ignore")
                yield
        except MltkError:
            raise
        except Exception as error:  # each store brings the exceptions of its own library
            raise InfrastructureError(
                f"cannot be read: {_words(error)}",
                where=without_password(uri or self._place),
                hint="see that the place is right, and that the environment has the credentials"
                " for it (docs/sources.md)",
            ) from error


def _open(scheme: str, endpoint: str | None) -> Any:
    try:
        import fsspec
    except ImportError:
        raise InfrastructureError("fsspec is not installed", hint=INSTALL) from None
    options: dict[str, Any] = {"skip_instance_cache": True}
    if scheme == "s3":
        options["config_kwargs"] = {"connect_timeout": 10, "read_timeout": _SECONDS}
        if endpoint:
            options["endpoint_url"] = endpoint
    try:
        if scheme == "gs":
            # The one that gcsfs puts before it asks for each bucket of which kind it is, by gRPC.
            from gcsfs.core import GCSFileSystem

            return GCSFileSystem(**options)
        return fsspec.filesystem(scheme, **options)
    except ImportError as error:
        raise InfrastructureError(
            f"{scheme}:// cannot be read: {error}",
            hint=f"type `pip install 'mltk[{scheme}]'`" if scheme in _EXTRAS else INSTALL,
        ) from None


def _version(entry: Mapping[str, Any]) -> str:
    for key in _VERSIONS:
        if value := entry.get(key):
            return str(value).strip('"')
    return ""


def _digest(entry: Mapping[str, Any]) -> str:
    """The MD5 that Google and Azure tell of most objects; "" where they do not."""
    settings = entry.get("content_settings")
    told = entry.get("md5Hash") or (settings.get("content_md5") if settings else None) or b""
    try:
        return (base64.b64decode(told) if isinstance(told, str) else bytes(told)).hex()
    except (binascii.Error, ValueError):
        return ""


def _time(entry: Mapping[str, Any]) -> datetime | None:
    for key in _TIMES:
        value = entry.get(key)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                continue
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    return None


def _words(error: Exception) -> str:
    said = str(error).strip() or type(error).__name__
    return without_password(said.splitlines()[0][:300])
