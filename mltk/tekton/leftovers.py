"""Variables that name a param which is not there once all params are in place.

Tekton's webhook looks for them in what a run embeds, its controller in every pod that it makes
(``ValidateUsageOfDeclaredParameters`` in ``task_validation.go``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from mltk.tekton import params
from mltk.tekton.objects import Obj


def leftovers(spec: Obj, declared: Collection[str], path: str = "") -> list[str]:
    """What Tekton says of each text in a step of a Task that names a param not `declared`."""
    return sorted(
        f"non-existent variable in {_quoted(text)}: {path}steps[{index}].{place}"
        for index, step in enumerate(spec.get("steps") or ())
        for place, text in _texts_of(step)
        if any(name not in declared for name in params.named(text))
    )


def _texts_of(step: Obj) -> Iterator[tuple[str, str]]:
    """Where a param may stand in a step; Tekton looks at nothing else at this point."""
    for field in ("name", "image", "workingDir", "script", "onError"):
        yield field, str(step.get(field) or "")
    for field in ("command", "args"):
        for index, each in enumerate(step.get(field) or ()):
            yield f"{field}[{index}]", each
    for each in step.get("env") or ():
        yield f"env[{each['name']}]", str(each.get("value") or "")


def _quoted(text: str) -> str:
    """As Go's ``%q`` writes a text."""
    return json.dumps(text, ensure_ascii=False)
