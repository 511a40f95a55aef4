"""The folder that the steps of one run share: where each thing lies in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mltk.errors import ConfigError
from mltk.records import Record, Source
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.project.spec import Model

R = TypeVar("R", bound=Record)
F = TypeVar("F", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class RunWorkspace:
    """Typed access to a run's workspace.

    Records (JSON) lie at the top; `source` is the project at its revision with the data in place.
    """

    root: Path

    @property
    def source(self) -> Path:
        """The checked-out project."""
        return self.root / "source"

    @property
    def project_file(self) -> Path:
        """The project file at the run's revision."""
        return self.source / "mltk.yaml"

    @property
    def model_file(self) -> Path:
        """The trained Keras model."""
        return self.root / "model.keras"

    @property
    def predictions_file(self) -> Path:
        """Hold-out rows and the Keras model's outputs (`mltk.steps.predictions`)."""
        return self.root / "predictions.npz"

    @property
    def plots(self) -> Path:
        """Folder of the PNG plots."""
        return self.root / "plots"

    @property
    def bundle(self) -> Path:
        """Folder of the exported bundle."""
        return self.root / "bundle"

    @property
    def original_bundle(self) -> Path:
        """Folder of the bundle that a training is compared with; not there when none was kept."""
        return self.root / "original"

    @property
    def start(self) -> Path:
        """Folder of what a training starts from; not there for a fresh start."""
        return self.root / "start"

    @property
    def start_model(self) -> Path:
        """The Keras model that it starts from."""
        return self.start / "model.keras"

    @property
    def trials(self) -> Path:
        """Folder of the trials of a search; not there in a run that is none."""
        return self.root / "trials"

    def trial(self, name: str) -> Path:
        """Folder of one trial; nothing else writes there."""
        return self.trials / name

    def read(self, kind: type[R]) -> R:
        """Read a record; StepError when the step that writes it has not run."""
        return kind.read(self.root)

    def write(self, record: Record) -> None:
        """Write a record, whole or not at all."""
        record.write(self.root)

    def spec(self) -> Model:
        """Give the run's model as the checked-out project file and its parameters specify it.

        Raises ConfigError when the file does not hold the model that was fetched.
        """
        source = self.read(Source)
        model = self.model(source.model)
        if not source.parameters:
            return model
        from mltk.project.parameters import with_parameters

        return with_parameters(model, source.parameters)

    def model(self, name: str) -> Model:
        """Give a model of the checked-out project file; ConfigError when it has none so called."""
        # Steps that only pass records on start without pydantic.
        from mltk.project.load import load

        models = load(self.project_file).models
        if name not in models:
            raise ConfigError(
                f"there is no model '{name}' at this revision{did_you_mean(name, models)}",
                where=self.project_file.name,
                hint=f"models of this project: {', '.join(models)}",
            )
        return models[name]

    def data_file(self) -> Path:
        """Give the CSV file of the run's model."""
        return self.source / self.read(Source).data_path


def workspace_option(command: F) -> F:
    """Add `--workspace DIR`; the command gets `workspace: RunWorkspace`."""
    return click.option(
        "--workspace",
        required=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        callback=lambda _ctx, _param, folder: RunWorkspace(folder),
        help="The run's workspace.",
    )(command)
