"""What new runs need only after minutes of training, looked for before they are made."""

from __future__ import annotations

from collections.abc import Sequence

from mltk.local.forkserver import inherited
from mltk.tekton.objects import Obj, params_of
from mltk.tfjs.node import find_node


def require(runs: Sequence[Obj]) -> None:
    """Look for Node.js and, where it is a server, for MLflow; neither is started nor imported.

    Raises InfrastructureError that says what to install or to start.
    """
    find_node(inherited())
    for uri, experiment in sorted({_tracking(run) for run in runs}):
        # A database is a file that the first run makes; only a server can be away.
        if uri.startswith(("http://", "https://")):
            from mltk.registry.connection import Connection

            Connection(uri, experiment).reach()


def _tracking(run: Obj) -> tuple[str, str]:
    params = params_of(run)
    return str(params.get("tracking-uri", "")), str(params.get("experiment", ""))
