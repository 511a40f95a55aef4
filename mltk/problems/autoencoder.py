"""Encoder and decoder: principal components, and what hidden layers add to them.

The layers that add begin as nothing, so that the training can only improve on the components as
far as the validation rows can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Floats
from mltk.data.table import Rows
from mltk.problems.backend import keras
from mltk.problems.columns import columns
from mltk.problems.network import Network, hidden, still
from mltk.problems.pca import Components
from mltk.problems.ports import CODE, CODES, DECODED, RECONSTRUCTION

if TYPE_CHECKING:
    from mltk.project.spec import Model


def network(spec: Model, known: Rows, found: Components, *, linear: bool) -> Network:
    """Build the two for training rows; `linear` leaves them the components `found`, untrained."""
    inputs, standard = columns(spec, known.features)
    width = len(found.directions)
    code = _line(found.encoder, CODE if linear else "encode_line", trains=not linear)(standard)
    if not linear:
        rest = still(spec, width, "encode_rest")(hidden(spec, standard, "encode"))
        code = keras.layers.Add(name=CODE)([code, rest])
    codes = keras.Input((width,), name=CODES)
    decode = keras.Model(codes, _decoded(spec, codes, found, linear=linear), name="decoder")
    scale, mean = found.scale.astype(np.float32), found.mean.astype(np.float32)
    again = decode(code)
    model = keras.Model(
        {inputs.name: inputs, CODES: codes},
        {CODE: code, RECONSTRUCTION: again * scale + mean, DECODED: decode(codes) * scale + mean},
    )
    shift, stretch = found.mean, found.scale
    return Network(
        model=model,
        scores=keras.Model(inputs, again),
        loss=lambda scores, target: keras.ops.mean(keras.ops.square(scores - target), axis=1),
        encode=lambda target: ((target - shift) / stretch).astype(np.float32),
    )


def _decoded(spec: Model, codes: Any, found: Components, *, linear: bool) -> Any:
    line = _line(found.decoder, "decode_line", trains=not linear)(codes)
    if linear:
        return line
    width = found.directions.shape[1]
    rest = still(spec, width, "decode_rest")(hidden(spec, codes, "decode", backwards=True))
    return keras.layers.Add(name="decode_sum")([line, rest])


def _line(weights: Floats, name: str, *, trains: bool) -> Any:
    """A layer of given weights [inputs, units]."""
    layer = keras.layers.Dense(weights.shape[1], use_bias=False, name=name, trainable=trains)
    layer.build((None, weights.shape[0]))
    layer.set_weights([weights])
    return layer
