"""Generated deliveries to an EventListener: its objects, the servers it may call, and a request."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mltk.tekton.triggers.bindings import Event, Object
from mltk.tekton.triggers.chain import Interceptors
from mltk.tekton.triggers.interceptors.core import NAMES, Core
from mltk.tekton.triggers.interceptors.remote import Call, Reply
from mltk.tekton.triggers.selection import ALL_NAMESPACES
from mltk.tekton.triggers.sink import Handled, Surroundings, handle
from tests.parity_triggers.requests import SECRETS

_GROUP = "triggers.tekton.dev"
_FORM = "application/x-www-form-urlencoded"
_URL = "http://other.example/ask"
_EVENTS = [
    "application/cloudevents+json",
    "application/cloudevents+json; charset=UTF-8",
    "application/cloudevents-batch+json",
    "application/cloudevents",
    "Application/CloudEvents+JSON",
]
_HOOK = "http://hook.example/"


@dataclass
class Delivery:
    """A request to the EventListener among `objects`."""

    objects: list[dict[str, Any]]
    body: bytes
    header: dict[str, list[str]]
    replies: dict[str, Reply]
    url: str = "/hook?a=b"
    calls: list[Call] = field(default_factory=list)

    @property
    def question(self) -> dict[str, Any]:
        """For the judge."""
        return {
            "sink": {
                "objects": self.objects,
                "body": base64.b64encode(self.body).decode(),
                "header": self.header,
                "url": self.url,
                "checked": self._checked,
                "secrets": {
                    name: {key: base64.b64encode(value).decode() for key, value in data.items()}
                    for name, data in SECRETS.items()
                },
                "replies": {
                    url: {
                        "status": reply.status,
                        "header": reply.header,
                        "body": reply.body.decode(),
                    }
                    for url, reply in self.replies.items()
                },
            }
        }

    def handled(self) -> Handled:
        """What mltk makes of it."""
        core = Core(lambda namespace, name: SECRETS.get(f"{namespace}/{name}"), _no_github)
        outside = Surroundings(
            self._get, self._triggers, Interceptors(self._get, core, self._call), lambda: "1234"
        )
        event = Event(self.body, self.header, event_id="1234")
        return handle(self.objects[0], event, self.url, outside)

    @property
    def _checked(self) -> bool:
        annotations = self.objects[0]["metadata"].get("annotations") or {}
        return annotations.get("tekton.dev/payload-validation") != "false"

    def _get(self, kind: str, namespace: str, name: str) -> Object | None:
        for obj in self.objects:
            metadata = obj["metadata"]
            if (obj["kind"], metadata.get("namespace", ""), metadata["name"]) == (
                kind,
                namespace,
                name,
            ):
                return obj
        return None

    def _triggers(self, namespace: str) -> Sequence[Object]:
        return [
            obj
            for obj in self.objects
            if obj["kind"] == "Trigger"
            and namespace in (ALL_NAMESPACES, obj["metadata"]["namespace"])
        ]

    def _call(self, call: Call) -> Reply:
        self.calls.append(call)
        if call.url not in self.replies:
            raise OSError("no such host")
        return self.replies[call.url]


def generated(number: int, count: int) -> list[Delivery]:
    """`count` deliveries, which follow from `number`."""
    random = Random(f"deliveries {number}")
    return [_delivery(random) for _ in range(count)]


def _no_github(host: str, token: str) -> Any:
    raise AssertionError(f"asked GitHub: {host}")


def _delivery(random: Random) -> Delivery:
    body = _body(random)
    header = {"Content-Type": [random.choice(["application/json"] * 5 + [_FORM])]}
    if random.random() < 0.8:
        header["X-Github-Event"] = [random.choice(["push", "ping"])]
    if random.random() < 0.7:
        digest = hmac.new(random.choice([b"1234567"] * 9 + [b"x"]), body, "sha256").hexdigest()
        header["X-Hub-Signature-256"] = [f"sha256={digest}"]
    if random.random() < 0.2:
        header["X-Slack-Signature"] = ["v0=1"]
    if random.random() < 0.1:
        header["Ce-Specversion"] = [random.choice(["1.0", "1.0", "0.3", "2.0", ""])]
        header |= {"Ce-Id": ["1"], "Ce-Type": ["t"], "Ce-Source": ["s"]}
    elif random.random() < 0.05:
        header["Content-Type"] = [random.choice(_EVENTS)]
    return Delivery(
        [_listener(random), *_triggers(random), *_bindings(), *_templates(), *interceptors()],
        body,
        header,
        _replies(random),
    )


def _body(random: Random) -> bytes:
    payload = {
        "repository": {"full_name": "o/r"},
        "ref": random.choice(["refs/heads/main", "refs/heads/ü<&>$(params.x)", 'a"b\n']),
        "n": random.choice([1, 2.5, 10**20, True]),
        "list": [[1, "x"], {"k": None}],
        "commits": [{"added": ["a"], "modified": [], "removed": ["b"]}],
    }
    odd = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"ref": "\xff"}',
        b"a=1&b=2&a=3",
        b"text=main&x=%C3%BC",
        b"a=1",
    ]
    return random.choice([json.dumps(payload, ensure_ascii=False).encode()] * 36 + odd)


def _listener(random: Random) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "listener", "namespace": "ns", "uid": "u-1"}
    if random.random() < 0.4:
        metadata["annotations"] = {"tekton.dev/payload-validation": "false"}
    spec: dict[str, Any] = {
        "triggers": [_entry(random, n) for n in range(random.choice([0, 1, 1, 2]))]
    }
    if random.random() < 0.3:
        spec |= _selector(random)
    if random.random() < 0.3:
        spec["triggerGroups"] = [
            {"name": "group", "interceptors": _chain(random), "triggerSelector": _selector(random)}
        ]
    return _object("EventListener", metadata, spec)


def _entry(random: Random, number: int) -> dict[str, Any]:
    if random.random() < 0.2:
        return {"triggerRef": random.choice(["one", "two", "none"])}
    if random.random() < 0.02:
        return {"name": "empty"}
    name = random.choice([f"inline-{number}", ""])
    return ({"name": name} if name else {}) | _spec(random)


def _spec(random: Random) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "interceptors": _chain(random),
        "bindings": random.choice([*_BINDINGS * 3, *_WRONG]),
        "template": random.choice(_TEMPLATES),
    }
    if random.random() < 0.2:
        spec["serviceAccountName"] = "account"
    return spec


def _triggers(random: Random) -> list[dict[str, Any]]:
    places = [
        ("one", "ns", {"app": "a", "tier": "x"}),
        ("two", "ns", {"app": "b"}),
        ("three", "other", {"app": "a"}),
    ]
    return [
        _object("Trigger", {"name": name, "namespace": namespace, "labels": labels}, _spec(random))
        for name, namespace, labels in places
    ]


def _selector(random: Random) -> dict[str, Any]:
    expressions = [
        {"key": "app", "operator": "In", "values": ["a", "c"]},
        {"key": "app", "operator": "NotIn", "values": ["a"]},
        {"key": "tier", "operator": "Exists"},
        {"key": "tier", "operator": "DoesNotExist"},
    ]
    labels: list[Any] = [{"matchLabels": {"app": "a"}}, {}, {"matchLabels": {"app": "none"}}]
    found: dict[str, Any] = {}
    if random.random() < 0.7:
        found["labelSelector"] = random.choice(
            [*labels, *({"matchExpressions": [each]} for each in expressions)]
        )
    if random.random() < 0.6:
        names = random.choice([["*"], ["ns"], ["ns", "other"], ["other"], ["none"], []])
        found["namespaceSelector"] = {"matchNames": names}
    return found


_VALUE = "$(body.ref) $(body.n)"
_BINDINGS: list[Any] = [
    [],
    [{"name": "value", "value": _VALUE}],
    [{"ref": "binding"}],
    [
        {"ref": "cluster", "kind": "ClusterTriggerBinding"},
        {"name": "value", "value": "$(body.list)"},
    ],
    [{"name": "value", "value": "$(extensions.k) $(header.x-github-event) $(context.eventID)"}],
    [{"name": "value", "value": "$(extensions)"}],
    [{"name": "value", "value": "$(body)"}],
]
_WRONG: list[Any] = [
    [{"ref": "none"}],
    [{"ref": "binding"}, {"name": "value", "value": "twice"}],
]
_MADE = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"generateName": "made-", "labels": {"own": "$(uid)"}},
    "data": {"value": "$(tt.params.value)", "other": "$(tt.params.other)"},
}
_PARAMS = [{"name": "value"}, {"name": "other", "default": "default"}]
_TEMPLATES: list[Any] = [
    *[{"ref": "template"}] * 4,
    {"ref": "none"},
    {"spec": {"params": _PARAMS, "resourcetemplates": [_MADE]}},
    {"spec": {"params": [{"name": "value", "default": "d"}], "resourcetemplates": [_MADE, _MADE]}},
    {"spec": {"resourcetemplates": [_MADE, {"kind": "", "metadata": {}}, _MADE]}},
]


def _bindings() -> list[dict[str, Any]]:
    params = {"params": [{"name": "value", "value": "$(body.commits[0].added)"}]}
    other = {"params": [{"name": "other", "value": "$(header.content-type)"}]}
    return [
        _object("TriggerBinding", {"name": "binding", "namespace": "ns"}, params),
        _object("ClusterTriggerBinding", {"name": "cluster"}, other),
    ]


def _templates() -> list[dict[str, Any]]:
    metadata = {
        "name": "template",
        "namespace": "ns",
        "annotations": {"triggers.tekton.dev/old-escape-quotes": "true"},
    }
    return [_object("TriggerTemplate", metadata, {"params": _PARAMS, "resourcetemplates": [_MADE]})]


def interceptors() -> list[dict[str, Any]]:
    """The core ones as an install of Tekton brings them, and others."""
    service = {"name": "tekton-triggers-core-interceptors", "namespace": "tekton-pipelines"}
    cores = [(name, {"service": service | {"path": name}}) for name in NAMES]
    others = [
        ("other", {"url": _URL}),
        ("service", {"service": {"name": "s", "namespace": "n", "path": "a b/c", "port": 81}}),
        ("nowhere", {}),
    ]
    return [
        *(
            _object("ClusterInterceptor", {"name": name}, {"clientConfig": config}, "v1alpha1")
            for name, config in [*cores, *others]
        ),
        _object(
            "Interceptor",
            {"name": "own", "namespace": "ns"},
            {"clientConfig": {"service": {"name": "s", "namespace": "n"}}},
            "v1alpha1",
        ),
    ]


def _chain(random: Random) -> list[dict[str, Any]]:
    return [_interceptor(random) for _ in range(random.choice([0, 0, 1, 1, 2, 3]))]


def _interceptor(random: Random) -> dict[str, Any]:
    secret = {"name": "secretRef", "value": {"secretName": "git", "secretKey": "token"}}
    events = {"name": "eventTypes", "value": ["push"]}
    overlay = {"name": "overlays", "value": [{"key": "k", "expression": "body.ref"}]}
    return random.choice(
        [
            _ref("github", events),
            _ref("github", secret),
            _ref("github", {"name": "addChangedFiles", "value": {"enabled": True}}),
            _ref("cel", {"name": "filter", "value": "has(body.ref)"}),
            _ref("cel", {"name": "filter", "value": "body.ref == 'refs/heads/main'"}, overlay),
            _ref("cel", overlay),
            _ref(
                "cel", {"name": "overlays", "value": [{"key": "k.l", "expression": "extensions.k"}]}
            ),
            _ref("slack", {"name": "requestedFields", "value": ["text"]}),
            _ref("other", {"name": "p", "value": {"b": [1, 2.50], "a": "<"}}),
            _ref("service"),
            _ref(random.choice(["other", "other", "nowhere", "none"])),
            {
                "ref": {
                    "name": random.choice(["own", "own", "none"]),
                    "kind": "NamespacedInterceptor",
                }
            },
            {"webhook": {"url": _HOOK, "header": [{"name": "x-added", "value": "v"}]}},
            {
                "webhook": {
                    "objectRef": {"kind": "Service", "apiVersion": "v1", "name": "s"},
                    "header": [{"name": "X-Github-Event", "value": ["a", "b"]}],
                }
            },
        ]
    )


def _ref(name: str, *params: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"ref": {"name": name, "kind": "ClusterInterceptor"}}
    return found | ({"params": list(params)} if params else {})


def _replies(random: Random) -> dict[str, Reply]:
    said: list[Any] = [
        *[{"continue": True}] * 6,
        {"continue": True, "extensions": {"k": {"from": ["other", 1]}}},
        {"continue": True, "extensions": {"k": "v", "l": "m"}},
        {"continue": False, "status": {"code": 9, "message": "no"}},
        {"continue": False, "status": {"code": 42, "message": "no"}},
        {"continue": "x"},
        [],
        None,
    ]
    header = {"Content-Type": ["application/json"], "X-Github-Event": ["changed"]}
    event = random.choice([*[b'{"ref": "changed", "n": 1}'] * 3, b"no json", b'{"text": ["main"]}'])
    replies = {
        url: Reply(
            random.choice([200] * 15 + [500]), header, json.dumps(random.choice(said)).encode()
        )
        for url in (_URL, "http://s.n.svc:81/a%20b/c", "http://s.n.svc:80")
    }
    hooks = {
        url: Reply(random.choice([200] * 9 + [404, 202]), header, event)
        for url in (_HOOK, "http://s.ns.svc/", "http://s.other.svc/")
    }
    return {url: reply for url, reply in (replies | hooks).items() if random.random() < 0.97}


def _object(
    kind: str, metadata: dict[str, Any], spec: dict[str, Any], version: str = "v1beta1"
) -> dict[str, Any]:
    return {"apiVersion": f"{_GROUP}/{version}", "kind": kind, "metadata": metadata, "spec": spec}
