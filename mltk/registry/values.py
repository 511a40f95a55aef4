"""What the registry knows of a model version, and the entries of its ledger of promotions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"


@dataclasses.dataclass(frozen=True)
class Lineage:
    """Where a bundle comes from; kept as tags of its version.

    `metrics` are the hold-out metrics by name, `key_parts` what the key is made of. `window` names
    the time window of the data, empty for the whole table; `event_id` the event that asked for the
    run which registered it first, empty where a person did. `parity` is how far the gate let the
    export be off Keras, None where an older mltk registered it. `parameters` are those that a
    search put in the place of those of mltk.yaml, by name, and `start` the digest of the bundle
    whose weights the training started from, empty for a fresh start.
    """

    key: str
    key_parts: Mapping[str, str]
    data_version: str
    git_sha: str
    verdict: str
    run_uid: str
    metrics: Mapping[str, float]
    window: str = ""
    event_id: str = ""
    parity: float | None = None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    start: str = ""


@dataclasses.dataclass(frozen=True)
class ModelVersion:
    """One registered bundle.

    `alias` is champion, challenger or empty; `created` is RFC 3339 in UTC; `run_id` is the MLflow
    run that holds the details.
    """

    name: str
    version: str
    alias: str
    digest: str
    created: str
    run_id: str
    lineage: Lineage


@dataclasses.dataclass(frozen=True)
class Promotion:
    """An entry of a model's ledger: `version` became champion in the place of `previous`.

    `action` is promote or rollback; `evidence` says on what it rests (run, verdict, comparison).
    """

    action: str
    version: str
    previous: str | None
    who: str
    when: str
    reason: str
    evidence: Mapping[str, Any]
