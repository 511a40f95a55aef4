"""What a run on a cluster is made from: a repository that pods can clone, at a published commit.

A pod sees neither the work tree nor the disk of this machine, so work that is not committed and
pushed is refused, with the command that publishes it. What the rules say of an URL and of the
references of a remote is pure; `repo_url` and `published_revision` ask git.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import PurePath
from urllib.parse import urlsplit

from mltk.errors import ConfigError, InfrastructureError
from mltk.project.git import Repository
from mltk.project.load import FILENAME
from mltk.project.request import RunRequest, run_request
from mltk.project.spec import Project
from mltk.urls import is_this_machine, with_user_alone, without_password

REMOTE = "origin"

_SCHEMES = {"https", "http", "ssh", "git", "git+ssh", "ssh+git"}
# git's own rule: a colon before the first slash, and no drive letter in front of it.
_SCP_LIKE = re.compile(r"(?:[^/:@\s]+@)?(?P<host>\[[^\]\s]+\]|[^/:\s]{2,}):(?!//)\S+")


def cluster_request(
    project: Project, name: str, repository: Repository, revision: str, url: str
) -> RunRequest:
    """The request to deliver model `name` on a cluster, whose pods clone `url` at `revision`.

    `deploy.folder` is one of this machine, so that a cluster deploys nowhere. ConfigError when the
    data in the folder is not what its .dvc file says: the cluster would learn from something else.
    """
    asked = run_request(project, name, repository, revision)
    return dataclasses.replace(asked, repo_url=url, deploy_folder="", image=project.cluster.image)


def repo_url(project: Project, repository: Repository) -> str:
    """What the Tasks clone: cluster.repo_url of mltk.yaml, else the remote `origin`.

    A password in the URL of the remote stays here: pods have credentials of their own, from the
    Secret `mltk-source`. ConfigError when there is neither, or no pod can reach it.
    """
    given = project.cluster.repo_url
    # Not `git remote get-url`: what insteadOf makes of the URL is of this machine.
    found = given or repository.try_git("config", "--get", f"remote.{REMOTE}.url")
    if not found:
        raise ConfigError(
            f"the repository has no remote '{REMOTE}', so a cluster has nothing to clone",
            where=str(repository.root),
            hint=f"type `git remote add {REMOTE} URL && git push -u {REMOTE} HEAD`, or give "
            f"cluster.repo_url in {FILENAME}",
        )
    url = found.strip()
    if why := unreachable(url):
        raise ConfigError(
            f"pods cannot clone {without_password(url)}: {why}",
            where=f"cluster.repo_url of {FILENAME}" if given else f"remote '{REMOTE}'",
            hint=f"give cluster.repo_url in {FILENAME}, such as https://git.example.org/team/x.git",
        )
    return _for_all(url)


def unreachable(url: str) -> str:
    """Why no pod can clone `url`, in words; empty when nothing speaks against it."""
    parts = urlsplit(url)
    if parts.scheme in _SCHEMES and "://" in url:
        host = parts.hostname or ""
        if not host or not parts.path.strip("/"):
            return "it names no host and repository"
        return "it is this machine itself" if is_this_machine(host) else ""
    if "://" in url and parts.scheme != "file":
        return f"'{parts.scheme}' is no protocol that git clones by"
    scp = _SCP_LIKE.fullmatch(url)
    if scp is None or parts.scheme == "file" or PurePath(url).is_absolute():
        return "it is a folder of this machine"
    return "it is this machine itself" if is_this_machine(scp["host"].strip("[]")) else ""


def published_revision(repository: Repository, url: str) -> str:
    """Full SHA of HEAD, when all work is committed and the repository at `url` has that commit.

    Where `url` cannot be read from here (it may be a name of the cluster), the remote `origin`
    answers for it. ConfigError with the command to type when work is not committed or not pushed,
    InfrastructureError when no remote can be asked.
    """
    push = _push_command(repository, url)
    head = repository.head()
    if repository.is_dirty():
        raise ConfigError(
            "work is not committed, so a cluster cannot clone it",
            where=str(repository.root),
            hint=f"type `git add --all && git commit && {push}`",
        )
    asked, listing = _listing(repository, url)
    if not _holds(repository, asked, dict(references(listing)), head):
        raise ConfigError(
            f"the commit {head[:12]} is not in {without_password(asked)}, so no pod can clone it",
            where=str(repository.root),
            hint=f"type `{push}`",
        )
    return head


def references(listing: str) -> Iterator[tuple[str, str]]:
    """Name and SHA of each reference in what ``git ls-remote`` prints."""
    for line in listing.splitlines():
        sha, tab, name = line.partition("\t")
        if tab:
            yield name, sha


def _listing(repository: Repository, url: str) -> tuple[str, str]:
    """The remote that answered, and what it said."""
    said = repository.try_git("ls-remote", "--quiet", "--", url)
    if said is not None:
        return url, said
    other = (repository.try_git("config", "--get", f"remote.{REMOTE}.url") or "").strip()
    said = repository.try_git("ls-remote", "--quiet", "--", REMOTE) if other else None
    if said is None:
        raise InfrastructureError(
            "no remote says whether it has the commit, because none could be read",
            where=without_password(url),
            hint=f"type `git ls-remote {without_password(url)}` and see what is wrong",
        )
    return other, said


def _holds(repository: Repository, asked: str, tips: dict[str, str], head: str) -> bool:
    """Whether `head` is one of the remote's commits, by its tips or by their history."""
    if head in tips.values():
        return True
    branches = {name: sha for name, sha in tips.items() if name.startswith("refs/heads/")}
    unknown = [
        name for name, sha in branches.items() if repository.try_git("cat-file", "-e", sha) is None
    ]
    if unknown:
        # Objects alone: no branch and no FETCH_HEAD of the user's moves.
        repository.try_git(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", asked, *unknown
        )
    return any(
        repository.try_git("merge-base", "--is-ancestor", head, sha) is not None
        for sha in branches.values()
    )


def _push_command(repository: Repository, url: str) -> str:
    """The command that publishes HEAD where pods clone it."""
    branch = (repository.try_git("symbolic-ref", "--quiet", "--short", "HEAD") or "").strip()
    named = (repository.try_git("config", "--get-regexp", r"^remote\..*\.url$") or "").splitlines()
    remotes = {
        each.strip(): key.removeprefix("remote.").removesuffix(".url")
        for key, _, each in (line.partition(" ") for line in named)
    }
    default = REMOTE if REMOTE in remotes.values() else without_password(url)
    remote = next((name for each, name in remotes.items() if _for_all(each) == url), default)
    return f"git push {remote} {branch or 'HEAD:refs/heads/NAME'}"


def _for_all(url: str) -> str:
    """`url` without the credentials of whoever typed it; the user of ssh is part of the address."""
    http = url.startswith(("http://", "https://"))
    return without_password(url) if http else with_user_alone(url)
