"""Options of the commands that listen for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mltk.errors import UsageError

Command = Callable[..., Any]


def address_options(port: int) -> Callable[[Command], Command]:
    """Add `--host` and `--port`."""

    def add(command: Command) -> Command:
        command = click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=True,
            help="Port to listen at; 0 for any that is free.",
        )(command)
        return click.option(
            "--host",
            default="127.0.0.1",
            show_default=True,
            help="Address to listen at; this machine's.",
        )(command)

    return add


def socket_option(by_socket: str) -> Callable[[Command], Command]:
    """Add `--socket`, which `by_socket` says who may use."""
    return click.option(
        "--socket",
        type=click.Path(dir_okay=False, path_type=Path),
        help=f"Listen at a unix socket, {by_socket}, instead of a port.",
    )


def certificate_options(meaning: str) -> Callable[[Command], Command]:
    """Add `--tls-cert`, a certificate with that meaning, and `--tls-key`; see `check_pair`."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)

    def add(command: Command) -> Command:
        command = click.option("--tls-key", type=file, help="Key of that certificate.")(command)
        return click.option("--tls-cert", type=file, help=f"Certificate (PEM){meaning}.")(command)

    return add


def check_pair(certificate: Path | None, key: Path | None) -> None:
    """Refuse one without the other."""
    if (certificate is None) != (key is None):
        raise UsageError("--tls-cert and --tls-key go together")
