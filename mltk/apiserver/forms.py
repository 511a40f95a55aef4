"""The forms in which objects are sent: whole, as a table, or by their metadata alone.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mltk.apiserver.answers import Answer
from mltk.apiserver.collections import parts
from mltk.apiserver.request import JSON, Request
from mltk.apiserver.resources import Resource
from mltk.apiserver.statuses import bad_request
from mltk.apiserver.tables import Columns, columns_of
from mltk.local.encoding import dump
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
        """What `paths` name of a whole object, as `collections.parts` has it."""
        return parts(json.loads(text), self.paths) if self.paths else text


class Partial(Form):
    """Metadata alone."""

    paths = ("$.kind", "$.apiVersion")

    def many(self, metadata: str, texts: Sequence[str]) -> Answer:
        """The answer that is a list of objects."""
        items = ",".join(_partial(text.partition("\n")[0]) for text in texts)
        head = f'{{"kind":"PartialObjectMetadataList","apiVersion":"{_META}","metadata":{metadata}'
        return Answer(f'{head},"items":[{items}]}}\n'.encode(), media=self.media)

    def event(self, text: str) -> str:
        """An object as an event of a watch holds it."""
        return _partial(dump(json.loads(text)["metadata"]))

    def bookmark(self, metadata: Obj) -> str:
        """An object that tells no more than a version."""
        return _partial(dump(metadata))


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
        self.paths = (*self._columns.paths, *whole)

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
        cells = dump([None] * len(self._columns.columns))
        row = f'{{"cells":{cells},"object":{_partial(dump(metadata))}}}'
        return f'{head},"rows":[{row}]}}'

    def _head(self, metadata: str) -> str:
        definitions = dump([column.definition() for column in self._columns.columns])
        return (
            f'{{"kind":"Table","apiVersion":"{_META}","metadata":{metadata},'
            f'"columnDefinitions":{definitions}'
        )

    def _table(self, metadata: str, texts: Sequence[str]) -> str:
        now = self._clock()
        rows = ",".join(self._row(text, now) for text in texts)
        return f'{self._head(metadata)},"rows":[{rows}]}}'

    def _row(self, text: str, now: datetime) -> str:
        metadata, _, rest = text.partition("\n")
        values = json.loads(rest)
        cells = dump(self._columns.cells(values, now))
        if self._include == "None":
            return f'{{"cells":{cells}}}'
        shown = dump(values[-1]) if self._include == "Object" else _partial(metadata)
        return f'{{"cells":{cells},"object":{shown}}}'


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


def _partial(metadata: str) -> str:
    head = f'{{"kind":"PartialObjectMetadata","apiVersion":"{_META}"'
    return f'{head},"metadata":{metadata}}}'
