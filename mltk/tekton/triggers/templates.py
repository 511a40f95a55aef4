"""The objects of a TriggerTemplate: its resource templates, filled and labelled.

Rules: https://tekton.dev/docs/triggers/triggertemplates/. Values are put into the JSON of a
template as they are, so that a binding can bring an object; what is no JSON afterwards is refused.
Tekton fills in params one after the other, in an order of chance; here it is done in one go, so
that no value is taken for a variable of the template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltk.tekton import gojson
from mltk.tekton.triggers.errors import TriggerError

GROUP = "triggers.tekton.dev"
EVENT = f"{GROUP}/triggers-eventid"
"""Label of all that an event has made."""
OLD_ESCAPE = f"{GROUP}/old-escape-quotes"


@dataclass(frozen=True)
class Origin:
    """What made an object, for its labels, and the namespace it goes to unless it names one."""

    listener: str
    trigger: str
    event_id: str
    namespace: str


def resources(template: Mapping[str, Any], values: Mapping[str, str], uid: str) -> list[str]:
    """The JSON of each resource template of `template` with `values`; `uid` is one for all."""
    annotations = template.get("metadata", {}).get("annotations") or {}
    old = OLD_ESCAPE in annotations
    variables = {f"$(tt.params.{name})": _escaped(value, old) for name, value in values.items()}
    listed = template.get("spec", {}).get("resourcetemplates") or []
    return [
        _replaced(gojson.encode(resource), variables).replace("$(uid)", uid) for resource in listed
    ]


def created(resource: str, origin: Origin) -> dict[str, Any]:
    """The object that `resource` asks for, with the labels of its `origin`.

    Raises TriggerError for text that is not an object of Kubernetes.
    """
    made = _object(resource)
    metadata = made.setdefault("metadata", {})
    labels = metadata.setdefault("labels", {}) if isinstance(metadata, dict) else None
    if not isinstance(labels, dict) or not all(isinstance(each, str) for each in labels.values()):
        raise TriggerError(".metadata.labels accessor error: not a map of strings")
    labels |= {
        f"{GROUP}/eventlistener": origin.listener,
        f"{GROUP}/trigger": origin.trigger,
        EVENT: origin.event_id,
    }
    metadata["namespace"] = metadata.get("namespace") or origin.namespace
    return made


def _escaped(value: str, old: bool) -> str:
    if old:
        value = value.replace('"', '\\"')
    # A value from outside must not name a variable of the run that it goes into.
    return value.replace("$(", "$$(")


def _replaced(text: str, variables: Mapping[str, str]) -> str:
    if not variables:
        return text
    pattern = "|".join(map(re.escape, variables))
    return re.sub(pattern, lambda found: variables[found[0]], text)


def _object(resource: str) -> dict[str, Any]:
    try:
        made = json.loads(resource)
    except (ValueError, RecursionError) as error:
        raise TriggerError(f"couldn't unmarshal json from the TriggerTemplate: {error}") from None
    if not isinstance(made, dict) or not made.get("kind"):
        raise TriggerError(
            "couldn't unmarshal json from the TriggerTemplate: "
            f"Object 'Kind' is missing in '{resource}'"
        )
    return made
