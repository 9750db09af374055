"""Several quantiles of one number: scikit-learn's pinball loss, rising predictions, coverage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_pinball_loss

import dl as api
from conftest import Dl
from dl.config.load import load_config
from dl.data.load import read_dataset
from dl.data.predictions import answers, read_predictions
from dl.data.target import decode
from dl.data.trivial import trivial_of
from dl.errors import UsageError
from dl.predict.evaluate import evaluate
from dl.progress import SilentReporter
from dl.vocabulary.spec import Findings
from support.targets import learn, make_arrays, make_config, make_table
from support.training import built, config, dataset, inputs, number_target

SHARES = (0.025, 0.5, 0.9)
LOSS = {"type": "Quantile", "quantiles": list(SHARES)}
Y = np.random.default_rng(1).gamma(2, 10, (60, 1)).astype("float32")


def _mean_pinball(y: np.ndarray, said: np.ndarray) -> float:
    columns = zip(SHARES, said.T, strict=True)
    return float(np.mean([mean_pinball_loss(y, each, alpha=share) for share, each in columns]))


@pytest.mark.parametrize("said", [(0.0, 15.0, 60.0), (20.0, 5.0, 3.0)])
def test_loss_is_the_mean_of_those_of_scikit_learn(said: tuple[float, ...]) -> None:
    layer = {"type": "Dense", "units": 3, "kernel_initializer": "zeros"}
    chosen = config([layer], loss=LOSS)
    data = dataset(inputs(60, 2), Y, replace(number_target(), units=3, quantiles=SHARES))
    model = built(chosen, data)
    model.layers[-1].bias.assign(said)
    expected = _mean_pinball(Y, np.tile(said, (60, 1)))
    assert evaluate(model, data.train, chosen)["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("scaling", ["none", "standardize", "log1p"])
def test_predictions_rise_in_the_unit_of_the_target(scaling: str) -> None:
    numbers = np.random.default_rng(2).gamma(2, 10, 40)
    chosen = make_config(3, loss=LOSS, preprocess={"target": scaling})
    target = learn(make_table(price=numbers.tolist()), chosen)
    outputs = np.random.default_rng(3).normal(size=(40, 3))
    columns = decode(outputs, target)
    own = {
        "none": lambda values: values,
        "standardize": lambda values: values * numbers.std() + numbers.mean(),
        "log1p": lambda values: (
            np.expm1(values * target.spread[0] + target.center[0])
            if target.spread
            else np.expm1(values)
        ),
    }[scaling](outputs)
    assert list(columns) == ["price_q2.5", "price_q50", "price_q90"]
    assert np.column_stack(list(columns.values())) == pytest.approx(np.sort(own, axis=1), rel=1e-6)
    assert _mean_pinball(numbers, np.sort(own, axis=1)) <= _mean_pinball(numbers, own)


def test_the_median_stands_for_the_number_where_there_is_one() -> None:
    outputs = np.array([[3.0, 1.0, 2.0], [4.0, 5.0, 6.0]])
    target = learn(make_table(price=[1.5, 2.5]), make_config(3, loss=LOSS))
    found = answers(np.array([[1.5], [2.5]]), outputs, target)
    assert found.predicted is not None
    assert found.predicted.tolist() == [[2.0], [5.0]]
    apart = {"type": "Quantile", "quantiles": [0.1, 0.4, 0.9]}
    target = learn(make_table(price=[1.5, 2.5]), make_config(3, loss=apart))
    assert answers(np.array([[1.5], [2.5]]), outputs, target).predicted is None


@pytest.mark.parametrize(
    ("y", "found"),
    [
        (np.zeros((6, 4, 2)), "several places in each row"),
        (np.arange(12.0).reshape(6, 2), "2 numbers"),
    ],
)
def test_what_only_the_data_shows_is_refused(y: np.ndarray, found: str) -> None:
    with pytest.raises(Findings) as caught:
        learn(make_arrays(y), make_config(3, loss=LOSS))
    [told] = caught.value.findings
    assert told.path == ("training", "loss", "quantiles")
    message = "are those of one number, but more is to be predicted for a row"
    assert (told.message, told.found) == (message, found)


TEXT = """\
data: {source: csv, path: rows.csv, target: y, weight: w, split: {validation: 0, test: 0.3}}
preprocess: {numeric: standardize, target: SCALING}
model: {layers: [{type: Dense, units: 3}]}
training: {loss: {type: Quantile, quantiles: [0.025, 0.5, 0.9]}, epochs: 2, output_bias: BIAS}
"""


def _project(folder: Path, scaling: str, weights: bool, bias: str = "targets") -> Path:
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"x": random.normal(size=150), "y": random.gamma(2, 10, 150).round(1)})
    frame["w"] = random.integers(1, 4, 150)
    frame.to_csv(folder / "rows.csv", index=False)
    text = TEXT.replace("SCALING", scaling).replace("BIAS", bias)
    (folder / "c.yaml").write_text(text if weights else text.replace(" weight: w,", ""))
    return folder / "c.yaml"


@pytest.mark.parametrize("weights", [False, True])
def test_trivial_answer_is_the_quantiles_of_the_training_part(
    tmp_path: Path, weights: bool
) -> None:
    loaded = load_config(_project(tmp_path, "none", weights))
    data = read_dataset(loaded, SilentReporter())
    found = trivial_of(loaded.config, data)
    assert found is not None
    assert data.test is not None
    y, rows = data.train.targets()
    y = y.reshape(-1)
    if rows is not None:
        y = np.repeat(y, np.rint(rows / rows.min()).astype(int))
    expected = np.quantile(y, SHARES, method="inverted_cdf")
    assert found.answer == pytest.approx(expected)
    # No other constant has a smaller loss on the training part.
    for share, said in zip(SHARES, found.answer, strict=True):
        losses = [mean_pinball_loss(y, np.full_like(y, each), alpha=share) for each in np.unique(y)]
        own = mean_pinball_loss(y, np.full_like(y, said), alpha=share)
        assert own == pytest.approx(min(losses), rel=1e-6)
    columns = zip(SHARES, found.answer, strict=True)
    test, counted = data.test.targets()
    test = test.reshape(-1)
    losses = [
        mean_pinball_loss(test, np.full_like(test, said), alpha=share, sample_weight=counted)
        for share, said in columns
    ]
    assert found.metrics["test"] == pytest.approx({"loss": np.mean(losses)}, rel=1e-5)


@pytest.mark.slow
def test_a_run_tells_its_coverage_and_predicts_columns(dl: Dl, tmp_path: Path) -> None:
    path = _project(tmp_path, "standardize", weights=False)
    run = api.train(path, runs=tmp_path / "runs")
    told = json.loads(dl("evaluate", run.path, "--json", "-q").out)
    rows = pd.read_csv(tmp_path / "rows.csv")
    loaded = load_config(path)
    test = read_dataset(loaded, SilentReporter()).test
    assert test is not None
    said, true = run.predict(rows).iloc[test.rows], rows["y"].to_numpy()[test.rows]
    assert list(said) == ["y_q2.5", "y_q50", "y_q90"]
    inside = (said["y_q2.5"] <= true) & (true <= said["y_q90"])
    assert told["coverage"] == pytest.approx(inside.mean())
    assert told["interval"] == ["y_q2.5", "y_q90"]
    kept = read_predictions(run.directory)
    assert kept is not None
    expected = _mean_pinball(kept.y.reshape(-1), kept.outputs)
    assert told["metrics"]["loss"] == pytest.approx(expected, rel=1e-4)
    unit = float(rows["y"].to_numpy()[np.setdiff1d(np.arange(150), test.rows)].std())
    assert _mean_pinball(true, said.to_numpy()) / unit <= expected
    last = dl("evaluate", run.path, "-q").out.splitlines()[-1]
    share = f"{100 * inside.mean():.0f}%"
    assert last == f"coverage: {share} of the rows lie from y_q2.5 to y_q90"
    with pytest.raises(UsageError, match="the simple models predict a number, not several"):
        api.baseline(run)
