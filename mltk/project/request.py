"""What a run is asked to do: one model, at one revision, with one version of its data."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable
from pathlib import Path

from mltk.data.dvc import locate, refuse_changed
from mltk.errors import UsageError
from mltk.project.checking import SCHEMA_FILE
from mltk.project.complaints import suggestion
from mltk.project.git import Repository
from mltk.project.key import KeyParts, key, key_parts, policy
from mltk.project.load import FILENAME
from mltk.project.placement import Resources
from mltk.project.spec import Model, Project


@dataclasses.dataclass(frozen=True)
class RunRequest:
    """Everything that tells two runs of a project apart.

    `deploy_folder` is empty when the model is only registered, `image` None for the one that the
    Pipeline names. `window` names the time window to learn from, empty for the whole table.
    """

    project: str
    model: str
    repo_url: str
    revision: str
    data_version: str
    parts: KeyParts
    key: str
    policy: str
    deploy_folder: str
    resources: Resources
    image: str | None = None
    window: str = ""


def revision_of(repository: Repository) -> str:
    """The commit that holds the work tree as it is: HEAD, or a snapshot when files changed."""
    return repository.snapshot() if repository.is_dirty() else repository.head()


def select(project: Project, names: Iterable[str]) -> tuple[str, ...]:
    """The models that `names` ask for, all when there are none.

    A name may be a pattern, as of files in a shell. UsageError for one that no model has.
    """
    asked: dict[str, None] = {}
    for name in names:
        found = [each for each in project.models if fnmatch.fnmatchcase(each, name)]
        if not found:
            pattern = any(sign in name for sign in "*?[")
            what = f"no model fits '{name}'" if pattern else f"no model '{name}'"
            raise UsageError(
                f"{what} in {FILENAME}{suggestion(name, project.models)}",
                hint="`mltk config show` prints the project",
            )
        asked |= dict.fromkeys(found)
    return tuple(asked) or tuple(project.models)


def select_one(project: Project, name: str) -> str:
    """The one model that `name` asks for; UsageError where that is none, or more than one."""
    found = select(project, [name])
    if len(found) > 1:
        raise UsageError(
            f"'{name}' are {len(found)} models, and this is for one", hint=f"name {found[0]}"
        )
    return found[0]


def run_request(
    project: Project,
    name: str,
    repository: Repository,
    revision: str,
    objects: Path | None = None,
) -> RunRequest:
    """The request to deliver model `name` at `revision` (full SHA) of the project's repository.

    `objects` is the DVC project that has the data, where that is not the repository's own.
    Tasks clone the folder itself; for those that cannot there is `mltk.project.cluster`.
    ConfigError when the data in the folder is not what its .dvc file says, because a run would
    then learn from something else.
    """
    model = project.models[name]
    tracked = locate(repository, model.data.path, revision, objects)
    refuse_changed(repository, tracked)
    parts = key_parts(name, model, tracked.version)
    return RunRequest(
        project=project.project,
        model=name,
        repo_url=str(repository.root),
        revision=revision,
        data_version=tracked.version,
        parts=parts,
        key=key(parts),
        policy=policy(model, repository.read(revision, SCHEMA_FILE)),
        deploy_folder=_deploy_folder(model, repository.root),
        resources=model.resources,
    )


def windowed(request: RunRequest, window: str, version: str) -> RunRequest:
    """The same for one window of the table; `version` is that of the rows in it."""
    parts = dataclasses.replace(request.parts, data=version)
    return dataclasses.replace(
        request, data_version=version, window=window, parts=parts, key=key(parts)
    )


def _deploy_folder(model: Model, root: Path) -> str:
    return str(root / model.deploy.folder) if model.deploy else ""
