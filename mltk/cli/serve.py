"""`mltk serve`: the Kubernetes API over the objects of this folder."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import click

from mltk.cli.app import example
from mltk.cli.engine_options import cache_option, jobs_option, runtime_option
from mltk.cli.server_options import address_options, certificate_options, check_pair, socket_option
from mltk.errors import ConfigError, UsageError

_PORT = 7443
_FOLDER = "serve"
_SHORTEST_TOKEN = 16


@click.command(
    "serve",
    **example(
        "mltk serve",
        "mltk serve --kubeconfig laptop.kubeconfig",
        "mltk serve --no-tls --port 8001",
    ),
)
@address_options(_PORT)
@socket_option("which only you can use")
@click.option(
    "--no-tls",
    "tls",
    flag_value=False,
    default=True,
    help="Plain HTTP without a token, for every user of this machine.",
)
@certificate_options(" instead of the one that mltk makes itself")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the token that clients must bear; made in .mltk/serve/ otherwise.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the kubeconfig for clients; .mltk/serve/kubeconfig otherwise.",
)
@jobs_option
@cache_option
@runtime_option
def command(
    host: str,
    port: int,
    socket: Path | None,
    tls: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    token_file: Path | None,
    kubeconfig: Path | None,
    jobs: int | None,
    cache: bool,
    runtime: str | None,
) -> None:
    """Answer kubectl, tkn and the Tekton Dashboard, and run what they start.

    The API of Kubernetes over the objects of this folder, with no cluster: Tekton's kinds, Secrets,
    ConfigMaps, claims, Pods and their logs. Every PipelineRun and TaskRun that appears is run, as
    long as the server runs. Clients find it by the kubeconfig that it writes, over TLS and with a
    token. Ctrl-C ends it; the next one goes on.
    """
    from mltk.apiserver.server import ApiServer
    from mltk.cli.engine import Effort
    from mltk.cli.folder import STATE, find_root
    from mltk.cli.serving import check_alone, serve
    from mltk.local.backend import LocalBackend
    from mltk.sockets import Listening

    _check(host, socket, tls=tls, certificate=tls_cert, key=tls_key, token_file=token_file)
    root = find_root(Path.cwd(), make=True)
    folder = root / STATE / _FOLDER
    secured = tls and socket is None
    token = _token(token_file, folder) if secured else None
    certificate, key = tls_cert, tls_key
    if secured and certificate is None:
        from mltk.apiserver.certificates import ensure_certificate

        certificate, key = ensure_certificate(folder, _names(host))
    with LocalBackend(root / STATE, serves=True) as backend:
        check_alone(backend)
        listening = Listening(host, port, socket, certificate, key)
        server = ApiServer(backend, listening, token)
        written = kubeconfig or folder / "kubeconfig"
        if socket is None:
            _write_kubeconfig(written, server.url, token, certificate)

        def ready() -> None:
            click.echo(f"serving {server.url} from {root / STATE}; Ctrl-C ends it", err=True)
            if socket is None:
                click.echo(f"export KUBECONFIG={written.absolute()}")

        serve(server, backend, ready, Effort(jobs, cache, runtime=runtime))


def _check(
    host: str,
    socket: Path | None,
    *,
    tls: bool,
    certificate: Path | None,
    key: Path | None,
    token_file: Path | None,
) -> None:
    """Refuse options that leave the door open, or that mean nothing together."""
    check_pair(certificate, key)
    if not tls and (certificate or token_file):
        raise UsageError(
            "--no-tls takes no certificate and no token: kubectl sends a token over TLS alone",
            hint="leave out --no-tls",
        )
    if not tls and socket is None and not _is_loopback(host):
        raise UsageError(
            f"without TLS and a token, {host} would let everybody run commands on this machine",
            hint="leave out --no-tls, or --host",
        )
    if socket is not None and (certificate or token_file):
        raise UsageError("--socket takes no certificate and no token: its file's mode guards it")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _names(host: str) -> tuple[str, ...]:
    """The names that the certificate is for."""
    import socket

    own = ("localhost", "127.0.0.1", "::1")
    if host in ("0.0.0.0", "::"):  # noqa: S104  (TLS and a token are there)
        return (*own, socket.gethostname())
    return tuple(dict.fromkeys((*own, host)))


def _token(file: Path | None, folder: Path) -> str:
    from mltk.apiserver.certificates import write_secret

    own = folder / "token"
    if file is None and not own.is_file():
        import secrets

        write_secret(own, secrets.token_urlsafe(32).encode())
    path = file or own
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"the token cannot be read: {error}", where=str(path)) from None
    if len(text) < _SHORTEST_TOKEN or len(text.split()) != 1:
        raise ConfigError(
            f"a token is one word of {_SHORTEST_TOKEN} characters or more",
            where=str(path),
            hint=f"python -c 'import secrets; print(secrets.token_urlsafe(32))' > {path}",
        )
    return text


def _write_kubeconfig(path: Path, url: str, token: str | None, certificate: Path | None) -> None:
    import yaml

    from mltk.apiserver.certificates import write_secret
    from mltk.apiserver.config import CONTEXT, kubeconfig

    if path.exists() and not _is_own(path, CONTEXT):
        raise ConfigError(
            "this kubeconfig is of other clusters; mltk does not write over it",
            where=str(path),
            hint="Name a new file: several are joined by KUBECONFIG=ONE:OTHER.",
        )
    try:
        content = yaml.safe_dump(kubeconfig(url, token, certificate), sort_keys=False)
        write_secret(path, content.encode())
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from None


def _is_own(path: Path, context: str) -> bool:
    import yaml

    try:
        contexts = yaml.safe_load(path.read_text(encoding="utf-8"))["contexts"]
        return [each["name"] for each in contexts] == [context]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return False
