"""What this machine's Tekton is set to: the ConfigMaps that a cluster would have."""

from __future__ import annotations

from mltk.local.reading import Reader
from mltk.tekton.config import (
    CONFIG_DEFAULTS,
    FEATURE_FLAGS,
    NAMESPACE,
    TEKTONS,
    Config,
    Defaults,
    FeatureFlags,
)


def read_config(reader: Reader) -> Config:
    """Return the settings of now; those of Tekton itself while nobody has applied any."""
    flags, defaults = (
        (reader.find("ConfigMap", name, NAMESPACE) or {}).get("data")
        for name in (FEATURE_FLAGS, CONFIG_DEFAULTS)
    )
    if not flags and not defaults:
        return TEKTONS
    return Config(FeatureFlags.read(flags or {}), Defaults.read(defaults or {}))
