"""Write the data sets of this repository into data/, out of scikit-learn's package.

    python examples/make_data.py data

No download: scikit-learn carries all four. The folder is tracked by data.dvc.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from sklearn import datasets

README = """# Data sets

All four come out of the scikit-learn package (BSD-3-Clause), written by `examples/make_data.py`.

## diabetes.csv: 442 patients, 10 baseline variables, regression

Source: B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, "Least Angle Regression", Annals of
Statistics 32 (2004) 407-499. Unscaled values. Published for research without a stated licence.

| column | meaning | unit |
|---|---|---|
| age | age | years |
| sex | sex as coded by the authors | 1 or 2 |
| bmi | body mass index | kg/m2 |
| blood_pressure | average blood pressure | mmHg |
| cholesterol | total serum cholesterol | mg/dl |
| ldl | low-density lipoproteins | mg/dl |
| hdl | high-density lipoproteins | mg/dl |
| cholesterol_hdl_ratio | total cholesterol / HDL | 1 |
| log_triglycerides | possibly the logarithm of serum triglycerides | ln(mg/dl) |
| glucose | blood sugar | mg/dl |
| progression | disease progression one year after baseline | score |

## wine.csv: 178 wines of three cultivars, 13 chemical measurements

Source: M. Forina et al., PARVUS; UCI Machine Learning Repository, "Wine" (1991), CC BY 4.0.
`alcohol` in % vol, `proline` in mg/l, `magnesium` in mg/l as far as the source says; `hue`,
`color_intensity` and `od280_od315` are dimensionless; `cultivar` is 1, 2 or 3.

## breast_cancer.csv: 569 fine-needle aspirates, 30 shape measurements, 2 classes

Source: W. Wolberg, O. Mangasarian, N. Street, W. Street; UCI Machine Learning Repository,
"Breast Cancer Wisconsin (Diagnostic)" (1993), CC BY 4.0. Lengths and areas in pixels of the
digitised image, the rest dimensionless; `diagnosis` is malignant or benign.

## digits.csv: 1,797 images of 8x8 pixels, 10 classes

Source: E. Alpaydin, C. Kaynak; UCI Machine Learning Repository, "Optical Recognition of
Handwritten Digits" (1998), CC BY 4.0; its test set. `pixel_R_C` is the ink in row R and column C,
0 to 16; `digit` is what was written.
"""

DIABETES = [
    "age",
    "sex",
    "bmi",
    "blood_pressure",
    "cholesterol",
    "ldl",
    "hdl",
    "cholesterol_hdl_ratio",
    "log_triglycerides",
    "glucose",
]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(README, encoding="utf-8")

    diabetes = datasets.load_diabetes(scaled=False)
    _write(folder / "diabetes.csv", [*DIABETES, "progression"], diabetes.data, diabetes.target)

    wine = datasets.load_wine()
    names = [_column(name) for name in wine.feature_names]
    _write(folder / "wine.csv", [*names, "cultivar"], wine.data, wine.target + 1)

    cancer = datasets.load_breast_cancer()
    diagnosis = [cancer.target_names[code] for code in cancer.target]
    names = [_column(name) for name in cancer.feature_names]
    _write(folder / "breast_cancer.csv", [*names, "diagnosis"], cancer.data, diagnosis)

    digits = datasets.load_digits()
    pixels = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    _write(folder / "digits.csv", [*pixels, "digit"], digits.data, digits.target)


def _column(name: str) -> str:
    return name.replace("od280/od315_of_diluted_wines", "od280_od315").replace(" ", "_")


def _write(
    path: Path, header: Sequence[str], rows: Iterable[Iterable[float]], target: Iterable[object]
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row, label in zip(rows, target, strict=True):
            writer.writerow([*(_text(value) for value in row), _text(label)])


def _text(value: object) -> str:
    """The shortest text that reads back as the same number; whole numbers without a point."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
