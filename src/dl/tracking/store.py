"""Brings what is in the directory of a run to a store of MLflow.

What is there already is not written again, so a copy can be completed at any time. Its id is kept
in the directory: a run that is gone on with goes on there, too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from dl.tracking.contents import Contents, Row
from dl.tracking.destination import Destination, absolute_uri
from dl.tracking.known import Known, read_known, write_known

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
_PARENT = "mlflow.parentRunId"
_CHANGED = "dl.changed."
"""MLflow keeps the first value of a parameter; what a run is gone on with is a tag of this name."""

_Item = TypeVar("_Item")


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

    def is_complete(self, path: Path) -> bool:
        """Tells whether all of a run that has ended is there."""
        known = self._known(path)
        return known is not None and known.complete

    def bring(
        self, path: Path, contents: Contents, *, ended: bool, parent: Path | None = None
    ) -> None:
        """Copies what is new of a run or a sweep; raises what MLflow raises.

        Args:
            path: Its directory.
            contents: What is in it.
            ended: Whether nothing will follow.
            parent: The directory of the sweep that it is a trial of.
        """
        if path not in self._copies:
            self._copies[path] = self._opened(path, parent, contents)
        copy = self._copies[path]
        _log_rows(copy, contents)
        if ended:
            self._end(copy, contents)
            write_known(path, replace(copy.known, complete=True))
            del self._copies[path]

    def _opened(self, path: Path, parent: Path | None, contents: Contents) -> _Copy:
        copy = self._found(path) or self._made(path, contents)
        copy.client.update_run(copy.known.run, status=_STATUS["running"])
        tags = dict(contents.facts)
        if parent is not None and (above := self._known(parent)):
            tags[_PARENT] = above.run
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
        run = client.create_run(
            self._experiment(client, uri), start_time=contents.started, run_name=contents.label
        )
        known = Known(self._destination.uri, uri, run.info.run_id)
        write_known(path, known)
        return _Copy(client, known, {}, 0)

    def _experiment(self, client: Any, uri: str) -> str:
        name = self._destination.experiment
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(name, artifact_location=_artifacts(uri, name)))

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


def _log_rows(copy: _Copy, contents: Contents) -> None:
    """Copies the epochs that are not there yet, each metric with its epoch as its step."""
    new = list(contents.rows)[copy.epochs :]
    _log_metrics(copy, (item for row in new for item in _measured(row)))
    copy.epochs += len(new)


def _measured(row: Row) -> Iterator[tuple[str, float, int]]:
    for name, value in row.items():
        if name != "epoch":
            yield name, value, int(row["epoch"])


def _log_metrics(copy: _Copy, items: Iterable[tuple[str, float, int]]) -> None:
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
