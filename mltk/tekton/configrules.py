"""What may stand in the ConfigMaps that say what Tekton is set to (``pkg/apis/config``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mltk.tekton.config import (
    CONFIG_DEFAULTS,
    EXAMPLE,
    FEATURE_FLAGS,
    WITHOUT_EFFECT,
    ConfigError,
    Defaults,
    FeatureFlags,
    known_keys,
    unsupported,
)
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj, name_of
from mltk.wording import did_you_mean


def check_config(obj: Obj) -> Iterator[Problem]:
    """Problems of ``feature-flags`` and ``config-defaults``; there are none in other ConfigMaps.

    A value that asks for what nobody does here is refused; what is merely idle here is told.
    """
    name, data = name_of(obj), obj.get("data") or {}
    readers: dict[str, Callable[[Obj], object]] = {
        FEATURE_FLAGS: FeatureFlags.read,
        CONFIG_DEFAULTS: Defaults.read,
    }
    if name not in readers:
        return
    if not isinstance(data, dict) or not all(isinstance(each, str) for each in data.values()):
        yield Problem("data", "must hold keys and texts")
        return
    try:
        readers[name](data)
    except ConfigError as error:
        yield Problem("data", str(error))
    for key in unsupported(data):
        yield Problem(f"data.{key}", f"'{data[key]}' is not done yet")
    known = known_keys(name)
    for key in data:
        if key in WITHOUT_EFFECT:
            yield Problem(f"data.{key}", f"'{key}' has no effect here", warning=True)
        elif key not in known and key != EXAMPLE:
            yield Problem(f"data.{key}", f"unknown key{did_you_mean(key, known)}", warning=True)
