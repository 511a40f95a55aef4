"""Every payload that GitHub documents, through interceptors, bindings and templates of both.

They are those of the package @octokit/webhooks-examples, which `make published` brings.
"""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest

from tests import octokit
from tests.parity_triggers import judging
from tests.parity_triggers.deliveries import Delivery, interceptors
from tests.parity_triggers.test_sink import differing

_SECRET = {"secretName": "git", "secretKey": "token"}
_BINDINGS = {
    "all": "$(body)",
    "repository": "$(body.repository.full_name)",
    "commits": "$(body.commits[*].id)",
    "sender": "$(body.sender.login) $(header.x-github-event)",
    "added": "$(extensions)",
}
_TEXTS = ("repository", "sender")


def test_every_payload_comes_to_what_it_comes_to_in_tekton() -> None:
    if why := octokit.missing():
        pytest.skip(why)
    deliveries = [_delivery(event, payload) for event, payload in octokit.payloads()]
    theirs = judging.ask(each.question for each in deliveries)

    assert differing(deliveries, theirs) == []
    assert all(len(said["created"]) >= 1 for said in theirs)


def _delivery(event: str, payload: dict[str, Any]) -> Delivery:
    body = json.dumps(payload, ensure_ascii=False).encode()
    header = {
        "Content-Type": ["application/json"],
        "X-Github-Event": [event],
        "X-Hub-Signature-256": [f"sha256={hmac.new(b'1234567', body, 'sha256').hexdigest()}"],
    }
    return Delivery([_LISTENER, _TEMPLATE, *interceptors()], body, header, {})


def _core(name: str, **params: Any) -> dict[str, Any]:
    given = [{"name": each, "value": value} for each, value in params.items()]
    return {"ref": {"name": name, "kind": "ClusterInterceptor"}, "params": given}


def _template(*names: str) -> dict[str, Any]:
    made = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"generateName": "made-"},
        "data": {name: f"$(tt.params.{name})" for name in names},
    }
    params = [{"name": each, "default": "none"} for each in _BINDINGS]
    return {"params": params, "resourcetemplates": [made]}


def _trigger(name: str, template: dict[str, Any], *chain: dict[str, Any]) -> dict[str, Any]:
    bindings = [{"name": each, "value": value} for each, value in _BINDINGS.items()]
    return {"name": name, "interceptors": list(chain), "bindings": bindings, "template": template}


# Quotes in what it puts in are escaped, so that objects can stand in texts.
_TEMPLATE: dict[str, Any] = {
    "kind": "TriggerTemplate",
    "metadata": {
        "name": "template",
        "namespace": "ns",
        "annotations": {"triggers.tekton.dev/old-escape-quotes": "true"},
    },
    "spec": _template(*_BINDINGS),
}
_LISTENER: dict[str, Any] = {
    "kind": "EventListener",
    "metadata": {"name": "listener", "namespace": "ns", "uid": "u"},
    "spec": {
        "triggers": [
            _trigger("signed", {"spec": _template(*_TEXTS)}, _core("github", secretRef=_SECRET)),
            _trigger(
                "pushed",
                {"spec": _template(*_TEXTS)},
                _core("github", eventTypes=["push"], addChangedFiles={"enabled": True}),
                _core(
                    "cel", filter="body.ref.startsWith('refs/') && extensions.changed_files != ''"
                ),
            ),
            _trigger(
                "read",
                {"ref": "template"},
                _core(
                    "cel",
                    filter="body.marshalJSON().parseJSON() == body",
                    overlays=[
                        {"key": "keys", "expression": "body.map(key, key).sort()"},
                        {"key": "body.copy", "expression": "body"},
                    ],
                ),
            ),
        ]
    },
}
