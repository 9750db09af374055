"""A run as a file for other programs: raw columns in, what `dl predict` says out, or a refusal."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from campaigns.exports import ALIKE, KINDS, campaign, trained, write_rows
from conftest import Dl
from dl import Run
from dl.config.preprocess import ColumnRules, Preprocess
from dl.data.read import SOURCES
from dl.errors import UsageError
from dl.export import RefusedError, check, files, runner
from dl.export.graph import _each_other, _tensor_name
from dl.rundir.manifest import file_sha256
from dl.vocabulary.sections import keys

GONE = {"age": np.nan, "city": "", "income (k)": 55.0, "joined": "", "seen": "2020-02-29T23:59:00"}
KNOWN = {**GONE, "age": 41.5, "city": "Bern", "joined": "2019-12-31", "kind": "x"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the rows of all kinds of runs."""
    made = tmp_path_factory.mktemp("exports")
    write_rows(made)
    return made


@pytest.fixture(scope="module")
def table(folder: Path) -> Run:
    return trained("binary", folder)


@pytest.fixture(scope="module")
def strict(folder: Path) -> Run:
    return trained("missing values refused", folder)


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(kind: str, path: Path, rows: Any, batch: int | None) -> Any:
        return runner.answered(kind, str(path), rows, batch)

    monkeypatch.setattr(check, "_in_a_process", answered)


def rows(*several: dict[str, Any]) -> dict[str, Any]:
    frame = pd.DataFrame([{**row, "kind": row.get("kind", "never seen")} for row in several])
    return {name: np.array(frame[name].tolist()) for name in frame}


def predicted(run: Run, *several: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame([{**row, "kind": row.get("kind", "never seen")} for row in several])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the new category
        return run.predict(frame)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["saved_model", "onnx"])
def test_texts_dates_gaps_and_new_categories_go_in(to: Any, table: Run, tmp_path: Path) -> None:
    if to == "onnx":
        pytest.importorskip("tf2onnx")
    path = tmp_path / f"file.{to}"
    found = table.export(to, path)
    assert found.difference < 1e-6
    assert (found.rows, found.part, found.path) == (60, "test", path)
    assert found.bytes > 1000
    assert list(tmp_path.iterdir()) == [path]

    sent = rows(KNOWN, GONE)
    if to == "saved_model":
        sent["income__k_"] = sent.pop("income (k)")
    told, _ = runner.answered(to, str(path), sent, None)
    said = predicted(table, KNOWN, GONE)
    assert told["prediction"].tolist() == said["prediction"].tolist()
    wanted = said[["probability_no", "probability_yes"]]
    np.testing.assert_allclose(told["probabilities"], wanted, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["litert", "litert-int8"])
def test_litert_takes_numbers_that_a_file_beside_it_names(
    to: Any, table: Run, tmp_path: Path
) -> None:
    path = tmp_path / "file.tflite"
    found = table.export(to, path)
    assert found.note.startswith("accuracy ") == (to == "litert-int8")
    about = json.loads((tmp_path / "file.tflite.json").read_text())
    inputs = {each["name"]: each for each in about["inputs"]}
    cities = ["Basel", "Bern", "Chur", "Genève", "Zürich"]
    assert inputs["city"] == {
        "name": "city",
        "kind": "category",
        "type": "int32",
        "shape": ["rows"],
        "categories": cities,
        "missing": -2,
        "new": -1,
    }
    assert inputs["joined"]["numbers"] == ["year", "month", "day", "hour", "minute"]
    sent = {
        "age": np.array([41.5, np.nan], np.float32),
        "city": np.array([cities.index("Bern"), -2], np.int32),
        inputs["income (k)"]["tensor"]: np.array([55, 55], np.float32),
        "joined": np.array([[2019, 12, 31, 0, 0], [0, 0, 0, 0, 0]], np.int32),
        "seen": np.array([[2020, 2, 29, 23, 59]] * 2, np.int32),
        "kind": np.array([0, -1], np.int32),
    }
    told, _ = runner.answered("litert", str(path), sent, None)
    said = predicted(table, KNOWN, GONE)
    assert [about["classes"][place] for place in told["prediction"]] == list(said["prediction"])
    np.testing.assert_allclose(told["probabilities"][:, 1], said["probability_yes"], atol=1e-5)


@pytest.mark.slow
def test_rows_that_dl_predict_refuses_have_no_answer(strict: Run, tmp_path: Path) -> None:
    path = tmp_path / "file.keras"
    strict.export("keras", path)
    sent = {"height": np.array([170.0, np.nan, 170.0]), "kind": np.array(["x", "x", "new"])}
    told, _ = runner.answered("keras", str(path), sent, None)
    assert told["prediction"][0] in ("low", "middle", "high")
    assert told["prediction"][1:].tolist() == ["", ""]
    assert np.isnan(told["probabilities"]).all(axis=1).tolist() == [False, True, True]
    with zipfile.ZipFile(path) as file:
        about = json.loads(file.read("dl.json"))
    assert about["classes"] == ["high", "low", "middle"]
    assert about["run"] == "missing-values-refused/0001"


@pytest.mark.slow
def test_what_a_format_cannot_hold_is_refused(folder: Path) -> None:
    table, failures = campaign(["hashed"], ["keras"], folder)
    hashed = "refused: column 'city' is hashed by SHA-256, which it cannot compute"
    assert (table, failures) == ([["hashed", hashed]], [])
    [[_, in_keras, difference]], failures = campaign(
        ["texts, tf-idf"], ["keras", "saved_model"], folder
    )
    assert in_keras == (
        "refused: Keras has no layer that takes the texts of column 'text' apart as dl does; "
        "saved_model can"
    )
    assert float(difference) < 1e-6
    assert not failures


@pytest.mark.slow
def test_other_answers_are_refused_and_leave_nothing(
    strict: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.tflite"
    path.write_text("before")

    def wrong(*asked: Any) -> Any:
        told, seconds = runner.answered(asked[0], str(asked[1]), *asked[2:])
        return {**told, "probabilities": told["probabilities"] + 2e-5}, seconds

    monkeypatch.setattr(check, "_in_a_process", wrong)
    with pytest.raises(UsageError) as caught:
        strict.export("litert", path)
    [problem] = caught.value.problems
    assert problem.message == (
        "missing-values-refused/0001 cannot be exported to litert: its answers differ from those "
        "of dl predict (by 2.0e-05; 1e-05 is allowed)"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["file.tflite"]
    assert path.read_text() == "before"


def test_a_package_that_is_missing_is_named(
    strict: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        strict.export("onnx", tmp_path / "file.onnx")
    [problem] = caught.value.problems
    assert problem.message == "onnx needs onnx, onnxruntime and tf2onnx, which are not installed"
    assert problem.hint == "pip install 'dl-keras[onnx]'"


@pytest.mark.slow
def test_the_command_shows_a_table_and_replaces_nothing_unasked(
    dl: Dl, strict: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = dl("export", strict.path, "--to", "litert", "-q")
    assert (done.code, done.err) == (0, "")
    head, line, total, path = done.out.splitlines()
    assert head.split() == ["format", "size", "rows/s", "difference", "rows", "of"]
    assert line.split()[0] == "litert"
    assert total == f"sha256 {file_sha256(Path(path))}  {path}"
    assert path == "missing-values-refused.tflite"
    again = dl("export", strict.path, "--to", "litert", "-q")
    assert again.code == 2
    assert again.err == (
        "error: missing-values-refused.tflite is there already\n"
        "hint: name another with -o, or replace it: -y\n"
    )
    Path(path).unlink()
    beside = dl("export", strict.path, "--to", "litert", "-q")
    assert beside.err == again.err.replace(".tflite is", ".tflite.json is")
    told = json.loads(dl("export", strict.path, "--to", "litert", "-y", "--json").out)
    assert set(told) == {"run", "exports"}
    assert told["exports"][0]["sha256"] == file_sha256(Path(path))
    two = dl("export", strict.path, "--to", "litert", "--to", "keras", "-o", "x")
    assert two.err == (
        "error: -o names one file, but there are several formats\n"
        "hint: leave it out, or export one after the other\n"
    )


@pytest.mark.slow
def test_a_runtime_runs_without_dl(
    strict: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    path = tmp_path / "file.tflite"
    assert strict.export("litert", path).difference < 1e-6
    path.write_text("no model")
    with pytest.raises(RefusedError, match="its runtime cannot run it: ValueError: "):
        check._in_a_process("litert", path, {"a": np.zeros(1)}, None)


def test_plain_names_differ_where_columns_do() -> None:
    names = _each_other(["a_b_3", "a/b", "a_b", "a b"], lambda name: name.replace("/", "_"))
    assert names == {"a_b_3": "a_b_3", "a/b": "a_b", "a_b": "a_b_2", "a b": "a b"}
    assert list(_each_other(["a_b_2", "a/b", "a_b"], _tensor_name).values()) == [
        "a_b_2",
        "a_b",
        "a_b_3",
    ]


def test_every_kind_of_run_is_in_the_campaign() -> None:
    sources = {kind["data"]["source"] for kind in KINDS.values()}
    assert sources | ALIKE.keys() == SOURCES.keys()
    assert set(ALIKE.values()) <= sources
    preprocess = [kind["preprocess"] for kind in KINDS.values()]
    columns = [rules for each in preprocess for rules in each.get("columns", {}).values()]
    assert set().union(*preprocess) == keys(Preprocess).keys()
    assert set().union(*columns) == keys(ColumnRules).keys()
