"""register: put a model that passed into the registry, and give it its alias."""

from __future__ import annotations

import dataclasses

import click

from mltk.data.quality.found import PROFILE_FILE, RECORDS
from mltk.errors import GateRejected
from mltk.records import Evaluation, Registration, Source, TrainingReport, Verdict
from mltk.registry import CHALLENGER, Lineage, ModelVersion, Registry
from mltk.steps.judge import summary
from mltk.steps.results import Requested, result_option, write
from mltk.steps.tracking import open_registry, run_options, tracking_options
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import read_bundle

WEIGHTS = "keras/model.keras"
"""Artifact of a run: the Keras model of its bundle, which a later training may start from."""


@click.command("register")
@workspace_option
@tracking_options
@run_options
@result_option
def command(
    workspace: RunWorkspace,
    tracking_uri: str,
    experiment: str,
    patience: float,
    run_name: str,
    run_uid: str,
    event_id: str,
    results: Requested,
) -> None:
    """Register the bundle once by its digest; make it champion when the gate said so."""
    verdict, name = workspace.read(Verdict), workspace.read(Source).model
    if verdict.verdict != "pass":
        raise GateRejected(f"'{name}' did not pass the gate: {summary(verdict)}")
    registry = open_registry(tracking_uri, experiment, patience)
    digest = read_bundle(workspace.bundle).digest
    run_id = registry.tracking.parent(run_uid, run_name)
    lineage = _lineage(workspace, verdict, run_uid, event_id)
    # Before the version is there: the next run is compared with it.
    registry.tracking.log_files(run_id, workspace.root / PROFILE_FILE, RECORDS)
    registry.tracking.log_files(run_id, workspace.model_file, WEIGHTS.partition("/")[0])
    version, created = registry.register(name, workspace.bundle, digest, lineage, run_id)
    version = _name(registry, version, verdict, run_name, run_id)
    click.echo(
        f"{name} version {version.version} ({'new' if created else 'registered before'}), "
        f"{version.alias}, {digest}"
    )
    workspace.write(Registration(name, version.version, digest, version.alias, created, run_id))
    write(
        results,
        {"model-version": version.version, "alias": version.alias, "bundle-digest": digest},
    )


def _name(
    registry: Registry, version: ModelVersion, verdict: Verdict, run_name: str, run_id: str
) -> ModelVersion:
    """Give the alias that the verdict asks for, unless its comparison is out of date by now."""
    if not verdict.promote:
        return registry.challenge(version.name, version.version)
    champion = registry.champion(version.name)
    judged_against = (None, verdict.champion_version, version.version)
    if champion is not None and champion.version not in judged_against:
        click.echo(
            f"version {champion.version} became champion since the gate compared; registered as "
            f"{CHALLENGER}, promote it by hand: mltk models promote {version.name} {CHALLENGER}"
        )
        return registry.challenge(version.name, version.version)
    return registry.promote(
        version.name,
        version.version,
        who=f"run {run_name}",
        reason=summary(verdict),
        evidence={
            "run": run_id,
            "verdict": verdict.verdict,
            "tries": verdict.tries,
            # That on all rows: MLflow's tables hold 5,000 characters of an entry.
            "trial": dataclasses.asdict(verdict.trials[0]) if verdict.trials else None,
        },
    )


def _lineage(workspace: RunWorkspace, verdict: Verdict, run_uid: str, event_id: str) -> Lineage:
    source, evaluation = workspace.read(Source), workspace.read(Evaluation)
    return Lineage(
        key=source.key,
        key_parts=source.key_parts,
        data_version=source.data_version,
        git_sha=source.revision,
        verdict=verdict.verdict,
        run_uid=run_uid,
        metrics={metric.name: metric.value for metric in evaluation.metrics},
        window=source.window,
        event_id=event_id,
        parity=_parity(verdict),
        parameters=source.parameters,
        start=workspace.read(TrainingReport).start,
    )


def _parity(verdict: Verdict) -> float | None:
    """How far the gate allowed the export to be off Keras, on every backend alike."""
    return next((each.limit for each in verdict.checks if each.name.startswith("parity.")), None)
