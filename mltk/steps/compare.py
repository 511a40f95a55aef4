"""compare: is what was trained the model that was recalled? The step succeeds whatever it finds."""

from __future__ import annotations

import dataclasses
import json

import click

from mltk.errors import ConfigError, StepError
from mltk.problems import load_problem
from mltk.records import Environment, Evaluation, Finding, Original, Reproduction, Source
from mltk.steps.likeness import Again, judge, same_files
from mltk.steps.predictions import Predictions
from mltk.steps.results import Requested, result_option, write
from mltk.steps.verify import by_name
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import Bundle, Rows, read_bundle, verify_bundle

_ROOM = 3000
"""Bytes of the result, which shares 4,096 with what Tekton adds."""


@click.command("compare")
@workspace_option
@result_option
def command(workspace: RunWorkspace, results: Requested) -> None:
    """Compare digests, answers and metrics within the parity tolerance of the gate."""
    spec, source = workspace.spec(), workspace.read(Source)
    bundle = read_bundle(workspace.bundle)
    again = Again(
        digest=bundle.digest,
        data_version=source.data_version,
        key_parts=source.key_parts,
        metrics={metric.name: metric.value for metric in workspace.read(Evaluation).metrics},
        environment=workspace.read(Environment),
        manifest=bundle.manifest,
    )
    kept = workspace.original_bundle
    original = read_bundle(kept) if kept.is_dir() else None
    manifest = original.manifest if original else None
    apart = None
    if original and not same_files(original.manifest, bundle.manifest):
        apart = _apart(original, Predictions.read(workspace.predictions_file))
    tolerance = load_problem(spec.problem).asked(spec.gate).parity
    found = judge(workspace.read(Original), manifest, again, tolerance, apart)
    workspace.write(found)
    click.echo(f"{found.verdict}: {found.reason}")
    write(results, {"verdict": found.verdict, "reproduction": fitting(found)})


def _apart(original: Bundle, now: Predictions) -> Finding:
    """How far the answers of the original, in Node.js, are from those of now on the same rows."""
    rows = Rows(by_name(original, now.inputs), now.outputs)
    said = f"{len(now.rows)} rows"
    try:
        (check,) = verify_bundle(original.folder, ["cpu"], rows, tolerance=None).backends
    except (ConfigError, StepError) as error:  # other outputs, or none that are numbers
        return Finding("answers", error.what, said, same=False)
    return Finding("answers", said, said, same=False, difference=check.max_relative_error)


def fitting(found: Reproduction, room: int = _ROOM) -> str:
    """Give the record as JSON of at most `room` bytes, without its last causes if it must be.

    Then without metrics that are the same.
    """
    text = json.dumps(dataclasses.asdict(found), separators=(",", ":"))
    if len(text) <= room:
        return text
    if found.causes:
        return fitting(dataclasses.replace(found, causes=found.causes[:-1]), room)
    same = [each for each in found.findings if each.same]
    if not same:
        return text
    kept = tuple(each for each in found.findings if each is not same[-1])
    return fitting(dataclasses.replace(found, findings=kept), room)
