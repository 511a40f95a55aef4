"""One MLflow server or database: opened quickly, quietly, and by one process at a time.

MLflow is imported when a connection is first used (about a second); a server or a database that
cannot be reached is found out before that, within seconds.
"""

from __future__ import annotations

import contextlib
import functools
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mltk.errors import ConfigError, InfrastructureError, NotFound
from mltk.registry import database, failures
from mltk.urls import without_password
from mltk.wording import did_you_mean

_SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql", "mssql")
_REACH_SECONDS = 5.0


class Connection:
    """An MLflow tracking and registry URI with the experiment that a project writes to.

    A SQLite database keeps its artifacts in `mlartifacts` beside it; a server decides that itself.
    Raises ConfigError for a URI that MLflow 3 does not take.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        self.uri = uri
        self.experiment = experiment
        self.database = _database(uri)

    def __str__(self) -> str:
        """Give the URI without its password."""
        return without_password(self.uri)

    @property
    def absent(self) -> bool:
        """Whether nothing was ever recorded here: reading need not start MLflow."""
        return self.database is not None and not self.database.exists()

    def reach(self) -> None:
        """Look for the server or database; InfrastructureError when it does not answer."""
        if self.database is None:
            _reach(self.uri, str(self))
        else:
            database.probe(self.database)

    @functools.cached_property
    def client(self) -> Any:
        """The MlflowClient; InfrastructureError when the server or database does not answer."""
        self.reach()
        if self.uri.startswith("http"):
            from mltk.registry.client import client

            return client(self.uri)
        from mltk.registry import warm

        with self.lock():
            if self.database is not None:
                database.found(self.database, warm.make_tables)
            return warm.client(self.uri)

    def ready_to_write(self) -> None:
        """Find out early, and in words, that another program holds the database.

        The client is opened too, because opening it takes the lock, which is not reentrant.
        """
        if self.database is not None and self.database.exists():
            database.probe(self.database, write=True)
        _ = self.client

    @functools.cached_property
    def experiment_id(self) -> str:
        """The experiment, made when it is not there."""
        found = self.client.get_experiment_by_name(self.experiment)
        if found is None:
            with self.lock():
                found = self.client.get_experiment_by_name(self.experiment) or self._create()
        if found.lifecycle_stage != "active":
            raise InfrastructureError(
                f"the MLflow experiment '{self.experiment}' is deleted",
                where=str(self),
                hint=f"mlflow experiments restore --experiment-id {found.experiment_id}",
            )
        return str(found.experiment_id)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep the other processes of this machine out while a SQLite database is changed.

        Not reentrant. A server has no such lock: what is made there is checked afterwards.
        """
        if self.database is None:
            yield
        else:
            with database.lock(self.database):
                yield

    def _create(self) -> Any:
        location = None if self.database is None else str(database.artifacts(self.database))
        with contextlib.suppress(failures.AlreadyThere), failures.translated(str(self)):
            self.client.create_experiment(self.experiment, artifact_location=location)
        found = self.client.get_experiment_by_name(self.experiment)
        if found is None:
            raise NotFound(f"MLflow lost the experiment '{self.experiment}'", where=str(self))
        return found


def _database(uri: str) -> Path | None:
    """File of a SQLite URI; None for a server."""
    scheme = re.split(r"[+:]", uri.lower(), maxsplit=1)[0] if "://" in uri else ""
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"MLflow cannot keep models at '{without_password(uri)}'"
            + did_you_mean(scheme, _SCHEMES),
            hint="set tracking.uri to sqlite:////absolute/path/mlflow.db or http://HOST:5000",
        )
    if scheme != "sqlite":
        return None
    path = Path(uri.partition(":///")[2])
    if not path.is_absolute():
        raise ConfigError(
            f"the path of '{uri}' is relative, but steps run in folders of their own",
            hint="set tracking.uri to sqlite:////absolute/path/mlflow.db",
        )
    return path


def _reach(uri: str, shown: str) -> None:
    """Ask an HTTP server for anything: MLflow itself would retry for minutes."""
    if not uri.startswith("http"):
        return
    # Any answer will do, also one that refuses: MLflow knows credentials and certificates.
    request = urllib.request.Request(uri.rstrip("/") + "/health")  # noqa: S310 - http(s) only
    try:
        with urllib.request.urlopen(request, timeout=_REACH_SECONDS):  # noqa: S310 - as above
            return
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLError):
            return
        raise InfrastructureError(
            f"MLflow does not answer at {shown}: {reason}",
            where=shown,
            hint="start it (mlflow server --host 127.0.0.1 --port 5000), or correct tracking.uri",
        ) from None
