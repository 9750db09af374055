"""The front of this package: from a config to parts of rows, ready for Keras.

`load_dataset` fits the preprocessing and the target; everything else applies what was fitted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dl.config.data import Split, Window, target_is_input, weight_of, window_of
from dl.config.load import Loaded
from dl.config.schema import Config
from dl.data.arrays import ArrayFeature, fit_arrays, transform_arrays
from dl.data.dataset import Dataset, Preprocessing
from dl.data.doubts import advice_on
from dl.data.drift import summaries
from dl.data.duplicates import judge_duplicates
from dl.data.features import Feature
from dl.data.fitting import drop_missing, fit_features
from dl.data.parts import split_parts
from dl.data.read import read_labelled, read_parts, source_title
from dl.data.requirements import requirements_of
from dl.data.rules import refuse_misfits
from dl.data.series import every_window, in_series, season_of, simple_forecasts
from dl.data.sources.masks import weights_of_pixels
from dl.data.split import SplitRows
from dl.data.target import Target, encode_target, scale
from dl.data.target_fit import fit_target, input_target, refuse_beyond_unit
from dl.data.target_task import describe_target
from dl.data.tokens import transform_rows
from dl.data.transform import UnseenCategories
from dl.data.types import Column, Part, Raw, RawArrays, RawParts, RawTable, Rows, StoredColumns
from dl.data.windows import WindowRows, squeezed
from dl.errors import DataError, RunError
from dl.progress import Reporter
from dl.text import number, plural
from dl.vocabulary.spec import Findings

MOST_BYTES = 1_000_000_000
"""More than this is kept only of the dataset that is in use."""


class Datasets:
    """Reads each dataset that many trainings share once, while there is room; the oldest goes."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: dict[str, Dataset] = {}

    def get(self, loaded: Loaded, reporter: Reporter) -> Dataset:
        """Returns the data of a config, as `read_dataset` does."""
        key = repr(requirements_of(loaded.config))
        try:
            if key not in self._kept:
                self._kept[key] = load_dataset(loaded.config, reporter)
                sizes = {kept: _size(dataset) for kept, dataset in self._kept.items()}
                while len(self._kept) > 1 and sum(sizes[kept] for kept in self._kept) > self._most:
                    del self._kept[next(iter(self._kept))]
            dataset = self._kept[key]
            refuse_misfits(loaded.config, dataset.target, dataset)
            return dataset
        except Findings as error:
            raise loaded.error(error.findings) from error


def _size(dataset: Dataset) -> int:
    """Returns the bytes in memory; rows that lie on the disk take none."""
    arrays = [
        array.table if isinstance(array, WindowRows) else array
        for part in dataset.parts.values()
        for array in (part.x, part.y, *part.forecasts.values())
    ]
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def read_dataset(loaded: Loaded, reporter: Reporter) -> Dataset:
    """Loads the data of a config, and compares the target with the last layer and the metrics.

    Raises:
        ConfigError: The config asks for what makes no sense for this data; at its line.
        DataError: The data cannot be used as the config says.
    """
    return Datasets().get(loaded, reporter)


@dataclass(frozen=True, slots=True)
class SplitData:
    """The rows of a config, as read.

    Attributes:
        whole: All rows but for those of parts that have rows of their own.
        parts: The rows of each part.
        target: What the target is, without its scaling.
        fractions: The fractions of `whole` that were taken for the parts.
        rows: Which of its rows are in which part, and why.
    """

    whole: Raw
    parts: RawParts
    target: Target
    fractions: Split
    rows: SplitRows


def read_split(config: Config, reporter: Reporter) -> SplitData:
    """Reads the data and splits it; raises as `load_dataset`."""
    parts, needs = _read(config, reporter), requirements_of(config)
    target = describe_target(_asked(parts, config), needs, parts.class_names)
    if parts.class_values is not None:
        target = replace(target, values=parts.class_values)
    refuse_misfits(config, target, kinds=parts.train.kinds)
    split, fractions, rows = split_parts(needs, parts, target, config.data.split)
    return SplitData(parts.train, split, target, fractions, rows)


def _asked(parts: RawParts, config: Config) -> list[Raw]:
    """Returns all rows, with the windows that ask for several of them at once."""
    window, raws = window_of(config.data), list(parts.named.values())
    if window is None or len(window.target_rows) == 1:
        return raws
    tables = [every_window(raw, window) for raw in raws if isinstance(raw, RawTable)]
    return [raw for raw in tables if raw.windows] or raws


def load_dataset(config: Config, reporter: Reporter) -> Dataset:
    """Reads the data, splits it, fits the preprocessing on the training part and applies it.

    Raises:
        DataError: The data cannot be used as the config says.
        Findings: The config asks for what makes no sense for this data.
    """
    split, needs = read_split(config, reporter), requirements_of(config)
    parts = split.parts
    with reporter.stage("Preparing the rows"):
        if said := split.rows.sentence(config.data.split):
            reporter.note(said)
        features: tuple[Feature | ArrayFeature, ...]
        if isinstance(parts.train, RawTable):
            looked_up = needs.tokens is not None
            features = fit_features(
                parts.train, needs.preprocess, reporter.note, looked_up=looked_up
            )
        else:
            features = (fit_arrays(parts.train, needs, parts.image, reporter),)
        fitted = Preprocessing(
            source=config.data.source,
            fingerprint=parts.fingerprint,
            split=split.fractions,
            features=features,
            target=input_target(features, needs, window_of(config.data))
            if target_is_input(config.data)
            else fit_target(split.target, parts.train, needs, features),
            window=_fitted_window(config, parts, reporter),
        )
        ready = {
            name: _prepared(raw, name, config, fitted, reporter)
            for name, raw in parts.named.items()
        }
        if target_is_input(config.data):
            refuse_beyond_unit(ready["train"].x, needs)
        column, weights = weight_of(config.data), ready["train"].weights
        if column is not None and isinstance(weights, np.ndarray):
            span = f"{number(float(weights.min()))} to {number(float(weights.max()))}"
            reporter.note(f"rows of the train part count {span} by {column}, 1 in the mean")
        judge_duplicates(config.data.duplicates, parts.named, ready, reporter)
        own = ready["train"], ready.get("validation"), ready.get("test")
        advice = tuple(advice_on(split.whole, config.data, config.preprocess))
        table = parts.train if isinstance(parts.train, RawTable) else None
        columns = summaries(table, fitted.columns) if table else ()
        return Dataset(*own, fitted, parts.storage, advice, split.rows.record, columns)


def _fitted_window(config: Config, parts: RawParts, reporter: Reporter) -> Window | None:
    """Returns the windows with the season of the training part, where none is stated."""
    window, train = window_of(config.data), parts.train
    if window is None or not isinstance(train, RawTable):
        return window
    counts = [f"{name} {len(raw.windows):,}" for name, raw in parts.named.items() if raw.windows]
    season = window.season or season_of(train)
    told = f"; a season of {season:,} rows" if season and not window.season else ""
    reporter.note(f"windows of {plural(window.length, 'step')}: {', '.join(counts)}{told}")
    return replace(window, season=season)


def load_part(config: Config, fitted: Preprocessing, path: Path, reporter: Reporter) -> Part:
    """Reads another labelled file (or folder) and prepares it with what was fitted.

    Raises:
        DataError: The file cannot be used with this run.
    """
    with reporter.stage(f"Reading {path}"):
        raw = _without_gaps(read_labelled(config, fitted, path, reporter), config, reporter)
    if fitted.window is not None and isinstance(raw, RawTable):
        raw = every_window(raw, fitted.window)
        if not raw.windows:
            raise DataError(
                f"{path}: no window fits",
                expected=f"at least {fitted.window.span} rows that follow each other: a window, "
                "and what is to be predicted",
                found=plural(len(raw), "row"),
                hint="give rows from further back, too",
            )
    with reporter.stage("Preparing the rows"):
        return _prepared(raw, str(path), config, fitted, reporter)


def load_split(config: Config, fitted: Preprocessing, split: str, reporter: Reporter) -> Part:
    """Reads a part of the run's own data again and prepares it with what was fitted.

    Args:
        config: The config of the run.
        fitted: The preprocessing of the run.
        split: `train`, `validation` or `test`.
        reporter: Told what happens.

    Raises:
        DataError: There is no such part, or the data cannot be read any more.
        RunError: The data has changed since the run, so its parts are others.
    """
    return load_with_raw(config, fitted, split, reporter)[1]


def load_with_raw(
    config: Config, fitted: Preprocessing, split: str, reporter: Reporter
) -> tuple[Raw, Part]:
    """Reads a part again, and returns it as it stands and prepared; see `load_split`."""
    raw = read_part(config, fitted, split, reporter)
    with reporter.stage("Preparing the rows"):
        return raw, _prepared(raw, split, config, fitted, reporter)


def read_part(config: Config, fitted: Preprocessing, split: str, reporter: Reporter) -> Raw:
    """Reads a part of the run's own data again, as it stands; see `load_split`."""
    raw = _split_again(config, fitted, reporter).named.get(split)
    if raw is None:
        raise DataError(
            f"the run has no {split} part",
            hint=f"train with `data.split.{split}` above 0, or name rows with `--data FILE`",
        )
    return raw


def load_parts(config: Config, fitted: Preprocessing, reporter: Reporter) -> dict[str, Part]:
    """Reads all parts of the run's own data again; see `load_split`."""
    parts = _split_again(config, fitted, reporter)
    with reporter.stage("Preparing the rows"):
        return {
            name: _prepared(raw, name, config, fitted, reporter)
            for name, raw in parts.named.items()
        }


def _split_again(config: Config, fitted: Preprocessing, reporter: Reporter) -> RawParts:
    parts = _read(config, reporter)
    refuse_changed(parts, fitted.fingerprint)
    parts, *_ = split_parts(requirements_of(config), parts, fitted.target, fitted.split)
    return parts


def refuse_changed(parts: RawParts, fingerprint: str) -> None:
    """Raises `RunError` where data are others than those with a fingerprint."""
    if parts.fingerprint != fingerprint:
        raise RunError(
            f"{parts.train.source}: has changed since the run",
            expected=f"SHA-256 {fingerprint[:12]}…",
            found=f"{parts.fingerprint[:12]}…",
            hint="name labelled rows of your own with `--data FILE`, or train again",
        )


def _read(config: Config, reporter: Reporter) -> RawParts:
    with reporter.stage(f"Reading {source_title(config)}"):
        parts = read_parts(config, reporter)
    if parts.storage.streamed:
        reporter.note(f"streamed from the disk: {parts.storage.reason}")
    for name, raw in parts.named.items():
        change: dict[str, Any] = {name: _without_gaps(raw, config, reporter)}
        parts = replace(parts, **change)
    return parts


def _without_gaps(raw: Raw, config: Config, reporter: Reporter) -> Raw:
    if not isinstance(raw, RawTable):
        return raw
    if (window := window_of(config.data)) is not None:
        raw = in_series(raw, config.data, window, reporter.note)
    target_rule = getattr(config.data, "missing_target", "error")
    return drop_missing(raw, config.preprocess, target_rule, reporter.note)


def _prepared(
    raw: Raw, title: str, config: Config, fitted: Preprocessing, reporter: Reporter
) -> Part:
    x, weights = numbers_of(raw, title, config, fitted, reporter), _weights(raw, config)
    y = x if target_is_input(config.data) else encode_target(raw, fitted.target)
    rows, windows = raw.rows, raw.windows
    if windows is None:
        return Part(x, y, rows, weights, texts=_texts(raw))
    named, form = windows.first_targets, windows.form
    if weights is not None:
        weights = weights[named] / weights[named].mean()
    said = simple_forecasts(replace(windows, form=fitted.window or form))
    simple = {name: scale(squeezed(values), fitted.target) for name, values in said.items()}
    x = WindowRows(x, windows.ends, np.array(form.input_rows))
    y = x if target_is_input(config.data) else y
    return Part(x, y, rows[named], weights, simple if fitted.target.form == "numbers" else {})


def _texts(raw: Raw) -> dict[str, Column]:
    if not isinstance(raw, RawTable):
        return {}
    return {name: raw.columns[name] for name, kind in raw.kinds.items() if kind == "text"}


def _weights(raw: Raw, config: Config) -> Rows | None:
    """Returns how much each row counts, divided by the mean: the unit of weights says nothing."""
    if isinstance(raw, RawArrays) and raw.masks:
        return weights_of_pixels(raw)
    column = raw.others.get("weight")
    if column is None:
        return None
    name, wrong = weight_of(config.data), ~(column.values >= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        value = float(column.values[row])
        raise DataError(
            f"{raw.row_place(row)}: column {name!r} is no weight",
            expected="a number from 0 in each row: how much it counts (`data.weight`)",
            found="no value" if np.isnan(value) else f"{value:g}",
            hint="correct it; 0 leaves a row out of the loss and the metrics",
        )
    mean = column.values.mean() if len(raw) else 1.0
    if mean == 0:
        raise DataError(
            f"{raw.source}: the weights in column {name!r} are all 0, in {plural(len(raw), 'row')} "
            "of one part",
            expected="rows that count in each part",
            hint="correct them, or name another column in `data.weight`",
        )
    return np.asarray(column.values / mean, np.float32)


def numbers_of(
    raw: Raw, title: str, config: Config, fitted: Preprocessing, reporter: Reporter
) -> Rows:
    """Returns `x`, shape (rows, *input_shape)."""
    tokens, array = requirements_of(config).tokens, fitted.array
    if not isinstance(raw, RawTable):
        if array is None:
            raise DataError(f"{raw.source}: holds arrays, but the model takes columns of a table")
        return transform_arrays(raw, array, tokens)
    if array is not None:
        raise DataError(f"{raw.source}: is a table, but the model takes arrays")
    unseen, on_disk = UnseenCategories(), isinstance(raw.columns, StoredColumns)
    x = transform_rows(raw, fitted.columns, unseen, tokens, on_disk=on_disk)
    for message in unseen.messages(title):
        reporter.warn(message)
    return x
