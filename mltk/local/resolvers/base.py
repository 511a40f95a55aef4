"""What a resolver is given, what it gives back, and its bounds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from mltk.errors import NotFound
from mltk.local.resolvers.bounds import Deadline
from mltk.local.sources import decoded
from mltk.local.store import Store
from mltk.tekton.objects import Obj
from mltk.tekton.remote import Request, Unresolved

MAX_BYTES = 1 << 20
"""How long a document may be: what Tekton's resolvers read, as etcd takes no more."""


@dataclass(frozen=True)
class Found:
    """A document, and where it comes from."""

    data: bytes
    source: Obj
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Errand:
    """One question in the hands of a resolver.

    `settings` is the data of the resolver's ConfigMap; paths that are not absolute count from
    `base`.
    """

    request: Request
    settings: Mapping[str, str]
    store: Store
    base: Path
    deadline: Deadline

    @property
    def params(self) -> dict[str, str]:
        """The params; as in Tekton a list or an object counts as an empty text."""
        values = self.request.values.items()
        return {name: value if isinstance(value, str) else "" for name, value in values}

    def timed(self, deadline: Deadline) -> Errand:
        """Return the same question with another deadline."""
        return replace(self, deadline=deadline)

    def or_default(self, name: str, setting: str) -> str:
        """Return a param, or the setting that stands in for one that is empty."""
        return self.params.get(name) or self.settings.get(setting, "")

    def secret(self, name: str, key: str) -> str:
        """Return what a Secret beside the run holds under a key; raises Unresolved."""
        namespace = self.request.namespace
        try:
            held = decoded(self.store.get("Secret", name, namespace))
        except NotFound:
            raise Unresolved(
                f"cannot get API token, secret {name} not found in namespace {namespace}"
            ) from None
        except ValueError:
            raise Unresolved(
                f"error reading API token from secret {name} in namespace {namespace}: "
                "its data is not base64"
            ) from None
        if key not in held:
            raise Unresolved(
                f"cannot get API token, key {key} not found in secret {name} in namespace "
                f"{namespace}"
            )
        return held[key].decode("utf-8", "surrogateescape")


class Resolver(Protocol):
    """One way to find documents.

    `type` is what a reference says, `name` what messages say, `config` the ConfigMap with its
    settings and `defaults` what they are without it, `flag` what switches it off.
    """

    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def config(self) -> str: ...
    @property
    def flag(self) -> str: ...
    @property
    def defaults(self) -> Mapping[str, str]: ...

    def check(self, errand: Errand) -> None:
        """Raise Unresolved for params that cannot be meant."""

    def resolve(self, errand: Errand) -> Found:
        """Return the document; raises Unresolved, and TimedOut at the errand's deadline."""

    def is_immutable(self, errand: Errand) -> bool:
        """Whether the params name one document for ever, which then need not be fetched again."""


def sha256(data: bytes) -> dict[str, str]:
    """The digest of a document as sources name it."""
    return {"sha256": hashlib.sha256(data).hexdigest()}
