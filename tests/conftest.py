"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says more about the machine and its load than about the property.
settings.register_profile("mltk", deadline=None)
settings.load_profile("mltk")
