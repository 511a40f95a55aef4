"""The clock of the chart in a cluster: windows that are due are run, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mltk.tekton.objects import labels_of, name_of
from tests.cluster.programs import Project, condition, is_done
from tests.cluster.scene import Scene
from tests.cluster.surroundings import move_in
from tests.func.pipeline.conftest import Project as Folder
from tests.func.pipeline.test_windows import hold, rows

pytestmark = pytest.mark.timeout(900)

_OF_TICKS = "triggers.tekton.dev/trigger=windows-tick"


@pytest.fixture(scope="module")
def tides(scene: Scene, copies: Callable[[str], Folder]) -> Project:
    """A project with one window that is closed, in the repository that the chart is told of."""
    folder = copies("tides")
    spec = folder.spec()
    folder.the_model(spec)["windows"] = {"every": "1w", "time_column": "when"}
    folder.write_spec(spec)
    hold(folder, rows(0, 168 + 6))
    move_in(folder, scene.host, scene.remote, "tides")
    folder.commit("Keep code and data elsewhere")
    folder.git("push", "--quiet", "origin", "main")
    return Project(folder.folder, scene.project.cluster, scene.project.namespace)


def test_two_ticks_at_once_run_a_window_once(scene: Scene, tides: Project) -> None:
    kubectl, where = tides.cluster.kubectl, ("-n", tides.namespace)
    for number in (1, 2):
        kubectl("create", "job", f"tick-{number}", "--from=cronjob/mltk-tick", *where)
    _see_ended(tides, 2)
    (run,) = scene.runs("mltk.dev/window")
    assert labels_of(run)["mltk.dev/window"].startswith("20240108T000000Z-")
    # How it is trained is looked at elsewhere.
    tides.mltk("cancel", name_of(run))
    listed = tides.mltk("windows", "list", "-o", "json").stdout
    assert name_of(run) in listed


def _see_ended(project: Project, count: int) -> None:
    """The Tasks that ticks have started."""
    ended: set[str] = set()

    def all_ended(run: Any) -> bool:
        if is_done(run):
            said = project.mltk("logs", name_of(run), code=None)
            assert condition(run)["reason"] == "Succeeded", said.stdout + said.stderr
            ended.add(name_of(run))
        return len(ended) == count

    project.watch("taskrun", "-l", _OF_TICKS, until=all_ended)
