"""The table of a run against that of the champion, at the gate, in MLflow and in the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from mltk.data.quality.found import DataChecks
from mltk.registry import Registry

from .conftest import Run
from .test_delivery import DONE

NewRun = Callable[..., Run]


def champion(new_run: NewRun, model: str) -> None:
    first = new_run(model, "near")
    first.gate()
    first.register()
    assert first.workspace.read(DataChecks).champion == ""


def artifact(registry: Registry, run: Run, name: str, folder: Path) -> str:
    kept = registry.tracking.fetch_file(run.results["tracking-run"], name, folder)
    return kept.read_text(encoding="utf-8")


def test_drift_is_told_and_does_not_stop_a_better_model(
    new_run: NewRun, registry: Registry, tmp_path: Path
) -> None:
    champion(new_run, "told")
    run = new_run("told", "exact", shift=0.5)
    said = run.gate().output
    assert (run.results["verdict"], run.results["promote"]) == ("pass", "true")
    assert "warning: t.csv: column 'a' drifted from champion version 1: median 0." in said
    assert "skip 2 columns (a, y) drifted from the table of champion version 1 (told, not" in said
    checks = run.workspace.read(DataChecks)
    assert [shift.column for shift in checks.drifted] == ["a", "y"]

    run.register()
    page = run.report(**DONE).output
    assert "## Warnings about the data\n\n- column 'a' drifted from champion version 1" in page
    logged = registry.connection.client.get_run(run.results["tracking-run"]).data.metrics
    assert (logged["data.drifted"], logged["data.leaks"]) == (2, 0)
    assert logged["drift.a"] > 0.2 > logged["drift.b"]
    html = artifact(registry, run, "data-report.html", tmp_path)
    assert 'class="before"' in html and "drifted" in html
    assert "## Drift\n\nAgainst the table" in artifact(registry, run, "data-report.md", tmp_path)
    kept = json.loads(artifact(registry, run, "records/checks.json", tmp_path))
    assert kept["champion"] == "1"


def test_drift_fails_the_gate_where_the_policy_says_so(new_run: NewRun) -> None:
    champion(new_run, "strict")
    policy = {"drift": {"policy": "fail"}}
    run = new_run("strict", "exact", checks=policy, shift=0.5)
    run.gate()
    assert run.results["verdict"] == "fail"
    assert run.results["reason"].startswith("2 columns (a, y) drifted from the table of champion")
    run.register(code=4)

    same = new_run("strict", "exact", checks=policy)
    assert "ok   no column drifted from the table of champion version 1" in same.gate().output
    assert same.results["verdict"] == "pass"


def test_a_champion_whose_table_nobody_kept_is_no_obstacle(
    new_run: NewRun, registry: Registry
) -> None:
    first = new_run("bare", "near")
    first.gate()
    (first.workspace.root / "profile.json").unlink()
    first.register()
    run = new_run("bare", "exact", shift=0.5)
    said = run.gate().output
    assert run.results["verdict"] == "pass"
    assert "drift from champion version 1: nothing is known of its table" in said


def test_a_committed_schema_is_asked_for_again_at_the_gate(new_run: NewRun) -> None:
    run = new_run("held", "near")
    columns: dict[str, Any] = {
        name: {"type": "numeric", "min": -9, "max": 9} for name in ("a", "b", "y")
    }
    columns["b"]["max"] = 0
    file = {"version": 1, "models": {"held": {"columns": columns}}}
    path = run.workspace.source / "mltk.schema.yaml"
    path.write_text(yaml.safe_dump(file), encoding="utf-8")
    run.gate()
    assert run.results["verdict"] == "fail"
    assert run.results["reason"] == "1 column (b) not as in mltk.schema.yaml"


def test_nothing_is_asked_where_all_policies_are_off(new_run: NewRun) -> None:
    champion(new_run, "quiet")
    off = {"violations": "off", "leakage": "off", "drift": {"policy": "off"}}
    run = new_run("quiet", "exact", checks=off, shift=0.5)
    assert "drift" not in run.gate().output
    assert run.workspace.read(DataChecks).shifts == ()
