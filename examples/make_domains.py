"""Write tables whose truth is known: what a model should find, and how much of it is noise.

    python examples/make_domains.py DIR

Three domains, each with its own seed, so that a table never depends on another. The column `truth`
is the answer without its noise; no model learns from it. The best that anybody can do on rows that
he has not seen is the noise itself, which docs/results.md compares the models with.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

Table = dict[str, Any]
Random = np.random.Generator


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    makers: Mapping[str, Callable[[Random], Table]] = {
        "energy": energy,
        "vehicle": vehicle,
        "market": market,
    }
    for seed, (name, make) in enumerate(makers.items(), start=1):
        _write(folder / f"{name}.csv", make(np.random.default_rng(seed)))


def energy(random: Random) -> Table:
    """Residual load of a small grid, hour by hour through 2025: demand without wind and sun.

    Demand follows the hour, the day of the week and the need to heat and to cool; a wind farm of
    400 MW turns between 3 and 12 m/s, a solar park gives what the sun does. Noise: 15 MW.
    """
    hours = np.arange(365 * 24)
    start = datetime(2025, 1, 1)
    hour, weekday = hours % 24, (hours // 24 + start.weekday()) % 7
    day = 2 * np.pi * (hours / 24 - 20) / 365
    temperature = 10 - 9 * np.cos(day) + 4 * np.sin(2 * np.pi * (hour - 9) / 24)
    temperature = temperature + _drifting(random, len(hours), 0.99, 3.0)
    wind = np.abs(7 + _drifting(random, len(hours), 0.97, 3.5))
    height = np.sin(2 * np.pi * (hour - 6) / 24) * (0.6 - 0.35 * np.cos(day))
    sun = 900 * np.clip(height, 0, None) * random.beta(4, 2, len(hours))
    rhythm = 90 * np.sin(2 * np.pi * (hour - 8) / 24) + 50 * np.sin(4 * np.pi * (hour - 6) / 24)
    demand = 700 + rhythm - 110 * (weekday >= 5)
    demand = (
        demand + 11 * np.clip(16 - temperature, 0, None) + 8 * np.clip(temperature - 22, 0, None)
    )
    turning = 400 * np.clip((wind**3 - 3**3) / (12**3 - 3**3), 0, 1)
    truth = demand - turning - 0.25 * sun
    return {
        "time": [(start + timedelta(hours=int(each))).isoformat() + "Z" for each in hours],
        "hour": hour,
        "weekday": weekday,
        "temperature": temperature.round(1),
        "wind_speed": wind.round(1),
        "irradiance": sun.round(0),
        "residual_load": (truth + 15 * random.standard_normal(len(hours))).round(1),
        "truth": truth.round(2),
    }


def vehicle(random: Random) -> Table:
    """Tank-to-wheel efficiency of electric drives, 4,000 trips: 70 to 90 %.

    Best at half load and mild weather; cold, speed, slopes, haste and a worn drive take from it.
    Noise: 0.6 points.
    """
    count = 4000
    speed = random.uniform(15, 130, count)
    haste = random.gamma(2.0, 0.35, count)
    slope = random.normal(0, 2.5, count)
    temperature = random.normal(11, 9, count)
    payload = random.uniform(0, 500, count)
    distance = random.gamma(2.0, 60.0, count)
    drive = random.choice(["axial", "induction", "synchronous"], count)
    load = 0.2 + 0.5 * (speed / 130) ** 2 + 0.06 * np.clip(slope, 0, None) + payload / 4000
    lost = 9 * (load - 0.5) ** 2 + 1.4 * haste + 0.012 * np.clip(18 - temperature, 0, None) ** 1.7
    lost = lost + np.where(drive == "induction", 3.0 - 2.0 * load, 0.0) + distance / 250
    lost = lost - np.where(drive == "axial", 0.8, 0.0) + 0.45 * np.clip(-slope, 0, None)
    truth = np.clip(90 - 1.15 * lost, 70, 90)
    return {
        "speed": speed.round(1),
        "acceleration": haste.round(3),
        "slope": slope.round(2),
        "temperature": temperature.round(1),
        "payload": payload.round(0),
        "odometer": distance.round(1),
        "drive": drive,
        "efficiency": (truth + 0.6 * random.standard_normal(count)).round(2),
        "truth": truth.round(3),
    }


def market(random: Random) -> Table:
    """Sales of a new product in twelve regions, month by month for ten years.

    Each region takes it up along its own logistic curve; income, price and the season matter as
    they do to goods. Noise: 3 % of the sales, so the logarithm is learnt.
    """
    regions = [f"R{number:02d}" for number in range(1, 13)]
    months = np.arange(120)
    parts = []
    for name in regions:
        people, middle, pace = random.uniform(1, 8), random.uniform(35, 75), random.uniform(9, 16)
        income = random.uniform(20, 45) * (1 + 0.0015 * months)
        price = 100 * np.exp(-months / 150) + _drifting(random, len(months), 0.8, 1.5)
        adopted = 1 / (1 + np.exp(-(months - middle) / pace))
        season = 0.08 * np.sin(2 * np.pi * (months - 2) / 12)
        truth = np.log(people * 3 * adopted) + 0.9 * np.log(income / 30)
        truth = truth - 0.7 * np.log(price / 70) + season
        parts.append((name, people, income, price, truth))
    truth = np.concatenate([part[4] for part in parts])
    return {
        "month": np.tile(months, len(regions)),
        "season": np.tile(months % 12 + 1, len(regions)),
        "region": np.repeat(regions, len(months)),
        "population": np.repeat([part[1] for part in parts], len(months)).round(3),
        "income": np.concatenate([part[2] for part in parts]).round(2),
        "price": np.concatenate([part[3] for part in parts]).round(2),
        "log_sales": (truth + 0.03 * random.standard_normal(len(truth))).round(4),
        "truth": truth.round(5),
    }


def _drifting(random: Random, count: int, memory: float, spread: float) -> Any:
    """A series about 0 that forgets slowly: autoregressive, of standard deviation `spread`."""
    values = np.empty(count)
    values[0] = random.standard_normal()
    for index in range(1, count):
        pushed = np.sqrt(1 - memory**2) * random.standard_normal()
        values[index] = memory * values[index - 1] + pushed
    return spread * values


def _write(path: Path, table: Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
