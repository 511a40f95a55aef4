"""A registered version on MLflow's side: its tags, and how they are read back."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any

from mltk.moments import rfc3339
from mltk.registry.values import CHALLENGER, CHAMPION, Lineage, ModelVersion

DIGEST = "mltk.digest"
PARAMETER = "mltk.parameter."
_LINEAGE = "mltk.lineage"


def tags(digest: str, lineage: Lineage) -> dict[str, str]:
    """Give the tags of a version: its lineage as JSON, and what people search for by itself."""
    optional = {
        "mltk.window": lineage.window,
        "mltk.event-id": lineage.event_id,
        "mltk.start": lineage.start,
    }
    return {key: value for key, value in optional.items() if value} | {
        **parameter_tags(lineage.parameters),
        DIGEST: digest,
        _LINEAGE: json.dumps(dataclasses.asdict(lineage), sort_keys=True),
        "mltk.key": lineage.key,
        "mltk.data-version": lineage.data_version,
        "mltk.verdict": lineage.verdict,
        "mltk.run-uid": lineage.run_uid,
        "mlflow.source.git.commit": lineage.git_sha,
    }


def parameter_tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Give the parameters that a search has chosen as tags, each value as JSON."""
    return {f"{PARAMETER}{name}": json.dumps(value) for name, value in parameters.items()}


def version(entity: Any, aliases: Mapping[str, str]) -> ModelVersion:
    """Read MLflow's version; `aliases` are those of its model, alias to number."""
    held = {name for name, number in aliases.items() if str(number) == str(entity.version)}
    created = datetime.datetime.fromtimestamp(entity.creation_timestamp / 1000, datetime.UTC)
    return ModelVersion(
        name=entity.name,
        version=str(entity.version),
        alias=next((name for name in (CHAMPION, CHALLENGER) if name in held), ""),
        digest=entity.tags[DIGEST],
        created=rfc3339(created),
        run_id=entity.run_id or "",
        lineage=Lineage(**json.loads(entity.tags[_LINEAGE])),
    )
