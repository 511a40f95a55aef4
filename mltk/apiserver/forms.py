"""The forms in which objects are sent: whole, as a table, or by their metadata alone.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mltk.apiserver.answers import Answer
from mltk.apiserver.collections import dump
from mltk.apiserver.request import JSON, Request
from mltk.apiserver.resources import Resource
from mltk.apiserver.statuses import bad_request
from mltk.apiserver.tables import Columns, columns_of
from mltk.tekton.objects import Obj

_META = "meta.k8s.io/v1"


class Form:
    """Objects as they are."""

    media = JSON
    paths: Sequence[str] = ()
    """What is needed of each object; nothing named: all of it."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def one(self, text: str) -> Answer:
        """The answer that is one object."""
        return Answer(self.event(text).encode() + b"\n", media=self.media)

    def many(self, metadata: str, texts: Sequence[str]) -> Answer:
        """The answer that is a list of objects, each as `paths` wants it."""
        kind = self._resource.kind
        head = f'{{"kind":"{kind.kind}List","apiVersion":"{kind.api_version}","metadata":{metadata}'
        return Answer(f'{head},"items":[{",".join(texts)}]}}\n'.encode(), media=self.media)

    def event(self, text: str) -> str:
        """An object as an event of a watch holds it, `text` the whole of it."""
        return text

    def bookmark(self, metadata: Obj) -> str:
        """An object that tells no more than a version."""
        kind = self._resource.kind
        return dump({"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})

    def cut(self, text: str) -> str:
        """What `paths` name of a whole object."""
        if not self.paths:
            return text
        obj = json.loads(text)
        return dump([_at(obj, path) for path in self.paths])


class Partial(Form):
    """Metadata alone."""

    paths = ("$.metadata", "$.kind")

    def many(self, metadata: str, texts: Sequence[str]) -> Answer:
        """The answer that is a list of objects."""
        items = ",".join(_partial(json.loads(text)[0]) for text in texts)
        head = f'{{"kind":"PartialObjectMetadataList","apiVersion":"{_META}","metadata":{metadata}'
        return Answer(f'{head},"items":[{items}]}}\n'.encode(), media=self.media)

    def event(self, text: str) -> str:
        """An object as an event of a watch holds it."""
        return _partial(json.loads(text)["metadata"])

    def bookmark(self, metadata: Obj) -> str:
        """An object that tells no more than a version."""
        return _partial(metadata)


class Table(Form):
    """Rows of cells; an object's metadata, or the whole of it, comes with its row."""

    def __init__(
        self,
        resource: Resource,
        include: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(resource)
        self._include = include
        self._columns: Columns = columns_of(resource)
        self._clock = clock
        whole = ("$",) if include == "Object" else ()
        self.paths = ("$.metadata", *self._columns.paths, *whole)

    def many(self, metadata: str, texts: Sequence[str]) -> Answer:
        """The answer that is a list of objects."""
        return Answer(self._table(metadata, texts).encode() + b"\n", media=self.media)

    def event(self, text: str) -> str:
        """An object as an event of a watch holds it."""
        version = json.loads(text)["metadata"]["resourceVersion"]
        return self._table(dump({"resourceVersion": version}), [self.cut(text)])

    def bookmark(self, metadata: Obj) -> str:
        """A row that tells no more than a version."""
        head = self._head(dump({"resourceVersion": metadata["resourceVersion"]}))
        row = dump({"cells": [None] * len(self._columns.columns), "object": {
            "kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": metadata,
        }})  # fmt: skip
        return f'{head},"rows":[{row}]}}'

    def _head(self, metadata: str) -> str:
        definitions = dump([column.definition() for column in self._columns.columns])
        return (
            f'{{"kind":"Table","apiVersion":"{_META}","metadata":{metadata},'
            f'"columnDefinitions":{definitions}'
        )

    def _table(self, metadata: str, texts: Sequence[str]) -> str:
        now = self._clock()
        rows = ",".join(self._row(json.loads(text), now) for text in texts)
        return f'{self._head(metadata)},"rows":[{rows}]}}'

    def _row(self, values: list[object], now: datetime) -> str:
        found = self._columns.cells(values, now)
        if self._include == "None":
            return dump({"cells": found})
        shown = values[-1] if self._include == "Object" else _partial_object(values[0])
        return dump({"cells": found, "object": shown})


def form_of(request: Request, resource: Resource) -> Form:
    """The first form of those that the client takes which is served."""
    for each in request.accept.split(","):
        media, *said = (part.strip() for part in each.split(";"))
        options = dict(part.partition("=")[::2] for part in said)
        asked = options.get("as")
        if asked == "Table" and options.get("v", "v1") == "v1":
            include = request.query.get("includeObject") or "Metadata"
            if include not in ("None", "Metadata", "Object"):
                raise bad_request(f"unrecognized includeObject value: {include[:40]!r}")
            return Table(resource, include)
        if asked in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Partial(resource)
        if asked is None and media in (JSON, "*/*", "application/*"):
            break
    return Form(resource)


def _partial_object(metadata: object) -> Obj:
    return {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": metadata}


def _partial(metadata: object) -> str:
    return dump(_partial_object(metadata))


def _at(obj: Obj, path: str) -> object:
    found: object = obj
    for part in filter(None, path.removeprefix("$").split(".")):
        found = found.get(part) if isinstance(found, dict) else None
    return found
