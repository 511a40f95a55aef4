"""MLflow with the half of it that works on a database itself, nearly a second more to import.

A step that asks a server does without. Processes that are forked to run steps import this ahead.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from contextlib import suppress
from pathlib import Path

from mltk.registry.client import client, settle

__all__ = ["client", "make_tables", "newest_revision", "settle", "upgrade"]

with warnings.catch_warnings():
    # MLflow 3.17 maps its tables with a strategy that SQLAlchemy 2.1 deprecates.
    warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store

# What MLflow imports when a database is first opened, where this version has it.
for _later in (
    "alembic.config",
    "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.utils.search_logged_model_utils",
):
    with suppress(ImportError):
        importlib.import_module(_later)

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
