"""The resolver ``http``: a document at an address (``pkg/resolution/resolver/http`` of Tekton)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from mltk.local.resolvers.base import Errand, Found, sha256
from mltk.local.resolvers.download import download, is_address
from mltk.local.resolvers.mirrors import mirrored
from mltk.tekton.remote import Unresolved

_USER, _SECRET, _KEY = "http-username", "http-password-secret", "http-password-secret-key"
_LENGTHS = {"sha256": 64, "sha512": 128}


class Http:
    """Finds documents by their address."""

    type, name = "http", "Http"
    config, flag = "http-resolver-config", "enable-http-resolver"
    defaults: Mapping[str, str] = {"fetch-timeout": "1m"}

    def check(self, errand: Errand) -> None:
        """Raise Unresolved for an address that is none, and half a name with password."""
        params = errand.params
        if "url" in params:
            _check_address(params["url"])
        for one, other in ((_USER, _SECRET), (_SECRET, _USER)):
            if one in params and other not in params:
                raise Unresolved(f"missing required param {other} when using {one}")
            if params.get(one) == "":
                raise Unresolved(f"value {one} cannot be empty")
        if "url" not in params:
            raise Unresolved("missing required http resolver params: url")

    def is_immutable(self, errand: Errand) -> bool:  # noqa: ARG002  (a server may always answer anew)
        """Return False: a server may answer something else."""
        return False

    def resolve(self, errand: Errand) -> Found:
        """Return the document, which is of the digest that was asked for."""
        url = errand.params["url"]
        data = download(mirrored(url, errand), errand.deadline, _authorization(errand))
        if "digest" in errand.params:
            _check_digest(errand.params["digest"], data)
        return Found(data, {"uri": url, "digest": sha256(data)})


def _check_address(url: str) -> None:
    if not url:
        raise Unresolved('cannot parse url : parse "": empty url')
    if "://" not in url and not url.startswith("/"):
        raise Unresolved(f'cannot parse url {url}: parse "{url}": invalid URI for request')
    if not is_address(url):
        raise Unresolved(f"url {url} is not a valid http(s) url")


def _authorization(errand: Errand) -> dict[str, str]:
    secret = errand.params.get(_SECRET)
    if not secret:
        return {}
    password = errand.secret(secret, errand.params.get(_KEY) or "password")
    pair = f"{errand.params[_USER]}:{password}".encode("utf-8", "surrogateescape")
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _check_digest(digest: str, data: bytes) -> None:
    algorithm, colon, wanted = digest.partition(":")
    if not colon:
        raise _wrong(f"invalid digest format: {digest}")
    if algorithm not in _LENGTHS:
        raise _wrong(f"invalid digest algorithm: {algorithm}")
    length = _LENGTHS[algorithm]
    if len(wanted) != length:
        raise _wrong(
            f"invalid {algorithm} digest value, expected length: {length}, got: {len(wanted)}"
        )
    found = hashlib.new(algorithm, data)
    try:
        same = hmac.compare_digest(bytes.fromhex(wanted), found.digest())
    except ValueError:
        raise _wrong(f"error decoding expected SHA string: {wanted} is not hexadecimal") from None
    if not same:
        raise _wrong(f"SHA mismatch, expected {wanted}, got {found.hexdigest()}")


def _wrong(what: str) -> Unresolved:
    return Unresolved(f"error validating digest: {what}")
