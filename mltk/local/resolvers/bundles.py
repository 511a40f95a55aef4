"""The resolver ``bundles``: an object in a Tekton Bundle, which lies on this machine.

Rules: ``pkg/resolution/resolver/bundle`` of Tekton, except that a bundle is an OCI layout
(``oci:PATH[:TAG]``, ``file://PATH``) and not in a registry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from mltk.local.resolvers.base import Errand, Found
from mltk.local.resolvers.oci import BadLayout, Image, find_image, opened
from mltk.tekton.remote import Unresolved

_OCI = re.compile(
    r"oci:(?P<path>[^@]+?)(?::(?P<tag>[A-Za-z0-9_][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_KIND, _NAME = "dev.tekton.image.kind", "dev.tekton.image.name"
_VERSION = "dev.tekton.image.apiVersion"
_PREFIX = "resolution.tekton.dev/"
_MOST = 20  # objects in a bundle


class Bundles:
    """Finds objects in bundles."""

    type, name = "bundles", "bundleresolver"
    config, flag = "bundleresolver-config", "enable-bundles-resolver"
    defaults: Mapping[str, str] = {"default-service-account": "default", "default-kind": "task"}

    def check(self, errand: Errand) -> None:
        """Raise Unresolved for params that are missing, and for a bundle in a registry."""
        _asked(errand)

    def is_immutable(self, errand: Errand) -> bool:
        """Whether the bundle is named by its digest."""
        return "@sha256:" in errand.params.get("bundle", "")

    def resolve(self, errand: Errand) -> Found:
        """Return the object."""
        asked = _asked(errand)
        try:
            with opened(errand.base / asked.path) as files:
                image = find_image(files, asked.wanted)
                _check_compliance(asked.bundle, image)
                return _find(asked, image)
        except BadLayout as error:
            raise Unresolved(f"cannot retrieve the oci image: {error}") from None


@dataclass(frozen=True)
class _Asked:
    """`wanted` is the tag or the digest of the image, empty when the layout holds one only."""

    bundle: str
    path: str
    wanted: str
    name: str
    kind: str


def _asked(errand: Errand) -> _Asked:
    bundle, name = errand.params.get("bundle", ""), errand.params.get("name", "")
    for param, value in (("bundle", bundle), ("name", name)):
        if not value:
            raise Unresolved(f'parameter "{param}" required')
    path, wanted = _place(bundle)
    kind = errand.or_default("kind", "default-kind")
    if not kind:
        raise Unresolved(
            "default resource Kind was not set during installation of the bundle resolver"
        )
    return _Asked(bundle, path, wanted, name, kind)


def _place(bundle: str) -> tuple[str, str]:
    if bundle.startswith("file://"):
        parts = urlsplit(bundle)
        if parts.netloc in ("", "localhost") and parts.path:
            return unquote(parts.path), unquote(parts.fragment)
    elif found := _OCI.fullmatch(bundle):
        return found["path"], found["digest"] or found["tag"] or ""
    raise Unresolved(
        f"{bundle} is not on this machine, and no registry is asked: fetch it with"
        f" `skopeo copy docker://{bundle} oci:FOLDER:TAG` and name it as oci:FOLDER:TAG"
    )


def _check_compliance(bundle: str, image: Image) -> None:
    layers = image.layers
    wrong = ""
    if len(layers) > _MOST:
        wrong = f"contained more than the maximum {_MOST} allow objects"
    for index, layer in enumerate(layers):
        wrong = wrong or _wrong(index, layer.get("annotations") or {})
    if wrong:
        raise Unresolved(f"invalid tekton bundle {bundle}, error: {wrong}")


def _wrong(index: int, annotations: Mapping[str, Any]) -> str:
    for wanted in (_VERSION, _NAME, _KIND):
        if wanted not in annotations:
            return f"the layer {index} does not contain a {wanted} annotation"
    kind = str(annotations[_KIND])
    if kind.lower().removesuffix("s") != kind:
        return (
            f"the layer {index} the annotation {_KIND} must be lowercased and singular, "
            f"found {kind}"
        )
    return ""


def _find(asked: _Asked, image: Image) -> Found:
    for layer in image.layers:
        marks = layer["annotations"]
        if asked.kind.lower() == marks[_KIND].lower() and asked.name == marks[_NAME]:
            algorithm, _, digest = image.digest.partition(":")
            source = {
                "uri": f"oci:{asked.path}",
                "digest": {algorithm: digest},
                "entryPoint": asked.name,
            }
            kept = {f"{_PREFIX}{key}": str(marks[key]) for key in (_KIND, _NAME, _VERSION)}
            return Found(image.layer(layer), source, kept)
    raise Unresolved(
        f"could not find object in image with kind: {asked.kind} and name: {asked.name}"
    )
