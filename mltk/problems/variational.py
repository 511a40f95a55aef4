"""A variational autoencoder: what is trained takes rows, what is exported takes noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array
from mltk.data.table import Rows
from mltk.problems.backend import keras
from mltk.problems.columns import columns
from mltk.problems.linear import moments
from mltk.problems.network import Network, dense, hidden
from mltk.problems.ports import NOISE, SAMPLE

if TYPE_CHECKING:
    from mltk.project.spec import Model

_NARROWEST = math.log(0.05)
"""Least log deviation of a drawn column, in deviations of the column."""


class Draw(keras.layers.Layer):  # type: ignore[misc]  # Keras publishes no types
    """Draw a code [n, L] from means and log deviations [n, 2 L].

    When not training, always by the same noise: so the losses of two epochs can be compared.
    """

    def __init__(self, seed: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.seed = seed
        self.noise = keras.random.SeedGenerator(seed)

    def call(self, told: Any, training: bool = False) -> Any:
        """Move and stretch noise as `told`."""
        mean, deviation = keras.ops.split(told, 2, axis=1)
        source = self.noise if training else self.seed
        noise = keras.random.normal(keras.ops.shape(mean), seed=source)
        return mean + keras.ops.exp(deviation) * noise


def network(spec: Model, known: Rows, latent: int, kl_weight: float) -> Network:
    """Build the two for training rows."""
    inputs, standard = columns(spec, known.features)
    mean, scale = (moment.astype(np.float32) for moment in moments(known.features))
    width = known.features.shape[1]
    told = dense(spec, 2 * latent, "code")(hidden(spec, standard, "encode"))
    codes = keras.Input((latent,), name="codes")
    decoder = keras.Model(codes, _decoded(spec, codes, width), name="decoder")
    trained = keras.ops.concatenate([told, decoder(Draw(spec.seed, name="draw")(told))], axis=1)
    noise = keras.Input((latent + width,), name=NOISE)
    drawn = _drawn(decoder(noise[:, :latent]), noise[:, latent:])
    return Network(
        model=keras.Model(noise, {SAMPLE: drawn * scale + mean}),
        scores=keras.Model(inputs, trained),
        loss=lambda scores, target: _loss(scores, target, latent, kl_weight),
        encode=lambda target: _encoded(target, mean, scale),
    )


def _decoded(spec: Model, codes: Any, width: int) -> Any:
    """Means and log deviations of the columns, [n, 2 F]."""
    told = hidden(spec, codes, "decode", backwards=True)
    centres = dense(spec, width, "centres")(told)
    deviations = dense(spec, width, "deviations")(told)
    return keras.ops.concatenate([centres, keras.ops.maximum(deviations, _NARROWEST)], axis=1)


def _drawn(told: Any, noise: Any) -> Any:
    centres, deviations = keras.ops.split(told, 2, axis=1)
    return centres + keras.ops.exp(deviations) * noise


def _loss(scores: Any, target: Any, latent: int, kl_weight: float) -> Any:
    """The negative evidence lower bound of each row, in nat."""
    ops = keras.ops
    mean, deviation = scores[:, :latent], scores[:, latent : 2 * latent]
    centres, deviations = ops.split(scores[:, 2 * latent :], 2, axis=1)
    squares = ops.square((target - centres) * ops.exp(-deviations))
    surprise = ops.sum(squares / 2 + deviations + math.log(2 * math.pi) / 2, axis=1)
    divergence = ops.square(mean) + ops.exp(2 * deviation) - 1 - 2 * deviation
    return surprise + kl_weight * ops.sum(divergence, axis=1) / 2


def _encoded(target: Array, mean: Array, scale: Array) -> Array:
    standard: Array = ((target - mean) / scale).astype(np.float32)
    return standard
