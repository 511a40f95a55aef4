"""Webhooks of MLflow's model registry.

Shape: https://mlflow.org/docs/latest/ml/webhooks/ ("entity", "action", "data"). A model of the
registry has the name of a model of mltk.yaml, and what happens to it asks for that model's data.
"""

from __future__ import annotations

from typing import Any

from mltk.data.arrivals.arrival import Arrival, Told
from mltk.data.arrivals.fields import mapping, moment, optional, text

FORM = "mlflow"
SCHEME = "models:/"
_ENTITIES = ("registered_model", "model_version", "model_version_tag", "model_version_alias")


def parse(document: Any) -> Told:
    """The model version that an event is about, as `models:/NAME/VERSION`.

    Nothing for prompts, budgets and what else MLflow tells of.
    """
    event = mapping(FORM, document, "it")
    entity = text(FORM, event, "entity", "it")
    action = text(FORM, event, "action", "it")
    if entity not in _ENTITIES:
        return Told()
    data = mapping(FORM, event.get("data"), "data")
    name, version = text(FORM, data, "name", "data"), optional(FORM, data, "version", "data")
    time = moment(FORM, event, "timestamp", "it")
    uri = f"{SCHEME}{name}" + (f"/{version}" if version else "")
    return Told((Arrival(FORM, uri, version, time=time, id=f"{entity}.{action}"),))
