"""`mltk interceptor`: interceptors of mltk's own, for the EventListeners of a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from mltk.cli.app import example
from mltk.cli.server_options import address_options, certificate_options, check_pair

_PORT = 8082  # Tekton's core interceptors have it in their pod


@click.command(
    "interceptor",
    **example("mltk interceptor --host 0.0.0.0 --secrets /var/run/mltk/secrets"),
)
@address_options(_PORT)
@click.option(
    "--secrets",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with the Secrets that triggers name, as DIR/SECRET/KEY.",
)
@click.option(
    "--handshake",
    "known",
    multiple=True,
    metavar="SECRET/KEY",
    help="Answer senders with this token who ask whether their events are welcome.",
)
@click.option(
    "--google-keys",
    metavar="URL",
    help="Where Google's public keys are; Google's own address when not given.",
)
@certificate_options(", for HTTPS")
def command(
    host: str,
    port: int,
    secrets: Path,
    known: tuple[str, ...],
    google_keys: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> None:
    """Answer Tekton's EventListeners whether a sender is who he says.

    `/token` knows a secret in a header or the URL (Azure Event Grid), `/mlflow` the signature of
    MLflow's webhooks, `/google` the identity tokens of Pub/Sub. Interceptors of Tekton name them;
    on one machine `mltk listen` answers them itself. With --handshake it also answers Azure Event
    Grid and CloudEvents (OPTIONS) before they send, which Tekton cannot. Ctrl-C ends it.
    """
    from mltk.errors import UsageError
    from mltk.interceptors.answering import Interceptors
    from mltk.interceptors.app import InterceptorApp
    from mltk.interceptors.handshakes import proofs
    from mltk.interceptors.outside import GOOGLE, MountedSecrets, PublicKeys
    from mltk.sockets import HttpServer, Listening

    check_pair(tls_cert, tls_key)
    try:
        known_proofs = proofs(",".join(known))
    except ValueError as error:
        raise UsageError(f"--handshake: {error}", hint="such as mltk-azure/token") from None
    interceptors = Interceptors(MountedSecrets(secrets), PublicKeys(google_keys or GOOGLE))
    place = Listening(host, port, certificate=tls_cert, key=tls_key)
    server = HttpServer(lambda: InterceptorApp(interceptors, known_proofs), place)
    server.run(lambda: click.echo(f"interceptors at {server.url}; Ctrl-C ends it", err=True))
