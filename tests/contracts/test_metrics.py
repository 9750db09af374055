"""Every metric under every form of target is the number of its name, or is refused."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.baselines.models import outputs_of
from dl.baselines.ranking import unchanged
from dl.config.load import Loaded, load_text
from dl.config.nodes import yaml_text
from dl.config.rules.metrics import misfits
from dl.data.load import read_dataset
from dl.data.predictions import answers
from dl.data.trivial import constant, reached
from dl.errors import ConfigError
from dl.predict.evaluate import blocks_of, evaluate, evaluate_blocks, predict
from dl.progress import SilentReporter
from dl.training.setup import Prepared, prepare
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind, document
from dl.vocabulary.traits import COUNTING
from support.metric_values import Rows, expected

PATH = Path(__file__).parents[2] / "scripts" / "generate_metrics.py"
_SPEC = importlib.util.spec_from_file_location("generate_metrics", PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
table = importlib.util.module_from_spec(_SPEC)
sys.modules["generate_metrics"] = table
_SPEC.loader.exec_module(table)

CASES = list(table.cases())
METRICS = list(entries(Kind.METRIC))
TRIVIAL = ("accuracy", "BinaryAccuracy", "BinaryCrossentropy", "MeanAbsoluteError", "AUC")
"""Metrics that an answer without inputs has, one of each kind."""
ROWS, STEPS = 90, 4
QUIET = SilentReporter()


def of_numbers(case: Any) -> bool:
    return case.form in ("number", "numbers")


def targets(case: Any) -> Any:
    """Returns the target of each row: classes, labels or numbers."""
    generator = np.random.default_rng(3)
    shape = (ROWS, STEPS) if case.steps else (ROWS,)
    if of_numbers(case):
        center = 2000 if case.scaling != "none" else 5
        return generator.normal(center, 1, shape if case.steps else (ROWS, case.count))
    if case.form == "labels":
        return generator.integers(0, 2, (*shape, case.count))
    return generator.integers(0, case.count, shape if case.steps else (ROWS, 1))


def source(case: Any, folder: Path, weights: np.ndarray | None = None) -> dict[str, object]:
    """Writes the data; returns the section `data` of the config."""
    x, y = np.random.default_rng(4).normal(size=(ROWS, STEPS, 2)), targets(case)
    split = {"validation": 0, "test": 0}
    if case.steps:
        np.savez(folder / "d.npz", x_train=x, y_train=y)
        return {"source": "npz", "path": str(folder / "d.npz"), "split": split}
    names = ["t0", "t1", "t2"][: y.shape[1]]
    counts = np.ones(ROWS) if weights is None else weights
    rows = [
        [*map(float, xs), *ys.tolist(), w] for xs, ys, w in zip(x[:, 0], y, counts, strict=True)
    ]
    lines = [",".join(map(str, row)) for row in [["a", "b", *names, "w"], *rows]]
    (folder / "d.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {
        "source": "csv",
        "path": str(folder / "d.csv"),
        "features": ["a", "b"],
        "target": names if len(names) > 1 else "t0",
        "split": split,
        "weight": None if weights is None else "w",
    }


def loaded(case: Any, names: list[str], folder: Path, weights: np.ndarray | None = None) -> Loaded:
    """Returns the config of a case with these metrics."""
    units = 1 if case.form == "one" else case.count
    task = {"one": "binary", "two": "binary", "several": "multiclass", "labels": "multilabel"}
    config = {
        "name": "case",
        "data": {**source(case, folder, weights), "task": task.get(case.form, "regression")},
        "preprocess": {"numeric": "none", "target": case.scaling},
        "model": {"layers": [{"type": "Dense", "units": units, "activation": case.activation}]},
        "training": {
            "loss": case.loss_value,
            "metrics": [document(table.metric_of(name, case)) for name in names],
        },
        "evaluation": {"threshold": 0.4},
    }
    return load_text(folder / "case.yaml", yaml_text(config).encode())


def prepared(
    case: Any, names: list[str], folder: Path, weights_of_rows: np.ndarray | None = None
) -> Prepared:
    """Returns a model with fixed weights, and its rows."""
    made = loaded(case, names, folder, weights_of_rows)
    result = prepare(made, read_dataset(made, QUIET), QUIET)
    kernel, bias = result.model.layers[-1].get_weights()
    generator = np.random.default_rng(5)
    weights = [generator.normal(size=kernel.shape), generator.normal(size=bias.shape) / 4]
    if of_numbers(case) and case.scaling == "none":
        weights = [weights[0] / 4, weights[1] + 5]
    result.model.layers[-1].set_weights(weights)
    return result


def rows_of(case: Any, made: Prepared) -> Rows:
    """Returns what is true and what is predicted."""
    part = made.dataset.train
    outputs = predict(made.model, part.x, QUIET)
    found = answers(part.y, outputs, made.dataset.target)
    assert found.predicted is not None
    flat = outputs.reshape(-1, outputs.shape[-1])
    true = targets(case).reshape(-1, case.count) if of_numbers(case) else found.true.astype(int)
    predicted = found.predicted.astype(true.dtype)
    return Rows(case.form, true, predicted, found.probabilities, flat)


def refused(case: Any) -> list[str]:
    return [name for name in METRICS if table.advice(name, case) is not None]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_metric_is_what_its_name_says_of_the_predictions(case: Any, tmp_path: Path) -> None:
    names = [name for name in METRICS if table.advice(name, case) is None]
    made = prepared(case, names, tmp_path)
    rows = rows_of(case, made)

    found = evaluate_blocks(made.model, blocks_of(made.dataset.train, made.model, 32), 32)

    values = dict(zip(names, list(found.values())[1:], strict=True))
    right = {name: expected(name, rows) for name in names}
    assert values == pytest.approx(right, rel=2e-5, abs=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.steps], ids=lambda case: case.name
)
def test_a_row_of_weight_three_counts_as_three_rows(case: Any, tmp_path: Path) -> None:
    """Counts are in rows of mean weight."""
    names = [name for name in METRICS if table.advice(name, case) is None]
    counts = np.random.default_rng(6).integers(0, 4, ROWS)
    made = prepared(case, names, tmp_path, counts)
    rows = rows_of(case, made)
    fields = {field: getattr(rows, field) for field in ("true", "predicted", "outputs")}
    several = {field: np.repeat(values, counts, axis=0) for field, values in fields.items()}
    if rows.probabilities is not None:
        several["probabilities"] = np.repeat(rows.probabilities, counts, axis=0)

    found = evaluate_blocks(made.model, blocks_of(made.dataset.train, made.model, 32), 32)

    values = dict(zip(names, list(found.values())[1:], strict=True))
    right = {name: expected(name, replace(rows, **several)) for name in names}
    scaled = {name: value / counts.mean() for name, value in right.items() if name in COUNTING}
    assert values == pytest.approx(right | scaled, rel=2e-5, abs=2e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_measures_other_models_measures_the_outputs_of_a_network_alike(
    case: Any, tmp_path: Path
) -> None:
    names = [name for name in METRICS if table.advice(name, case) is None][::5]
    made = prepared(case, names, tmp_path)
    config, target, part = made.config, made.dataset.target, made.dataset.train
    outputs = predict(made.model, part.x, QUIET)

    same = unchanged(outputs.shape[1:], config, target)
    found = evaluate(same, replace(part, x=outputs), config)

    assert found == pytest.approx(evaluate(made.model, part, config), rel=2e-5, abs=2e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_trivial_answer_is_measured_without_keras_as_with_it(case: Any, tmp_path: Path) -> None:
    names = [name for name in TRIVIAL if table.advice(name, case) is None]
    made = prepared(case, names, tmp_path)
    target, part = made.dataset.target, made.dataset.train
    target = replace(target, cut=0.5) if target.cut == 0.4 else target  # the commonest class
    answer = constant(part, target, made.config.training.loss.type)
    shape = (len(part), *made.model.output_shape[1:])
    outputs = outputs_of(np.broadcast_to(answer, (1, *answer.shape)), target)
    if case.steps and not of_numbers(case):
        outputs = outputs[:, np.newaxis]
    if case.steps and of_numbers(case):
        outputs = outputs.reshape(1, *shape[1:])

    same = unchanged(shape[1:], made.config, target)
    rows = replace(part, x=np.broadcast_to(outputs, shape))
    measured = evaluate(same, rows, made.config)

    found = reached(answer, part, target, made.config)
    assert found
    assert found == pytest.approx({name: measured[name] for name in found}, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_metric_that_would_say_something_else_is_refused_at_its_line(
    case: Any, tmp_path: Path
) -> None:
    names = refused(case)
    metrics = tuple(table.metric_of(name, case) for name in names)

    with pytest.raises(ConfigError) as error:
        read_dataset(loaded(case, names, tmp_path), QUIET)

    expected_findings = list(misfits(metrics, case.measurable))
    assert len(expected_findings) == len(names)
    for problem, finding in zip(error.value.problems, expected_findings, strict=True):
        assert problem.message == f"{'.'.join(map(str, finding.path))} {finding.message}"
        assert (problem.expected, problem.found, problem.hint) == (
            finding.expected,
            finding.found,
            finding.hint,
        )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_to_be_written_instead_fits(case: Any) -> None:
    advised = {table.advice(name, case) for name in refused(case)}

    assert [name for name in advised if table.advice(name, case) is not None] == []


def test_page_is_fresh() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page(), (
        "run python scripts/generate_metrics.py"
    )
