"""A diffusion model: what is trained tells rows from noise, what is exported makes rows of noise.

A row turns into noise as on a circle, by an angle from 0 to pi / 2 (the cosine schedule), and the
network tells the velocity of that (T. Salimans and J. Ho, Progressive Distillation for Fast
Sampling of Diffusion Models, 2022). Rows are drawn by the deterministic steps of J. Song, C. Meng
and S. Ermon, Denoising Diffusion Implicit Models (2021), one after the other in the graph: so the
noise of a client decides the row, and TensorFlow.js needs no loop.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.table import Rows
from mltk.problems.backend import keras
from mltk.problems.columns import columns
from mltk.problems.linear import moments
from mltk.problems.network import Network, dense, hidden
from mltk.problems.ports import NOISE, SAMPLE

if TYPE_CHECKING:
    from mltk.project.spec import Model

_WAVES = (2.0, 4.0, 8.0, 16.0)
"""What the network is told of an angle: sine and cosine of these multiples."""


def network(spec: Model, known: Rows, steps: int) -> Network:
    """Build the two for training rows; the second draws in so many steps."""
    inputs, standard = columns(spec, known.features)
    mean, scale = (moment.astype(np.float32) for moment in moments(known.features))
    width = known.features.shape[1]
    denoise = _denoiser(spec, width)
    turned = Turned(spec.seed, name="turned")(standard)
    told = denoise(turned[:, :-width])
    noise = keras.Input((width,), name=NOISE)
    return Network(
        model=keras.Model(noise, {SAMPLE: _drawn(denoise, noise, steps) * scale + mean}),
        scores=keras.Model(inputs, told - turned[:, -width:]),
        loss=lambda errors, _: keras.ops.mean(keras.ops.square(errors), axis=1),
        encode=lambda target: target.astype(np.float32),
    )


class Turned(keras.layers.Layer):  # type: ignore[misc]  # Keras publishes no types
    """Turn rows [n, F] into noise, each by an angle of its own.

    Gives what the network sees of them [n, F + 8], and the velocity [n, F] that it is to tell. When
    not training, always by the same noise and angles: so the losses of two epochs can be compared.
    """

    def __init__(self, seed: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, rows: Any, training: bool = False) -> Any:
        """Draw noise and angles, and turn."""
        ops = keras.ops
        one, other = (self.random, self.random) if training else (self.seed, self.seed + 1)
        noise = keras.random.normal(ops.shape(rows), seed=one)
        angle = keras.random.uniform((ops.shape(rows)[0], 1), 0.0, math.pi / 2, seed=other)
        signal, share = ops.cos(angle), ops.sin(angle)
        seen = (signal * rows + share * noise, *_told(angle, ops))
        return ops.concatenate([*seen, signal * noise - share * rows], axis=1)


def _denoiser(spec: Model, width: int) -> Any:
    """A network from turned rows and their angle [n, F + 8] to the velocity [n, F]."""
    seen = keras.Input((width + 2 * len(_WAVES),), name="seen")
    velocity = dense(spec, width, "velocity")(hidden(spec, seen))
    return keras.Model(seen, velocity, name="denoiser")


def _drawn(denoise: Any, rows: Any, steps: int) -> Any:
    """Turn noise [n, F] back, in so many steps."""
    turn = math.pi / 2 / steps
    nothing = keras.ops.zeros_like(rows[:, :1])
    for step in range(steps, 0, -1):
        told = [nothing + float(wave) for wave in _told(step * turn, np)]
        velocity = denoise(keras.ops.concatenate([rows, *told], axis=1))
        rows = math.cos(turn) * rows - math.sin(turn) * velocity
    return rows


def _told(angle: Any, ops: Any) -> list[Any]:
    return [wave(rate * angle) for rate in _WAVES for wave in (ops.sin, ops.cos)]
