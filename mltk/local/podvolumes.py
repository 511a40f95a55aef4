"""The volumes of one pod as files and folders of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mltk.local.layout import Layout
from mltk.local.rootfs import Bind
from mltk.tekton.environment import Lookup
from mltk.tekton.objects import Obj
from mltk.tekton.pod import Mount
from mltk.tekton.taskrun import TaskRunRejected, expand_env

_INTERNAL = "tekton-internal-"
_CREDENTIALS = "tekton-creds-init-home-"


@dataclass
class PodVolumes:
    """Volumes by name, each made when it is mounted for the first time.

    `work` is the folder of the TaskRun, where Tekton's own volumes have been made.
    """

    sources: Mapping[str, Obj]
    work: Path
    namespace: str
    layout: Layout
    lookup: Lookup
    _made: dict[str, Path] = field(default_factory=dict)

    def binds(self, mounts: Iterable[Mount], env: Mapping[str, str]) -> list[Bind]:
        """What a container with that environment mounts where; TaskRunRejected when it cannot."""
        return [Bind(str(self._place(mount, env)), mount.path, mount.read_only) for mount in mounts]

    def _place(self, mount: Mount, env: Mapping[str, str]) -> Path:
        volume = self._volume(mount.volume)
        wanted = expand_env(mount.sub_path, env) if mount.expanded else mount.sub_path
        sub_path = PurePosixPath(wanted)
        place = volume / sub_path
        if sub_path.is_absolute() or not place.resolve().is_relative_to(volume.resolve()):
            raise TaskRunRejected(
                "CreateContainerConfigError",
                f'subPath "{wanted}" of volume "{mount.volume}" leads out of it',
            )
        if not place.exists():
            place.mkdir(parents=True)
        return place

    def _volume(self, name: str) -> Path:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Path:
        if name.startswith(_INTERNAL):
            kind, _, index = name.removeprefix(_INTERNAL).partition("-")
            return self.work / kind / index
        if name.startswith(_CREDENTIALS):
            return _folder(self.work / "credentials" / name.removeprefix(_CREDENTIALS))
        source = self.sources[name]
        if (claim := source.get("persistentVolumeClaim")) is not None:
            return _folder(self.layout.volume(self.namespace, claim["claimName"]))
        return _folder(self.work / "volumes" / name)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
