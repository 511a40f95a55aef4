"""Kinds of Tekton Triggers: what its webhook refuses, in its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.errors import AdmissionError
from mltk.local.backend import LocalBackend
from mltk.tekton.admission import admit
from mltk.tekton.kinds import TRIGGERS_V1ALPHA1, find_kind
from mltk.tekton.objects import Obj

SHIPPED = Path(__file__).parents[3] / "tekton" / "triggers"
_REF = {"ref": "t"}
_TEMPLATE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
_WEBHOOK = {"objectRef": {"kind": "Pod"}}
_SERVICE = {"service": {"port": 80}, "url": "http://a"}


def trigger_object(kind: str, spec: dict[str, Any], name: str = "a") -> Obj:
    """An object of one of the kinds."""
    version = find_kind(kind).api_version
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _trigger(**fields: Any) -> Obj:
    return trigger_object("Trigger", {"bindings": [], "template": _REF, **fields})


def _listener(*triggers: Obj, **fields: Any) -> Obj:
    return trigger_object("EventListener", {"triggers": list(triggers), **fields})


def _template(**fields: Any) -> Obj:
    return trigger_object("TriggerTemplate", {"resourcetemplates": [_TEMPLATE], **fields})


def _served(**resource: Any) -> Obj:
    """An EventListener that asks for a Deployment."""
    return _listener({"template": _REF}, resources={"kubernetesResource": resource})


def _with_pod(**pod: Any) -> Obj:
    return _served(spec={"template": {"spec": pod}})


def _with_container(kind: str, **container: Any) -> Obj:
    made = _with_pod(containers=[container])
    resources = made["spec"]["resources"]
    made["spec"]["resources"] = {kind: resources["kubernetesResource"]}
    return made


def _with_header(**header: Any) -> Obj:
    webhook = {"objectRef": {"kind": "Service", "apiVersion": "v1"}, "header": [header]}
    return _trigger(interceptors=[{"webhook": webhook}])


def _annotated(said: str) -> Obj:
    made = _listener({"template": _REF})
    made["metadata"]["annotations"] = {"tekton.dev/payload-validation": said}
    return made


def _binding(*params: Obj, kind: str = "TriggerBinding") -> Obj:
    return trigger_object(kind, {"params": list(params)})


# Each was put to the webhook of Tekton Triggers, whose words these are.
REFUSED: list[tuple[Obj, str, str]] = [
    (
        trigger_object("EventListener", {}),
        "spec.labelSelector, spec.namespaceSelector, spec.triggerGroups, spec.triggers",
        "expected exactly one, got neither",
    ),
    (
        _listener({"name": "x"}),
        "spec.triggers[0].template, spec.triggers[0].triggerRef",
        "expected exactly one, got neither",
    ),
    (
        _listener({"triggerRef": "x", "template": _REF}),
        "spec.triggers[0].template or bindings or interceptors, spec.triggers[0].triggerRef",
        "expected exactly one, got both",
    ),
    (
        _listener({"name": "no label", "template": _REF}),
        "spec.triggers[0].name",
        "invalid value: trigger name 'no label' must be a valid label value",
    ),
    (
        trigger_object(
            "EventListener",
            {"triggerGroups": [{"name": "g", "triggerSelector": {"labelSelector": {}}}]},
        ),
        "spec.triggerGroups[0].interceptors",
        "missing field(s)",
    ),
    (
        trigger_object("EventListener", {"triggers": [{"template": _REF}]}, "a" * 61),
        "metadata.name",
        f"invalid value: eventListener name '{'a' * 61}' must be no more than 60 characters long",
    ),
    (
        _annotated("maybe"),
        "metadata.annotations",
        "invalid value: tekton.dev/payload-validation annotation must have value 'true' or 'false'",
    ),
    (
        _listener({"template": _REF}, resources={"kubernetesResource": {}, "customResource": {}}),
        "spec.resources.customResource, spec.resources.kubernetesResource",
        "expected exactly one, got both",
    ),
    (
        _served(replicas=-1),
        "spec.resources.kubernetesResource.spec.replicas",
        "invalid value: -1",
    ),
    (
        _served(serviceLoadBalancerClass="x"),
        "spec.resources.kubernetesResource.serviceLoadBalancerClass",
        "invalid value: x (ServiceLoadBalancerClass is only needed for LoadBalancer service type)",
    ),
    (
        _with_pod(volumes=[{"name": "v", "emptyDir": {}}], nodeSelector={"a": "b"}, hostPID=False),
        "spec.resources.kubernetesResource.spec.template.spec.volumes",
        "must not set the field(s)",
    ),
    (
        _with_pod(enableServiceLinks=False, imagePullSecrets=[{"name": "s"}]),
        "spec.resources.kubernetesResource.spec.template.spec.enableServiceLinks",
        "must not set the field(s)",
    ),
    (
        _with_pod(containers=[{}, {}]),
        "spec.resources.kubernetesResource.spec.template.spec.containers",
        "expected exactly one, got both",
    ),
    (
        _with_container("kubernetesResource", image="i", livenessProbe={"periodSeconds": 1}),
        "spec.resources.kubernetesResource.spec.template.spec.containers[0].image",
        "must not set the field(s)",
    ),
    (
        _with_container("customResource", livenessProbe={"periodSeconds": 1}, resources={}),
        "spec.resources.customResource.spec.template.spec.containers[0].livenessProbe",
        "must not set the field(s)",
    ),
    (
        _with_container("customResource", env=[{"name": "A", "value": "b"}]),
        "spec.resources.customResource.spec.template.spec.containers[0].env[0].value",
        "must not set the field(s)",
    ),
    (
        _with_container("customResource", env=[{"name": "A", "valueFrom": {"fieldRef": {}}}]),
        "spec.resources.customResource.spec.template.spec.containers[0].env[0].valueFrom.fieldRef",
        "must not set the field(s)",
    ),
    (
        _with_container("kubernetesResource", env=[{"name": "TLS_KEY", "valueFrom": {}}]),
        "spec.resources.kubernetesResource.spec.template.spec.containers[0].env",
        "Expected env's are TLS_CERT and TLS_KEY, but got only one env TLS_KEY",
    ),
    (
        _with_header(name="x-low", value="a"),
        "spec.interceptors[0].interceptor.webhook.header[0].name",
        "invalid value: invalid header name",
    ),
    (
        _with_header(name="Good", value=[]),
        "spec.interceptors[0].interceptor.webhook.header[0].value",
        "invalid value: invalid header value",
    ),
    (
        _trigger(template={}),
        "spec.template.ref, spec.template.spec",
        "expected exactly one, got neither",
    ),
    (_trigger(template={"ref": ""}), "spec.template.ref", "missing field(s)"),
    (
        _trigger(template={"spec": {"params": [{"name": "p"}]}}),
        "spec.resourcetemplates",
        "missing field(s)",
    ),
    (
        _trigger(bindings=[{"ref": "a", "name": "b"}]),
        "spec.bindings[0].name, spec.bindings[0].ref",
        "expected exactly one, got both",
    ),
    (
        _trigger(bindings=[{"ref": "a", "kind": "Binding"}]),
        "spec.bindings[0].kind",
        "invalid value: invalid kind",
    ),
    (_trigger(bindings=[{"name": "b"}]), "spec.bindings[0].value", "missing field(s)"),
    (
        _trigger(bindings=[{}]),
        "spec.bindings[0].name, spec.bindings[0].ref, spec.bindings[0].spec",
        "expected exactly one, got neither",
    ),
    (_trigger(interceptors=[{}]), "spec.interceptors[0].interceptor", "missing field(s)"),
    (
        _trigger(interceptors=[{"webhook": _WEBHOOK}]),
        "spec.interceptors[0].interceptor.webhook.objectRef.kind",
        "invalid value: invalid kind",
    ),
    (trigger_object("TriggerBinding", {}), "spec", "missing field(s)"),
    (
        _binding({"name": "a", "value": "$(body.a $(body.b)"}),
        "spec.params[0].value",
        "invalid value: $(body.a $(body.b)",
    ),
    (
        _binding({"name": "a", "value": "1"}, {"name": "a", "value": "2"}),
        "spec.params[1].name",
        "expected exactly one, got both",
    ),
    (
        _binding({"name": "a", "value": "1"}, {"name": "a"}, kind="ClusterTriggerBinding"),
        "params[1].name",
        "expected exactly one, got both",
    ),
    (
        trigger_object("TriggerTemplate", {"params": [{"name": "p"}]}),
        "spec.resourcetemplates",
        "missing field(s)",
    ),
    (
        _template(resourcetemplates=[{"kind": "ConfigMap"}]),
        "spec.resourcetemplates[0].apiVersion",
        "missing field(s)",
    ),
    (
        _template(resourcetemplates=[{**_TEMPLATE, "data": {"a": "$(tt.params.q)"}}]),
        "spec.resourcetemplates[0]",
        "invalid value: undeclared param '$(tt.params.q)'"
        " ('$(tt.params.q)' must be declared in spec.params)",
    ),
    (
        trigger_object("ClusterInterceptor", {"clientConfig": _SERVICE}),
        "spec.clientConfig.service, spec.clientConfig.url",
        "expected exactly one, got both",
    ),
    (
        trigger_object("Interceptor", {"clientConfig": {"service": {"name": "a"}}}),
        "spec.clientConfig.service.namespace",
        "missing field(s)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "obj",
    [
        _with_container("kubernetesResource", env=5),
        _with_container("customResource", env="x"),
        _listener({"template": _REF}, resources={"customResource": [1]}),
    ],
)
def test_resources_of_other_types_are_refused(obj: Obj) -> None:
    with pytest.raises(AdmissionError, match="resources"):
        admit(obj)


@pytest.mark.parametrize(("obj", "place", "words"), REFUSED, ids=[each[1] for each in REFUSED])
def test_refused_in_the_words_of_tekton(obj: Obj, place: str, words: str) -> None:
    with pytest.raises(AdmissionError) as caught:
        admit(obj)
    assert (caught.value.where or "").partition(": ")[2] == place
    assert caught.value.what == words


def test_misspelt_field_is_named_with_what_was_meant() -> None:
    obj = trigger_object("TriggerTemplate", {"resourceTemplate": [_TEMPLATE]})
    with pytest.raises(AdmissionError, match="did you mean 'resourcetemplates'"):
        admit(obj)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_shipped_is_taken(path: Path) -> None:
    for obj in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert admit(obj) == []


def test_kind_for_the_whole_cluster_is_in_no_namespace(tmp_path: Path) -> None:
    with LocalBackend(tmp_path / ".mltk") as backend:
        made = _binding({"name": "a", "value": "b"}, kind="ClusterTriggerBinding")
        made["metadata"]["namespace"] = "lab"
        backend.create(made)
        assert backend.get("ctb", "a", "elsewhere")["spec"] == made["spec"]
        assert [each["metadata"]["name"] for each in backend.list("ctb", "elsewhere")] == ["a"]
        assert [event.type for event in backend.watch("ctb", "elsewhere", timeout=0)] == ["ADDED"]


def test_older_version_is_kept_as_the_one_that_is_served(tmp_path: Path) -> None:
    with LocalBackend(tmp_path / ".mltk") as backend:
        old = {**_binding({"name": "a", "value": "b"}), "apiVersion": TRIGGERS_V1ALPHA1}
        assert backend.create(old)["apiVersion"] == find_kind("tb").api_version
