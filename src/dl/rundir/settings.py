"""What is asked of runs beside their records: config paths, and metrics by any of their names.

Apart from `query`, since the vocabulary takes a third of the time of a plain `dl list`. Settings
are read once and remembered beside the runs.
"""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from dl.config.document import read_document
from dl.config.nodes import flat_document, plain
from dl.errors import DlError, UsageError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import read_regular, write_text
from dl.rundir.query import Entry, Row, utc_now
from dl.rundir.typed import Keys, MisfitError, parse_as
from dl.vocabulary.names import called_here, nearest_measured

_SCHEMA = 1
_MEMORY = ".settings.json"
_Known = Annotated[
    dict[str, Any], Keys({"stamp": list[int], "settings": dict[str, Any]}, required=True)
]
_Memory = Annotated[dict[str, Any], Keys({"schema": int, "runs": dict[str, _Known]}, required=True)]

Settings = Mapping[str, object]


def read_settings(run: RunDirectory) -> Settings:
    """Returns every value of a run's resolved config by its dotted path; empty if it is damaged."""
    try:
        root = read_document(read_regular(run.resolved), str(run.resolved)).root
    except (OSError, DlError):
        return {}
    return flat_document(plain(root))


class SettingsMemory:
    """Settings of many runs; those read before are taken from a file in the folder of all runs.

    A resolved config is never changed, so what is remembered holds as long as the file has the
    time and size that it had. Without the right to write there, nothing is remembered.
    """

    def __init__(self, root: Path) -> None:
        self._file = root / _MEMORY
        self._grown = False
        self._lock = threading.Lock()  # the board reads them in several threads

    @functools.cached_property
    def _known(self) -> dict[str, Any]:
        """What is remembered, by the label of the run: read when a first config is asked for."""
        try:
            content: dict[str, Any] = parse_as(_Memory, read_regular(self._file))
        except (OSError, MisfitError):
            return {}
        known: dict[str, Any] = content["runs"] if content["schema"] == _SCHEMA else {}
        return known

    def of(self, run: RunDirectory) -> Settings:
        """Returns the settings of a run by dotted path."""
        stamp = _stamp(run.resolved)
        known = self._known.get(run.label)
        if known is not None and known["stamp"] == stamp:
            settings: Settings = known["settings"]
            return settings
        settings = read_settings(run)
        with self._lock:
            self._known[run.label] = {"stamp": stamp, "settings": dict(settings)}
            self._grown = True
        return settings

    def save(self) -> None:
        """Remembers what was read."""
        if self._grown:
            with self._lock:
                self._grown = False
                text = json.dumps({"schema": _SCHEMA, "runs": self._known})
            with contextlib.suppress(DlError):
                write_text(self._file, text)


def _stamp(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_mtime_ns, status.st_size]


def rows_of(entries: Sequence[Entry], memory: SettingsMemory, keys: Collection[str]) -> list[Row]:
    """Returns what is known of each run, with the values of metrics also under the names asked for.

    Configs are read only where a key is still lacking.
    """
    now = utc_now()
    rows: list[Row] = []
    for entry in entries:
        row = entry.facts(now)
        named = {key: called_here(key, row) for key in keys}
        rows.append({**row, **{key: row[name] for key, name in named.items() if name in row}})
    if all(any(key in row for row in rows) for key in keys):
        return rows
    rows = [{**memory.of(entry.run), **row} for entry, row in zip(entries, rows, strict=True)]
    memory.save()
    return rows


def require_keys(option: str, keys: Iterable[str], rows: Sequence[Row]) -> None:
    """Refuses a key that no row has.

    Raises:
        UsageError: With the nearest key that there is.
    """
    known = {key for row in rows for key in row}
    for key in keys:
        if key not in known:
            near = nearest_measured(key, known)
            raise UsageError(
                f"{option} {key}: no run has this value",
                expected="a column of the list, a metric (accuracy, test.loss) or a config path",
                hint=f"did you mean {near}?" if near else "see them all: dl list --json",
            )
