"""export: the trained model as a TensorFlow.js bundle that says all a client needs to know."""

from __future__ import annotations

from collections.abc import Mapping

import click

from mltk.data.arrays import Array
from mltk.errors import StepError
from mltk.gate.parity import storage_tolerance
from mltk.problems import load_problem
from mltk.problems.base import FEATURES, Problem
from mltk.project.spec import Model, Split
from mltk.records import Evaluation, Source, TableReport
from mltk.steps.inputs import Records, as_sent, described, invented_rows
from mltk.steps.predictions import Predictions
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import manifest


@click.command("export")
@workspace_option
def command(workspace: RunWorkspace) -> None:
    """Write the bundle of the trained model."""
    spec = workspace.spec()
    asked = Predictions.read(workspace.predictions_file).inputs
    problem = load_problem(spec.problem)
    golden = {
        name: invented_rows(
            rows, spec.export.golden_rows, spec.seed, spec.features if name == FEATURES else ()
        )
        for name, rows in asked.items()
    }
    records: Records = ()
    if FEATURES in golden:
        golden[FEATURES], records = as_sent(spec.features, golden[FEATURES])
    told = _describe(workspace, problem, spec, asked, records)
    if not workspace.model_file.exists():
        raise StepError(
            f"{workspace.model_file.name} is missing: the train step has not run",
            where=str(workspace.root),
        )
    # TensorFlow comes after everything that can fail without it.
    from mltk.problems import backend
    from mltk.tfjs.export import export_model

    backend.prepare(spec.seed)
    digest = export_model(
        problem.load_model(workspace.model_file),
        workspace.bundle,
        golden,
        description=told,
        quantization=spec.export.quantization,
        tolerance=storage_tolerance(problem.asked(spec.gate), spec.export),
        trial_rows=asked,
        golden_rows=spec.export.golden_rows,
    )
    size = sum(path.stat().st_size for path in workspace.bundle.iterdir())
    click.echo(f"{digest}  {size / 1000:.1f} kB")


def _describe(
    workspace: RunWorkspace,
    problem: Problem,
    spec: Model,
    asked: Mapping[str, Array],
    records: Records,
) -> manifest.BundleDescription:
    source, evaluation = workspace.read(Source), workspace.read(Evaluation)
    classes = workspace.read(TableReport).classes
    outputs = {
        output.name: manifest.OutputMeaning(
            output.description,
            output.unit,
            output.labels,
            tuple(found for found in evaluation.thresholds if found.output == output.name),
        )
        for output in problem.outputs(spec, classes)
    }
    features = {name: _drawn(problem, name, rows.shape[1]) for name, rows in asked.items()}
    if FEATURES in features:
        features[FEATURES] = tuple(map(described, spec.features))
    return manifest.BundleDescription(
        name=source.model,
        problem=spec.problem,
        description=spec.description,
        features=features,
        outputs=outputs,
        metrics=evaluation.metrics,
        # The split is part of `spec` in the key; by itself it tells the gate who saw which rows.
        lineage=manifest.Lineage(source.key, {**source.key_parts, "split": shares(spec.split)}),
        records=records,
    )


def shares(split: Split) -> str:
    """Give the split in words, as the lineage of a bundle has it."""
    by = f", group {split.group}" if split.group else f", time {split.time}" if split.time else ""
    return f"validation {split.validation}, holdout {split.holdout}{by}"


def _drawn(problem: Problem, name: str, width: int) -> tuple[manifest.Feature, ...]:
    """Describe an input that takes no columns of the table."""
    what = problem.drawn.get(name, "standard normal noise")
    return tuple(manifest.Feature(f"{name}_{i}", description=what) for i in range(1, width + 1))
