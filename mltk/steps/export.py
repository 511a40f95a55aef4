"""export: the trained model as a TensorFlow.js bundle that says all a client needs to know."""

from __future__ import annotations

from collections.abc import Mapping

import click
import numpy as np

from mltk.data.arrays import Array
from mltk.errors import StepError
from mltk.gate.parity import storage_tolerance
from mltk.problems import load_problem
from mltk.problems.base import FEATURES, Problem
from mltk.project.spec import Categorical, Feature, Model, Split
from mltk.records import Evaluation, Source, TableReport
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
    told = _describe(workspace, problem, spec, asked)
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
        {
            name: invented_rows(rows, spec.export.golden_rows, spec.seed)
            for name, rows in asked.items()
        },
        description=told,
        quantization=spec.export.quantization,
        tolerance=storage_tolerance(problem.asked(spec.gate), spec.export),
        trial_rows=asked,
        golden_rows=spec.export.golden_rows,
    )
    size = sum(path.stat().st_size for path in workspace.bundle.iterdir())
    click.echo(f"{digest}  {size / 1000:.1f} kB")


def invented_rows(known: Array, count: int, seed: int) -> Array:
    """Give `count` rows [count, F] whose values are each drawn from a column of `known` [n, F].

    Everyone who can load a bundle can read its self-test. Values that belong to no one row keep
    the types and ranges of the data without publishing a record of somebody.
    """
    chosen = np.random.default_rng(seed).integers(0, len(known), size=(count, known.shape[1]))
    return np.take_along_axis(known, chosen, axis=0)


def _describe(
    workspace: RunWorkspace, problem: Problem, spec: Model, asked: Mapping[str, Array]
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
        features[FEATURES] = tuple(_feature(feature) for feature in spec.features)
    return manifest.BundleDescription(
        name=source.model,
        problem=spec.problem,
        description=spec.description,
        features=features,
        outputs=outputs,
        metrics=evaluation.metrics,
        # The split is part of `spec` in the key; by itself it tells the gate who saw which rows.
        lineage=manifest.Lineage(source.key, {**source.key_parts, "split": shares(spec.split)}),
    )


def shares(split: Split) -> str:
    """Give the split in words, as the lineage of a bundle has it."""
    by = f", group {split.group}" if split.group else f", time {split.time}" if split.time else ""
    return f"validation {split.validation}, holdout {split.holdout}{by}"


def _drawn(problem: Problem, name: str, width: int) -> tuple[manifest.Feature, ...]:
    """Describe an input that takes no columns of the table."""
    what = problem.drawn.get(name, "standard normal noise")
    return tuple(manifest.Feature(f"{name}_{i}", description=what) for i in range(1, width + 1))


def _feature(feature: Feature) -> manifest.Feature:
    if isinstance(feature, Categorical):
        return manifest.Feature(
            feature.name, "categorical", feature.unit, feature.description, feature.values
        )
    return manifest.Feature(
        feature.name,
        "numeric",
        feature.unit,
        feature.description,
        minimum=feature.min,
        maximum=feature.max,
    )
