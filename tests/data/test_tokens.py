"""Numbers that the first layers look up are looked at in every part, before the training."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dl.data.inputs import open_blocks, read_inputs
from dl.data.load import load_dataset, load_part
from dl.data.requirements import Tokens, requirements_of, tokens_of
from dl.progress import SilentReporter
from support.streaming import tiny_budget
from support.tables import config_with, told
from support.targets import make_config

SILENT = SilentReporter()
EMBEDDING = {"type": "Embedding", "input_dim": 10, "output_dim": 2}
HEAD = ["Flatten", {"type": "Dense", "units": 1, "activation": "sigmoid"}]
TEN = Tokens("Embedding", "input_dim", 10)
ROWS = 40
FIRST = "(the first is row 0)"
UNFIT = "is not a number that Embedding can look up"
ELEVEN = "expected: 0 to 9 (`input_dim: 10`)\nfound: 10\n"
MORE = "hint: train with `input_dim: 11`, or correct the number"


def config(layers: Sequence[object], data: dict[str, Any], **preprocess: object) -> Any:
    return config_with(
        data,
        preprocess=preprocess,
        training={"loss": "binary_crossentropy"},
        model={"layers": (*layers, *HEAD)},
    )


def tokens(rows: int = ROWS) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 10, (rows, 6))


def saved(folder: Path, **arrays: Any) -> dict[str, Any]:
    """Writes rows with their targets, 0 and 1 in turn, and returns the section `data`."""
    targets = {f"y{name[1:]}": np.arange(len(array)) % 2 for name, array in arrays.items()}
    path = folder / "rows.npz"
    np.savez(path, **arrays, **targets)
    names = {name: name for name in (*arrays, *targets)}
    return {"source": "npz", "path": str(path), "arrays": names, "split": {"validation": 0}}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([EMBEDDING], TEN),
        (["Flatten", EMBEDDING], TEN),
        ([{"type": "Input", "shape": (6,)}, EMBEDDING], TEN),
        ([{"type": "Reshape", "target_shape": (6, 1)}, EMBEDDING], TEN),
        ([{"type": "TimeDistributed", "layer": EMBEDDING}], TEN),
        ([{"type": "Pipeline", "layers": ["Flatten", EMBEDDING]}], TEN),
        ([{"type": "Rescaling", "scale": 2.0}, EMBEDDING], Tokens("Embedding")),
        (
            [{**EMBEDDING, "type": "ReversibleEmbedding"}],
            Tokens("ReversibleEmbedding", "input_dim", 10),
        ),
        (
            [{"type": "CategoryEncoding", "num_tokens": 4}],
            Tokens("CategoryEncoding", "num_tokens", 4),
        ),
        ([{"type": "Hashing", "num_bins": 4}], Tokens("Hashing", signed=True)),
        (
            [{"type": "IntegerLookup", "vocabulary": [7, 9]}],
            Tokens("IntegerLookup", signed=True),
        ),
        (
            [{"type": "IntegerLookup", "vocabulary": [7, 9], "num_oov_indices": 0}],
            Tokens("IntegerLookup", known=(7, 9), signed=True),
        ),
        ([{"type": "Dense", "units": 3}, EMBEDDING], None),
        (["Flatten"], None),
    ],
)
def test_first_layer_that_looks_up_says_what_it_takes(
    layers: list[object], expected: Tokens | None
) -> None:
    assert tokens_of(make_config(layers=layers).model.layers) == expected


@pytest.mark.parametrize("part", ["x_train", "x_validation", "x_test"])
@pytest.mark.parametrize("before", [[], ["Flatten"]])
def test_token_that_is_too_large_is_refused_in_every_part(
    tmp_path: Path, part: str, before: list[object]
) -> None:
    parts = {"x_train": tokens(), "x_validation": tokens(8), "x_test": tokens(8)}
    parts[part][-1, 3] = 10
    row = len(parts[part]) - 1
    told_part = "" if part == "x_train" else f" ({part[2:]} part)"

    text = told(
        lambda: load_dataset(config([*before, EMBEDDING], saved(tmp_path, **parts)), SILENT)
    )

    assert text == (
        f"{tmp_path}/rows.npz{told_part}: row {row} {FIRST}: an input {UNFIT}\n{ELEVEN}{MORE}"
    )


@pytest.mark.parametrize(("value", "found"), [(0.5, "0.5"), (-1, "-1"), (np.nan, "nan")])
def test_other_numbers_are_refused(tmp_path: Path, value: float, found: str) -> None:
    x = tokens().astype("float64")
    x[3, 2] = value

    text = told(lambda: load_dataset(config([EMBEDDING], saved(tmp_path, x_train=x)), SILENT))

    assert text == (
        f"{tmp_path}/rows.npz: row 3 {FIRST}: an input {UNFIT}\n"
        f"expected: 0 to 9 (`input_dim: 10`)\nfound: {found}\n"
        "hint: number the words or categories from 0 on"
    )


@pytest.mark.parametrize(
    ("layer", "value", "expected"),
    [
        ({"type": "CategoryEncoding", "num_tokens": 10}, 10, "0 to 9 (`num_tokens: 10`)"),
        (
            {"type": "IntegerLookup", "vocabulary": list(range(10)), "num_oov_indices": 0},
            -3,
            "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
        ({"type": "Hashing", "num_bins": 10}, 0.5, "whole numbers"),
    ],
)
def test_other_layers_that_look_up_say_what_they_take(
    tmp_path: Path, layer: dict[str, object], value: float, expected: str
) -> None:
    x = tokens().astype("float64")
    x[3, 2] = value

    text = told(lambda: load_dataset(config([layer], saved(tmp_path, x_train=x)), SILENT))

    assert text.splitlines()[1] == f"expected: {expected}"


def test_numbers_below_0_are_hashed(tmp_path: Path) -> None:
    chosen = config([{"type": "Hashing", "num_bins": 10}], saved(tmp_path, x_train=-tokens()))
    assert load_dataset(chosen, SILENT).train.x[:].min() == -9


def test_rows_to_predict_and_to_evaluate_are_looked_at(tmp_path: Path) -> None:
    chosen = config([EMBEDDING], saved(tmp_path, x_train=tokens()))
    fitted = load_dataset(chosen, SILENT).preprocessing
    np.savez(tmp_path / "new.npz", x=tokens(3) + 1, y=[0, 1, 1])

    for read in (
        lambda: read_inputs(chosen, fitted, tmp_path / "new.npz", SILENT),
        lambda: load_part(chosen, fitted, tmp_path / "new.npz", SILENT),
    ):
        first = f"{tmp_path}/new.npz: row 1 {FIRST}: an input {UNFIT}\n"
        assert told(read) == f"{first}{ELEVEN}{MORE}"


def test_pixels_are_looked_up_as_they_are(tmp_path: Path) -> None:
    """Bytes that are divided by 255 would all be the numbers 0 and 1."""
    x = np.arange(200, dtype=np.uint8).reshape(4, 50)
    wide = {"type": "Embedding", "input_dim": 256, "output_dim": 2}
    data = {**saved(tmp_path, x_train=x), "split": {"validation": 0, "test": 0, "stratify": False}}

    dataset = load_dataset(config(["Flatten", wide], data), SILENT)

    np.testing.assert_array_equal(dataset.train.x, x)


def test_pictures_on_the_disk_are_looked_at_before_the_training(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(6):
            picture = Image.new("L", (4, 4), 10 if (name, i) == ("dog", 5) else i)
            picture.save(tmp_path / "pictures" / name / f"{i}.png")
    data = {"source": "images", "path": str(tmp_path / "pictures"), "image_size": (4, 4)}
    chosen = config(["Flatten", EMBEDDING], {**data, "color": "grayscale"})

    with tiny_budget():
        text = told(lambda: load_dataset(chosen, SILENT))

    assert text == f"{tmp_path}/pictures/dog/5.png: an input {UNFIT}\n{ELEVEN}{MORE}"


def table(folder: Path, *lines: str, header: str = "city,age,y") -> dict[str, Any]:
    path = folder / "rows.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    split = {"validation": 0.2, "test": 0, "stratify": False}
    return {"source": "csv", "path": str(path), "target": "y", "split": split}


CITIES = [f"{'abc'[i % 3]},{i % 10},{i % 2}" for i in range(ROWS)]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a,10,1", f"column 'age' {UNFIT}\n{ELEVEN}{MORE}"),
        (
            "a,-1,1",
            f"column 'age' {UNFIT}\nexpected: 0 to 9 (`input_dim: 10`)\nfound: -1\n"
            "hint: leave it out with `data.exclude`, or begin with another layer than Embedding",
        ),
    ],
)
def test_columns_of_numbers_are_looked_at(
    tmp_path: Path, line: str, expected: str, streamed: bool
) -> None:
    data = table(tmp_path, *CITIES, line)
    chosen = config([EMBEDDING], data, categorical="ordinal", numeric="none")

    def load() -> object:
        if not streamed:
            return load_dataset(chosen, SILENT)
        with tiny_budget():
            return load_dataset(chosen, SILENT)

    assert told(load) == f"{tmp_path}/rows.csv:{ROWS + 2}: {expected}"


def test_scaled_columns_cannot_be_looked_up(tmp_path: Path) -> None:
    chosen = config([EMBEDDING], table(tmp_path, *CITIES), categorical="ordinal")

    *_, hint = told(lambda: load_dataset(chosen, SILENT)).splitlines()

    assert hint == (
        "hint: write `preprocess.numeric: none`, so that it is not scaled; or leave it out with "
        "`data.exclude`, or begin with another layer than Embedding"
    )


def test_category_without_a_row_in_the_embedding_is_named(tmp_path: Path) -> None:
    two = {**EMBEDDING, "input_dim": 2}
    data = {**table(tmp_path, *CITIES), "features": ["city"]}
    chosen = config([two], data, categorical="ordinal")

    place, *rest = told(lambda: load_dataset(chosen, SILENT)).splitlines()

    assert place.endswith(f": column 'city': category 'c' {UNFIT}")
    assert rest == [
        "expected: 0 to 1 (`input_dim: 2`)",
        "found: 2",
        "hint: train with `input_dim: 3`, or correct the number",
    ]


def test_unseen_category_is_refused_where_it_would_be_looked_up(tmp_path: Path) -> None:
    """Its number would be -1, which is that of the last row of the table."""
    data = {**table(tmp_path, *CITIES), "features": ["city"]}
    chosen = config([EMBEDDING], data, categorical="ordinal")
    fitted = load_dataset(chosen, SILENT).preprocessing
    (tmp_path / "new.csv").write_text("city,y\na,0\nZZ,1\n")

    def predict() -> object:
        rows = open_blocks(chosen, fitted, io.BytesIO(b"city\na\nZZ\n"), SILENT)
        return list(rows.read(lambda done: None))

    expected = (
        "3: column 'city' has a category that is not in the training part\n"
        "expected: 'a', 'b', 'c'\nfound: 'ZZ'\n"
        "hint: correct it, or leave the row out: Embedding has no row for it"
    )
    assert told(predict) == f"standard input:{expected}"
    new = tmp_path / "new.csv"
    assert told(lambda: load_part(chosen, fitted, new, SILENT)) == f"{new}:{expected}"


def test_unseen_category_is_hashed_with_a_warning(tmp_path: Path) -> None:
    data = {**table(tmp_path, *CITIES), "features": ["city"]}
    chosen = config([{"type": "Hashing", "num_bins": 10}], data, categorical="ordinal")
    fitted, reporter = load_dataset(chosen, SILENT).preprocessing, SilentReporter()

    rows = open_blocks(chosen, fitted, io.BytesIO(b"city\na\nZZ\n"), reporter)
    (inputs,) = rows.read(lambda done: None)

    assert inputs.x[:].tolist() == [[0], [-1]]
    assert [text.split("; ")[-1] for text in reporter.warnings] == ["encoded as -1"]


def test_trainings_that_look_up_other_numbers_share_no_data(tmp_path: Path) -> None:
    data = saved(tmp_path, x_train=tokens())
    keys = {repr(requirements_of(config([{**EMBEDDING, "input_dim": n}], data))) for n in (9, 10)}
    assert len(keys) == 2
