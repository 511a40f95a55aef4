from __future__ import annotations

import dataclasses

import pytest

from mltk.gate.comparable import difference
from mltk.tfjs.manifest import Feature
from tests.unit.tfjs.test_manifest import example


@pytest.mark.parametrize(
    ("champion", "ours", "obstacle"),
    [
        ("error", "error", ""),
        ("mean", "error", ""),
        ("mean", "median", ""),
        ("error", "mean", "it needs every value of 'x', of which some may be missing now"),
    ],
)
def test_a_champion_that_takes_no_gaps_is_not_asked_about_any(
    champion: str, ours: str, obstacle: str
) -> None:
    assert difference(*(_taking(missing) for missing in (champion, ours))) == obstacle


def _taking(missing: str):
    usual = example()
    port = dataclasses.replace(usual.inputs[0], features=(Feature("x", missing=missing),))
    return dataclasses.replace(usual, inputs=(port,))
