"""Names of the objects that a run makes."""

from __future__ import annotations

import hashlib
import re

LONGEST_NAME = 63  # of a Kubernetes label value, which names of runs become
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_DIGEST = 32
_HEAD = LONGEST_NAME - _DIGEST


def is_label_value(text: str) -> bool:
    """Whether Kubernetes takes a text as the value of a label."""
    return _LABEL_VALUE.fullmatch(text) is not None


def child_name(parent: str, suffix: str) -> str:
    """The name of a child: `parent` + `suffix`, shortened by an MD5 to 63 characters.

    The rule is that of knative's ``kmeta.ChildName``, which names Tekton's TaskRuns.
    """
    if len(parent) + len(suffix) <= LONGEST_NAME:
        return parent + suffix
    if len(suffix) < _HEAD:
        return parent[: _HEAD - len(suffix)] + _digest(parent) + suffix
    name = parent[:_HEAD] + _digest(parent + suffix)
    name += suffix[: LONGEST_NAME - len(name)]
    return name.rstrip("-.")


def claim_name(workspace: str, owner_uid: str, claim: str = "") -> str:
    """The name of the claim that a run makes for one of its ``volumeClaimTemplate`` workspaces."""
    suffix = hashlib.sha256(f"{workspace}{owner_uid}".encode()).hexdigest()[:10]
    return f"{claim or 'pvc'}-{suffix}"


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
