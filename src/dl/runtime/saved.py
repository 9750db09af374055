"""What every use of a saved run starts from: its config and what it learned from the data."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dl.config.load import load_resolved
from dl.config.schema import Config
from dl.data.dataset import Preprocessing, read_preprocessing
from dl.errors import RunError
from dl.runs.directory import RunDirectory
from dl.runs.manifest import read_checked
from dl.runs.record import RunRecord, read_record
from dl.vocabulary.catalog import keras_version


@dataclass(frozen=True, slots=True)
class SavedFiles:
    """The files of a saved run that need no Keras.

    Attributes:
        run: The run.
        config: Its resolved config.
        preprocessing: What was fitted on its training part.
    """

    run: RunDirectory
    config: Config
    preprocessing: Preprocessing


def open_files(run: RunDirectory, threshold: float | None = None) -> SavedFiles:
    """Reads what a trained run says about its model and its data.

    Args:
        run: The run.
        threshold: Probability from which a row is of the second class, or has a label. Default:
            the one that it was trained with.

    Raises:
        RunError: The training did not end, a file is missing or damaged, or the run was made by a
            newer `dl` or Keras.
        UsageError: A threshold is given, but the model gives no probability that it could cut.
    """
    record = read_record(run)
    _refuse_newer_keras(run, record)
    if not run.model.exists():
        raise _without_model(run, record)
    config = load_resolved(run.resolved, read_checked(run.resolved)).config
    fitted = read_preprocessing(run)
    target = fitted.target.with_threshold(threshold, run.label)
    return SavedFiles(run, config, replace(fitted, target=target))


def _refuse_newer_keras(run: RunDirectory, record: RunRecord) -> None:
    """A newer Keras can compute something else under the same name."""
    trained, known = record.versions.get("keras", ""), _major_minor(keras_version())
    if _major_minor(trained) > known:
        raise RunError(
            f"{run.label} was trained with a newer Keras than this dl knows",
            expected=f"Keras {'.'.join(map(str, known))} or older",
            found=f"Keras {trained}",
            hint="update dl: pip install --upgrade dl-keras",
        )


def _major_minor(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _without_model(run: RunDirectory, record: RunRecord) -> RunError:
    if record.status == "completed":
        return RunError(
            f"{run.label} has no model.h5: of a sweep, only the best settings keep their models",
            hint=f"train it again: dl train {run.resolved}; or sweep with a larger `keep`",
        )
    return RunError(
        f"{run.label} has no model.h5: its training did not end",
        hint=f"go on with it: {run.command_to_resume}",
    )
