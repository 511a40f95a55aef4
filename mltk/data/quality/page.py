"""The report of a table for people, as Markdown and as one HTML file that needs nothing else. Pure.

Names and values come from the data, so each is escaped for where it goes.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence

import jinja2
from markupsafe import Markup

from mltk.data.quality import svg
from mltk.data.quality.found import OFF, DataChecks, Shift
from mltk.data.quality.profile import ColumnProfile, Profile
from mltk.wording import amount, counted

_NAMED = 6


@dataclasses.dataclass(frozen=True)
class Heading:
    """Whose table it is: the model, the run, and the version of the data."""

    model: str
    run: str
    data: str


@dataclasses.dataclass(frozen=True)
class Line:
    """A column in the report; `drift` is one text for each test, `state` what it comes to."""

    name: str
    kind: str
    holds: str
    missing: str
    drift: tuple[str, ...]
    state: str
    drawing: Markup


@dataclasses.dataclass(frozen=True)
class Section:
    """Something that was asked, what it was held against, and what was found, by lines."""

    title: str
    asked: str
    lines: tuple[str, ...]


def html(heading: Heading, now: Profile, before: Profile | None, checks: DataChecks | None) -> str:
    """Write the report as an HTML page; `before` is the profile of the champion's table."""
    return _template().render(
        heading=heading,
        rows=counted(now.rows, "row"),
        sections=_sections(checks),
        lines=_lines(now, before, checks),
        compared=before is not None,
    )


def markdown(
    heading: Heading, now: Profile, before: Profile | None, checks: DataChecks | None
) -> str:
    """Write the report as Markdown, without the drawings."""
    parts = [
        f"# Data of {plain(heading.model)}",
        f"Run {plain(heading.run)}, {counted(now.rows, 'row')}, data {plain(heading.data)}.",
    ]
    for section in _sections(checks):
        parts += [f"## {section.title}", plain(section.asked)]
        parts += ["\n".join(f"- {plain(line)}" for line in section.lines)] if section.lines else []
    head = ("column", "type", "holds", "missing", "against the champion", "")
    cells = [
        (each.name, each.kind, each.holds, each.missing, "; ".join(each.drift), each.state)
        for each in _lines(now, before, checks)
    ]
    table = [head, tuple("---" for _ in head), *(tuple(map(plain, row)) for row in cells)]
    parts += ["## Columns", "\n".join(f"| {' | '.join(row)} |" for row in table)]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Any text as Markdown that is that text and nothing else, on one line."""
    line = re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~])", r"\\\1", line)


def _sections(checks: DataChecks | None) -> Iterator[Section]:
    if checks is None:
        return
    if checks.schema and checks.schema_policy != OFF:
        found = tuple(f"{each.column}: {each.message}" for each in checks.violations)
        asked = f"Held against {checks.schema}; {_answer(found, checks.schema_policy)}"
        yield Section("Schema", asked, found)
    if checks.leakage_policy != OFF:
        found = tuple(f"{leak.message}. {leak.hint}" for leak in checks.leaks)
        asked = f"Rows that judge against rows that train; {_answer(found, checks.leakage_policy)}"
        yield Section("Leakage", asked, found)
    if checks.champion:
        found = tuple(f"{shift.column}: {shift.words}" for shift in checks.drifted)
        against = f"Against the table of champion version {checks.champion}"
        asked = f"{against}; {_answer(found, checks.drift_policy)}"
        yield Section("Drift", asked, (*found, *([checks.note] if checks.note else [])))
    elif checks.note:
        yield Section("Drift", checks.note, ())


def _answer(found: Sequence[str], policy: str) -> str:
    return f"{counted(len(found), 'finding')}, policy {policy}." if found else "nothing found."


def _lines(now: Profile, before: Profile | None, checks: DataChecks | None) -> list[Line]:
    return [
        _line(column, before.column(column.name) if before else None, checks or DataChecks())
        for column in now.columns
    ]


def _line(column: ColumnProfile, before: ColumnProfile | None, checks: DataChecks) -> Line:
    shifts = [shift for shift in checks.shifts if shift.column == column.name]
    states = [
        word
        for word, found in (
            ("violation", any(each.column == column.name for each in checks.violations)),
            ("drifted", any(shift.drifted for shift in shifts)),
        )
        if found
    ]
    title = f"distribution of {column.name}"
    return Line(
        name=column.name,
        kind=f"{column.type} {column.role}",
        holds=_holds(column),
        missing=f"{column.missing / max(column.rows, 1):.1%}" if column.missing else "none",
        drift=tuple(map(_tested, shifts)),
        state=", ".join(states),
        # Escaped where it is drawn.
        drawing=Markup(svg.draw(svg.bars(column, before), title)),  # noqa: S704
    )


def _holds(column: ColumnProfile) -> str:
    if not column.present:
        return "nothing"
    if column.numbers:
        low, mid, high = (amount(column.numbers.quantile(share)) for share in (0, 0.5, 1))
        return f"{low} to {high} {column.unit}".rstrip() + f", median {mid}"
    shares = [f"{each.value} {each.rows / column.present:.1%}" for each in column.counts[:_NAMED]]
    return ", ".join(shares) + (", ..." if len(column.counts) > _NAMED else "")


def _tested(shift: Shift) -> str:
    what = "missing: " if shift.what == "missing" else ""
    p_value = "p < 0.0001" if shift.adjusted < 1e-4 else f"p {shift.adjusted:.4f}"
    return f"{what}effect {shift.effect:.3f}, {p_value} ({shift.test}, Holm)"


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mltk.data.quality", ""),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
