"""Objects in the shape that Kubernetes gives them, in one SQLite file.

The rules are those of the Kubernetes API conventions: uid, creationTimestamp, resourceVersion from
one counter, generateName, a conflict on a stale resourceVersion, JSON merge patch (RFC 7386),
dependants that go with their owner.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from sqlite3 import Connection, IntegrityError
from typing import TYPE_CHECKING, NamedTuple

from mltk.errors import Conflict, InfrastructureError
from mltk.local import rows
from mltk.local.database import Database
from mltk.local.encoding import brief, dump, is_over
from mltk.local.patching import check_names, keep_identity, merge
from mltk.local.reading import DEFAULT_NAMESPACE, Objects, Reader
from mltk.tekton.api import Warn, ignore
from mltk.tekton.defaults import with_defaults, with_resolver, without_reserved
from mltk.tekton.kinds import find_kind, kept_as
from mltk.tekton.objects import Obj, format_time
from mltk.tekton.selectors import Labels

if TYPE_CHECKING:
    from mltk.local.happenings import Recorder

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # of k8s.io/apimachinery/pkg/util/rand
_OTHER_PROCESS_SECONDS = 0.02
_QUIET_SECONDS = 0.01
_MOST_UNTOLD = 500


class Mark(NamedTuple):
    """A moment: the newest revision, what others wrote, and the nudges of this process.

    `minor` ones are counted apart.
    """

    revision: int
    others: int
    nudges: int
    minor: int


class Store(Reader):
    """Objects by kind, namespace and name; several threads and processes may share the file.

    Kinds are named in any way that kubectl takes ("pr", "pipelineruns", "PipelineRun"). Objects
    that come back are the caller's own. Raises NotFound, Conflict and InfrastructureError.
    """

    def __init__(
        self,
        path: Path,
        *,
        admission: Callable[[Obj], Sequence[str]] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.database = Database(path)
        self._admission = admission or self._admit
        self._clock = clock
        waiting = threading.RLock()
        self._changed, self._changed_much = (
            threading.Condition(waiting),
            threading.Condition(waiting),
        )
        self._nudges = self._minor = 0

    # Writing

    def create(self, obj: Obj, warn: Warn = ignore) -> Obj:
        """Admit a new object and keep it; Conflict when one of that name exists.

        What admission lets pass with a warning is told to `warn`. Raises AdmissionError for a
        Tekton object that the engine would have to misread.
        """
        # Commands that only read do not wait for the rules to load.
        from mltk.local.settings import read_config
        from mltk.tekton.spelling import as_spelled

        defaults = read_config(self).defaults
        obj = with_resolver(as_spelled(obj), defaults.resolver)
        for text in self._admission(obj):
            warn(text)
        return self.insert(with_defaults(without_reserved(obj), defaults))

    def admit(self, obj: Obj) -> Sequence[str]:
        """Return warnings about an object that might be created; raises AdmissionError."""
        from mltk.tekton.spelling import as_spelled

        return self._admission(as_spelled(obj))

    def insert(self, obj: Obj) -> Obj:
        """Keep a new object that needs no admission, because the engine made it."""
        metadata = dict(obj.get("metadata") or {})
        namespace = metadata.get("namespace", DEFAULT_NAMESPACE)
        metadata["namespace"] = find_kind(obj["kind"]).place(namespace)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = format_time(self._clock())
        metadata["generation"] = 1
        kept = {**kept_as(obj), "metadata": metadata}
        with self.transaction() as connection:
            metadata["name"] = self._free_name(connection, kept)
            try:
                rows.add(connection, kept)
            except IntegrityError:
                where = f"in namespace '{metadata['namespace']}'"
                raise Conflict(
                    f"{obj['kind']} '{metadata['name']}' exists already {where}"
                ) from None
        return kept

    def update(self, obj: Obj, warn: Warn = ignore) -> Obj:
        """Replace an object; Conflict when its resourceVersion is not the newest.

        What admission lets pass with a warning is told to `warn`.
        """
        metadata = obj["metadata"]

        def change(current: Obj) -> Obj:
            _refuse_stale(metadata, current)
            return obj

        return self._change(obj["kind"], metadata["name"], metadata["namespace"], change, warn=warn)

    def patch(self, kind: str, name: str, namespace: str, merge_patch: Obj) -> Obj:
        """Apply a JSON merge patch (RFC 7386).

        Conflict when it names a resourceVersion that is not the newest.
        """

        def change(current: Obj) -> Obj:
            _refuse_stale(merge_patch.get("metadata") or {}, current)
            return dict(merge(current, merge_patch))

        return self._change(kind, name, namespace, change)

    def set_status(
        self,
        obj: Obj,
        status: Obj,
        metadata: Obj | None = None,
        *,
        encode: Callable[[Obj], str] = dump,
        record: bool = True,
    ) -> Obj:
        """Write the status of `obj` whatever others did to its spec meanwhile.

        `metadata` is a merge patch of labels and annotations that goes with it; `encode` gives
        the JSON of the status. With `record` Events tell of it, if it is a run that this engine
        drives.
        """

        def change(current: Obj) -> Obj:
            merged = merge(current["metadata"], metadata or {})
            return {**current, "metadata": merged, "status": status}

        place = obj["metadata"]
        where = obj["kind"], place["name"], place["namespace"]
        return self._change(*where, change, admit=False, known=obj, encode=encode, record=record)

    def delete(self, kind: str, name: str, namespace: str = DEFAULT_NAMESPACE) -> Objects:
        """Delete the object and all that it owns; return what went, the object first."""
        with self.transaction() as connection:
            gone = [self.get(kind, name, namespace)]
            for obj in gone:  # grows while it is walked
                gone.extend(self.dependants(obj["metadata"]["uid"]))
                rows.remove(connection, obj)
        return gone

    @contextmanager
    def transaction(self, *, minor: bool = False) -> Iterator[Connection]:
        """Several writes as one; watchers see them when the outermost transaction is through.

        What is `minor` is for those who watch, and nothing follows from it for an engine.
        """
        with self.database.transaction() as connection:
            outermost = self.database.depth == 1
            yield connection
        if outermost:
            self.nudge(minor=minor)

    def mark(self) -> Mark:
        """Return how things stand, to `wait` for what comes after."""
        with self._changed:
            told = self._nudges, self._minor
        # Never read the file while holding the condition: a writer holds them the other way round.
        return Mark(self.revision, self.database.others, *told)

    def wait(
        self, mark: Mark, timeout: float = _OTHER_PROCESS_SECONDS, *, minor: bool = True
    ) -> Mark:
        """Wait for a change after `mark`; one by this process is seen at once.

        Without `minor` ones, those of this process do not count.
        """
        newest = self.mark()
        changed = newest != mark if minor else newest[1:3] != mark[1:3]
        is_quiet = not changed and not self._nudged(mark, min(timeout, _QUIET_SECONDS), minor=minor)
        if is_quiet or len(self._untold) > _MOST_UNTOLD:
            with suppress(InfrastructureError):  # whoever writes a status learns what is wrong
                self.tell()
        if is_quiet:
            self._nudged(mark, timeout - _QUIET_SECONDS, minor=minor)
        return newest if changed else self.mark()

    def _nudged(self, mark: Mark, timeout: float, *, minor: bool) -> bool:
        """Wait until this process has changed something, at most so long; whether it has."""
        condition = self._changed if minor else self._changed_much

        def changed() -> bool:
            return self._nudges != mark.nudges or (minor and self._minor != mark.minor)

        with condition:
            return condition.wait_for(changed, timeout)

    def tell(self) -> None:
        """Write the Events that are still to be written.

        As in a cluster they come a moment after what they tell of, when nothing else is to do.
        """
        if not self._untold:
            return
        with self.transaction(minor=True) as connection:
            written = self._recorder.write(connection)
            self.database.on_commit(partial(self._recorder.drop, written))

    @property
    def _untold(self) -> Sequence[object]:
        """Notes of Events; a store that no run has changed has not even loaded their rules."""
        return self._recorder.noted if "_recorder" in vars(self) else ()

    def nudge(self, *, minor: bool = False) -> None:
        """Wake those who wait."""
        with self._changed:
            self._minor += minor
            self._nudges += not minor
            self._changed.notify_all()
            if not minor:
                self._changed_much.notify_all()

    def close(self) -> None:
        """Close the file."""
        with suppress(InfrastructureError):
            self.tell()
        self.database.close()

    @cached_property
    def _recorder(self) -> Recorder:
        # Commands that only read do not wait for the rules to load.
        from mltk.local.happenings import Recorder

        return Recorder(self._clock)

    def _record(self, before: Obj, run: Obj) -> None:
        if notes := self._recorder.notes(before, run):
            self.database.on_commit(partial(self._recorder.noted.extend, notes))

    def events(self, obj: Obj) -> Objects:
        """Return the Events about an object, those of this moment included."""
        self.tell()
        return super().events(obj)

    def _listed(
        self, column: str, kind: str, namespace: str | None, labels: str | Labels | None
    ) -> Objects:
        if find_kind(kind).kind == "Event":
            self.tell()
        return super()._listed(column, kind, namespace, labels)

    def _change(
        self,
        kind: str,
        name: str,
        namespace: str,
        change: Callable[[Obj], Obj],
        *,
        admit: bool = True,
        known: Obj | None = None,
        encode: Callable[[Obj], str] = dump,
        warn: Warn = ignore,
        record: bool = False,
    ) -> Obj:
        with self.transaction() as connection:
            if known is not None:
                # To read an object again that is as it was known costs more than to write it.
                fresh = keep_identity(change(known), known)
                if fresh != known and self._replace(connection, fresh, encode):
                    if record:
                        self._record(known, fresh)
                    return fresh
            current = self.get(kind, name, namespace)
            fresh = kept_as(keep_identity(change(current), current))
            if fresh == current:
                return current
            # What is set for Tekton stands in the data of a ConfigMap.
            if admit and any(fresh.get(part) != current.get(part) for part in ("spec", "data")):
                for text in self._admission(fresh):
                    warn(text)
            self._replace(connection, fresh, encode)
            if record:
                self._record(current, fresh)
        return fresh

    def _replace(self, connection: Connection, fresh: Obj, encode: Callable[[Obj], str]) -> bool:
        """Write a changed object; False when its resourceVersion is not the newest."""
        metadata = fresh["metadata"]
        version, known = rows.next_version(connection), int(metadata["resourceVersion"])
        metadata["resourceVersion"] = str(version)
        written = connection.execute(
            "UPDATE objects SET owner=?, version=?, done=?, labels=?, brief=?, body=?"
            " WHERE uid=? AND version=? AND kind=? AND namespace=? AND name=?",
            (
                rows.owner(metadata), version, is_over(fresh), dump(metadata.get("labels") or {}),
                brief(fresh), _body(fresh, encode), metadata["uid"], known,
                fresh["kind"], metadata["namespace"], metadata["name"],
            ),
        )  # fmt: skip
        return written.rowcount == 1

    def _free_name(self, connection: Connection, obj: Obj) -> str:
        metadata = obj["metadata"]
        place = (obj["kind"], metadata["namespace"])
        # What is generated ends with letters; an empty generateName is no beginning of a name.
        start = metadata.get("generateName", "")[:58]
        sample = metadata.get("name") or (start and start + "x")
        check_names(sample, place[1], place[0])
        if name := metadata.get("name"):
            return str(name)
        taken = "SELECT 1 FROM objects WHERE kind=? AND namespace=? AND name=?"
        while True:
            suffix = "".join(random.choices(_SUFFIX_LETTERS, k=5))  # noqa: S311  (a name, no secret)
            name = metadata["generateName"][:58] + suffix
            if not connection.execute(taken, (*place, name)).fetchone():
                return str(name)

    def _admit(self, obj: Obj) -> Sequence[str]:
        # Commands that only read do not wait for the rules to load.
        from mltk.local.settings import read_config
        from mltk.tekton.admission import admit

        return admit(obj, read_config(self))


def _refuse_stale(metadata: Obj, current: Obj) -> None:
    """Refuse a write of what was read before the newest write."""
    stale = metadata.get("resourceVersion")
    if stale and stale != current["metadata"]["resourceVersion"]:
        raise Conflict(
            f"{current['kind']} '{current['metadata']['name']}' was changed meanwhile",
            hint="Read it again, apply your change and repeat.",
        )


def _body(obj: Obj, encode: Callable[[Obj], str]) -> str:
    """The JSON of an object with its status, if it has one, by `encode`."""
    if "status" not in obj:
        return dump(obj)
    rest = dump({key: value for key, value in obj.items() if key != "status"})
    return f'{rest[:-1]},"status":{encode(obj["status"])}}}'
