"""Payloads that Go modules ship: GitLab's in its own client, and go-scm's of Bitbucket Server."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.func.forges.published import CLIENTS

_GITLAB = "gitlab.com/gitlab-org/api/client-go/v2"
_GO_SCM = "github.com/jenkins-x/go-scm"

_EVENTS = {
    "push": "Push Hook",
    "tag_push": "Tag Push Hook",
    "merge_request": "Merge Request Hook",
    "note": "Note Hook",
    "issue": "Issue Hook",
    "pipeline": "Pipeline Hook",
    "build": "Job Hook",
}


@cache
def _payloads(module: str, folder: str) -> Mapping[str, Any]:
    """Those in a folder of a module, by the name of their file."""
    return {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in sorted((CLIENTS.module(module) / folder).glob("*.json"))
    }


def of_gitlab() -> dict[str, Any]:
    """Those of GitLab, by name."""
    theirs = _payloads(_GITLAB, "testdata/webhooks")
    others = _payloads(_GO_SCM, "scm/driver/gitlab/testdata/webhooks")
    return copy.deepcopy({**others, **{f"gitlab-{name}": each for name, each in theirs.items()}})


def event_of_gitlab(payload: Mapping[str, Any]) -> str:
    """What GitLab says of the event in a header."""
    return _EVENTS.get(payload.get("object_kind", ""), "Other Hook")


def of_bitbucket() -> dict[str, Any]:
    """Those of Bitbucket Server, by name; each says its event itself."""
    return copy.deepcopy(dict(_payloads(_GO_SCM, "scm/driver/stash/testdata/webhooks")))
