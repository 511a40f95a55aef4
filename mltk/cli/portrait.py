"""An object in words, section by section, as tkn describes it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from mltk.cli.board import seconds_of
from mltk.cli.columns import age, status_word
from mltk.cli.duration import exact
from mltk.cli.obstacle import obstacle
from mltk.cli.output import table, to_yaml
from mltk.cli.parts import Part
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import (
    Obj,
    annotations_of,
    is_done,
    labels_of,
    message,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)  # fmt: skip
from mltk.tekton.rerun import RERUN_OF
from mltk.tekton.triggers.templates import EVENT
from mltk.wording import worded

_ATTEMPT = ("ATTEMPT", "POD", "MESSAGE")

Section = tuple[str, Sequence[str], list[list[str]]]


def portrait(
    obj: Obj,
    parts: Sequence[Part],
    now: datetime,
    events: Sequence[Obj] = (),
    queue: Sequence[str] = (),
) -> str:
    """Describe `obj`; ends with a line break.

    `parts` are those of a run, a TaskRun itself being its only one; `events` are Kubernetes's;
    `queue` is what there is to say of how it waits.
    """
    sections = _SECTIONS.get(obj["kind"])
    texts = ["\n".join(_head(obj))]
    if queue:
        texts.append(_section("Queue", (), [[note] for note in queue]))
    if sections is None:
        texts.append(_rest(obj))
    else:
        texts.extend(_section(*each) for each in sections(obj, parts, now) if each[2])
    if events:
        header = ("TYPE", "REASON", "AGE", "OBJECT", "MESSAGE")
        texts.append(_section("Events", header, [_event(each, now) for each in events]))
    return "\n\n".join(text for text in texts if text) + "\n"


def _head(obj: Obj) -> Iterator[str]:
    yield f"Name:        {name_of(obj)}"
    if find_kind(obj["kind"]).namespaced:
        yield f"Namespace:   {namespace_of(obj)}"
    if original := labels_of(obj).get(RERUN_OF):
        yield f"Rerun of:    {original}"
    if event := labels_of(obj).get(EVENT):
        yield f"Event:       {event}"
    for title, values in (("Labels", labels_of(obj)), ("Annotations", annotations_of(obj))):
        for i, (key, value) in enumerate(sorted(values.items())):
            yield f"{f'{title}:' if i == 0 else '':<13}{key}={value}"
    description = str(spec_of(obj).get("description") or "").strip()
    for i, line in enumerate(description.splitlines()):
        yield f"{'Description:' if i == 0 else '':<13}{line}".rstrip()


def _section(title: str, header: Sequence[str], rows: list[list[str]]) -> str:
    lines = table(header, rows) if header else "\n".join(row[0] for row in rows)
    return f"{title}\n" + "\n".join(f"  {line}" for line in lines.splitlines())


def _pipeline_run(run: Obj, parts: Sequence[Part], now: datetime) -> Iterator[Section]:
    yield from _run(run, now)
    yield _waiting(parts)
    for kind in ("TaskRun", "CustomRun", "PipelineRun"):
        made = [each for each in parts if each.obj["kind"] == kind]
        rows = [[name_of(each.obj), each.task, *_times(each.obj, now)] for each in made]
        yield f"{kind}s", ("NAME", "TASK", "STARTED", "DURATION", "STATUS"), rows
    rows = [[each.task, *attempt] for each in parts for attempt in _attempts(each.obj)]
    yield "Failed attempts", ("TASK", *_ATTEMPT), rows
    skipped = status_of(run).get("skippedTasks", ())
    yield "Skipped tasks", ("NAME", "REASON"), [[s["name"], s.get("reason", "")] for s in skipped]


def _task_run(run: Obj, parts: Sequence[Part], now: datetime) -> Iterator[Section]:
    yield from _run(run, now)
    yield _waiting(parts)
    for title, key in (("Steps", "steps"), ("Sidecars", "sidecars")):
        rows = [_step(each) for each in status_of(run).get(key, ())]
        yield title, ("NAME", "STATUS", "EXIT CODE"), rows
    yield "Failed attempts", _ATTEMPT, _attempts(run)


def _waiting(parts: Sequence[Part]) -> Section:
    lines = []
    for each in parts:
        if (found := obstacle(each.obj)) is not None:
            name = each.task or name_of(each.obj)
            lines += [[f"{name} {'failed' if is_done(each.obj) else 'waits'}: {found.what}"]]
            lines += [[f"  {found.hint}"]]
    return "In the way", (), lines


def _run(run: Obj, now: datetime) -> Iterator[Section]:
    yield "Status", ("STARTED", "DURATION", "STATUS"), [_times(run, now)]
    text = message(run)
    yield "Message", (), [[line] for line in text.splitlines()]
    spec = spec_of(run)
    if refers := spec.get("pipelineRef") or spec.get("taskRef"):
        yield "Runs", (), [[_referred(refers)]]
    yield "Params", ("NAME", "VALUE"), [_named(each) for each in spec.get("params", ())]
    results = status_of(run).get("results", ())
    yield "Results", ("NAME", "VALUE"), [_named(each) for each in results]
    bound = [[each["name"], _binding(each)] for each in spec.get("workspaces", ())]
    yield "Workspaces", ("NAME", "BOUND TO"), bound


def _referred(ref: Obj) -> str:
    """What a reference names, with its params when a resolver finds it."""
    if not ref.get("resolver"):
        return str(ref.get("name", ""))
    asked = (" ".join(map(str, _named(each))) for each in ref.get("params") or ())
    return f"{ref['resolver']}: {', '.join(asked)}"


def _task(task: Obj, _parts: Sequence[Part], _now: datetime) -> Iterator[Section]:
    spec = spec_of(task)
    yield from _interface(spec)
    rows = [
        [step["name"], str(step.get("image", "")), " ".join(step.get("command", ["script"]))]
        for step in spec.get("steps", ())
    ]
    yield "Steps", ("NAME", "IMAGE", "COMMAND"), rows


def _pipeline(pipeline: Obj, _parts: Sequence[Part], _now: datetime) -> Iterator[Section]:
    spec = spec_of(pipeline)
    yield from _interface(spec)
    for title, key in (("Tasks", "tasks"), ("Finally", "finally")):
        rows = [
            [
                each["name"],
                _referred(each["taskRef"]) if each.get("taskRef") else "(embedded)",
                ", ".join(each.get("runAfter", ())) or "-",
                each.get("timeout", "-"),
            ]
            for each in spec.get(key, ())
        ]
        yield title, ("NAME", "TASK", "RUN AFTER", "TIMEOUT"), rows


def _interface(spec: Obj) -> Iterator[Section]:
    params = [
        [each["name"], each.get("type", "string"), _default(each), _line(each)]
        for each in spec.get("params", ())
    ]
    yield "Params", ("NAME", "TYPE", "DEFAULT", "DESCRIPTION"), params
    for title, key in (("Results", "results"), ("Workspaces", "workspaces")):
        yield title, ("NAME", "DESCRIPTION"), [[e["name"], _line(e)] for e in spec.get(key, ())]


def _times(run: Obj, now: datetime) -> list[str]:
    started = age(status_of(run).get("startTime"), now)
    seconds = seconds_of(run, now)
    took = "---" if seconds is None else exact(seconds)
    return [started if started == "---" else f"{started} ago", took, status_word(run)]


def _step(step: Obj) -> list[str]:
    ended = step.get("terminated")
    if ended is None:
        return [step["name"], "Running" if "running" in step else "Waiting", "---"]
    # The reason of the container says Completed of a step that was skipped, too.
    why = step.get("terminationReason") or ended.get("reason", "")
    return [step["name"], str(why), str(ended.get("exitCode", ""))]


def _event(event: Obj, now: datetime) -> list[str]:
    # The older form of an Event has the time of its last repetition, the newer one its first.
    seen = event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp")
    about = event.get("involvedObject") or event.get("regarding") or {}
    message = " ".join(str(event.get("message") or event.get("note") or "").split())
    return [
        str(event.get("type", "")),
        str(event.get("reason", "")),
        age(seen, now),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        message,
    ]


def _attempts(task_run: Obj) -> list[list[str]]:
    """A row for each attempt of a TaskRun that failed and was followed by another."""
    return [
        [str(i), str(each.get("podName") or "-"), str(_condition(each).get("message", ""))]
        for i, each in enumerate(status_of(task_run).get("retriesStatus", ()), start=1)
    ]


def _condition(status: Obj) -> Obj:
    return dict((status.get("conditions") or [{}])[0])


def _named(item: Obj) -> list[str]:
    return [item["name"], worded(item.get("value", ""))]


def _default(param: Obj) -> str:
    return worded(param["default"]) or '""' if "default" in param else "-"


def _line(item: Obj) -> str:
    return " ".join(str(item.get("description", "")).split())


def _binding(workspace: Obj) -> str:
    found = next((key for key in workspace if key not in ("name", "subPath")), "")
    value = workspace.get(found)
    named = isinstance(value, dict) and (
        value.get("claimName") or value.get("secretName") or value.get("name")
    )
    return f"{found} {named}" if named else found


def _rest(obj: Obj) -> str:
    if obj["kind"] == "Secret":
        # As kubectl: how long a secret is, never what it says.
        data = {**(obj.get("data") or {}), **(obj.get("stringData") or {})}
        rows = [[key, f"{len(value)} characters"] for key, value in sorted(data.items())]
        return _section("Data", (), [[f"{key}: {size}"] for key, size in rows])
    shown = ("apiVersion", "kind", "metadata")
    rest = {key: value for key, value in obj.items() if key not in shown}
    return to_yaml(rest).rstrip("\n")


_SECTIONS: dict[str, Callable[[Obj, Sequence[Part], datetime], Iterator[Section]]] = {
    "PipelineRun": _pipeline_run,
    "TaskRun": _task_run,
    "Task": _task,
    "Pipeline": _pipeline,
}
