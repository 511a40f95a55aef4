"""What a regression says of a target: its mean, its quantiles, or how it is distributed."""

from __future__ import annotations

from mltk.problems.heads.base import Head, Part, Scale
from mltk.problems.heads.gaussian import GaussianHead
from mltk.problems.heads.loglink import GammaHead, PoissonHead
from mltk.problems.heads.mean import MeanHead
from mltk.problems.heads.quantile import QuantileHead
from mltk.problems.heads.settings import RegressionSettings

__all__ = ["Head", "Part", "RegressionSettings", "Scale", "head_of"]


def head_of(settings: RegressionSettings) -> Head:
    """Give the head that the settings of a model ask for."""
    match settings.head:
        case "quantile":
            return QuantileHead(settings.quantiles, settings.calibrate)
        case "gaussian":
            return GaussianHead(settings.coverage, settings.calibrate)
        case "poisson":
            return PoissonHead(settings.coverage)
        case "gamma":
            return GammaHead(settings.coverage)
    return MeanHead()
