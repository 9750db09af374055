"""Predicting without TensorFlow, from a copy of the model that the training left for LiteRT.

`model.tflite` is the copy, and beside it lies the record of what it is: the SHA-256 of the copy and
of the `model.h5` that it was made from. Both files are in the manifest. A copy that is missing,
torn, altered, or of another `model.h5` is not used. Where no copy could be made, the record says
why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dl.config.load import load_resolved
from dl.config.schema import Config
from dl.data.dataset import Preprocessing, read_preprocessing
from dl.data.drift import Heed
from dl.data.inputs import InputBlocks
from dl.data.target import BEYOND_LOGARITHMS, Target
from dl.data.types import Array, Inputs, Rows
from dl.errors import RunError, UsageError, first_line, unfit_rows
from dl.imports import quiet_stderr
from dl.progress import Reporter
from dl.rundir.directory import RunDirectory, runs_of
from dl.rundir.manifest import (
    file_sha256,
    list_checkpoints,
    publish,
    read_checked,
    read_manifest,
    sha256,
)
from dl.rundir.record import RunRecord, read_json, read_record
from dl.rundir.typed import Positive
from dl.system import processors
from dl.text import listing
from dl.vocabulary.catalog import keras_version

SCHEMA = 1
PREDICTION = "prediction"
"""What the column of the predictions is called where nobody says otherwise."""

Outputs = Callable[[Rows], Array]
"""Returns a model's outputs, shape (rows, *outputs), for rows prepared as `x`."""
Columns = Callable[[Inputs, Array], dict[str, Array]]
"""Returns the columns that tell rows and their outputs, by name."""


@dataclass(frozen=True, slots=True)
class SavedFiles:
    """What every use of a saved run starts from: the files that need no Keras.

    Attributes:
        run: The run.
        config: Its resolved config.
        preprocessing: What was fitted on its training part.
    """

    run: RunDirectory
    config: Config
    preprocessing: Preprocessing


@dataclass(frozen=True, slots=True)
class LiteRecord:
    """The content of `model.tflite.json`.

    Attributes:
        model: SHA-256 of the `model.h5` that the copy was made from; empty until it is known.
        light: SHA-256 of `model.tflite`; empty if no copy could be made.
        reason: Why no copy could be made; empty if there is one.
        batch: Rows to run at once.
        checked_rows: Number of rows on which the copy was compared with Keras.
        difference: The largest difference between the two that was found.
        schema: Version of this file's layout.
    """

    model: str = ""
    light: str = ""
    reason: str = ""
    batch: Positive = 1
    checked_rows: int = 0
    difference: float = 0.0
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class LiteCopy:
    """A copy of a model for LiteRT, in memory: the bytes of `model.tflite`, and their record.

    Without bytes there is none, and the record says why.
    """

    content: bytes
    record: LiteRecord


class UnusableError(Exception):
    """A copy that cannot be used, and why; TensorFlow takes its place.

    Attributes:
        suspicious: Whether something was changed or damaged that ought to be in order.
    """

    def __init__(self, reason: str, *, suspicious: bool = False) -> None:
        super().__init__(reason)
        self.suspicious = suspicious


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
    # A newer Keras can compute something else under the same name.
    trained, known = record.versions.get("keras", ""), _major_minor(keras_version())
    if _major_minor(trained) > known:
        raise RunError(
            f"{run.label} was trained with a newer Keras than this dl knows",
            expected=f"Keras {'.'.join(map(str, known))} or older",
            found=f"Keras {trained}",
            hint="update dl: pip install --upgrade dl-keras",
        )
    if not run.model.exists():
        raise _without_model(run, record)
    config = load_resolved(run.resolved, read_checked(run.resolved)).config
    fitted = read_preprocessing(run)
    target = fitted.target.with_threshold(threshold, run.label)
    return SavedFiles(run, config, replace(fitted, target=target))


def _major_minor(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _without_model(run: RunDirectory, record: RunRecord) -> RunError:
    if record.status == "completed":
        return RunError(
            f"{run.label} has no model.h5: of a sweep, only the best settings keep their models",
            hint=f"train it again: dl train {run.resolved}; or sweep with a larger `keep`",
        )
    if record.status == "running":
        hint = f"wait until it ends; how far it is: dl show {run.typed}"
        return RunError(f"{run.label} has no model.h5: it is still training", hint=hint)
    resumed = record.status == "interrupted" or list_checkpoints(run)
    hint = f"resume it: {run.command_to_resume}" if resumed else f"why: dl diagnose {run.typed}"
    whole = [r for r in runs_of(run.path.parent.parent, run.path.parent.name) if r.model.is_file()]
    if whole:
        hint += f"; or name another run: {whole[-1].typed}"
    return RunError(f"{run.label} has no model.h5: its training did not end", hint=hint)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be predicted, and what stands in the output.

    Attributes:
        source: A file or folder, or a stream of CSV; None for a part of the run's own data.
        split: The part, if there is no source.
        threshold: Probability from which a row is of the second class, or has a label. Default:
            that of the run.
        keep: Columns of the source that stand before the predictions, as they are.
        name: What the column of the predictions is called.
        drift: What is done about rows that are unlike those of the training part.
        lines: Whether each line of the source is a text.
        layer: Name of a layer whose outputs stand there instead of predictions.
        error: Whether the error of each row is told, of a model that gives back its inputs.
        quantile: Fraction of the training rows whose errors are not unusual; with `error`.
        masks: Folder that gets a picture of the classes at each pixel.
        join: What stands between the classes of the steps of a row, in one column.
        samples: How many times each row is predicted with dropout active; None: once, without.
    """

    source: Path | BinaryIO | None
    split: str = "test"
    threshold: float | None = None
    keep: tuple[str, ...] = ()
    name: str = PREDICTION
    drift: Heed = "warn"
    lines: bool = False
    layer: str | None = None
    error: bool = False
    quantile: float | None = None
    masks: Path | None = None
    join: str | None = None
    samples: int | None = None


def predictions(
    model: Outputs,
    rows: InputBlocks,
    target: Target,
    task: Task,
    reporter: Reporter,
    columns_of: Columns,
) -> Iterator[dict[str, Any]]:
    """Yields the columns that were kept and the predictions, block by block, in the rows' order.

    Args:
        model: Computes the outputs, by LiteRT or by TensorFlow.
        rows: The rows to predict.
        target: What the model predicts.
        task: What stands in the output.
        reporter: Is told what happens.
        columns_of: Makes columns of the rows and their outputs.

    Raises:
        DataError: The rows cannot be used with this run.
        UsageError: Two columns would have the same name, or there is none to give a name to.
    """
    infinite = 0
    with reporter.stage(f"Predicting {rows.title}", rows.total) as advance:
        for inputs in rows.read(advance):
            columns = columns_of(inputs, model(inputs.x))
            infinite += _infinite(columns)
            told = inputs.files and not task.keep  # a column that is kept tells the row
            files = {"file": np.asarray(inputs.files, dtype=object)} if told else {}
            kept = {name: inputs.kept[name] for name in task.keep}
            yield _titled(kept, {**files, **inputs.told, **columns}, task)
    if infinite:
        why = f": {BEYOND_LOGARITHMS}" if target.scaling == "log1p" else ""
        are = "prediction is" if infinite == 1 else "predictions are"
        reporter.warn(f"{rows.title}: {infinite:,} {are} infinite or NaN{why}")


def _infinite(columns: Mapping[str, Array]) -> int:
    """Returns how many rows have a number that is not finite."""
    numbers = [values for values in columns.values() if values.dtype.kind == "f"]
    return int((~np.isfinite(numbers)).any(axis=0).sum()) if numbers else 0


def _titled(kept: Mapping[str, Any], said: Mapping[str, Array], task: Task) -> dict[str, Any]:
    """Returns all columns by the names that were asked for."""
    titles = [*task.keep, *(task.name if name == PREDICTION else name for name in said)]
    if task.name not in titles[len(task.keep) :] and task.name != PREDICTION:
        raise UsageError(
            f"the predictions cannot be named {task.name!r}: they are several columns",
            found=listing(said, "and", most=4),
            hint="leave the name out, and rename the columns afterwards",
        )
    repeated = [title for place, title in enumerate(titles) if title in titles[:place]]
    if repeated:
        raise UsageError(
            f"two columns of the output would be named {repeated[0]!r}",
            hint="keep each column once, or give the predictions another name: --as NAME",
        )
    return dict(zip(titles, [*kept.values(), *said.values()], strict=True))


def write_lite(run: RunDirectory, model: str, copy: LiteCopy) -> None:
    """Writes a copy and then its record, durably; of a refusal, the record alone.

    Args:
        run: The run.
        model: SHA-256 of the `model.h5` that the copy was made from.
        copy: The copy; one without content says why there is none, and an old one is removed.

    Raises:
        DiskError: A file cannot be written.
    """
    record = replace(copy.record, model=model)
    if copy.content:
        publish(run.light, copy.content)
        record = replace(record, light=sha256(copy.content))
    publish(run.light_record, f"{json.dumps(asdict(record), indent=2)}\n".encode())
    if not copy.content:
        run.light.unlink(missing_ok=True)


def open_lite(run: RunDirectory) -> LiteModel:
    """Opens the copy of a run's model.

    Raises:
        UnusableError: There is none, it is damaged, it was made from another `model.h5`, or
            cannot be run here.
    """
    path = run.light_record
    if not path.exists():
        raise UnusableError("the run has none")
    if path.name not in read_manifest(run):
        raise UnusableError("an earlier dl made it, without a checksum")
    try:
        record = read_json(path, LiteRecord)
    except RunError as error:
        raise UnusableError(f"{path.name} is damaged", suspicious=True) from error
    if record.reason:
        raise UnusableError(record.reason)
    try:
        content = read_checked(run.light)
    except RunError as error:
        reason = f"{run.light.name} is missing or damaged"
        raise UnusableError(reason, suspicious=True) from error
    if record.model != file_sha256(run.model):
        reason = f"{run.light.name} was made from another {run.model.name}"
        raise UnusableError(reason, suspicious=True)
    if record.light != sha256(content):
        raise UnusableError(f"{run.light.name} is not the one of its record", suspicious=True)
    return LiteModel(content, record.batch)


class LiteModel:
    """A model that LiteRT runs, in batches.

    Args:
        content: The bytes of the `.tflite` file.
        batch: Rows to run at once, unless the model says itself how many it takes.

    Raises:
        UnusableError: LiteRT is not installed, or cannot run this model.
    """

    def __init__(self, content: bytes, batch: int) -> None:
        self._runner = _runner(content)
        self._input = self._runner.get_input_details()[0]
        self._output = self._runner.get_output_details()[0]["index"]
        self._rows = int(self._input["shape"][0])
        self.fixed = int(self._input["shape_signature"][0]) != -1
        """Whether the model takes no other number of rows than one batch."""
        self._batch = self._rows if self.fixed else batch

    def __call__(self, x: Rows) -> Array:
        """Returns the outputs for at least one row, in their order, shape (rows, *outputs).

        Raises:
            DataError: The model cannot be run on these rows.
        """
        starts = range(0, len(x), self._batch)
        return np.concatenate([self._run(x[start : start + self._batch]) for start in starts])

    def _run(self, rows: Array) -> Array:
        count = len(rows)
        rows = np.ascontiguousarray(rows, self._input["dtype"])
        if self.fixed and count < self._batch:
            rows = np.concatenate([rows, np.repeat(rows[-1:], self._batch - count, axis=0)])
        try:
            if len(rows) != self._rows:
                shape = [len(rows), *self._input["shape"][1:].tolist()]
                self._runner.resize_tensor_input(self._input["index"], shape)
                self._runner.allocate_tensors()
                self._rows = len(rows)
            self._runner.set_tensor(self._input["index"], rows)
            self._runner.invoke()
        except (RuntimeError, ValueError) as error:
            raise unfit_rows(error) from error
        outputs: Array = self._runner.get_tensor(self._output)
        return outputs[:count]


def _runner(content: bytes) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UnusableError("ai-edge-litert is not installed or cannot be loaded") from error
    # LiteRT tells on stderr which of its ways it takes.
    with quiet_stderr():
        try:
            runner = Interpreter(model_content=content, num_threads=processors())
            runner.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            reason = first_line(error)
        else:
            return runner
    raise UnusableError(f"LiteRT cannot run it: {reason}")
