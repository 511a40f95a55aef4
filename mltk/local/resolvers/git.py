"""The resolver ``git``: a file of a repository at a revision.

Rules: ``pkg/resolution/resolver/git`` of Tekton, except that here a repository may also lie on this
machine. What a server's own API is needed for (`repo`) is refused by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mltk.local.resolvers.base import Errand, Found
from mltk.local.resolvers.mirrors import mirrored
from mltk.local.resolvers.repository import Failed, Repository
from mltk.tekton.durations import parse_duration
from mltk.tekton.remote import Unresolved

_REMOTE = re.compile(r"[^@]+@[^:]+|(?:git|ssh|ftps?|https?)://")
_LOCAL = re.compile(r"(?:file://|\.{0,2})/")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_PREFIX = "resolution.tekton.dev/"
_BACKOFF = {
    "backoff-duration": "2s",
    "backoff-factor": "2.0",
    "backoff-steps": "2",
    "backoff-cap": "10s",
}


class Git:
    """Finds files in repositories, with the git of this machine."""

    type, name = "git", "Git"
    config, flag = "git-resolver-config", "enable-git-resolver"
    defaults: Mapping[str, str] = {
        "fetch-timeout": "1m",
        "default-url": "https://github.com/tektoncd/catalog.git",
        "default-revision": "main",
    }

    def check(self, errand: Errand) -> None:
        """Raise Unresolved for params that are missing or lead out of the repository."""
        _asked(errand)

    def is_immutable(self, errand: Errand) -> bool:
        """Whether the revision is a commit."""
        return _COMMIT.fullmatch(errand.params.get("revision", "")) is not None

    def resolve(self, errand: Errand) -> Found:
        """Return the file."""
        asked = _asked(errand)
        token = ""
        if secret := errand.params.get("gitToken"):
            token = errand.secret(secret, errand.params.get("gitTokenKey") or "token")
        address = mirrored(asked.url, errand)
        _check_address(address)
        # What lies on this machine is not there the second time either.
        pauses = [] if _LOCAL.match(address) else _pauses(errand.settings)
        while True:
            try:
                return _fetch(errand, asked, address, token)
            except Failed as error:
                if not pauses:
                    raise Unresolved(str(error)) from None
                errand.deadline.wait(pauses.pop(0))


def _pauses(settings: Mapping[str, str]) -> list[float]:
    """Seconds between attempts; as in Tekton a setting that cannot be read counts as none."""
    pause, factor, steps, cap = (_number(settings, name) for name in _BACKOFF)
    return [min(pause * factor**attempt, cap) for attempt in range(int(steps) - 1)]


def _number(settings: Mapping[str, str], name: str) -> float:
    for text in (settings.get(name, ""), _BACKOFF[name]):
        try:
            is_number = name in ("backoff-factor", "backoff-steps")
            found = float(text) if is_number else parse_duration(text).total_seconds()
        except ValueError:
            continue
        if 0 <= found < math.inf:
            return found
    raise AssertionError("a default can be read")


@dataclass(frozen=True)
class _Asked:
    url: str
    revision: str
    path: str


def _asked(errand: Errand) -> _Asked:
    """What is asked for; raises Unresolved."""
    params, settings = errand.params, _settings(errand)
    _refuse_api(params)
    revision = params.get("revision", settings.get("default-revision", ""))
    missing = [] if "revision" in params or revision else ["revision"]
    missing += [] if "pathInRepo" in params else ["pathInRepo"]
    url = params.get("url") or settings.get("default-url", "")
    if not url:
        raise Unresolved("must specify one of 'url' or 'repo'")
    if missing:
        raise Unresolved(f"missing required git resolver params: {', '.join(missing)}")
    if revision.startswith("-"):
        raise Unresolved(f"invalid revision \"{revision}\": must not begin with '-'")
    _check_address(url)
    path = params["pathInRepo"].lstrip("/")
    if ".." in path.split("/"):
        raise Unresolved(f"invalid path \"{path}\": must not contain '..' components")
    return _Asked(url, revision, path)


def _refuse_api(params: Mapping[str, str]) -> None:
    """Refuse `repo`, which asks a server's API; what else is for that API counts with it alone."""
    if params.get("url") and params.get("repo"):
        raise Unresolved("cannot specify both 'url' and 'repo'")
    if params.get("repo"):
        raise Unresolved(
            "'repo': the API of a git server is not done yet; name the repository by 'url' (and a"
            " token for it by 'gitToken')"
        )


def _check_address(url: str) -> None:
    if not (_REMOTE.match(url) or _LOCAL.match(url)):
        raise Unresolved(f"invalid git repository url: {url}")


def _settings(errand: Errand) -> Mapping[str, str]:
    """The settings that count: those under `configKey`, or those under no key."""
    wanted = errand.params.get("configKey", "default")
    found: dict[str, dict[str, str]] = {"default": {}}
    for key, value in errand.settings.items():
        parts = key.split(".")
        if len(parts) > 2:
            raise Unresolved(f"key {key} passed in git resolver configmap is invalid")
        group = parts[0] if len(parts) == 2 else "default"
        found.setdefault(group, {})[parts[-1]] = value
    if wanted not in found:
        raise Unresolved(f"no git resolver configuration found for configKey {wanted}")
    return found[wanted]


def _fetch(errand: Errand, asked: _Asked, address: str, token: str) -> Found:
    with Repository(errand.deadline, token) as repository:
        if address.startswith(("/", "./", "../")):
            address = (errand.base / address).resolve().as_uri()
        repository.clone(address)
        commit = repository.fetch(asked.revision)
        data = repository.read(commit, asked.path)
    annotations = {
        f"{_PREFIX}revision": commit,
        f"{_PREFIX}path": asked.path,
        f"{_PREFIX}url": asked.url,
        f"{_PREFIX}content-type": "application/x-yaml",
    }
    source = {"uri": f"git+{asked.url}", "digest": {"sha1": commit}, "entryPoint": asked.path}
    return Found(data, source, annotations)
