"""Which steps start from a process that has their slow imports done already.

Importing TensorFlow takes longer than training a small model. Measured on two cores: TensorFlow
2.1 s (3.4 s with what `block` holds back), MLflow 1.0 s (1.4 s), DVC 0.3 s; Node.js with
TensorFlow.js 0.2 s, which stays.
"""

from __future__ import annotations

from mltk.local.forkserver import WarmCommand
from mltk.steps import PRELOAD

_TARGET = "mltk.cli:main"
# Taken by Keras and TensorFlow when they are installed, slowly, and not needed here; as pandas is
# by MLflow.
_BLOCKED = ("jax", "sklearn", "pandas")
# A step that names its own interpreter, Python or Node.js, is not to get the one that is there.
_COLD = ("PYTHON", "LD_", "NODE_", "MLTK_NODE", "PATH")
# Imported where they are first used, which each step would do again.
_LATER = ("encodings.ascii", "encodings.cp437", "encodings.utf_8_sig")
_GROUPS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("validate", "train", "trial", "evaluate", "export"),
        (
            "mltk.cli", *PRELOAD, "mltk.steps.export", "mltk.tfjs.converter", "mltk.tfjs.export",
            *_LATER, "packaging.requirements", "google.protobuf.descriptor_pb2",
            "PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin",
            "PIL.PpmImagePlugin",
        ),
        _BLOCKED,
    ),
    (
        ("verify", "gate", "register", "report", "recall", "start", "tried"),
        (
            "mltk.cli", "mltk.tfjs.warm", "mltk.registry.warm", "alembic.command",
            "sqlalchemy.dialects.sqlite", "mltk.project.load", "mltk.steps.verify",
            "mltk.steps.gate", "mltk.steps.register", "mltk.steps.report", "mltk.steps.recall",
            "mltk.steps.start", "mltk.steps.tried", *_LATER, "jinja2", "mltk.data.quality.page",
            "mltk.problems.regression", "mltk.problems.classification", "scipy.special",
        ),
        ("pandas",),
    ),
    (
        ("fetch", "plan", "choose"),
        ("mltk.cli", "dvc.repo", "mltk.project.load", "mltk.steps.fetch", "mltk.steps.choose"),
        (),
    ),
)  # fmt: skip

WARM: tuple[WarmCommand, ...] = tuple(
    WarmCommand(("mltk", "step", step), _TARGET, preload, block, _COLD)
    for steps, preload, block in _GROUPS
    for step in steps
)
