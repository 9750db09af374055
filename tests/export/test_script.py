"""`--to script` and `--to notebook`: plain Keras that trains what the run has trained."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from campaigns.exports import _table, write_rows
from dl import Run, train
from dl.errors import UsageError
from dl.export import check
from dl.export.script import expression
from dl.vocabulary.spec import Kind, Spec

LINEAR: dict[str, Any] = {
    "name": "linear",
    "data": _table("price", split={"validation": 0.1, "test": 0.25}),
    "preprocess": {"missing": "median", "target": "standardize"},
    "model": {"layers": [{"type": "Dense", "units": 1}]},
    "training": {
        "loss": "mean_squared_error",
        "optimizer": {"type": "SGD", "learning_rate": 0.2},
        "batch_size": "full",
        "epochs": 150,
        "metrics": ["mean_absolute_error"],
    },
}


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("script")
    write_rows(folder)
    LINEAR["data"]["path"] = str(folder / "rows.csv")
    return train(LINEAR, runs=folder / "runs")


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def process(arguments: list[str], folder: str) -> None:
        with contextlib.chdir(folder):
            lines = Path(arguments[0]).read_text(encoding="utf-8")
            executed(lines.replace("sys.modules['dl'] = None", ""))

    monkeypatch.setattr(check, "_process", process)


def executed(lines: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(lines, {})
    return said.getvalue()


@pytest.mark.slow
def test_a_linear_network_reaches_the_same_numbers(
    linear: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = linear.export("script", tmp_path / "linear.py")
    assert found.difference < 1e-6
    assert found.rows == 240
    assert sorted(each.name for each in tmp_path.iterdir()) == ["linear-parts.csv", "linear.py"]
    lines = (tmp_path / "linear.py").read_text()
    assert len(lines.splitlines()) < 150
    assert max(map(len, lines.splitlines())) <= 150
    told = dict(re.findall(r"(\w+): loss ([\d.]+), mean absolute error", executed(lines)))
    for part, metrics in linear.metrics.items():
        assert float(told[part]) == pytest.approx(metrics["loss"], rel=1e-3, abs=2e-4)


@pytest.mark.slow
def test_a_notebook_has_the_same_cells_with_words(linear: Run, tmp_path: Path) -> None:
    linear.export("notebook", tmp_path / "a.ipynb")
    notebook = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    nbformat.validate(notebook)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    linear.export("script", tmp_path / "a.py")
    lines = [line for line in (tmp_path / "a.py").read_text().splitlines() if line[:2] != "# "]
    assert [line for line in lines[1:] if line and line not in text.splitlines()] == []
    assert "plt.show()" in text
    assert json.loads((tmp_path / "a.ipynb").read_text())["nbformat_minor"] == 5


def test_what_has_no_short_form_is_refused(linear: Run, tmp_path: Path) -> None:
    made = {**LINEAR, "name": "odd", "preprocess": {**LINEAR["preprocess"]}}
    made["preprocess"]["columns"] = {"age": {"clip": 0.1}, "city": {"hash": 4}}
    made["training"] = {**LINEAR["training"], "epochs": 1, "output_bias": "targets"}
    run = train(made, runs=linear.path.parents[1])
    with pytest.raises(UsageError) as caught:
        run.export("script", tmp_path / "odd.py")
    assert str(caught.value) == (
        "odd/0001 cannot be exported to script: no short script has biases from the targets, "
        "limits (age) or pooled, hashed, crossed or bucketed categories (city)"
    )
    assert not list(tmp_path.iterdir())


def test_defaults_are_left_out() -> None:
    glorot = Spec(Kind.INITIALIZER, "GlorotUniform", {"seed": None})
    relu = Spec(Kind.ACTIVATION, "relu", {})
    common = {"use_bias": True, "kernel_initializer": glorot, "name": "hidden"}
    decay = Spec(Kind.REGULARIZER, "L2", {"l2": 0.02})
    spec = Spec(Kind.LAYER, "Conv2D", {"filters": 4, "kernel_size": (3, 3), **common})
    assert expression(spec) == "keras.layers.Conv2D(4, kernel_size=(3, 3))"
    dense = {"units": 3, "activation": relu, "bias_regularizer": decay, **common}
    assert expression(Spec(Kind.LAYER, "Dense", dense)) == (
        'keras.layers.Dense(3, activation="relu", bias_regularizer=keras.regularizers.L2(l2=0.02))'
    )
