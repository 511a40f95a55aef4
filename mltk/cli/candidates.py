"""What the shell offers on TAB: kinds, names of objects, models. Never fails, never waits long."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from mltk.cli.names import kind_of, names_of


def complete_object(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Kinds, `kind/NAME`, and after a kind the names of its objects."""
    words = [word for word in ctx.params.get("words") or () if word]
    namespace = ctx.params.get("namespace") or "default"
    if "/" in incomplete:
        kind = incomplete.partition("/")[0]
        return _items((f"{kind}/{name}" for name in _names(kind, namespace)), incomplete)
    if words:
        return _items(_names(words[0], namespace), incomplete)
    from mltk.tekton.kinds import KINDS

    return _items((kind.plural for kind in KINDS), incomplete)


def complete_run(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of runs, and what `complete_object` offers."""
    if ctx.params.get("words"):
        return complete_object(ctx, param, incomplete)
    namespace = ctx.params.get("namespace") or "default"
    runs = _items(_names("PipelineRun", namespace), incomplete)
    return [*runs, *complete_object(ctx, param, incomplete)]


def complete_model(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Models of mltk.yaml, as the text of the file has them: pydantic would cost the wait."""
    return _items(_models(), incomplete)


def _models() -> list[str]:
    import yaml

    from mltk.cli.place import PROJECT_FILE, find_root

    try:
        text = (find_root(Path.cwd()) / PROJECT_FILE).read_text(encoding="utf-8")
        return [str(name) for name in yaml.safe_load(text)["models"]]
    except Exception:  # whatever is wrong with the file, TAB is not the place to say it
        return []


def _names(kind: str, namespace: str) -> list[str]:
    from mltk.cli.place import STATE, find_root
    from mltk.local.backend import LocalBackend

    try:
        root = find_root(Path.cwd())
        return names_of(LocalBackend(root / STATE), kind_of(kind).kind, namespace)
    except Exception:  # the same
        return []


def _items(found: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(each) for each in found if each.startswith(incomplete)]
