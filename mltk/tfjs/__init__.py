"""TensorFlow.js bundles: export of any Keras model, and the proof in the real runtime.

None of it needs a project file or a pipeline::

    from mltk.tfjs import check_exportable, export_model, predict_bundle, verify_bundle

    check_exportable(keras_model)   # before it is trained
    digest = export_model(keras_model, "bundle", sample_rows)
    verify_bundle("bundle", backends=("cpu", "wasm"))
    outputs = predict_bundle("bundle", rows, backend="wasm")

Names are imported where they are first used: only the export needs TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mltk.tfjs.bundle import Bundle, bundle_digest, read_bundle
    from mltk.tfjs.export import check_exportable, export_model
    from mltk.tfjs.manifest import BundleDescription, Feature, Lineage, Manifest, OutputMeaning
    from mltk.tfjs.verify import Rows, predict_bundle, verify_bundle

__all__ = [
    "export_model",
    "check_exportable",
    "verify_bundle",
    "predict_bundle",
    "read_bundle",
    "bundle_digest",
    "Bundle",
    "BundleDescription",
    "Feature",
    "Lineage",
    "Manifest",
    "OutputMeaning",
    "Rows",
]

_HOMES = {
    "export_model": "export",
    "check_exportable": "export",
    "verify_bundle": "verify",
    "predict_bundle": "verify",
    "Rows": "verify",
    "read_bundle": "bundle",
    "bundle_digest": "bundle",
    "Bundle": "bundle",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'mltk.tfjs' has no attribute '{name}'")
    home = _HOMES.get(name, "manifest")
    return getattr(importlib.import_module(f"mltk.tfjs.{home}"), name)
