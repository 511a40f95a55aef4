"""Is it the same model again? What was recorded against what a training gave now. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterator, Mapping

import numpy as np

from mltk.records import Environment, Finding, Original, Reproduction
from mltk.steps.environment import differences, digest
from mltk.tfjs import Manifest
from mltk.tfjs.deviation import deviation
from mltk.tfjs.manifest import Golden
from mltk.wording import amount

IDENTICAL, EQUAL, DIFFERENT = "identical", "equal", "different"
_BUNDLE = "bundle"
_SHOWN = 16


@dataclasses.dataclass(frozen=True)
class Again:
    """What the training gave now."""

    digest: str
    data_version: str
    key_parts: Mapping[str, str]
    metrics: Mapping[str, float]
    environment: Environment
    manifest: Manifest


def same_files(then: Manifest, now: Manifest) -> bool:
    """Whether two bundles hold the same model, whatever their lineage says."""
    return all(each.same for each in _of_files(then, now))


def judge(
    original: Original,
    manifest: Manifest | None,
    again: Again,
    tolerance: float,
    apart: Finding | None = None,
) -> Reproduction:
    """Compare; `manifest` is that of the original's bundle, None where it was not kept.

    `apart` tells how far the answers of two models are apart whose files are not the same: what a
    bundle says of itself does not prove it.
    """
    findings = (
        Finding(
            "data",
            original.data_version,
            again.data_version,
            original.data_version == again.data_version,
        ),
        *(_of_bundles(manifest, again.manifest) if manifest else ()),
        *([apart] if apart else ()),
        *_of_metrics(original.metrics, again.metrics),
        *_of_store(original),
        _of_text(_BUNDLE, _short(original.digest), _short(again.digest)),
    )
    decisive = [each for each in findings if each.name != _BUNDLE or manifest is None]
    verdict, reason = _verdict(decisive, original, tolerance)
    if verdict == IDENTICAL and not findings[-1].same:
        reason += "; bundle.json names another lineage"
    causes = tuple(_causes(original, again))
    return Reproduction(
        original.reference, verdict, reason, tolerance, again.digest, findings, causes
    )


def _verdict(decisive: list[Finding], original: Original, tolerance: float) -> tuple[str, str]:
    other = [each for each in decisive if not each.same]
    if not other:
        return IDENTICAL, "its revision, data and seed give the same model again"
    far = [each for each in other if not _is_near(each, original, tolerance)]
    if not far:
        return EQUAL, f"answers and metrics are within {tolerance:.2g} of the recorded ones"
    return DIFFERENT, "not as recorded: " + ", ".join(each.name for each in far)


def _is_near(found: Finding, original: Original, tolerance: float) -> bool:
    """Whether what is not the same is near enough; weights may differ where answers do not."""
    if found.name in ("weights", "graph", _BUNDLE):
        return True
    if found.difference is None or math.isnan(found.difference):
        return False
    scale = abs(original.metrics[found.name]) if found.name in original.metrics else 1.0
    return found.difference <= tolerance * (scale or 1.0)


def _of_files(then: Manifest, now: Manifest) -> Iterator[Finding]:
    yield _of_text("weights", _digest(then, ".bin"), _digest(now, ".bin"))
    yield _of_text("graph", _digest(then, "model.json"), _digest(now, "model.json"))


def _of_bundles(then: Manifest, now: Manifest) -> Iterator[Finding]:
    yield from _of_files(then, now)
    rows = f"{len(next(iter(then.golden.inputs.values())).data)} values"
    if then.golden.inputs != now.golden.inputs:
        yield Finding("golden rows", rows, "other rows", same=False)
        return
    far = _golden_difference(then.golden, now.golden)
    yield Finding("golden rows", rows, rows, far == 0, far)


def _golden_difference(then: Golden, now: Golden) -> float:
    """Largest difference of the answers, of the scale of their output; NaN for other outputs."""
    largest = 0.0
    if then.outputs.keys() != now.outputs.keys():
        return math.nan
    for name, wanted in then.outputs.items():
        found = now.outputs[name]
        if found.shape != wanted.shape:
            return math.nan
        largest = max(largest, deviation(np.asarray(found.data), np.asarray(wanted.data))[1])
    return largest


def _of_metrics(then: Mapping[str, float], now: Mapping[str, float]) -> Iterator[Finding]:
    for name, recorded in then.items():
        if name not in now:
            yield Finding(name, amount(recorded), "absent", same=False)
            continue
        apart = abs(now[name] - recorded)
        yield Finding(name, amount(recorded), amount(now[name]), apart == 0, apart)


def _of_store(original: Original) -> Iterator[Finding]:
    if original.damage:
        yield Finding("stored bundle", _short(original.digest), original.damage, same=False)


def _causes(original: Original, again: Again) -> Iterator[Finding]:
    """What may explain a difference: other inputs of the key, another environment."""
    for name in ("spec", "code", "seed"):
        then, now = original.key_parts.get(name, ""), again.key_parts.get(name, "")
        if then != now:
            yield Finding(name, then[:_SHOWN], now[:_SHOWN], same=False)
    if original.environment is None:
        yield Finding("environment", "not recorded", _short(digest(again.environment)), same=False)
    else:
        yield from differences(original.environment, again.environment)


def _digest(manifest: Manifest, ending: str) -> str:
    """One digest for the files whose names end so."""
    sums = [file.sha256 for file in manifest.files if file.path.endswith(ending)]
    return _short("sha256:" + hashlib.sha256(" ".join(sums).encode()).hexdigest())


def _short(text: str) -> str:
    kind, _, number = text.partition(":")
    return f"{kind}:{number[:_SHOWN]}"


def _of_text(name: str, recorded: str, found: str) -> Finding:
    return Finding(name, recorded, found, recorded == found)
