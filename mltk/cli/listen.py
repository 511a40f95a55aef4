"""`mltk listen`: events of the EventListeners of this folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import click

from mltk.cli.app import example
from mltk.cli.engine_options import cache_option, jobs_option, runtime_option
from mltk.cli.server_options import address_options, certificate_options, check_pair, socket_option
from mltk.errors import UsageError

_PORT = 8080  # Tekton's
_MIB = 1 << 20
_HOST = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?")


def _hosts(_: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for host in given:
        if not _HOST.fullmatch(host):
            raise UsageError(
                f"'{host}' is no host", where=option.opts[0], hint="write it as in git.example.org"
            )
    return given


@click.command(
    "listen",
    **example(
        "mltk listen",
        "mltk listen github --port 8443 --tls-cert cert.pem --tls-key key.pem",
        "mltk listen --metrics-port 9000 --log-format json",
    ),
)
@click.argument("listener", required=False, metavar="[EVENTLISTENER]")
@click.option("-n", "--namespace", default="default", help="Namespace of EVENTLISTENER.")
@address_options(_PORT)
@socket_option("behind a proxy of yours")
@certificate_options(", for HTTPS")
@click.option(
    "--max-body",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    metavar="MIB",
    help="Size of the largest event; larger ones are answered with 413.",
)
@click.option(
    "--queue",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Events that may wait; more are answered with 429.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that evaluate events.",
)
@click.option(
    "--github-host",
    "github_hosts",
    multiple=True,
    default=("github.com",),
    show_default=True,
    metavar="HOST",
    callback=_hosts,
    help="A GitHub that the interceptor `github` may ask, with its token; repeat it for several.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Port of this machine at which Prometheus finds /metrics; none when not given.",
)
@click.option(
    "--log-format",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="What is said of events on standard error.",
)
@click.option(
    "--no-run",
    "run",
    flag_value=False,
    default=True,
    help="Only make objects; `mltk serve` in the same folder runs them.",
)
@jobs_option
@cache_option
@runtime_option
def command(
    listener: str | None,
    namespace: str,
    host: str,
    port: int,
    socket: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    max_body: int,
    queue: int,
    workers: int,
    github_hosts: tuple[str, ...],
    metrics_port: int | None,
    log_format: Literal["text", "json"],
    run: bool,
    jobs: int | None,
    cache: bool,
    runtime: str | None,
) -> None:
    """Take events, as an EventListener of Tekton Triggers does, and run what they start.

    A webhook or another event is sent by POST; what is made of it says the YAML of the Triggers in
    this folder. Beside a mltk.yaml, without an EventListener of yours, that is the shipped one, for
    pushes and pull requests. An event that has its answer is kept: its runs are made once, even
    when this process is killed. Of several EventListeners each answers below /NAMESPACE/NAME.
    Ctrl-C ends it; the next one goes on.
    """
    from mltk.cli.engine import Effort
    from mltk.cli.folder import STATE, find_root
    from mltk.cli.hearing import SHIPPED, announce, bring_shipped, listen, protocol
    from mltk.cli.serving import check_alone
    from mltk.listener import logs
    from mltk.listener.listener import Bounds, Listener
    from mltk.local.backend import LocalBackend
    from mltk.sockets import HttpServer, Listening

    check_pair(tls_cert, tls_key)
    if not run and (jobs is not None or not cache or runtime):
        raise UsageError(
            "--jobs, --no-cache and --runtime are for the runs, which --no-run leaves to others",
            hint="leave them out, or --no-run",
        )
    root = find_root(Path.cwd(), make=True)
    logs.begin(log_format)
    bounds = Bounds(queue, max_body * _MIB, workers, github_hosts)
    only = (namespace, listener) if listener else None
    with LocalBackend(root / STATE, serves=run) as backend:
        if run:
            check_alone(backend)
        if only in (None, SHIPPED):
            bring_shipped(backend, root)
        with Listener(backend.store, root / STATE, bounds, only) as ear:
            ear.doors.check()
            place = Listening(host, port, socket, tls_cert, tls_key)
            server = HttpServer(lambda: ear.app, place, protocol())
            effort = Effort(jobs, cache, runtime=runtime) if run else None
            listen(ear, server, backend, effort, metrics_port, lambda: announce(ear, server))
