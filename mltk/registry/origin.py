"""From what a model was made: all that its version and its MLflow run have recorded of it."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mltk.errors import NotFound, StepError
from mltk.records import Environment
from mltk.registry import failures, rows
from mltk.registry.models import Registry
from mltk.registry.references import Reference
from mltk.registry.values import ModelVersion

_REPOSITORY = "mlflow.source.git.repoURL"
_COMMIT = "mlflow.source.git.commit"
_PART = "mltk.key."
_PARENT = "mlflow.parentRunId"
_RECORDS = "records"
_OF_OTHERS = ("baseline.", "data.", "drift.")


@dataclasses.dataclass(frozen=True)
class Origin:
    """A trained model with what makes it again.

    `reference` names it with its number, or by its run when it was not registered (`version` is
    empty). `repository` is empty, and `environment` None, where none was recorded. `parameters`
    took the place of those of mltk.yaml.
    """

    reference: str
    name: str
    version: str
    run_id: str
    repository: str
    revision: str
    data_version: str
    window: str
    key_parts: Mapping[str, str]
    digest: str
    metrics: Mapping[str, float]
    environment: Environment | None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def find(registry: Registry, asked: Reference) -> Origin:
    """Look up the origin of a model; NotFound where there is none, or nothing tells it.

    A run without a version, because the gate refused its model, has an origin, too.
    """
    with failures.translated(str(registry.connection)):
        if asked.run_id:
            return _of_run(registry, asked.run_id)
        version = _version(registry, asked)
        return _of_version(
            version, _tags(registry, version.run_id), _kept(registry, version.run_id)
        )


def _version(registry: Registry, asked: Reference) -> ModelVersion:
    try:
        return registry.version(asked.name, asked.which)
    except NotFound as error:
        for found in _versions(registry, asked.name):
            if (
                asked.which in (str(found.version), *found.aliases)
                and rows.DIGEST not in found.tags
            ):
                raise _foreign(f"models:/{asked.name}/{found.version}", error.where) from None
        raise


def _versions(registry: Registry, name: str) -> list[Any]:
    """Versions as MLflow has them, those that mltk did not register among them."""
    if registry.connection.absent:
        return []
    client = registry.connection.client
    listed = client.search_model_versions(f"name = '{name.replace(chr(39), '')}'")
    # A version that comes from a search does not know its aliases.
    return [client.get_model_version(found.name, found.version) for found in listed]


def _foreign(reference: str, where: str | None) -> NotFound:
    return NotFound(
        f"{reference} was not made by mltk, so nothing tells from which revision and data",
        where=where,
        hint="`mltk models list` shows those that can be reproduced",
    )


def _of_version(
    version: ModelVersion, tags: Mapping[str, str], environment: Environment | None
) -> Origin:
    lineage = version.lineage
    return Origin(
        reference=str(Reference(version.name, version.version)),
        name=version.name,
        version=version.version,
        run_id=version.run_id,
        repository=tags.get(_REPOSITORY, ""),
        revision=lineage.git_sha,
        data_version=lineage.data_version,
        window=lineage.window,
        key_parts=lineage.key_parts,
        digest=version.digest,
        metrics=lineage.metrics,
        environment=environment,
        parameters=lineage.parameters,
    )


def _of_run(registry: Registry, run_id: str) -> Origin:
    run = _run(registry, run_id)
    if parent := run.data.tags.get(_PARENT):  # a task of the run that is meant
        return _of_run(registry, parent)
    tags = run.data.tags
    if "mltk.key" not in tags:
        raise _foreign(f"run {run_id}", str(registry.connection))
    if "mltk.digest" not in tags:
        raise NotFound(
            f"run {run_id} ended before it had a model ({tags.get('mltk.outcome', 'unknown')})",
            where=str(registry.connection),
            hint="name a run that came as far as its bundle, or a version: mltk models list",
        )
    name = tags["mltk.model"]
    version = registry.find_digest(name, tags["mltk.digest"])
    return Origin(
        reference=str(Reference(run_id=run_id)),
        name=name,
        version=version.version if version else "",
        run_id=run_id,
        repository=tags.get(_REPOSITORY, ""),
        revision=tags.get(_COMMIT, ""),
        data_version=tags.get("mltk.data-version", ""),
        window=tags.get("mltk.window", ""),
        key_parts={
            key.removeprefix(_PART): text for key, text in tags.items() if key.startswith(_PART)
        },
        digest=tags["mltk.digest"],
        metrics=_of_the_model(run.data.metrics),
        environment=_kept(registry, run_id),
        parameters={
            key.removeprefix(rows.PARAMETER): json.loads(text)
            for key, text in tags.items()
            if key.startswith(rows.PARAMETER)
        },
    )


def _run(registry: Registry, run_id: str) -> Any:
    try:
        with failures.translated(str(registry.connection)):
            return registry.connection.client.get_run(run_id)
    except NotFound as error:
        raise NotFound(
            f"MLflow has no run {run_id}",
            where=error.where,
            hint="`mltk models show NAME` names the run of a version",
        ) from error


def _of_the_model(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics without their bounds, those of the baselines and what was found of the data."""
    return {
        name: value
        for name, value in metrics.items()
        if not name.startswith(_OF_OTHERS) and not name.endswith((".low", ".high"))
    }


def _tags(registry: Registry, run_id: str) -> Mapping[str, str]:
    """The tags of the run; none when somebody has deleted it, for the version says most of it."""
    try:
        tags: Mapping[str, str] = _run(registry, run_id).data.tags
    except NotFound:
        return {}
    return tags


def _kept(registry: Registry, run_id: str) -> Environment | None:
    """The environment that the report kept with the run; None where there is none."""
    client, wanted = registry.connection.client, f"{_RECORDS}/{Environment.filename}"
    try:
        with failures.translated(str(registry.connection)):
            if wanted not in {file.path for file in client.list_artifacts(run_id, _RECORDS)}:
                return None
            with tempfile.TemporaryDirectory(prefix="mltk-origin-") as scratch:
                return Environment.read(
                    Path(client.download_artifacts(run_id, wanted, scratch)).parent
                )
    except (NotFound, StepError):
        return None
