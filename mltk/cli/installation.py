"""What the Helm chart left in a namespace for those who make runs there."""

from __future__ import annotations

import dataclasses
from urllib.parse import urlsplit

import click

from mltk.errors import ConfigError, InfrastructureError, NotFound
from mltk.project.compile import PIPELINE
from mltk.project.load import FILENAME
from mltk.tekton.api import Backend
from mltk.urls import is_this_machine, without_password
from mltk.version import __version__

CONFIG_MAP = "mltk"
_DATABASES = ("postgresql", "postgres", "mysql", "mssql", "oracle")


@dataclasses.dataclass(frozen=True)
class Installation:
    """The ConfigMap `mltk` of a namespace; texts are empty where it does not say.

    `queue` is whether the chart tends the queues.
    """

    tracking_uri: str
    version: str
    image: str
    queue: bool = False


def find_installation(backend: Backend, namespace: str) -> Installation | None:
    """Read the ConfigMap; None when there is none."""
    try:
        data = backend.get("ConfigMap", CONFIG_MAP, namespace).get("data") or {}
    except NotFound:
        return None
    uri, version, image = (str(data.get(key, "")) for key in ("tracking-uri", "version", "image"))
    return Installation(uri, version, image, data.get("queue") == "true")


def tracking_address(found: Installation | None, namespace: str) -> str:
    """Where runs of a namespace are tracked when mltk.yaml does not say it."""
    if found is None:
        raise not_installed(namespace)
    if not found.tracking_uri:
        raise InfrastructureError(
            f"the ConfigMap '{CONFIG_MAP}' in namespace '{namespace}' names no tracking-uri",
            hint="set mlflow in the values of the chart, or tracking.uri in mltk.yaml",
        )
    return found.tracking_uri


def require_shared(uri: str, where: str = f"tracking.uri of {FILENAME}") -> str:
    """Give back `uri`, which every run of a cluster shows; ConfigError when it cannot be there.

    It must be the address of an MLflow server that pods reach, and hold no credentials.
    """
    shown = without_password(uri)
    parts = urlsplit(uri)
    if parts.scheme.partition("+")[0] in _DATABASES:
        raise ConfigError(
            f"pods may not reach {shown}: only the MLflow server has a way to its database",
            where=where,
            hint="give the address of that server, or leave it out, so that the MLflow of the"
            " cluster is used (ConfigMap mltk)",
        )
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or is_this_machine(host):
        raise ConfigError(
            f"pods cannot reach {shown}: it is of this machine",
            where=where,
            hint="leave it out, so that the MLflow of the cluster is used (ConfigMap mltk), or give"
            " an address that holds there; from here, `mltk models` takes --tracking-uri"
            " (docs/cluster.md)",
        )
    if shown != uri:
        raise ConfigError(
            "the address of MLflow holds credentials, which every run would show",
            where=where,
            hint="put them into the Secret mltk-tracking (docs/chart.md), and give the plain"
            f" address: {shown}",
        )
    return uri


def require_pipeline(backend: Backend, namespace: str) -> None:
    """See that the shipped Pipeline is in the namespace; InfrastructureError when it is not."""
    try:
        backend.get("Pipeline", PIPELINE, namespace)
    except NotFound:
        raise not_installed(namespace) from None


def require_queue(backend: Backend, namespace: str) -> None:
    """See that somebody lets waiting runs go; InfrastructureError when they would wait for ever."""
    found = find_installation(backend, namespace)
    if found is None or not found.queue:
        raise InfrastructureError(
            f"the runs would wait for ever: no queue is tended in namespace '{namespace}'",
            where=f"limits of {FILENAME}",
            hint="helm upgrade mltk charts/mltk --reset-then-reuse-values --set queue.enabled=true"
            f" --namespace {namespace}, or leave `limits` out",
        )


def warn_of_another_version(found: Installation | None, namespace: str) -> None:
    """Say it when the Tasks of the namespace are of another mltk than this one."""
    if found is not None and found.version not in ("", __version__):
        click.echo(
            f"warning: mltk {found.version} is installed in namespace '{namespace}', this is"
            f" {__version__}: helm upgrade brings the chart of this version",
            err=True,
        )


def not_installed(namespace: str) -> InfrastructureError:
    """The error of a namespace that the chart has not been installed in."""
    return InfrastructureError(
        f"mltk is not installed in namespace '{namespace}'",
        hint=f"helm install mltk charts/mltk --namespace {namespace} (docs/cluster.md),"
        " or name another namespace with -n",
    )
