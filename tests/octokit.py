"""What GitHub publishes, as the packages of npm have it that `make published` brings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.cluster.node.layout import cache

_PACKAGES = cache().parent / "lint" / "node_modules" / "@octokit"
_EXAMPLES = _PACKAGES / "webhooks-examples"
_OPENAPI = _PACKAGES / "openapi" / "generated"


def missing() -> str:
    """What is not here, in words; "" for nothing."""
    if _EXAMPLES.is_dir() and _OPENAPI.is_dir():
        return ""
    return "@octokit/webhooks-examples and @octokit/openapi are not here: make published"


def payloads() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every payload that GitHub documents, with the name of its event."""
    for path in sorted(_EXAMPLES.glob("*/index.json")):
        for each in json.loads(path.read_text("utf-8")):
            for example in each["examples"]:
                yield each["name"], example


def openapi(name: str) -> dict[str, Any]:
    """A description of the API: ``api.github.com``, or a version as in ``ghes-3.17``."""
    found: dict[str, Any] = json.loads((_OPENAPI / f"{name}.json").read_text("utf-8"))
    return found
