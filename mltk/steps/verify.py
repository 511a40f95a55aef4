"""verify: the proof that the bundle computes in JavaScript what Keras computed in Python."""

from __future__ import annotations

from collections.abc import Mapping

import click

from mltk.data.arrays import Array
from mltk.records import BackendCheck
from mltk.steps.predictions import Predictions
from mltk.steps.results import Requested, result_option, write
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import Bundle, Rows, read_bundle, verify_bundle


@click.command("verify")
@workspace_option
@result_option
def command(workspace: RunWorkspace, results: Requested) -> None:
    """Run the hold-out rows through TensorFlow.js; the gate judges how far they are off."""
    backends = workspace.spec().export.backends
    holdout = Predictions.read(workspace.predictions_file)
    rows = Rows(by_name(read_bundle(workspace.bundle), holdout.inputs), holdout.outputs)
    found = verify_bundle(workspace.bundle, backends, rows, tolerance=None)
    workspace.write(found)
    write(results, {"bundle-digest": found.digest})
    click.echo(", ".join(f"{name} {version}" for name, version in found.runtime.items()))
    for check in found.backends:
        click.echo(_line(check))


def by_name(bundle: Bundle, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
    """Give the arrays under the names of the bundle's inputs, should the one have another name."""
    if len(inputs) > 1:
        return inputs
    (rows,) = inputs.values()
    return {bundle.manifest.inputs[0].name: rows}


def _line(check: BackendCheck) -> str:
    return (
        f"{check.backend}  {check.rows} hold-out rows, largest error "
        f"{check.max_absolute_error:.2g} ({check.max_relative_error:.2g} of the output's scale)"
    )
