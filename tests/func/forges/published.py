"""Whether a request is one that a git host takes, by what is published of its API.

GitHub publishes OpenAPI (npm @octokit/openapi). What GitLab publishes is in no package, so that its
own client in Go is asked to make the same request, and go-scm is for the comments of Bitbucket
Server (``clients/``, tests/published.py).
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft4Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests import octokit
from tests.published import CLIENTS


@dataclass(frozen=True)
class Asked:
    """A request; `path` has its escapes, and is relative to the address of the API."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    body: Any = None

    @classmethod
    def at(cls, method: str, target: str, body: Any = None) -> Asked:
        """The request for `target`, a path with its query."""
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        return cls(method, parts.path, query, body)


class Published(Protocol):
    """What is published of an API."""

    def wrong(self, asked: Asked) -> str:
        """What is wrong with a request, in words; "" for nothing."""


def _type(validator: Any, given: Any, value: Any, schema: Any) -> Iterator[Any]:
    # OpenAPI 3.0 has a word of its own for what may be null.
    if value is None and schema.get("nullable"):
        return
    yield from Draft4Validator.VALIDATORS["type"](validator, given, value, schema)


_Validator = extend(Draft4Validator, {"type": _type})


@dataclass(frozen=True)
class OpenApi:
    """A document of OpenAPI 3.0; stricter than it: what an operation does not name is wrong."""

    document: Mapping[str, Any]

    def wrong(self, asked: Asked) -> str:
        """What is wrong with a request, in words; "" for nothing."""
        if (found := self._operation(asked)) is None:
            return f"there is no {asked.method} {asked.path}"
        operation, given = found
        return "; ".join(
            [*self._in_parameters(operation, given, asked), *self._in_body(found, asked)]
        )

    def example(self, asked: Asked) -> Any:
        """What the document gives as the first answer to such a request, None for nothing."""
        found = self._operation(asked)
        assert found is not None
        for code, answer in found[0]["responses"].items():
            content = self._resolved(answer).get("content", {}).get("application/json", {})
            if code.startswith("2") and content.get("examples"):
                return self._resolved(next(iter(content["examples"].values())))["value"]
        return None

    def _operation(self, asked: Asked) -> tuple[Mapping[str, Any], Mapping[str, str]] | None:
        """The operation, and what its path holds."""
        for pattern, path in self._paths:
            if asked.method.lower() in path and (match := pattern.fullmatch(asked.path)):
                return path[asked.method.lower()], match.groupdict()
        return None

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], Mapping[str, Any]]]:
        """By pattern, those with the fewest variables first, because these count."""
        return [
            (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))), operations)
            for path, operations in sorted(
                self.document["paths"].items(), key=lambda each: str(each[0]).count("{")
            )
        ]

    def _in_parameters(
        self, operation: Mapping[str, Any], given: Mapping[str, str], asked: Asked
    ) -> Iterator[str]:
        known = [self._resolved(each) for each in operation.get("parameters", ())]
        queried = {each["name"] for each in known if each["in"] == "query"}
        yield from (f"{name} is no parameter" for name in asked.query if name not in queried)
        for each in known:
            values = asked.query.get(each["name"], ()) if each["in"] == "query" else ()
            if each["in"] == "path":
                values = [given[each["name"]]]
            if each.get("required") and each["in"] == "query" and not values:
                yield f"{each['name']} is missing"
            for value in values:
                yield from self._against(
                    each["schema"], _typed(value, each["schema"]), each["name"]
                )

    def _in_body(
        self, found: tuple[Mapping[str, Any], Mapping[str, str]], asked: Asked
    ) -> Iterator[str]:
        if (wanted := found[0].get("requestBody")) is None:
            if asked.body is not None:
                yield "it takes no body"
            return
        schema = self._resolved(self._resolved(wanted)["content"]["application/json"]["schema"])
        if asked.body is None:
            yield from ["a body is missing"] if wanted.get("required") else []
            return
        yield from self._against(schema, asked.body, "body")
        if "properties" in schema and isinstance(asked.body, dict):
            unknown = asked.body.keys() - schema["properties"].keys()
            yield from (f"body: {name} is no field" for name in sorted(unknown))

    def _against(self, schema: Any, value: Any, where: str) -> Iterator[str]:
        rooted = {**schema, "components": self.document["components"]}
        registry: Registry[Any] = Registry().with_resource("", DRAFT4.create_resource(rooted))
        for error in _Validator(rooted, registry=registry).iter_errors(value):
            yield f"{where}: {error.message}"

    def _resolved(self, part: Any) -> Any:
        while "$ref" in part:
            found: Any = self.document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """The value that a word of an address stands for."""
    number = schema.get("type") == "integer" and re.fullmatch(r"[0-9]+", text)
    return int(text) if number else text


class Program:
    """The program of ``clients/``, while it runs; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [CLIENTS.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._turn = threading.Lock()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def wrong(self, question: Mapping[str, Any]) -> str:
        """What it says of a request."""
        assert self._process.stdin
        assert self._process.stdout
        with self._turn:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            return str(json.loads(self._process.stdout.readline())["wrong"])


@dataclass(frozen=True)
class Client:
    """A client that others publish, of one kind of host, whose API is at `base`."""

    program: Program
    kind: str
    base: str

    def wrong(self, asked: Asked) -> str:
        """What is wrong with a request, in words; "" for nothing."""
        return self.program.wrong(
            {
                "kind": self.kind,
                "method": asked.method,
                "path": self.base + asked.path,
                "query": asked.query,
                "body": asked.body,
            }
        )


@cache
def github(name: str) -> OpenApi:
    """What GitHub publishes of an API."""
    return OpenApi(octokit.openapi(name))


# https://developer.atlassian.com/server/bitbucket/rest/: the fields of a build status, with how
# long they may be, and the parameters of the activities of a pull request.
_BUILD = {"key": 255, "name": 255, "description": 255, "url": 450, "state": 10}
_REQUIRED = {"key", "state", "url"}
_BUILD_STATES = ("SUCCESSFUL", "FAILED", "INPROGRESS", "CANCELLED", "UNKNOWN")
_REPOSITORY = r"/projects/~?[A-Za-z0-9_-]+/repos/[-a-z0-9._]+"


@dataclass(frozen=True)
class Bitbucket:
    """Bitbucket Server: comments as go-scm sends them, the rest as its page describes it."""

    comments: Published

    def wrong(self, asked: Asked) -> str:
        """What is wrong with a request, in words; "" for nothing."""
        if re.fullmatch(_REPOSITORY + r"/commits/[0-9a-f]{40}/builds", asked.path):
            return "" if asked.method != "POST" else _in_build(asked.body)
        if re.fullmatch(_REPOSITORY + r"/pull-requests/\d+/activities", asked.path):
            known = {"limit", "start", "fromId", "fromType"}
            return "" if asked.query.keys() <= known else f"{set(asked.query) - known} are unknown"
        return self.comments.wrong(asked)


def _in_build(body: Any) -> str:
    if not _REQUIRED <= body.keys() <= _BUILD.keys():
        return f"the fields are {', '.join(_BUILD)}"
    if body["state"] not in _BUILD_STATES:
        return f"the state {body['state']} is unknown"
    long = [name for name, value in body.items() if len(value) > _BUILD[name]]
    return f"{', '.join(long)} is too long" if long else ""
