"""What other hosts than GitHub send and take, from Go modules: ``python -m tests.published``.

None of it is described in a package of npm or PyPI, as GitHub's is. So a program of ours
(``clients/``) asks GitLab's own client, and go-scm for Bitbucket Server, and what they ship of
events is kept beside it. It is brought once, before the tests, which reach no registry.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.built import GoProgram, go_module

CLIENTS = GoProgram(
    "forge-clients",
    Path(__file__).parent / "func" / "forges" / "clients",
    "THE CLIENTS OF GITLAB AND BITBUCKET ARE NOT ASKED",
)

_GO_SCM = "github.com/jenkins-x/go-scm"
_FOLDERS = {
    "gitlab": ("gitlab.com/gitlab-org/api/client-go/v2", "testdata/webhooks"),
    "gitlab-scm": (_GO_SCM, "scm/driver/gitlab/testdata/webhooks"),
    "gitea": (_GO_SCM, "scm/driver/gitea/testdata/webhooks"),
    "bitbucket": (_GO_SCM, "scm/driver/stash/testdata/webhooks"),
}
_GITLAB_EVENTS = {
    "push": "Push Hook",
    "tag_push": "Tag Push Hook",
    "merge_request": "Merge Request Hook",
    "note": "Note Hook",
    "issue": "Issue Hook",
    "pipeline": "Pipeline Hook",
    "build": "Job Hook",
}


def missing() -> str:
    """What is not here, in words; "" for nothing."""
    if CLIENTS.path.is_file() and _kept().is_dir():
        return ""
    return "what GitLab, Gitea and Bitbucket Server send and take is not here: make published"


def bring() -> None:
    """Build the program, and keep what its modules ship of events."""
    CLIENTS.built()
    if not _kept().is_dir():
        with tempfile.TemporaryDirectory(dir=_kept().parent) as folder:
            made = Path(folder) / "payloads"
            for name, (module, inside) in _FOLDERS.items():
                shutil.copytree(go_module(CLIENTS.source, module) / inside, made / name)
            made.rename(_kept())


def gitlab() -> dict[str, Any]:
    """The payloads of GitLab, by name."""
    return copy.deepcopy({**_payloads("gitlab-scm"), **_payloads("gitlab")})


def gitlab_event(payload: Mapping[str, Any]) -> str:
    """What GitLab says of the event in a header."""
    return _GITLAB_EVENTS.get(payload.get("object_kind", ""), "Other Hook")


def gitea() -> dict[str, Any]:
    """The payloads of Gitea, by name."""
    return copy.deepcopy(dict(_payloads("gitea")))


def gitea_event(name: str) -> str:
    """What Gitea says of the event in a header."""
    kind = name.removeprefix("gitea/")
    commented = "comment" in kind or not kind.startswith("pull_request_")
    return kind if commented else "pull_request"


def bitbucket() -> dict[str, Any]:
    """The payloads of Bitbucket Server, by name; each says its event itself."""
    return copy.deepcopy(dict(_payloads("bitbucket")))


@cache
def _payloads(name: str) -> Mapping[str, Any]:
    return {
        f"{name}/{path.stem}": json.loads(path.read_text("utf-8"))
        for path in sorted((_kept() / name).glob("*.json"))
    }


def _kept() -> Path:
    names = hashlib.sha256(repr(_FOLDERS).encode()).hexdigest()[:12]
    return CLIENTS.path.parent.with_suffix(f".payloads-{names}")


if __name__ == "__main__":
    if why := CLIENTS.missing():
        sys.exit(f"published: NOT BROUGHT: {why}")
    bring()
