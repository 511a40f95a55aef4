"""Which cluster, as whom and in which namespace: the kubeconfig, or a pod's service account."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk.cluster import package
from mltk.errors import ConfigError
from mltk.wording import did_you_mean

DEFAULT_NAMESPACE = "default"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_CONTEXTS = "`kubectl config get-contexts` lists what there is"
# A peer that vanished without a word is noticed within a minute, however quiet a watch is.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


@dataclass(frozen=True)
class Access:
    """Connections to an API server; `authorization` gives the headers that say who asks."""

    url: str
    pool: Any  # urllib3.PoolManager
    namespace: str
    context: str
    authorization: Callable[[], Mapping[str, str]]


def open_access(
    context: str | None = None,
    namespace: str | None = None,
    kubeconfig: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = _SERVICE_ACCOUNT,
) -> Access:
    """Read how to reach the cluster.

    Raises ConfigError for a kubeconfig that is missing, cannot be read or lacks the context.
    """
    paths = str(kubeconfig or environ.get("KUBECONFIG") or "~/.kube/config")
    in_pod = not _exists(paths) and context is None and _is_pod(environ, service_account)
    if not in_pod:
        _check_exists(paths)
    kubernetes = package.load()
    settings = kubernetes.configuration.Configuration()
    settings.retries = False  # what failed is told at once, and `Server` knows what may be repeated
    settings.no_proxy = environ.get("NO_PROXY") or environ.get("no_proxy")
    if in_pod:
        found = _read_service_account(kubernetes, settings, environ, service_account)
        context = "in-cluster"
    else:
        context, found = _read_kubeconfig(kubernetes, settings, paths, context)
    return Access(
        settings.host,
        _pool(kubernetes, settings),
        namespace or found or DEFAULT_NAMESPACE,
        context,
        lambda: _authorization(settings),
    )


def _exists(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)


def _is_pod(environ: Mapping[str, str], service_account: Path) -> bool:
    return "KUBERNETES_SERVICE_HOST" in environ and (service_account / "token").is_file()


def _read_service_account(
    kubernetes: package.Package, settings: Any, environ: Mapping[str, str], folder: Path
) -> str:
    """Fill `settings`; return the namespace of the pod."""
    loader = kubernetes.incluster_config.InClusterConfigLoader(
        str(folder / "token"), str(folder / "ca.crt"), environ=environ
    )
    with _blaming(kubernetes, str(folder)):
        loader.load_and_set(settings)
        return (folder / "namespace").read_text(encoding="utf-8").strip()


def _read_kubeconfig(
    kubernetes: package.Package, settings: Any, paths: str, context: str | None
) -> tuple[str, str]:
    """Fill `settings`; return the context and its namespace, which may be empty."""
    with _blaming(kubernetes, paths):
        merged = kubernetes.kube_config.KubeConfigMerger(paths)
        _check_context(merged.config.value, paths, context)
        loader = kubernetes.kube_config.KubeConfigLoader(
            merged.config, context, config_persister=merged.save_changes
        )
        loader.load_and_set(settings)
        current = loader.current_context
    return str(current["name"]), str(current["context"].get("namespace") or "")


def _check_exists(paths: str) -> None:
    if not _exists(paths):
        raise ConfigError(
            "there is no kubeconfig, so no cluster is known",
            where=paths,
            hint="Set KUBECONFIG to the file that your cluster's admin or provider gave you;"
            f" {_CONTEXTS}.",
        )


def _check_context(config: Mapping[str, Any], paths: str, context: str | None) -> None:
    known = [str(each["name"]) for each in config.get("contexts") or ()]
    wanted = context or config.get("current-context")
    if not wanted:
        raise ConfigError(
            "the kubeconfig has no current context",
            where=paths,
            hint=f"Name one, as in `--on cluster:{known[0] if known else 'CONTEXT'}`, or type"
            " `kubectl config use-context CONTEXT`.",
        )
    if wanted not in known:
        raise ConfigError(
            f"the kubeconfig has no context '{wanted}'{did_you_mean(wanted, known)}",
            where=paths,
            hint=f"{_CONTEXTS}.",
        )


@contextmanager
def _blaming(kubernetes: package.Package, where: str) -> Iterator[None]:
    """Turn what the package raises, or only logs, about a kubeconfig into our error."""
    from yaml import YAMLError

    log = _Log()
    root = logging.getLogger()
    root.addHandler(log)
    failures = (
        kubernetes.errors.ConfigException, YAMLError, OSError, ValueError, TypeError, KeyError,
        AttributeError,
    )  # fmt: skip
    try:
        yield
    except failures as error:
        raise ConfigError(f"the kubeconfig cannot be used: {error}", where=where) from None
    finally:
        root.removeHandler(log)
    if log.said:
        raise ConfigError(
            f"the kubeconfig's login command failed: {'; '.join(log.said)}",
            where=where,
            hint="Log in to the cluster again; `kubectl auth whoami` tells when it worked.",
        )


class _Log(logging.Handler):
    """The package logs why a login command failed, and goes on without credentials."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def _authorization(settings: Any) -> Mapping[str, str]:
    """The header with the token, renewed when it has expired; a client certificate needs none."""
    token = settings.get_api_key_with_prefix("authorization")
    return {"authorization": str(token)} if token else {}


def _pool(kubernetes: package.Package, settings: Any) -> Any:
    if not settings.verify_ssl:
        from urllib3 import disable_warnings

        disable_warnings()  # the kubeconfig says that it is meant
    with _blaming(kubernetes, settings.host):
        pool = kubernetes.rest.RESTClientObject(settings).pool_manager
    pool.connection_pool_kw["socket_options"] = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *(
            (socket.IPPROTO_TCP, getattr(socket, name), value)
            for name, value in _KEEP_ALIVE
            if hasattr(socket, name)
        ),
    ]
    return pool
