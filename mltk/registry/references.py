"""How people name a model: MLflow's URIs, the short form of `mltk models`, a run. Pure."""

from __future__ import annotations

import dataclasses
import re

from mltk.errors import UsageError
from mltk.registry.values import CHAMPION

_RUN = re.compile(r"(?:runs:/)?([0-9a-f]{32})")
_FORMS = (
    "models:/NAME@champion, models:/NAME/VERSION, NAME:VERSION, NAME, or the id of an MLflow run"
)


@dataclasses.dataclass(frozen=True)
class Reference:
    """A version of a model by number or alias (`which`), or the MLflow run `run_id`."""

    name: str = ""
    which: str = CHAMPION
    run_id: str = ""

    def __str__(self) -> str:
        """Give it as MLflow writes it."""
        if self.run_id:
            return f"runs:/{self.run_id}"
        return f"models:/{self.name}{'/' if self.which.isdecimal() else '@'}{self.which}"


def parse(text: str) -> Reference:
    """Read a reference; UsageError, with the forms that there are, for anything else."""
    run = _RUN.fullmatch(text)
    if run:
        return Reference(run_id=run[1])
    uri = text.removeprefix("models:/")
    found = re.fullmatch(r"([^/@:]+)(?:([/@:])([^/@:]+))?", uri)
    # A slash is MLflow's alone: without its scheme it looks like a path.
    if found is None or (found[2] == "/" and uri == text) or text.startswith("runs:"):
        raise UsageError(f"'{text}' names no model", hint=f"type {_FORMS}")
    return Reference(found[1], found[3] or CHAMPION)
