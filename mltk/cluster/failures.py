"""Why a server cannot be reached, in words."""

from __future__ import annotations

import ssl

from mltk.cluster.errors import Broken, Unreachable
from mltk.errors import InfrastructureError

_CONTEXT = "`kubectl config view --minify` shows the address that is asked"


def unreachable(error: Exception, url: str) -> InfrastructureError:
    """The error that says why a request to `url` got no answer."""
    from urllib3.exceptions import ProtocolError

    certificate = _certificate(error)
    if certificate is not None:
        return InfrastructureError(
            f"the cluster's certificate is not trusted: {certificate.verify_message}",
            where=url,
            hint="certificate-authority-data of the cluster in the kubeconfig must be the one that"
            f" signed it; {_CONTEXT}.",
        )
    kind = Broken if isinstance(error, ProtocolError) else Unreachable
    return kind(
        f"the cluster does not answer: {_reason(error)}",
        where=url,
        hint=f"Is it running, and reachable from here? {_CONTEXT}.",
    )


def _certificate(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """What urllib3's error was about, when it was the server's certificate."""
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return each
    return None


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = error.__cause__ or error.__context__ or inner
    return chain


def _reason(error: Exception) -> str:
    from urllib3 import exceptions

    if isinstance(error, exceptions.NameResolutionError):
        return "its name is not known"
    for each in reversed(_chain(error)):
        if isinstance(each, OSError) and each.strerror:
            return each.strerror.lower()
    return "nothing in time" if isinstance(error, exceptions.TimeoutError) else str(error)
