"""Secrets that do not fit their type, and what a key for one repository is made into."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mltk.tekton.credentials import Secret, credentials
from mltk.tekton.verdicts import TaskRunRejected

USER = {"username": "u", "password": "p"}
KEY = {"ssh-privatekey": "k"}


def secret(kind: str, data: Mapping[str, str], *addresses: str, name: str = "s") -> Secret:
    annotations = {f"tekton.dev/{each}": each.partition(" ")[2] for each in addresses}
    return Secret(name, f"kubernetes.io/{kind}", annotations, data)


@pytest.mark.parametrize(
    ("secrets", "why"),
    [
        ([secret("basic-auth", {"username": "u"}, "git-0 https://a")], 'has no "password"'),
        ([secret("basic-auth", {"password": "p"}, "docker-0 https://a")], 'has no "username"'),
        ([secret("ssh-auth", {}, "git-0 a")], 'has no "ssh-privatekey"'),
        ([secret("basic-auth", USER, "git-0 https://a")] * 2, "multiple entries for url"),
        ([secret("basic-auth", USER, "docker-0 https://a")] * 2, "multiple entries for url"),
        ([secret("dockerconfigjson", {".dockerconfigjson": "{"})], "does not hold registries"),
        ([secret("dockercfg", {".dockercfg": "[]"})], "does not hold registries"),
        ([secret("dockercfg", {".dockercfg": '{"a": 1}'})], "does not hold registries"),
        ([secret("dockercfg", {})], 'has no ".dockercfg"'),
    ],
)
def test_unfit_secrets_are_refused(secrets: list[Secret], why: str) -> None:
    with pytest.raises(TaskRunRejected, match=why):
        credentials(secrets)


def test_keys_without_hosts_are_refused_where_hosts_are_needed() -> None:
    key = secret("ssh-auth", KEY, "git-0 a")
    assert ".ssh/known_hosts" not in credentials([key])
    with pytest.raises(TaskRunRejected, match="known_hosts"):
        credentials([key], need_known_hosts=True)


def test_secrets_that_are_for_nothing_leave_nothing() -> None:
    assert credentials([secret("basic-auth", USER), secret("ssh-auth", KEY)]) == {}


def test_two_keys_of_a_host_are_tried_one_after_the_other() -> None:
    keys = [secret("ssh-auth", KEY, "git-0 h", name=name) for name in ("one", "two")]
    assert credentials(keys)[".ssh/config"].splitlines()[3:] == [
        "    IdentityFile /tekton/creds/.ssh/id_one",
        "    IdentityFile /tekton/creds/.ssh/id_two",
    ]
