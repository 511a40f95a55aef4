"""What the shell offers on TAB: kinds, names of objects, models. Never fails, never waits long."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from mltk.cli.names import kind_of, names_of

if TYPE_CHECKING:
    from mltk.cli.where import Where
    from mltk.tekton.api import Backend

_PATIENCE_SECONDS = 2.0


def complete_object(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Kinds, `kind/NAME`, and after a kind the names of its objects."""
    words = [word for word in ctx.params.get("words") or () if word]
    if "/" in incomplete:
        kind = incomplete.partition("/")[0]
        return _items((f"{kind}/{name}" for name in _names(ctx, kind)), incomplete)
    if words:
        return _items(_names(ctx, words[0]), incomplete)
    from mltk.tekton.kinds import KINDS

    return _items((kind.plural for kind in KINDS), incomplete)


def complete_run(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of runs, and what `complete_object` offers."""
    if ctx.params.get("words"):
        return complete_object(ctx, param, incomplete)
    runs = _items(_names(ctx, "PipelineRun"), incomplete)
    return [*runs, *complete_object(ctx, param, incomplete)]


def complete_model(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Models of mltk.yaml, as the text of the file has them: pydantic would cost the wait."""
    return _items(_models(), incomplete)


def _models() -> list[str]:
    import yaml

    from mltk.cli.folder import PROJECT_FILE, find_root
    from mltk.project.matrix import expand

    try:
        text = (find_root(Path.cwd()) / PROJECT_FILE).read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        pairs = expand(root).root.value if isinstance(root, yaml.MappingNode) else ()
        models = next(value for key, value in pairs if key.value == "models")
        return [str(name.value) for name, _ in models.value]
    except Exception:  # whatever is wrong with the file, TAB is not the place to say it
        return []


def contexts() -> list[str]:
    """Contexts of the kubeconfig files that kubectl would read."""
    paths = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return [each for path in paths.split(os.pathsep) if path for each in _contexts(Path(path))]


def _contexts(path: Path) -> list[str]:
    import yaml

    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))["contexts"]
        return [str(each["name"]) for each in listed]
    except Exception:  # the same
        return []


def _names(ctx: click.Context, kind: str) -> list[str]:
    where, namespace = ctx.params.get("on"), ctx.params.get("namespace")
    if where is not None and where.cluster:
        return _in_time(lambda: _stored(where, namespace, kind))
    return _stored(where, namespace, kind)


def _stored(where: Where | None, namespace: str | None, kind: str) -> list[str]:
    from mltk.cli.folder import STATE, cluster_settings, find_root, project_above

    try:
        backend: Backend
        if where is not None and where.cluster:
            from mltk.cluster import ClusterBackend

            settings = cluster_settings(project_above(Path.cwd()))
            backend = ClusterBackend(
                where.context or settings.context, namespace or settings.namespace
            )
        else:
            from mltk.local.backend import LocalBackend

            backend = LocalBackend(find_root(Path.cwd()) / STATE)
        return names_of(backend, kind_of(kind).kind, namespace or backend.namespace)
    except Exception:  # the same
        return []


def _in_time(look: Callable[[], list[str]]) -> list[str]:
    """What `look` finds before somebody at the keyboard would wonder; else nothing."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.extend(look()), daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)
    return list(found)


def _items(found: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(each) for each in found if each.startswith(incomplete)]
