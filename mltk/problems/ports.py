"""Names of the inputs and outputs of models that learn rows, for those who build and who judge."""

from __future__ import annotations

CODE, RECONSTRUCTION = "code", "reconstruction"
CODES, DECODED = "codes", "decoded"
"""The input and the output of a decoder by itself."""
NOISE, SAMPLE = "noise", "sample"
