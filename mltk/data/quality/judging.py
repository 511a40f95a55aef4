"""What the checks of a table come to by the policies of the project file. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mltk.data.findings import Finding
from mltk.data.quality.found import FAIL, OFF, DataChecks
from mltk.records import Check
from mltk.wording import counted

_NAMED = 5
"""Columns that one line names."""


def refusals(checks: DataChecks, model: str) -> list[Finding]:
    """Give what must stop the run before anything is learnt."""
    found: list[Finding] = []
    if checks.schema_policy == FAIL:
        hint = schema_hint(model)
        found += [Finding(each.message, each.line, each.column, hint) for each in checks.violations]
    if checks.leakage_policy == FAIL:
        found += [Finding(each.message, hint=each.hint) for each in checks.leaks]
    return found


def schema_hint(model: str) -> str:
    """What to type about a table that is not as the schema says."""
    return (
        f"correct the table; if it is to be so: `mltk schema infer {model}` and commit"
        " mltk.schema.yaml"
    )


def warnings(checks: DataChecks) -> Iterator[str]:
    """Tell what was found, a line each; what stops a run is among it."""
    if checks.schema_policy != OFF:
        for each in checks.violations:
            yield f"column '{each.column}' against {checks.schema}: {each.message}"
    if checks.leakage_policy != OFF:
        yield from (each.message for each in checks.leaks)
    if checks.drift_policy != OFF:
        for shift in checks.drifted:
            place = f"{'target' if shift.role == 'target' else 'column'} '{shift.column}'"
            yield f"{place} drifted from champion version {checks.champion}: {shift.words}"
    if checks.note:
        yield checks.note


def questions(checks: DataChecks) -> Iterator[Check]:
    """Give the questions of the gate: what may fail it, and what was found though it may not."""
    if checks.schema:
        columns = [each.column for each in checks.violations]
        fine = f"every column fits {checks.schema}"
        said = f"{_columns(columns)} not as in {checks.schema}"
        yield from _asked("schema", len(columns), checks.schema_policy, fine, said)
    fine = "no row that judges is tied to one that trains"
    said = "; ".join(leak.message for leak in checks.leaks)
    yield from _asked("leakage", len(checks.leaks), checks.leakage_policy, fine, said)
    if checks.champion:
        columns = [each.column for each in checks.drifted]
        source = f"from the table of champion version {checks.champion}"
        said = f"{_columns(columns)} drifted {source}"
        yield from _asked(
            "drift", len(columns), checks.drift_policy, f"no column drifted {source}", said
        )


def _asked(name: str, found: int, policy: str, fine: str, said: str) -> Iterator[Check]:
    if policy == FAIL:
        reason = said if found else fine
        yield Check(f"data.{name}", not found, float(found), 0.0, reason, rule="value <= limit")
    elif policy != OFF and found:
        reason = f"{said} (told, not judged)"
        yield Check(f"data.{name}", True, float(found), None, reason, judged=False)


def _columns(names: list[str]) -> str:
    """`2 columns (age, bmi)`."""
    unique = list(dict.fromkeys(names))
    listed = ", ".join(unique[:_NAMED]) + (", ..." if len(unique) > _NAMED else "")
    return f"{counted(len(unique), 'column')} ({listed})"
