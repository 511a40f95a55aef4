"""The name of a run that is made for what it does: whoever makes it twice at once makes it once.

An API server has no lock to hold while one looks which runs are new, but it keeps one object of a
name. So the name follows from what is asked and from the runs that were made for it before: of two
that find the same runs the second is told that its run is there already. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from mltk.cli.event_option import PARAM
from mltk.cli.labels import KEY, MODEL, POLICY
from mltk.tekton.objects import Obj, labels_of, params_of, uid_of

# The same key can be reached from another commit, or clone; nothing that is learnt depends on it.
_FREE = {"repo-url", "revision", "forge", "pull-request", PARAM}
_USUAL = {"register": "true"}

# What Kubernetes itself ends generated names with, and as long: neither a vowel that could make a
# word, nor a digit that is read as a letter.
_LETTERS, _LENGTH = "bcdfghjklmnpqrstvwxz2456789", 5


def named(manifest: Obj, before: Iterable[Obj], attempt: int = 0) -> Obj:
    """`manifest` with a name in place of its generateName.

    `before` are the runs that were made for the same; `attempt` counts the names that were taken
    by runs for something else.
    """
    made = [manifest["metadata"].get("namespace", ""), sorted(map(uid_of, before)), attempt]
    text = json.dumps([_asked(manifest), made], sort_keys=True)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    metadata = dict(manifest["metadata"])
    prefix = metadata.pop("generateName")
    return {**manifest, "metadata": {"name": prefix + _word(number), **metadata}}


def _asked(manifest: Obj) -> list[object]:
    """What runs that stand for each other have in common: `answers`, for runs that go on."""
    params = params_of(manifest)
    where: Sequence[str] = ()
    if params.get("pull-request"):
        where = ("forge", "pull-request")
    elif params.get("forge"):
        where = ("forge", "revision")
    labels = [labels_of(manifest).get(key, "") for key in (MODEL, KEY, POLICY)]
    return [labels, learnt_from(manifest), {name: params.get(name) for name in where}]


def learnt_from(run: Obj) -> dict[str, object]:
    """The params that matter to what a run learns and leaves behind."""
    given = {name: value for name, value in params_of(run).items() if name not in _FREE}
    return _USUAL | given


def _word(number: int) -> str:
    letters = ""
    for _ in range(_LENGTH):
        number, which = divmod(number, len(_LETTERS))
        letters += _LETTERS[which]
    return letters
