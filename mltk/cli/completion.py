"""`mltk completion`: the script that teaches a shell to complete mltk's words."""

from __future__ import annotations

import click

from mltk.cli.app import example

_WHERE = {
    "bash": "~/.bashrc",
    "zsh": "~/.zshrc",
    "fish": "~/.config/fish/completions/mltk.fish",
}


@click.command(
    "completion",
    **example(
        "# bash: add to ~/.bashrc",
        'eval "$(mltk completion bash)"',
        "# fish",
        "mltk completion fish > ~/.config/fish/completions/mltk.fish",
    ),
)
@click.argument("shell", type=click.Choice(sorted(_WHERE)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:  # click knows the three that Choice lets through
        raise click.BadParameter(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "mltk", "_MLTK_COMPLETE").source())
