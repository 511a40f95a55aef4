"""What Tekton said of a case, kept until the case, Tekton or its node changes.

Nothing of mltk's own goes into what Tekton says, so it is asked again only for what is new; how the
embedded engine ends the case is found out each time. ``--ask-again`` forgets.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mltk.tekton.objects import Obj
from tests.parity.cases import Case

_HERE = Path(__file__).parent
_NODE = _HERE.parent / "cluster" / "node"
# The node with its Tekton, how a case is played on it and what is kept of that.
_JUDGE = (_NODE, _HERE / "cases.py", _HERE / "picture.py", _HERE / "play.py", _HERE / "stages.py")


@dataclass(frozen=True)
class Memory:
    """Pictures of how runs ended on Tekton, a file for each case."""

    folder: Path

    def recall(self, case: Case) -> Obj | None:
        """The picture, None when Tekton is to be asked."""
        path = self._path(case)
        found: Obj | None = json.loads(path.read_text("utf-8")) if path.is_file() else None
        return found

    def keep(self, case: Case, picture: Obj) -> None:
        """Keep a picture that the embedded engine agrees with: another may be an accident."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self._path(case).with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(picture), encoding="utf-8")
        part.replace(self._path(case))

    def _path(self, case: Case) -> Path:
        said = json.dumps([_judge(), case.given, case.run], sort_keys=True)
        digest = hashlib.sha256(said.encode()).hexdigest()[:20]
        return self.folder / f"{case.name}-{digest}.json"


@cache
def _judge() -> str:
    digest = hashlib.sha256()
    for place in _JUDGE:
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(_HERE.parent)}\0".encode() + file.read_bytes())
    return digest.hexdigest()
