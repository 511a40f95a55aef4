"""The tree of commands, imported one by one as they are called."""

from __future__ import annotations

import importlib
from typing import Any

import click

from mltk.version import __version__

SECTIONS: dict[str, tuple[str, ...]] = {
    "Project": ("init", "run", "search", "why", "compile", "config", "schema", "doctor"),
    "Objects": (
        "get", "describe", "logs", "wait", "cancel", "rerun", "delete", "apply", "create",
    ),
    "Events": ("listen", "hook", "watch", "windows"),
    "Models": ("models", "reproduce"),
    "Services": ("serve", "queue", "interceptor"),
    "Shell": ("completion",),
}  # fmt: skip
"""The commands as `mltk --help` shows them; each is `command` of the module of its name."""

# Called by the Tekton Tasks, not by people.
_HIDDEN = {"step": "mltk.steps:step"}


class LazyGroup(click.Group):
    """A group that imports a command when it is called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the commands that people call, in the order of the sections."""
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None for a name that is none."""
        if cmd_name in self.list_commands(ctx):
            target = f"mltk.cli.{cmd_name}:command"
        elif cmd_name in _HIDDEN:
            target = _HIDDEN[cmd_name]
        else:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` call; UsageError with the nearest name if there is none."""
        known = self.list_commands(ctx)
        if args and args[0] not in (*known, *_HIDDEN) and not args[0].startswith("-"):
            from mltk.wording import did_you_mean

            ctx.fail(f"no command '{args[0]}'{did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, self._summary(ctx, name)) for name in names])

    def _summary(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=80) if command else ""


class ExampleCommand(click.Command):
    """A command whose epilog is an example, kept as it is typed."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the example line by line; click would fill it into a paragraph."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.strip().splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def example(*lines: str) -> dict[str, Any]:
    """Settings of a command that has these lines as its example."""
    return {
        "cls": ExampleCommand,
        "epilog": "\n".join(lines),
        "context_settings": {"help_option_names": ["-h", "--help"]},
    }


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="mltk %(version)s")
def cli() -> None:
    """Take data through Tekton pipelines to proven, registered TensorFlow.js models.

    Everything is an object that the pages of Tekton describe: `mltk run` makes PipelineRuns,
    `mltk get pipelineruns` lists them. State lies in .mltk/ beside mltk.yaml; --on cluster works on
    a Kubernetes cluster instead.
    """
