"""A catalog that is a folder in the layout of tektoncd/catalog, ``KIND/NAME/VERSION/NAME.yaml``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mltk.local.resolvers.base import MAX_BYTES, Found, sha256
from mltk.tekton.remote import Unresolved

_SEGMENT = re.compile(r"[A-Za-z0-9][\w.+-]*")


@dataclass(frozen=True)
class Asked:
    """What a reference asks a catalog for; `type` is that of the hub, `artifact` or `tekton`."""

    type: str
    kind: str
    catalog: str
    name: str
    version: str


@dataclass(frozen=True)
class Folder:
    """Such a folder, which is not left by a link."""

    path: Path

    def versions(self, asked: Asked) -> list[str]:
        """Return what there is of an object, as the folders are named; raises Unresolved."""
        if not asked.name or not asked.version:
            raise Unresolved("name and version must not be empty")
        if not _SEGMENT.fullmatch(asked.name):
            raise Unresolved(f"'{asked.name}' is not a name in a catalog")
        folder = self.path / asked.kind / asked.name
        try:
            found = sorted(each.name for each in folder.iterdir() if each.is_dir())
        except OSError:
            raise Unresolved(f"requested resource '{folder}' not found on hub") from None
        return [each for each in found if _SEGMENT.fullmatch(each)]

    def fetch(self, asked: Asked) -> Found:
        """Return the object of exactly that version."""
        if asked.version not in (found := self.versions(asked)):
            raise Unresolved(f"there is no version '{asked.version}'; there are {', '.join(found)}")
        path = self.path / asked.kind / asked.name / asked.version / f"{asked.name}.yaml"
        data = self._read(path)
        return Found(data, {"uri": path.absolute().as_uri(), "digest": sha256(data)})

    def _read(self, path: Path) -> bytes:
        try:
            if not path.resolve().is_relative_to(self.path.resolve()):
                raise Unresolved(f"'{path}' leads out of the catalog")
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError:
            raise Unresolved(f"requested resource '{path}' not found on hub") from None
        if len(data) > MAX_BYTES:
            raise Unresolved(f"'{path}' exceeds {MAX_BYTES} bytes")
        return data
