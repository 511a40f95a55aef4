"""The table of a run held against its schema, its own split, and the champion's table.

`validate` asks what can be told without a registry, so that bad data stop a run before it learns;
the gate asks all of it, because its policy, the schema and the champion are those of the moment,
and a training may be an old one that was found again by its key.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mltk.data.findings import refuse
from mltk.data.quality.drift import drift
from mltk.data.quality.found import FAIL, OFF, PROFILE_FILE, RECORDS, WARN, DataChecks
from mltk.data.quality.judging import refusals
from mltk.data.quality.leakage import leaks
from mltk.data.quality.profile import ChampionProfile, Profile, profile
from mltk.data.quality.schema import Schema, infer, violations
from mltk.data.rows import Table
from mltk.data.table import TargetKind, read_table
from mltk.errors import NotFound, StepError
from mltk.project.checking import SCHEMA_FILE
from mltk.project.spec import Model
from mltk.records import Source, Splits
from mltk.steps.workspace import RunWorkspace

if TYPE_CHECKING:
    from mltk.registry import ModelVersion, Registry


@dataclasses.dataclass(frozen=True)
class Reference:
    """The champion's version with the profile of its table; without that, why there is none."""

    version: str
    table: ChampionProfile | None
    note: str = ""


def examine_all(
    workspace: RunWorkspace, spec: Model, kind: TargetKind, open_registry: Callable[[], Registry]
) -> DataChecks:
    """Ask everything, the champion's table included, of which `open_registry` knows."""
    reference = None
    # Of an attempt before, when another version was champion.
    (workspace.root / ChampionProfile.filename).unlink(missing_ok=True)
    if _needs_champion(spec, workspace):
        registry = open_registry()
        champion = registry.champion(workspace.read(Source).model)
        reference = _champion_table(registry, champion, workspace) if champion else None
    table, _ = read_table(workspace.data_file(), spec, kind)
    return examine(workspace, spec, table, workspace.read(Splits), reference)


def examine(
    workspace: RunWorkspace,
    spec: Model,
    table: Table,
    splits: Splits,
    reference: Reference | None = None,
) -> DataChecks:
    """Ask what can be asked, and keep the answers and the profile in the workspace."""
    now = profile(table, spec)
    found = _against_schema(workspace, spec, table, reference)
    if spec.checks.leakage != OFF:
        found = dataclasses.replace(found, leaks=leaks(table, splits, spec.split))
    found = dataclasses.replace(found, leakage_policy=spec.checks.leakage)
    if reference is not None:
        found = _against_champion(found, spec, now, reference)
    _keep(workspace, now)
    workspace.write(found)
    return found


def _keep(workspace: RunWorkspace, now: Profile) -> None:
    """Write the profile, unless it lies there: a repeated step must not need room for it twice."""
    with contextlib.suppress(StepError):
        if workspace.read(Profile) == now:
            return
    workspace.write(now)


def stop(checks: DataChecks, model: str, shown: str) -> None:
    """Raise one DataError that tells all that must not be learnt from; nothing is no error."""
    refuse(refusals(checks, model), shown)


def _needs_champion(spec: Model, workspace: RunWorkspace) -> bool:
    by_schema = spec.checks.violations != OFF and _committed(workspace) is None
    return by_schema or spec.checks.drift.policy != OFF


def _champion_table(
    registry: Registry, champion: ModelVersion, workspace: RunWorkspace
) -> Reference:
    """Fetch the profile of the champion's table; one that is not there is no failure."""
    version = champion.version
    with tempfile.TemporaryDirectory(prefix="mltk-profile-") as folder:
        try:
            path = registry.tracking.fetch_file(
                champion.run_id, f"{RECORDS}/{PROFILE_FILE}", Path(folder)
            )
            kept = Profile.read(path.parent)
        except (NotFound, StepError):
            why = "nothing is known of its table; models registered from now on record it"
            return Reference(version, None, f"drift from champion version {version}: {why}")
    table = ChampionProfile(kept.rows, kept.columns)
    workspace.write(table)
    return Reference(version, table)


def _committed(workspace: RunWorkspace) -> Schema | None:
    """Give the schema that the project has for the model."""
    if not (workspace.source / SCHEMA_FILE).is_file():
        return None
    from mltk.project.schemafile import load_schemas  # reads YAML

    found = load_schemas(workspace.source).get(workspace.read(Source).model)
    return None if found is None else found.schema_of_table()


def _against_schema(
    workspace: RunWorkspace, spec: Model, table: Table, reference: Reference | None
) -> DataChecks:
    schema, name, usual = _committed(workspace), SCHEMA_FILE, FAIL
    if schema is None and reference is not None and reference.table is not None:
        schema, usual = infer(reference.table), WARN
        name = f"the table of champion version {reference.version}"
    policy = spec.checks.violations or usual
    if schema is None or policy == OFF:
        return DataChecks(schema_policy=policy)
    return DataChecks(name, policy, violations(schema, table, spec))


def _against_champion(
    found: DataChecks, spec: Model, now: Profile, reference: Reference
) -> DataChecks:
    asked = spec.checks.drift
    if asked.policy == OFF:
        return dataclasses.replace(found, drift_policy=OFF)
    if reference.table is None:
        return dataclasses.replace(found, drift_policy=asked.policy, note=reference.note)
    shifts, notes = drift(reference.table, now, alpha=asked.alpha, effect=asked.effect)
    return dataclasses.replace(
        found,
        drift_policy=asked.policy,
        champion=reference.version,
        shifts=shifts,
        note="; ".join(notes),
    )
