"""A user's own table: init, run, a registered model, nothing else touched."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .conftest import Project


def _ripeness() -> str:
    draw = random.Random(11)
    lines = ["weight;colour;firmness;state"]
    for _ in range(120):
        ripe = draw.random() < 0.5
        colour = draw.choice(["red", "red", "green"] if ripe else ["green", "green", "red"])
        weight = draw.gauss(150, 20)
        firmness = draw.gauss(4 if ripe else 8, 1)
        lines.append(f"{weight:.1f};{colour};{firmness:.2f};{'ripe' if ripe else 'unripe'}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("target", "problem"), [("state", "classification"), ("weight", "regression")]
)
def test_a_table_of_ones_own(tmp_path: Path, target: str, problem: str) -> None:
    (tmp_path / "fruit.csv").write_text(_ripeness(), encoding="utf-8")
    Project(tmp_path).mltk("init", "fruit", "--data", "fruit.csv", "--target", target)
    project = Project(tmp_path / "fruit")
    assert project.the_model(project.spec())["problem"] == problem
    assert project.git("status", "--porcelain") == ""

    # The weight follows from nothing in the table: then the gate says no, and that is right.
    project.mltk("run", code=0 if target == "state" else 4)

    listed = project.json("models", "list")
    assert len(listed) == (1 if target == "state" else 0)
    assert project.git("status", "--porcelain") == ""
