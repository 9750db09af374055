"""Parts by a column of the table, from a file to a data set: groups, times, parts as written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import load_dataset, load_split
from dl.data.resolve import resolve_config
from dl.progress import SilentReporter
from support.streaming import Notes, assert_same, both
from support.tables import config_with, told

CLASSES = {
    "model": {"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]},
    "training": {"loss": "binary_crossentropy"},
}


def table(folder: Path, rows: Sequence[Sequence[object]], name: str = "rows.csv") -> Path:
    lines = [",".join(map(str, row)) for row in (("who", "when", "part", "x", "y"), *rows)]
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def patients(folder: Path, name: str = "rows.csv", first: int = 0) -> Path:
    """Ten patients with six rows each; half of them are of the class `ill`."""
    return table(
        folder,
        [
            [
                f"p{first + row % 10}",
                f"2024-{1 + row // 28:02d}-{1 + row % 28:02d}",
                "validation" if row % 10 == 8 else "test" if row % 10 == 9 else "train",
                row / 7,
                "ill" if row % 2 else "well",
            ]
            for row in range(60)
        ],
        name,
    )


def config(path: Path, split: dict[str, Any], **data: Any) -> Config:
    section = {"source": "csv", "path": str(path), "target": "y", "features": ["x"]}
    return config_with({**section, "split": split, **data}, **CLASSES)


def loaded(path: Path, split: dict[str, Any], **data: Any) -> tuple[Dataset, str]:
    """Returns the data, and what was said."""
    notes = Notes()
    dataset = load_dataset(config(path, split, **data), notes)
    return dataset, "\n".join(notes.notes)


def rows_of(dataset: Dataset) -> dict[str, list[int]]:
    return {name: part.rows.tolist() for name, part in dataset.parts.items()}


def test_no_patient_is_in_two_parts_and_that_is_said(tmp_path: Path) -> None:
    dataset, said = loaded(patients(tmp_path), {"by": "who"})
    groups = {name: {row % 10 for row in rows} for name, rows in rows_of(dataset).items()}
    assert sum(map(len, groups.values())) == len(set().union(*groups.values())) == 10
    assert said == (
        "split by who: train 7 groups (42 rows), validation 1 group (6 rows), test 2 groups (12 "
        "rows); the shares of the classes differ from those of all rows by at most 50 percentage "
        "points ('ill': 50% of all rows, 0% of the validation part)"
    )
    assert dataset.sizes()["train"]["groups"] == 7
    assert dataset.preprocessing.split.stratify


def test_the_test_part_is_the_same_for_every_fold(tmp_path: Path) -> None:
    path = patients(tmp_path)
    whole = loaded(path, {"by": "who"})[0]
    folds = [loaded(path, {"by": "who", "folds": 4, "fold": n})[0] for n in range(1, 5)]
    assert {tuple(rows_of(fold)["test"]) for fold in [*folds, whole]} == {
        tuple(rows_of(whole)["test"])
    }
    validated = sorted(row for fold in folds for row in rows_of(fold)["validation"])
    assert validated == sorted([*rows_of(whole)["train"], *rows_of(whole)["validation"]])


def test_the_seed_draws_other_groups(tmp_path: Path) -> None:
    path = patients(tmp_path)
    drawn = []
    for seed in (1, 1, 2):
        own = config_with(
            {"source": "csv", "path": str(path), "target": "y", "split": {"by": "who"}},
            seed=seed,  # type: ignore[arg-type]
            **CLASSES,
        )
        drawn.append(rows_of(load_dataset(own, SilentReporter()))["test"])
    assert drawn[0] == drawn[1] != drawn[2]


def test_parts_in_the_order_of_time_with_a_gap(tmp_path: Path) -> None:
    split = {"by": "when", "order": "time", "gap": "2d"}
    dataset, said = loaded(patients(tmp_path), split)
    found = rows_of(dataset)
    assert found["test"] == list(range(48, 60))
    assert found["validation"] == list(range(41, 47))
    assert found["train"] == list(range(40))
    assert said == (
        "split by when: train 2024-01-01 to 2024-02-12 (40 rows), validation 2024-02-14 to "
        "2024-02-19 (6 rows), test 2024-02-21 to 2024-03-04 (12 rows); left out: 2 rows in the "
        "gaps of 2d"
    )
    train = dataset.sizes()["train"]
    assert (train["from"], train["to"], train["left_out"]) == ("2024-01-01", "2024-02-12", 2)
    assert not dataset.preprocessing.split.stratify


def test_numbers_and_months_are_times_too(tmp_path: Path) -> None:
    rows = [[year, f"2024-{year - 2000:02d}", "", year, year % 2] for year in range(2001, 2013)]
    path = table(tmp_path, rows)
    for column, gap in (("who", 1), ("when", "1d")):
        split = {"by": column, "order": "time", "gap": gap}
        assert rows_of(loaded(path, split)[0]) == {
            "train": list(range(9)),
            "validation": [9],
            "test": [10, 11],
        }


def test_folds_go_forward_in_time(tmp_path: Path) -> None:
    path = patients(tmp_path)
    split = {"by": "when", "order": "time", "folds": 3, "test": 0}
    for fold in (1, 2, 3):
        dataset, said = loaded(path, {**split, "fold": fold})
        assert rows_of(dataset) == {
            "train": list(range(15 * fold)),
            "validation": list(range(15 * fold, 15 * (fold + 1))),
        }
        assert ("left out" in said) == (fold < 3)


def test_parts_as_a_column_says(tmp_path: Path) -> None:
    dataset, said = loaded(patients(tmp_path), {"column": "part"})
    found = rows_of(dataset)
    assert found["validation"] == [8, 18, 28, 38, 48, 58]
    assert found["test"] == [9, 19, 29, 39, 49, 59]
    assert said == "split by part: train 48 rows, validation 6 rows, test 6 rows"


def test_folds_of_all_rows_that_are_not_written_to_be_test_rows(tmp_path: Path) -> None:
    path = patients(tmp_path)
    folds = [loaded(path, {"column": "part", "folds": 3, "fold": n})[0] for n in (1, 2, 3)]
    assert all(rows_of(fold)["test"] == [9, 19, 29, 39, 49, 59] for fold in folds)
    validated = sorted(row for fold in folds for row in rows_of(fold)["validation"])
    assert validated == [row for row in range(60) if row % 10 != 9]
    assert all(fold.preprocessing.split.stratify for fold in folds)


def test_the_column_is_no_input_unless_it_is_named(tmp_path: Path) -> None:
    path = patients(tmp_path)
    every = loaded(path, {"by": "who"}, features=None)[0]
    named = loaded(path, {"by": "who"}, features=["x", "who"])[0]
    assert [feature.name for feature in every.preprocessing.columns] == ["when", "part", "x"]
    assert [feature.name for feature in named.preprocessing.columns] == ["x", "who"]
    assert rows_of(every) == rows_of(named)


def test_a_date_can_be_order_and_input(tmp_path: Path) -> None:
    split = {"by": "when", "order": "time"}
    dataset = loaded(patients(tmp_path), split, features=["when"])[0]
    assert "when.month" in dataset.preprocessing.feature_names


SPLITS: list[dict[str, Any]] = [
    {"by": "who"},
    {"by": "who", "folds": 3, "fold": 2},
    {"by": "when", "order": "time", "gap": "2d"},
    {"by": "when", "order": "time", "folds": 3},
    {"column": "part"},
]


@pytest.mark.parametrize("split", SPLITS)
def test_streamed_rows_are_in_the_same_parts(tmp_path: Path, split: dict[str, Any]) -> None:
    resident, streamed, _, _ = both(config(patients(tmp_path), split))
    assert_same(resident, streamed)
    assert resident.about == streamed.about


@pytest.mark.parametrize("split", SPLITS)
def test_a_resolved_config_gives_the_same_parts_again(
    tmp_path: Path, split: dict[str, Any]
) -> None:
    first = config(patients(tmp_path), split)
    dataset = load_dataset(first, SilentReporter())
    resolved = resolve_config(first, dataset)
    assert rows_of(load_dataset(resolved, SilentReporter())) == rows_of(dataset)
    part = load_split(resolved, dataset.preprocessing, "validation", SilentReporter())
    assert part.rows.tolist() == rows_of(dataset)["validation"]


# Faults


def fault(path: Path, split: dict[str, Any], **data: Any) -> str:
    return told(lambda: loaded(path, split, **data), path.parent)


def test_a_row_without_a_group(tmp_path: Path) -> None:
    path = table(tmp_path, [["a", "", "", 1, "ill"], ["", "", "", 2, "well"]])
    assert fault(path, {"by": "who"}) == (
        "rows.csv:3: column 'who' has no value\n"
        "expected: a value in each row: it decides in which part the row is\n"
        "found: 1 row without\n"
        "hint: fill it in, leave these rows out, or name another column in `data.split`"
    )


def test_too_few_groups(tmp_path: Path) -> None:
    path = table(tmp_path, [["ab"[row % 2], "", "", row, "ill"] for row in range(8)])
    assert fault(path, {"by": "who"}, classes=["ill", "well"]) == (
        "rows.csv: column 'who' has 2 groups\n"
        "expected: at least 3, one for each part\n"
        "hint: set `data.split.validation` or `test` to 0, or name another column"
    )
    assert fault(path, {"by": "who", "folds": 2}, classes=["ill", "well"]) == (
        "rows.csv: the folds are more than the groups\n"
        "expected: at most 1\n"
        "found: `data.split.folds: 2`"
    )


def test_a_word_that_is_no_part(tmp_path: Path) -> None:
    rows = [["", "", word, 1, "ill"] for word in ("train", "Validation", "test")]
    assert fault(table(tmp_path, rows), {"column": "part"}, classes=["ill", "well"]) == (
        "rows.csv:3: column 'part' names no part\n"
        "expected: train, validation or test\n"
        "found: 'Validation'\n"
        "hint: did you mean validation?"
    )


def test_no_row_to_train_on(tmp_path: Path) -> None:
    rows = [["", "", word, 1, "ill"] for word in ("validation", "test")]
    assert fault(table(tmp_path, rows), {"column": "part"}, classes=["ill", "well"]) == (
        "rows.csv: column 'part' names 0 rows for the train part\n"
        "expected: rows for it\n"
        "hint: write the word train in column 'part' of some rows"
    )


def test_a_column_and_a_config_say_which_parts_there_are(tmp_path: Path) -> None:
    rows = [["", "", "test" if row % 4 else "train", row, "ill"] for row in range(8)]
    path = table(tmp_path, [*rows, ["", "", "train", 9, "well"]])
    assert fault(path, {"column": "part"}) == (
        "rows.csv: column 'part' names 0 rows for the validation part\n"
        "expected: rows for it\n"
        "hint: write `data.split.validation: 0` to do without it"
    )
    assert list(loaded(path, {"column": "part", "validation": 0})[0].parts) == ["train", "test"]
    assert fault(path, {"column": "part", "validation": 0, "test": 0}) == (
        "rows.csv: column 'part' names 6 rows for the test part\n"
        "expected: none: `data.split.test: 0`\n"
        "hint: remove `data.split.test: 0`, or leave these rows out"
    )


def test_an_order_that_is_neither_of_dates_nor_of_numbers(tmp_path: Path) -> None:
    path = table(tmp_path, [["early", "", "", 1, "ill"], ["late", "", "", 2, "well"]])
    assert fault(path, {"by": "who", "order": "time"}) == (
        "rows.csv:2: column 'who' gives the order of the rows, but this is neither a number nor a "
        "date to be read\n"
        "expected: 2024-12-31, 2024-12-31 23:59, 2024/12/31 or 31.12.2024"
        "\nfound: 'early'\n"
        "hint: write it in one of these forms, or name another column in `data.split.by`"
    )


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    assert fault(patients(tmp_path), {"by": "patient"}) == (
        "rows.csv: there is no column 'patient'\nexpected: one of who, when, part, x, y"
    )


def test_a_group_in_two_files(tmp_path: Path) -> None:
    train, test = patients(tmp_path), patients(tmp_path, "test.csv", first=8)
    assert fault(train, {"by": "who"}, test_path=str(test)) == (
        "test.csv:2: the group 'p8' of column 'who' is in the test part and, in rows.csv, in the "
        "train part\n"
        "expected: all rows of a group in one part\n"
        "found: 2 groups in both\n"
        "hint: leave the rows of these groups out of one of the files"
    )
    apart = patients(tmp_path, "other.csv", first=20)
    assert len(loaded(train, {"by": "who"}, test_path=str(apart))[0].parts) == 3


def test_a_test_file_of_earlier_rows(tmp_path: Path) -> None:
    split = {"by": "when", "order": "time", "gap": "1d"}
    later = table(tmp_path, [["", f"2024-03-{day:02d}", "", day, "ill"] for day in range(6, 9)])
    test = later.rename(tmp_path / "test.csv")
    assert len(loaded(patients(tmp_path), split, test_path=str(test))[0].parts) == 3
    assert fault(patients(tmp_path), {**split, "gap": "3d"}, test_path=str(test)) == (
        "test.csv:2: the test part begins at 2024-03-06, but the validation part, of rows.csv, "
        "goes on to 2024-03-04\n"
        "expected: later times in column 'when' of the test part, the gap of 3d between them\n"
        "hint: leave these rows out of one of the files"
    )


def test_the_planted_effect_of_patients_is_seen_only_where_they_are_kept_apart(
    tmp_path: Path,
) -> None:
    """A neighbour in the same part answers for a patient; a split by patients leaves him none."""
    random = np.random.default_rng(0)
    places, ill = random.normal(size=60), random.random(60) < 0.5
    rows = [
        [f"p{who}", "", "", places[who] + random.normal() * 1e-4, "ill" if ill[who] else "well"]
        for who in np.repeat(np.arange(60), 5)
    ]
    path, right = table(tmp_path, rows), {}
    for name, split in (("rows", {}), ("groups", {"by": "who"})):
        dataset = loaded(path, split)[0]
        train, test = dataset.train, dataset.test
        assert test is not None
        nearest = np.abs(test.x[:] - train.x[:].T).argmin(axis=1)
        right[name] = float((train.y[nearest] == test.y).mean())
    assert right["rows"] > 0.95
    assert right["groups"] < 0.75


def test_a_random_split_is_kept_as_by_earlier_versions(tmp_path: Path) -> None:
    fitted = loaded(patients(tmp_path), {"test": 0.3})[0].preprocessing
    assert list(json.loads(fitted.text())["split"]) == [
        *("validation", "test", "stratify", "folds", "fold"),
    ]
