"""The resolvers that there are."""

from __future__ import annotations

from collections.abc import Mapping

from mltk.local.resolvers.base import Resolver
from mltk.local.resolvers.bundles import Bundles
from mltk.local.resolvers.cluster import Cluster
from mltk.local.resolvers.git import Git
from mltk.local.resolvers.http import Http
from mltk.local.resolvers.hub import Hub

_ALL: tuple[Resolver, ...] = (Bundles(), Cluster(), Git(), Http(), Hub())
RESOLVERS: Mapping[str, Resolver] = {each.type: each for each in _ALL}
