"""Copies a run or a sweep to a store of MLflow, by what is in its directory.

What is there already is not written again, so a copy can be completed at any time. Its id is kept
in the directory: a run that is resumed goes on there, too. A trial of a sweep is copied when
it has ended, below its sweep.

Run as a module, with the destination as its arguments, it looks into a directory every so often.
The first line on stdin is the directory; at the end of stdin everything is copied a last time. What
could not be copied is said on stdout.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from dl.config.nodes import flow
from dl.errors import first_line
from dl.rundir.directory import SWEEP_RECORD, RunDirectory, SweepDirectory, trials_of
from dl.rundir.files import read_regular, write_text
from dl.rundir.record import read_history, read_metrics, read_record
from dl.rundir.settings import read_settings
from dl.rundir.typed import MisfitError, parse_as
from dl.sweeps.results import read_sweep_record
from dl.system import lower_priority
from dl.tracking import Destination

_TICK = 2.0
"""Seconds between two looks."""
_PAUSE = 30.0
"""Seconds without a try after one that failed."""
_NICENESS = 10
"""The training goes first."""
_STATUS = {
    "running": "RUNNING",
    "completed": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}
# What MLflow takes in names and values.
_NOT_IN_NAMES = re.compile(r"[^\w./: -]")
_LONGEST_NAME = 250
_LONGEST_VALUE = 6000
_MOST_PARAMETERS = 100
_MOST_METRICS = 1000
"""What MLflow takes in one request."""
_CHANGED = "dl.changed."
"""MLflow keeps the first value of a parameter; what a run is resumed with is a tag of this name."""
_PARENT = "mlflow.parentRunId"
_OURS = "tracking."
"""Settings that say nothing about the training."""

_Item = TypeVar("_Item")
_Directory = RunDirectory | SweepDirectory


@dataclass(frozen=True, slots=True)
class Known:
    """`mlflow.json`: the copy of a run or a sweep.

    Attributes:
        asked: The store, as the config names it.
        store: The store, as it can be found from everywhere.
        run: The id of the copy.
        complete: Whether all is there.
    """

    asked: str
    store: str
    run: str
    complete: bool = False


def read_known(path: Path) -> Known | None:
    """Reads what a directory says of its copy; None where it has none, or the file is damaged."""
    try:
        return parse_as(Known, read_regular(RunDirectory(path).tracked))
    except (OSError, MisfitError):
        return None


def absolute_uri(uri: str) -> str:
    """Returns the URI with the path of an SQLite file made absolute, so that it holds elsewhere."""
    scheme, slashes, path = uri.partition(":///")
    if not slashes or not scheme.startswith("sqlite") or not path or path.startswith("/"):
        return uri
    return f"{scheme}:///{os.path.abspath(path)}"


class Store:
    """A store of MLflow.

    Args:
        destination: Where it is, and what goes there.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._copies: dict[Path, _Copy] = {}

    def bring(self, path: Path, *, last: bool) -> None:
        """Copies what is new in a directory; the last time with its end.

        Raises:
            Exception: The store does not take it; whatever MLflow raises.
            RunError: A file of the run is damaged.
        """
        if not (path / SWEEP_RECORD).is_file():
            self._bring(RunDirectory(path), ended=last)
            return
        sweep = SweepDirectory(path)
        parent = self._bring(sweep, ended=False)
        for run in trials_of(sweep):
            known = read_known(run.path)
            is_there = known and known.complete and known.asked == self._destination.uri
            if not is_there and read_record(run).status != "running":
                self._bring(run, ended=True, parent=parent)
        if last:
            self._bring(sweep, ended=True)

    def _bring(self, directory: _Directory, *, ended: bool, parent: str | None = None) -> str:
        """Copies what is new of a run or a sweep; returns the id of the copy."""
        path = directory.path
        if path not in self._copies:
            self._copies[path] = _Copy(self._destination, directory, parent)
        copy = self._copies[path]
        copy.log_rows()
        if ended:
            copy.end()
            del self._copies[path]
        return copy.known.run


class _Copy:
    """The copy of a run or a sweep; that of a trial has a parent, and is made without its model.

    Attributes:
        known: Where it is, and its id.
    """

    def __init__(self, destination: Destination, directory: _Directory, parent: str | None) -> None:
        """Opens the copy that there is; makes one where there is none, or it was deleted."""
        self._destination = destination
        self._directory = directory
        self._is_trial = parent is not None
        self._epochs = 0
        parameters: Mapping[str, str] = {}
        known = read_known(directory.path)
        found = None
        if known is not None and known.asked == destination.uri:
            self._client = _client(known.store)
            found = self._client.get_run(known.run)
        if known is not None and found is not None and found.info.lifecycle_stage == "active":
            self.known = known
            steps = (item.step for item in self._client.get_metric_history(known.run, "loss"))
            parameters, self._epochs = found.data.params, max(steps, default=0)
        else:
            self.known = self._made()
        self._client.update_run(self.known.run, status=_STATUS["running"])
        self._log_settings(parameters, {_PARENT: parent} if parent else {})

    def log_rows(self) -> None:
        """Copies the epochs that are not there yet, each metric with its epoch as its step."""
        run = RunDirectory(self._directory.path)  # a sweep has no history
        new = read_history(run)[self._epochs :] if run.history.exists() else []
        self._log_metrics(
            (name, value, int(row["epoch"]))
            for row in new
            for name, value in row.items()
            if name != "epoch"
        )
        self._epochs += len(new)

    def end(self) -> None:
        """Copies the final metrics, the files and the status."""
        directory, record = self._directory, _record(self._directory)
        if isinstance(directory, RunDirectory):
            final = read_metrics(directory).items()
            self._log_metrics(
                (f"{part}.{name}", value, self._epochs)
                for part, values in final
                for name, value in values.items()
            )
        for path, folder in self._files() if self._destination.artifacts else ():
            self._client.log_artifact(self.known.run, str(path), folder or None)
        ended = _milliseconds(record.finished) if record.finished else int(time.time() * 1000)
        self._client.set_terminated(self.known.run, _STATUS[record.status], ended)
        self._write(replace(self.known, complete=True))

    def _made(self) -> Known:
        uri, name = absolute_uri(self._destination.uri), self._destination.experiment
        self._client = client = _client(uri)
        found = client.get_experiment_by_name(name)
        if found is None:
            experiment = client.create_experiment(name, artifact_location=_artifacts(uri, name))
        else:
            experiment = found.experiment_id
        started = _milliseconds(_record(self._directory).started)
        run = client.create_run(str(experiment), start_time=started, run_name=self._directory.label)
        known = Known(self._destination.uri, uri, run.info.run_id)
        self._write(known)
        return known

    def _write(self, known: Known) -> None:
        path = RunDirectory(self._directory.path).tracked
        write_text(path, json.dumps(asdict(known), indent=2) + "\n")

    def _files(self) -> Iterator[tuple[Path, str]]:
        """Yields the files that are worth a copy, and the folder below which each belongs."""
        directory = self._directory
        if isinstance(directory, SweepDirectory):
            files = [directory.leaderboard, directory.report]
        else:
            large = [] if self._is_trial else [directory.model, directory.report]
            small = [directory.resolved, directory.history, directory.metrics]
            files = [*small, directory.preprocess, *large]
        plots = directory.plots
        pictures = sorted(plots.iterdir()) if plots.is_dir() else []
        yield from ((path, "") for path in files if path.is_file())
        yield from ((path, plots.name) for path in pictures if path.is_file())

    def _log_settings(self, parameters: Mapping[str, str], tags: dict[str, str]) -> None:
        """Copies the resolved config by dotted path, as YAML, and what is known beside it."""
        from mlflow.entities import Param, RunTag

        settings = {}
        if isinstance(self._directory, RunDirectory):
            settings = dict(read_settings(self._directory))
        tags = {**_facts(self._directory), **tags}
        new = []
        for key, value in settings.items():
            name, text = _name(key), flow(value)[:_LONGEST_VALUE]
            before = parameters.get(name)
            if before is None and not key.startswith(_OURS):
                new.append(Param(name, text))
            elif before not in (None, text):
                tags[f"{_CHANGED}{name}"] = text
        for part in _parts(new, _MOST_PARAMETERS):
            self._client.log_batch(self.known.run, params=part)
        listed = [RunTag(key, value) for key, value in tags.items()]
        self._client.log_batch(self.known.run, tags=listed)

    def _log_metrics(self, items: Iterable[tuple[str, float, int]]) -> None:
        """Copies values, each with the epoch that is its step."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = (Metric(_name(name), float(value), now, step) for name, value, step in items)
        for part in _parts(metrics, _MOST_METRICS):
            self._client.log_batch(self.known.run, metrics=part)


@cache
def _client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def _artifacts(uri: str, experiment: str) -> str | None:
    """Returns where files go of which MLflow keeps only the name: beside an SQLite file."""
    path = uri.partition(":///")[2]
    if not uri.startswith("sqlite") or not path:
        return None
    return (Path(path).parent / "mlruns" / quote(experiment, safe="")).as_uri()


def _record(directory: _Directory) -> Any:
    if isinstance(directory, SweepDirectory):
        return read_sweep_record(directory)
    return read_record(directory)


def _facts(directory: _Directory) -> dict[str, str]:
    """Returns what is known beside the settings, under MLflow's own names where it has one."""
    record = _record(directory)
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    facts = {
        "dl.name": record.name,
        "dl.run": directory.label,
        "dl.directory": str(directory.path),
        "mlflow.source.name": " ".join(record.command),
        "mlflow.source.type": "LOCAL",
        "mlflow.user": user,
    }
    if isinstance(directory, RunDirectory):
        facts["dl.seed"] = str(record.seed)
        facts |= {f"dl.version.{name}": version for name, version in record.versions.items()}
        facts |= {"mlflow.source.git.commit": record.git_commit} if record.git_commit else {}
    return facts


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _parts(items: Iterable[_Item], most: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while part := list(islice(rest, most)):
        yield part


def _name(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", text)[:_LONGEST_NAME]


class Follower:
    """Copies what is new, now and then; what a store makes of it never stops the training.

    Args:
        copy: Copies what is new, the last time with True; raises whatever stands in the way.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, copy: Callable[[bool], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._copy = copy
        self._clock = clock
        self._not_before = 0.0

    def look(self) -> None:
        """Copies what is new; after a failure nothing is tried for a while."""
        if self._clock() >= self._not_before and self._failure(last=False) is not None:
            self._not_before = self._clock() + _PAUSE

    def finish(self) -> str | None:
        """Copies all that is left; returns why that failed, if it did."""
        return self._failure(last=True)

    def _failure(self, *, last: bool) -> str | None:
        try:
            self._copy(last)
        except Exception as failure:  # a store can fail in any way, and none may matter
            error: BaseException = failure
            while (cause := error.__cause__ or error.__context__) is not None:
                error = cause
            return (isinstance(error, OSError) and error.strerror) or first_line(error)
        return None


def main(uri: str, experiment: str, artifacts: str) -> None:
    """Copies the directory that stdin names until stdin ends."""
    lower_priority(_NICENESS)
    path = sys.stdin.readline().strip()
    if not path:  # the training failed before it had a directory
        return
    store = Store(Destination(uri, experiment, artifacts == str(True)))
    follower = Follower(lambda last: store.bring(Path(path), last=last))
    follower.look()
    ended = threading.Event()
    # A thread, since Windows cannot wait for a pipe; it ends with the process.
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    while not ended.wait(_TICK):
        follower.look()
    failure = follower.finish()
    if failure is not None:
        print(failure)


def _wait_for_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main(*sys.argv[1:])
