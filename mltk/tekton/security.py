"""The user and the rights of a container, from its ``securityContext`` and that of its pod.

Rules: ``core/v1`` of Kubernetes (SecurityContext, PodSecurityContext); what the container says
counts more. The words of a refusal are the kubelet's (``kuberuntime/security_context.go``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mltk.tekton.objects import Obj

ROOT = 0


@dataclass(frozen=True)
class Security:
    """Who a container runs as and what it may; None is what its image, or the machine, says.

    `groups` are more groups of its processes, the one of the pod's volumes (`fs_group`) among them.
    """

    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] = ()
    fs_group: int | None = None
    non_root: bool = False
    read_only: bool = False
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    escalates: bool = True
    privileged: bool = False

    @classmethod
    def of(cls, container: Obj | None, pod: Obj | None) -> Security:
        """Read both; either may be missing."""
        outer = pod or {}
        own = {key: found for key, found in (container or {}).items() if found is not None}
        shared = ("runAsUser", "runAsGroup", "runAsNonRoot")
        said = {**{key: outer.get(key) for key in shared}, **own}
        rights = own.get("capabilities") or {}
        fs_group = outer.get("fsGroup")
        groups = [
            *(outer.get("supplementalGroups") or ()),
            *([] if fs_group is None else [fs_group]),
        ]
        return cls(
            said["runAsUser"],
            said["runAsGroup"],
            tuple(groups),
            fs_group,
            bool(said["runAsNonRoot"]),
            bool(own.get("readOnlyRootFilesystem")),
            tuple(map(_capability, rights.get("add") or ())),
            tuple(map(_capability, rights.get("drop") or ())),
            own.get("allowPrivilegeEscalation") is not False,
            bool(own.get("privileged")),
        )

    @property
    def said(self) -> Iterator[str]:
        """Names of the fields that ask for something."""
        asked = {
            "runAsUser": self.user is not None,
            "runAsGroup": self.group is not None,
            "supplementalGroups": bool(self.groups),
            "readOnlyRootFilesystem": self.read_only,
            "capabilities.add": bool(self.added),
            "capabilities.drop": bool(self.dropped),
            "allowPrivilegeEscalation": not self.escalates,
            "privileged": self.privileged,
        }
        return (name for name, is_asked in asked.items() if is_asked)

    def refusal(self, user: int | None) -> str:
        """Why it must not run, as `user` if it says none itself; empty when it may."""
        if not self.non_root or (user if self.user is None else self.user) != ROOT:
            return ""
        if self.user == ROOT:
            return "container's runAsUser breaks non-root policy"
        return "container has runAsNonRoot and image will run as root"


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")
