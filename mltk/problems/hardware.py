"""What a training runs on: threads of the processor, GPUs or TPUs, if it finds what it asks for.

What is asked for and not there is said and done without: the same project trains on a laptop.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mltk.problems import backend
from mltk.problems.backend import tf
from mltk.problems.quota import processors
from mltk.wording import counted

if TYPE_CHECKING:
    from mltk.project.spec import Training

ALL: Literal["all"] = "all"
_CARDS = Path("/dev/nvidia0"), Path("/dev/dxg")
# What Google's machines have where a TPU is: its device file, or the name of one in the network.
_TPU_FILES = Path("/dev/accel0"), Path("/dev/vfio/0")
_TPU_NAME = "TPU_NAME"
_NOUNS = {"TPU": "TPU core", "GPU": "GPU", "CPU": "processor"}
"""What a device of each kind is called, the best kind first."""


@dataclasses.dataclass(frozen=True)
class Hardware:
    """The devices of one kind (CPU, GPU, TPU) that a training uses; `threads` of the processor.

    `strategy` is of `tf.distribute`, None for one device that TensorFlow finds by itself. `words`
    say what is there, what is used and why not more.
    """

    kind: str = "CPU"
    devices: tuple[str, ...] = ("/device:CPU:0",)
    threads: int = 1
    words: tuple[str, ...] = ()
    strategy: Any = None

    @property
    def name(self) -> str:
        """As it is recorded: `1 GPU`, `2 threads`."""
        if self.kind != "CPU" or self.strategy is not None:
            return counted(len(self.devices), _NOUNS[self.kind])
        return counted(self.threads, "thread")

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Make variables where all devices see them."""
        with self.strategy.scope() if self.strategy is not None else contextlib.nullcontext():
            yield


def prepare(training: Training, seed: int) -> Hardware:
    """Set TensorFlow up for a training that can be repeated, and say what it runs on."""
    own = _threads(training)
    backend.prepare(seed, own)
    kind, there = _there(os.environ)
    count, word = chosen(kind, len(there), training.devices)
    used = tuple(there[:count])
    words = [word, *_short_of_threads(training, own), *_unused_card(kind)]
    return Hardware(kind, used, own, tuple(filter(None, words)), _strategy(kind, used))


def chosen(kind: str, there: int, wanted: int | Literal["all"]) -> tuple[int, str]:
    """How many devices of those that are there are used, and what is to be said of it.

    The processor is one device, however many are asked for: its threads are asked for by name.
    """
    count = there if wanted == ALL else min(wanted, there)
    noun = _NOUNS[kind]
    if kind == "CPU" and there == 1:
        short = wanted != ALL and wanted > 1
        return 1, f"no GPU and no TPU is there for devices: {wanted}" if short else ""
    if wanted != ALL and wanted > there:
        return count, f"training.devices is {wanted}, but there is {counted(there, noun)}"
    if count < there:
        spare = f"{counted(there, noun)} are there, the training uses {count}"
        return count, f"{spare}; training.devices: all uses every one"
    return count, ""


def _threads(training: Training) -> int:
    """As many threads of the processor as are asked for and the container may use."""
    there = processors()
    return there if training.threads == ALL else min(training.threads, there)


def _short_of_threads(training: Training, own: int) -> Iterator[str]:
    if training.threads != ALL and training.threads > own:
        yield (
            f"training.threads is {training.threads}, but this container has "
            f"{counted(own, 'processor')}"
        )


def _unused_card(kind: str) -> Iterator[str]:
    if kind == "CPU" and any(card.exists() for card in _CARDS):
        yield (
            "a GPU is there, but TensorFlow does not use it: its CUDA libraries are missing "
            "(pip install 'mltk[gpu]'), or do not fit the driver"
        )


def _there(environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """The best kind of device that is there, and the devices by TensorFlow's names."""
    if environ.get(_TPU_NAME) or any(file.exists() for file in _TPU_FILES):
        with contextlib.suppress(ValueError, RuntimeError, tf.errors.OpError):
            resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
                environ.get(_TPU_NAME, "local")
            )
            tf.config.experimental_connect_to_cluster(resolver)
            tf.tpu.experimental.initialize_tpu_system(resolver)
    found = ((kind, tf.config.list_logical_devices(kind)) for kind in _NOUNS)
    return next((kind, [each.name for each in devices]) for kind, devices in found if devices)


# Two in one process would take each other's messages: TensorFlow numbers those of each from 100.
@functools.cache
def _strategy(kind: str, used: tuple[str, ...]) -> Any:
    if kind == "TPU":
        return tf.distribute.TPUStrategy()
    return tf.distribute.MirroredStrategy([*used]) if len(used) > 1 else None
