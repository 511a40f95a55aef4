"""`mltk reproduce`: a registered model made again from what it was made from, and compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mltk.cli.app import example
from mltk.cli.candidates import complete_model
from mltk.cli.engine_options import check_engine, runtime_option
from mltk.cli.models import tracking_option
from mltk.cli.output import output_option, table, write_document
from mltk.cli.where import Where, place_options

if TYPE_CHECKING:
    from mltk.cli.outcome import Outcome
    from mltk.cli.place import Place
    from mltk.project.spec import Project
    from mltk.records import Finding, Reproduction
    from mltk.registry.origin import Origin
    from mltk.registry.references import Reference
    from mltk.tekton.objects import Obj


@click.command(
    "reproduce",
    **example(
        "mltk reproduce models:/wine@champion",
        "mltk reproduce models:/wine/3 --strict",
        "mltk reproduce wine:3 --repo-url https://git.example.org/team/wine.git",
        "mltk reproduce 1f0c8d9e7a6b4c3d2e1f0a9b8c7d6e5f -o json",
    ),
)
@click.argument("reference", metavar="MODEL", shell_complete=complete_model)
@click.option("--strict", is_flag=True, help="Refuse another environment than the recorded one.")
@click.option(
    "--repo-url",
    metavar="URL",
    help="Clone from there, should the recorded repository be gone or lack the revision.",
)
@tracking_option
@runtime_option
@place_options
@output_option("table", "json", "yaml", jsonpath=True)
def command(
    reference: str,
    strict: bool,
    repo_url: str | None,
    tracking_uri: str | None,
    runtime: str | None,
    on: Where,
    namespace: str | None,
    output: str,
) -> int:
    """Train a model again and say whether it is the same.

    MODEL is models:/NAME@champion, models:/NAME/VERSION, NAME:VERSION, or the id of an MLflow run.
    The recorded revision is cloned and the recorded data are fetched into a volume of their own;
    the work tree is not touched. Nothing is registered, judged, deployed or counted. Another
    environment is a warning. The model is identical, equal (answers and metrics within gate.parity
    of mltk.yaml) or different, which ends with 4.
    """
    from mltk.cli.place import open_place
    from mltk.cli.summary import failure_lines
    from mltk.project.compile import PIPELINE
    from mltk.project.reproduction import as_installed
    from mltk.registry.references import parse

    asked = parse(reference)
    check_engine(on, jobs=None, cache=True, runtime=runtime)
    place = open_place(on, namespace)
    origin, manifest = _prepared(
        place, asked, repo_url=repo_url, tracking_uri=tracking_uri, strict=strict
    )
    place.engine.equip(place.namespace, [manifest])
    installed = place.backend.get("Pipeline", PIPELINE, place.namespace)
    run, ended = _drive(place, as_installed(manifest, installed), runtime)
    if ended.failure is not None:
        for line in failure_lines(place, ended):
            click.echo(line, err=True)
        if ended.failure.task == "fetch-data":
            click.echo("  another clone may have it: --repo-url URL", err=True)
        return ended.exit_code
    return _tell(place, origin, run, output)


def _prepared(
    place: Place, asked: Reference, *, repo_url: str | None, tracking_uri: str | None, strict: bool
) -> tuple[Origin, Obj]:
    """The origin of the model, and the run that makes it again."""
    from mltk.cli.folder import PROJECT_FILE
    from mltk.project.load import load
    from mltk.project.reproduction import reproduction_manifest
    from mltk.registry import Registry
    from mltk.registry.origin import find

    project = load(place.project_root() / PROJECT_FILE)
    far = place.engine.runs_go_on
    uri = place.engine.tracking(project, place.namespace)
    reach = place.engine.reach(uri, place.namespace)
    here = tracking_uri or reach.address or uri
    if reach.forward and tracking_uri is None:
        click.echo(f"note: asking {here}; if nothing answers: {reach.forward}", err=True)
    origin = find(Registry(here, project.tracking.experiment or project.project), asked)
    manifest = reproduction_manifest(
        project,
        origin,
        repo_url=repo_url or _repository(place, project, origin),
        tracking_uri=uri if far else here,
        namespace=place.namespace,
        strict=strict,
    )
    return origin, manifest


def _repository(place: Place, project: Project, origin: Origin) -> str:
    """What the run clones: what was recorded, else the project at hand if it has the revision."""
    from mltk.errors import NotFound
    from mltk.project.cluster import repo_url, unreachable
    from mltk.project.git import Repository

    recorded, root = origin.repository, place.project_root()
    if place.engine.runs_go_on:
        return repo_url(project, Repository.at(root)) if unreachable(recorded) else recorded
    if recorded and (not Path(recorded).is_absolute() or Path(recorded).is_dir()):
        return recorded
    why = f"the repository {recorded} is gone" if recorded else "no repository was recorded"
    if Repository(root).try_git("cat-file", "-e", f"{origin.revision}^{{commit}}") is None:
        raise NotFound(
            f"{why}, and the one at hand lacks the revision {origin.revision[:12]}",
            where=origin.reference,
            hint="name a repository that has it: --repo-url URL",
        )
    click.echo(f"note: {why}; cloning {root}", err=True)
    return str(root)


def _drive(place: Place, manifest: Obj, runtime: str | None) -> tuple[Obj, Outcome]:
    from mltk.cli.drive import drive
    from mltk.cli.engine import Effort
    from mltk.tekton.objects import name_of, namespace_of

    run = place.backend.create(manifest)
    # What is restored from the cache would be the same for no other reason.
    (ended,) = drive(place, [run], effort=Effort(cache=False, runtime=runtime))
    return place.backend.get(run["kind"], name_of(run), namespace_of(run)), ended


def _tell(place: Place, origin: Origin, run: Obj, output: str) -> int:
    """Print what was found; 4 for a model that is different."""
    from mltk.errors import GateRejected
    from mltk.records import Reproduction
    from mltk.tekton.objects import name_of, results

    found = Reproduction.loads(str(results(run)["reproduction"]))
    if output == "table":
        for line in _lines(found):
            click.echo(line)
        click.echo(f"\nnext: {place.mltk(f'describe pr {name_of(run)}')}")
    else:
        write_document(_document(origin, found, name_of(run)), output)
    return 0 if found.reproduced else GateRejected.exit_code


def _lines(found: Reproduction) -> Iterator[str]:
    rows = [(each.name, each.recorded, each.found, _word(each)) for each in found.findings]
    yield table(("WHAT", "RECORDED", "REPRODUCED", ""), rows)
    if found.causes:
        yield "\nOther than then"
        rows_of_causes = [(each.name, each.recorded or "-", each.found) for each in found.causes]
        yield table(("WHAT", "THEN", "NOW"), rows_of_causes)
    yield f"\n{found.reference} is {found.verdict}: {found.reason}"


def _word(found: Finding) -> str:
    if found.same:
        return "same"
    return "other" if found.difference is None else f"differs by {found.difference:.3g}"


def _document(origin: Origin, found: Reproduction, run: str) -> dict[str, Any]:
    told = dataclasses.asdict(found)
    digest = {"recorded": origin.digest, "reproduced": told.pop("digest")}
    asked = {"model": origin.name, "version": origin.version, "run": run}
    made_from = {"revision": origin.revision, "dataVersion": origin.data_version}
    return {**told, **asked, **made_from, "window": origin.window, "digest": digest}
