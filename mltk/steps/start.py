"""start: the champion's weights, for a training that starts from them, and its digest in the key.

It reads the registry, and the training, which holds no credential, comes after it. What speaks
against a champion as a start is said, and the training starts fresh.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path

import click

from mltk.errors import NotFound, StepError
from mltk.gate.comparable import later_window, other_rows, same_features
from mltk.problems.base import FEATURES
from mltk.project.key import START, key_of
from mltk.project.spec import Model
from mltk.records import Source, Start
from mltk.registry import ModelVersion, Registry
from mltk.steps.export import shares
from mltk.steps.inputs import described
from mltk.steps.register import WEIGHTS
from mltk.steps.results import Requested, result_option, write
from mltk.steps.tracking import open_registry, tracking_options
from mltk.steps.workspace import RunWorkspace, workspace_option
from mltk.tfjs import Manifest, read_bundle


@click.command("start")
@workspace_option
@tracking_options
@click.option("--start", "asked", default="", help="Digest to start from; empty: the champion's.")
@result_option
def command(
    workspace: RunWorkspace,
    tracking_uri: str,
    experiment: str,
    patience: float,
    asked: str,
    results: Requested,
) -> None:
    """Bring the weights of the champion."""
    source, registry = _plain(workspace), open_registry(tracking_uri, experiment, patience)
    shutil.rmtree(workspace.start, ignore_errors=True)  # of an attempt before
    version = _insisted(registry, source, asked) if asked else _champion(registry, source)
    found: ModelVersion | Start | str = version
    if isinstance(version, ModelVersion):
        found = _bring(registry, version, workspace, insisted=bool(asked))
    if isinstance(found, Start):
        parts = {**source.key_parts, START: found.digest}
        source = dataclasses.replace(source, key=key_of(parts), key_parts=parts)
        workspace.write(found)
        click.echo(f"the training starts from version {found.version} ({found.digest})")
    else:
        click.echo(f"the training starts fresh: {found}")
    workspace.write(source)
    told = source.key_parts.get(START, "")
    write(results, {"key": source.key, "start": told})


def _plain(workspace: RunWorkspace) -> Source:
    """What was fetched, as it was before an attempt of this step."""
    source = workspace.read(Source)
    parts = {name: part for name, part in source.key_parts.items() if name != START}
    return dataclasses.replace(source, key=key_of(parts), key_parts=parts)


def _insisted(registry: Registry, source: Source, digest: str) -> ModelVersion:
    found = registry.find_digest(source.model, digest)
    if found is None:
        raise NotFound(
            f"no version of '{source.model}' has the digest that the training started from",
            where=digest,
            hint="`mltk models list --all` shows what is registered",
        )
    return found


def _champion(registry: Registry, source: Source) -> ModelVersion | str:
    """The version to start from, or why there is none.

    A champion that learnt from the very same parts is no start: it would be trained on and on by
    runs that ask for nothing new. The run then starts from what that one started from, and comes
    to the same model.
    """
    champion = registry.champion(source.model)
    if champion is None:
        return "there is no champion yet"
    parts = dict(champion.lineage.key_parts)
    before = parts.pop(START, "")
    if parts == source.key_parts:
        if not before:
            return "so did the champion, which learnt from the very same"
        earlier = registry.find_digest(source.model, before)
        return earlier or "what the champion started from is gone"
    if late := later_window(champion.lineage.window, source.window):
        return f"the champion is no start, {late}"
    return champion


def _bring(
    registry: Registry, version: ModelVersion, workspace: RunWorkspace, *, insisted: bool
) -> Start | str:
    """Put its weights into their place; or why they do not fit."""
    try:
        with tempfile.TemporaryDirectory(prefix="mltk-start-") as scratch:
            manifest = read_bundle(
                registry.download(version.name, version.version, Path(scratch) / "bundle")
            ).manifest
            if why := misfit(manifest, workspace.spec()):
                return f"version {version.version} {why}"
            file = registry.tracking.fetch_file(version.run_id, WEIGHTS, Path(scratch))
            workspace.start.mkdir()
            shutil.copyfile(file, workspace.start_model)
    except (NotFound, StepError) as error:
        if insisted:
            raise
        return f"the weights of version {version.version} are not there ({error.what})"
    classes = {output.name: output.classes for output in manifest.outputs}
    return Start(version.digest, version.version, classes)


def misfit(manifest: Manifest, spec: Model) -> str:
    """Why a model of this manifest is no start for one of this spec; empty when it may be."""
    if manifest.problem != spec.problem:
        return f"solves another problem ({manifest.problem})"
    columns = tuple(map(described, spec.features))
    known = [port.features for port in manifest.inputs if port.name == FEATURES]
    if known and not same_features(known[0], columns):
        return "takes other features"
    if why := other_rows(
        manifest.lineage.key_parts, {"seed": str(spec.seed), "split": shares(spec.split)}
    ):
        return f"cannot be taken: {why}"
    return ""
