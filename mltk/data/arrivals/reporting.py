"""What became of data, in words."""

from __future__ import annotations

from mltk.data.arrivals.delivering import Delivery
from mltk.errors import DataError
from mltk.wording import counted


def report(delivery: Delivery) -> list[str]:
    """What became of the data, in lines for people."""
    lines = []
    for each in delivery.outcomes:
        path, rows = each.table.path, sum(entry.rows for entry in each.taken)
        if each.taken:
            lines.append(
                f"{path}: {counted(rows, 'row')} of {counted(len(each.taken), 'object')},"
                f" {each.commit}"
            )
        elif not each.refused and not each.put_off and not each.failure:
            lines.append(f"{path}: nothing new")
        lines += [f"warning: {entry.uri}: refused: {entry.refused}" for entry in each.refused]
        lines += [f"warning: left for the next look: {why}" for why in each.put_off]
        lines += [f"warning: left for the next look: {each.failure}"] if each.failure else []
    return lines


def refuse_length(delivery: Delivery) -> list[str]:
    """What an event that was too long to be handed on leaves out: objects that cannot be listed.

    A line for each of their places when something else came, DataError when nothing did.
    """
    places = [t.setting.place for o in delivery.outcomes if not (t := o.table).setting.is_listed]
    what = "the event is longer than a command can take, and what it names is not looked at"
    if places and not delivery.models:
        raise DataError(what, where=places[0], hint="send it in parts, each below 85 kB of JSON")
    return [f"warning: {place}: {what}; send it in parts" for place in places]


def refuse_in_vain(delivery: Delivery) -> None:
    """DataError when something came, and nothing of it could be used.

    InfrastructureError when nothing came, and not all sources could be looked at.
    """
    refused = [entry for each in delivery.outcomes for entry in each.refused]
    if refused and not delivery.models:
        raise DataError(
            f"nothing of what arrived can be used: {refused[0].refused}",
            where=refused[0].uri,
            hint="correct it, and put it there under another name",
        )
    failures = [each.failure for each in delivery.outcomes if each.failure]
    if failures and not delivery.models:
        raise failures[0]
