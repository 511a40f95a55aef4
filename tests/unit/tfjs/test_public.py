from __future__ import annotations

import subprocess
import sys

import pytest

import mltk.tfjs


@pytest.mark.parametrize("name", mltk.tfjs.__all__)
def test_every_name_is_where_it_is_said_to_be(name: str) -> None:
    assert getattr(mltk.tfjs, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'export_modle'"):
        mltk.tfjs.export_modle  # noqa: B018


def test_reading_and_verifying_needs_no_tensorflow() -> None:
    code = "import sys; from mltk.tfjs import verify_bundle; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
