"""Random runs, to find where the two engines differ and nobody has thought to look.

How a run ends must not depend on how fast a pod starts. So a run either has no Task that stops it,
by failing or by a result that others want and it does not tell, and then any graph, or its graph is
in layers that wait for one another, and what a failure stops has not begun on either engine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from mltk.tekton.kinds import TEKTON_V1
from mltk.tekton.objects import Obj
from tests.parity.cases import Case, unprivileged

_IMAGE = "localhost/busybox:1"
_WORDS = ("a", "b", "c")
_words = st.sampled_from(_WORDS)
_mostly = st.integers(0, 7).map(bool)
T = TypeVar("T")


@st.composite
def pipeline_runs(draw: st.DrawFn) -> Obj:
    """The spec of a PipelineRun."""
    layers = _names(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    stops = draw(st.booleans())
    tasks: list[Obj] = []
    for index, layer in enumerate(layers):
        before = [name for earlier in layers[:index] for name in earlier]
        for name in layer:
            after = before if stops else draw(_some(before))
            tasks.append(draw(_task(name, before=after, stops=stops)))
    spec: Obj = {
        "params": [{"name": "word", "default": draw(_words)}],
        "tasks": tasks,
        "finally": [
            draw(_final(f"final-{index}", tasks)) for index in range(draw(st.integers(0, 2)))
        ],
        "results": [
            {"name": f"of-{each['name']}", "value": f"$(tasks.{each['name']}.results.said)"}
            for each in draw(_some(tasks[-2:]))
        ],
    }
    return {"pipelineSpec": {key: found for key, found in spec.items() if found}}


def _names(sizes: Sequence[int]) -> list[list[str]]:
    return [[f"t{layer}{index}" for index in range(size)] for layer, size in enumerate(sizes)]


def _some(items: Sequence[T]) -> st.SearchStrategy[list[T]]:
    """Some of the items, in their order."""
    chosen = st.lists(st.booleans(), min_size=len(items), max_size=len(items))
    return chosen.map(lambda keep: [item for item, kept in zip(items, keep, strict=True) if kept])


@st.composite
def _task(draw: st.DrawFn, name: str, before: Sequence[str], *, stops: bool) -> Obj:
    """A task that says its params, or fails, at once or until it is tried often enough."""
    retries = draw(st.integers(0, 2))
    fails = draw(st.sampled_from((0, 0, 0, retries, retries + 1)))
    task: Obj = {"name": name, "taskSpec": _steps(fails, writes=not stops or draw(_mostly))}
    if before:
        task["runAfter"] = list(before)
    source = draw(st.sampled_from(("$(params.word)", *_results(before))))
    task["params"] = [{"name": "word", "value": source}]
    if retries:
        task["retries"] = retries
    elif draw(st.booleans()):
        task["onError"] = "continue"
    if fails > retries and not stops:
        task.pop("retries", None)
        task["onError"] = "continue"
    if draw(st.integers(0, 3)) == 0:
        task["when"] = [draw(_when(before))]
    return task


@st.composite
def _when(draw: st.DrawFn, before: Sequence[str]) -> Obj:
    return {
        "input": draw(st.sampled_from(("$(params.word)", *_results(before)))),
        "operator": draw(st.sampled_from(("in", "notin"))),
        "values": draw(st.lists(_words, min_size=1, max_size=2)),
    }


@st.composite
def _final(draw: st.DrawFn, name: str, tasks: Sequence[Obj]) -> Obj:
    """A task of `finally` that says how others ended."""
    names = [task["name"] for task in tasks]
    asked = draw(st.sampled_from(names))
    sources = ("$(tasks.status)", f"$(tasks.{asked}.status)", f"$(tasks.{asked}.results.said)")
    task: Obj = {
        "name": name,
        "params": [{"name": "word", "value": draw(st.sampled_from(sources))}],
        "taskSpec": _steps(draw(st.sampled_from((0, 0, 1))), writes=True),
    }
    if draw(st.booleans()):
        ended = draw(st.sampled_from(("Succeeded", "Completed", "Failed", "None")))
        task["when"] = [{"input": "$(tasks.status)", "operator": "in", "values": [ended]}]
    return task


def _results(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"$(tasks.{name}.results.said)" for name in names)


def _steps(fails: int, *, writes: bool) -> Obj:
    """A Task that fails so often, and says its word if it `writes`, failing or not."""
    says = 'printf %s "$WORD" > $(results.said.path)\n' if writes else ""
    return {
        "params": [{"name": "word"}],
        "results": [{"name": "said"}],
        "steps": [
            {
                "name": "say",
                "image": _IMAGE,
                "env": [{"name": "WORD", "value": "$(params.word)"}],
                "script": f"{says}test $(context.task.retry-count) -ge {fails}\n",
            }
        ],
    }


def generated(count: int, number: int) -> list[Case]:
    """So many cases at most, the same for the same number."""
    found: dict[str, Obj] = {}

    @seed(number)
    @settings(
        max_examples=count, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(pipeline_runs())
    def collect(spec: Obj) -> None:
        found.setdefault(json.dumps(spec, sort_keys=True), spec)

    collect()
    return [_case(f"generated-{number}-{index}", spec) for index, spec in enumerate(found.values())]


def _case(name: str, spec: Obj) -> Case:
    run = {"apiVersion": TEKTON_V1, "kind": "PipelineRun", "metadata": {"name": name}, "spec": spec}
    return Case(name, (), unprivileged(run))
