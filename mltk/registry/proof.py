"""Prove a registered bundle again: out of the registry's store, in the real runtime."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mltk.errors import StepError
from mltk.records import Verification
from mltk.registry.models import Registry
from mltk.registry.values import CHAMPION, ModelVersion


@dataclasses.dataclass(frozen=True)
class Proof:
    """A registered version with what its bundle showed in Node.js."""

    version: ModelVersion
    verification: Verification


def verify_registered(
    registry: Registry,
    name: str,
    which: str = CHAMPION,
    backends: Sequence[str] = ("cpu", "wasm"),
    parity: float | None = None,
) -> Proof:
    """Download a version (number or alias) to a scratch folder and run its golden rows.

    Raises StepError when the bundle is damaged, is not the one that was registered, or when a
    backend differs from Keras by more than `parity` of the output's scale (None: by more than the
    gate allowed when it was registered).
    """
    from mltk.tfjs import read_bundle
    from mltk.tfjs.verify import TOLERANCE, verify_bundle

    version = registry.version(name, which)
    with tempfile.TemporaryDirectory(prefix="mltk-verify-") as scratch:
        folder = registry.download(name, version.version, Path(scratch) / "bundle")
        place = f"models:/{name}/{version.version}"
        digest = read_bundle(folder).digest
        if digest != version.digest:
            raise StepError(
                f"the stored bundle has digest {digest}, registered was {version.digest}",
                where=place,
                hint=f"the store was changed since; mltk models rollback {name}",
            )
        tolerance = parity or version.lineage.parity or TOLERANCE
        return Proof(version, verify_bundle(folder, backends=backends, tolerance=tolerance))
