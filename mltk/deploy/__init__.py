"""Where models go to be used: a static site, with or without a hosting service behind it."""

from __future__ import annotations

from mltk.deploy.site import Release, publish, read_channel

__all__ = ["publish", "read_channel", "Release"]
