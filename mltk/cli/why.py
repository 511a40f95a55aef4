"""`mltk why`: what made a run necessary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mltk.cli.app import example
from mltk.cli.candidates import complete_run
from mltk.cli.labels import KEY_PARTS, MODEL
from mltk.cli.output import output_option, table, write_document
from mltk.cli.where import Where, place_options
from mltk.errors import UsageError

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.tekton.objects import Obj


@click.command("why", **example("mltk why wine-x7k2p", "mltk why wine-x7k2p -o json"))
@click.argument("name", metavar="RUN", shell_complete=complete_run)
@place_options
@output_option("table", "json", "yaml")
def command(name: str, on: Where, namespace: str | None, output: str) -> None:
    """Say what made a run necessary.

    That is what changed against the run of the same model before it: data, spec, code, seed or
    policy. spec is what mltk.yaml says of the learning, policy what it says of the gate and
    deployment.
    """
    from mltk.cli.arguments import find_run
    from mltk.cli.place import open_place

    place = open_place(on, namespace)
    run = find_run(place, [name])
    if _parts(run) is None:
        raise UsageError(f"run '{name}' is not a delivery of a model", hint=place.mltk("get pr"))
    found = compare(place, run, _previous(place, run))
    if output == "table":
        _write(found)
    else:
        write_document(found, output)


def compare(place: Place, run: Obj, previous: Obj | None) -> dict[str, Any]:
    """The parts of the key of two runs side by side; `changed` is the first that differs."""
    from mltk.project.key import changed

    now = _parts(run) or {}
    before = (_parts(previous) or {}) if previous else {}
    names = changed(before, now) if previous else ()
    parts = [{"part": part, "old": before.get(part), "new": now.get(part)} for part in names]
    fields = []
    if previous is not None and {"spec", "policy"} & set(names):
        fields = _fields(place, previous, run)
    return {
        "run": run["metadata"]["name"],
        "model": run["metadata"]["labels"][MODEL],
        "previous": previous["metadata"]["name"] if previous else None,
        "changed": names[0] if names else None,
        "parts": parts,
        "fields": fields,
    }


def _previous(place: Place, run: Obj) -> Obj | None:
    """The run of the same model that was made before this one."""
    labels = {MODEL: run["metadata"]["labels"][MODEL]}
    runs = place.backend.list("PipelineRun", run["metadata"]["namespace"], labels)
    names = [each["metadata"]["name"] for each in runs]
    earlier = runs[: names.index(run["metadata"]["name"])]
    return next((each for each in reversed(earlier) if _parts(each) is not None), None)


def _parts(run: Obj) -> dict[str, str] | None:
    text = (run["metadata"].get("annotations") or {}).get(KEY_PARTS)
    return dict(json.loads(text)) if text else None


def _fields(place: Place, previous: Obj, run: Obj) -> list[dict[str, Any]]:
    """What the two revisions of mltk.yaml say differently; nothing when one of them is gone."""
    from mltk.errors import MltkError

    try:
        old, new = _spec(place, previous), _spec(place, run)
    except (MltkError, KeyError):
        return []
    names = sorted(set(old) | set(new))
    return [
        {"field": name, "old": old.get(name), "new": new.get(name)}
        for name in names
        if old.get(name) != new.get(name)
    ]


def _spec(place: Place, run: Obj) -> dict[str, Any]:
    from mltk.cli.folder import PROJECT_FILE
    from mltk.project.git import Repository
    from mltk.project.load import parse
    from mltk.tekton.objects import params_of

    revision = params_of(run)["revision"]
    content = Repository.at(place.project_root()).read(revision, PROJECT_FILE)
    project = parse((content or b"").decode("utf-8-sig"), f"{PROJECT_FILE}@{revision[:12]}")
    model = project.models[run["metadata"]["labels"][MODEL]]
    return dict(_flat(model.model_dump(mode="json"), ""))


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:
    """Leaves by path: `training.epochs`, `features[3].max`."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}" if path else key, each) for key, each in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{i}]", each) for i, each in enumerate(value)]
    else:
        return [(path, value)]
    return [leaf for name, each in pairs for leaf in _flat(each, name)]


def _write(found: dict[str, Any]) -> None:
    run, previous = found["run"], found["previous"]
    if previous is None:
        click.echo(f"{run} is the first run of {found['model']}")
        return
    if found["changed"] is None:
        click.echo(f"nothing changed since {previous}: it was run again or had not ended well")
        return
    names = [each["part"] for each in found["parts"]]
    click.echo(f"{_listed(names)} changed since {previous}")
    rows = [(each["part"], _short(each["old"]), _short(each["new"])) for each in found["parts"]]
    click.echo(table(("PART", "OLD", "NEW"), rows))
    if found["fields"]:
        click.echo("")
        fields = [
            (each["field"], _text(each["old"]), _text(each["new"])) for each in found["fields"]
        ]
        click.echo(table(("FIELD", "OLD", "NEW"), fields))


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    # A full SHA-256 says no more than its beginning, and a data version is an MD5.
    return value[:16] if len(value) == 64 else value


def _text(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
