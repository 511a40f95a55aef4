"""What the environment says of a git host."""

from __future__ import annotations

import pytest

from mltk.errors import ConfigError
from mltk.forges.opening import link_to


def test_the_page_of_a_run() -> None:
    page = "https://tekton.example.org/#/namespaces/ml/pipelineruns/{run}"
    assert link_to("wine-x", {"MLTK_FORGE_LINK": page}) == page.replace("{run}", "wine-x")
    assert link_to("wine-x", {}) == ""


@pytest.mark.parametrize("page", ["https://tekton.example.org/", "tekton/{run}", "https:///{run}"])
def test_what_shows_no_run_is_refused(page: str) -> None:
    with pytest.raises(ConfigError, match="is no page of runs"):
        link_to("wine-x", {"MLTK_FORGE_LINK": page})
