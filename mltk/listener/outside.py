"""What triggers refer to, as it is in the store now."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mltk.interceptors.answering import Interceptors as Ours
from mltk.interceptors.answering import named
from mltk.interceptors.outside import PublicKeys
from mltk.listener.calls import call
from mltk.local.sources import decoded
from mltk.local.store import Store
from mltk.tekton.objects import Obj, name_of, namespace_of
from mltk.tekton.triggers.bindings import Object
from mltk.tekton.triggers.chain import Interceptors
from mltk.tekton.triggers.interceptors.core import Core
from mltk.tekton.triggers.interceptors.owners import GitHub
from mltk.tekton.triggers.interceptors.remote import Call, Reply
from mltk.tekton.triggers.lacks import Known
from mltk.tekton.triggers.selection import ALL_NAMESPACES
from mltk.tekton.triggers.sink import Surroundings

KINDS = (
    "EventListener", "Trigger", "TriggerBinding", "ClusterTriggerBinding", "TriggerTemplate",
    "Interceptor", "ClusterInterceptor", "Secret",
)  # fmt: skip


@dataclass
class Outside:
    """Reads each object once, until one of its kinds changes; `refresh` before each event."""

    store: Store
    _objects: dict[tuple[str, str, str], Object | None] = field(default_factory=dict)
    _triggers: dict[str, Sequence[Object]] = field(default_factory=dict)
    _seen: object = None

    def refresh(self) -> bool:
        """Forget what was read if something has changed; whether that is so."""
        places = ",".join("?" * len(KINDS))
        newest = self.store.database.query(
            f"SELECT count(*), max(version) FROM objects WHERE kind IN ({places})",  # noqa: S608
            KINDS,
        )
        if newest == self._seen:
            return False
        self._seen = newest
        self._objects.clear()
        self._triggers.clear()
        return True

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """An object, None where there is none."""
        place = kind, namespace, name
        if place not in self._objects:
            self._objects[place] = self.store.find(kind, name, namespace)
        return self._objects[place]

    def triggers(self, namespace: str) -> Sequence[Object]:
        """The Triggers of a namespace, or of all."""
        if namespace not in self._triggers:
            where = None if namespace == ALL_NAMESPACES else namespace
            self._triggers[namespace] = self.store.list("Trigger", where)
        return self._triggers[namespace]

    def listeners(self) -> Sequence[Obj]:
        """All EventListeners, by namespace and name."""
        found = self.store.list("EventListener")
        return sorted(found, key=lambda each: (namespace_of(each), name_of(each)))

    def secrets(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """What a Secret holds, None where there is none."""
        return held(self.get("Secret", namespace, name))

    @property
    def known(self) -> Known:
        """The same for `lacks`."""
        return Known(self.get, self.triggers, self.secrets)

    def surroundings(self, connect: Callable[[str, str], GitHub]) -> Surroundings:
        """The same for `sink`; `connect` reaches GitHub's API."""
        ours = Ours(self.secrets, PublicKeys())

        def ask(asked: Call) -> Reply:
            name = named(asked.url)
            return call(asked) if name is None else ours.answer(name, asked.body)

        interceptors = Interceptors(self.get, Core(self.secrets, connect), ask)
        return Surroundings(self.get, self.triggers, interceptors, lambda: str(uuid.uuid4()))


def held(secret: Object | None) -> Mapping[str, bytes] | None:
    """What a Secret holds; nothing of one that cannot be read, None where there is none."""
    try:
        return None if secret is None else decoded(dict(secret))
    except ValueError:
        return {}
