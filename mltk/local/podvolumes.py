"""The volumes of one pod as files and folders of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mltk.local.layout import Layout
from mltk.local.rootfs import Bind
from mltk.local.workfolders import WorkFolders
from mltk.tekton.environment import expand_env
from mltk.tekton.objects import Obj
from mltk.tekton.pod import Mount
from mltk.tekton.verdicts import TaskRunRejected
from mltk.tekton.volumes import OF_FILES, File, Surroundings, files

_INTERNAL = "tekton-internal-"
_CREDENTIALS = "tekton-creds-init-home-"
_HELD = "..held"
_OPEN, _OPEN_TO_GROUP = 0o777, 0o2775
_KINDS: dict[str, tuple[Callable[[Path], bool], str]] = {
    "Directory": (Path.is_dir, "a directory"),
    "File": (Path.is_file, "a file"),
    "Socket": (Path.is_socket, "a socket"),
    "CharDevice": (Path.is_char_device, "a character device"),
    "BlockDevice": (Path.is_block_device, "a block device"),
}


@dataclass
class PodVolumes:
    """Volumes by name, each made when it is mounted for the first time.

    `work` are the folders of the TaskRun, where Tekton's own volumes have been made. They are
    `open_to_all` users when some container is another one than this process; `fs_group` owns them.
    """

    sources: Mapping[str, Obj]
    work: WorkFolders
    namespace: str
    layout: Layout
    around: Surroundings
    open_to_all: bool = False
    fs_group: int | None = None
    _made: dict[str, Path] = field(default_factory=dict)

    def make(self, mounts: Iterable[Mount]) -> None:
        """Make what all containers mount before the first one starts, as the kubelet does.

        TaskRunRejected when a volume cannot be made. What needs the environment comes later.
        """
        for mount in mounts:
            if not mount.expanded:
                self._place(mount, {})

    def binds(self, mounts: Iterable[Mount], env: Mapping[str, str]) -> list[Bind]:
        """What a container with that environment mounts where; TaskRunRejected when it cannot."""
        return [
            Bind(str(self._place(mount, env)), mount.path, self._is_read_only(mount))
            for mount in mounts
        ]

    def _place(self, mount: Mount, env: Mapping[str, str]) -> Path:
        volume = self._volume(mount.volume)
        wanted = expand_env(mount.sub_path, env) if mount.expanded else mount.sub_path
        if not wanted:
            return volume
        place = (volume / wanted).resolve()
        if wanted.startswith("/") or not place.is_relative_to(volume.resolve()):
            raise TaskRunRejected(
                "CreateContainerConfigError",
                f'subPath "{wanted}" of volume "{mount.volume}" leads out of it',
            )
        if not place.exists():
            place.mkdir(parents=True)
        source = self.sources[mount.volume]
        if place.is_dir() and not holds_files(source) and source.get("hostPath") is None:
            self._shared(place)
        return place

    def _is_read_only(self, mount: Mount) -> bool:
        source = self.sources[mount.volume]
        claim = source.get("persistentVolumeClaim") or {}
        return mount.read_only or bool(claim.get("readOnly")) or holds_files(source)

    def _volume(self, name: str) -> Path:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Path:
        if name.startswith(_INTERNAL):
            kind, _, index = name.removeprefix(_INTERNAL).partition("-")
            return self.work.internal(kind) / index
        if name.startswith(_CREDENTIALS):
            return _folder(self.work.credentials(int(name.removeprefix(_CREDENTIALS))))
        source = self.sources[name]
        if (claim := source.get("persistentVolumeClaim")) is not None:
            return self._shared(_folder(self.layout.volume(self.namespace, claim["claimName"])))
        if (path := source.get("hostPath")) is not None:
            return _host_path(name, path)
        folder = _folder(self.work.root / "volumes" / name)
        if holds_files(source):
            write_files(folder, files(name, source, self.around))
            return folder
        return self._shared(folder)

    def _shared(self, folder: Path) -> Path:
        return shared(folder, self.fs_group, open_to_all=self.open_to_all)


def shared(folder: Path, fs_group: int | None, *, open_to_all: bool) -> Path:
    """Let all users write to a folder, and give it to the group of the pod's volumes."""
    with suppress(PermissionError):  # it is another user's, or this one may give nothing away
        if fs_group is not None:
            os.chown(folder, -1, fs_group)
        if open_to_all:
            folder.chmod(_OPEN if fs_group is None else _OPEN_TO_GROUP)
    return folder


def holds_files(source: Obj) -> bool:
    """Whether the files of a volume come from objects."""
    return any(source.get(kind) is not None for kind in OF_FILES)


def write_files(volume: Path, found: Sequence[File]) -> None:
    """Lay files out as the kubelet does (``atomic_writer.go``): links into one folder.

    So a listing looks the same here and there, and what walks over links finds the same.
    """
    held = _folder(volume / _HELD)
    (volume / "..data").symlink_to(_HELD)
    for file in found:
        path = held / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(file.mode)
        top = PurePosixPath(file.path).parts[0]
        if not (volume / top).is_symlink():
            (volume / top).symlink_to(Path("..data", top))


def _host_path(name: str, source: Obj) -> Path:
    path, kind = Path(source["path"]), source.get("type") or ""
    if kind in ("", "DirectoryOrCreate") and not path.exists():
        return _folder(path)
    if kind == "FileOrCreate" and not path.exists():
        path.touch()
    is_kind, what = _KINDS.get(kind.removesuffix("OrCreate"), (Path.exists, "there"))
    if not is_kind(path):
        raise TaskRunRejected(
            "FailedMount",
            f'MountVolume.SetUp failed for volume "{name}" : hostPath type check failed: '
            f"{path} is not {what}",
        )
    return path


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
