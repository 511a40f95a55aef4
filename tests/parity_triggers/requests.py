"""Generated requests for each core interceptor: right ones, and ones with something wrong.

From one number follow the same requests.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from mltk.tekton import gojson
from mltk.tekton.triggers.interceptors.payloads import Repository
from mltk.tekton.triggers.interceptors.protocol import Request
from tests.func.webhooks import shipped

SECRETS: dict[str, dict[str, bytes]] = {
    "ns/git": {"token": b"1234567", "odd": b"\xff\x00\n", "empty": b""},
    **{
        f"{shipped.NAMESPACE}/{name}": {"token": shipped.SECRET.encode()}
        for name in shipped.SECRETS
    },
}
_REFS: list[Any] = [
    *[{"secretName": "git", "secretKey": "token"}] * 30,
    {"secretName": "git", "secretKey": "odd"},
    {"secretName": "git", "secretKey": "empty"},
    {"secretName": "git", "secretKey": "none"},
    {"secretName": "none", "secretKey": "token"},
    {"secretName": "git"},
    {"SECRETNAME": "git", "secretkey": "token", "more": 1},
    {"secretName": 5, "secretKey": "token"},
    "git",
    None,
    [],
]
_CEL_BODIES: list[Any] = [{"a": 1, "b": [[1, "ü"], {}], "c": "x"}, {"a": "x"}, {}]
_FILTERS = [
    "body.a == 1",
    "header.match('x-event', 'push')",
    "header.canonical('X-Event') == 'push'",
    "'before' in extensions.from",
    "body.a",
    "true",
    "false",
    "'true'",
    "body.nope",
    "1 +",
    "nope",
    "has(body.c) && body.c == 'x'",
    "requestURL.parseURL().path == '/hook'",
    "dyn(1) == 1.0",
]
_VALUES = [
    "body",
    "body.a",
    "body.b",
    "body.b[0]",
    "'<&>'",
    "null",
    "1u",
    "[]",
    "{'x': [1]}",
    "b'ü'",
    "extensions",
    "header",
    "9007199254740993",
    "1.0 / 0.0",
    "int",
    "true",
    "",
]
_KEYS = [
    "k",
    "k",
    "a.b",
    "a.0",
    "a.2.x",
    "a.-1",
    "-1",
    "0",
    ":0",
    "a.:1",
    "a\\.b",
    "",
    ".",
    "a.",
    "a..b",
    "ü.é",
    "a b",
    "k#",
    "z.*",
    "k.k.k",
]
_FILES: list[Any] = [["a.txt"], ["data/ü.dvc", "b c"], [], [1, 2.5e30, None, True, {"k": [1]}]]


@dataclass(frozen=True)
class GitHub:
    """A GitHub with one organization, whose repositories are all alike."""

    members: list[str]
    writers: list[str]
    owners: str | None
    files: list[str]

    def changed_files(self, repository: Repository, number: int) -> list[str]:
        """Those of every pull request."""
        return self.files

    def organization_members(self, owner: str) -> list[str]:
        """Those of the organization ``org``."""
        return self.members if owner == "org" else []

    def collaborators(self, repository: Repository) -> list[str]:
        """Those of every repository."""
        return self.writers

    def owners_file(self, repository: Repository) -> str | None:
        """That of every repository."""
        return self.owners


@dataclass(frozen=True)
class Sent:
    """What comes to the interceptor called `name`."""

    name: str
    body: bytes
    header: dict[str, list[str]] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)
    github: GitHub | None = None

    @property
    def question(self) -> dict[str, Any]:
        """For the judge."""
        return {
            "interceptor": {
                "name": self.name,
                "body": base64.b64encode(self.body).decode(),
                "header": self.header,
                "params": self.params,
                "extensions": self.extensions,
                "url": "http://listener/hook?a=b",
                "github": self.github and asdict(self.github),
                "secrets": {
                    name: {key: base64.b64encode(value).decode() for key, value in data.items()}
                    for name, data in SECRETS.items()
                },
            }
        }

    @property
    def request(self) -> Request:
        """The same for the interceptor of mltk."""
        return Request(
            body=gojson.text(self.body),
            header=self.header,
            extensions=self.extensions,
            params=self.params,
            event_url="http://listener/hook?a=b",
            event_id="1234",
            trigger_id="namespaces/ns/triggers/name",
        )


def generated(name: str, number: int, count: int) -> list[Sent]:
    """`count` requests to the interceptor `name`, which follow from `number`."""
    random = Random(f"{name} {number}")
    make = {
        "github": _github,
        "gitlab": _gitlab,
        "bitbucket": _bitbucket,
        "cel": _cel,
        "owners": _owners,
        "slack": _slack,
    }[name]
    return [make(random) for _ in range(count)]


def _github(random: Random) -> Sent:
    event = random.choice(["push", "pull_request", "issue_comment", "ping", ""])
    body = random.choice([*[_json(_github_payload(random))] * 3, *_bodies(random)])
    header = _spelled(random, {"X-GitHub-Event": event} if event else {})
    header |= _signed(random, "X-Hub-Signature-256", body, ["sha256", "sha256", "sha1", "sha512"])
    if random.random() < 0.04:
        header["Content-Type"] = ["application/x-www-form-urlencoded"]
    params = _common(random, ["push", "pull_request"])
    if random.random() < 0.5 and event != "pull_request":
        params["addChangedFiles"] = random.choice(
            [
                {"enabled": True},
                {"enabled": True, "personalAccessToken": random.choice(_REFS)},
            ]
            * 3
            + [
                {"enabled": "yes"},
                {"enabled": False},
                True,
                {"enabled": True, "personalAccessToken": {}},
            ]
        )
    elif random.random() < 0.5 and event != "issue_comment":
        params["githubOwners"] = random.choice(
            [{"enabled": True}, {"enabled": True, "checkType": "all"}, {"checkType": 5}, {}]
        )
        if event == "pull_request":
            params["githubOwners"] |= {
                "personalAccessToken": {"secretName": "none", "secretKey": "x"}
            }
    return Sent("github", body, header, params)


def _github_payload(random: Random) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "number": random.choice([1, 2.5, "x", None]) if random.random() < 0.3 else 1,
        "repository": random.choice(
            [{"full_name": "o/r"}] * 5 + [{"full_name": "x"}, {"full_name": 1}, {}, [], None]
        ),
        "sender": {"login": "me"},
    }
    commit = {kind: random.choice(_FILES) for kind in ("added", "modified", "removed")}
    if random.random() < 0.1:
        commit[random.choice(list(commit))] = random.choice([None, "x", {}])
    commits: list[Any] = [commit] * random.choice([0, 1, 2])
    payload["commits"] = random.choice([commits] * 6 + [None, "x", [None], ["x"]])
    if random.random() < 0.15:
        del payload[random.choice(list(payload))]
    return payload


def _owners(random: Random) -> Sent:
    """To ``github``, with what it has to ask GitHub's API."""
    event = random.choice(["pull_request"] * 3 + ["issue_comment"] * 3 + ["push"])
    sender = random.choice(["member", "writer", "approver", "REVIEWER", "stranger"])
    said = random.choice(
        ["/ok-to-test", "fine\n/ok-to-test\r\n", "no /ok-to-test", "/ok-to-test x", ""]
    )
    payload: dict[str, Any] = {
        "number": 7,
        "issue": {"number": 7},
        "comment": {"body": said},
        "repository": {"full_name": random.choice(["org/repo", "org/repo", "me/repo"])},
        "sender": random.choice([{"login": sender}] * 9 + [{}, {"login": 5}]),
    }
    if random.random() < 0.15:
        del payload[random.choice(list(payload))]
    token = random.choice([{"secretName": "git", "secretKey": "token"}] * 6 + _REFS[-9:])
    kind = random.choice(["orgMembers", "repoMembers", "all", "all", "none", "other", ""])
    params: dict[str, Any] = {
        "githubOwners": {"enabled": True, "checkType": kind, "personalAccessToken": token}
    }
    if random.random() < 0.3:
        params["addChangedFiles"] = {"enabled": True, "personalAccessToken": token}
    header = {"X-Github-Event": [event]}
    if random.random() < 0.3:
        header["X-Github-Enterprise-Host"] = ["git.example"]
    listed = "approvers: [approver, 5]\nreviewers:\n- reviewer\n"
    github = GitHub(
        ["member"],
        ["writer"],
        random.choice([listed, listed, None, "", "approvers: []"]),
        ["a", "b/ü"],
    )
    return Sent("github", _json(payload), header, params, github=github)


def _gitlab(random: Random) -> Sent:
    event = random.choice(["Push Hook", "Tag Push Hook", ""])
    header = _spelled(random, {"X-Gitlab-Event": event})
    token = random.choice(["1234567", "1234567", "1234567", "123456", "12345678", "", None, "ü"])
    if token is not None:
        header |= _spelled(random, {"X-Gitlab-Token": token})
    body = random.choice([_json({"a": 1}), *_bodies(random)])
    return Sent("gitlab", body, header, _common(random, ["Push Hook"]))


def _bitbucket(random: Random) -> Sent:
    event = random.choice(["repo:refs_changed", "repo:push", ""])
    body = random.choice([_json({"a": [[[1]]]}), *_bodies(random)])
    header = _spelled(random, {"X-Event-Key": event})
    header |= _signed(random, "X-Hub-Signature", body, ["sha1", "sha256", "sha512"])
    return Sent("bitbucket", body, header, _common(random, ["repo:refs_changed"]))


def _slack(random: Random) -> Sent:
    header: dict[str, list[str]] = {}
    kinds = ["application/x-www-form-urlencoded"] * 20 + ["application/json", ""]
    if kind := random.choice(kinds):
        header |= _spelled(random, {"Content-Type": kind})
    if random.random() < 0.9:
        signature = random.choice([*["v0=1"] * 9, ""])
        header |= _spelled(random, {"X-Slack-Signature": signature})
    form = {"text": ["main", "ü<&>"], "command": ["/build"], "none": [], "null": None}
    odd: list[Any] = [{"a": "x"}, {"a": [1]}, {"a": [None]}, [], "x", {"a": {}}, None]
    body = random.choice([_json(form)] * 8 + [_json(random.choice(odd)), *_bodies(random)])
    fields = random.choice(
        [
            ["text"],
            ["text", "command"],
            [],
            ["missing"],
            ["none", "null"],
            None,
            "text",
            [1],
            [None],
        ]
    )
    return Sent("slack", body, header, {} if fields is None else {"requestedFields": fields})


def _cel(random: Random) -> Sent:
    body = random.choice([*[_json(random.choice(_CEL_BODIES))] * 3, *_bodies(random)])
    header = _spelled(random, {"X-Event": random.choice(["push", "ü"])})
    params: dict[str, Any] = {}
    if random.random() < 0.7:
        params["filter"] = random.choice([*_FILTERS * 4, "", None, 5, ["true"]])
    if random.random() < 0.7:
        overlays = [
            {"key": random.choice(_KEYS), "expression": random.choice(_VALUES)}
            for _ in range(random.choice([0, 1, 1, 2, 3]))
        ]
        odd: list[Any] = [None, "x", [1], [{"key": 1}], {}, [{"key": "k"}], [{"expression": "1"}]]
        params["overlays"] = random.choice([overlays] * 30 + odd)
    extensions: dict[str, Any] = random.choice([{}, {"from": {"before": [1, "x"]}}])
    return Sent("cel", body, header, params, extensions)


def _common(random: Random, events: list[str]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if random.random() < 0.75:
        params[random.choice(["secretRef"] * 8 + ["secretref"])] = random.choice(_REFS)
    if random.random() < 0.5:
        odd: list[Any] = [[], None, "push", [1], [None], {"a": 1}, [["x"]]]
        params["eventTypes"] = random.choice([events] * 40 + odd)
    return params


def _signed(random: Random, name: str, body: bytes, hashes: list[str]) -> dict[str, list[str]]:
    kind = random.choice(hashes)
    key = random.choice([b"1234567"] * 6 + [b"\xff\x00\n", b"", b"other"])
    good = f"{kind}={hmac.new(key, body, kind).hexdigest()}"
    odd = [
        "",
        "sha256",
        "=",
        "md5=00",
        "sha256=0",
        "sha256=xy",
        "sha256=0Z",
        'sha256="',
        "sha1=ü",
        "sha256=",
        'a"b\\=1',
        good.upper(),
        good[:-2],
        good + "00",
        kind + "=" + good[7:].upper(),
        "sha256=\x01",
    ]
    value = random.choice([good] * 4 * len(odd) + odd)
    return {} if random.random() < 0.08 else _spelled(random, {name: value})


def _spelled(random: Random, header: dict[str, str]) -> dict[str, list[str]]:
    """As a Go server has headers, and now and then as nobody sends them."""
    found = {}
    for name, value in header.items():
        spelled = random.choice([_canonical(name)] * 9 + [name.lower()])
        found[spelled] = random.choice([[value]] * 20 + [[value, "second"], []])
    return found


def _canonical(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _bodies(random: Random) -> list[bytes]:
    return [
        random.choice(
            [
                b"",
                b"{",
                b"null",
                b"[]",
                b'"x"',
                b"{}",
                b'{"a":',
                b"\xff\xfe",
                b'{"a":"\xff\xed\xa0\x80"}',
                b'{"a":"\\ud800"}',
                "ü€𝄞".encode(),
                b"[" * 500 + b"]" * 500,
                b'{"a":1}{}',
                b'{"a":1,"a":2}',
            ]
        )
    ]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
