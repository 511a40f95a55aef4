"""MLflow, imported quietly. Processes that are forked to run steps import this module ahead.

MLflow reads its settings from the environment, some while it is imported and some when it is used.
So they are set before the import, and again before the first use, because a forked process takes
on the environment of its step in between. What the user has set stands.
"""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Seven retries with back-off take four minutes before a dead server is called dead.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


def settle() -> None:
    """Put the settings of mltk into the environment where the user has none."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


settle()
with warnings.catch_warnings():
    # MLflow 3.17 maps its tables with a strategy that SQLAlchemy 2.1 deprecates.
    warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
    import mlflow
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store

# What it says of a failed query, with a traceback, is raised as well.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
logging.getLogger("alembic").setLevel(logging.WARNING)


def make_tables(uri: str, artifacts: Path | str) -> None:
    """Give a fresh database its tables, and MLflow's own experiment a place in `artifacts`.

    MLflow would put it into the current folder, which is gone when a step is over.
    """
    settle()
    store = mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore(uri, str(artifacts))
    store.engine.dispose()


def newest_revision() -> str:
    """Revision of the tables that this MLflow works with."""
    from mlflow.store.db import utils

    return str(utils._get_latest_schema_revision())


def upgrade(uri: str) -> tuple[str, str]:
    """Bring the tables behind `uri` to this MLflow's, as `mlflow db upgrade` does; from, to."""
    settle()
    from mlflow.store.db import utils

    engine = utils.create_sqlalchemy_engine(uri)
    try:
        if utils._is_empty_database(engine):
            utils._initialize_tables(engine)
            return "nothing", newest_revision()
        before = str(utils._get_schema_version(engine))
        if before != newest_revision():
            utils._upgrade_db(engine)
        return before, newest_revision()
    finally:
        engine.dispose()


def client(uri: str) -> Any:
    """Open `uri` for tracking and registry."""
    settle()
    opened = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    opened.search_registered_models(max_results=1)
    return opened
