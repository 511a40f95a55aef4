"""The shipped triggers for data in the store of a project, as `mltk listen` brings them."""

from __future__ import annotations

import yaml

from mltk.cli.hearing import bring_shipped
from mltk.local.backend import LocalBackend
from mltk.project.compile import arrival_manifests
from mltk.tekton.objects import name_of
from tests.func.arrivals.conftest import Waiting


def test_they_go_when_no_data_are_to_arrive_any_more(waiting: Waiting) -> None:
    file = waiting.root / "mltk.yaml"
    shipped = {(each["kind"], name_of(each)) for each in arrival_manifests()}
    own = next(each for each in arrival_manifests() if each["kind"] == "TriggerTemplate")
    with LocalBackend(waiting.root / ".mltk") as backend:

        def there() -> set[tuple[str, str]]:
            kinds = {kind for kind, _ in shipped}
            return {(kind, name_of(each)) for kind in kinds for each in backend.list(kind)}

        own["metadata"]["namespace"] = "default"
        backend.create(own)
        bring_shipped(backend, waiting.root)
        assert shipped <= there()
        text = file.read_text()
        file.write_text("models: [")
        bring_shipped(backend, waiting.root)
        assert shipped <= there(), "who cannot read mltk.yaml takes nothing away"
        document = yaml.safe_load(text)
        for model in document["models"].values():
            del model["arrival"]
        file.write_text(yaml.safe_dump(document))
        bring_shipped(backend, waiting.root)
        assert shipped & there() == {("TriggerTemplate", name_of(own))}
        assert ("EventListener", "mltk") in there()
        file.write_text(text)
        bring_shipped(backend, waiting.root)
        assert shipped <= there()
