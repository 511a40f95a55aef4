"""Credentials of steps: read from the store, written for each step, copied to its home.

Tekton's entrypoint copies them (``CopyCredsToHome``), as the user that the step runs as; here a
shell does, in the container. It only warns of what it cannot copy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mltk.local.runtime import Launch, Runtime
from mltk.local.sources import texts_of
from mltk.local.store import Store
from mltk.local.workfolders import WorkFolders
from mltk.tekton.config import FeatureFlags
from mltk.tekton.credentials import OF_HOME, Secret, credentials
from mltk.tekton.objects import Obj, annotations_of, name_of, namespace_of, spec_of
from mltk.tekton.pod import CREDENTIALS

_COPY = f"""
mask=$(umask); umask 077; mkdir -p "$HOME"
for each in {" ".join(OF_HOME)}; do
  [ ! -e "{CREDENTIALS}/$each" ] || cp -R "{CREDENTIALS}/$each" "$HOME/" || :
done
umask "$mask"
exec "$@"
"""


def gather(task_run: Obj, store: Store, flags: FeatureFlags) -> dict[str, str]:
    """The files of a TaskRun's ServiceAccount by path; TaskRunRejected for an unfit Secret.

    A Secret that is not there gives none, as in Tekton.
    """
    if flags.disable_creds_init:
        return {}
    namespace = namespace_of(task_run)
    account = store.find(
        "ServiceAccount", spec_of(task_run).get("serviceAccountName") or "default", namespace
    )
    named = (account or {}).get("secrets") or ()
    secrets = [
        _read(found)
        for name in dict.fromkeys(each.get("name") or "" for each in named)
        if name and (found := store.find("Secret", name, namespace))
    ]
    return credentials(secrets, need_known_hosts=flags.known_hosts)


def write(
    files: Mapping[str, str],
    work: WorkFolders,
    owners: Sequence[int | None],
    runtime: Runtime,
) -> None:
    """Write the files for the owner of each step; where there are no pods, to the home of all.

    As with Tekton they are for him alone, which ssh insists on; an owner that is not known, or that
    this process cannot give them to, reads what all may read.
    """
    if not runtime.real_paths:
        _write(work.home, files, os.geteuid())
        return
    for index, owner in enumerate(owners):
        _write(work.credentials(index), files, owner)


def equipped(launch: Launch, work: WorkFolders, runtime: Runtime) -> Launch:
    """The step with the files in its home, where there are no pods in one of its own."""
    if not runtime.real_paths:
        return replace(launch, variables={"HOME": str(work.home), **launch.variables})
    return replace(launch, argv=("sh", "-c", _COPY, "credentials", *launch.argv))


def _write(folder: Path, files: Mapping[str, str], owner: int | None) -> None:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o644 if owner is None else 0o600)
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
        if owner not in (None, os.geteuid()):
            for each in (file, *(inner for inner in file.parents if folder in inner.parents)):
                os.chown(each, owner, -1)


def _read(secret: Obj) -> Secret:
    kind = str(secret.get("type") or "Opaque")
    return Secret(name_of(secret), kind, annotations_of(secret), texts_of(secret))
