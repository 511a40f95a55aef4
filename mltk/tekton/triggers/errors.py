"""The one way in which a trigger does not come to its objects."""

from __future__ import annotations


class TriggerError(ValueError):
    """Why a trigger makes nothing of an event; Tekton's sink logs it and still answers 202."""
