"""Plain models of scikit-learn for each kind of problem, and what they say, as mltk's models do.

They learn from all rows that do not judge, also from those that mltk stops its training by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.decomposition import PCA, FactorAnalysis, KernelPCA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from mltk.data.arrays import Array, Floats, Outputs
from mltk.data.rows import Rows
from mltk.problems.linear import Design
from mltk.problems.reduction import ReductionSettings
from mltk.project.spec import Model

_PENALTIES = np.logspace(-3, 3, 13)
_BANDWIDTHS = {"bandwidth": np.logspace(-1.2, 0.4, 12)}


def rivals(spec: Model, known: Rows, features: Array, seed: int) -> dict[str, Outputs]:
    """Give what each says of rows [m, F], under the names of the outputs of `spec.problem`."""
    return _KINDS[spec.problem](spec, known, features, seed)


def _regression(spec: Model, known: Rows, features: Array, seed: int) -> dict[str, Outputs]:
    models = {
        "ridge": RidgeCV(_PENALTIES),
        "neighbours": KNeighborsRegressor(10, weights="distance"),
        "support vectors": SVR(C=10.0),
        "random forest": RandomForestRegressor(300, random_state=seed, n_jobs=2),
        "boosted trees": HistGradientBoostingRegressor(random_state=seed),
    }
    before, after = _designs(spec, known, features)
    mean, scale = known.target.mean(), known.target.std()
    said = {}
    for name, model in models.items():
        predicted = model.fit(before, (known.target - mean) / scale).predict(after)
        said[name] = {"prediction": (predicted * scale + mean)[:, None]}
    return said


def _classification(spec: Model, known: Rows, features: Array, seed: int) -> dict[str, Outputs]:
    models = {
        "logistic regression": LogisticRegressionCV(
            Cs=10, max_iter=5000, cv=3, scoring="neg_log_loss"
        ),
        "neighbours": KNeighborsClassifier(5, weights="distance"),
        "support vectors": SVC(C=10.0, probability=True, random_state=seed),
        "random forest": RandomForestClassifier(300, random_state=seed, n_jobs=2),
        "boosted trees": HistGradientBoostingClassifier(random_state=seed),
    }
    before, after = _designs(spec, known, features)
    return {
        name: {"probabilities": model.fit(before, known.target).predict_proba(after)}
        for name, model in models.items()
    }


def _density(spec: Model, known: Rows, features: Array, seed: int) -> dict[str, Outputs]:  # noqa: ARG001
    scaler, before = _standardised(known)
    stretch = np.log(scaler.scale_).sum()
    return {
        name: {"log_density": (model.score_samples(scaler.transform(features)) - stretch)[:, None]}
        for name, model in _densities(before, seed).items()
    }


def _reduction(spec: Model, known: Rows, features: Array, seed: int) -> dict[str, Outputs]:
    width = ReductionSettings.of(spec).width
    scaler, before = _standardised(known)
    after = scaler.transform(features)
    kernel = KernelPCA(width, kernel="rbf", fit_inverse_transform=True, random_state=seed)
    said = {}
    for name, model in {"PCA": PCA(width, random_state=seed), "kernel PCA": kernel}.items():
        code = model.fit(before).transform(after)
        said[name] = {
            "code": code,
            "reconstruction": scaler.inverse_transform(model.inverse_transform(code)),
        }
    factors = FactorAnalysis(width, random_state=seed).fit(before)
    code = factors.transform(after)
    rows = scaler.inverse_transform(code @ factors.components_ + factors.mean_)
    return {**said, "factor analysis": {"code": code, "reconstruction": rows}}


def _generative(spec: Model, known: Rows, features: Array, seed: int) -> dict[str, Outputs]:  # noqa: ARG001
    scaler, before = _standardised(known)
    models, count = _densities(before, seed), len(features)
    drawn = {
        "Gaussian mixture": models["Gaussian mixture"].sample(count)[0],
        "kernel density": models["kernel density"].sample(count, random_state=seed),
    }
    return {name: {"sample": scaler.inverse_transform(rows)} for name, rows in drawn.items()}


def _designs(spec: Model, known: Rows, features: Array) -> tuple[Floats, Floats]:
    design = Design.of(known.features, spec.features)
    return design.matrix(known.features), design.matrix(features)


def _standardised(known: Rows) -> tuple[Any, Floats]:
    scaler = StandardScaler().fit(known.features.astype(np.float64))
    return scaler, scaler.transform(known.features)


def _densities(rows: Floats, seed: int) -> dict[str, Any]:
    kernels = GridSearchCV(KernelDensity(), _BANDWIDTHS, cv=5).fit(rows)
    return {"Gaussian mixture": _mixture(rows, seed), "kernel density": kernels.best_estimator_}


def _mixture(rows: Floats, seed: int) -> Any:
    """The mixture of up to eight Gaussians that Akaike's criterion prefers."""
    fitted = [
        GaussianMixture(count, reg_covar=1e-4, n_init=2, random_state=seed).fit(rows)
        for count in range(1, 9)
    ]
    return min(fitted, key=lambda mixture: float(mixture.aic(rows)))


_KINDS: Mapping[str, Callable[[Model, Rows, Array, int], dict[str, Outputs]]] = {
    "regression": _regression,
    "classification": _classification,
    "density": _density,
    "reduction": _reduction,
    "generative": _generative,
}
