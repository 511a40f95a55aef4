"""The ledger of promotions: append-only entries in the tags of a registered model.

An alias has no history in MLflow; the ledger is what makes a rollback one command. Entry n is the
tag ``mltk.ledger.<n in six digits>``, a JSON object.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from mltk.registry.values import Promotion

_PREFIX = "mltk.ledger."


def read(tags: Mapping[str, str]) -> list[Promotion]:
    """Entries among the tags of a registered model, oldest first."""
    return [Promotion(**json.loads(tags[key])) for key in _keys(tags)]


def append(tags: Mapping[str, str], entry: Promotion) -> tuple[str, str]:
    """Key and text of the tag that adds `entry` to those in `tags`."""
    keys = _keys(tags)
    number = int(keys[-1].removeprefix(_PREFIX)) + 1 if keys else 1
    return f"{_PREFIX}{number:06}", json.dumps(dataclasses.asdict(entry), sort_keys=True)


def ends_with(tags: Mapping[str, str], entry: Promotion) -> bool:
    """Whether the last entry is `entry` but for its time: left by a promotion that was cut off."""
    last = read(tags)[-1:]
    return last != [] and last == [dataclasses.replace(entry, when=each.when) for each in last]


def earlier(entries: Sequence[Promotion], champion: str) -> str | None:
    """Which version was champion before `champion`; None when the ledger names none.

    Promotions pile up, a rollback takes from the pile, so that repeated rollbacks go further back.
    When the alias was moved past the ledger, what the ledger last named comes first.
    """
    pile: list[str] = []
    for entry in entries:
        if entry.action == "rollback" and entry.version in pile:
            while pile[-1] != entry.version:
                pile.pop()
        elif pile[-1:] != [entry.version]:
            pile.append(entry.version)
    if pile and pile[-1] == champion:
        pile.pop()
    return pile[-1] if pile else None


def _keys(tags: Mapping[str, str]) -> list[str]:
    return sorted(key for key in tags if key.startswith(_PREFIX))
