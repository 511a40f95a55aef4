"""The folder at hand: where mltk.yaml lies, the state beside it, and the cluster that it means."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from mltk.errors import ConfigError

PROJECT_FILE = "mltk.yaml"
STATE = ".mltk"


def find_root(start: Path, *, make: bool = False) -> Path:
    """The nearest folder upwards with mltk.yaml, or with the state of an engine.

    Any Tekton pipeline can run without a project file, so `make` takes `start` when there is
    neither; without it that is a ConfigError.
    """
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file() or (folder / STATE / "state.db").is_file():
            return folder
    if make:
        return start
    raise ConfigError(
        f"no {PROJECT_FILE} here or in a folder above",
        where=str(start),
        hint="type `mltk init DIR --data FILE.csv --target COLUMN` to start a project from a table",
    )


@dataclasses.dataclass(frozen=True)
class ClusterSettings:
    """What mltk.yaml says of the cluster that a command without options means."""

    context: str | None = None
    namespace: str | None = None


def project_above(start: Path) -> Path | None:
    """The nearest folder upwards with mltk.yaml."""
    folders = (start, *start.parents)
    return next((each for each in folders if (each / PROJECT_FILE).is_file()), None)


def cluster_settings(root: Path | None) -> ClusterSettings:
    """Read the text of mltk.yaml, if there is one.

    Whether the file is right is for `mltk run` to judge: a mistake in a model must not keep anybody
    from looking at what runs, nor must loading it whole slow that down.
    """
    if root is None:
        return ClusterSettings()
    import yaml

    try:
        found = yaml.safe_load((root / PROJECT_FILE).read_text(encoding="utf-8-sig"))["cluster"]
        context, namespace = found.get("context"), found.get("namespace")
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return ClusterSettings()
    return ClusterSettings(
        context if isinstance(context, str) else None,
        namespace if isinstance(namespace, str) else None,
    )
