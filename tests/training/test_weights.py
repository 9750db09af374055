"""Rows that count by a column, and classes that are drawn equally often."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, log_loss

import dl
from dl.baselines.models import fitted as fitted_models
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import load_dataset, load_part
from dl.data.trivial import trivial_of
from dl.data.types import Part
from dl.predict.evaluate import evaluate, predict
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.record import read_history
from dl.training.fit import fit, solve
from dl.training.setup import Prepared
from dl.training.steps import Batches
from support.streaming import Notes, assert_same, both, tiny_budget
from support.tables import config_with, told
from support.training import built, ready, trained

ROWS = 90
SIGMOID = {"type": "Dense", "units": 1, "activation": "sigmoid"}
FULL: dict[str, Any] = {
    "optimizer": {"type": "sgd", "learning_rate": 0.5},
    "batch_size": "full",
    "epochs": 5,
}


def frame(whole: bool = True) -> pd.DataFrame:
    """Rows with weights; whole ones of 0 to 3."""
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 2)).round(6)
    chance = 1 / (1 + np.exp(-2 * x[:, 0]))
    return pd.DataFrame(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "y": np.where(random.random(ROWS) < chance, "yes", "no"),
            "n": (3 * x[:, 0] - x[:, 1] + random.normal(size=ROWS)).round(6),
            "w": random.integers(0, 4, ROWS) if whole else random.random(ROWS).round(6),
        }
    )


def config(rows: pd.DataFrame, folder: Path, **changes: Any) -> Config:
    path = folder / "rows.csv"
    rows.to_csv(path, index=False)
    data = {"source": "csv", "path": str(path), "target": "y", "features": ["a", "b"]}
    data |= {"split": {"validation": 0, "test": 0}, **changes.pop("data", {})}
    training = {"loss": "binary_crossentropy", **changes.pop("training", {})}
    layers = changes.pop("layers", [SIGMOID])
    preprocess = {"numeric": "none"}
    return config_with(
        data, training=training, model={"layers": layers}, preprocess=preprocess, **changes
    )


def fitted(chosen: Config) -> tuple[Prepared, Dataset]:
    dataset = load_dataset(chosen, SilentReporter())
    prepared = ready(chosen, dataset, built(chosen, dataset))
    fit(prepared, SilentReporter(), lambda row: None)
    return prepared, dataset


WEIGHT = {"data": {"weight": "w"}}


def test_a_row_of_weight_three_trains_as_three_rows(tmp_path: Path) -> None:
    rows = frame()
    repeated = rows.loc[rows.index.repeat(rows.w)]
    weighted = fitted(config(rows, tmp_path, training=FULL, **WEIGHT))[0].model
    plain = fitted(config(repeated, tmp_path, training=FULL))[0].model
    for one, other in zip(weighted.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_how_much_rows_count_is_said(tmp_path: Path) -> None:
    notes = Notes()
    load_dataset(config(frame().assign(w=[1] * 45 + [3] * 45), tmp_path, **WEIGHT), notes)
    assert notes.notes == ["rows of the train part count 0.5 to 1.5 by w, 1 in the mean"]


def test_only_the_ratios_of_weights_matter(tmp_path: Path) -> None:
    rows = frame(whole=False)
    first = fitted(config(rows, tmp_path, **WEIGHT))[0].model
    again = fitted(config(rows.assign(w=rows.w * 4), tmp_path, **WEIGHT))[0].model
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_loss_and_accuracy_are_those_of_scikit_learn(tmp_path: Path) -> None:
    rows = frame(whole=False)
    chosen = config(rows, tmp_path, training={"metrics": ["accuracy"], "batch_size": 7}, **WEIGHT)
    prepared, dataset = fitted(chosen)
    found = evaluate(prepared.model, dataset.train, chosen)
    outputs = predict(prepared.model, dataset.train.x, SilentReporter())[:, 0]
    true = rows.y == "yes"
    assert found == pytest.approx(
        {
            "loss": log_loss(true, outputs.astype(np.float64), sample_weight=rows.w),
            "accuracy": accuracy_score(true, outputs >= 0.5, sample_weight=rows.w),
        },
        rel=1e-5,
    )


def test_the_validation_part_is_weighted_by_its_own_weights(tmp_path: Path) -> None:
    split = {"split": {"validation": 0.3, "test": 0.2}, "weight": "w"}
    chosen = config(frame(False), tmp_path, data=split, training={"metrics": ["accuracy"]})
    dataset = load_dataset(chosen, SilentReporter())
    model, history = trained(chosen, dataset)
    assert dataset.validation is not None
    measured = evaluate(model, dataset.validation, chosen)
    assert [history[-1]["val_loss"], history[-1]["val_accuracy"]] == list(measured.values())
    outputs = predict(model, dataset.validation.x, SilentReporter())[:, 0]
    weights = frame(False).w.to_numpy()[dataset.validation.rows]
    true = dataset.validation.y[:, 0]
    loss = log_loss(true, outputs.astype(np.float64), sample_weight=weights)
    assert measured["loss"] == pytest.approx(loss, rel=1e-5)
    assert all(part.weights.mean() == pytest.approx(1) for part in dataset.parts.values())  # type: ignore[union-attr]


def test_the_normal_equation_is_that_of_weighted_least_squares(tmp_path: Path) -> None:
    rows = frame(whole=False)
    training = {"loss": "mse", "solver": "normal_equation"}
    data = {"target": "n", "weight": "w"}
    layers = [{"type": "Dense", "units": 1}]
    chosen = config(rows, tmp_path, data=data, training=training, layers=layers)
    dataset = load_dataset(chosen, SilentReporter())
    prepared = ready(chosen, dataset)
    solve(prepared, SilentReporter(), lambda row: None)
    right = LinearRegression().fit(rows[["a", "b"]], rows.n, sample_weight=rows.w)
    kernel, bias = prepared.model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], right.coef_, rtol=1e-5)
    np.testing.assert_allclose(bias, right.intercept_, rtol=1e-4)


def test_the_trivial_answer_is_weighted_too(tmp_path: Path) -> None:
    rows = frame(whole=False)
    chosen = config(rows, tmp_path, training={"metrics": ["accuracy"]}, **WEIGHT)
    found = trivial_of(chosen, load_dataset(chosen, SilentReporter()))
    share = float(rows.w[rows.y == "yes"].sum() / rows.w.sum())
    assert found is not None
    assert found.answer == pytest.approx([1 - share, share])
    assert found.metrics["train"]["accuracy"] == pytest.approx(max(share, 1 - share))
    data = {"target": "n", "weight": "w"}
    layers = [{"type": "Dense", "units": 1}]
    for loss, power in (("mean_squared_error", 2), ("mean_absolute_error", 1)):
        chosen = config(rows, tmp_path, data=data, layers=layers, training={"loss": loss})
        found = trivial_of(chosen, load_dataset(chosen, SilentReporter()))
        assert found is not None
        reached = found.metrics["train"]["loss"]
        others = [np.average(np.abs(rows.n - c) ** power, weights=rows.w) for c in rows.n]
        assert reached <= min(others) + 1e-5


def test_streamed_rows_have_the_same_weights(tmp_path: Path) -> None:
    split = {"split": {"validation": 0.2, "test": 0.2}, "weight": "w"}
    resident, streamed, _, _ = both(config(frame(False), tmp_path, data=split))
    assert_same(resident, streamed)
    for name, part in resident.parts.items():
        assert part.weights is not None
        np.testing.assert_array_equal(part.weights, streamed.parts[name].weights)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"data": {"weight": "w"}}, {"training": {"sampling": "balanced"}}],
    ids=["weights", "balanced"],
)
def test_a_resumed_run_and_a_streamed_one_have_the_bits_of_a_plain_one(
    tmp_path: Path, changes: dict[str, dict[str, Any]]
) -> None:
    frame(False).to_csv(tmp_path / "rows.csv", index=False)
    base = {
        "data": {"source": "csv", "path": str(tmp_path / "rows.csv"), "target": "y"},
        "model": {"layers": [{"type": "Dense", "units": 4, "activation": "relu"}, SIGMOID]},
        "training": {"loss": "binary_crossentropy", "metrics": ["accuracy"], "batch_size": 8},
    }
    written = {key: {**value, **changes.get(key, {})} for key, value in base.items()}
    written["data"]["features"] = ["a", "b"]

    def run(name: str, epochs: int) -> dl.Run:
        overrides = {"training.epochs": epochs}
        return dl.train(written, overrides, name=name, runs=tmp_path / "runs", report=False)

    whole = run("whole", 4)
    resumed = dl.resume(run("half", 2), epochs=4)
    with tiny_budget():
        streamed = run("streamed", 4)
    assert streamed.record.engine["rows"] == "streamed"
    for other in (resumed, streamed):
        assert (other.path / "model.h5").read_bytes() == (whole.path / "model.h5").read_bytes()
        rows = [read_history(RunDirectory(each.path)) for each in (whole, other)]
        left, right = ([{**row, "seconds": 0} for row in each] for each in rows)
        assert left == right


# Draws


def drawn(labels: np.ndarray, epoch: int = 1, seed: int = 0) -> np.ndarray:
    rows = len(labels)
    return Batches(rows, 8, seed, shuffle=True, labels=labels).order(epoch)


def test_every_class_is_drawn_equally_often() -> None:
    labels = np.repeat([0, 1, 3], [5000, 900, 100])
    order = drawn(labels)
    assert len(order) == len(labels)
    counts = np.bincount(labels[order], minlength=4)
    assert counts[2] == 0
    assert np.abs(counts[[0, 1, 3]] - 2000).max() < 4 * np.sqrt(6000 * 2 / 9)
    rare = np.bincount(order, minlength=len(labels))[-100:]
    assert rare.min() > 0
    assert np.abs(rare - counts[3] / 100).max() < 6 * np.sqrt(20)


def test_an_epoch_draws_the_same_rows_again_and_another_one_others() -> None:
    labels = np.arange(60) % 3
    assert drawn(labels).tolist() == drawn(labels).tolist()
    assert drawn(labels).tolist() != drawn(labels, epoch=2).tolist()
    assert drawn(labels).tolist() != drawn(labels, seed=1).tolist()


def test_the_config_asks_for_it(tmp_path: Path) -> None:
    chosen = config(frame(), tmp_path, training={"sampling": "balanced"})
    dataset = load_dataset(chosen, SilentReporter())
    batches = Batches.of(chosen, dataset)
    assert batches.labels is not None
    assert batches.labels.tolist() == (frame().y == "yes").astype(int).tolist()


# Faults


def fault(rows: pd.DataFrame, folder: Path) -> str:
    chosen = config(rows, folder, **WEIGHT)
    return told(lambda: load_dataset(chosen, SilentReporter()), folder)


@pytest.mark.parametrize(("value", "found"), [(-0.5, "-0.5"), (None, "no value")])
def test_what_is_no_weight(tmp_path: Path, value: float | None, found: str) -> None:
    rows = frame(False)
    rows.loc[3, "w"] = value
    assert fault(rows, tmp_path) == (
        "rows.csv:5: column 'w' is no weight\n"
        "expected: a number from 0 in each row: how much it counts (`data.weight`)\n"
        f"found: {found}\n"
        "hint: correct it; 0 leaves a row out of the loss and the metrics"
    )


def test_weights_that_are_all_nothing(tmp_path: Path) -> None:
    assert fault(frame().assign(w=0), tmp_path) == (
        "rows.csv: the weights in column 'w' are all 0, in 90 rows of one part\n"
        "expected: rows that count in each part\n"
        "hint: correct them, or name another column in `data.weight`"
    )


def test_a_weight_that_is_text(tmp_path: Path) -> None:
    rows = frame(False).astype({"w": str})
    rows.loc[3, "w"] = "much"
    assert fault(rows, tmp_path) == (
        "rows.csv:5: column 'w' is numeric, but this is text\n"
        "expected: a number\n"
        "found: 'much'\n"
        "hint: leave the field empty if the value is missing; write decimals with a point, or "
        "name another column in `data.weight`"
    )


def test_other_labelled_rows_need_their_weights(tmp_path: Path) -> None:
    chosen = config(frame(), tmp_path, **WEIGHT)
    dataset = load_dataset(chosen, SilentReporter())
    frame().drop(columns="w").to_csv(tmp_path / "new.csv", index=False)
    new = tmp_path / "new.csv"
    assert told(
        lambda: load_part(chosen, dataset.preprocessing, new, SilentReporter()), tmp_path
    ) == ("new.csv: there is no column 'w'\nexpected: one of a, b, y, n")


@pytest.mark.parametrize("target", ["y", "n"])
def test_simple_models_are_fitted_by_the_weights(tmp_path: Path, target: str) -> None:
    """Their penalties count against the number of rows, so that repeated rows are only near."""
    rows = frame()
    repeated = rows.loc[rows.index.repeat(rows.w)]
    layers = [SIGMOID if target == "y" else {"type": "Dense", "units": 1}]
    training = {} if target == "y" else {"loss": "mse"}
    said: list[dict[str, np.ndarray]] = []
    for table, data in ((rows, {"weight": "w"}), (repeated, {}), (rows, {})):
        changes = {"data": {"target": target, **data}, "training": training, "layers": layers}
        chosen = config(table, tmp_path, **changes)
        dataset = load_dataset(chosen, SilentReporter())
        x = rows[["a", "b"]].to_numpy(np.float32)[:9]
        part = Part(x, dataset.train.y[:9], np.arange(9))
        found = fitted_models(dataset.train, part, dataset.target, chosen, {})
        said.append({answer.name: answer.outputs for answer in found})
    linear = "logistic" if target == "y" else "linear"
    weighted, near, plain = (each[linear] for each in said)
    assert np.abs(weighted - near).max() < np.abs(plain - near).max() / 2
    assert not np.array_equal(said[0]["k nearest"], said[2]["k nearest"])
