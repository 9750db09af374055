"""Commands that change or write files are ended at their n-th change, or it fails; none is half.

`python -m campaigns.kill_commands --size 0` takes every change of `rm`, `prune`, `tag`, `report`,
`list` (which remembers settings) and `compare --html` in turn; another size takes so many of all
cases, drawn by the seed. A change is a write, fsync, rename or removal. The process is killed
before or after it, gets SIGTERM, or the disk is full. Then every run is whole or gone, a file is as
it was or as it was to be, `dl list` ends with 0, and the command, given again, ends as if nothing
had been.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns.command import options, report, with_progress
from campaigns.concurrent_runs import make_whole
from campaigns.crash_at_every_write import Case, Fault
from campaigns.published import verify
from campaigns.training import kill
from dl.cli.main import run as dl
from dl.cli.process import Stopped, stopping_at_once
from dl.errors import DlError, ExitCode
from dl.rundir.directory import RunDirectory, all_runs
from dl.rundir.files import TEMPORARY
from dl.rundir.notes import read_tags

MODES = ("killed before", "killed after", "terminated", "fails")
_CODES = {
    "killed before": (-signal.SIGKILL,),
    "killed after": (-signal.SIGKILL,),
    "terminated": (ExitCode.TERMINATED, ExitCode.DONE),
    "fails": (ExitCode.DISK, ExitCode.DONE),
}
"""How a disturbed command ends; it may do without what it only remembers or clears away."""
COMMANDS = {
    "rm": ("rm", "-y", "a/1", "a/2"),
    "prune": ("prune", "a", "--keep", "1", "-y"),
    "prune checkpoints": ("prune", "--all-checkpoints", "-y"),
    "tag": ("tag", "a/1", "new"),
    "report": ("report", "a/1"),
    "report -o": ("report", "a/1", "-o", "page.html"),
    "compare": ("compare", "a/1", "a/2", "--html", "page.html"),
    "list": ("list", "--columns", "training.epochs"),
}
_OLD = "as it was"


class _Change(Fault):
    """Strikes at removals too, and by a signal that can be answered."""

    def install(self) -> None:
        super().install()
        os.unlink = self._before(os.unlink, "unlink")
        os.rmdir = self._before(os.rmdir, "rmdir")

    def _strike(self, mode: str, call: Any, arguments: Any, named: dict[str, Any]) -> Any:
        if mode == "terminated":
            os.kill(os.getpid(), signal.SIGTERM)
            return call(*arguments, **named)
        if mode == "killed after":
            try:
                call(*arguments, **named)
            finally:
                kill()
        return super()._strike(mode, call, arguments, named)


@dataclass(frozen=True, slots=True)
class _State:
    """What is there: labels of the runs with their tags, and the contents of what was written."""

    runs: dict[str, tuple[str, ...]]
    page: str
    report: str
    checkpoints: int


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 0)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.seed, chosen.size, Path(folder))
    report(f"kill_commands: {tried}", failures)


def campaign(seed: int, size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    whole = folder / "whole"
    for _ in range(3):
        make_whole(whole / "runs", "a")
    (whole / "page.html").write_text(_OLD)
    RunDirectory(whole / "runs/a/0001").report.write_text(_OLD)
    ends = {name: _end(folder, whole, command) for name, command in COMMANDS.items()}
    cases = [
        (name, Case(mode, number))
        for name, (calls, _) in ends.items()
        for number in range(1, calls + 1)
        for mode in MODES
    ]
    if size:
        cases = random.Random(seed).sample(cases, size)
    failures = [
        f"dl {name}, {case}: {problem}"
        for name, case in with_progress(cases)
        for problem in _try(folder, whole, name, case, ends[name][1])
    ]
    return f"{len(cases)} cases at {sum(calls for calls, _ in ends.values())} calls", failures


def _end(folder: Path, whole: Path, command: tuple[str, ...]) -> tuple[int, _State]:
    """Returns how many changes an undisturbed command makes, and what is there afterwards."""
    place, log = _fresh(folder, whole), folder / "calls.txt"
    log.write_text("")
    if _code(place, command, _Change(None, log)):
        raise SystemExit(f"dl {' '.join(command)} failed undisturbed")
    return len(log.read_text().split()), _state(place)


def _fresh(folder: Path, whole: Path) -> Path:
    place = folder / "disturbed"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, place)
    return place


def _code(place: Path, command: tuple[str, ...], fault: Fault | None) -> int:
    """Gives a command in a process of its own; returns how that ended."""
    pid = os.fork()
    if pid == 0:
        os.chdir(place)
        code = int(ExitCode.BUG)
        silent = io.TextIOWrapper(io.BytesIO())
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            try:
                with stopping_at_once():
                    if fault is not None:
                        fault.install()
                    code = dl(list(command))
            except Stopped as stopped:
                code = 128 + stopped.number
            finally:
                os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _state(place: Path) -> _State:
    runs = list(all_runs(place / "runs"))
    written = place / "runs/a/0001/report.html"
    return _State(
        runs={run.label: read_tags(run) for run in runs},
        page=(place / "page.html").read_text(),
        report=written.read_text() if written.is_file() else "",
        checkpoints=sum(len(list(run.checkpoints.glob("epoch*"))) for run in runs),
    )


def _try(folder: Path, whole: Path, name: str, case: Case, end: _State) -> Iterator[str]:
    place, command = _fresh(folder, whole), COMMANDS[name]
    before = _state(place)
    code = _code(place, command, _Change(case))
    if code not in _CODES[case.mode]:
        yield f"exit code {code}"
    yield from _halves(place, before, end)
    inside = [path for path in place.glob(f"runs/a/*/{TEMPORARY}*") if path.parent.name[0] != "."]
    if inside and case.mode in ("terminated", "fails"):
        yield f"leaves {inside}"
    if _code(place, ("list",), None):
        yield "dl list fails afterwards"
    again = _code(place, command, None)
    if name == "rm":  # of what it names, something may be gone
        if again not in (ExitCode.DONE, ExitCode.RUN):
            yield f"given again it ends with {again}"
    elif again or _state(place) != end:
        yield f"given again it ends with {again} and leaves {_state(place)}"


def _halves(place: Path, before: _State, end: _State) -> Iterator[str]:
    """Says what is neither as it was nor as it was to be."""
    after = _state(place)
    for run in all_runs(place / "runs"):
        try:
            verify(run)
        except DlError as error:
            yield str(error)
    for key in ("page", "report"):
        known = (getattr(before, key), getattr(end, key))
        if getattr(after, key) not in known and "a/0001" in after.runs:
            yield f"half of the {key} is there"
    for label, tags in after.runs.items():
        if tags not in (before.runs[label], end.runs.get(label)):
            yield f"{label} has the tags {tags}"
    if not set(end.runs) <= set(after.runs):
        yield f"lost {set(end.runs) - set(after.runs)}"


if __name__ == "__main__":
    main()
