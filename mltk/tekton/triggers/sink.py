"""What an EventListener makes of an event: an answer, and for each trigger what it creates.

Rules: https://tekton.dev/docs/triggers/eventlisteners/ and, where that page is silent, Tekton's
``pkg/sink``. Whoever listens creates the objects and calls the servers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from mltk.tekton import gojson
from mltk.tekton.triggers import answers
from mltk.tekton.triggers.bindings import Event, Object, binding_params, values
from mltk.tekton.triggers.chain import Interceptors, StoppedError, Way, through
from mltk.tekton.triggers.errors import TriggerError
from mltk.tekton.triggers.interceptors.protocol import canonical
from mltk.tekton.triggers.references import Get, look_up
from mltk.tekton.triggers.selection import Trigger, Triggers, is_at_fault, listed, selected
from mltk.tekton.triggers.templates import Origin, created, resources

_VALIDATION = "tekton.dev/payload-validation"


@dataclass(frozen=True)
class Surroundings:
    """What a listener reaches; `new_uid` makes what ``$(uid)`` stands for."""

    get: Get
    triggers: Triggers
    interceptors: Interceptors
    new_uid: Callable[[], str]


@dataclass(frozen=True)
class Outcome:
    """What comes of an event by one trigger, or by a group that does not let it to its triggers.

    `objects` are to be created, in order, as `service_account`. Where `reason` says why nothing
    more is, `stopped` tells whether an interceptor did not let the event on, which is no error.
    """

    trigger: str
    namespace: str
    group: str = ""
    service_account: str = ""
    objects: tuple[dict[str, Any], ...] = ()
    reason: str = ""
    stopped: bool = False


@dataclass(frozen=True)
class Handled:
    """The answer to the sender, and what there is to do."""

    answer: answers.Answer
    outcomes: tuple[Outcome, ...] = ()


def handle(listener: Object, event: Event, url: str, outside: Surroundings) -> Handled:
    """What `listener` makes of `event`, which came to the path and query `url`."""
    answer = answered(listener, event)
    if answer.status == HTTPStatus.BAD_REQUEST:
        return Handled(answer)
    return Handled(answer, made(listener, event, url, outside))


def answered(listener: Object, event: Event) -> answers.Answer:
    """The answer to the sender of an event, which nothing that comes of the event changes."""
    metadata = listener["metadata"]
    who = answers.Listener(metadata["name"], metadata["namespace"], metadata.get("uid", ""))
    validated = (metadata.get("annotations") or {}).get(_VALIDATION) != "false"
    if validated and (fault := _fault(event.body)):
        return answers.refused(who, f"Invalid event body format : {fault}")
    if is_at_fault(listener.get("spec") or {}):
        return answers.failed()
    return answers.accepted(who, event.event_id, canonical(event.header))


def made(listener: Object, event: Event, url: str, outside: Surroundings) -> tuple[Outcome, ...]:
    """What comes of an event, for each trigger that it concerns."""
    metadata, spec = listener["metadata"], listener.get("spec") or {}
    name, namespace = metadata["name"], metadata["namespace"]
    event = replace(event, header=canonical(event.header))
    own = listed(spec, namespace, outside.get)
    said = [Outcome("", namespace, reason=reason) for reason in (*own.missing, own.fault) if reason]
    if own.fault:
        return tuple(said)
    run = _Run(name, namespace, url, outside)
    triggers = [*selected(spec, namespace, outside.triggers), *own.triggers]
    outcomes = [
        *said,
        *(run.outcome(trigger, event) for trigger in triggers),
        *(each for group in spec.get("triggerGroups") or () for each in run.of_group(group, event)),
    ]
    return tuple(outcomes)


def _fault(body: bytes) -> str:
    try:
        gojson.decode_object(body, "it is not a JSON object")
    except ValueError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class _Run:
    """One event at one listener."""

    listener: str
    namespace: str
    url: str
    outside: Surroundings

    def of_group(self, group: Object, event: Event) -> Iterator[Outcome]:
        """The group's interceptors first; what they say of the body stays with the group."""
        name = group.get("name", "")
        way = self._way(f"namespaces/{self.namespace}/triggerGroups/{name}", self.namespace)
        before = replace(event, extensions={})
        try:
            passed = through(
                group.get("interceptors") or [], before, way, self.outside.interceptors
            )
        except TriggerError as error:
            stopped = isinstance(error, StoppedError)
            yield Outcome("", self.namespace, name, reason=str(error), stopped=stopped)
            return
        kept = replace(passed, body=event.body)
        selector = group.get("triggerSelector") or {}
        for trigger in selected(selector, self.namespace, self.outside.triggers):
            yield replace(self.outcome(trigger, kept), group=name)

    def outcome(self, trigger: Trigger, event: Event) -> Outcome:
        """What comes of the event by `trigger`."""
        account = trigger.spec.get("serviceAccountName") or ""
        begun = Outcome(trigger.name, trigger.namespace, service_account=account)
        made: list[dict[str, Any]] = []
        try:
            for each in self._objects(trigger, event):
                made.append(each)
        except TriggerError as error:
            stopped = isinstance(error, StoppedError)
            return replace(begun, objects=tuple(made), reason=str(error), stopped=stopped)
        return replace(begun, objects=tuple(made))

    def _objects(self, trigger: Trigger, event: Event) -> Iterator[dict[str, Any]]:
        namespace = trigger.namespace
        way = self._way(f"namespaces/{namespace}/triggers/{trigger.name}", namespace)
        passed = through(
            trigger.spec.get("interceptors") or [],
            replace(event, extensions=event.extensions or {}),
            way,
            self.outside.interceptors,
        )
        params = binding_params(
            trigger.spec.get("bindings") or [],
            lambda kind, name: look_up(self.outside.get, kind, namespace, name),
        )
        template = self._template(trigger)
        declared = (template.get("spec") or {}).get("params") or []
        found = values(params, declared, passed)
        origin = Origin(self.listener, trigger.name, event.event_id, namespace)
        for resource in resources(template, found, self.outside.new_uid()):
            yield created(resource, origin)

    def _template(self, trigger: Trigger) -> Object:
        template = trigger.spec.get("template") or {}
        if template.get("spec") is not None:
            return {"spec": template["spec"]}
        name = template.get("ref") or ""
        found = self.outside.get("TriggerTemplate", trigger.namespace, name)
        if found is None:
            raise TriggerError(
                f"error getting TriggerTemplate {name}: "
                f'triggertemplate.triggers.tekton.dev "{name}" not found'
            )
        return found

    def _way(self, trigger_id: str, namespace: str) -> Way:
        return Way(trigger_id, namespace, self.namespace, self.url)
