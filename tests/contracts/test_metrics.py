"""Every metric under every form of target is the number of its name, or is refused."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.metric_values import Rows, expected
from dl.config.emit import yaml_text
from dl.config.load import Loaded, load_text
from dl.data.load import read_dataset
from dl.data.targets.answers import answers
from dl.data.types import Dataset
from dl.engine.inference.evaluate import blocks_of, evaluate_blocks
from dl.engine.inference.predict import predict
from dl.engine.prepare import Prepared, prepare
from dl.progress import SilentReporter
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind, document

PATH = Path(__file__).parents[2] / "scripts" / "generate_metrics.py"
_SPEC = importlib.util.spec_from_file_location("generate_metrics", PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
table = importlib.util.module_from_spec(_SPEC)
sys.modules["generate_metrics"] = table
_SPEC.loader.exec_module(table)

CASES = list(table.cases())
METRICS = list(entries(Kind.METRIC))
ROWS = 90
QUIET = SilentReporter()


def targets(case: Any) -> np.ndarray[Any, Any]:
    """Returns the target of each row: classes, labels or numbers."""
    generator = np.random.default_rng(3)
    if case.form in ("number", "numbers"):
        center = 2000 if case.scaling != "none" else 5
        return generator.normal(center, 1, (ROWS, case.count))
    columns = (ROWS, case.count) if case.form == "labels" else (ROWS, 1)
    return generator.integers(0, 2 if case.form == "labels" else case.count, columns)


def write_table(case: Any, path: Path) -> list[str]:
    """Writes a table of two inputs and the target; returns the target's columns."""
    x, y = np.random.default_rng(4).normal(size=(ROWS, 2)), targets(case)
    names = [f"t{i}" for i in range(y.shape[1])] if y.shape[1] > 1 else ["t"]
    lines = [",".join(["a", "b", *names])]
    lines += [
        ",".join(map(repr, [*map(float, xs), *ys.tolist()])) for xs, ys in zip(x, y, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return names


def loaded(case: Any, metrics: list[object], folder: Path) -> Loaded:
    """Returns the config of a case with these metrics."""
    names = write_table(case, folder / "d.csv")
    units = 1 if case.form == "one" else case.count
    classes = case.form not in ("number", "numbers", "labels")
    task = ("binary" if case.count == 2 else "multiclass") if classes else None
    config = {
        "name": "case",
        "data": {
            "source": "csv",
            "path": str(folder / "d.csv"),
            "features": ["a", "b"],
            "target": names if len(names) > 1 else "t",
            "task": task or ("multilabel" if case.form == "labels" else "regression"),
            "split": {"validation": 0, "test": 0},
        },
        "preprocess": {"numeric": "none", "target": case.scaling},
        "model": {"layers": [{"type": "Dense", "units": units, "activation": case.activation}]},
        "training": {"loss": case.loss_value, "metrics": metrics},
        "evaluation": {"threshold": 0.4},
    }
    return load_text(folder / "case.yaml", yaml_text(config).encode())


def prepared(case: Any, metrics: list[object], folder: Path) -> Prepared:
    """Returns a model with fixed weights, and its rows."""
    made = loaded(case, metrics, folder)
    result = prepare(made, read_dataset(made, QUIET), QUIET)
    kernel, bias = result.model.layers[-1].get_weights()
    generator = np.random.default_rng(5)
    weights = [generator.normal(size=kernel.shape), generator.normal(size=bias.shape) / 4]
    if case.form in ("number", "numbers") and case.scaling == "none":
        weights = [weights[0] / 4, weights[1] + 5]
    result.model.layers[-1].set_weights(weights)
    return result


def rows_of(case: Any, made: Prepared) -> Rows:
    """Returns what is true and what is predicted."""
    dataset: Dataset = made.dataset
    part = dataset.train
    outputs = predict(made.model, part.x, QUIET)
    found = answers(part.y, outputs, dataset.info, dataset.learned)
    assert found.predicted is not None
    true = found.true.astype(int) if dataset.info.classes else found.true
    predicted = found.predicted.astype(true.dtype)
    if not dataset.info.classes:
        true = targets(case)
    return Rows(case.form, true, predicted, found.probabilities, outputs)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_metric_is_what_its_name_says_of_the_predictions(case: Any, tmp_path: Path) -> None:
    names = [name for name in METRICS if table.advice(name, case) is None]
    made = prepared(case, [document(table.metric_of(name, case)) for name in names], tmp_path)
    rows = rows_of(case, made)

    found = evaluate_blocks(made.model, blocks_of(made.dataset.train, made.model, 32), 32)

    values = list(found.values())[1:]
    assert len(values) == len(names)
    right = [expected(name, rows) for name in names]
    assert dict(zip(names, values, strict=True)) == pytest.approx(
        dict(zip(names, right, strict=True)), rel=2e-5, abs=2e-6
    )
