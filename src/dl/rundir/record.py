"""What a run says about itself: `run.json`, `metrics.json`, `history.csv`."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from dl.rundir.directory import RunDirectory
from dl.rundir.files import Process, is_held
from dl.rundir.manifest import damaged, publish, read_checked, refuse_newer
from dl.rundir.typed import (
    Count,
    Duration,
    Finite,
    Keys,
    Metrics,
    MisfitError,
    Moment,
    Positive,
    read_as,
)


def now() -> str:
    """Returns the local time as ISO 8601 with the offset from UTC, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def git_commit(folder: Path) -> str | None:
    """Returns the commit that is checked out around `folder`; None outside a repository."""
    import subprocess  # only a training asks

    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None


T = TypeVar("T")

SCHEMA = 1
Status = Literal["running", "completed", "interrupted", "failed"]
Machine = Annotated[dict[str, Any], Keys({"threads": Count, "processor": str, "gpus": list[str]})]
Chosen = Annotated[
    dict[str, Any],
    Keys({"compiled": bool, "steps_per_call": Positive, "reason": str, "rows": str}),
]
_Array = Annotated[
    dict[str, Any], Keys({"shape": list[Count], "type": str, "bytes": Count}, required=True)
]
Sizes = Annotated[
    dict[str, Any], Keys({"rows": Count, "inputs": _Array, "targets": _Array}, required=True)
]


@dataclass(frozen=True, slots=True)
class Simple:
    """What a simple forecast reaches.

    Attributes:
        words: What it is called: `the last value`.
        metrics: Those metrics that it has, by part and name.
        by_step: Its mean absolute error at each of several steps, by part.
    """

    words: str
    metrics: Metrics
    by_step: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trivial:
    """The answer that looks at no input, and what it reaches.

    Attributes:
        answer: What it says of every row: the fraction of each class or label in the training
            part, or a number for each target, as the network is trained on it; empty if long.
        words: The same as people say it: `always setosa`.
        metrics: Those metrics that such an answer has, by part and name.
        forecasts: Of a series, the forecasts that look at nothing but the past of the target.
        called: What it is called where its loss is told: the loss is that of the shares of the
            classes, not of the commonest one. Empty where that is `words`, too.
    """

    answer: tuple[Finite, ...]
    words: str
    metrics: Metrics
    forecasts: tuple[Simple, ...] = ()
    called: str = ""

    def by_step(self, part: str) -> dict[str, tuple[float, ...]]:
        """Returns the error of each forecast at each step, on a part; none where there is one."""
        return {each.words: each.by_step[part] for each in self.forecasts if part in each.by_step}

    def beside(self, part: str) -> list[tuple[str, dict[str, float]]]:
        """Returns what stands beside the network on a part: in words, with its metrics."""
        every = [
            (self.called or self.words, self.metrics),
            *((s.words, s.metrics) for s in self.forecasts),
        ]
        return [(words, metrics[part]) for words, metrics in every if metrics.get(part)]


@dataclass(frozen=True, slots=True)
class Origin:
    """What the first weights of a run were taken from.

    Attributes:
        source: The file, or the directory of the run.
        sha256: The SHA-256 of the file that holds them.
        taken: The layers that begin from there.
        left: Why each other layer does not.
    """

    source: str
    sha256: str
    taken: tuple[str, ...]
    left: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the epochs of a training came to their end.

    Attributes:
        why: Why it ended before its last epoch, in words; empty where it did not.
        early: Whether a callback of the config ended it.
        kept: The epoch, from 1, whose weights the model has; None where they are no epoch's: means
            over several, or none was whole.
        best: The epoch that its early stopping found to be the best; None without one.
    """

    why: str = ""
    early: bool = False
    kept: Count | None = None
    best: Count | None = None


@dataclass(frozen=True, slots=True)
class Confusion:
    """The most frequent mistake between two classes: which was taken for which, how often."""

    true: str
    predicted: str
    times: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a training could say of its network at its end, on the part that tells most.

    Attributes:
        rows: What the rows are: `rows`, `pictures`, `digits`, `texts`, `sounds`, `windows`.
        places: What each has an answer for: `pixels`, `steps` or `labels`; empty for one answer.
        beats: Whether it is better than the simple answer beside it by more than chance; None
            where its answers were not kept, or there is no such answer.
        confuses: Its most frequent mistake; None without classes, or where chance explains it.
        findings: The ids of what `dl diagnose` finds, causes before their effects.
        layers: Whether the layers were looked at, too, which is done when the result is shown.
    """

    rows: str = "rows"
    places: str = ""
    beats: bool | None = None
    confuses: Confusion | None = None
    findings: tuple[str, ...] = ()
    layers: bool = False


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of `run.json`.

    Attributes:
        name: Name of the run.
        status: How far the run came. A `running` one whose process is gone reads `interrupted`.
        started: Start of the training, ISO 8601 with the offset from UTC.
        finished: Its end, if it has ended.
        seconds: Duration of the whole command so far.
        epochs: Epochs that were finished.
        seed: The seed of the config.
        command: The command line.
        process: The process that trains.
        fingerprint: SHA-256 of the data.
        versions: Versions of Python, `dl` and the libraries.
        machine: Threads, processor, accelerator: what can change the bits of the result.
        engine: How the training was run, and why so.
        data: Rows of each part, the shape of one and the bytes of all, for inputs and targets.
        git_commit: The commit of the config's repository, if it is in one.
        error: The message of the error that ended the run.
        ended_by: What ended the training before its last epoch, if it was not the network: the
            time limit.
        resumed: When, after which epoch and by which command the run was resumed.
        trivial: What the network has to beat; None where there is no such answer, and in runs of
            earlier versions.
        bases: The file that each pretrained base had its weights from, and its SHA-256, by the
            name of the layer.
        start: What the first weights were taken from; None where they were random.
        planned: The epochs that the config asks for; 0 in runs of earlier versions.
        ending: How its epochs ended; None while it runs, where it was cut off, and in runs of
            earlier versions.
        judgement: What it says of its network; None as `ending`, and in trials of a sweep.
        schema: Version of this file's layout.
    """

    name: str
    status: Status
    started: Moment
    process: Process
    seed: Count
    command: tuple[str, ...]
    fingerprint: str
    finished: str | None = None
    seconds: Duration = 0.0
    epochs: Count = 0
    versions: dict[str, str] = field(default_factory=dict)
    machine: Machine = field(default_factory=dict)
    engine: Chosen = field(default_factory=dict)
    data: dict[str, Sizes] = field(default_factory=dict)
    git_commit: str | None = None
    error: str | None = None
    ended_by: str | None = None
    resumed: tuple[dict[str, Any], ...] = ()
    trivial: Trivial | None = None
    bases: dict[str, dict[str, str]] = field(default_factory=dict)
    start: Origin | None = None
    planned: Count = 0
    ending: Ending | None = None
    judgement: Judgement | None = None
    schema: int = SCHEMA

    def text(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def write_record(run: RunDirectory, record: RunRecord) -> None:
    """Publishes `run.json`; raises `DiskError`."""
    publish(run.record, record.text().encode())


def read_record(run: RunDirectory) -> RunRecord:
    """Reads `run.json`; a run whose process is gone reads `interrupted`.

    Raises:
        RunError: The file is missing, damaged or made by a newer `dl`.
    """
    record = read_json(run.record, RunRecord)
    if record.status == "running" and not (is_held(run) and record.process.is_alive()):
        return replace(record, status="interrupted")
    return record


def read_metrics(run: RunDirectory) -> Metrics:
    """Reads the final metrics of each part; none where the training did not end.

    Raises:
        RunError: The file is damaged.
    """
    return read_json(run.metrics, Metrics) if run.metrics.exists() else {}


def read_json(path: Path, kind: type[T]) -> T:
    """Reads the JSON of a run as a value of a type: see `dl.rundir.typed`.

    Raises:
        RunError: The file is missing, is not what was published, holds something else, or was
            made by a newer `dl`.
    """
    content = read_checked(path)
    try:
        values = json.loads(content)
        schema = values.get("schema") if isinstance(values, dict) else None
        if type(schema) is int:
            refuse_newer(path, schema)
        return read_as(kind, values)
    except MisfitError as error:
        raise damaged(path, error) from error
    except (ValueError, RecursionError) as error:
        raise damaged(path) from error


Row = Mapping[str, float]


def write_history(run: RunDirectory, rows: Sequence[Row]) -> None:
    """Publishes all rows, with the columns of the first; raises `DiskError`."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    publish(run.history, text.getvalue().encode())


def read_history(run: RunDirectory) -> list[dict[str, float]]:
    """Reads the rows.

    Raises:
        RunError: The file is missing, or is not what was published.
    """
    content = read_checked(run.history)
    try:
        header, *rows = list(csv.reader(content.decode().splitlines())) or [[]]
        if len(set(header)) < len(header):
            raise ValueError("a column twice")
        found = [dict(zip(header, map(float, row), strict=True)) for row in rows]
        if any(row.get("epoch") != place for place, row in enumerate(found, start=1)):
            raise ValueError("not the epochs in their order")
        return found
    except (ValueError, csv.Error) as error:
        raise damaged(
            run.history, "it must have a row of numbers for each epoch, from 1"
        ) from error


def _cell(value: float) -> str:
    """Words a number so that reading it gives the same number; whole ones without a point."""
    number = float(value)
    if math.isfinite(number) and number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return repr(number)
