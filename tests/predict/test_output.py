"""What stands in the output of a prediction: columns that are kept, names, CSV and Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from dl.data.dataset import Preprocessing
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset
from dl.data.sources import csv
from dl.data.target import BEYOND_LOGARITHMS, Target, decode
from dl.data.write import rows_output
from dl.errors import DataError, UsageError, error_text
from dl.predict.evaluate import tell_infinite
from dl.predict.lite import Task, predictions
from dl.progress import SilentReporter
from support.tables import config_with

ROWS = "id,a,b,note\n007,1.50,2,=x\n008,3.0,4,\n009,5,6,plain\n"
SILENT = SilentReporter()


def output(
    path: Path,
    *keep: str,
    name: str = "prediction",
    scaling: str = "none",
    reporter: SilentReporter = SILENT,
    **data: object,
) -> Iterator[Any]:
    """Yields the columns for rows like `ROWS`, of a model that answers with its first input."""
    train = path.with_name("train.csv")
    train.write_text("id,a,b,y,z\n" + "".join(f"{i},{i},{2 * i},{i},{-i}\n" for i in range(20)))
    given: dict[str, Any] = {
        "source": "csv",
        "path": str(train),
        "target": "y",
        "features": ["a", "b"],
        **data,
    }
    targets = [given["target"]] if isinstance(given["target"], str) else given["target"]
    layers = {"layers": [{"type": "Dense", "units": len(targets)}]}
    config = config_with(given, preprocess={"numeric": "none", "target": scaling}, model=layers)
    fitted: Preprocessing = load_dataset(config, SILENT).preprocessing
    task = Task(path, keep=keep, name=name)
    model = lambda x: np.asarray(x)[:, : len(targets)]  # noqa: E731
    rows = open_blocks(config, fitted, path, SILENT, keep)
    target = fitted.target
    return predictions(
        model, rows, target, task, reporter, lambda inputs, outputs: decode(outputs, target)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "new.csv").write_text(ROWS)
    return tmp_path / "new.csv"


def as_csv(blocks: Iterator[Any]) -> str:
    stream = io.BytesIO()
    with rows_output(stream) as write:
        for block in blocks:
            write(block)
    return stream.getvalue().decode()


def test_columns_are_kept_as_they_stand_also_inputs(path: Path) -> None:
    assert as_csv(output(path, "id", "a", "note", name="y")) == (
        "id,a,note,y\n007,1.50,'=x,1.5\n008,3.0,,3\n009,5,plain,5\n"
    )


def test_a_column_that_is_not_there_cannot_be_kept(path: Path) -> None:
    with pytest.raises(DataError) as caught:
        list(output(path, "Id"))
    (problem,) = caught.value.problems
    assert problem.message == f"{path}: there is no column 'Id'"
    assert problem.hint == "did you mean 'id'?"


@pytest.mark.parametrize(
    ("keep", "name", "twice"),
    [(["id", "id"], "y", "id"), (["a"], "a", "a"), (["id"], "id", "id")],
)
def test_two_columns_of_a_name_are_refused(
    path: Path, keep: Sequence[str], name: str, twice: str
) -> None:
    with pytest.raises(UsageError) as caught:
        list(output(path, *keep, name=name))
    (problem,) = caught.value.problems
    assert problem.message == f"two columns of the output would be named {twice!r}"
    assert problem.hint == "keep each column once, or give the predictions another name: --as NAME"


def test_several_predictions_have_no_single_name(path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        list(output(path, name="y", target=["y", "z"]))
    (problem,) = caught.value.problems
    assert problem.message == "the predictions cannot be named 'y': they are several columns"
    assert problem.found == "prediction_y and prediction_z"
    assert problem.hint == "leave the name out, and rename the columns afterwards"


def test_parquet_has_a_group_of_rows_for_each_block(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("id,a,b\n" + "".join(f"{i:04},{i},{i}\n" for i in range(500)))
    monkeypatch.setattr(csv, "BLOCK", 2000)
    target = tmp_path / "out.parquet"
    with rows_output(target) as write:
        for block in output(path, "id"):
            write(block)
    file = pyarrow.parquet.ParquetFile(target)
    assert file.metadata.num_row_groups > 2
    table = file.read()
    assert table.schema.names == ["id", "prediction"]
    assert table.column("id").to_pylist() == [f"{i:04}" for i in range(500)]
    assert table.column("prediction").to_pylist() == list(range(500))


def test_parquet_holds_the_numbers_and_types_of_what_is_written(tmp_path: Path) -> None:
    table = pyarrow.table({"id": [7, None], "when": pyarrow.array([0, 1], pyarrow.date32())})
    probabilities = np.array([0.1, 0.9], np.float32)
    names = np.array(["no", "yes"])
    block = {**dict(zip(table.column_names, table.columns, strict=True)), "prediction": names}
    block["probability_yes"] = probabilities
    target = tmp_path / "out.parquet"
    with rows_output(target) as write:
        write(block)
    read = pyarrow.parquet.read_table(target)
    assert [str(kind) for kind in read.schema.types] == ["int64", "date32[day]", "string", "float"]
    assert read.column("id").to_pylist() == [7, None]
    assert read.column("prediction").to_pylist() == ["no", "yes"]
    assert read.column("probability_yes").to_numpy().tobytes() == probabilities.tobytes()
    lines = as_csv(iter([block])).splitlines()[1:]
    assert [np.float32(line.split(",")[-1]) for line in lines] == list(probabilities)


def test_an_earlier_parquet_file_is_as_it_was_after_an_error(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    target.write_bytes(b"before")
    path.write_text(ROWS + "010,words,1,\n")

    def write_all() -> None:
        with rows_output(target) as write:
            for block in output(path):
                write(block)

    with pytest.raises(DataError):
        write_all()
    assert target.read_bytes() == b"before"
    assert not list(tmp_path.glob(".new-*"))


def test_columns_of_arrow_are_written_as_csv_where_they_have_a_form() -> None:
    moment = pyarrow.array([0, None], pyarrow.timestamp("s"))
    word = pyarrow.array(["=a", "b"]).dictionary_encode()
    number = pyarrow.chunked_array([[1], [None]], pyarrow.int64())
    truth = pyarrow.array([True, None])
    assert as_csv(iter([{"t": moment, "w": word, "n": number, "b": truth}])) == (
        "t,w,n,b\n1970-01-01 00:00:00,'=a,1,true\n,b,,\n"
    )
    with pytest.raises(DataError) as caught:
        as_csv(iter([{"list": pyarrow.array([[1, 2]])}]))
    (problem,) = caught.value.problems
    assert problem.message == "column 'list' has no form in CSV"
    assert problem.found == "values of the type list<item: int64>"
    assert problem.hint == "write Parquet: -o NAME.parquet"


@pytest.mark.parametrize("name", ["out.xlsx", "out.feather", "out.csv.gz"])
def test_a_form_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught, rows_output(tmp_path / name):
        pass
    assert error_text(caught.value) == (
        f"error: {tmp_path / name}: cannot be written as {Path(name).suffix}\n"
        "expected: a name that ends in .csv or .parquet\n"
        "hint: write out.csv"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["out", "out.txt", "out.tsv", "out.v2"])
def test_other_names_are_csv(path: Path, tmp_path: Path, name: str) -> None:
    with rows_output(tmp_path / name) as write:
        for block in output(path):
            write(block)
    assert (tmp_path / name).read_text() == as_csv(output(path))


def test_predictions_beyond_the_numbers_are_told(path: Path) -> None:
    path.write_text("a,b\n1,2\n4000,2\n5000,2\n")
    reporter = SilentReporter()
    text = as_csv(output(path, scaling="log1p", reporter=reporter))
    assert text.splitlines()[2:] == ["inf", "inf"]
    assert reporter.warnings == [f"{path}: 2 predictions are infinite or NaN: {BEYOND_LOGARITHMS}"]


def test_metrics_beyond_the_numbers_are_told(path: Path) -> None:
    target = Target("regression", ("y",), "numbers", scaling="log1p")
    reporter = SilentReporter()
    for metrics in ({"loss": 2.0, "mae": float("inf"), "mse": float("inf")}, {"loss": 2.0}):
        tell_infinite("test", metrics, target, reporter)
    assert reporter.warnings == [f"test: mae and mse are infinite or NaN: {BEYOND_LOGARITHMS}"]
