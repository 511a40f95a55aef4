"""Registered models: versions by digest, the aliases champion and challenger, downloads."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mltk.errors import NotFound, UsageError
from mltk.moments import rfc3339, utc_now
from mltk.registry import failures, ledger, rows
from mltk.registry.connection import Connection
from mltk.registry.tracking import Tracking
from mltk.registry.values import CHALLENGER, CHAMPION, Lineage, ModelVersion, Promotion
from mltk.wording import did_you_mean

_EXPORTED = "MLFLOW_TRACKING_URI"
_PAGE = 1000
_HINTED = 10
_NAME = re.compile(r"[A-Za-z0-9._ -]+")


class Registry:
    """The models of one MLflow, with their versions, aliases and ledger of promotions.

    Every method raises InfrastructureError when MLflow cannot be reached or its database is
    locked, and NotFound for a model or version that is not there.
    """

    def __init__(
        self,
        uri: str,
        experiment: str,
        clock: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        self.connection = Connection(uri, experiment)
        self.tracking = Tracking(self.connection)
        self._clock = clock

    @failures.translating
    def list_models(self, *, every_version: bool = False) -> list[ModelVersion]:
        """Versions that have an alias (or every version), by name, newest first.

        A model none of whose versions has an alias shows its newest one.
        """
        listed = sorted(self._search(), key=lambda row: (row.name, -int(row.version)))
        if every_version:
            return listed
        named = [row for row in listed if row.alias]
        newest = {row.name: row for row in reversed(listed)}
        nameless = [row for name, row in newest.items() if name not in {row.name for row in named}]
        return sorted(named + nameless, key=lambda row: (row.name, -int(row.version)))

    @failures.translating
    def champion(self, name: str) -> ModelVersion | None:
        """The version of `name` that is champion; None when there is none."""
        return self._find(name, CHAMPION)

    @failures.translating
    def version(self, name: str, which: str = CHAMPION) -> ModelVersion:
        """The version of `name` with the number or alias `which`."""
        found = self._find(name, which)
        if found is None:
            raise self._unknown(name, which)
        return found

    @failures.translating
    def find_digest(self, name: str, digest: str) -> ModelVersion | None:
        """The version of `name` that holds the bundle of `digest`; the oldest if there are more."""
        same = [row for row in self._search(name) if row.digest == digest]
        return min(same, key=lambda row: int(row.version), default=None)

    @failures.translating
    def register(
        self, name: str, bundle: Path, digest: str, lineage: Lineage, run_id: str
    ) -> tuple[ModelVersion, bool]:
        """Put the bundle folder into the registry; the version, and whether it is a new one.

        A digest that is there already gives its version. `run_id` is the MLflow run that the model
        belongs to. Aliases stay as they are.
        """
        self.connection.ready_to_write()
        present = self.find_digest(name, digest)
        if present is not None:
            return present, False
        with self.connection.lock():
            present = self.find_digest(name, digest)
            if present is not None:
                return present, False
            number = self._create(name, bundle, digest, lineage, run_id)
        first = self.find_digest(name, digest)
        if first is not None and first.version != number:
            # Another machine registered it at the same moment: the older version stands.
            self._withdraw(name, number)
            return first, False
        return self.version(name, number), True

    @failures.translating
    def challenge(self, name: str, version: str) -> ModelVersion:
        """Give the version the alias challenger, unless it is the champion."""
        row = self.version(name, version)
        if row.alias != CHAMPION:
            self.connection.client.set_registered_model_alias(name, CHALLENGER, row.version)
        return self.version(name, row.version)

    @failures.translating
    def promote(
        self,
        name: str,
        version: str,
        *,
        who: str,
        reason: str,
        evidence: Mapping[str, Any] | None = None,
    ) -> ModelVersion:
        """Make the version (number or alias) champion and say so in the ledger.

        A challenger that is older than it loses its alias: its contest was with the champion
        before. Promoting the champion changes nothing.
        """
        self.connection.ready_to_write()
        with self.connection.lock():
            return self._crown("promote", self.version(name, version), who, reason, evidence or {})

    @failures.translating
    def rollback(self, name: str, *, who: str, reason: str = "") -> ModelVersion:
        """Make the champion before the present one champion again, by the ledger.

        Repeating it goes further back. Raises UsageError when the ledger names no earlier one.
        """
        self.connection.ready_to_write()
        with self.connection.lock():
            present = self._find(name, CHAMPION)
            if present is None:
                raise self._unknown(name, CHAMPION)
            earlier = ledger.earlier(self.history(name), present.version)
            if earlier is None:
                raise UsageError(
                    f"the ledger of '{name}' names no champion before version {present.version}",
                    hint=f"mltk models promote {name} VERSION",
                )
            return self._crown("rollback", self.version(name, earlier), who, reason, {})

    @failures.translating
    def history(self, name: str) -> list[Promotion]:
        """The ledger of the model, oldest entry first; NotFound for an unknown model."""
        if self.connection.absent:
            raise self._unknown(name, CHAMPION)
        return ledger.read(self.connection.client.get_registered_model(name).tags)

    @failures.translating
    def download(self, name: str, which: str, folder: Path) -> Path:
        """Copy the bundle of a version (number or alias) out of MLflow's store into `folder`.

        `folder` must not exist or be empty; gives `folder`.
        """
        row = self.version(name, which)
        source = self.connection.client.get_model_version_download_uri(name, row.version)
        from mlflow.artifacts import download_artifacts

        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download-") as draft:
            try:
                with failures.translated(str(self.connection)):
                    copied = download_artifacts(
                        artifact_uri=source, dst_path=draft, tracking_uri=self.connection.uri
                    )
            except NotFound as error:
                raise NotFound(
                    f"the bundle of version {row.version} is gone from the registry's store",
                    where=f"models:/{name}/{row.version}",
                    hint=f"bring its artifacts back, or: mltk models rollback {name}",
                ) from error
            shutil.copytree(copied, folder, dirs_exist_ok=True)
        return folder

    def _search(self, name: str | None = None) -> list[ModelVersion]:
        """Versions of one model or of all; those that mltk did not register are left out."""
        if self.connection.absent or (name is not None and not _NAME.fullmatch(name)):
            return []
        client, query = self.connection.client, None if name is None else f"name = '{name}'"
        # A version that comes from a search does not know its aliases, its model does.
        models = {m.name: m.aliases for m in _pages(client.search_registered_models, query)}
        return [
            rows.version(entity, models.get(entity.name, {}))
            for entity in _pages(client.search_model_versions, query)
            if rows.DIGEST in entity.tags
        ]

    def _find(self, name: str, which: str) -> ModelVersion | None:
        for row in self._search(name):
            if which in (row.version, row.alias):
                return row
        return None

    def _unknown(self, name: str, which: str) -> NotFound:
        where, listed = str(self.connection), self._search()
        there = sorted((row for row in listed if row.name == name), key=lambda r: -int(r.version))
        if not there:
            near = did_you_mean(name, {row.name for row in listed})
            what = f"there is no model '{name}' in the registry{near}"
            return NotFound(what, where=where, hint="mltk models list")
        wanted = f"version {which}" if which.isdecimal() else which
        known = [f"{r.version} ({r.alias})" if r.alias else r.version for r in there[:_HINTED]]
        more = ", ..." if len(there) > _HINTED else ""
        return NotFound(
            f"model '{name}' has no {wanted}",
            where=where,
            hint=f"versions of '{name}': {', '.join(known)}{more}",
        )

    def _create(self, name: str, bundle: Path, digest: str, lineage: Lineage, run_id: str) -> str:
        client = self.connection.client
        with contextlib.suppress(failures.AlreadyThere), failures.translated(str(self.connection)):
            client.create_registered_model(name)
        model_id = self.tracking.log_model(name, bundle, digest, lineage.metrics, run_id)
        with _default_uri(self.connection.uri):
            made = client.create_model_version(
                name,
                f"models:/{model_id}",
                run_id=run_id,
                model_id=model_id,
                tags=rows.tags(digest, lineage),
            )
        return str(made.version)

    def _withdraw(self, name: str, number: str) -> None:
        client = self.connection.client
        source = str(client.get_model_version(name, number).source)
        client.delete_model_version(name, number)
        client.delete_logged_model(source.removeprefix("models:/"))

    def _crown(
        self, action: str, row: ModelVersion, who: str, reason: str, evidence: Mapping[str, Any]
    ) -> ModelVersion:
        if row.alias == CHAMPION:
            return row
        client = self.connection.client
        present = self._find(row.name, CHAMPION)
        entry = Promotion(
            action=action,
            version=row.version,
            previous=None if present is None else present.version,
            who=who,
            when=rfc3339(self._clock()),
            reason=reason,
            evidence=evidence,
        )
        # The ledger comes first: an alias without an entry could not be rolled back.
        tags = client.get_registered_model(row.name).tags
        if not ledger.ends_with(tags, entry):
            client.set_registered_model_tag(row.name, *ledger.append(tags, entry))
        client.set_registered_model_alias(row.name, CHAMPION, row.version)
        rival = self._find(row.name, CHALLENGER)
        overtaken = rival and action == "promote" and int(rival.version) < int(row.version)
        if row.alias == CHALLENGER or overtaken:
            client.delete_registered_model_alias(row.name, CHALLENGER)
        return self.version(row.name, row.version)


def _pages(search: Callable[..., Any], query: str | None) -> Iterator[Any]:
    token = None
    while True:
        page = search(query, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


@contextlib.contextmanager
def _default_uri(uri: str) -> Iterator[None]:
    # MLflow 3.17 looks models:/<id> up in the process-wide URI, whatever the client's own is.
    import mlflow

    before, exported = mlflow.get_tracking_uri(), os.environ.get(_EXPORTED)
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        # MLflow exports it, too: processes started later would take it for the wish of the user.
        if exported is None:
            os.environ.pop(_EXPORTED, None)
        else:
            os.environ[_EXPORTED] = exported
