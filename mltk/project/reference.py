"""The page that documents mltk.yaml, made from the schema so that it cannot fall behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mltk.project.schema import schema

_HEAD = """# mltk.yaml

One file per repository, at its top: the models to deliver. It is YAML 1.2, validated strictly: an
unknown key is refused with its line. Editors take the schema from `mltk config schema`;
`mltk config show` prints the file with every default filled in.

    version: 1
    project: cellar
    models:
      wine-alcohol:
        problem: regression
        data: {path: data/wine.csv}
        target: {name: alcohol, unit: "% vol"}
        features:
          - {name: hue, min: 0}
          - {name: colour, type: categorical, values: [red, white]}
        gate: {metrics: {rmse: {max: 0.75}}}

`matrix` makes many models of one ([below](#many-models)). `windows` chooses the rows that a run
learns from ([windows.md](windows.md)).

`search` tries parameters and takes the best ([search.md](search.md)). It changes nothing for
`mltk run`, which takes what `network`, `training` and `settings` say.

What the data are held against (`checks`, [data-checks.md](data-checks.md)), what the gate asks
(`gate`), where a model goes (`deploy`) and what it runs on (`resources`, `cluster`) do not change
the model: everything else counts in its key, and a change of it trains anew. Where it runs does
not count in the policy either, so that a model that was delivered on one machine is up to date on
any.
"""

_MANY = """## Many models

A model with a `matrix` stands for one model for each combination of its values, as in a Tekton
Pipeline or a workflow of GitHub Actions. `$(matrix.NAME)` is the value, anywhere in the model:

    models:
      load-$(matrix.site)-$(matrix.horizon)h:
        matrix:
          site: [north, south]
          horizon: [1, 24]
          exclude:
            - {site: south, horizon: 24}
          include:
            - {site: north, units: 64}
            - {site: south, units: 16}
        problem: regression
        data: {path: data/$(matrix.site).csv}
        target: {name: load_in_$(matrix.horizon)h, unit: MW}
        features:
          - {name: temperature, unit: K}
        network: {hidden: [$(matrix.units)]}

These are the models `load-north-1h`, `load-north-24h` and `load-south-1h`; `mltk config show`
prints them. All that reads mltk.yaml sees the models alone: the runs, the registry, the windows,
what a push concerns.

- A text that is one variable becomes what its value is: a number, a list, a mapping. Amid other
  text the value stands as it was typed. A number that is to be text is put in quotes in the matrix.
- A name without a variable gets the values behind it: `load` becomes `load-north-1`. In names
  values are written in lower-case letters and digits, with a dash for anything else. Two models of
  one name, or a name of more than 40 characters, are refused.
- First all that agrees with an entry of `exclude` goes. Then each entry of `include` is added to
  all combinations whose values in the lists it does not change; one that fits none is one more
  combination. So `include` alone lists combinations one by one.
- A matrix makes at most 256 models. Values that are used nowhere else can be left to the name.

### Running them

    mltk run --all --dry-run            # what would be done with each model
    mltk run --all --parallel 4         # four at a time, in the order of mltk.yaml
    mltk run 'load-north-*'             # those whose names fit the pattern

- `--all` and `--parallel` say the plan before: the data of each model, and whether it is run, up to
  date, or running already in another command. At the end one table (or `-o json`) tells of each
  model its run, verdict, version, alias, metric, how it did against the champion on the same rows,
  and time, and why the gate let it pass or not.
- The command ends with 0 when all went well, else with the code of the first model that failed, or
  with 4 when a gate said no and nothing failed ([exit-codes.md](exit-codes.md)). One that ends
  badly keeps no other one waiting.
- Ctrl-C cancels those that are under way, and those that have not begun. Typed again, after a kill
  as well, it goes on: a model whose data, spec, code and seed were delivered is not trained again.
- A table that many models learn from is fetched from its DVC remote once: it is kept in the DVC
  cache of the project, and of several runs that need it at once one fetches. On a cluster each run
  has a volume of its own and fetches for itself.
- On a cluster all runs are made at once, and `limits: {project: 4}` says how many go on at a time
  ([queue.md](queue.md)); `--parallel` is for this machine.
"""

_PLACEMENT = """## Where training runs

On a cluster, `resources` of a model is what the pod of train-model asks for; the other Tasks take
what is free. A training on two GPUs of a node pool that is kept for such work:

    cluster:
      namespace: models
      image: registry.example.org/mltk:0.1.0
      storage: {size: 20Gi, class: fast}
    models:
      wine-alcohol:
        # ...
        resources:
          cpu: "4"
          memory: 16Gi
          accelerator: gpu
          accelerator_count: 2
          architecture: amd64
          node_selector: {cloud.google.com/gke-accelerator: nvidia-l4}
          tolerations:
            - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}

The image has to bring what the accelerator needs: its libraries, and a TensorFlow that uses them
(the extra `gpu`). The training uses one GPU of those it finds; `training: {devices: all}` lets all
of them share each batch.
`mltk compile wine-alcohol` prints what becomes of it:

- The accelerator goes to the step `train`, as request and limit. Where a Task as a whole asks for
  one, Tekton divides the request among the steps, and Kubernetes takes no half of a GPU.
- `cpu` and `memory` are what the pod asks for; `memory` is also the limit of each step.
- Labels and tolerations are those of the pod of train-model alone. **More than one node**: as it
  is installed, Tekton keeps the pods of a run that share a volume on one node (`coschedule:
  workspaces` in its ConfigMap `feature-flags`), which it chooses before it knows what training
  asks for; the training then waits for ever (`didn't match pod affinity rules`). Either say
  `placement: run` under `cluster`, so that all pods of the run go where the training has to, or
  set `coschedule: disabled` and choose a `storage.class` whose volumes follow a pod to another
  node.
- A pod for which no node is free waits, at most the 12 hours that the Task has; `mltk describe`
  says for what.
"""

_ORDER: tuple[str, ...] = (
    "Project",
    "Tracking",
    "Model",
    "Matrix",
    "Data",
    "Target",
    "Numeric",
    "Categorical",
    "Datetime",
    "Text",
    "Image",
    "Series",
    "Split",
)
_ORDER += (
    "Network",
    "Training",
    "Search",
    "Span",
    "Halving",
    "Checks",
    "Drift",
    "Gate",
    "Threshold",
    "Contest",
    "Slice",
    "Range",
)
_ORDER += ("Export", "Deploy", "Windows", "Resources")
_ORDER += ("Toleration", "Cluster", "Storage")
_TITLES = {
    "Project": "The file",
    "Model": "models.NAME",
    "Matrix": "models.NAME.matrix",
    "Numeric": "features: numeric",
    "Categorical": "features: categorical",
    "Span": "search.parameters.NAME",
    "Halving": "search.halving",
    "Datetime": "features: datetime",
    "Text": "features: text",
    "Image": "features: image",
    "Series": "features: sequence",
    "Drift": "checks.drift",
    "Threshold": "gate.metrics.METRIC",
    "Contest": "gate.champion",
    "Slice": "gate.slices",
    "Range": "gate.slices.where.COLUMN",
    "Toleration": "resources.tolerations",
    "Storage": "cluster.storage",
}


def render() -> str:
    """The page as Markdown; the same types give the same bytes."""
    whole = schema()
    parts = {"Project": whole, **whole["$defs"]}
    # A type that the order forgets must not be left out of the page.
    names = [*_ORDER, *sorted(set(parts) - set(_ORDER))]
    sections = (line for name in names for line in _section(name, parts[name]))
    return "\n".join([_HEAD, *sections, _MANY, _PLACEMENT])


def _section(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {_TITLES.get(name, name.lower())}\n"
    yield f"{part['description']}\n"
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key, field in part["properties"].items():
        default = _default(field) if key not in part.get("required", ()) else "required"
        yield f"| `{key}` | {_type(field)} | {default} | {field['description']} |"
    yield ""


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    if isinstance(value, dict) or value is None or value in ("", {}):
        return ""
    return f"`{json.dumps(value)}`"


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return f"[{_name(field)}](#{_anchor(_name(field))})"
    if "anyOf" in field:
        return _type(next(part for part in field["anyOf"] if part.get("type") != "null"))
    if "oneOf" in field:
        return " or ".join(_type(part) for part in field["oneOf"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "type" not in field:
        return "any"
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    if field["type"] == "object":
        (value,) = (field.get("patternProperties") or {"": field["additionalProperties"]}).values()
        if not isinstance(value, dict):
            return "mapping"
        return f"mapping to {_type(value)}"
    return _range(field)


def _range(field: Mapping[str, Any]) -> str:
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    said = [f"{sign} {field[bound]}" for bound, sign in bounds.items() if bound in field]
    return " ".join([field["type"], ", ".join(said)]).strip()


def _name(field: Mapping[str, Any]) -> str:
    name: str = field["$ref"].rsplit("/", 1)[1]
    return _TITLES.get(name, name.lower())


def _anchor(title: str) -> str:
    kept = "".join(char for char in title.lower() if char.isalnum() or char in " -")
    return kept.replace(" ", "-")
