"""`mltk compile`: the Tekton objects that `mltk run` would make, for a cluster or for reading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import params_option
from mltk.cli.candidates import complete_model
from mltk.errors import ConfigError, InfrastructureError

if TYPE_CHECKING:
    from mltk.project.git import Repository
    from mltk.project.request import RunRequest
    from mltk.project.spec import Project


@click.command(
    "compile",
    **example(
        "mltk compile wine-alcohol",
        "mltk compile -o build --repo-url https://git.example.org/wine.git",
        "kubectl apply -f build/manifests.yaml",
        "kubectl create -f build/wine-alcohol.run.yaml",
    ),
)
@click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete_model)
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write MODEL.run.yaml of each model there, and manifests.yaml with what they refer to.",
)
@click.option("--repo-url", help="What the Tasks clone; the folder itself when not given.")
@click.option("--tracking-uri", help="MLflow to record in; that of mltk.yaml when not given.")
@click.option("-n", "--namespace", default=None, help="Namespace of the runs.")
@params_option
def command(
    models: tuple[str, ...],
    folder: Path | None,
    repo_url: str | None,
    tracking_uri: str | None,
    namespace: str | None,
    params: dict[str, str],
) -> None:
    """Print the runs of models as Tekton YAML.

    They are the PipelineRuns that `mltk run` makes, with --repo-url those for a cluster: in the
    image that mltk.yaml names, and deployed nowhere. With -o the Tasks, the Pipeline and the
    ServiceAccounts that they refer to come with them, so that a cluster can take them.
    """
    from mltk.cli.folder import PROJECT_FILE, find_root
    from mltk.project import compile as compiler
    from mltk.project.cluster import cluster_request
    from mltk.project.git import Repository
    from mltk.project.load import load
    from mltk.project.request import revision_of, run_request, select

    root = find_root(Path.cwd())
    project = load(root / PROJECT_FILE)
    repository = Repository.at(root)
    if repo_url is not None:
        _refuse_uncommitted(repository)
    revision = revision_of(repository)
    texts = {}
    for name in select(project, models):
        if repo_url is None:
            asked = run_request(project, name, repository, revision)
        else:
            asked = cluster_request(project, name, repository, revision, repo_url)
        text = compiler.render_run(
            project,
            _narrowed(project, asked, repository),
            tracking_uri=tracking_uri or compiler.tracking_uri(project, root),
            namespace=namespace,
            params=params,
        )
        texts[name] = text if project.models[name].training.start == "fresh" else _starting(text)
    if folder is None:
        click.echo("---\n".join(texts.values()), nl=False)
        return
    # No model can be called `x.run`.
    files = {f"{name}.run": text for name, text in texts.items()}
    files["manifests"] = "---\n".join(compiler.manifest_texts(accounts=True))
    for path in _write(folder, files):
        click.echo(path)


def _starting(text: str) -> str:
    """The run with the task that brings what the training starts from."""
    import yaml

    from mltk.cli.output import to_yaml
    from mltk.project.compile import PIPELINE, manifests
    from mltk.project.warm import starting_manifest

    pipeline = next(each for each in manifests() if each["metadata"]["name"] == PIPELINE)
    return to_yaml(starting_manifest(yaml.safe_load(text), pipeline))


def _narrowed(project: Project, asked: RunRequest, repository: Repository) -> RunRequest:
    """The newest closed window of a model that has windows."""
    if project.models[asked.model].windows is None:
        return asked
    from mltk.moments import microseconds, utc_now
    from mltk.project.windowed import newest, no_window

    chosen = newest(project, asked, repository, microseconds(utc_now()))
    if chosen.request is None:
        raise no_window(asked.model, chosen.why)
    return chosen.request


def _refuse_uncommitted(repository: Repository) -> None:
    if repository.is_dirty():
        raise ConfigError(
            "a clone of --repo-url would lack what is not committed",
            where=str(repository.root),
            hint="commit and push first",
        )


def _write(folder: Path, texts: dict[str, str]) -> Iterator[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            path = folder / f"{name}.yaml"
            path.write_text(text, encoding="utf-8")
            yield path
    except OSError as error:
        raise InfrastructureError(
            f"cannot be written: {error.strerror}",
            where=str(folder),
            hint="choose another folder with -o, or make room",
        ) from None
