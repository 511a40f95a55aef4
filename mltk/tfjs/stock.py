"""What is used of the tensorflowjs package: its operation lists, weight format and quantization.

Importing this module imports TensorFlow; a process that will fork exports imports it before.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

# Before the stand-ins: TensorFlow looks at which of those packages there are.
import tensorflow  # noqa: F401

# What tensorflowjs imports for conversions that are not ours (decision forests, hub, JAX, Keras 2)
# costs seconds. `PolyShape` is read while its module is imported.
_UNUSED: Mapping[str, Mapping[str, Any]] = {
    "tensorflow_decision_forests": {},
    "tensorflow_hub": {},
    "tf_keras": {},
    "jax": {},
    "jax.experimental": {},
    "jax.experimental.jax2tf": {"PolyShape": object},
}
_PACKAGE = "tensorflowjs"


@contextlib.contextmanager
def _stand_ins() -> Iterator[None]:
    """Let empty modules stand for the unused ones, and leave sys.modules as it was.

    tensorflowjs itself is dropped from there too: whoever imports it later gets a whole one.
    """
    former = dict(sys.modules)
    # None blocks a module, so it is as good as absent; one that is loaded is used as it is.
    replaced = [name for name in _UNUSED if former.get(name) is None]
    for name in replaced:
        module = types.ModuleType(name)
        module.__dict__.update(_UNUSED[name])
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent in replaced:
            setattr(sys.modules[parent], child, module)
    try:
        yield
    finally:
        ours = [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]
        for name in (*replaced, *ours):
            sys.modules.pop(name, None)
            if name in former:
                sys.modules[name] = former[name]


with _stand_ins():
    converter: Any = importlib.import_module(f"{_PACKAGE}.converters.tf_saved_model_conversion_v2")
    quantization: Any = importlib.import_module(f"{_PACKAGE}.quantization")
