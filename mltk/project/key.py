"""The key of a model: what it is learnt from, as one digest.

Training is deterministic, so the same key gives the same bundle. A run whose key was delivered
before need not run again, and the first part that differs says why a run is needed.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mltk.project.spec import Model

# What may change the bundle: the steps up to it, the rooms they call and the values between them.
_STEPS = ("validate", "train", "evaluate", "export", "inputs", "predictions")
_SPEC = ("spec", "features", "blocks", "column")
_ROOMS = ("problems", "data", "tfjs", "records.py", *(f"project/{name}.py" for name in _SPEC))
_LEARNING = (*_ROOMS, *(f"steps/{name}.py" for name in _STEPS))
# What else may change what a trial comes to; no model that is delivered was made by it.
_SEARCHING = ("steps/trial.py", "steps/trials.py", "project/parameters.py")
# How a table came to be is told by its version; what is said about it teaches nothing.
_NOT_LEARNING = ("data/arrivals/", "data/quality/")
_LIBRARIES = ("keras", "numpy", "tensorflow", "tensorflowjs")
# Judged or placed, but neither learnt from nor written into the bundle, as the descriptions are.
_NOT_IN_THE_BUNDLE = {
    "arrival",
    "checks",
    "gate",
    "deploy",
    "resources",
    "windows",
    "seed",
    "paths",
    "matrix",
    "search",
}


START = "start"
"""The part of a key that is the digest of the bundle whose weights a training started from."""


@dataclasses.dataclass(frozen=True)
class KeyParts:
    """What a key is made of; each part is a digest or a short text."""

    data: str
    spec: str
    code: str
    seed: str

    def as_dict(self) -> dict[str, str]:
        """The parts by name, as the labels and the lineage hold them."""
        return dataclasses.asdict(self)


def key_parts(name: str, model: Model, data_version: str) -> KeyParts:
    """Parts of the key of model `name` learnt from `data_version` (of a file or a window)."""
    spec = {"name": name, **model.model_dump(mode="json", exclude=_NOT_IN_THE_BUNDLE)}
    return KeyParts(
        data=data_version, spec=_digest(spec), code=code_identity(), seed=str(model.seed)
    )


def shared_key(name: str, model: Model, data_version: str, without: Iterable[str]) -> str:
    """SHA-256 of all that trials have in common which differ in parameters called `without`."""
    spec = {"name": name, **model.model_dump(mode="json", exclude=_NOT_IN_THE_BUNDLE)}
    names = sorted(without)
    for each in names:
        section, _, parameter = each.partition(".")
        spec[section].pop(parameter, None)
    parts = KeyParts(
        data=data_version,
        spec=_digest([spec, names]),
        code=trial_identity(),
        seed=str(model.seed),
    )
    return key(parts)


def key(parts: KeyParts) -> str:
    """The key, SHA-256 in hex."""
    return key_of(parts.as_dict())


def key_of(parts: Mapping[str, str]) -> str:
    """The key of parts by name, among which may be what a training starts from."""
    return _digest(dict(parts))


def policy(model: Model, schemas: bytes | None = None) -> str:
    """SHA-256 of how the model is judged and where it goes; not part of the key.

    `schemas` is the content of mltk.schema.yaml, if the project has one.
    """
    said = _digest(model.model_dump(mode="json", include={"checks", "gate", "deploy"}))
    return said if schemas is None else _digest([said, hashlib.sha256(schemas).hexdigest()])


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the parts that differ, in the order in which people ask: data, spec, code, seed."""
    order = [field.name for field in dataclasses.fields(KeyParts)]
    names = order + sorted((set(before) | set(now)) - set(order))
    return tuple(name for name in names if before.get(name) != now.get(name))


@functools.lru_cache(maxsize=1)
def code_identity() -> str:
    """Digest of mltk's learning code, the libraries it computes with and the Python it runs on.

    Problems of other packages (entry points `mltk.problems`) count with their version.
    """
    return _identity(_LEARNING, without=_NOT_LEARNING)


@functools.lru_cache(maxsize=1)
def trial_identity() -> str:
    """Digest of the same, and of the code that makes trials of it."""
    return _identity((*_LEARNING, *_SEARCHING), without=_NOT_LEARNING)


def environment() -> str:
    """Digest of all that a Task of this machine runs on: any step of it may have changed."""
    return _identity((".",))


def _identity(parts: tuple[str, ...], without: tuple[str, ...] = ()) -> str:
    here = Path(__file__).parent.parent
    names = {path.relative_to(here).as_posix(): path for path in _sources(here, parts)}
    sources = {
        name: _file_digest(path) for name, path in names.items() if not name.startswith(without)
    }
    libraries = {name: _version(name) for name in _LIBRARIES}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return _digest([sources, libraries, python, _plugins()])


def _sources(package: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    for part in parts:
        place = package / part
        if place.is_file():
            yield place
        for pattern in ("**/*.py", "runtime/*.mjs", "runtime/*.json"):
            yield from sorted(place.glob(pattern))


def _plugins() -> dict[str, str]:
    return {
        f"{point.name}={point.value}": point.dist.version if point.dist else ""
        for point in importlib.metadata.entry_points(group="mltk.problems")
        if point.module.partition(".")[0] != "mltk"
    }


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
