"""Windows over series: what is promised of any rows, and NumPy and Keras beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dl.config.data import Window
from dl.config.load import Loaded, load_config
from dl.data.dataset import Dataset
from dl.data.inputs import open_blocks
from dl.data.load import load_part, read_dataset
from dl.data.resolve import resolve_config
from dl.data.series import divided, every_window, season_of
from dl.data.split import SplitRows
from dl.data.target import unscale
from dl.data.trivial import elsewhere, trivial_of
from dl.data.types import Array, Column, RawParts, RawTable
from dl.data.windows import WindowRows
from dl.model import tf
from dl.model.tensors import between, count_of, picked, tensors_of
from dl.progress import SilentReporter
from support.streaming import Notes, both
from support.tables import told

ROWS = {"by": "t", "order": "time", "validation": 0.2, "test": 0.2}


def loaded(folder: Path, frame: pd.DataFrame, window: object, **changed: Any) -> Loaded:
    frame.to_csv(folder / "rows.csv", index=False)
    units = changed.pop("units", 1)
    layers = changed.pop("layers", ["Flatten", {"type": "Dense", "units": units}])
    document = {
        "data": {
            "source": "csv",
            "path": str(folder / "rows.csv"),
            "target": changed.pop("target", "y"),
            "split": changed.pop("split", ROWS),
            "window": window,
            **changed.pop("data", {}),
        },
        "preprocess": {"numeric": "none", **changed.pop("preprocess", {})},
        "model": {"layers": layers},
        "training": {
            "loss": changed.pop("loss", "mse"),
            "metrics": changed.pop("metrics", ["mean_absolute_error", "RootMeanSquaredError"]),
        },
        **changed,
    }
    (folder / "case.yaml").write_text(yaml.safe_dump(document))
    return load_config(folder / "case.yaml")


def series(rows: int = 60, **columns: Array) -> pd.DataFrame:
    random = np.random.default_rng(0)
    own = {"t": np.arange(rows), "y": random.normal(size=rows).round(3) + np.arange(rows)}
    return pd.DataFrame({**own, **columns})


def read(case: Loaded, notes: Notes | None = None) -> Dataset:
    return read_dataset(case, notes or SilentReporter())


# Any rows


def table(steps: Array) -> RawTable:
    values = Column("numeric", np.arange(len(steps), dtype=np.float64))
    rows = np.arange(len(steps))
    return RawTable({"y": values}, {"y": values}, rows, "rows", str, steps=steps)


forms = st.builds(
    Window,
    length=st.integers(1, 4),
    every=st.integers(1, 3),
    ahead=st.integers(1, 4),
    outputs=st.sampled_from([1, 2, 3, "each"]),
    stride=st.integers(1, 3),
)
torn = st.lists(st.sampled_from([1, 1, 1, 1, 2]), min_size=12, max_size=60)


@settings(deadline=None)
@given(form=forms, gaps=torn, cuts=st.tuples(st.floats(0.3, 0.6), st.floats(0.65, 0.9)))
def test_a_window_asks_for_rows_of_its_part_and_sees_none_of_a_later_one(
    form: Window, gaps: list[int], cuts: tuple[float, float]
) -> None:
    steps = np.cumsum(gaps)
    rank = np.searchsorted([int(cut * len(steps)) for cut in cuts], np.arange(len(steps)), "right")
    whole = table(steps)
    possible = dict.fromkeys(range(3), 0)
    begin = {row: row for row in range(len(steps)) if row == 0 or gaps[row] > 1}
    for row in range(1, len(steps)):
        begin.setdefault(row, begin[row - 1])
    for end in range(len(steps)):
        inputs = [end + k for k in form.input_rows]
        asked = [end + k for k in form.target_rows]
        if inputs[0] < 0 or asked[-1] >= len(steps):
            continue
        whole_run = steps[asked[-1]] - steps[inputs[0]] == asked[-1] - inputs[0]
        in_step = (inputs[0] - begin[inputs[0]]) % form.stride == 0
        parts = set(rank[min(asked) : max(asked) + 1])
        if whole_run and in_step and len(parts) == 1 and rank[end] <= min(parts):
            possible[parts.pop()] += 1
    found = SplitRows.of(rank)
    if not all(possible.values()):
        assert "no window fits" in told(lambda: divided(RawParts(whole), whole, found, form))
        return
    parts = divided(RawParts(whole), whole, found, form)
    for place, raw in enumerate(parts.named.values()):
        assert isinstance(raw, RawTable)
        assert raw.windows is not None
        assert len(raw.windows) == possible[place]
        inputs = raw.windows.ends[:, None] + np.array(form.input_rows)
        assert (rank[raw.rows[inputs]] <= place).all()
        assert (rank[raw.rows[raw.windows.targets]] == place).all()
        assert (raw.rows[raw.windows.ends] == raw.windows.at).all()
        if place == 0:
            assert set(raw.rows) == set(np.flatnonzero(rank == 0))


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        (Window(length=4), 12),
        (Window(length=3, every=3, ahead=4, stride=2), 30),
        (Window(length=1, every=2, ahead=2), 9),
    ],
)
def test_windows_are_those_of_keras(form: Window, rows: int) -> None:
    whole = every_window(table(np.arange(rows)), form)
    assert whole.windows is not None
    numbers = np.arange(rows, dtype=np.float32)[:, None]
    x = WindowRows(numbers, whole.windows.ends, np.array(form.input_rows))
    expected = keras.utils.timeseries_dataset_from_array(
        numbers[: -form.ahead],
        numbers[(form.length - 1) * form.every + form.ahead :],
        sequence_length=form.length,
        sampling_rate=form.every,
        sequence_stride=form.stride,
        batch_size=rows,
    )
    wanted, y = next(iter(expected.as_numpy_iterator()))
    assert np.array_equal(x[:], wanted)
    assert np.array_equal(numbers[whole.windows.first_targets], y)


def test_rows_are_gathered_in_memory_on_the_disk_and_in_a_graph_alike() -> None:
    from dl.data.storage import ScratchFile

    numbers = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    ends, offsets = np.arange(10, 50), np.array([-6, -3, 0])
    x = WindowRows(numbers, ends, offsets)
    wanted = np.stack([numbers[end + offsets] for end in ends])
    assert x.shape == wanted.shape
    assert np.array_equal(x[:], wanted)
    chosen = np.array([7, 0, 7, 39])
    stored = WindowRows(ScratchFile().stored(numbers), ends, offsets)
    assert np.array_equal(stored[chosen], wanted[chosen])
    assert np.array_equal(x[5:9], wanted[5:9])
    y = np.arange(40)
    rows = tensors_of(x, y)
    assert int(count_of(rows)) == 40
    assert rows[0].table.shape == (50, 3)
    assert np.array_equal(picked(rows, tf.constant(chosen))[0], wanted[chosen])
    assert np.array_equal(between(rows, tf.constant(3), tf.constant(8))[0], wanted[3:8])


# A table


def test_what_is_scaled_is_fitted_on_each_row_of_the_training_part_once(tmp_path: Path) -> None:
    frame = series(x=np.arange(60.0) ** 2)
    scaled = {"numeric": "standardize", "target": "standardize"}
    found = read(loaded(tmp_path, frame, {"length": 3, "ahead": 2}, preprocess=scaled))
    train = frame[:36]
    assert found.preprocessing.input_shape == (3, 2)
    names = [feature.name for feature in found.preprocessing.columns]
    assert names == ["y", "x"]  # the past of the target, too
    for place, name in enumerate(names):
        mean, deviation = train[name].mean(), train[name].std(ddof=0)
        wanted = ((frame[name] - mean) / deviation).to_numpy(np.float32)
        x = found.train.x[:][:, :, place]
        assert np.allclose(x, np.stack([wanted[i : i + 3] for i in range(32)]), atol=1e-5)
    y = (frame["y"] - train["y"].mean()) / train["y"].std(ddof=0)
    assert np.allclose(found.train.y[:, 0], y[4:36], atol=1e-5)
    assert found.test is not None
    assert found.validation is not None
    assert found.test.rows.tolist() == list(range(48, 60))
    assert found.validation.rows.tolist() == list(range(36, 48))
    assert np.allclose(found.test.y[:, 0], y[48:], atol=1e-5)


def test_several_steps_and_targets_are_places(tmp_path: Path) -> None:
    frame = series(z=np.arange(60.0) * 2)
    window = {"length": 4, "every": 2, "outputs": 3}
    reshape = {"type": "Reshape", "target_shape": [3, 2]}
    layers = ["Flatten", {"type": "Dense", "units": 6}, reshape]
    found = read(loaded(tmp_path, frame, window, target=["y", "z"], layers=layers))
    assert found.target.places == (3, 2)
    assert found.target.in_series
    first = found.train.rows[0]
    wanted = frame[["y", "z"]].to_numpy(np.float32)[[first, first + 2, first + 4]]
    assert np.array_equal(found.train.y[0], wanted)
    one = read(loaded(tmp_path, frame, window, units=3))
    assert one.target.places == (3,)
    assert np.array_equal(one.train.y[0], wanted[:, 0])


def test_each_step_of_a_window_has_a_target(tmp_path: Path) -> None:
    layers = [
        {"type": "SimpleRNN", "units": 2, "return_sequences": True},
        {"type": "Dense", "units": 1},
    ]
    window = {"length": 5, "ahead": 2, "outputs": "each"}
    found = read(loaded(tmp_path, series(), window, layers=layers))
    y = series()["y"].to_numpy(np.float32)
    assert np.array_equal(found.train.y[3], y[3 + 2 : 3 + 2 + 5])
    assert np.array_equal(found.train.x[:][3, :, 0], y[3 : 3 + 5])


def test_classes_follow_a_window(tmp_path: Path) -> None:
    kinds = np.array(["up", "down", "still"])[np.random.default_rng(1).integers(0, 3, 60)]
    frame = series(kind=kinds)
    layers = ["Flatten", {"type": "Dense", "units": 3, "activation": "softmax"}]
    changed = {"target": "kind", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    found = read(loaded(tmp_path, frame, {"length": 3}, layers=layers, **changed))
    assert found.target.classes == ("down", "still", "up")
    assert [found.target.classes[i] for i in found.train.y] == kinds[3:36].tolist()
    assert found.preprocessing.input_shape == (3, 4)  # y, and three categories of the past
    assert not found.train.forecasts
    layers[1:] = [{**layers[1], "units": 6, "activation": "linear"}]  # type: ignore[dict-item]
    layers += [{"type": "Reshape", "target_shape": [2, 3]}, "Softmax"]
    several = read(loaded(tmp_path, frame, {"length": 3, "outputs": 2}, layers=layers, **changed))
    assert several.target.places == (2,)
    named = np.array(several.target.classes)[several.train.y]
    assert named.tolist() == np.stack([kinds[3:35], kinds[4:36]], axis=1).tolist()


def test_series_of_a_column_do_not_mix(tmp_path: Path) -> None:
    one, two = series(40), series(40)
    two["y"] += 1000
    frame = pd.concat([one.assign(who="b"), two.assign(who="a")]).sort_values(["t", "who"])
    found = read(loaded(tmp_path, frame, {"length": 3, "by": "who"}))
    assert found.preprocessing.input_shape == (3, 1)
    x, y = found.train.x[:][..., 0], found.train.y
    assert ((x > 500) == (y > 500)).all()  # of each window all, and what follows
    alone = read(loaded(tmp_path, two, {"length": 3}))
    assert np.array_equal(x[y[:, 0] > 500], alone.train.x[:][..., 0])
    assert len(found.train) == 2 * len(alone.train)
    apart = read(
        loaded(tmp_path, frame, {"length": 3, "by": "who"}, split={"by": "who", "validation": 0})
    )
    assert {bool(part.y[0, 0] > 500) for part in apart.parts.values()} == {True, False}


def test_no_window_crosses_a_gap_or_a_row_that_is_left_out(tmp_path: Path) -> None:
    frame = series(60)
    frame.loc[20:, "t"] += 5
    notes = Notes()
    found = read(loaded(tmp_path, frame, {"length": 3}), notes)
    assert 20 not in found.train.rows
    assert 22 not in found.train.rows
    assert 23 in found.train.rows
    said = "1 gap in column 't', the longest from 19 to 25: no window crosses one"
    assert f"{tmp_path}/rows.csv: {said}" in notes.notes
    frame = series(60)
    frame.loc[10, "y"] = np.nan
    drop = {"missing_target": "drop"}
    found = read(loaded(tmp_path, frame, {"length": 3}, data=drop))
    assert [row for row in found.train.rows if row < 16] == [3, 4, 5, 6, 7, 8, 9, 14, 15]


def test_steps_of_months_and_working_days_are_no_gaps(tmp_path: Path) -> None:
    for days in (
        pd.date_range("2020-01-31", periods=60, freq="ME"),
        pd.bdate_range("2024-01-01", periods=60),
    ):
        notes = Notes()
        read(loaded(tmp_path, series().assign(t=days), {"length": 3}), notes)
        assert not any("gap" in note for note in notes.notes)


def test_rows_of_a_file_can_be_the_order(tmp_path: Path) -> None:
    frame = series()[["y"]]
    split = {"order": "rows", "validation": 0.2, "test": 0.2, "gap": 3}
    notes = Notes()
    found = read(loaded(tmp_path, frame, {"length": 3}, split=split), notes)
    assert {name: (part.rows[0], part.rows[-1]) for name, part in found.parts.items()} == {
        "train": (3, 31),
        "validation": (34, 45),
        "test": (48, 59),
    }
    assert notes.notes[0] == (
        "split by the order of the rows: train 0 to 31 (32 rows), validation 34 to 45 (12 rows), "
        "test 48 to 59 (12 rows); left out: 4 rows in the gaps of 3"
    )


def test_folds_go_forward(tmp_path: Path) -> None:
    ends = []
    for fold in (1, 2, 3):
        split = {**ROWS, "folds": 3, "fold": fold}
        found = read(loaded(tmp_path, series(), {"length": 3}, split=split))
        assert found.validation is not None
        assert found.test is not None
        assert found.train.rows[-1] + 1 == found.validation.rows[0]
        ends.append((int(found.validation.rows[0]), int(found.test.rows[0])))
    assert ends == [(12, 48), (24, 48), (36, 48)]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (
            {30: 29},
            "rows.csv:32: the time in column 't' is that of the row before\n"
            "expected: times that rise from row to row of a series (`data.window`)\n"
            "found: 29; 1 such row in all\n"
            "hint: sort the rows and leave repeated ones out; name the column of several series in "
            "`data.window.by`; or take the rows as they stand: `split: {order: rows}`",
        ),
        (
            {30: 3, 41: 2},
            "rows.csv:32: the time in column 't' is before that of the row above it\n"
            "expected: times that rise from row to row of a series (`data.window`)\n"
            "found: 3 after 29; 2 such rows in all\n"
            "hint: sort the rows and leave repeated ones out; name the column of several series in "
            "`data.window.by`; or take the rows as they stand: `split: {order: rows}`",
        ),
        (
            {30: None},
            "rows.csv:32: column 't' has no value\n"
            "expected: a value in each row: it orders the rows\n"
            "found: 1 row without\n"
            "hint: fill it in, or leave these rows out",
        ),
    ],
)
def test_times_that_order_nothing_are_refused(
    tmp_path: Path, column: dict[int, Any], expected: str
) -> None:
    frame = series().astype({"t": object})
    for row, value in column.items():
        frame.loc[row, "t"] = value
    case = loaded(tmp_path, frame, {"length": 3})
    assert told(lambda: read(case), tmp_path) == expected


def test_a_part_in_which_no_window_fits_is_refused(tmp_path: Path) -> None:
    case = loaded(tmp_path, series(), {"length": 40})
    assert told(lambda: read(case), tmp_path) == (
        "rows.csv: no window fits in the train part\n"
        "expected: at least 41 rows of it that follow each other: 40 steps, and what comes after\n"
        "found: 36 rows in a row\n"
        "hint: make `data.window.length`, `every`, `ahead` or `outputs` smaller, or give more rows"
    )
    case = loaded(tmp_path, series(), {"length": 4, "outputs": 15}, units=15)
    assert told(lambda: read(case), tmp_path) == (
        "rows.csv: no window fits in the validation part\n"
        "expected: at least 15 rows of it that follow each other, to be predicted\n"
        "found: 12 rows in a row\n"
        "hint: make `data.window.length`, `every`, `ahead` or `outputs` smaller, or "
        "`data.split.validation` larger"
    )


def test_streamed_rows_are_the_same(tmp_path: Path) -> None:
    frame = series(400, x=np.arange(400.0) % 7)
    case = loaded(tmp_path, frame, {"length": 3, "every": 2})
    here, there, *_ = both(case.config)
    assert here.preprocessing == there.preprocessing
    for name, part in here.parts.items():
        other = there.parts[name]
        assert np.array_equal(part.x[:], other.x[:])
        assert np.array_equal(part.x[7:9], other.x[np.array([7, 8])])
        assert np.array_equal(part.y, other.y)


# Simple forecasts


def season(rows: int, length: int, noise: float) -> pd.DataFrame:
    random = np.random.default_rng(5)
    wave = 10 * np.sin(2 * np.pi * np.arange(rows) / length) + random.normal(0, noise, rows)
    return series(rows).assign(y=wave.round(4))


@pytest.mark.parametrize("ahead", [1, 9])
@pytest.mark.parametrize("scaling", ["none", "standardize", "log1p"])
def test_simple_forecasts_by_numpy(tmp_path: Path, ahead: int, scaling: str) -> None:
    frame = season(120, 7, 1)
    frame["y"] += 20
    window = {"length": 3, "ahead": ahead}
    case = loaded(tmp_path, frame, window, preprocess={"target": scaling})
    found = read(case)
    assert found.preprocessing.window is not None
    assert found.preprocessing.window.season == 7
    trivial = trivial_of(case.config, found)
    assert trivial is not None
    assert found.test is not None
    y, rows = frame["y"].to_numpy(), found.test.rows
    back = 7 * -(-ahead // 7)
    said = {"the last value": y[rows - ahead], "a season before (7 rows)": y[rows - back]}
    assert [each.words for each in trivial.forecasts] == list(said)
    for each in trivial.forecasts:
        errors = y[rows] - said[each.words]
        metrics = each.metrics["test"]
        assert metrics["mean_absolute_error"] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
        wanted = np.sqrt(np.square(errors).mean())
        assert metrics["RootMeanSquaredError"] == pytest.approx(wanted, rel=1e-4)
    # On other rows, the first season has no season before it: there it is the last value.
    part = load_part(case.config, found.preprocessing, tmp_path / "rows.csv", SilentReporter())
    again = elsewhere(trivial, "rows", part, found.target, case.config)
    assert again is not None
    rows = part.rows
    guess = np.where(rows - back >= 0, y[np.maximum(rows - back, 0)], y[rows - ahead])
    wanted = np.abs(y[rows] - guess).mean()
    assert again.forecasts[1].metrics["rows"]["mean_absolute_error"] == pytest.approx(
        wanted, rel=1e-4
    )


def test_simple_forecasts_of_several_steps_know_the_past_alone(tmp_path: Path) -> None:
    frame = season(200, 5, 0.5)
    case = loaded(tmp_path, frame, {"length": 4, "outputs": 8, "season": 5}, units=8)
    found = read(case)
    assert found.test is not None
    y, first = frame["y"].to_numpy(np.float32), found.test.rows
    for step in range(8):
        last = unscale(found.test.forecasts["the last value"], found.target)[:, step]
        before = found.test.forecasts["a season before (5 rows)"][:, step]
        assert np.array_equal(last, y[first - 1])
        assert np.array_equal(before, y[first + step - (5 if step < 5 else 10)])


@pytest.mark.parametrize(("length", "noise", "expected"), [(12, 1, 12), (24, 0.5, 24), (7, 0.1, 7)])
def test_a_season_is_found(length: int, noise: float, expected: int) -> None:
    assert found_season(season(240, length, noise)["y"].to_numpy()) == expected


def found_season(values: Array) -> int | None:
    column = Column("numeric", values)
    rows = np.arange(len(values))
    raw = RawTable({"y": column}, {"y": column}, rows, "rows", str, steps=rows)
    return season_of(every_window(raw, Window(length=2)))


def test_noise_and_trends_have_no_season() -> None:
    random = np.random.default_rng(7)
    for rows in (30, 300, 3000):
        assert found_season(random.normal(size=rows)) is None
        assert found_season(random.normal(size=rows).cumsum()) is None
        assert found_season(np.arange(rows, dtype=np.float64)) is None
    assert found_season(np.zeros(50)) is None


def test_the_resolved_config_holds_the_season_and_repeats_the_data(tmp_path: Path) -> None:
    case = loaded(tmp_path, season(120, 7, 1), {"length": 3})
    found = read(case)
    resolved = resolve_config(case.config, found)
    assert resolved.data.window == Window(length=3, season=7)  # type: ignore[union-attr]
    assert resolved.data.features == ("y",)  # type: ignore[union-attr]


# Rows to predict


def forecasts(case: Loaded, found: Dataset, path: Path, kept: list[str]) -> Iterator[Any]:
    blocks = open_blocks(case.config, found.preprocessing, path, SilentReporter(), kept)
    yield from blocks.read(lambda done: None)


def told_times(folder: Path, frame: pd.DataFrame, window: object, **changed: Any) -> Any:
    case = loaded(folder, frame, window, **changed)
    found = read(case)
    [block] = forecasts(case, found, folder / "rows.csv", ["y"])
    return block


def test_forecasts_reach_beyond_the_last_row(tmp_path: Path) -> None:
    months = pd.date_range("2020-01-31", periods=60, freq="MS")
    block = told_times(tmp_path, series().assign(t=months), {"length": 3, "ahead": 2})
    wanted = pd.date_range("2020-02-01", periods=62, freq="MS")[4:].strftime("%Y-%m-%d")
    assert block.told["t"].tolist() == wanted.tolist()
    y = series()["y"].tolist()
    assert block.kept["y"].to_pylist() == [*map(str, y[4:]), None, None]
    assert np.array_equal(block.x[:][:, -1, 0], np.float32(y[2:]))


def test_times_go_on_by_their_step_where_it_is_regular(tmp_path: Path) -> None:
    hours = pd.date_range("2024-03-01", periods=60, freq="h")
    block = told_times(tmp_path, series().assign(t=hours), {"length": 3, "ahead": 2})
    assert block.told["t"].tolist()[-2:] == ["2024-03-03T12:00:00", "2024-03-03T13:00:00"]
    days = pd.bdate_range("2024-01-01", periods=60)
    block = told_times(tmp_path, series().assign(t=days), {"length": 3})
    assert block.told["t"].tolist()[-2:] == ["2024-03-22", None]
    block = told_times(tmp_path, series().assign(t=np.arange(60) * 0.5), {"length": 3})
    assert block.told["t"].to_pylist()[-2:] == [29.5, 30.0]
    split = {"order": "rows"}
    block = told_times(tmp_path, series()[["y"]], {"length": 3}, split=split)
    assert block.told["row"].to_pylist() == list(range(3, 61))


def test_forecasts_of_several_series(tmp_path: Path) -> None:
    one, two = series(40).assign(who="b"), series(40).assign(who="a")
    two["t"] += 100
    frame = pd.concat([one, two])
    block = told_times(tmp_path, frame, {"length": 3, "by": "who"})
    assert block.told["who"].tolist() == ["a"] * 38 + ["b"] * 38
    assert block.told["t"].to_pylist() == [*range(103, 141), *range(3, 41)]


def test_too_few_rows_to_predict_are_refused(tmp_path: Path) -> None:
    case = loaded(tmp_path, series(), {"length": 4, "every": 3})
    found = read(case)
    series(9).to_csv(tmp_path / "few.csv", index=False)
    assert told(lambda: next(forecasts(case, found, tmp_path / "few.csv", [])), tmp_path) == (
        "few.csv: no window fits\n"
        "expected: at least 10 rows that follow each other: 4 steps of a window\n"
        "found: 9 rows\n"
        "hint: give rows from further back, too"
    )
    assert told(
        lambda: load_part(case.config, found.preprocessing, tmp_path / "few.csv", SilentReporter()),
        tmp_path,
    ) == (
        "few.csv: no window fits\n"
        "expected: at least 11 rows that follow each other: a window, and what is to be predicted\n"
        "found: 9 rows\n"
        "hint: give rows from further back, too"
    )
