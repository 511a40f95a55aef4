from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mltk.deploy import publish, read_channel
from mltk.errors import InfrastructureError, StepError
from mltk.tfjs import bundle_digest

_EXPORT = """
import sys
import keras
import numpy as np
from mltk.tfjs import export_model
for number in range(3):
    inputs = keras.Input((1,), name="features")
    dense = keras.layers.Dense(1)
    model = keras.Model(inputs, {"prediction": dense(inputs)})
    dense.set_weights([np.array([[float(number)]]), np.array([0.0])])
    export_model(model, f"{sys.argv[1]}/{number}", np.ones((1, 1), "float32"))
"""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bundles")
    subprocess.run([sys.executable, "-c", _EXPORT, str(folder)], check=True, capture_output=True)
    return sorted(folder.iterdir())


def _clock(day: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, day, tzinfo=datetime.UTC)


def _snapshot(site: Path) -> dict[str, bytes]:
    return {str(p.relative_to(site)): p.read_bytes() for p in site.rglob("*") if p.is_file()}


def test_a_bundle_lies_under_its_digest_and_the_channel_names_it(
    bundles: list[Path], tmp_path: Path
) -> None:
    release = publish(tmp_path, "wine", bundles[0], "1", lambda: _clock(1))
    place = bundle_digest(bundles[0]).removeprefix("sha256:")
    assert release.url == f"/models/wine/{place}/"
    names = {path.name for path in bundles[0].iterdir()}
    assert {path.name for path in (tmp_path / "models/wine" / place).iterdir()} == names
    assert json.loads((tmp_path / "models/wine/channel.json").read_text()) == {
        "format_version": 1,
        "model": "wine",
        "champion": {
            "digest": f"sha256:{place}",
            "path": f"{place}/model.json",
            "version": "1",
        },
        "previous": None,
        "updated": "2026-01-01T00:00:00Z",
    }
    rules = json.loads((tmp_path / "firebase.json").read_text())["hosting"]["headers"]
    caching = {rule["source"]: rule["headers"][0]["value"] for rule in rules}
    assert caching == {
        "/models/*/*/*": "public, max-age=31536000, immutable",
        "/models/*/channel.json": "no-cache",
    }


def test_publishing_again_changes_nothing(bundles: list[Path], tmp_path: Path) -> None:
    publish(tmp_path, "wine", bundles[0], "1", lambda: _clock(1))
    before = _snapshot(tmp_path)
    assert not publish(tmp_path, "wine", bundles[0], "1", lambda: _clock(2)).changed
    assert _snapshot(tmp_path) == before


def test_the_bundle_before_stays_and_can_come_back(bundles: list[Path], tmp_path: Path) -> None:
    first = publish(tmp_path, "wine", bundles[0], "1")
    publish(tmp_path, "wine", bundles[1], "2")
    assert (tmp_path / first.url.lstrip("/") / "model.json").exists()
    publish(tmp_path, "wine", bundles[0], "1")
    channel = read_channel(tmp_path / "models/wine/channel.json")
    assert channel is not None
    assert (channel["champion"]["version"], channel["previous"]["version"]) == ("1", "2")


def test_headers_that_someone_edited_are_kept(bundles: list[Path], tmp_path: Path) -> None:
    (tmp_path / "firebase.json").write_text("{}")
    publish(tmp_path, "wine", bundles[0])
    assert (tmp_path / "firebase.json").read_text() == "{}"


def test_a_release_that_fails_leaves_the_one_before(bundles: list[Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    publish(site, "wine", bundles[0], "1")
    before = _snapshot(site)
    digest = bundle_digest(bundles[1]).removeprefix("sha256:")
    (site / "models/wine" / digest).write_text("in the way")
    with pytest.raises((StepError, InfrastructureError)):
        publish(site, "wine", bundles[1], "2")
    (site / "models/wine" / digest).unlink()
    assert _snapshot(site) == before


def test_a_site_that_cannot_be_written_is_named(bundles: list[Path], tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(InfrastructureError, match="the site could not be written") as caught:
        publish(tmp_path / "site", "wine", bundles[0])
    assert caught.value.hint and "deploy.folder" in caught.value.hint


def test_a_channel_of_someone_else_is_not_overwritten(bundles: list[Path], tmp_path: Path) -> None:
    channel = tmp_path / "models/wine/channel.json"
    channel.parent.mkdir(parents=True)
    channel.write_text('{"champion": 3}')
    with pytest.raises(StepError, match="not a channel file of mltk"):
        publish(tmp_path, "wine", bundles[0])
    assert channel.read_text() == '{"champion": 3}'
