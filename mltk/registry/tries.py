"""How many models have met a champion on the same rows: counted at the champion's version.

Every try is a tag `mltk.try.<challenger>.<rows>` of it, written before the test looks at the rows,
so that a look that was cut off counts, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mltk.registry import failures
from mltk.registry.models import Registry
from mltk.registry.values import ModelVersion

_PREFIX = "mltk.try."

SameRows = Callable[[Sequence[str], Sequence[str]], bool]


def enter(
    registry: Registry,
    champion: ModelVersion,
    challenger: str,
    rows: tuple[str, Sequence[str]],
    same: SameRows,
) -> int:
    """Count the try of `challenger` (a digest) against `champion`; its number, from 1.

    `rows` are the digest of the rows and a sample of them, and `same` says whether two samples are
    of the same rows. The same challenger on just the same rows keeps its number. Two that come at
    the same moment may have one number, but then a greater one: the n-th number is never below n.
    """
    connection = registry.connection
    name = f"{_PREFIX}{challenger.removeprefix('sha256:')[:32]}.{rows[0][:32]}"
    with failures.translated(str(connection)):
        connection.ready_to_write()
        with connection.lock():
            return _enter(connection.client, champion, name, list(rows[1]), same)


def _enter(
    client: Any, champion: ModelVersion, name: str, sample: list[str], same: SameRows
) -> int:
    def entries() -> dict[str, dict[str, Any]]:
        return _entries(client.get_model_version(champion.name, champion.version).tags)

    def keep(number: int | None) -> None:
        text = json.dumps({"number": number, "rows": sample})
        client.set_model_version_tag(champion.name, champion.version, name, text)

    number = entries().get(name, {}).get("number")
    if number is None:
        # Entered before it is counted: whoever counts after this counts it.
        keep(None)
        number = sum(same(sample, each["rows"]) for each in entries().values())
        keep(number)
    return int(number)


def _entries(tags: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {key: json.loads(text) for key, text in tags.items() if key.startswith(_PREFIX)}
