"""MLflow runs of a pipeline: a parent per PipelineRun, nested runs per task, all written once.

Every write can be repeated: runs are found again by their tags, numbers carry the start of their
run as time, so that a retried step leaves the same record behind.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mltk.errors import NotFound
from mltk.registry import failures
from mltk.registry.connection import Connection

_UID_TAG = "mltk.run-uid"
_TASK_TAG = "mltk.task"
_PARENT_TAG = "mlflow.parentRunId"
_BATCH = 500
_STATUSES = {"Succeeded": "FINISHED", "Completed": "FINISHED", "Failed": "FAILED", "": "RUNNING"}


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a run: inputs, numbers, and curves (one number an epoch, by name)."""

    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Tracking:
    """The runs of one experiment; raises InfrastructureError when MLflow cannot be written."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @failures.translating
    def parent(self, uid: str, name: str) -> str:
        """MLflow run of the PipelineRun with this UID, made when it is not there; its id."""
        self.connection.ready_to_write()
        return self._find_or_create({_UID_TAG: uid, _TASK_TAG: ""}, name)

    @failures.translating
    def nested(self, parent: str, uid: str, task: str) -> str:
        """Nested run of one task of the PipelineRun, made when it is not there; its id."""
        return self._find_or_create({_UID_TAG: uid, _TASK_TAG: task}, task, {_PARENT_TAG: parent})

    @failures.translating
    def tagged(self, tag: str, value: str) -> list[str]:
        """Ids of the runs of the experiment that carry a tag, the newest first."""
        if self.connection.absent:
            return []
        client, found, token = self.connection.client, [], None
        while True:
            page = client.search_runs(
                [self.connection.experiment_id],
                f"tags.`{tag}` = '{value}'",
                order_by=["start_time DESC"],
                page_token=token,
            )
            found += [str(run.info.run_id) for run in page]
            if not (token := page.token):
                return found

    @failures.translating
    def log(self, run_id: str, facts: Facts) -> None:
        """Write params, metrics, curves and tags of a run; writing the same again changes nothing.

        Numbers that are not finite are left out: no chart can show them.
        """
        from mlflow.entities import Metric, Param, RunTag

        client = self.connection.client
        start = client.get_run(run_id).info.start_time
        metrics = [Metric(key, value, start, step) for key, value, step in _points(facts)]
        client.log_batch(
            run_id,
            params=[Param(key, value) for key, value in sorted(facts.params.items())],
            tags=[RunTag(key, value) for key, value in sorted(facts.tags.items())],
        )
        for begin in range(0, len(metrics), _BATCH):
            client.log_batch(run_id, metrics=metrics[begin : begin + _BATCH])

    @failures.translating
    def log_data(self, run_id: str, name: str, version: str, source: Mapping[str, str]) -> None:
        """Name the data of a run as its input: table, version (`md5:<hex>`) and where it lies.

        MLflow keeps the `source` that the first run with this table and version gave.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        # MLflow takes 36 characters of a digest, just what `md5:` and its hex digits need.
        data = Dataset(name, version[:36], "dvc", json.dumps(dict(source), sort_keys=True))
        used_for = InputTag("mlflow.data.context", "training")
        self.connection.client.log_inputs(run_id, [DatasetInput(data, [used_for])])

    @failures.translating
    def log_files(self, run_id: str, path: Path, folder: str = "") -> None:
        """Keep a file, or all files of a folder, as artifacts of the run (below `folder`)."""
        client = self.connection.client
        if path.is_dir():
            client.log_artifacts(run_id, str(path), folder or None)
        elif path.exists():
            client.log_artifact(run_id, str(path), folder or None)

    @failures.translating
    def log_text(self, run_id: str, text: str, path: str) -> None:
        """Keep a text as artifact `path` of the run."""
        self.connection.client.log_text(run_id, text, path)

    @failures.translating
    def fetch_file(self, run_id: str, path: str, folder: Path) -> Path:
        """Copy an artifact of the run below `folder`; NotFound where the run has none so called."""
        client, (above, _, name) = self.connection.client, path.rpartition("/")
        listed = {each.path for each in client.list_artifacts(run_id, above or None)}
        if path not in listed:
            raise NotFound(f"the run {run_id} has no artifact {name}", where=str(self.connection))
        return Path(client.download_artifacts(run_id, path, str(folder)))

    @failures.translating
    def finish(self, run_id: str, status: str) -> None:
        """End a run with Tekton's word for how it ended: Succeeded, Failed, ..."""
        self.connection.client.set_terminated(run_id, _STATUSES.get(status, "KILLED"))

    @failures.translating
    def log_model(
        self, name: str, bundle: Path, digest: str, metrics: Mapping[str, float], run_id: str
    ) -> str:
        """Upload the bundle folder as a LoggedModel of the run; its id."""
        client = self.connection.client
        model = client.create_logged_model(
            self.connection.experiment_id,
            name=name,
            source_run_id=run_id,
            params={"digest": digest},
            model_type="tfjs",
        )
        try:
            client.log_model_artifacts(model.model_id, str(bundle))
        except BaseException:
            client.finalize_logged_model(model.model_id, "FAILED")
            raise
        client.finalize_logged_model(model.model_id, "READY")
        start = client.get_run(run_id).info.start_time
        for key, value in sorted(metrics.items()):
            client.log_metric(run_id, key, value, timestamp=start, model_id=model.model_id)
        return str(model.model_id)

    def _find_or_create(
        self, identity: Mapping[str, str], name: str, tags: Mapping[str, str] | None = None
    ) -> str:
        client, experiment = self.connection.client, self.connection.experiment_id
        query = " and ".join(f"tags.`{key}` = '{value}'" for key, value in identity.items())
        found = client.search_runs([experiment], query, max_results=1, order_by=["start_time ASC"])
        if found:
            return str(found[0].info.run_id)
        made = client.create_run(experiment, tags={**identity, **(tags or {})}, run_name=name)
        return str(made.info.run_id)


def _points(facts: Facts) -> Iterator[tuple[str, float, int]]:
    """Name, value and epoch of every number that is finite."""
    for key, value in sorted(facts.metrics.items()):
        if math.isfinite(value):
            yield key, value, 0
    for key, curve in sorted(facts.curves.items()):
        for epoch, value in enumerate(curve, start=1):
            if math.isfinite(value):
                yield key, value, epoch
