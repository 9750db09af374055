"""Goes on with a run, and compares one that was repeated: what has changed, and what came of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dl.config.load import load_resolved
from dl.config.schema import Config, flat, resolved_text
from dl.data.dataset import BEFORE_PLACES, Dataset, read_preprocessing
from dl.data.drift import summaries_text
from dl.errors import Problem, RunError
from dl.model.metrics import Adapted, build_metrics
from dl.progress import Reporter
from dl.rundir.directory import RunDirectory
from dl.rundir.files import Process
from dl.rundir.manifest import file_sha256, publish, read_checked, remove_leftovers
from dl.rundir.record import Origin, RunRecord, now, read_history
from dl.training.checkpoint import last_checkpoint, of_this_training, with_rate
from dl.training.setup import Prepared, machine, versions
from dl.training.workflow import RunJob, Trained
from dl.variables import RECORDED

_FREE_SECTIONS = ("engine.", "lint.", "tracking.")
"""Sections of the config that change nothing of what is learned."""
_FREE_KEYS = ("name", "training.epochs", "training.time_limit")
_FREE_VERSIONS = ("python", "h5py")
_UNSEEN = ("name", "data.path", "data.validation_path", "data.test_path", "model.start.from")
"""Where data and first weights lie is not told: whether they are the same, checksums say."""
_RATE = "training.optimizer.learning_rate"
_NOT_SET = "not set"
_NO_VALUE = "nothing"

Row = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was when the run was trained.

    Attributes:
        what: Its name.
        before: What it was.
        now: What it is.
        exact: Whether the result stays exactly the same.
    """

    what: str
    before: str
    now: str
    exact: bool

    def __str__(self) -> str:
        return f"{self.what} is {self.now}, was {self.before}"


def job_of(
    run: RunDirectory,
    record: RunRecord,
    prepared: Prepared,
    reporter: Reporter,
    *,
    command: tuple[str, ...],
    force: bool,
) -> RunJob:
    """Returns what is to be done to go on with a run; the caller holds its lock.

    Raises:
        RunError: Something has changed and `force` is False, or no checkpoint can be used.
    """
    before = load_resolved(run.resolved, read_checked(run.resolved)).config
    changes = list(_differences(run, record, before, prepared))
    _tell(run, changes, reporter, force)
    remove_leftovers(run)
    checkpoint = last_checkpoint(run, reporter)
    if checkpoint is not None and any(change.what == _RATE for change in changes):
        # The checkpoint holds the rate, which a schedule or a callback may have moved since.
        rate: Any = prepared.config.training.optimizer.parameters["learning_rate"]
        with of_this_training(run):
            checkpoint = with_rate(checkpoint, float(rate))
    done = 0 if checkpoint is None else len(checkpoint.header["history"])
    _tell_beginning(run, record, done, reporter)
    _publish(run, replace(prepared.config, engine=before.engine), prepared.dataset)
    again = {"at": now(), "after_epoch": done, "command": list(command)}
    if changes:
        again["changed"] = [str(change) for change in changes]
    running = replace(
        record,
        status="running",
        process=Process.current(),
        finished=None,
        error=None,
        ended_by=None,
        planned=prepared.config.training.epochs,
        ending=None,
        judgement=None,
        fingerprint=prepared.dataset.preprocessing.fingerprint,
        versions=versions(),
        machine=machine(),
        bases=dict(prepared.bases),
        start=prepared.start or record.start,
        resumed=(*record.resumed, again),
    )
    return RunJob(run, running, checkpoint)


def _tell_beginning(run: RunDirectory, record: RunRecord, done: int, reporter: Reporter) -> None:
    reporter.note(
        f"resuming {run.label} after epoch {done}" if done else f"{run.label} starts again"
    )
    if record.ending is not None and record.ending.early and record.status == "completed":
        reporter.note(
            f"its callbacks had ended it early: {record.ending.why}; more epochs train nothing, so "
            "change that and train anew"
        )


def _publish(run: RunDirectory, config: Config, dataset: Dataset) -> None:
    """Writes what `evaluate` and `predict` start from; the engine's choices are of one training."""
    publish(run.resolved, resolved_text(config, run.path.absolute()).encode())
    publish(run.preprocess, dataset.preprocessing.text().encode())
    if dataset.columns:
        publish(run.columns, summaries_text(dataset.columns).encode())


def _differences(
    run: RunDirectory, record: RunRecord, config: Config, prepared: Prepared
) -> Iterator[Difference]:
    """Yields what is not as it was: config, data, versions, machine, how metrics are measured."""
    # The last phase can become longer, as the whole training can.
    free = (*_FREE_KEYS, f"training.phases.{len(config.training.phases) - 1}.epochs")
    for key, before, value in _unequal(flat(config), flat(prepared.config)):
        unheeded = key.startswith(_FREE_SECTIONS) and key != "engine.precision"
        if not unheeded and key not in _UNSEEN:
            yield Difference(key, before, value, exact=key in free)
    fingerprint = prepared.dataset.preprocessing.fingerprint
    if record.fingerprint != fingerprint:
        yield Difference("the data", record.fingerprint[:12], fingerprint[:12], exact=False)
    # What a training that goes on has begun from is not read again.
    start = record.start if prepared.start else None
    files = _checksums(record.bases, start), _checksums(prepared.bases, prepared.start)
    for name, before, value in _unequal(*files):
        yield Difference(f"the file of the weights of {name}", before, value, exact=False)
    for name, before, value in _unequal(record.versions, versions()):
        yield Difference(f"the version of {name}", before, value, exact=name in _FREE_VERSIONS)
    earlier = read_preprocessing(run).schema == BEFORE_PLACES
    for name, before, value in _unequal(record.machine, machine()):
        if earlier and name in RECORDED:  # it may have been set as well: it was not written down
            continue
        yield Difference(f"machine.{name}", before, value, exact=False)
    for metric in build_metrics(prepared.config, prepared.dataset.target) if earlier else ():
        if isinstance(metric, Adapted):
            what = f"how {metric.name} is measured"
            yield Difference(what, "as by an earlier dl", "as by this one", exact=False)


def _checksums(bases: Mapping[str, Mapping[str, str]], start: Origin | None) -> dict[str, str]:
    first = {} if start is None else {"model.start": start.sha256[:12]}
    return first | {name: file["sha256"][:12] for name, file in bases.items()}


def _unequal(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key, _NOT_SET), after.get(key, _NOT_SET)
        if json.dumps(old) != json.dumps(new):  # NaN is not itself, and a tuple is not a list
            yield key, str(old), str(new)


def _tell(run: RunDirectory, changes: list[Difference], reporter: Reporter, force: bool) -> None:
    harmful = [change for change in changes if not change.exact]
    if harmful and not force:
        hint = "undo the change; or resume with it, no longer exactly repeatable: --force"
        raise RunError.of(
            Problem(
                f"{change.what} has changed since {run.label} was trained",
                expected=change.before,
                found=change.now,
                hint=hint if change is harmful[-1] else None,
            )
            for change in harmful
        )
    for change in changes:
        reporter.note(str(change))
    if harmful:
        reporter.warn(f"{run.label} is resumed with changes: it is no longer exactly repeatable")


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The first value of the history that is not the same."""

    epoch: int
    name: str
    before: float | str
    now: float | str


@dataclass(frozen=True, slots=True)
class Repeat:
    """What came of repeating a run.

    Attributes:
        epochs: Epochs that were compared.
        first_difference: The first one in the history, if there is one.
        model_identical: Whether `model.h5` has the same bytes; None where there was none.
        changed: What is not as it was when the run was trained.
    """

    epochs: int
    first_difference: FirstDifference | None
    model_identical: bool | None
    changed: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return self.first_difference is None and self.model_identical is not False


def compare(run: RunDirectory, record: RunRecord, again: Trained) -> Repeat:
    """Compares histories and models, and says what has changed since.

    Args:
        run: The run that was repeated.
        record: Its record.
        again: The repeat, as long as the run came.

    Raises:
        RunError: A file of the run is damaged.
    """
    before = read_history(run)
    config = load_resolved(run.resolved, read_checked(run.resolved)).config
    changes = _differences(run, record, config, again.prepared)
    changed = tuple(change for change in changes if change.what not in _FREE_KEYS)
    model = None
    if record.status == "completed":
        model = file_sha256(run.model) == file_sha256(again.run.model)
    return Repeat(len(before), first_difference(before, again.history), model, changed)


def first_difference(before: Sequence[Row], now: Sequence[Row]) -> FirstDifference | None:
    """Returns the first value that differs, seconds aside; None if none does."""
    for epoch in range(1, max(len(before), len(now)) + 1):
        old = before[epoch - 1] if epoch <= len(before) else {}
        new = now[epoch - 1] if epoch <= len(now) else {}
        for name in dict.fromkeys([*old, *new]):
            was, value = old.get(name, _NO_VALUE), new.get(name, _NO_VALUE)
            both_nan = all(isinstance(x, float) and math.isnan(x) for x in (was, value))
            if name != "seconds" and was != value and not both_nan:
                return FirstDifference(epoch, name, was, value)
    return None
