"""Questions that are asked by creating an object: may I? Who comes this far, may all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mltk.tekton.objects import Obj

USER = "mltk"
_ALL = ["*"]


@dataclass(frozen=True)
class Review:
    """A kind that is answered and not kept."""

    kind: str
    plural: str
    api_version: str
    answer: Callable[[Obj], Obj]


def answer_review(review: Review, asked: Obj) -> Obj:
    """The object with its answer."""
    return {
        "kind": review.kind,
        "apiVersion": review.api_version,
        "metadata": {"creationTimestamp": None},
        "spec": asked.get("spec") or {},
        "status": review.answer(asked),
    }


def find_review(path: str) -> Review | None:
    """The review that a path names."""
    parts = path.strip("/").split("/")
    if len(parts) != 4 or parts[0] != "apis":
        return None
    version, plural = "/".join(parts[1:3]), parts[3]
    return next((it for it in REVIEWS if (it.api_version, it.plural) == (version, plural)), None)


def _allowed(_asked: Obj) -> Obj:
    return {"allowed": True, "reason": "whoever may speak to this server may do all it does"}


def _rules(_asked: Obj) -> Obj:
    rules: list[dict[str, Any]] = [{"verbs": _ALL, "apiGroups": _ALL, "resources": _ALL}]
    return {
        "resourceRules": rules,
        "nonResourceRules": [{"verbs": _ALL, "nonResourceURLs": _ALL}],
        "incomplete": False,
    }


def _self(_asked: Obj) -> Obj:
    return {"userInfo": {"username": USER, "groups": ["system:authenticated"]}}


REVIEWS: tuple[Review, ...] = (
    Review("SelfSubjectReview", "selfsubjectreviews", "authentication.k8s.io/v1", _self),
    Review(
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        "authorization.k8s.io/v1",
        _allowed,
    ),
    Review(
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        "authorization.k8s.io/v1",
        _rules,
    ),
)
