"""An image of one static file, for which nobody has to ask the net."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from mltk.local.containers import Engine


class Missing(Exception):
    """This machine lacks what containers need; the message says what to install."""


def make_image(
    engine: Engine, folder: Path, name: str, programs: Sequence[str], changes: Sequence[str] = ()
) -> None:
    """Put an image with these programs of busybox into the storage of an engine; raises Missing.

    `changes` are instructions of a Dockerfile; `folder` is for what is needed meanwhile.
    """
    busybox = static_busybox()
    file = folder / "image.tar"
    with tarfile.open(file, "w") as image:
        image.add(busybox, "bin/busybox")
        for program in programs:
            link = tarfile.TarInfo(f"bin/{program}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            image.addfile(link)
    options = [word for change in changes for word in ("--change", change)]
    imported = engine.call("import", *options, str(file), name)
    assert imported.returncode == 0, imported.stderr
    ran = engine.call("run", "--rm", "--network=host", *engine.options, name, "true")
    if ran.returncode:
        raise Missing(f"{engine.program} runs no container here: {ran.stderr.strip()}")


def static_busybox() -> str:
    """Where busybox lies as one file that needs no other; raises Missing."""
    found = shutil.which("busybox")
    if found is None or b"statically" not in subprocess.check_output(["file", "-L", found]):
        raise Missing("busybox is not there as one static file: install busybox-static")
    return found
