"""The answers here are those of Tekton Triggers' own sink, v0.37.

tests/parity_triggers delivers hundreds of events more to both.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from mltk.tekton.cel import library
from mltk.tekton.triggers.bindings import Event
from mltk.tekton.triggers.chain import Interceptors
from mltk.tekton.triggers.interceptors.core import Core
from mltk.tekton.triggers.interceptors.owners import GitHub
from mltk.tekton.triggers.interceptors.remote import Call, Reply
from mltk.tekton.triggers.selection import ALL_NAMESPACES
from mltk.tekton.triggers.sink import Handled, Outcome, Surroundings, handle

Obj = dict[str, Any]

MADE: Obj = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"generateName": "m-"},
    "data": {"ref": "$(tt.params.ref)", "uid": "$(uid)"},
}
TEMPLATE: Obj = {"spec": {"params": [{"name": "ref"}], "resourcetemplates": [MADE]}}
REF = [{"name": "ref", "value": "$(body.ref)"}]
PUSH: Obj = {"ref": {"name": "github"}, "params": [{"name": "eventTypes", "value": ["push"]}]}
FORM = {"Content-Type": ["application/x-www-form-urlencoded"], "X-Slack-Signature": ["v0=1"]}


@dataclass
class World:
    """Objects, and servers by their URL."""

    objects: Sequence[Obj] = ()
    servers: dict[str, Reply] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    github: GitHub | None = None

    def connect(self, host: str, token: str) -> GitHub:
        return self.github or pytest.fail("asked GitHub")

    def get(self, kind: str, namespace: str, name: str) -> Obj | None:
        return next((obj for obj in self.objects if _key(obj) == (kind, namespace, name)), None)

    def triggers(self, namespace: str) -> list[Obj]:
        keys = ((obj, *_key(obj)[:2]) for obj in self.objects)
        return [
            obj
            for obj, kind, where in keys
            if kind == "Trigger" and namespace in (where, ALL_NAMESPACES)
        ]

    def call(self, call: Call) -> Reply:
        self.calls.append(call)
        if call.url not in self.servers:
            raise ConnectionRefusedError("connection refused")
        return self.servers[call.url]

    def handle(
        self,
        spec: Obj,
        body: Any = None,
        header: dict[str, list[str]] | None = None,
        annotations: dict[str, str] | None = None,
    ) -> Handled:
        body = {"ref": "main"} if body is None else body
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        metadata = {"name": "el", "namespace": "ns", "uid": "u", "annotations": annotations or {}}
        core = Core(lambda namespace, name: None, self.connect)
        outside = Surroundings(
            self.get, self.triggers, Interceptors(self.get, core, self.call), lambda: "uid-1"
        )
        event = Event(sent, {"Content-Type": ["application/json"]} | (header or {}), event_id="e-1")
        return handle({"metadata": metadata, "spec": spec}, event, "/hook", outside)


def _key(obj: Obj) -> tuple[str, str, str]:
    metadata = obj["metadata"]
    return obj["kind"], metadata.get("namespace", ""), metadata["name"]


def trigger(name: str, namespace: str = "ns", **more: Any) -> Obj:
    labels = more.pop("labels", {})
    return {
        "kind": "Trigger",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"bindings": REF, "template": TEMPLATE} | more,
    }


def inline(**more: Any) -> Obj:
    return {"triggers": [{"name": "t", "bindings": REF, "template": TEMPLATE} | more]}


def only(handled: Handled) -> Outcome:
    (outcome,) = handled.outcomes
    return outcome


def test_an_event_is_accepted_and_its_objects_are_labelled() -> None:
    handled = World().handle(inline(serviceAccountName="sa"))

    assert (handled.answer.status, handled.answer.header) == (202, {})
    assert handled.answer.body == (
        b'{"eventListener":"el","namespace":"ns","eventListenerUID":"u","eventID":"e-1"}\n'
    )
    outcome = only(handled)
    assert (outcome.trigger, outcome.namespace, outcome.service_account) == ("t", "ns", "sa")
    assert outcome.objects == (
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "generateName": "m-",
                "namespace": "ns",
                "labels": {
                    "triggers.tekton.dev/eventlistener": "el",
                    "triggers.tekton.dev/trigger": "t",
                    "triggers.tekton.dev/triggers-eventid": "e-1",
                },
            },
            "data": {"ref": "main", "uid": "uid-1"},
        },
    )


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused_unless_nobody_looks(body: bytes) -> None:
    refused = World().handle(inline(), body)
    looked_over = {"tekton.dev/payload-validation": "false"}

    assert (refused.answer.status, refused.outcomes) == (400, ())
    said = json.loads(refused.answer.body)
    assert said.pop("errorMessage").startswith("Invalid event body format : ")
    assert said == {"eventListener": "el", "namespace": "ns", "eventListenerUID": ""}
    assert World().handle(inline(), body, annotations=looked_over).answer.status == 202


def test_a_cloud_event_is_answered_by_one() -> None:
    for header in (
        {"Ce-Specversion": ["1.0"]},
        {"Content-Type": ["application/cloudevents+json; charset=utf-8"]},
    ):
        answer = World().handle(inline(), header=header).answer
        assert answer.status == 202
        assert answer.header == {
            "Ce-Id": "e-1",
            "Ce-Source": "el",
            "Ce-Specversion": "1.0",
            "Ce-Subject": "ns.el accepted e-1",
            "Ce-Type": "dev.tekton.event.triggers.accepted.v1",
            "Content-Type": "application/json",
        }


def test_an_interceptor_stops_an_event_and_says_why() -> None:
    stopped = only(World().handle(inline(interceptors=[PUSH]), header={"x-github-event": ["ping"]}))
    passed = only(World().handle(inline(interceptors=[PUSH]), header={"x-github-event": ["push"]}))

    assert (stopped.objects, stopped.stopped) == ((), True)
    assert stopped.reason == (
        "interceptor stopped trigger processing: "
        "rpc error: code = FailedPrecondition desc = event type ping is not allowed"
    )
    assert len(passed.objects) == 1
    assert not passed.reason


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (
            {"bindings": [{"ref": "no"}]},
            "failed to resolve bindings: error getting TriggerBinding : "
            'triggerbinding.triggers.tekton.dev "no" not found',
        ),
        (
            {"template": {"ref": "no"}},
            'error getting TriggerTemplate no: triggertemplate.triggers.tekton.dev "no" not found',
        ),
        (
            {"bindings": [{"name": "ref", "value": "$(body.no)"}]},
            "failed to ApplyEventValuesToParams: failed to replace JSONPath value for param ref: "
            "$(body.no): no is not found",
        ),
        (
            {"interceptors": [{"ref": {"name": "no"}}]},
            "url resolution failed for interceptor no with: "
            'clusterinterceptor.triggers.tekton.dev "no" not found',
        ),
    ],
)
def test_what_fails_is_told_and_the_sender_does_not_hear_of_it(more: Obj, reason: str) -> None:
    handled = World().handle(inline(**more))

    assert handled.answer.status == 202
    outcome = only(handled)
    assert (outcome.reason, outcome.stopped, outcome.objects) == (reason, False, ())


def test_what_comes_before_a_fault_is_created() -> None:
    template = {"spec": {"params": [{"name": "ref"}], "resourcetemplates": [MADE, {}, MADE]}}

    outcome = only(World().handle(inline(template=template)))

    assert len(outcome.objects) == 1
    assert outcome.reason.startswith("couldn't unmarshal json from the TriggerTemplate: ")


def names(world: World, spec: Obj) -> list[str]:
    return [outcome.trigger for outcome in world.handle(spec).outcomes if outcome.objects]


def test_triggers_are_named_or_selected() -> None:
    world = World(
        [
            trigger("a", labels={"app": "x"}),
            trigger("b", labels={"tier": "y"}),
            trigger("c", "other", labels={"app": "x"}),
        ]
    )
    in_x = {"labelSelector": {"matchLabels": {"app": "x"}}}

    def where(*namespaces: str) -> Obj:
        return {"namespaceSelector": {"matchNames": list(namespaces)}}

    def expression(key: str, operator: str, *values: str) -> Obj:
        wanted = {"key": key, "operator": operator, "values": list(values)}
        return {"labelSelector": {"matchExpressions": [wanted]}}

    assert names(world, {}) == []
    assert names(world, {"triggers": [{"triggerRef": "a"}]}) == ["a"]
    assert names(world, in_x) == ["a"]
    assert names(world, {"labelSelector": {}}) == ["a", "b"]
    assert names(world, where("*")) == ["a", "b", "c"]
    assert names(world, where("other", "ns")) == ["c", "a", "b"]
    assert names(world, where("*") | in_x) == ["a", "c"]
    assert names(world, where("*") | inline()) == ["a", "b", "c", "t"]
    assert names(world, expression("app", "In", "x", "z")) == ["a"]
    assert names(world, expression("app", "NotIn", "x")) == ["b"]
    assert names(world, expression("tier", "Exists")) == ["b"]
    assert names(world, expression("tier", "DoesNotExist")) == ["a"]


def test_a_trigger_that_is_missing_is_told_and_an_empty_one_is_the_listeners_fault() -> None:
    missing = World().handle({"triggers": [{"triggerRef": "no"}]})
    empty = World().handle({"triggers": [{"name": "empty"}]})

    assert only(missing).reason == (
        'Error getting Trigger no in Namespace ns: trigger.triggers.tekton.dev "no" not found'
    )
    assert missing.answer.status == 202
    assert empty.answer.status == 500
    assert only(empty).reason == "error merging triggers: EventListenerTrigger not defined"


def test_a_group_adds_extensions_for_its_triggers() -> None:
    slack = {"ref": {"name": "slack"}, "params": [{"name": "requestedFields", "value": ["text"]}]}
    bindings = [{"name": "ref", "value": "$(extensions.text[0])"}]
    world = World([trigger("a", bindings=bindings)])
    group = {"name": "g", "interceptors": [slack], "triggerSelector": {"labelSelector": {}}}
    spec = {"triggerGroups": [group]}

    found = only(world.handle(spec, {"text": ["main"]}, FORM))
    stopped = only(world.handle(spec, {"text": ["main"]}))

    assert (found.trigger, found.group, found.objects[0]["data"]["ref"]) == ("a", "g", "main")
    assert (stopped.trigger, stopped.group, stopped.stopped) == ("", "g", True)


def test_a_form_becomes_an_object_for_interceptors() -> None:
    slack = {"ref": {"name": "slack"}, "params": [{"name": "requestedFields", "value": ["text"]}]}
    bindings = [{"name": "ref", "value": "$(body.command[0]) $(extensions.text[0])"}]
    looked_over = {"tekton.dev/payload-validation": "false"}

    outcome = only(
        World().handle(
            inline(interceptors=[slack], bindings=bindings),
            b"text=m%C3%BC+n&command=%2Fbuild",
            FORM,
            looked_over,
        )
    )

    assert outcome.objects[0]["data"]["ref"] == "/build mü n"


INTERCEPTOR: Obj = {
    "kind": "ClusterInterceptor",
    "metadata": {"name": "ours"},
    "spec": {"clientConfig": {"service": {"name": "s", "namespace": "n", "path": "a b"}}},
}
URL = "http://s.n.svc:80/a%20b"


def test_an_interceptor_of_ones_own_is_asked_at_its_address() -> None:
    said = {"continue": True, "extensions": {"k": "found"}}
    world = World([INTERCEPTOR], {URL: Reply(200, body=json.dumps(said).encode())})
    ours = {"ref": {"name": "ours"}, "params": [{"name": "p", "value": "<"}]}
    bindings = [{"name": "ref", "value": "$(extensions.k)"}]

    outcome = only(world.handle(inline(interceptors=[ours], bindings=bindings)))

    assert outcome.objects[0]["data"]["ref"] == "found"
    (call,) = world.calls
    assert (call.url, call.header) == (URL, {"Content-Type": ["application/json"]})
    assert call.body == (
        b'{"body":"{\\"ref\\": \\"main\\"}","header":{"Content-Type":["application/json"]},'
        b'"interceptor_params":{"p":"\\u003c"},"context":{"event_url":"/hook","event_id":"e-1",'
        b'"trigger_id":"namespaces/ns/triggers/t"}}'
    )


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (None, f'Post "{URL}": connection refused'),
        (Reply(500, body=b"down"), "interceptor response was not 200: down"),
        (Reply(200, body=b"x"), "the interceptor answers no InterceptorResponse: "),
        (Reply(200, body=b'{"continue": 1}'), "the interceptor answers no InterceptorResponse: "),
        (
            Reply(200, body=b'{"status": {"code": "NOT_FOUND", "message": "no"}}'),
            "interceptor stopped trigger processing: rpc error: code = NotFound desc = no",
        ),
    ],
)
def test_what_an_interceptor_does_not_say(reply: Reply | None, reason: str) -> None:
    world = World([INTERCEPTOR], {} if reply is None else {URL: reply})

    assert only(world.handle(inline(interceptors=[{"ref": {"name": "ours"}}]))).reason.startswith(
        reason
    )


def test_a_webhook_answers_the_event_that_goes_on() -> None:
    hook = {
        "webhook": {
            "objectRef": {"kind": "Service", "apiVersion": "v1", "name": "h"},
            "header": [{"name": "x-more", "value": ["a", "b"]}],
        }
    }
    world = World(servers={"http://h.ns.svc/": Reply(200, {"X-New": ["y"]}, b'{"ref": "new"}')})
    bindings = [{"name": "ref", "value": "$(body.ref) $(header.x-new)"}]

    outcome = only(world.handle(inline(interceptors=[hook], bindings=bindings)))

    assert outcome.objects[0]["data"]["ref"] == "new y"
    (call,) = world.calls
    assert call.body == b'{"ref": "main"}'
    assert call.header["X-More"] == ["a", "b"]
    assert call.header["Eventlistener-Request-Url"] == ["/hook"]
    world.servers["http://h.ns.svc/"] = Reply(404, {}, b"no")
    assert only(world.handle(inline(interceptors=[hook]))).reason == (
        "request rejected; status: 404 Not Found; message: no"
    )


def test_an_event_is_answered_without_the_package_of_cel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    library.cache_clear()
    cel = {"ref": {"name": "cel"}, "params": [{"name": "filter", "value": "true"}]}
    one, other = {"interceptors": [cel]}, {"name": "b"}
    spec = {"triggers": [{**each, "bindings": REF, "template": TEMPLATE} for each in (one, other)]}

    handled = World().handle(spec)

    assert handled.answer.status == 202
    assert [len(each.objects) for each in handled.outcomes] == [0, 1]
    assert "CEL needs the package cel-expr-python" in handled.outcomes[0].reason
