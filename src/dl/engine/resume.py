"""Goes on with a run: what has changed since, and what the engine had chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dl.config.load import load_resolved
from dl.config.resolve import flat, resolved_text
from dl.config.schema import Config, Engine
from dl.data.dataset import BEFORE_PLACES, read_preprocessing
from dl.engine.environment import machine, versions
from dl.engine.network.metrics import Adapted, build_metrics
from dl.engine.prepare import Prepared
from dl.engine.training.checkpoint import last_checkpoint, of_this_training, with_rate
from dl.engine.workflow import Job
from dl.errors import Problem, RunError
from dl.progress import Reporter
from dl.runs.checkpoints import remove_leftovers
from dl.runs.directory import RunDirectory
from dl.runs.manifest import publish, read_checked
from dl.runs.process import Process
from dl.runs.provenance import now
from dl.runs.record import RunRecord
from dl.variables import RECORDED

_FREE_SECTIONS = ("engine.", "lint.", "tracking.")
"""Sections of the config that change nothing of what is learned."""
_FREE_KEYS = ("name", "training.epochs")
_FREE_VERSIONS = ("python", "h5py")
_PATHS = ("data.path", "data.validation_path", "data.test_path")
"""Where the data lies; whether it is the same is told by its fingerprint."""
_RATE = "training.optimizer.learning_rate"
_NOT_SET = "not set"


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
) -> Job:
    """Returns what is to be done to go on with a run; the caller holds its lock.

    Raises:
        RunError: Something has changed and `force` is False, or no checkpoint can be used.
    """
    before = load_resolved(run.resolved, read_checked(run.resolved)).config
    changes = list(differences(run, record, before, prepared))
    _tell(run, changes, reporter, force)
    remove_leftovers(run)
    checkpoint = last_checkpoint(run, reporter)
    if checkpoint is not None and any(change.what == _RATE for change in changes):
        with of_this_training(run):
            checkpoint = with_rate(checkpoint, _rate(prepared.config))
    done = 0 if checkpoint is None else len(checkpoint.header["history"])
    reporter.note(
        f"going on with {run.label} after epoch {done}" if done else f"{run.label} begins again"
    )
    _write_inputs(run, prepared, before.engine)
    again = {"at": now(), "after_epoch": done, "command": list(command)}
    if changes:
        again["changed"] = [str(change) for change in changes]
    return Job(run, _running(record, prepared, again), checkpoint)


def differences(
    run: RunDirectory, record: RunRecord, config: Config, prepared: Prepared
) -> Iterator[Difference]:
    """Yields what is not as it was: config, data, versions, machine, how metrics are measured."""
    earlier = read_preprocessing(run).schema == BEFORE_PLACES
    yield from _config_differences(config, prepared.config)
    if record.fingerprint != prepared.dataset.preprocessing.fingerprint:
        yield Difference(
            "the data",
            record.fingerprint[:12],
            prepared.dataset.preprocessing.fingerprint[:12],
            exact=False,
        )
    for name, before, value in _unequal(record.versions, versions()):
        yield Difference(f"the version of {name}", before, value, exact=name in _FREE_VERSIONS)
    for name, before, value in _unequal(record.machine, machine()):
        if earlier and name in RECORDED:  # it may have been set as well: it was not written down
            continue
        yield Difference(f"machine.{name}", before, value, exact=False)
    target = prepared.dataset.target
    for metric in build_metrics(prepared.config, target) if earlier else ():
        if isinstance(metric, Adapted):
            yield Difference(
                f"how {metric.name} is measured",
                "as by an earlier dl",
                "as by this one",
                exact=False,
            )


def _config_differences(before: Config, after: Config) -> Iterator[Difference]:
    for key, old, new in _unequal(flat(before), flat(after)):
        if key.startswith(_FREE_SECTIONS) or key in _PATHS or key == "name":
            continue
        yield Difference(key, old, new, exact=key in _FREE_KEYS)


def _unequal(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key, _NOT_SET), after.get(key, _NOT_SET)
        if json.dumps(old) != json.dumps(new):
            yield key, str(old), str(new)


def _tell(run: RunDirectory, changes: list[Difference], reporter: Reporter, force: bool) -> None:
    harmful = [change for change in changes if not change.exact]
    if harmful and not force:
        raise RunError.of(_problem(run, change, change is harmful[-1]) for change in harmful)
    for change in changes:
        reporter.note(str(change))
    if harmful:
        reporter.warn(f"{run.label} goes on with changes: it is no longer exactly repeatable")


def _problem(run: RunDirectory, change: Difference, last: bool) -> Problem:
    hint = "undo the change; or go on with it, no longer exactly repeatable: --force"
    return Problem(
        f"{change.what} has changed since {run.label} was trained",
        expected=change.before,
        found=change.now,
        hint=hint if last else None,
    )


def _rate(config: Config) -> float:
    rate: Any = config.training.optimizer.parameters["learning_rate"]
    return float(rate)


def _write_inputs(run: RunDirectory, prepared: Prepared, engine: Engine) -> None:
    """Publishes what `evaluate` and `predict` start from, where it has changed."""
    config = replace(prepared.config, engine=engine)
    publish(run.resolved, resolved_text(config).encode())
    publish(run.preprocess, prepared.dataset.preprocessing.text().encode())


def _running(record: RunRecord, prepared: Prepared, again: dict[str, Any]) -> RunRecord:
    return replace(
        record,
        status="running",
        process=Process.current(),
        finished=None,
        error=None,
        fingerprint=prepared.dataset.preprocessing.fingerprint,
        versions=versions(),
        machine=machine(),
        resumed=(*record.resumed, again),
    )
