"""Train, look, predict and go on, from Python."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dl
from conftest import Dl
from dl.rows import write_rows
from support.drawing import Here, drawn_by
from support.tables import told

Make = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by the API, in a folder that nothing changes."""
    from e2e.conftest import CONFIG, write_fruit

    folder = tmp_path_factory.mktemp("api")
    (folder / "fruit.yaml").write_text(CONFIG)
    write_fruit(folder / "fruit.csv")
    with drawn_by(Here):
        return dl.train(folder / "fruit.yaml", {"training.epochs": 3}, runs=folder / "runs").path


@pytest.mark.slow
def test_a_run_knows_its_numbers(trained: Path) -> None:
    run = dl.load(trained)

    assert (run.label, run.status, run.record.command[0][:8]) == (
        "fruit/0001",
        "completed",
        "dl.train",
    )
    assert set(run.metrics) == {"train", "validation", "test"}
    assert " unseen rows; guessing gives " in run.verdict
    assert run.verdict in run._repr_html_()
    assert run.history.index.tolist() == [1, 2, 3]
    assert run.history.index.name == "epoch"
    assert run.config["training"]["epochs"] == 3
    assert repr(run).startswith("<dl.Run fruit/0001: completed, 3 epochs, test loss ")


@pytest.mark.slow
def test_a_run_shows_result_curves_and_report_in_a_notebook(trained: Path) -> None:
    page = dl.load(trained)._repr_html_()

    assert "<b>fruit/0001</b>: completed, 3 epochs" in page
    assert '<img alt="learning curves" src="data:image/png;base64,' in page
    assert f'<a href="{(trained / "report.html").as_uri()}">report</a>' in page


@pytest.mark.slow
def test_predictions_have_the_index_of_the_rows(trained: Path, fruit: pd.DataFrame) -> None:
    run = dl.load(trained)
    rows = fruit.drop(columns="kind").iloc[::-1]

    found = run.predict(rows)

    assert found.index.equals(rows.index)
    assert found.columns[0] == "prediction"
    classes = [name for name in found if name.startswith("probability_")]
    assert np.allclose(found[classes].sum(axis=1), 1)
    assert set(found["prediction"]) <= {"apple", "lemon", "plum"}


@pytest.mark.slow
def test_predictions_are_those_of_the_command(
    trained: Path, folder: Path, fruit: pd.DataFrame, dl: Dl
) -> None:
    import dl as api

    assert dl("predict", trained, "fruit.csv", "-o", "out.csv", "-q").code == 0
    found = api.load(trained).predict(fruit)

    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), pd.read_csv("out.csv"), check_dtype=False
    )
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), api.load(trained).predict("fruit.csv")
    )


@pytest.mark.slow
def test_columns_are_kept_and_predictions_named(
    trained: Path, folder: Path, fruit: pd.DataFrame, dl: Dl
) -> None:
    import dl as api

    done = dl(
        *("predict", trained, "fruit.csv", "--keep", "colour", "--as", "fruit"),
        *("-o", "out.parquet", "-q"),
    )
    assert done.code == 0
    rows = fruit.assign(sold=pd.Timestamp("2024-01-31"), kind=fruit["kind"].astype("category"))
    found = api.load(trained).predict(rows, keep=["colour", "sold", "kind"], name="fruit")

    written = pd.read_parquet("out.parquet")
    assert list(written)[:2] == ["colour", "fruit"]
    assert list(found)[:4] == ["colour", "sold", "kind", "fruit"]
    said = found.drop(columns=["sold", "kind"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(said, written, check_dtype=False)
    pd.testing.assert_frame_equal(found[["sold", "kind"]], rows[["sold", "kind"]])
    with pytest.raises(api.UsageError, match="columns are kept of rows in a file"):
        api.load(trained).predict(keep=["colour"])


@pytest.mark.slow
def test_a_model_is_measured_on_parts_and_on_other_rows(trained: Path, fruit: pd.DataFrame) -> None:
    run = dl.load(trained)

    assert run.evaluate() == run.metrics["test"]
    assert run.evaluate(split="validation") == run.metrics["validation"]
    assert set(run.evaluate(fruit)) == {"loss", "accuracy"}
    with pytest.raises(dl.UsageError, match="data and split exclude each other"):
        run.evaluate(fruit, split="test")


@pytest.mark.slow
def test_the_model_is_of_keras_with_the_trained_weights(trained: Path) -> None:
    import keras

    model = dl.load(trained).model

    assert isinstance(model, keras.Sequential)
    saved = keras.models.load_model(trained / "model.h5")
    for ours, theirs in zip(model.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_a_frame_in_the_place_of_its_file_gives_the_same_bits(
    trained: Path, folder: Path, fruit: pd.DataFrame
) -> None:
    run = dl.train("fruit.yaml", {"training.epochs": 3}, data=fruit)

    assert (run.path / "model.h5").read_bytes() == (trained / "model.h5").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_a_run_keeps_the_rows_that_it_was_given(
    folder: Path, fruit: pd.DataFrame, config: Make, source: str, dl: Dl
) -> None:
    import dl as api

    given = config()
    given["data"] = {"source": source, "target": "kind"}
    run = api.train(given, data=fruit, name="framed")
    (folder / "fruit.csv").unlink()
    moved = Path(shutil.move(run.path.parent.parent, folder / "elsewhere")) / "framed" / "0001"

    again = api.resume(api.load(moved), 4)

    assert len(again.history) == 4
    assert again.evaluate() == again.metrics["test"]
    assert (moved / f"data.{source}").is_file()
    assert f"path: data.{source}" in (moved / "resolved.yaml").read_text()
    assert dl("reproduce", moved, "-q").out == "identical: 4 epochs and model.h5, bit for bit\n"


@pytest.mark.slow
def test_arrays_stand_in_the_place_of_an_npz_file(folder: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 4, 4)).astype("float32")
    y = (x.mean(axis=(1, 2)) > 0).astype(int)
    config = {
        "data": {"source": "npz"},
        "model": {"layers": ["Flatten", {"type": "Dense", "units": 1, "activation": "sigmoid"}]},
        "training": {"loss": "binary_crossentropy", "metrics": ["accuracy"], "epochs": 2},
    }

    run = dl.train(config, data={"x_train": x, "y_train": y})

    assert len(run.predict(x[:5])) == 5
    assert run.evaluate({"x": x, "y": y})["accuracy"] <= 1


@pytest.mark.parametrize(
    ("rows", "found"),
    [([1, 2], "list"), ({"a": [1]}, "dict"), (np.zeros((2, 3)), "ndarray\nfound: shape (2, 3)")],
)
def test_rows_that_are_no_table_are_refused(rows: Any, found: str, tmp_path: Path) -> None:
    text = told(lambda: write_rows(rows, tmp_path, {"source": "csv"}, ["a", "b"]))
    first, *shape = found.split("\n")
    assert text.split("\n") == [
        f"these rows are no table: {first}",
        "expected: a DataFrame, the path of a file, or an array of two axes, of 2 columns",
        *shape,
    ]


def test_the_places_of_a_dict_are_its_keys(config: Make, folder: Path) -> None:
    wrong = config(epochs="2", optimiser="adam")
    wrong["model"]["layers"][0]["units"] = 1.5

    with pytest.raises(dl.ConfigError) as caught:
        dl.validate(wrong)

    places = [str(problem.mark) for problem in caught.value.problems]
    assert sorted(places) == [
        "config['model']['layers'][0]['units']",
        "config['training']['epochs']",
        "config['training']['optimiser']",
    ]
    assert "hint: did you mean optimizer?" in caught.value.__notes__[0]


def test_the_places_of_a_file_are_its_lines(folder: Path) -> None:
    text = Path("fruit.yaml").read_text().replace("epochs: 4", "epochs: -4")
    Path("wrong.yaml").write_text(text)

    with pytest.raises(dl.ConfigError) as caught:
        dl.validate("wrong.yaml")

    problem = caught.value.problems[0]
    assert (problem.line, problem.column) == (16, 11)
    assert problem.message == "training.epochs must be a whole number above 0"


def test_the_place_of_an_override_is_its_path(folder: Path) -> None:
    with pytest.raises(dl.ConfigError) as caught:
        dl.validate("fruit.yaml", {"training.batch_size": 0})
    assert str(caught.value.problems[0].mark) == "overrides['training.batch_size']"


def test_numbers_of_numpy_tuples_and_paths_are_values_of_a_config(
    config: Make, folder: Path
) -> None:
    given = config(epochs=np.int64(3), metrics=("accuracy",))
    given["data"]["path"] = folder / "fruit.csv"
    dl.validate(given, {"training.optimizer.learning_rate": np.float32(0.5)})
    with pytest.raises(dl.ConfigError) as caught:
        dl.validate(given, {"training.optimizer.learning_rate": np.float32(-0.5)})
    assert caught.value.problems[0].found == "-0.5"


def test_a_value_that_no_config_can_hold_is_refused(config: Make, folder: Path) -> None:
    with pytest.raises(dl.ConfigError, match="a config holds text, numbers, lists and mappings"):
        dl.validate(config(optimizer=object()))


def test_rows_are_refused_where_the_config_names_no_file(fruit: pd.DataFrame) -> None:
    config = {"data": {"source": "synthetic", "dataset": "xor"}}
    with pytest.raises(dl.UsageError, match="data= takes the place of a file"):
        dl.train(config, data=fruit)


def test_a_run_that_is_not_there_is_an_error_with_a_hint(folder: Path) -> None:
    with pytest.raises(dl.RunError, match="there is no run named fruits") as caught:
        dl.load("fruits")
    assert caught.value.problems[0].hint


@pytest.mark.slow
def test_the_runs_are_a_table(trained: Path) -> None:
    root = trained.parent.parent

    found = dl.runs(filter="accuracy>=0", columns=["training.batch_size"], runs=root)

    assert found.index.tolist() == ["fruit/0001"]
    assert found.loc["fruit/0001", "training.batch_size"] == 16
    assert found.loc["fruit/0001", "test.accuracy"] == dl.load(trained).metrics["test"]["accuracy"]
    assert found["started"].dt.tz is not None
    assert dl.runs(filter=["accuracy>2"], runs=root).empty
    with pytest.raises(dl.UsageError, match="no run has this value"):
        dl.runs(sort="acuracy", runs=root)


@pytest.mark.slow
def test_a_warning_of_dl_is_one_of_python(trained: Path, fruit: pd.DataFrame) -> None:
    with pytest.warns(UserWarning, match="colour"):
        dl.load(trained).predict(fruit.assign(colour="green"))


@pytest.mark.slow
def test_without_a_report_no_picture_is_made(config: Make, drawn: None, folder: Path) -> None:
    run = dl.train(config(), report=False, quiet=False)
    assert not (run.path / "plots").exists()
    assert not (run.path / "report.html").exists()
    assert run.report.is_file()


@pytest.mark.slow
def test_a_sweep_has_a_leaderboard_and_a_best_run(folder: Path) -> None:
    found = dl.sweep("fruit.yaml", {"training.batch_size": [8, 64]}, {"training.epochs": 2})

    board = found.leaderboard
    assert board["rank"].tolist() == [1, 2]
    assert sorted(board["training.batch_size"]) == [8, 64]
    assert found.best.status == "completed"
    assert repr(found) == "<dl.Sweep fruit-sweep/0001: completed, 2 settings>"


def test_values_on_top_of_a_sweep_are_refused_without_a_grid(tmp_path: Path) -> None:
    for given in ({"metric": "accuracy"}, {"overrides": {"training.epochs": 2}}):
        with pytest.raises(dl.UsageError, match="overrides and metric go with grid") as error:
            dl.sweep(tmp_path / "sweep.yaml", **given)
        assert error.value.problems[0].hint == "the file of a sweep has both"


def test_a_table_is_described_by_its_frame_its_file_and_its_config(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    frame = pd.DataFrame({"a": chance.normal(size=80), "k": ["x", "y"] * 40})
    frame["y"] = 2 * frame.a + chance.normal(size=80)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    of_file = dl.describe(tmp_path / "rows.csv", target="y")
    assert of_file.sizes == {"train": 52, "validation": 12, "test": 16}
    assert list(of_file.columns.index) == ["y", "a", "k"]
    assert of_file.columns.loc["a", "mean"] == pytest.approx(frame.a.mean())
    assert list(of_file.findings.columns) == ["rule", "path", "message", "why", "mended"]
    assert repr(of_file).endswith("rows.csv: 80 rows, 0 findings>")
    assert dl.describe(frame, "y").columns.equals(of_file.columns)
    given = {
        "data": {"source": "csv", "path": str(tmp_path / "rows.csv"), "target": "y"},
        "model": {"layers": [{"type": "Dense", "units": 1}]},
        "training": {"loss": "mean_squared_error"},
    }
    changed = dl.describe(given, overrides={"data.split.test": 0})
    assert changed.sizes == {"train": 72, "validation": 8}
    with pytest.raises(dl.DataError, match="no target column"):
        dl.describe(tmp_path / "rows.csv", target="z")


def test_numbers_and_days_of_a_frame_are_such_whatever_form_texts_have(tmp_path: Path) -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=40)).mask(np.arange(40) == 5)
    price = pd.Series([1.234, None, 1e-7, 4321.5] * 10)
    frame = pd.DataFrame({"price": price, "day": days, "y": np.arange(40) / 7})
    forms = {
        "price": {"kind": "numeric", "thousands": ".", "unit": "€"},
        "day": {"kind": "date", "format": "%d/%m/%Y"},
    }
    config = {
        "data": {"source": "csv", "path": "no.csv", "target": "y", "columns": forms},
        "preprocess": {"missing": "median"},
        "model": {"layers": [{"type": "Dense", "units": 1}]},
        "training": {"loss": "mean_squared_error"},
    }
    file = write_rows(frame, tmp_path, config["data"])
    described = dl.describe(config, overrides={"data.path": str(file)}).columns
    assert described.loc["price", "missing"] == 10
    assert described.loc["price", "mean"] == pytest.approx(price.mean())
    assert described.loc["day", "kind"] == "date"
    config["training"]["epochs"] = 1
    run = dl.train(config, data=frame, runs=tmp_path / "runs")
    assert len(run.predict(frame)) == len(frame)


@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_an_error_about_a_frame_names_its_row(tmp_path: Path, source: str) -> None:
    words = ["several\nlines", "one"] * 20
    frame = pd.DataFrame({"a": ["1", "2", "x", *["3"] * 37], "b": words, "y": [1.0, 2.0] * 20})
    config = {
        "data": {"source": source, "path": "no", "target": "y", "columns": {"a": "numeric"}},
        "model": {"layers": [{"type": "Dense", "units": 1}]},
        "training": {"loss": "mean_squared_error", "epochs": 1},
    }
    text = told(lambda: dl.train(config, data=frame, runs=tmp_path / "runs"))
    assert text.startswith("data.iloc[2]: column 'a' is numeric, but this is text\n")
    run = dl.train(config, data=frame.assign(a=range(40)), runs=tmp_path / "runs")
    assert told(lambda: run.predict(frame)).startswith("data.iloc[2]: column 'a' is numeric")
    assert told(lambda: run.predict(frame[["a", "y"]])).startswith("data: there is no column 'b'")
    with pytest.warns(UserWarning, match=r"^data(\.iloc\[0\])?: column 'a'") as caught:
        run.predict(frame.assign(a=10**6))
    assert str(caught[0].message).startswith("data.iloc[0]: column 'a': 40 rows are above 3")
    assert told(lambda: dl.describe(frame, "z")).startswith("data: there is no target column 'z'")
