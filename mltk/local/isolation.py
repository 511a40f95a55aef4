"""What a step may see of this machine when the kernel keeps it apart."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from mltk.local.layout import Layout
from mltk.local.rootfs import Bind, RootFs

# Each container has its own, empty at first; what lies below those of the machine is not seen.
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108
_PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Isolation:
    """What the containers of a runtime have in common.

    `scratch` is an empty folder to build file systems in, `shared` may be written to, what is
    `hidden` looks empty, `seen` can be read even below a folder for temporary files. `binds` are
    mounted in each.
    """

    scratch: Path
    shared: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    seen: tuple[Path, ...] = ()
    binds: tuple[Bind, ...] = ()

    @classmethod
    def of(cls, layout: Layout, shared: tuple[Path, ...] = ()) -> Self:
        """Return what hides the files of an engine of this layout from its steps."""
        scratch = layout.work_root / ".root"
        scratch.mkdir(parents=True, exist_ok=True)
        return cls(scratch, shared, layout.private, (layout.root.parent,))

    def root(self, binds: tuple[Bind, ...]) -> RootFs:
        """Return the file system of a container that mounts `binds`."""
        return replace(self._base, binds=(*self._base.binds, *binds))

    @cached_property
    def _base(self) -> RootFs:
        interpreter = [sys.prefix, sys.base_prefix, *filter(None, sys.path)]
        shared = {str(each.resolve()) for each in self.shared}
        seen = {str(each.resolve()) for each in (*map(Path, interpreter), _PACKAGE, *self.seen)}
        seen -= shared
        shown = tuple(Bind(path, path, read_only=True) for path in sorted(seen) if _is_hidden(path))
        return RootFs(
            str(self.scratch),
            (*shown, *self.binds),
            tuple(sorted(shared)),
            tuple(str(path.resolve()) for path in self.hidden),
        )


def _is_hidden(path: str) -> bool:
    return Path(path).exists() and path.startswith(tuple(f"{each}/" for each in TEMPORARY))
