"""Names for the arrays that tables, problems and steps pass on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]

Outputs = Mapping[str, Array]
"""What a model says about n rows, by output name, each [n, ...]."""
