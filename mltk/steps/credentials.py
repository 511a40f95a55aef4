"""Credentials that libraries read from a file alone, given in the environment as all others are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

GOOGLE = "GOOGLE_APPLICATION_CREDENTIALS"


@contextmanager
def google_key_as_file(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Let the variable name a file meanwhile, where a Secret has put the key (JSON) itself there.

    The file is its owner's alone, lies in HOME, since nothing else of a pod can be written, and is
    gone in the end.
    """
    key = environment.get(GOOGLE, "")
    if not key.lstrip().startswith("{"):
        yield
        return
    home = environment.get("HOME") or None
    with tempfile.NamedTemporaryFile("w", dir=home, prefix=".google-", suffix=".json") as file:
        file.write(key)
        file.flush()
        environment[GOOGLE] = file.name
        try:
            yield
        finally:
            environment[GOOGLE] = key
