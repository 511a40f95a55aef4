"""A program for any user: starts a container, one more command in it, and prints what they said."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
from mltk.local.rootfs import Bind
from mltk.local.runtime import Launch

folder = Path(sys.argv[1])
for name in ("scratch", "data"):
    (folder / name).mkdir()
script = (
    "id -u; cd /workspace; echo kept > file; echo x > ~/x; cat ~/x; touch /tekton/here;"
    " kill -0 1; echo $$; echo up > /inside; while test -e /workspace/file; do :; done; exit 3"
)
with ProcessRuntime(isolation=Isolation(folder / "scratch")) as runtime:
    if runtime.plain_because:
        sys.exit(f"plain: {runtime.plain_because}")
    binds = (Bind(str(folder / "data"), "/workspace"), Bind(str(folder / "data"), "/tekton/deep"))
    log, home = folder / "log", {"HOME": str(folder)}
    pod = runtime.pod()
    step = pod.start(Launch(("sh", "-c", script), home, Path("/"), log, binds), threading.Event())
    probe = "until test -e /inside; do :; done; cat /inside"
    beside = Launch(("sh", "-c", probe), home, Path("/"), folder / "probe")
    code = pod.execute(step, beside).wait()
    (folder / "data" / "file").unlink()
    codes = f"{code} {step.wait()}\n"
sys.stdout.write(codes + (folder / "log").read_text() + (folder / "probe").read_text())
