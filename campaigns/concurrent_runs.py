"""Many processes make, end, tag and remove runs in one folder at once, while others look.

`python -m campaigns.concurrent_runs --size 100`: 16 processes, each with so many runs of one name.
A run is made, locked, told of, given a history, a checkpoint and its end, as `dl train` does, but
nothing is trained. No run may be lost, doubled or torn, and whoever looks sees whole files.

Then the processes give so many commands each, at random: `rm`, `prune`, `tag`, `report`, `show`,
`list`, and make runs meanwhile. A command ends with 0; with 4 or 5 where another was faster with
the run that it names. Every tag that was put on a run is there.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from campaigns.command import dl, options, report
from campaigns.published import verify
from dl.errors import DlError
from dl.rundir.directory import RunDirectory, all_runs, numbers
from dl.rundir.files import Process
from dl.rundir.folders import create_run
from dl.rundir.manifest import publish, write_checkpoint
from dl.rundir.notes import read_tags
from dl.rundir.record import (
    RunRecord,
    now,
    read_history,
    read_record,
    write_history,
    write_record,
)

PROCESSES = 16
LOOKERS = 2
EPOCHS = 3
_RESOLVED = """\
name: {name}
data: {{source: csv, path: rows.csv, target: y}}
model: {{layers: [{{type: Dense, units: 1}}]}}
training: {{loss: mse, epochs: 1}}
"""


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 100)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(PROCESSES, chosen.size, Path(folder))
        asked, more = commands(PROCESSES, chosen.size, Path(folder) / "commands", chosen.seed)
    report(f"concurrent_runs: {tried}; {asked}", [*failures, *more])


def campaign(processes: int, size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    root, done = folder / "runs", folder / "done"
    makers = [_fork(lambda n=n: _make(root, n, size)) for n in range(processes)]  # type: ignore[misc]
    lookers = [begin_looking(root, done) for _ in range(LOOKERS)]
    failures = [f"maker {n} ended badly" for n, pid in enumerate(makers) if _code(pid)]
    done.touch()
    failures += [f"looker {n} saw a damaged file" for n, pid in enumerate(lookers) if _code(pid)]
    failures += misnumbered(root / "many", processes * size)
    failures += [failure for run in all_runs(root) if (failure := _problem(run))]
    makers_seen = [read_record(run).seed for run in all_runs(root)]
    if sorted(makers_seen) != sorted(n for n in range(processes) for _ in range(size)):
        failures.append("a run belongs to another process than the one that made it")
    return f"{processes} processes with {size} runs, {LOOKERS} lookers", failures


def commands(processes: int, size: int, folder: Path, seed: int) -> tuple[str, list[str]]:
    """Has processes give commands at once; returns what was tried, and what broke."""
    root = folder / "runs"
    for name in [*["many"] * 2 * processes, *["kept"] * 2]:
        make_whole(root, name)
    givers = [_fork(lambda n=n: _give(root, n, size, seed)) for n in range(processes)]  # type: ignore[misc]
    failures = [f"giver {n}: see above" for n, pid in enumerate(givers) if _code(pid)]
    wanted = {f"t{n}-{count}" for n in range(processes) for count in range(size)}
    for run in all_runs(root):
        if run.label.startswith("kept") and wanted - set(read_tags(run)):
            failures.append(f"{run.label} has lost {len(wanted - set(read_tags(run)))} tags")
    return f"{processes} processes with {size} commands and tags", failures


def _give(root: Path, giver: int, size: int, seed: int) -> None:
    chance = random.Random(f"{seed} {giver}")
    for count in range(size):
        known = numbers(root / "many") or [1]
        one, other = (f"many/{chance.choice(known)}" for _ in range(2))
        given = chance.choice(
            [
                ("rm", "-y", one),
                ("rm", "-y", one, other),
                ("prune", "many", "--keep", "3", "-y"),
                ("prune", "many", "--all-checkpoints", "-y"),
                ("tag", one, "x"),
                ("report", one),
                ("show", one),
                ("list",),
                ("list", "--sort", "training.epochs"),
            ]
        )
        for command in (given, *(("tag", f"kept/{n}", f"t{giver}-{count}") for n in (1, 2))):
            outcome = dl(*command, "--runs", root)
            names_a_run = len(command) > 1 and "many/" in f"{command}"
            if outcome.code not in ((0, 4, 5) if names_a_run else (0,)):
                raise SystemExit(f"dl {' '.join(command)}: {outcome.code}\n{outcome.err}")
        make_whole(root, "many")


def make_whole(root: Path, name: str) -> None:
    """Makes a run that has ended, with all that its page needs."""
    number = {"scaling": "none", "center": 0.0, "spread": 1.0, "fill": None, "kind": "numeric"}
    task = {"task": "regression", "classes": []}
    learned = {
        "fingerprint": "",
        "split": {},
        "features": [{"name": "x", **number}],
        "target": {**task, "names": ["y"], "form": "numbers"},
        "info": {
            **task,
            "targets": ["y"],
            "input_shape": [1],
            "features": ["x"],
            "image": False,
            "pixel_max": 1.0,
        },
    }
    files = {
        "run.json": replace(_record(0), name=name, status="completed").text(),
        "preprocess.json": json.dumps(learned),
        "resolved.yaml": _RESOLVED.format(name=name),
        "history.csv": "epoch,loss\n1,0.5\n",
    }
    with create_run(root, name, {key: text.encode() for key, text in files.items()}) as run:
        write_checkpoint(run, 1, {"history": []}, [])


def begin_looking(root: Path, done: Path) -> int:
    """Has a process read all runs again and again until `done` is there; returns its pid."""
    return _fork(lambda: _look(root, done))


def misnumbered(parent: Path, wanted: int) -> list[str]:
    """Says whether the runs below a name are not those from 1 to `wanted`."""
    found = numbers(parent)
    if found == list(range(1, wanted + 1)):
        return []
    return [f"{len(found)} runs up to number {max(found, default=0)}, not {wanted}"]


def _make(root: Path, maker: int, size: int) -> None:
    for _ in range(size):
        record = _record(maker)
        first = {"config.yaml": b"name: many\n", "run.json": record.text().encode()}
        with create_run(root, "many", first) as run:
            history = [{"epoch": epoch, "loss": 1 / epoch} for epoch in range(1, EPOCHS + 1)]
            for epoch in range(1, EPOCHS + 1):
                write_history(run, history[:epoch])
                write_checkpoint(run, epoch, {"history": history[:epoch]}, [memoryview(b"x" * 99)])
            publish(run.metrics, b"{}")
            write_record(run, replace(record, status="completed", epochs=EPOCHS))


def _record(maker: int) -> RunRecord:
    return RunRecord("many", "running", now(), Process.current(), maker, ("dl",), "")


def _look(root: Path, done: Path) -> None:
    """Reads all runs again and again, as `dl list` does."""
    while not done.exists():
        for run in all_runs(root):
            read_record(run)
            if run.history.exists():
                read_history(run)


def _problem(run: RunDirectory) -> str | None:
    try:
        verify(run)
    except DlError as error:
        return f"{run.label}: {error}"
    whole = read_record(run).status == "completed" and len(read_history(run)) == EPOCHS
    return None if whole else f"{run.label} is not complete"


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
