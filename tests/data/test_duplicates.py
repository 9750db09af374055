"""Rows with the same inputs in two parts: found, counted, and refused where they are to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl.config.schema import Config
from dl.data.duplicates import repeated_rows
from dl.data.load import load_dataset
from dl.data.types import Part
from dl.progress import SilentReporter
from support.streaming import both, tiny_budget
from support.tables import config_for, config_with, told


def part(x: list[list[float]]) -> Part:
    rows = np.array(x, np.float32).reshape(len(x), -1)
    return Part(rows, np.zeros(len(x)), np.arange(len(x)))


some_rows = st.lists(st.integers(0, 8).map(lambda value: [float(value), 1.0]), min_size=1)


@settings(deadline=None)
@given(train=some_rows, validation=some_rows, test=some_rows)
def test_the_rows_are_those_that_are_in_a_part_before(
    train: list[list[float]], validation: list[list[float]], test: list[list[float]]
) -> None:
    parts = {"train": train, "validation": validation, "test": test}
    found = repeated_rows({name: part(rows) for name, rows in parts.items()})
    assert {it.part: it.rows.tolist() for it in found} == {
        name: wanted
        for name, before in (("validation", train), ("test", train + validation))
        if (wanted := [place for place, row in enumerate(parts[name]) if row in before])
    }
    for it in found:
        for row, (earlier, place) in zip(it.rows, it.earlier, strict=True):
            assert parts[earlier][place] == parts[it.part][row]


def test_zero_has_no_sign_here() -> None:
    (found,) = repeated_rows({"train": part([[0.0]]), "test": part([[-0.0], [1.0]])})
    assert found.rows.tolist() == [0]


def planted(folder: Path, across_parts: str) -> Config:
    """Twelve rows in file order; two of the test part repeat rows of the training part."""
    values = [*range(8), 10, 3, 11, 5]
    parts = ["train"] * 8 + ["validation"] + ["test"] * 3
    lines = [f"{v},{v % 2},{name}" for v, name in zip(values, parts, strict=True)]
    path = folder / "rows.csv"
    path.write_text("\n".join(["x,y,part", *lines]) + "\n")
    split = {"column": "part"}
    return config_for(path, split=split, duplicates={"across_parts": across_parts})


FOUND = "rows.csv:11 (test) as rows.csv:5 (train), rows.csv:13 (test) as rows.csv:7 (train)"


def test_duplicates_are_refused(tmp_path: Path) -> None:
    text = told(lambda: load_dataset(planted(tmp_path, "error"), SilentReporter()), tmp_path)
    assert text == (
        "rows.csv: 2 rows of the test part have the same inputs as rows of an earlier part\n"
        "expected: rows that are in one part only (`data.duplicates.across_parts: error`)\n"
        f"found: {FOUND}\n"
        "hint: leave them out of one part, keep rows that belong together in one part with "
        "`data.split.by`, or write `across_parts: warn`"
    )
    with tiny_budget():
        assert told(
            lambda: load_dataset(planted(tmp_path, "error"), SilentReporter()), tmp_path
        ) == (text)


def test_a_warning_says_where_they_are(tmp_path: Path) -> None:
    _, _, warnings, streamed = both(planted(tmp_path, "warn"))
    assert warnings == streamed
    assert [line.replace(f"{tmp_path}/", "") for line in warnings] == [
        f"2 rows of the test part have the same inputs as rows of an earlier part: {FOUND}"
    ]


def test_nothing_is_said_by_default(tmp_path: Path) -> None:
    reporter = SilentReporter()
    load_dataset(planted(tmp_path, "allow"), reporter)
    assert reporter.warnings == []


@pytest.mark.parametrize("across_parts", ["warn", "error"])
def test_nothing_is_said_where_there_are_none(across_parts: str) -> None:
    reporter = SilentReporter()
    data = {"source": "synthetic", "dataset": "linear", "rows": 40}
    load_dataset(config_with({**data, "duplicates": {"across_parts": across_parts}}), reporter)
    assert reporter.warnings == []


def test_pictures_in_two_parts_are_found_by_their_files(tmp_path: Path) -> None:
    from PIL import Image

    for folder, shade in (("train/a", 1), ("train/b", 9), ("test/a", 9), ("test/b", 30)):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("L", (4, 4), shade).save(tmp_path / folder / "one.png")
    data = {"source": "images", "path": str(tmp_path / "train"), "image_size": [4, 4]}
    data |= {"test_path": str(tmp_path / "test"), "split": {"validation": 0}}
    layers = ["Flatten", {"type": "Dense", "units": 1, "activation": "sigmoid"}]
    config = config_with(
        {**data, "duplicates": {"across_parts": "error"}},
        model={"layers": layers},
        training={"loss": "binary_crossentropy"},
    )
    assert "found: test/a/one.png (test) as train/b/one.png (train)\n" in told(
        lambda: load_dataset(config, SilentReporter()), tmp_path
    )


def test_the_first_rows_stand_for_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"1,{row % 2},{'test' if row > 4 else 'train'}" for row in range(12)]
    path.write_text("\n".join(["x,y,part", *lines]) + "\n")
    split, duplicates = {"column": "part", "validation": 0}, {"across_parts": "warn"}
    reporter = SilentReporter()
    load_dataset(config_for(path, split=split, duplicates=duplicates), reporter)
    (warning,) = reporter.warnings
    assert warning.startswith("7 rows of the test part have the same inputs")
    assert warning.count(" as ") == 4
    assert "more" not in warning
