"""Lists in pages, and single objects; as they are, as a table or by their metadata alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from mltk.apiserver.answers import Answer
from mltk.apiserver.collections import Collection, Key, Row, horizon
from mltk.apiserver.forms import Form, form_of
from mltk.apiserver.request import Request, Target
from mltk.apiserver.selection import Selection, selection
from mltk.apiserver.statuses import bad_request, expired, not_found
from mltk.local.encoding import dump
from mltk.local.store import Store

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result."
    " You must start a new list without the continue parameter."
)


@dataclass(frozen=True)
class Place:
    """Where the next page of a list begins, and the version that the list is of."""

    version: int
    key: Key

    @property
    def token(self) -> str:
        """What the client gives back."""
        return base64.urlsafe_b64encode(dump([self.version, *self.key]).encode()).decode()

    @classmethod
    def read(cls, token: str) -> Place:
        """The inverse of `token`; raises the refusal of a text that is none."""
        try:
            version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
            return cls(int(version), (str(namespace), str(name)))
        except (ValueError, TypeError):
            raise bad_request("continue key is not valid") from None


def read_one(request: Request, target: Target, collection: Collection) -> Answer:
    """One object."""
    text = collection.find(target.namespace, target.name)
    if text is None:
        raise not_found(target.resource, target.name)
    return form_of(request, target.resource).one(text)


def read_list(request: Request, target: Target, collection: Collection, store: Store) -> Answer:
    """A list, or the page of it that was asked for."""
    chosen = selection(request, target)
    limit = request.number("limit") or 0
    token = request.query.get("continue", "")
    place = Place.read(token) if token else None
    if place is not None and place.version < horizon(store):
        raise expired(_TOO_OLD)
    version = place.version if place else store.revision
    form = form_of(request, target.resource)
    rows, more = _page(collection, chosen, place.key if place else None, limit, form)
    metadata = {"resourceVersion": str(version)}
    if more:
        last = rows[-1].namespace, rows[-1].name
        metadata["continue"] = Place(version, last).token
    said = dump(metadata)
    if more and not chosen.selective:
        count = collection.count(chosen.namespace, last)
        said = f'{said[:-1]},"remainingItemCount":{count}}}'
    return form.many(said, [row.text for row in rows])


def _page(
    collection: Collection, chosen: Selection, after: Key | None, limit: int, form: Form
) -> tuple[Sequence[Row], bool]:
    """The rows of a page, and whether more follow."""
    namespace, name = chosen.namespace, chosen.name
    if not chosen.selective:
        rows = collection.rows(namespace, name, after, limit + 1 if limit else -1, form.paths)
    else:
        # What a field says is in the whole object, so of these only what is meant is cut out.
        paths = () if chosen.terms else form.paths
        rows = [
            row
            for row in collection.rows(namespace, name, after, -1, paths)
            if chosen.matches(row.labels, row.text)
        ]
        if chosen.terms:
            rows = [row._replace(text=form.cut(row.text)) for row in rows]
    more = bool(limit) and len(rows) > limit
    return (rows[:limit] if more else rows), more
