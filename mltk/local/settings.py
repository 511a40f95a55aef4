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
    found = reader.named("ConfigMap", (FEATURE_FLAGS, CONFIG_DEFAULTS), NAMESPACE)
    if not found:
        return TEKTONS
    flags, defaults = (
        (found.get(name) or {}).get("data") or {} for name in (FEATURE_FLAGS, CONFIG_DEFAULTS)
    )
    return Config(FeatureFlags.read(flags), Defaults.read(defaults))
