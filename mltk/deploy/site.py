"""A folder as a static site of models, laid out so that it can be cached without being stale.

::

    firebase.json                        headers (Firebase Hosting reads it; others may copy it)
    models/<name>/<digest in hex>/       a bundle; never changes, cached for ever
    models/<name>/channel.json           which bundle to use; never cached

A client reads channel.json and then the bundle that it names. The bundle is complete before the
channel names it, and the one before stays where it is, so that no client sees half a release.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mltk.errors import InfrastructureError, StepError
from mltk.moments import rfc3339, utc_now
from mltk.records import dumps
from mltk.tfjs import read_bundle

CHANNEL_FILE = "channel.json"

_OPEN = {"key": "Access-Control-Allow-Origin", "value": "*"}
_PLAIN = {"key": "X-Content-Type-Options", "value": "nosniff"}
_FOR_EVER = {"key": "Cache-Control", "value": "public, max-age=31536000, immutable"}
_NEVER = {"key": "Cache-Control", "value": "no-cache"}
# The patterns do not overlap: files of a bundle lie one folder deeper than the channel.
_HOSTING = {
    "hosting": {
        "public": ".",
        "ignore": ["firebase.json", "**/.*"],
        "headers": [
            {"source": "/models/*/*/*", "headers": [_FOR_EVER, _OPEN, _PLAIN]},
            {"source": f"/models/*/{CHANNEL_FILE}", "headers": [_NEVER, _OPEN, _PLAIN]},
        ],
    }
}


@dataclasses.dataclass(frozen=True)
class Release:
    """A bundle in a site: `url` is its path from the site's root, ending in a slash.

    `changed` is False when the channel named it already.
    """

    url: str
    digest: str
    changed: bool


def publish(
    site: Path,
    name: str,
    bundle: Path,
    version: str = "",
    clock: Callable[[], datetime.datetime] = utc_now,
) -> Release:
    """Put a bundle into the site and point the model's channel at it.

    Publishing the same bundle again changes nothing. Raises StepError for a damaged bundle and
    InfrastructureError when the site cannot be written.
    """
    digest = read_bundle(bundle).digest
    folder = site / "models" / name
    place = digest.removeprefix("sha256:")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (site / "firebase.json").exists():
            _write(site / "firebase.json", _HOSTING)
        _place(bundle, folder / place, digest)
        changed = _point(folder / CHANNEL_FILE, name, digest, version, clock)
    except OSError as error:
        raise InfrastructureError(
            f"the site could not be written: {error.strerror or error}",
            where=str(folder),
            hint="make room, or correct the folder (deploy.folder in mltk.yaml), and run again",
        ) from error
    return Release(f"/models/{name}/{place}/", digest, changed)


def _place(bundle: Path, target: Path, digest: str) -> None:
    if target.exists():
        if read_bundle(target).digest != digest:
            raise StepError(
                "another bundle lies under this digest",
                where=str(target),
                hint="move that folder away and deploy again",
            )
        return
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".draft-") as draft:
        copied = Path(draft) / target.name
        shutil.copytree(bundle, copied)
        for path in (copied, *copied.iterdir()):
            # What a web server reads is for all.
            path.chmod(0o755 if path.is_dir() else 0o644)
        copied.rename(target)


def _point(
    path: Path,
    name: str,
    digest: str,
    version: str,
    clock: Callable[[], datetime.datetime],
) -> bool:
    present = read_channel(path)
    if present and present["champion"]["digest"] == digest:
        return False
    champion = {
        "digest": digest,
        "path": f"{digest.removeprefix('sha256:')}/model.json",
        "version": version,
    }
    channel = {
        "format_version": 1,
        "model": name,
        "champion": champion,
        "previous": present["champion"] if present else None,
        "updated": rfc3339(clock()),
    }
    _write(path, channel)
    return True


def read_channel(path: Path) -> dict[str, Any] | None:
    """Read a channel file; None when there is none, StepError when it is none of ours."""
    try:
        channel: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if "digest" not in channel["champion"]:
            raise KeyError("digest")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise StepError(
            f"{path.name} is not a channel file of mltk",
            where=str(path),
            hint="move it away and deploy again",
        ) from None
    return channel


def _write(path: Path, value: Any) -> None:
    """Write a file, whole or not at all, for everyone to read."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(dumps(value))
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
