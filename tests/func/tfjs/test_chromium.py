"""Bundles in a headless Chromium; where there is none, what is said about it."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mltk.errors import InfrastructureError, StepError
from mltk.tfjs import predict_bundle, verify_bundle
from mltk.tfjs.chromium import Chromium, find_chromium
from tests.func.tfjs.architectures import ARCHITECTURES
from tests.func.tfjs.models_table import BACKENDS, measure, passes
from tests.func.tfjs.test_proof import ROWS, _change_weights

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
has_chromium = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "google-chrome"))), reason="there is no Chromium"
)


@has_chromium
def test_every_backend_of_a_page_computes_what_keras_does(tmp_path: Path) -> None:
    with Chromium() as browser:
        for name in ("multilayer perceptron", "convolutional classifier", "transformer block"):
            found = measure(ARCHITECTURES[name], BACKENDS, tmp_path / "bundle", browser)
            assert all(passes(backend, error) for backend, error in found.items()), (name, found)


@has_chromium
def test_backends_of_both_runtimes_are_told_in_the_order_asked_for(bundle: Path) -> None:
    found = verify_bundle(bundle, ("webgl", "cpu", "browser-wasm"))
    assert [check.backend for check in found.backends] == ["webgl", "cpu", "browser-wasm"]
    assert {"node", "chromium", "tfjs"} == set(found.runtime)
    predicted = predict_bundle(bundle, ROWS, "webgl")["y"]
    np.testing.assert_allclose(predicted, predict_bundle(bundle, ROWS)["y"], atol=1e-5)


@has_chromium
def test_a_page_notices_weights_that_changed(bundle: Path) -> None:
    _change_weights(bundle)
    with pytest.raises(StepError, match=r"golden rows are off by 0\.\d+ .* on the webgl backend"):
        verify_bundle(bundle, ("webgl",))


_OPENED = """
import sys
from mltk.tfjs.chromium import Chromium
with Chromium() as browser:
    print(browser._process.pid, flush=True)
    sys.stdin.read()
"""


@has_chromium
@pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv of util-linux")
def test_a_browser_goes_with_a_process_that_is_killed() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OPENED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdin and owner.stdout
    browser = os.pidfd_open(int(owner.stdout.readline()))
    try:
        assert select.select([browser], [], [], 0)[0] == []
        owner.kill()
        # Readable when it has ended.
        assert select.select([browser], [], [], 60)[0] == [browser]
    finally:
        os.close(browser)
        owner.wait()
        owner.stdin.close()
        owner.stdout.close()


def test_a_machine_without_one_is_told_what_to_do() -> None:
    with pytest.raises(
        InfrastructureError, match=r"a Chromium is needed .* there is none"
    ) as found:
        find_chromium({"PATH": ""})
    assert "apt-get install chromium" in str(found.value.hint)
    assert found.value.exit_code == 5
    with pytest.raises(InfrastructureError, match="MLTK_CHROMIUM is 'netscape', which is no"):
        find_chromium({"PATH": "", "MLTK_CHROMIUM": "netscape"})


def test_a_browser_that_breaks_down(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 7\n")
    broken.chmod(0o755)
    monkeypatch.setenv("MLTK_CHROMIUM", str(broken))
    with pytest.raises(InfrastructureError, match="Chromium ended with code 7: no display"):
        verify_bundle(bundle, ("webgl",))
