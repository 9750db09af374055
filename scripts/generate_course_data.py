"""Write the made-up tables of configs/course/ from their formulas; with --check, only compare."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parents[1] / "configs" / "course"
Column = NDArray[Any]


def contents() -> dict[Path, str]:
    """Returns the files and what they have to hold."""
    tables = {
        "gates.csv": gates(),
        "house-prices.csv": house_prices(np.random.default_rng(1)),
        "outing.csv": outing(np.random.default_rng(2)),
        "steering.csv": steering(np.random.default_rng(3)),
        "outliers.csv": outliers(np.random.default_rng(4)),
    }
    return {FOLDER / name: csv_text(columns) for name, columns in tables.items()}


def gates() -> dict[str, Column]:
    """Returns the four corners, with what AND, OR and XOR say of them."""
    x1, x2 = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    return {"x1": x1, "x2": x2, "and": x1 & x2, "or": x1 | x2, "xor": x1 ^ x2}


def house_prices(random: np.random.Generator, rows: int = 300) -> dict[str, Column]:
    """Returns houses whose price is a sum of what each has, with noise of 15,000."""
    area = random.integers(40, 240, rows)
    rooms = np.clip(area // 28 + random.integers(-1, 2, rows), 1, None)
    age = random.integers(0, 80, rows)
    distance = np.round(random.uniform(0.5, 30, rows), 1)
    worth = 60_000 + 2500 * area + 8000 * rooms - 900 * age - 4000 * distance
    price = np.round(worth + random.normal(0, 15_000, rows), -2).astype(int)
    return {
        "area_m2": area,
        "rooms": rooms,
        "age_years": age,
        "centre_km": distance,
        "price": price,
    }


def outing(random: np.random.Generator, rows: int = 400) -> dict[str, Column]:
    """Returns days, and what to take along: each thing depends on the weather, none on another."""
    temperature = np.round(random.uniform(-5, 35, rows), 1)
    clouds = random.integers(0, 101, rows)
    wind = random.integers(0, 60, rows)
    felt = temperature - 0.15 * wind + random.normal(0, 1, rows)
    sky = clouds + random.normal(0, 4, rows)
    return {
        "temperature": temperature,
        "clouds": clouds,
        "wind": wind,
        "coat": (felt < 12).astype(int),
        "umbrella": (sky > 65).astype(int),
        "sunscreen": ((sky < 45) & (felt > 15)).astype(int),
    }


def steering(random: np.random.Generator, rows: int = 400) -> dict[str, Column]:
    """Returns places of a car on its lane, and the angle that brings it back, -90° to 90°."""
    offset = np.round(random.uniform(-2, 2, rows), 2)
    heading = np.round(random.uniform(-30, 30, rows), 1)
    wanted = -90 * np.tanh(0.6 * offset + 0.03 * heading) + random.normal(0, 2, rows)
    return {
        "offset_m": offset,
        "heading_deg": heading,
        "angle_deg": np.round(np.clip(wanted, -90, 90), 1),
    }


def outliers(random: np.random.Generator, rows: int = 100) -> dict[str, Column]:
    """Returns the line y = 4 + 3x with noise of 0.5; every tenth row is 20 too high."""
    x = np.round(random.uniform(0, 2, rows), 3)
    y = 4 + 3 * x + random.normal(0, 0.5, rows)
    return {"x": x, "y": np.round(y + 20 * (np.arange(rows) % 10 == 9), 3)}


def csv_text(columns: Mapping[str, Column]) -> str:
    """Returns the columns as CSV."""
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the tables, or with --check says which are not fresh; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a file is stale")
    check = parser.parse_args().check
    stale = [
        path
        for path, text in contents().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        print(f"{'stale' if check else 'wrote'}: {path}", file=sys.stderr)
        if not check:
            path.write_text(contents()[path], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
