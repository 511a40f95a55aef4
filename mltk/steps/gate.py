"""gate: find out whether the model is good enough, and better than the champion.

Both are judged as they are served, exported and in Node.js, on the same hold-out rows.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from mltk.data.arrays import Array, Outputs
from mltk.data.quality.judging import questions, warnings
from mltk.errors import ConfigError, NotFound, StepError
from mltk.gate import rows as same
from mltk.gate.contest import counts_tries, of_all, of_slices
from mltk.problems import load_problem
from mltk.problems.base import FEATURES
from mltk.project.spec import Model
from mltk.records import Evaluation, Source, TableReport, Verdict, Verification
from mltk.registry import ModelVersion, Registry
from mltk.registry.tries import enter
from mltk.steps.datacheck import examine_all
from mltk.steps.holdout import HoldOut
from mltk.steps.judge import Contest, Storage, answer, decide, judge, remark, summary
from mltk.steps.predictions import Predictions
from mltk.steps.results import Requested, result_option, write
from mltk.steps.tracking import open_registry, tracking_options
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import Bundle, Feature, Manifest, predict_bundle, read_bundle
from mltk.tfjs.latency import Latency, measure_latency


@click.command("gate")
@workspace_option
@tracking_options
@result_option
def command(
    workspace: RunWorkspace, tracking_uri: str, experiment: str, patience: float, results: Requested
) -> None:
    """Judge the exported model; the step succeeds whatever the verdict."""
    name, spec = workspace.read(Source).model, workspace.spec()
    open_tracked = functools.partial(open_registry, tracking_uri, experiment, patience)
    bundle = read_bundle(workspace.bundle)
    evaluation = workspace.read(Evaluation)
    hold_out = _hold_out(workspace, spec)
    gate = hold_out.spec.gate
    checks = judge(
        gate,
        spec.export,
        evaluation,
        workspace.read(Verification),
        sum(path.stat().st_size for path in workspace.bundle.iterdir()),
        hold_out.limits,
        _storage(bundle.manifest),
        _latency(workspace, hold_out),
    )
    checks += hold_out.slice_checks()
    data = examine_all(workspace, spec, hold_out.problem.target_kind, open_tracked)
    checks += tuple(questions(data))
    hold_out.measure(hold_out.predictions.outputs)  # a mistake is told before there is a champion
    contest = None
    if all(check.passed for check in checks):
        contest = hold_contest(open_tracked(), name, hold_out, workspace, bundle)
    verdict = decide(name, checks, contest, note=remark(gate, evaluation))
    workspace.write(verdict)
    for warning in warnings(data):
        click.echo(f"warning: {spec.data.path}: {warning}", err=True)
    _tell(verdict)
    write(
        results,
        {
            "verdict": verdict.verdict,
            "promote": "true" if verdict.promote else "false",
            "reason": summary(verdict),
        },
    )


def _hold_out(workspace: RunWorkspace, spec: Model) -> HoldOut:
    """Read the hold-out rows; what mltk.yaml does not say of the gate, the kind of problem does."""
    problem = load_problem(spec.problem)
    classes = () if problem.target_kind != "label" else workspace.read(TableReport).classes
    asked = spec.model_copy(update={"gate": problem.asked(spec.gate)})
    return HoldOut(asked, problem, Predictions.read(workspace.predictions_file), classes)


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
    backend = _backend(hold_out.spec)
    return measure_latency(workspace.bundle, hold_out.predictions.inputs, backend)


def _backend(spec: Model) -> str:
    """Give where both models are asked: in Node.js, whatever else the export is proven on."""
    return "wasm" if "wasm" in spec.export.backends else "cpu"


def hold_contest(
    registry: Registry, name: str, hold_out: HoldOut, workspace: RunWorkspace, bundle: Bundle
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
        place = Path(folder) / "bundle"
        try:
            registry.download(name, champion.version, place)
        except NotFound as error:
            return Contest(champion.version, obstacle=error.what)
        said = _predict(place, hold_out, workspace, bundle)
    if isinstance(said, str):
        return Contest(champion.version, obstacle=said)
    return _meet(registry, champion, bundle.digest, hold_out, *said)


def _later_window(champion: str, ours: str) -> str:
    """Say so when the champion learnt from a later window; a backfill must not replace it."""
    # Both are in UTC and written alike, so that the later end is the greater text.
    if not (champion and ours) or champion.split("/")[-1] <= ours.split("/")[-1]:
        return ""
    return f"it learnt from a later window ({champion})"


def _predict(
    folder: Path, hold_out: HoldOut, workspace: RunWorkspace, bundle: Bundle
) -> tuple[Outputs, Outputs] | str:
    """Ask both; a champion that cannot answer is an obstacle to the contest, not a failure."""
    backend = _backend(hold_out.spec)
    try:
        rival = read_bundle(folder)
        if obstacle := _difference(rival, bundle):
            return obstacle
        theirs = predict_bundle(folder, _questions(rival, hold_out), backend=backend)
    except StepError as error:
        return error.what
    ours = predict_bundle(workspace.bundle, hold_out.predictions.inputs, backend=backend)
    return ours, theirs


def _meet(
    registry: Registry,
    champion: ModelVersion,
    digest: str,
    hold_out: HoldOut,
    ours: Outputs,
    theirs: Outputs,
) -> Contest:
    """Judge by the policy of mltk.yaml; the try is counted before anything is tested."""
    gate, seen = hold_out.spec.gate, hold_out.predictions
    number = 0
    if counts_tries(gate.champion):
        rows = same.hold_out(seen.features, seen.y_true)
        sample = (rows.digest, rows.smallest)
        number = enter(registry, champion, digest, sample, same.same_rows)
    pair, slices = hold_out.pair(ours, theirs), hold_out.pairs(ours, theirs)
    try:
        whole = of_all(pair, gate, number, seed=hold_out.spec.seed)
    except ValueError as error:
        hint = "test: auto chooses one that fits"
        raise ConfigError(str(error), where="mltk.yaml: gate.champion.test", hint=hint) from None
    return Contest(champion.version, (whole, *of_slices(slices, gate.champion)), number)


def _questions(rival: Bundle, hold_out: HoldOut) -> dict[str, Array]:
    """What the champion is asked: the same rows, and as much noise as it takes."""
    widths = {port.name: port.shape[-1] or 1 for port in rival.manifest.inputs}
    seen, seed = hold_out.predictions, hold_out.spec.seed
    return hold_out.problem.inputs(widths, seen.features, seed=seed)


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
        click.echo(f"{answer(check):4} {check.reason}")
    for trial in verdict.trials[1:]:
        click.echo(f"{'ok  ' if trial.passed else 'STOP'} {trial.reason}")
    click.echo(f"{verdict.verdict}: {summary(verdict)}")
