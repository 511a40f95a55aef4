"""docs/commands.md, written from the commands themselves; a test keeps it current."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mltk.cli.app import SECTIONS, cli

_INTRODUCTION = """\
# Commands

`mltk VERB KIND [NAME]`, with the habits of kubectl and tkn: kinds have their short names (`pr`,
`tr`, `p`, `t`), `pr/NAME` is as good as `pr NAME`, runs come newest first, and a name that is not
there brings the nearest one that is. Data goes to stdout, progress and errors to stderr;
[exit codes](exit-codes.md) are few. State lies in `.mltk/` beside mltk.yaml; with `--on cluster`,
or `MLTK_ON=cluster`, the same commands work on a Kubernetes cluster ([cluster.md](cluster.md)).

This page is written from the commands (`MLTK_REGENERATE=1 python -m pytest
tests/unit/cli/test_reference.py`).
"""


def render() -> str:
    """The whole page, the same text for the same commands."""
    root = click.Context(cli, info_name="mltk")
    return "\n".join([_INTRODUCTION, *_sections(root)])


def _sections(root: click.Context) -> Iterator[str]:
    for title, names in SECTIONS.items():
        yield f"## {title}\n"
        for name in names:
            command = cli.get_command(root, name)
            if command is not None:
                yield from _command(command, click.Context(command, root, info_name=name))


def _command(command: click.Command, ctx: click.Context) -> Iterator[str]:
    yield f"### {ctx.command_path}\n"
    if not isinstance(command, click.Group):
        yield f"    {ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}\n"
    yield f"{_prose(command.help or '')}\n"
    options = [
        record for param in command.get_params(ctx) if (record := param.get_help_record(ctx))
    ]
    if not isinstance(command, click.Group):
        # An argument has no help of its own; the command's text says what it is.
        shown = ((names, text) for names, text in options if text and "--help" not in names)
        yield from (f"- `{names}` {text}" for names, text in shown)
        yield ""
    if command.epilog:
        yield "\n".join(f"    {line}" for line in command.epilog.splitlines()) + "\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None:
                yield from _command(inner, click.Context(inner, ctx, info_name=name))


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
