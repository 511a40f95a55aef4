"""`mltk queue run` against the API that clusters have, with nobody else who would do it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from mltk.apiserver.config import kubeconfig
from mltk.queueing.annotations import CALLED_AT, REPLACED_BY
from mltk.tekton.objects import annotations_of, spec_of
from tests.func.apiserver.serving import MLTK, serving
from tests.func.queueing.test_dispatcher import waiting


def test_command_tends_the_queues_of_a_cluster_until_it_is_told_to_stop(tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    with serving(tmp_path) as http:
        url = f"http://127.0.0.1:{http.port}"
        config.write_text(yaml.safe_dump(kubeconfig(url, None, None)), encoding="utf-8")
        for name, stamp in (("old", "1"), ("new", "2")):
            http.backend.create(waiting(name, "q", newest_wins="true", queued_at=stamp))
        command = [MLTK, "queue", "run", "--on", "cluster"]
        path = os.pathsep.join(sys.path)
        env = {**os.environ, "KUBECONFIG": str(config), "PYTHONPATH": path}
        with subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE) as tending:
            for event in http.backend.watch("pr", name="new"):
                if not spec_of(event.obj).get("status"):
                    break
            tending.terminate()
            assert tending.stderr is not None
            said = tending.stderr.read().decode()
            assert tending.wait() == 0, said
        old = http.backend.get("pr", "old")
        assert spec_of(old)["status"] == "Cancelled"
        assert annotations_of(old)[REPLACED_BY] == "new"
        assert CALLED_AT in annotations_of(http.backend.get("pr", "new"))
    assert said.splitlines() == [
        "tending the queues of namespace default; Ctrl-C ends it",
        "default/old of queue q is replaced by new",
        "default/new of queue q goes",
    ]
