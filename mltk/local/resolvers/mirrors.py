"""Where documents are fetched from in place of the address that a reference gives.

A table for machines that do not reach the net themselves, as `url.<base>.insteadOf` of git is one.
Tekton has none; a run's status names the address that was asked for, not that of the mirror.
"""

from __future__ import annotations

import yaml

from mltk.local.resolvers import settings
from mltk.local.resolvers.base import Errand
from mltk.tekton.remote import Unresolved

CONFIG, _KEY = "mltk-resolver-mirrors", "mirrors"
_WANTED = (
    f"'{_KEY}' in the ConfigMap {CONFIG} must be a table of texts in YAML: the beginning of an"
    " address, and what stands in for it"
)


def mirrored(url: str, errand: Errand) -> str:
    """Return the address to fetch from: that with the longest beginning in the table replaced."""
    data = settings.data(errand.store, CONFIG) or {}
    table = _read(data[_KEY]) if data.get(_KEY) else {}
    begun = max((each for each in table if url.startswith(each)), key=len, default="")
    return table[begun] + url[len(begun) :] if begun else url


def _read(text: str) -> dict[str, str]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise Unresolved(_WANTED)
    if not all(isinstance(each, str) and each for pair in found.items() for each in pair):
        raise Unresolved(_WANTED)
    return found
