from __future__ import annotations

import os
import signal
import subprocess
import sys

from mltk.local.identity import ProcessIdentity


def test_process_is_alive_until_it_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = ProcessIdentity.of(process.pid)
        assert identity is not None
        assert identity.alive
        process.kill()
    assert not identity.alive
    assert ProcessIdentity.of(process.pid) is None


def test_zombie_is_dead() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert ProcessIdentity.of(process.pid) is None
    process.wait()


def test_process_that_only_has_the_number_is_spared() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        ProcessIdentity(process.pid, "another start").kill_group()
        assert process.poll() is None
        identity = ProcessIdentity.of(process.pid)
        assert identity is not None
        identity.kill_group()
        assert process.wait() == -signal.SIGKILL
