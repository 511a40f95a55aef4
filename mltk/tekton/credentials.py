"""What the annotated Secrets of a ServiceAccount become for each step, below ``/tekton/creds``.

Rules: Tekton's ``pkg/pod/creds_init.go`` and ``pkg/credentials``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from mltk.tekton.gojson import Struct, encode
from mltk.tekton.verdicts import TaskRunRejected

OF_HOME = (".docker", ".gitconfig", ".git-credentials", ".ssh")
"""What a step finds in its home besides."""

_BASIC, _SSH = "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth"
# Type of a Secret -> its key, and where that holds the registries.
_DOCKER: dict[str, tuple[str, str]] = {
    "kubernetes.io/dockercfg": (".dockercfg", ""),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson", "auths"),
}
_DOCKER_FIELDS = ("username", "password", "auth", "email")
_UNQUOTED = "-_.~$&+,;="  # as net/url writes a user and a password
_SSH_PORT = "22"
_NO_HOSTS = (
    'TaskRun validation failed. Git SSH Secret must have "known_hosts" included when feature flag'
    ' "require-git-ssh-secret-known-hosts" is set to true'
)


@dataclass(frozen=True)
class Secret:
    """A Secret with its data decoded; `type` in Kubernetes' words."""

    name: str
    type: str
    annotations: Mapping[str, str]
    data: Mapping[str, str]

    def addresses(self, prefix: str) -> list[str]:
        """What it is for: the values of annotations that begin so, in order."""
        return sorted(v for key, v in self.annotations.items() if key.startswith(prefix))

    def value(self, key: str) -> str:
        """What it holds under a key; TaskRunRejected when that is missing."""
        if key not in self.data:
            raise _unfit(f'secret "{self.name}" of type {self.type} has no "{key}"')
        return self.data[key]


def credentials(secrets: Sequence[Secret], *, need_known_hosts: bool = False) -> dict[str, str]:
    """The files by their path below ``/tekton/creds``; TaskRunRejected for a Secret that is unfit.

    With `need_known_hosts` a key for SSH has to say which hosts it is for.
    """
    if need_known_hosts and any(
        each.type == _SSH and "known_hosts" not in each.data for each in secrets
    ):
        raise _unfit(_NO_HOSTS)
    users = _users(secrets, "tekton.dev/git-")
    files = _docker(secrets) | _basic(users)
    for path, text in _ssh(_by_address(secrets, _SSH, "tekton.dev/git-")):
        files[path] = files.get(path, "") + text
    return files


def _by_address(secrets: Iterable[Secret], kind: str, prefix: str) -> dict[str, list[Secret]]:
    found: dict[str, list[Secret]] = {}
    for secret in secrets:
        for address in secret.addresses(prefix) if secret.type == kind else ():
            found.setdefault(address, []).append(secret)
    return found


def _users(secrets: Iterable[Secret], prefix: str) -> dict[str, Secret]:
    """The one with a name and a password for each address; TaskRunRejected for a second one."""
    found = _by_address(secrets, _BASIC, prefix)
    for address, users in found.items():
        if len(users) > 1:
            raise _unfit(f"multiple entries for url: {address}")
    return {address: users[0] for address, users in found.items()}


# Registries of images


def _docker(secrets: Sequence[Secret]) -> dict[str, str]:
    auths: dict[str, Any] = {}
    for kind in _DOCKER:
        for secret in secrets:
            if secret.type == kind:
                auths |= _auths(secret)
    for address, secret in _users(secrets, "tekton.dev/docker-").items():
        name, password = secret.value("username"), secret.value("password")
        pair = base64.b64encode(f"{name}:{password}".encode(errors="surrogateescape"))
        values = (name, password, pair.decode(), "not@val.id")
        auths[address] = _entry(dict(zip(_DOCKER_FIELDS, values, strict=True)))
    if not auths:
        return {}
    return {".docker/config.json": encode({"auths": auths})}


def _auths(secret: Secret) -> dict[str, Any]:
    key, within = _DOCKER[secret.type]
    try:
        found = json.loads(secret.value(key))
        entries = (found.get(within) or {}) if within else found
        return {address: _entry(entry) for address, entry in entries.items()}
    except (ValueError, AttributeError):
        raise _unfit(f'secret "{secret.name}": its "{key}" does not hold registries') from None


def _entry(found: Mapping[str, Any]) -> Struct:
    kept = (name for name in _DOCKER_FIELDS if name == "auth" or found.get(name))
    return Struct("entry", {name: (name.capitalize(), found.get(name) or "") for name in kept})


# Git


def _basic(users: Mapping[str, Secret]) -> dict[str, str]:
    if not users:
        return {}
    config = ["[credential]\n\thelper = store\n"]
    for address, secret in users.items():
        name = secret.value("username").replace("\\", "\\\\")
        alone = "\tuseHttpPath = true\n" if _has_path(address) else ""
        config.append(f"[credential {_quoted(address)}]\n\tusername = {name}\n{alone}")
    # Those of a whole host come first, for what is not named by its path.
    lines = [_with_user(each, users[each]) for each in sorted(users, key=_has_path)]
    return {".gitconfig": "".join(config), ".git-credentials": "\n".join([*lines, ""])}


def _has_path(address: str) -> bool:
    return urlsplit(address).path not in ("", "/")


def _with_user(address: str, secret: Secret) -> str:
    name, password = (
        quote(secret.value(key).encode(errors="surrogateescape"), safe=_UNQUOTED)
        for key in ("username", "password")
    )
    url = urlsplit(address)
    host = url.netloc.rpartition("@")[2]
    return url._replace(netloc=f"{name}:{password}@{host}").geturl()


def _ssh(keys: Mapping[str, Sequence[Secret]]) -> Iterator[tuple[str, str]]:
    """Pieces of files; those of one path follow each other."""
    hosts: list[str] = []
    for address in sorted(keys, key=lambda each: "/" in each):
        host, port, path = _ssh_address(address)
        alias = f"{host}--{path.replace('/', '--')}" if path else host
        lines = [f"Host {alias}", f"    HostName {host}", f"    Port {port}"]
        for secret in keys[address]:
            lines.append(f"    IdentityFile /tekton/creds/.ssh/id_{secret.name}")
            hosts += [secret.data["known_hosts"]] if secret.data.get("known_hosts") else []
        yield ".ssh/config", "\n".join([*lines, ""])
        if path:
            yield ".gitconfig", _instead(alias, host, port, path)
    for secret in {each.name: each for found in keys.values() for each in found}.values():
        yield f".ssh/id_{secret.name}", secret.value("ssh-privatekey")
    if hosts:
        yield ".ssh/known_hosts", "\n".join(hosts)


def _ssh_address(address: str) -> tuple[str, str, str]:
    """Host, port and path of a repository, if it names one."""
    place, slash, path = address.partition("/")
    host, colon, port = place.rpartition(":")
    named = (host, port) if colon and ":" not in host else (place, _SSH_PORT)
    return *named, path if slash else ""


def _instead(alias: str, host: str, port: str, path: str) -> str:
    """Let git ask the alias, which has the key, for a repository."""
    at = host if port == _SSH_PORT else f"{host}:{port}"
    pairs = (
        (f"git@{alias}:{path}.git", f"git@{host}:{path}.git"),
        (f"ssh://{alias}/{path}.git", f"ssh://{at}/{path}.git"),
    )
    return "".join(f'[url "{new}"]\n\tinsteadOf = {old}\n' for new, old in pairs)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unfit(why: str) -> TaskRunRejected:
    return TaskRunRejected("CreateContainerConfigError", why)
