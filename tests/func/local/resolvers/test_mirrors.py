"""Mirrors: what the resolvers fetch from in place of the address that is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from mltk.local.resolvers.git import Git
from mltk.local.resolvers.http import Http
from mltk.local.resolvers.hub import Hub
from mltk.local.resolvers.mirrors import CONFIG
from mltk.tekton.remote import Unresolved

from .conftest import Bench, config_map, greeter
from .test_git import Upstream

URL = "https://git.example.com/team/tasks.git"
ASKED = {"url": URL, "revision": "main", "pathInRepo": "tasks/greeter.yaml"}


def mirror(bench: Bench, table: Mapping[str, str]) -> None:
    bench.store.create(config_map(CONFIG, {"mirrors": json.dumps(table)}))


@pytest.mark.parametrize("place", ["./upstream", "file://{}", "{}"])
def test_a_repository_is_cloned_from_its_mirror_and_told_by_its_name(
    bench: Bench, tmp_path: Path, place: str
) -> None:
    upstream = Upstream(tmp_path / "upstream")
    other = {"https://git.example.com/": "/nowhere/", "https://git.example.org/": "/nowhere/"}
    mirror(bench, {**other, URL: place.format(upstream.folder)})
    found = bench.find(Git(), **ASKED)
    assert found.data.decode() == greeter()
    assert found.source["uri"] == f"git+{URL}"
    assert found.annotations["resolution.tekton.dev/url"] == URL


def test_what_follows_the_beginning_stays(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    Upstream(tmp_path / "team" / "tasks.git")
    mirror(bench, {"https://git.example.com/": "./"})
    assert bench.find(Git(), **ASKED).data.decode() == greeter()


def test_a_document_comes_from_its_mirror(
    bench: Bench,
    base: str,
) -> None:
    mirror(bench, {"https://raw.example.com/": f"{base}/"})
    found = bench.find(Http(), url="https://raw.example.com/task.yaml")
    assert found.data.decode() == greeter()
    assert found.source["uri"] == "https://raw.example.com/task.yaml"


@pytest.mark.parametrize("text", ["5", "{", "[]", "https://a: 5", "'': x"])
def test_a_table_that_is_none_is_told(bench: Bench, text: str) -> None:
    bench.store.create(config_map(CONFIG, {"mirrors": text}))
    with pytest.raises(Unresolved, match=f"'mirrors' in the ConfigMap {CONFIG} must be a table"):
        bench.find(Git(), **ASKED)


def test_a_mirror_must_be_what_the_resolver_can_fetch(bench: Bench) -> None:
    mirror(bench, {"https://": "nothing:"})
    with pytest.raises(Unresolved, match=r"^invalid git repository url: nothing:git\.example"):
        bench.find(Git(), **ASKED)
    with pytest.raises(Unresolved, match=r"^url nothing:git\S+ is not a valid http"):
        bench.find(Http(), url=URL)
    with pytest.raises(Unresolved, match=r"url nothing:artifacthub\S+ is not a valid http"):
        bench.find(Hub({}.get), name="x", version="1")
