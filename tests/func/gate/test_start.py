"""What a training may start from, on a real registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from mltk.project.key import key_of
from mltk.records import Source, Start, TrainingReport
from mltk.registry import Registry

from .conftest import Run

NewRun = Callable[..., Run]
OLD, NEW = ({"data": f"md5:{n}", "spec": "s", "code": "c", "seed": "0"} for n in "12")


def _made_from(run: Run, parts: dict[str, str], window: str = "") -> Run:
    source = dataclasses.replace(
        run.workspace.read(Source), key=key_of(parts), key_parts=parts, window=window
    )
    run.workspace.write(source)
    return run


def _champion(run: Run, parts: dict[str, str], *, window: str = "", weights: bool = True) -> str:
    """Register the run's model as the champion of its name; its digest."""
    _made_from(run, parts, window)
    if weights:
        run.workspace.model_file.write_bytes(b"keras of " + parts["data"].encode())
    run.gate()
    run.register()
    name = run.workspace.read(Source).model
    run.registry.promote(name, run.results["model-version"], who="test", reason="")
    return run.results["bundle-digest"]


def _start(run: Run, *args: str, code: int = 0) -> str:
    """What the step says."""
    connection = run.registry.connection
    told = (f"--tracking-uri={connection.uri}", f"--experiment={connection.experiment}")
    return run.step("start", *told, *args, wants=("key", "start"), code=code).output


def test_it_starts_from_the_champion_and_never_from_itself(
    new_run: NewRun, registry: Registry
) -> None:
    first = _made_from(new_run("warm", "near"), OLD)
    assert "starts fresh: there is no champion yet" in _start(first)
    assert (first.results["start"], first.results["key"]) == ("", key_of(OLD))
    digest = _champion(new_run("warm", "near"), OLD)

    again = _made_from(new_run("warm", "exact"), OLD)
    assert "fresh: so did the champion, which learnt from the very same" in _start(again)
    assert again.workspace.read(Source).key == key_of(OLD)

    run = _made_from(new_run("warm", "exact"), NEW)
    warm = {**NEW, "start": digest}
    for _ in range(2):  # as a Task that is repeated
        assert f"starts from version 1 ({digest})" in _start(run)
        assert (run.results["start"], run.results["key"]) == (digest, key_of(warm))
        assert run.workspace.read(Source).key_parts == warm
    assert run.workspace.start_model.read_bytes() == b"keras of md5:1"
    assert run.workspace.read(Start).version == "1"

    # That one becomes champion; who asks for just the same starts from where it started.
    report = run.workspace.read(TrainingReport)
    run.workspace.write(dataclasses.replace(report, start=digest))
    _champion(run, warm)
    assert registry.connection.client.get_model_version("warm", "2").tags["mltk.start"] == digest
    same = _made_from(new_run("warm", "exact"), NEW)
    assert f"starts from version 1 ({digest})" in _start(same)
    assert same.results["key"] == key_of(warm)
    # So does a reproduction, whoever is champion.
    asked = _made_from(new_run("warm", "exact"), OLD)
    assert "starts from version 1" in _start(asked, f"--start={digest}")


def test_a_champion_that_is_no_start_is_told(new_run: NewRun, registry: Registry) -> None:
    for name, bundle, why, options in (
        ("others", "swapped", "version 1 takes other features", {}),
        ("seeds", "seed-1", "its data was split by another seed (1, not 0)", {}),
        ("later", "near", "it learnt from a later window", {"window": "2026-01-02/2026-01-03"}),
        ("bare", "near", "the weights of version 1 are not there", {"weights": False}),
    ):
        _champion(new_run(name, bundle), OLD, **options)  # type: ignore[arg-type]
        run = _made_from(new_run(name, "exact"), NEW, "2026-01-01/2026-01-02")
        said = _start(run)
        assert "the training starts fresh" in said and why in said, said
        assert (run.results["start"], run.workspace.start_model.exists()) == ("", False)


def test_a_start_that_is_insisted_on_must_be_there(new_run: NewRun) -> None:
    run = _made_from(new_run("gone", "near"), OLD)
    said = _start(run, "--start=sha256:none", code=5)
    assert "no version of 'gone' has the digest that the training started from" in said
