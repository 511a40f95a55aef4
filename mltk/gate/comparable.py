"""Whether the same rows can judge two bundles; what speaks against it is told to people."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mltk.problems.base import FEATURES

if TYPE_CHECKING:
    from mltk.tfjs import Feature, Manifest


_TOLD: dict[str, Any] = {
    "unit": "",
    "description": "",
    "missing": "error",
    "minimum": None,
    "maximum": None,
}
"""Of a feature, what does not change what its columns mean."""


def later_window(champion: str, ours: str) -> str:
    """Say so when the champion learnt from a later window; a backfill must not replace it."""
    # Both are in UTC and written alike, so that the later end is the greater text.
    if not (champion and ours) or champion.split("/")[-1] <= ours.split("/")[-1]:
        return ""
    return f"it learnt from a later window ({champion})"


def difference(champion: Manifest, ours: Manifest) -> str:
    """Say in what the champion differs so that the same rows cannot judge both; else nothing."""
    if champion.problem != ours.problem:
        return f"it solves another problem ({champion.problem})"
    if not same_features(_columns(champion), _columns(ours)):
        return "it takes other features"
    if gap := _only_ours_may_lack(champion, ours):
        return f"it needs every value of '{gap}', of which some may be missing now"
    if _meaning(champion) != _meaning(ours):
        return "its outputs mean other things"
    return other_rows(champion.lineage.key_parts, ours.lineage.key_parts)


def _meaning(manifest: Manifest) -> list[tuple[str, tuple[str, ...]]]:
    return [(output.name, output.classes) for output in manifest.outputs]


def other_rows(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Say why rows held out from one model may have trained the other; empty when they cannot.

    What a bundle does not tell (older ones have no `split`) is no obstacle.
    """
    for part, words in (("seed", "by another seed"), ("split", "into other shares")):
        theirs, ours = old.get(part), new.get(part)
        if theirs is not None and ours is not None and theirs != ours:
            return (
                f"its data was split {words} ({theirs}, not {ours}), "
                "so that some of these rows may have trained it"
            )
    return ""


def same_features(theirs: Sequence[Feature], ours: Sequence[Feature]) -> bool:
    """Whether the columns of two models are the same ones, and mean the same."""
    return len(ours) == len(theirs) and all(
        dataclasses.replace(a, **_TOLD) == dataclasses.replace(b, **_TOLD)
        # A unit that was only written down later is not another unit.
        and (a.unit == b.unit or not a.unit or not b.unit)
        for a, b in zip(ours, theirs, strict=True)
    )


def _only_ours_may_lack(old: Manifest, new: Manifest) -> str:
    """Name a feature whose missing values the champion cannot answer for; else nothing."""
    pairs = zip(_columns(new), _columns(old), strict=True)
    refused = (a.name for a, b in pairs if a.missing != "error" and b.missing == "error")
    return next(refused, "")


def _columns(manifest: Manifest) -> tuple[Feature, ...]:
    """The columns of the table that a model takes, none for a model that draws."""
    return next((port.features for port in manifest.inputs if port.name == FEATURES), ())
