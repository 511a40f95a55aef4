"""Labels and annotations of the runs that deliver models, as project/run.yaml.j2 writes them."""

from __future__ import annotations

MODEL, KEY, POLICY = "mltk.dev/model", "mltk.dev/key", "mltk.dev/policy"
REPRODUCES = "mltk.dev/reproduces"
"""In the place of MODEL on a run that makes a model again: it delivers none."""
SEARCHES = "mltk.dev/searches"
"""In the place of MODEL on a run that searches: it delivers another model than mltk.yaml has."""
PROJECT, WINDOW = "mltk.dev/project", "mltk.dev/window"
KEY_PARTS = "mltk.dev/key-parts"
"""An annotation: the parts of the key and the policy, as JSON."""
