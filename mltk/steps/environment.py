"""What a training runs in: Python, platform, processor, and the packages that it computes with."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import platform
from collections.abc import Iterator
from pathlib import Path

from mltk.records import Environment, Finding, dumps

_COMPUTING = ("h5py", "keras", "numpy", "tensorflow", "tensorflowjs")
_CPUINFO = Path("/proc/cpuinfo")


@functools.cache
def measure() -> Environment:
    """The environment of this process, which does not change while it lives."""
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        packages=_packages((*_COMPUTING, *_plugins())),
    )


def digest(environment: Environment) -> str:
    """Digest of the packages with their versions, as of a lock file."""
    return "sha256:" + hashlib.sha256(dumps(environment.packages).encode()).hexdigest()


def differences(recorded: Environment, found: Environment) -> tuple[Finding, ...]:
    """What of another environment is not as recorded, package by package, processor last. Pure."""
    pairs = [
        ("python", recorded.python, found.python),
        ("platform", recorded.platform, found.platform),
        *_of_packages(recorded.packages, found.packages),
        (PROCESSOR, recorded.processor, found.processor),
    ]
    return tuple(Finding(name, was, now, same=False) for name, was, now in pairs if was != now)


PROCESSOR = "processor"
"""Told, but another one does not make another environment: pods run where there is room."""


def _of_packages(recorded: dict[str, str], found: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*recorded, *found}):
        yield name, recorded.get(name, "absent"), found.get(name, "absent")


def _packages(names: tuple[str, ...]) -> dict[str, str]:
    """Versions of the installed packages of `names` and of all that these need."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    asked = list(names)
    while asked:
        name = canonicalize_name(asked.pop())
        if name in found:
            continue
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[name] = package.version
        for needed in map(Requirement, package.requires or ()):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                asked.append(needed.name)
    return dict(sorted(found.items()))


def _plugins() -> Iterator[str]:
    """Packages of others that bring kinds of problem."""
    for point in importlib.metadata.entry_points(group="mltk.problems"):
        if point.dist is not None and point.module.partition(".")[0] != "mltk":
            yield point.dist.name


def _processor() -> str:
    """Name of the processor, on which the last bits of a sum may depend; empty when unknown."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())
