"""TensorFlow and Keras, imported quietly and set up so that a training can be repeated.

The one module of the problems that imports them. A process that will fork steps imports it before.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mltk.quiet import native_stderr_dropped

# Read by TensorFlow when it is imported, so they stand above the import.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN picks kernels by the machine's instructions; without it results travel better.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

# Keras takes these when they are there and does without otherwise; they cost a third more.
_UNUSED = ("jax", "matplotlib", "pandas", "sklearn")


@contextlib.contextmanager
def _absent(names: tuple[str, ...]) -> Iterator[None]:
    """Let packages look as if they were not installed; one that is imported already stays."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # documented: import then fails
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


# The wheel registers its CUDA factories twice and says so before any log level counts.
with native_stderr_dropped(), _absent(_UNUSED):
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf", "prepare", "load_model"]


def prepare(seed: int, threads: int = 1) -> None:
    """Make what follows repeatable: one thread, deterministic operations, seeds.

    Two threads add up in an order of their own, and on a table they cost more than they bring.
    """
    for setting in (
        tf.config.threading.set_intra_op_parallelism_threads,
        tf.config.threading.set_inter_op_parallelism_threads,
    ):
        # Refused once a first operation has run; in a step none has.
        with contextlib.suppress(RuntimeError):
            setting(threads)
    for card in tf.config.list_physical_devices("GPU"):
        # Others compute on the same card: take what is needed and not all.
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(card, True)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)


def load_model(path: Path) -> Any:
    """Load the Keras model that the train step saved."""
    return keras.saving.load_model(path, compile=False)
