"""Copies a run or a sweep to a store of MLflow, by what is in its directory.

What is there already is not written again, so a copy can be completed at any time. Its id is kept
in the directory: a run that is gone on with goes on there, too. A trial of a sweep is copied when
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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from dl.config.emit import flow
from dl.errors import first_line
from dl.runs.directory import SWEEP_RECORD, RunDirectory, SweepDirectory, trials_of
from dl.runs.files import read_regular, write_text
from dl.runs.record import read_history, read_metrics, read_record
from dl.runs.settings import read_settings
from dl.runs.typed import MisfitError, parse_as
from dl.sweep.results import read_sweep_record
from dl.system import lower_priority
from dl.tracking.tracker import Destination

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
_NOT_IN_NAMES = re.compile(r"[^\w./: -]")
_LONGEST_NAME = 250
_LONGEST_VALUE = 6000
_MOST_PARAMETERS = 100
_MOST_METRICS = 1000
"""What MLflow takes in one request."""
_CHANGED = "dl.changed."
"""MLflow keeps the first value of a parameter; what a run is gone on with is a tag of this name."""
_OURS = "tracking."
"""Settings that say nothing about the training."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Contents:
    """A run or a sweep.

    Attributes:
        label: Its name for users.
        status: running, completed, interrupted or failed.
        started: Its start in milliseconds since 1970, UTC.
        finished: Its end, if it has ended.
        facts: What is known of it beside its settings: seed, commit, versions, directory.
        files: The files that are worth a copy, and the folder below which each belongs.
        settings: The resolved config by dotted path, as YAML.
        rows: Its history, one row an epoch.
        final: The final metrics, as `test.accuracy`.
    """

    label: str
    status: str
    started: int
    finished: int | None
    facts: Mapping[str, str]
    files: Sequence[tuple[Path, str]]
    settings: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[Mapping[str, float]] = ()
    final: Mapping[str, float] = field(default_factory=dict)


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


def contents_of_run(run: RunDirectory, *, is_trial: bool = False) -> Contents:
    """Reads the directory of a run; a sweep keeps few models, so a trial is read without.

    Raises:
        RunError: A file of it is missing or damaged.
    """
    large = () if is_trial else (run.model, run.report)
    files = (run.resolved, run.history, run.metrics, run.preprocess, *large)
    settings = read_settings(run).items()
    final = read_metrics(run).items()
    return replace(
        _contents(run, read_record(run), files),
        settings={key: flow(value) for key, value in settings if not key.startswith(_OURS)},
        rows=read_history(run) if run.history.exists() else (),
        final={f"{part}.{name}": value for part, m in final for name, value in m.items()},
    )


def contents_of_sweep(sweep: SweepDirectory) -> Contents:
    """Reads the directory of a sweep; raises `RunError`."""
    return _contents(sweep, read_sweep_record(sweep), (sweep.leaderboard, sweep.report))


def _contents(
    directory: RunDirectory | SweepDirectory, record: Any, files: Sequence[Path]
) -> Contents:
    """Returns what runs and sweeps have in common; facts under MLflow's own names, where it can."""
    facts = {
        "dl.name": record.name,
        "dl.run": directory.label,
        "dl.directory": str(directory.path),
        "mlflow.source.name": " ".join(record.command),
        "mlflow.source.type": "LOCAL",
        "mlflow.user": _user(),
    }
    if isinstance(directory, RunDirectory):
        facts["dl.seed"] = str(record.seed)
        facts |= {f"dl.version.{name}": version for name, version in record.versions.items()}
        facts |= {"mlflow.source.git.commit": record.git_commit} if record.git_commit else {}
    plots = directory.plots
    pictures = sorted(plots.iterdir()) if plots.is_dir() else []
    return Contents(
        label=directory.label,
        status=record.status,
        started=_milliseconds(record.started),
        finished=_milliseconds(record.finished) if record.finished else None,
        facts=facts,
        files=[
            *((path, "") for path in files if path.is_file()),
            *((path, plots.name) for path in pictures if path.is_file()),
        ],
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def read_known(path: Path) -> Known | None:
    """Reads what a directory says of its copy; None where it has none, or the file is damaged."""
    try:
        return parse_as(Known, read_regular(RunDirectory(path).tracked))
    except (OSError, MisfitError):
        return None


def _write_known(path: Path, known: Known) -> None:
    write_text(RunDirectory(path).tracked, json.dumps(asdict(known), indent=2) + "\n")


def absolute_uri(uri: str) -> str:
    """Returns the URI with the path of an SQLite file made absolute, so that it holds elsewhere."""
    scheme, slashes, path = uri.partition(":///")
    if not slashes or not scheme.startswith("sqlite") or not path or path.startswith("/"):
        return uri
    return f"{scheme}:///{os.path.abspath(path)}"


@dataclass(slots=True)
class _Copy:
    """The copy of a run.

    Attributes:
        client: What speaks with its store.
        known: Where it is, and its id.
        parameters: Those that are there.
        epochs: How many epochs are there.
    """

    client: Any
    known: Known
    parameters: Mapping[str, str]
    epochs: int


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
            self._bring(path, contents_of_run(RunDirectory(path)), ended=last)
            return
        sweep = SweepDirectory(path)
        self._bring(path, contents_of_sweep(sweep), ended=False)
        for run in trials_of(sweep):
            known = self._known(run.path)
            if not (known and known.complete) and read_record(run).status != "running":
                trial = contents_of_run(run, is_trial=True)
                self._bring(run.path, trial, ended=True, parent=path)
        if last:
            self._bring(path, contents_of_sweep(sweep), ended=True)

    def _bring(
        self, path: Path, contents: Contents, *, ended: bool, parent: Path | None = None
    ) -> None:
        if path not in self._copies:
            self._copies[path] = self._opened(path, parent, contents)
        copy = self._copies[path]
        new = list(contents.rows)[copy.epochs :]
        _log_metrics(
            copy,
            (
                (name, value, int(row["epoch"]))
                for row in new
                for name, value in row.items()
                if name != "epoch"
            ),
        )
        copy.epochs += len(new)
        if ended:
            self._end(copy, contents)
            _write_known(path, replace(copy.known, complete=True))
            del self._copies[path]

    def _opened(self, path: Path, parent: Path | None, contents: Contents) -> _Copy:
        copy = self._found(path) or self._made(path, contents)
        copy.client.update_run(copy.known.run, status=_STATUS["running"])
        tags = dict(contents.facts)
        if parent is not None and (above := self._known(parent)):
            tags["mlflow.parentRunId"] = above.run
        _log_settings(copy, contents.settings, tags)
        return copy

    def _known(self, path: Path) -> Known | None:
        """Returns what a directory says of its copy, if that is in the store that is wanted."""
        known = read_known(path)
        return known if known and known.asked == self._destination.uri else None

    def _found(self, path: Path) -> _Copy | None:
        """Returns the copy that there is, if nobody has deleted it in the store."""
        known = self._known(path)
        if known is None:
            return None
        client = _client(known.store)
        run = client.get_run(known.run)
        if run.info.lifecycle_stage != "active":
            return None
        steps = (item.step for item in client.get_metric_history(known.run, "loss"))
        return _Copy(client, known, run.data.params, max(steps, default=0))

    def _made(self, path: Path, contents: Contents) -> _Copy:
        uri = absolute_uri(self._destination.uri)
        client = _client(uri)
        name = self._destination.experiment
        found = client.get_experiment_by_name(name)
        if found is None:
            experiment = client.create_experiment(name, artifact_location=_artifacts(uri, name))
        else:
            experiment = found.experiment_id
        run = client.create_run(
            str(experiment), start_time=contents.started, run_name=contents.label
        )
        known = Known(self._destination.uri, uri, run.info.run_id)
        _write_known(path, known)
        return _Copy(client, known, {}, 0)

    def _end(self, copy: _Copy, contents: Contents) -> None:
        step = len(contents.rows)
        _log_metrics(copy, ((name, value, step) for name, value in contents.final.items()))
        for path, folder in contents.files if self._destination.artifacts else ():
            copy.client.log_artifact(copy.known.run, str(path), folder or None)
        copy.client.set_terminated(
            copy.known.run, _STATUS[contents.status], contents.finished or int(time.time() * 1000)
        )


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


def _log_settings(copy: _Copy, settings: Mapping[str, str], tags: dict[str, str]) -> None:
    from mlflow.entities import Param, RunTag

    new = []
    for key, value in settings.items():
        name, text = _name(key), value[:_LONGEST_VALUE]
        before = copy.parameters.get(name)
        if before is None:
            new.append(Param(name, text))
        elif before != text:
            tags[f"{_CHANGED}{name}"] = text
    for part in _parts(new, _MOST_PARAMETERS):
        copy.client.log_batch(copy.known.run, params=part)
    copy.client.log_batch(copy.known.run, tags=[RunTag(key, value) for key, value in tags.items()])


def _log_metrics(copy: _Copy, items: Iterable[tuple[str, float, int]]) -> None:
    """Copies values, each with the epoch that is its step."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = (Metric(_name(name), float(value), now, step) for name, value, step in items)
    for part in _parts(metrics, _MOST_METRICS):
        copy.client.log_batch(copy.known.run, metrics=part)


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
