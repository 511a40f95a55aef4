"""The resolver ``git``, on real repositories of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mltk.local.resolvers.bounds import Deadline, TimedOut
from mltk.local.resolvers.git import Git
from mltk.tekton.remote import Unresolved

from .conftest import Bench, config_map, greeter

GIT = Git()


class Upstream:
    """A repository with one Task, to which commits are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self("init", "--quiet", "--initial-branch=main")
        self.commit({"tasks/greeter.yaml": greeter()})

    def __call__(self, *arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", *who, "-C", str(self.folder), *arguments]
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=env
        ).stdout.strip()

    def commit(self, files: dict[str, str]) -> str:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        self("add", "--all")
        self("commit", "--quiet", "--message=files")
        return self("rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


def asked(upstream: Upstream, **params: Any) -> dict[str, Any]:
    found = {"url": str(upstream.folder), "revision": "main", "pathInRepo": "tasks/greeter.yaml"}
    return {**found, **params}


def test_a_file_at_a_branch_is_found_with_its_commit(bench: Bench, upstream: Upstream) -> None:
    commit = upstream("rev-parse", "HEAD")
    found = bench.find(GIT, **asked(upstream))
    assert found.data.decode() == greeter()
    assert found.source == {
        "uri": f"git+{upstream.folder}",
        "digest": {"sha1": commit},
        "entryPoint": "tasks/greeter.yaml",
    }
    assert found.annotations["resolution.tekton.dev/revision"] == commit


@pytest.mark.parametrize("how", ["commit", "tag", "branch"])
def test_a_revision_stays_what_it_was(bench: Bench, upstream: Upstream, how: str) -> None:
    commit = upstream("rev-parse", "HEAD")
    upstream("tag", "old")
    upstream("branch", "side")
    upstream.commit({"tasks/greeter.yaml": greeter(word="bye")})
    revision = {"commit": commit, "tag": "old", "branch": "side"}[how]
    found = bench.find(GIT, **asked(upstream, revision=revision))
    assert found.data.decode() == greeter()


@pytest.mark.parametrize("form", ["file://{}", "{}", "./upstream"])
def test_a_repository_of_this_machine_is_named_in_any_way(
    bench: Bench, upstream: Upstream, form: str
) -> None:
    url = form.format(upstream.folder)
    assert bench.find(GIT, **asked(upstream, url=url)).data.decode() == greeter()


def test_a_link_is_followed_as_long_as_it_stays_in_the_repository(
    bench: Bench, upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "secret.yaml").write_text(greeter("secret"), encoding="utf-8")
    (upstream.folder / "inside.yaml").symlink_to("tasks/greeter.yaml")
    (upstream.folder / "outside.yaml").symlink_to("../secret.yaml")
    (upstream.folder / "absolute.yaml").symlink_to(tmp_path / "secret.yaml")
    upstream.commit({})
    assert bench.find(GIT, **asked(upstream, pathInRepo="inside.yaml")).data.decode() == greeter()
    for name in ("outside.yaml", "absolute.yaml"):
        with pytest.raises(Unresolved, match="attempts to escape the repository directory"):
            bench.find(GIT, **asked(upstream, pathInRepo=name))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"pathInRepo": "gone.yaml"}, 'error opening file "gone.yaml": file does not exist'),
        ({"pathInRepo": "tasks"}, 'error opening file "tasks": is a directory'),
        ({"pathInRepo": "gone\nHEAD:tasks/greeter.yaml"}, "file does not exist"),
        ({"revision": "gone"}, "git fetch error: fatal: couldn't find remote ref gone: exit stat"),
        ({"url": "/nowhere"}, "error resolving repository: git clone error: fatal: .*nowhere"),
        ({"url": "ext::sh -c echo@a:b"}, "transport 'ext' not allowed"),
        ({"url": "x/y"}, "^invalid git repository url: x/y$"),
        ({"url": "--upload-pack=touch@a:b"}, "error resolving repository: git clone error"),
        ({"revision": "--upload-pack=x"}, "must not begin with '-'"),
        ({"pathInRepo": "a/../../b"}, "must not contain '..' components"),
        ({"repo": "r"}, "cannot specify both 'url' and 'repo'"),
        ({"url": "", "repo": "r"}, "'repo': the API of a git server is not done yet"),
        ({"configKey": "x"}, "no git resolver configuration found for configKey x"),
        ({"gitToken": "t"}, "cannot get API token, secret t not found in namespace default"),
    ],
)
def test_what_cannot_be_found_is_told_in_tekton_s_words(
    bench: Bench, upstream: Upstream, params: dict[str, str], message: str
) -> None:
    bench.store.create(config_map(GIT.config, {"backoff-steps": "1"}))
    with pytest.raises(Unresolved, match=message):
        bench.find(GIT, **asked(upstream, **params))


def test_params_that_are_missing_come_from_the_config_map(bench: Bench, upstream: Upstream) -> None:
    with pytest.raises(Unresolved, match=r"missing required git resolver params: pathInRepo$"):
        bench.find(GIT, url=str(upstream.folder))
    data = {"default-url": str(upstream.folder), "ours.default-url": "/nowhere"}
    bench.store.create(config_map(GIT.config, data))
    with pytest.raises(Unresolved, match=r"resolver params: revision$"):
        bench.find(GIT, pathInRepo="tasks/greeter.yaml")
    found = bench.find(GIT, pathInRepo="tasks/greeter.yaml", revision="main")
    assert found.data.decode() == greeter()
    with pytest.raises(Unresolved, match="/nowhere"):
        bench.find(GIT, pathInRepo="x", revision="main", configKey="ours")


def test_hooks_and_filters_of_a_repository_do_not_run(
    bench: Bench, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = tmp_path / "proof"
    settings = tmp_path / "gitconfig"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {proof}\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    settings.write_text(
        f'[core]\n\thooksPath = {hooks}\n[filter "f"]\n\tsmudge = touch {proof}\n',
        encoding="utf-8",
    )
    upstream.commit({".gitattributes": "*.yaml filter=f\n"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert bench.find(GIT, **asked(upstream)).data.decode() == greeter()
    assert not proof.exists()


def test_a_document_that_is_too_long_is_refused(bench: Bench, upstream: Upstream) -> None:
    upstream.commit({"big.yaml": "#" * ((1 << 20) + 1)})
    with pytest.raises(Unresolved, match="exceeds 1048576 bytes"):
        bench.find(GIT, **asked(upstream, pathInRepo="big.yaml"))


def test_what_is_on_the_net_is_tried_again(bench: Bench) -> None:
    # Nobody listens there; the pause between the attempts is longer than the deadline.
    errand = bench.errand(GIT, url="http://127.0.0.1:1/x", revision="main", pathInRepo="x")
    with pytest.raises(TimedOut):
        GIT.resolve(errand.timed(Deadline(1)))


def test_git_ends_with_its_deadline() -> None:
    deadline = Deadline(0.2)
    with pytest.raises(TimedOut):
        deadline.run(["sh", "-c", "sleep 60 & wait"], os.environ)


def test_a_commit_is_immutable_and_a_branch_is_not(bench: Bench) -> None:
    assert GIT.is_immutable(bench.errand(GIT, revision="a" * 40))
    assert not GIT.is_immutable(bench.errand(GIT, revision="main"))


def test_what_is_for_the_api_of_a_server_counts_with_repo_alone(
    bench: Bench, upstream: Upstream
) -> None:
    api = {"scmType": "github", "serverURL": "https://x.example", "token": "gone", "org": "o"}
    assert bench.find(GIT, **asked(upstream, **api)).data.decode() == greeter()
