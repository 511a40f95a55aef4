"""gate: find out whether the model is good enough, and better than the champion.

Both are judged as they are served, exported and in Node.js, on the same hold-out rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from mltk.data.arrays import Array
from mltk.errors import StepError
from mltk.problems import load_problem
from mltk.problems.base import FEATURES, Problem
from mltk.project.spec import Model
from mltk.records import Evaluation, Source, Verdict, Verification
from mltk.registry import ModelVersion, Registry
from mltk.steps.judge import Contest, Storage, decide, judge, remark, summary
from mltk.steps.predictions import Predictions
from mltk.steps.results import Requested, result_option, write
from mltk.steps.tracking import open_registry, tracking_options
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import Bundle, Feature, Manifest, predict_bundle, read_bundle


@click.command("gate")
@workspace_option
@tracking_options
@result_option
def command(
    workspace: RunWorkspace, tracking_uri: str, experiment: str, patience: float, results: Requested
) -> None:
    """Judge the exported model; the step succeeds whatever the verdict."""
    name, spec = workspace.read(Source).model, workspace.spec()
    bundle = read_bundle(workspace.bundle)
    evaluation = workspace.read(Evaluation)
    gate = load_problem(spec.problem).asked(spec.gate)
    checks = judge(
        gate,
        spec.export,
        evaluation,
        workspace.read(Verification),
        sum(path.stat().st_size for path in workspace.bundle.iterdir()),
        _storage(bundle.manifest),
    )
    contest = None
    if all(check.passed for check in checks):
        contest = hold_contest(
            open_registry(tracking_uri, experiment, patience), name, spec, workspace, bundle
        )
    verdict = decide(name, gate, checks, contest, note=remark(gate, evaluation))
    workspace.write(verdict)
    _tell(verdict)
    write(
        results,
        {
            "verdict": verdict.verdict,
            "promote": "true" if verdict.promote else "false",
            "reason": summary(verdict),
        },
    )


def _storage(manifest: Manifest) -> Storage | None:
    """Tell what the export measured before it chose the storage of the weights."""
    if not manifest.quantization_trials:
        return None
    trials = {trial.quantization: trial for trial in manifest.quantization_trials}
    chosen, full = trials.pop(manifest.quantization), manifest.quantization_trials[0]
    others = tuple(
        (
            f"{name} at {trial.weight_bytes / max(full.weight_bytes, 1):.0%}",
            "not a number" if (error := trial.max_relative_error) is None else f"{error:.2g}",
        )
        for name, trial in trials.items()
    )
    share = chosen.weight_bytes / max(full.weight_bytes, 1)
    return Storage(chosen.quantization, share, chosen.max_relative_error or 0.0, others)


def hold_contest(
    registry: Registry, name: str, spec: Model, workspace: RunWorkspace, bundle: Bundle
) -> Contest | None:
    """Hold the bundle against the champion on the run's hold-out rows; None without a champion."""
    champion = registry.champion(name)
    if champion is None:
        return None
    if champion.digest == bundle.digest:
        return Contest(champion.version, identical=True)
    if late := _later_window(champion.lineage.window, workspace.read(Source).window):
        return Contest(champion.version, obstacle=late)
    with tempfile.TemporaryDirectory(prefix="mltk-champion-") as folder:
        registry.download(name, champion.version, Path(folder) / "bundle")
        return _compare(champion, Path(folder) / "bundle", spec, workspace, bundle)


def _later_window(champion: str, ours: str) -> str:
    """Say so when the champion learnt from a later window; a backfill must not replace it."""
    # Both are in UTC and written alike, so that the later end is the greater text.
    if not (champion and ours) or champion.split("/")[-1] <= ours.split("/")[-1]:
        return ""
    return f"it learnt from a later window ({champion})"


def _compare(
    champion: ModelVersion, folder: Path, spec: Model, workspace: RunWorkspace, bundle: Bundle
) -> Contest:
    """Predict with both; a champion that cannot is an obstacle to the contest, not a failure."""
    hold_out = Predictions.read(workspace.predictions_file)
    backend = "wasm" if "wasm" in spec.export.backends else "cpu"
    problem = load_problem(spec.problem)
    try:
        rival = read_bundle(folder)
        obstacle = _difference(rival, bundle)
        if obstacle:
            return Contest(champion.version, obstacle=obstacle)
        theirs = predict_bundle(folder, _questions(problem, rival, hold_out, spec.seed), backend)
    except StepError as error:
        return Contest(champion.version, obstacle=error.what)
    ours = predict_bundle(workspace.bundle, hold_out.inputs, backend)
    comparison = problem.compare(hold_out.y_true, ours, theirs, seed=spec.seed)
    return Contest(champion.version, comparison)


def _questions(
    problem: Problem, rival: Bundle, hold_out: Predictions, seed: int
) -> dict[str, Array]:
    """What the champion is asked: the same rows, and as much noise as it takes."""
    widths = {port.name: port.shape[-1] or 1 for port in rival.manifest.inputs}
    return problem.inputs(widths, hold_out.features, seed=seed)


def _difference(champion: Bundle, bundle: Bundle) -> str:
    """Say in what the two bundles differ so that the same rows cannot judge both."""
    old, new = champion.manifest, bundle.manifest
    if old.problem != new.problem:
        return f"it solves another problem ({old.problem})"
    if not _same_features(old, new):
        return "it takes other features"
    if [(o.name, o.classes) for o in old.outputs] != [(o.name, o.classes) for o in new.outputs]:
        return "its outputs mean other things"
    return _other_rows(old.lineage.key_parts, new.lineage.key_parts)


def _other_rows(old: Mapping[str, str], new: Mapping[str, str]) -> str:
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


def _same_features(old: Manifest, new: Manifest) -> bool:
    ours, theirs = _columns(new), _columns(old)
    return len(ours) == len(theirs) and all(
        (a.name, a.type, a.values) == (b.name, b.type, b.values)
        # A unit that was only written down later is not another unit.
        and (a.unit == b.unit or not a.unit or not b.unit)
        for a, b in zip(ours, theirs, strict=True)
    )


def _columns(manifest: Manifest) -> tuple[Feature, ...]:
    """The columns of the table that a model takes, none for a model that draws."""
    return next((port.features for port in manifest.inputs if port.name == FEATURES), ())


def _tell(verdict: Verdict) -> None:
    for check in verdict.checks:
        click.echo(f"{'ok  ' if check.passed else 'FAIL'} {check.reason}")
    click.echo(f"{verdict.verdict}: {summary(verdict)}")
