"""`--on local[:DIR]|cluster[:CONTEXT]` and `-n`: where the objects of a command live."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

_CLUSTER = "cluster"


@dataclasses.dataclass(frozen=True)
class Where:
    """The machine at hand, or a cluster: that of `context` in the kubeconfig, None for the current.

    `folder` is the one whose objects are meant, None for the one at hand. `typed` tells a choice on
    the command line from one that the environment made.
    """

    cluster: bool = False
    context: str | None = None
    typed: bool = False
    folder: str | None = None

    def __str__(self) -> str:
        """Give it as it is typed."""
        if not self.cluster:
            return f"local:{self.folder}" if self.folder else "local"
        return f"{_CLUSTER}:{self.context}" if self.context else _CLUSTER

    @property
    def flags(self) -> str:
        """What a command that is proposed needs, so that it goes to the same place."""
        return f" --on {self}" if self.cluster and self.typed else ""


HERE = Where()


class WhereType(click.ParamType[Where]):
    """`local`, `local:DIR`, `cluster` or `cluster:CONTEXT`."""

    name = "where"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's
        """Show the choices."""
        return "local[:DIR]|cluster[:CONTEXT]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Where:
        """Read it; fail with the choices for anything else."""
        if isinstance(value, Where):
            return value
        kind, colon, context = str(value).partition(":")
        if kind == "local" and bool(colon) == bool(context):
            return Where(folder=context or None)
        if kind == _CLUSTER and bool(colon) == bool(context):
            return Where(cluster=True, context=context or None)
        return self.fail(
            f"'{value}' is none of local, local:DIR, cluster, cluster:CONTEXT", param, ctx
        )

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """Offer the two, and the contexts of the kubeconfig behind a colon."""
        from mltk.cli.candidates import contexts

        offered = ["local", _CLUSTER]
        if incomplete.startswith(f"{_CLUSTER}:"):
            offered = [f"{_CLUSTER}:{each}" for each in contexts()]
        return [CompletionItem(each) for each in offered if each.startswith(incomplete)]


def on_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--on`; the command gets `on: Where`."""
    return click.option(
        "--on",
        type=WhereType(),
        default=HERE,
        show_default="local",
        envvar="MLTK_ON",
        show_envvar=True,
        callback=_typed,
        help="Where the objects live: this machine, or a cluster of the kubeconfig.",
    )(command)


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--on` and `-n/--namespace`; the command gets `on: Where`, `namespace: str | None`."""
    option = click.option(
        "-n",
        "--namespace",
        default=None,
        help="Namespace of the objects; `default`, or on a cluster that of mltk.yaml, else of the"
        " context.",
    )
    return on_option(option(command))


def _typed(ctx: click.Context, param: click.Parameter, on: Where) -> Where:
    source = ctx.get_parameter_source(param.name or "")
    return dataclasses.replace(on, typed=source is click.core.ParameterSource.COMMANDLINE)
