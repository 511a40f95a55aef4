"""Results that the status shows in tasks that could not have them.

When Tekton lists the children of a run, it puts the results that an ended task still refers to
into all tasks of the run (``GetChildReferences`` in ``pipelinerun/resources``). So a task that is
skipped because one of its results is missing shows the others, once somebody else used them, and
a displayName shows results that only a task at or before its own used.
"""

from __future__ import annotations

from collections.abc import Container

from mltk.tekton.facts import Facts
from mltk.tekton.references import result_variables
from mltk.tekton.substitution import Variables, merged


def spillover(facts: Facts, skipped: Container[str]) -> Variables:
    """What all ended tasks spill; of equal names that of the last in the Pipeline counts."""
    spilling = (name for name in facts.plan.spills if _ended(facts, name, skipped))
    return merged(_results(facts, name) for name in spilling)


def spilled_by(facts: Facts, name: str) -> Variables:
    """What a task that has a child spills."""
    if name not in facts.plan.spills or not facts.children[name].done:
        return Variables()
    return _results(facts, name)


def _ended(facts: Facts, name: str, skipped: Container[str]) -> bool:
    child = facts.children.get(name)
    return child.done if child else name in skipped and name in facts.plan.tasks


def _results(facts: Facts, name: str) -> Variables:
    """Of a task that lacks one result nothing is spilled."""
    for ref in facts.plan.refs[name]:
        child = facts.children.get(ref.task)
        if child is None or not child.done or ref.result not in child.results:
            return Variables()
    return merged(
        result_variables(ref.task, {ref.result: facts.children[ref.task].results[ref.result]})
        for ref in facts.plan.spills[name]
    )
