"""`mlflow.json`: which run of which store is the copy of a directory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from dl.runs.directory import RunDirectory
from dl.runs.files import read_regular, write_text
from dl.runs.typed import MisfitError, parse_as


@dataclass(frozen=True, slots=True)
class Known:
    """The copy of a run or a sweep.

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


def write_known(path: Path, known: Known) -> None:
    """Writes it down; raises `DiskError`."""
    write_text(RunDirectory(path).tracked, json.dumps(asdict(known), indent=2) + "\n")
