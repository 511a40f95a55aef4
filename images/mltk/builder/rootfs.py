"""The folder of a layer: a fresh Debian, or what one part of install/ adds to the layers below.

All of it happens in mount namespaces of their own, so nothing stays mounted, whatever fails.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.mirror import SUITE, Mirror

_SETTINGS = (
    "PIP_",
    "UV_",
    "NPM_CONFIG_",
    "npm_config_",
    "SSL_CERT_",
    "REQUESTS_CA_",
    "NODE_EXTRA_",
)
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# Where the packages come from is the machine's business, and none of the image's.
_CONFIGURATION = {
    "/etc/pip.conf": "/root/.config/pip/pip.conf",
    "~/.config/pip/pip.conf": "/root/.config/pip/pip.conf",
    "~/.config/uv/uv.toml": "/root/.config/uv/uv.toml",
    "~/.npmrc": "/root/.npmrc",
}
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class BuildError(Exception):
    """The image cannot be made; the message says what to do."""


def missing() -> str:
    """Say what this machine lacks to build an image; nothing when it lacks nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "building an image needs root on Linux: a chroot is made\n  hint: run it with sudo"
    lacking = [name for name in ("debootstrap", "unshare", "chroot") if not shutil.which(name)]
    if lacking:
        return (
            f"this machine lacks {' and '.join(lacking)}\n"
            "  hint: apt-get install debootstrap util-linux coreutils, or build"
            " images/mltk/Dockerfile with a container engine"
        )
    return ""


def debian(tree: Path, mirror: Mirror, log: Path) -> None:
    """Make a minimal Debian in `tree`, from debootstrap's own mirror where apt names none."""
    command = ["debootstrap", "--variant=minbase", SUITE, str(tree)]
    if not mirror.main:
        _call(command, log, "debootstrap")
        return
    _call([*command, mirror.main], log, f"debootstrap from {mirror.main}")
    (tree / "etc/apt/sources.list").write_text(mirror.sources(), encoding="utf-8")


def settle(tree: Path) -> None:
    """Make a Debian forget the machine that it was made on."""
    (tree / "etc/apt/sources.list").write_text("", encoding="utf-8")
    (tree / "etc/hostname").write_text("mltk\n", encoding="utf-8")
    (tree / "etc/resolv.conf").write_text("", encoding="utf-8")


def install(part: str, upper: Path, lower: Sequence[Path], source: Path, log: Path) -> None:
    """Run one part of install/ over the folders `lower` (topmost first); `upper` gets the changes.

    Without `lower`, `upper` is a whole root itself. `source` is shown as /run/source, read-only.
    """
    work = upper.with_name(upper.name + ".work")
    root = upper.with_name(upper.name + ".root")
    for folder in (work, root):
        folder.mkdir()
    try:
        script = _script(root, upper, lower, work, source, part)
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", script]
        _call(command, log, f"install/{part}.sh", env=_environment(os.environ))
    finally:
        root.rmdir()
        shutil.rmtree(work)


def _script(
    root: Path, upper: Path, lower: Sequence[Path], work: Path, source: Path, part: str
) -> str:
    quote = shlex.quote
    at = quote(str(root))
    if lower:
        folders = ":".join(str(folder) for folder in lower)
        options = quote(
            f"lowerdir={folders},upperdir={upper},workdir={work}"
            ",index=off,metacopy=off,redirect_dir=off"
        )
        lines = [f"mount -t overlay overlay -o {options} {at}"]
    else:
        lines = [f"mount --bind {quote(str(upper))} {at}"]
    lines += [f"mount -t proc proc {at}/proc", f"mount --rbind /dev {at}/dev"]
    lines += [f"mount -t tmpfs tmpfs {at}/{name}" for name in ("run", "root", "tmp")]
    lines += [f"mkdir {at}/run/source", f"mount --bind -o ro {quote(str(source))} {at}/run/source"]
    lines += [f"mount --bind /etc/resolv.conf {at}/etc/resolv.conf"]
    if lower and Path(_CERTIFICATES).is_file():
        lines += [f"mount --bind {_CERTIFICATES} {at}{_CERTIFICATES}"]
    for file, place in _CONFIGURATION.items():
        if (found := Path(file).expanduser()).is_file():
            lines += [f"install -D {quote(str(found))} {at}{place}"]
    lines += _uv(at)
    lines += [f"exec chroot {at} /bin/sh /run/source/images/mltk/install/{part}.sh"]
    return "\n".join(lines)


def _uv(at: str) -> list[str]:
    """Show uv and its cache where this machine has it: it downloads nothing twice."""
    program = shutil.which("uv")
    if program is None:
        return []
    cache = subprocess.run([program, "cache", "dir"], capture_output=True, text=True, check=False)
    folder = cache.stdout.strip()
    lines = [f"mkdir {at}/run/uv", f"cp {shlex.quote(program)} {at}/run/uv/"]
    if folder and Path(folder).is_dir():
        lines += [f"mkdir {at}/run/cache", f"mount --bind {shlex.quote(folder)} {at}/run/cache"]
    return lines


def _environment(machine: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in machine.items()
        if name.startswith(_SETTINGS) or name in _PROXIES
    }
    path = "/run/uv:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    places = {"PATH": path, "HOME": "/root", "TMPDIR": "/tmp", "UV_CACHE_DIR": "/run/cache"}  # noqa: S108 - a tmpfs of the chroot
    return {**kept, **places, "LC_ALL": "C.UTF-8"}


def _call(
    command: Sequence[str], log: Path, what: str, env: Mapping[str, str] | None = None
) -> None:
    with log.open("ab") as stream:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=env and {**env},
            check=False,
        )
    if done.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-15:]
        raise BuildError(
            f"{what} ended with {done.returncode}; the last lines of {log}:\n"
            + "\n".join(f"  | {line}" for line in last)
        )
