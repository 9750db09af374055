"""What every use of a saved run starts from: its config and what it learned from the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dl.config.load import load_resolved
from dl.config.schema import Config
from dl.data.targets import with_cut
from dl.errors import RunError
from dl.runs.directory import RunDirectory
from dl.runs.manifest import read_checked
from dl.runs.record import read_json, read_record


@dataclass(frozen=True, slots=True)
class SavedFiles:
    """The files of a saved run that need no Keras.

    Attributes:
        run: The run.
        config: Its resolved config.
        learned: The content of `preprocess.json`.
    """

    run: RunDirectory
    config: Config
    learned: dict[str, Any]


def open_files(run: RunDirectory, threshold: float | None = None) -> SavedFiles:
    """Reads what a trained run says about its model and its data.

    Args:
        run: The run.
        threshold: Probability from which a row is of the second class, or has a label. Default:
            the one that it was trained with.

    Raises:
        RunError: The training did not end, or a file is missing or damaged.
        UsageError: A threshold is given, but the model gives no probability that it could cut.
    """
    if not run.model.exists():
        raise _without_model(run)
    config = load_resolved(run.resolved, read_checked(run.resolved)).config
    learned = with_cut(read_json(run.preprocess), threshold, run.label)
    return SavedFiles(run, config, learned)


def _without_model(run: RunDirectory) -> RunError:
    if read_record(run).status == "completed":
        return RunError(
            f"{run.label} has no model.h5: of a sweep, only the best settings keep their models",
            hint=f"train it again: dl train {run.resolved}; or sweep with a larger `keep`",
        )
    return RunError(
        f"{run.label} has no model.h5: its training did not end",
        hint=f"go on with it: {run.command_to_resume}",
    )
