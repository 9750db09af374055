"""Estimators in the manner of scikit-learn: `Classifier` and `Regressor`, with a config."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from dl.api import data_section, train
from dl.errors import UsageError
from dl.run import Run
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import pack, unpack

_TARGET = "target"
"""The name of the column of the target, where the config does not name one."""
_WEIGHT = "sample_weight"
"""The name of the column of the weights."""


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both have in common.

    A parameter that is not one of `__init__` is a path into the config, one of `overrides`:
    `set_params(**{"training.epochs": 5})`, also in the grid of a `GridSearchCV`.

    Args:
        config: The file of a config, or the same as a dict; its data are those of `fit`.
        overrides: Values on top of it, by their paths.
        runs: The folder of the runs; None for one that is removed with the estimator.
    """

    def __init__(
        self,
        config: str | Path | Mapping[str, Any],
        overrides: Mapping[str, Any] | None = None,
        runs: str | Path | None = None,
    ) -> None:
        self.config = config
        self.overrides = overrides
        self.runs = runs

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the parameters, and the overrides by their paths."""
        own: dict[str, Any] = super().get_params(deep)
        # What cannot be one is refused by `fit`, as scikit-learn wants it.
        given = self.overrides if isinstance(self.overrides, Mapping) else {}
        return {**own, **given} if deep else own

    def set_params(self, **params: Any) -> Self:
        """Sets parameters, and values of the config by their paths."""
        own = {key: value for key, value in params.items() if key in self._get_param_names()}
        super().set_params(**own)
        paths = {key: value for key, value in params.items() if key not in own}
        if paths:
            self.overrides = {**(self.overrides or {}), **paths}
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains the config on these rows.

        Args:
            X: A DataFrame, or an array of shape (rows, columns).
            y: The target, shape (rows,).
            sample_weight: How much each row counts, shape (rows,), as a column of `data.weight`.
        """
        section = data_section(self.config)
        if section.get("window") or any(p.startswith("data.window") for p in self.overrides or ()):
            raise UsageError(
                "an estimator answers for each row, but data.window asks for what follows rows",
                hint="dl.train(config, data=frame), then run.predict(frame)",
            )
        self._columns = section.get("features")
        frame = self._frame(X, y=y, reset=True)
        name = str(section.get("target") or _TARGET)
        if name in frame.columns:
            raise UsageError(
                f"X has the column {name}, which is the target",
                hint="leave it out of X, or name another one in `data.target`",
            )
        given, paths = {name: self._encoded(column_or_1d(y, warn=True))}, {"data.target": name}
        if sample_weight is not None:
            own = (self.overrides or {}).get("data.weight", section.get("weight"))
            if own is not None:
                raise UsageError(
                    f"sample_weight cannot be used beside data.weight: {own}",
                    hint="leave one of the two out",
                )
            column = _free_name(_WEIGHT, [*frame.columns, name])
            given[column] = _check_sample_weight(sample_weight, frame)
            paths["data.weight"] = column
        self._is_kept = self.runs is not None
        self.run_: Run = train(
            self.config,
            {**(self.overrides or {}), **paths},
            data=frame.assign(**given),
            runs=self._temporary() if self.runs is None else self.runs,
            report=self._is_kept,
        )
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Returns the state; instead of a run that goes with the estimator, all of its files."""
        state = dict(super().__getstate__())
        if not state.get("_is_kept", True):
            state["run_"] = pack(self.run_.directory)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Takes a state, and writes the files of its run."""
        super().__setstate__(state)
        if not state.get("_is_kept", True):
            run = RunDirectory(self._temporary() / "run" / "0001")
            unpack(state["run_"], run)
            self.run_ = Run(run)

    def _temporary(self) -> Path:
        """Makes a folder that goes with the estimator."""
        folder = Path(tempfile.mkdtemp(prefix="dl-runs-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _predicted(self, X: Any) -> pd.DataFrame:
        check_is_fitted(self, "run_")
        return self.run_.predict(self._frame(X, reset=False))

    def _frame(self, X: Any, *, reset: bool, **more: Any) -> pd.DataFrame:
        """Checks rows, and returns them as a frame whose columns have names."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True, **more)
            return X.reset_index(drop=True)
        checked = validate_data(self, X, reset=reset, dtype=None, **more)
        values = checked[0] if isinstance(checked, tuple) else checked
        names = self._columns
        if not names or len(names) != values.shape[1]:
            names = [f"x{i + 1}" for i in range(values.shape[1])]
        return pd.DataFrame(values, columns=names)

    def _encoded(self, target: Any) -> Any:
        """Returns the target as the config is to see it."""
        return target


def _free_name(name: str, taken: Sequence[str]) -> str:
    return _free_name(f"{name}_", taken) if name in taken else name


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A classifier by a config.

    Attributes:
        classes_: The classes, sorted, after `fit`.
        run_: The run, after `fit`.
    """

    def predict(self, X: Any) -> Any:
        """Returns the class of each row, shape (rows,)."""
        found = self._predicted(X)["prediction"].astype(str)
        places = {name: place for place, name in enumerate(self._names)}
        return self.classes_[found.map(places).to_numpy(dtype=int)]

    def predict_proba(self, X: Any) -> Any:
        """Returns the probability of each class, shape (rows, classes), as in `classes_`."""
        found = self._predicted(X)
        return found[[f"probability_{name}" for name in self._names]].to_numpy(dtype=float)

    def _encoded(self, target: Any) -> Any:
        check_classification_targets(target)
        self.classes_, places = np.unique(target, return_inverse=True)
        # Whole numbers and text are the names of the classes; of any other class it is its place.
        named = target.dtype.kind in "iuUSO"
        self._names = [str(kind if named else i) for i, kind in enumerate(self.classes_)]
        return np.array(self._names)[places]


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A regressor by a config.

    Attributes:
        run_: The run, after `fit`.
    """

    def predict(self, X: Any) -> Any:
        """Returns the prediction for each row, shape (rows,)."""
        found = self._predicted(X)
        if "prediction" not in found:
            raise UsageError(
                "an estimator answers with one number for each row, but the loss asks for several "
                "quantiles",
                found=", ".join(found),
                hint="estimator.run_.predict(frame) returns all of them",
            )
        return found["prediction"].to_numpy(dtype=float)
