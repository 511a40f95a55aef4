"""Which events are the same delivery, sent once more.

Whoever can reach a listener can send it any delivery id, but not the right signature with it. So a
delivery is known by its id, its body and what proves where it comes from: nobody can make a
listener take the true one for a repetition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

# GitHub and Gitea, GitLab, Bitbucket, CloudEvents, MLflow, and what others agree on.
_IDS = (
    ("x-github-delivery",), ("x-gitea-delivery",), ("x-gogs-delivery",), ("x-forgejo-delivery",),
    ("x-gitlab-event-uuid",), ("x-request-uuid",), ("ce-source", "ce-id"),
    ("x-mlflow-delivery-id",), ("webhook-id",), ("idempotency-key",),
)  # fmt: skip
_PROOFS = (
    "authorization", "x-hub-signature", "x-hub-signature-256", "x-gitea-signature",
    "x-gitlab-token", "x-mlflow-signature", "x-slack-signature", "webhook-signature",
)  # fmt: skip

Header = Mapping[str, Sequence[str]]


def delivery(namespace: str, listener: str, url: str, header: Header, body: bytes) -> str | None:
    """What tells a delivery to a listener from all others, None for one that has no id."""
    lines = {name.lower(): values for name, values in header.items()}
    told = [names for names in _IDS if all(name in lines for name in names)]
    ids = [(name, *lines[name]) for names in told for name in names]
    if not ids:
        return None
    proofs = [[*lines.get(name, ())] for name in _PROOFS]
    parts = repr((namespace, listener, url, ids, proofs)).encode()
    return hashlib.sha256(parts + hashlib.sha256(body).digest()).hexdigest()
