"""What must hold in the kinds of Tekton Triggers (its ``*_validation.go``), in its words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from mltk.tekton.config import Config
from mltk.tekton.fields import Problem
from mltk.tekton.listenerrules import check_resources
from mltk.tekton.names import is_label_value
from mltk.tekton.objects import Obj
from mltk.tekton.triggers.bindings import canonical_header
from mltk.tekton.triggers.expressions import all_closed

_MISSING = "missing field(s)"
_NEITHER = "expected exactly one, got neither"
_BOTH = "expected exactly one, got both"
_PARAM = re.compile(r"\$\(tt\.params\.([_a-zA-Z][_a-zA-Z0-9.-]*)\)")
_BINDINGS = ("", "TriggerBinding", "ClusterTriggerBinding")
_VERSIONS = ("", "v1alpha1", "v1beta1")
_LONGEST_NAME = 60
_PAYLOAD = "tekton.dev/payload-validation"
_RESOURCES = ("customResource", "kubernetesResource")
_WRITTEN = ("template", "bindings", "interceptors")
_WHO_LISTENS = ("labelSelector", "namespaceSelector", "triggerGroups", "triggers")


def check_event_listener(spec: Obj, path: str, config: Config) -> Iterator[Problem]:
    """Problems of an EventListener's spec."""
    chosen = (spec.get("namespaceSelector") or {}).get("matchNames")
    listens = spec.get("triggers"), spec.get("triggerGroups"), chosen
    if spec.get("labelSelector") is None and not any(listens):
        yield Problem(", ".join(f"{path}.{each}" for each in _WHO_LISTENS), _NEITHER)
        return
    for index, trigger in enumerate(spec.get("triggers") or ()):
        yield from _check_listed(trigger, f"{path}.triggers[{index}]", config)
    resources = spec.get("resources") or {}
    if all(resources.get(each) is not None for each in _RESOURCES):
        yield Problem(", ".join(f"{path}.resources.{each}" for each in _RESOURCES), _BOTH)
        return
    yield from check_resources(resources, f"{path}.resources")
    for index, group in enumerate(spec.get("triggerGroups") or ()):
        yield from _check_group(group, f"{path}.triggerGroups[{index}]")


def check_listener_metadata(metadata: Obj) -> Iterator[Problem]:
    """Problems of the name of an EventListener, from which others are made, and of what it says."""
    name = str(metadata.get("name") or "")
    if len(name) > _LONGEST_NAME:
        what = f"eventListener name '{name}' must be no more than {_LONGEST_NAME} characters long"
        yield Problem("metadata.name", f"invalid value: {what}")
    annotations = metadata.get("annotations")
    said = annotations.get(_PAYLOAD, "true") if isinstance(annotations, dict) else "true"
    if said not in ("true", "false"):
        what = f"{_PAYLOAD} annotation must have value 'true' or 'false'"
        yield Problem("metadata.annotations", f"invalid value: {what}")


def check_trigger(spec: Obj, path: str, config: Config) -> Iterator[Problem]:
    """Problems of a Trigger's spec."""
    yield from _check_bindings(spec.get("bindings") or (), path)
    yield from _check_template(spec.get("template") or {}, path, config)
    yield from _check_interceptors(spec, path)


def check_trigger_binding(spec: Obj, path: str, config: Config) -> Iterator[Problem]:  # noqa: ARG001
    """Problems of a TriggerBinding's spec."""
    yield from _check_binding(spec, path, f"{path}.params")


def check_cluster_trigger_binding(
    spec: Obj,
    path: str,
    config: Config,  # noqa: ARG001
) -> Iterator[Problem]:
    """Problems of a ClusterTriggerBinding's spec, whose params Tekton says not to be in it."""
    yield from _check_binding(spec, path, "params")


def check_trigger_template(spec: Obj, path: str, config: Config) -> Iterator[Problem]:  # noqa: ARG001
    """Problems of a TriggerTemplate's spec."""
    templates = spec.get("resourcetemplates") or []
    if not spec.get("params") and not templates:
        yield Problem(path, _MISSING)
    if not templates:
        yield Problem(f"{path}.resourcetemplates", _MISSING)
    for index, template in enumerate(templates):
        for field in ("apiVersion", "kind"):
            if not template.get(field):
                yield Problem(f"{path}.resourcetemplates[{index}].{field}", _MISSING)
    declared = {param.get("name") for param in spec.get("params") or ()}
    for index, template in enumerate(templates):
        for name in _PARAM.findall(json.dumps(template)):
            if name not in declared:
                yield Problem(
                    f"{path}.resourcetemplates[{index}]",
                    f"invalid value: undeclared param '$(tt.params.{name})'",
                    details=f"'$(tt.params.{name})' must be declared in spec.params",
                )
                return


def check_interceptor(spec: Obj, path: str, config: Config) -> Iterator[Problem]:  # noqa: ARG001
    """Problems of the spec of an Interceptor, for a namespace or for all."""
    client = spec.get("clientConfig") or {}
    service = client.get("service")
    if client.get("url") is not None and service is not None:
        yield Problem(f"{path}.clientConfig.service, {path}.clientConfig.url", _BOTH)
    if service is not None:
        for field in ("namespace", "name"):
            if not service.get(field):
                yield Problem(f"{path}.clientConfig.service.{field}", _MISSING)


def _check_binding(spec: Obj, path: str, place: str) -> Iterator[Problem]:
    """The first problem of the params of a binding, which are said to be at `place`."""
    if spec.get("params") is None:
        yield Problem(path, _MISSING)
    seen: set[str] = set()
    for index, param in enumerate(spec.get("params") or ()):
        here, name = f"{place}[{index}]", param.get("name") or ""
        if name in seen:
            yield Problem(f"{here}.name", _BOTH)
            return
        seen.add(name)
        value = param.get("value") or ""
        if not all_closed(value):
            yield Problem(f"{here}.value", f"invalid value: {value}")
            return


def _check_listed(trigger: Obj, path: str, config: Config) -> Iterator[Problem]:
    """One of the triggers of an EventListener: written there, or referred to."""
    template, ref = trigger.get("template"), trigger.get("triggerRef")
    if template is None and not ref:
        yield Problem(f"{path}.template, {path}.triggerRef", _NEITHER)
    if ref and any(trigger.get(each) is not None for each in _WRITTEN):
        yield Problem(f"{path}.template or bindings or interceptors, {path}.triggerRef", _BOTH)
    yield from _check_bindings(trigger.get("bindings") or (), path)
    if template is not None:
        yield from _check_template(template, path, config)
    yield from _check_interceptors(trigger, path)
    name = trigger.get("name") or ""
    if not is_label_value(name):
        what = f"invalid value: trigger name '{name}' must be a valid label value"
        yield Problem(f"{path}.name", what)


def _check_group(group: Obj, path: str) -> Iterator[Problem]:
    selector = group.get("triggerSelector") or {}
    chosen = (selector.get("namespaceSelector") or {}).get("matchNames")
    if selector.get("labelSelector") is None and not chosen:
        fields = ("labelSelector", "namespaceSelector")
        yield Problem(", ".join(f"{path}.triggerSelector.{each}" for each in fields), _NEITHER)
    if not group.get("interceptors"):
        yield Problem(f"{path}.interceptors", _MISSING)


def _check_bindings(bindings: Sequence[Obj], path: str) -> Iterator[Problem]:
    for index, binding in enumerate(bindings):
        here = f"{path}.bindings[{index}]"
        if binding.get("ref"):
            if binding.get("name"):
                yield Problem(f"{here}.name, {here}.ref", _BOTH)
            elif (binding.get("kind") or "") not in _BINDINGS:
                yield Problem(f"{here}.kind", "invalid value: invalid kind")
        elif not binding.get("name"):
            yield Problem(f"{here}.name, {here}.ref, {here}.spec", _NEITHER)
        elif binding.get("value") is None:
            yield Problem(f"{here}.value", _MISSING)


def _check_template(template: Obj, path: str, config: Config) -> Iterator[Problem]:
    ref, spec = template.get("ref"), template.get("spec")
    if (template.get("apiversion") or "") not in _VERSIONS:
        yield Problem(f"{path}.template.apiVersion", "invalid value: invalid apiVersion")
    if (ref is None) == (spec is None):
        what = _NEITHER if ref is None else _BOTH
        yield Problem(f"{path}.template.ref, {path}.template.spec", what)
    elif spec is not None:
        # Tekton says nothing of the template in these places.
        yield from check_trigger_template(spec, path, config)
    elif not ref:
        yield Problem(f"{path}.template.ref", _MISSING)


def _check_interceptors(trigger: Obj, path: str) -> Iterator[Problem]:
    for index, interceptor in enumerate(trigger.get("interceptors") or ()):
        here, webhook = f"{path}.interceptors[{index}].interceptor", interceptor.get("webhook")
        if webhook is None:
            if not (interceptor.get("ref") or {}).get("name"):
                yield Problem(here, _MISSING)
            continue
        elif webhook.get("objectRef") is None:
            yield Problem(f"{here}.webhook.objectRef", _MISSING)
        else:
            yield from _check_service(webhook["objectRef"], f"{here}.webhook.objectRef")
        for number, header in enumerate(webhook.get("header") or ()):
            yield from _check_header(header, f"{here}.webhook.header[{number}]")


def _check_header(header: Obj, path: str) -> Iterator[Problem]:
    """A header has its name in the form of HTTP, and a value."""
    name = header.get("name") or ""
    if not name or canonical_header(name) != name:
        yield Problem(f"{path}.name", "invalid value: invalid header name")
    if (value := header.get("value")) in (None, "", []) or isinstance(value, dict):
        yield Problem(f"{path}.value", "invalid value: invalid header value")


def _check_service(ref: Obj, path: str) -> Iterator[Problem]:
    for field, wanted in (("kind", "Service"), ("apiVersion", "v1")):
        if not ref.get(field):
            yield Problem(f"{path}.{field}", _MISSING)
        elif ref[field] != wanted:
            yield Problem(f"{path}.{field}", f"invalid value: invalid {field}")
