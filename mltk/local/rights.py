"""What a process may: the capabilities of Linux by name (capabilities(7)), and giving them up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from mltk.local import namespaces
from mltk.tekton.security import Security

_NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
_STREAMS = (1, 2)

# What containerd leaves to root in a container (its oci.WithDefaultCapabilities).
_CONTAINER = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP",
)  # fmt: skip


def mask(names: Iterable[str]) -> int:
    """Capabilities as the kernel writes them; ALL is all, an unknown name none."""
    wanted = set(names)
    found = (number for number, name in enumerate(_NAMES) if name in wanted or "ALL" in wanted)
    return sum(1 << number for number in found)


CONTAINER = mask(_CONTAINER)


@lru_cache(maxsize=64)
def request(security: Security) -> dict[str, Any]:
    """What `take_on` is to do, as it goes through JSON."""
    kept = CONTAINER & (~mask(security.dropped) | mask(security.added))
    return {
        "user": security.user,
        "group": security.group,
        "groups": list(security.groups),
        "kept": kept,
        "escalates": security.escalates,
    }


def lacking(security: Security, user: int) -> list[str]:
    """Fields of a securityContext that a process of this `user` cannot take on."""
    if user == 0:
        more = mask(security.added) & ~CONTAINER
        kept = {"capabilities.add": not more, "privileged": False}
    else:
        kept = {
            "runAsUser": security.user == user,
            "runAsGroup": security.group == os.getegid(),
            "allowPrivilegeEscalation": True,
            "capabilities.drop": True,
        }
    return [name for name in security.said if not kept.get(name, user == 0)]


def take_on(wanted: dict[str, Any]) -> None:
    """Become the user of a request of `request`, with no more rights than it says."""
    if not wanted["escalates"]:
        namespaces.refuse_more_rights()
    if os.geteuid() != 0:
        namespaces.limit_capabilities(0)
        return
    kept = wanted["kept"]
    if kept != CONTAINER:
        namespaces.bound_capabilities(kept)
    user, group = wanted["user"], wanted["group"]
    if wanted["groups"] or user is not None:
        os.setgroups(wanted["groups"])
    if user is None:
        namespaces.limit_capabilities(kept)
        return
    group = 0 if group is None else group
    for stream in _STREAMS:  # so that it can open /dev/stdout
        with suppress(OSError):
            os.fchown(stream, user, group)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    if user == 0:
        namespaces.limit_capabilities(kept)
    namespaces.die_with_parent()  # a change of the user has taken that back
