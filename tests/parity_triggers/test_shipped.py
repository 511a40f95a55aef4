"""The shipped triggers for git hosts, given every payload that there is of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from tests import octokit, published
from tests.func.webhooks import shipped
from tests.parity_triggers import judging
from tests.parity_triggers.deliveries import Delivery, interceptors
from tests.parity_triggers.test_sink import differing


def test_they_make_of_every_payload_what_they_make_of_it_in_tekton() -> None:
    if why := octokit.missing() or published.missing():
        pytest.skip(why)
    deliveries = [_delivery(payload, proof) for payload, proof in _events()]
    theirs = judging.ask(each.question for each in deliveries)

    assert differing(deliveries, theirs) == []
    made = [run for said in theirs for run in said["created"] or ()]
    assert len(made) >= 20
    assert {run["spec"]["taskRef"]["name"] for run in made} == {"start-runs"}


def _events() -> Iterator[tuple[shipped.Payload, shipped.Proof]]:
    for event, payload in octokit.payloads():
        yield payload, shipped.by_github(event)
    for payload in published.gitlab().values():
        yield payload, shipped.by_gitlab(published.gitlab_event(payload))
    for name, payload in published.gitea().items():
        yield payload, shipped.by_gitea(published.gitea_event(name))
    for payload in published.bitbucket().values():
        yield payload, shipped.by_bitbucket(payload["eventKey"])


def _delivery(payload: shipped.Payload, proof: shipped.Proof) -> Delivery:
    objects = dict(shipped.objects(shipped.MASTER))
    listener = copy.deepcopy(objects.pop(shipped.LISTENER))
    for trigger in listener["spec"]["triggers"]:
        for each in trigger["interceptors"]:
            each["ref"]["kind"] = "ClusterInterceptor"  # as Tekton's webhook leaves it
    listener["metadata"] |= {"name": "listener", "uid": "u"}
    body, header = shipped.sent(payload, proof)
    return Delivery([listener, *objects.values(), *interceptors()], body, header, {})
