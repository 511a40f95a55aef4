"""Which addresses hold only inside a cluster, and how to reach them from here."""

from __future__ import annotations

import pytest

from mltk.cli.forwarding import in_cluster


@pytest.mark.parametrize(
    ("uri", "forward", "here"),
    [
        ("http://mltk-mlflow:5000", "-n lab svc/mltk-mlflow 5000", "http://127.0.0.1:5000"),
        ("http://mlflow.ml.svc:5000/x", "-n ml svc/mlflow 5000", "http://127.0.0.1:5000/x"),
        (
            "http://mlflow.ml.svc.cluster.local",
            "-n ml svc/mlflow 8080:80",
            "http://127.0.0.1:8080",
        ),
    ],
)
def test_services(uri: str, forward: str, here: str) -> None:
    found = in_cluster(uri, "lab")
    assert found is not None
    assert found.forward == f"kubectl port-forward {forward}"
    assert found.here == here


@pytest.mark.parametrize(
    "uri",
    [
        "https://mlflow.example.org",
        "http://10.1.2.3:5000",
        "sqlite:////x.db",
        "",
        "http://localhost",
    ],
)
def test_other_addresses(uri: str) -> None:
    assert in_cluster(uri, "lab") is None
