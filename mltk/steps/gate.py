"""gate: find out whether the model is good enough, and better than the champion.

Both are judged as they are served, exported and in Node.js, on the same hold-out rows.
"""

from __future__ import annotations

import functools
import json

import click

from mltk.data.quality.judging import questions, warnings
from mltk.gate.budgets import Storage
from mltk.problems import load_problem
from mltk.project.spec import Model
from mltk.records import Check, Evaluation, Source, TableReport, Verdict, Verification
from mltk.steps.champion import Challenger, meet_champion
from mltk.steps.datacheck import examine_all
from mltk.steps.holdout import HoldOut
from mltk.steps.judge import Encounter, answer, comparison, decide, judge, remark, summary
from mltk.steps.predictions import Predictions
from mltk.steps.results import Requested, result_option, write
from mltk.steps.tracking import open_registry, tracking_options
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import Bundle, Manifest, read_bundle
from mltk.tfjs.latency import Latency, measure_latency


@click.command("gate")
@workspace_option
@tracking_options
@result_option
def command(
    workspace: RunWorkspace, tracking_uri: str, experiment: str, patience: float, results: Requested
) -> None:
    """Judge the exported model; the step succeeds whatever the verdict."""
    source, bundle = workspace.read(Source), read_bundle(workspace.bundle)
    hold_out = _hold_out(workspace, workspace.spec())
    registry = functools.partial(open_registry, tracking_uri, experiment, patience)
    data = examine_all(workspace, hold_out.spec, hold_out.problem.target_kind, registry)
    checks = (*_checks(workspace, bundle, hold_out), *questions(data))
    hold_out.measure(hold_out.predictions.outputs)  # a mistake is told before there is a champion
    encounter = None
    if all(check.passed for check in checks):
        challenger = Challenger(source.model, bundle, source.window, hold_out)
        encounter = meet_champion(registry(), challenger)
    note = remark(hold_out.spec.gate, workspace.read(Evaluation))
    verdict = decide(source.model, checks, encounter, note=note)
    workspace.write(verdict)
    for warning in warnings(data):
        click.echo(f"warning: {hold_out.spec.data.path}: {warning}", err=True)
    _tell(verdict)
    write(results, _results(verdict, encounter))


def _checks(workspace: RunWorkspace, bundle: Bundle, hold_out: HoldOut) -> tuple[Check, ...]:
    """Ask all that does not need a champion."""
    checks = judge(
        hold_out.spec.gate,
        hold_out.spec.export,
        workspace.read(Evaluation),
        workspace.read(Verification),
        sum(path.stat().st_size for path in workspace.bundle.iterdir()),
        hold_out.limits,
        _storage(bundle.manifest),
        _latency(workspace, hold_out),
    )
    return checks + hold_out.slice_checks()


def _results(verdict: Verdict, encounter: Encounter | None) -> dict[str, str]:
    return {
        "verdict": verdict.verdict,
        "promote": "true" if verdict.promote else "false",
        "reason": summary(verdict),
        "comparison": json.dumps(comparison(encounter), separators=(",", ":")),
    }


def _hold_out(workspace: RunWorkspace, spec: Model) -> HoldOut:
    """Read the hold-out rows; what mltk.yaml does not say of the gate, the kind of problem does."""
    problem = load_problem(spec.problem)
    asked = spec.model_copy(update={"gate": problem.asked(spec.gate)})
    predictions = Predictions.read(workspace.predictions_file)
    if problem.target_kind not in ("label", "labels"):
        return HoldOut(asked, problem, predictions)
    told = workspace.read(TableReport)
    return HoldOut(asked, problem, predictions, told.classes, told.labels)


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


def _latency(workspace: RunWorkspace, hold_out: HoldOut) -> Latency | None:
    """Time the bundle, where there is a budget for it."""
    if hold_out.spec.gate.max_latency_ms is None:
        return None
    return measure_latency(workspace.bundle, hold_out.predictions.inputs, hold_out.backend)


def _tell(verdict: Verdict) -> None:
    for check in verdict.checks:
        click.echo(f"{answer(check):4} {check.reason}")
    for trial in verdict.trials[1:]:
        click.echo(f"{'ok  ' if trial.passed else 'STOP'} {trial.reason}")
    click.echo(f"{verdict.verdict}: {summary(verdict)}")
