"""MLflow, imported quietly, and opened.

MLflow reads its settings from the environment, some while it is imported and some when it is used.
So they are set before the import, and again before the first use, because a forked process takes
on the environment of its step in between. What the user has set stands.
"""

from __future__ import annotations

import os
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
import mlflow  # noqa: E402 - reads what was just settled


def client(uri: str) -> Any:
    """Open `uri` for tracking and registry."""
    settle()
    opened = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    opened.search_registered_models(max_results=1)
    return opened
