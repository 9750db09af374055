"""Pipes, sockets, folders and devices in the place of every file that a command reads.

Each file of a run, of a sweep and of a project is replaced in turn by each of these, and every
command is run. It must end, soon, with an exit code that says what is wrong.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from campaigns.command import dl, options, report, with_progress
from campaigns.hostile_files import prepare

_WAITING = 30
_GRID = ("--grid", "training.epochs=1,2", "--set", "training.batch_size=16", "-q")
RUN, SWEEP = "model/0001", "model-sweep/0001"
_LOOKS = (("list",), ("list", "--json"), ("prune", "--keep", "1", "--dry-run"))
_OF_A_RUN = (
    *_LOOKS,
    ("show", RUN),
    ("summary", RUN),
    ("diagnose", RUN),
    ("compare", RUN, RUN),
    ("report", RUN),
    ("tag", RUN, "best"),
    ("trace", RUN),
    ("evaluate", RUN),
    ("predict", RUN, "rows.csv"),
    ("train", "--resume", RUN),
    ("train", "--resume", RUN, "--epochs", "2", "-q"),
    ("reproduce", RUN),
    ("rm", RUN, "--yes"),
)
_OF_A_SWEEP = (
    *_LOOKS,
    ("list", "model-sweep"),
    ("compare", SWEEP),
    ("report", SWEEP),
    ("sweep", "best", SWEEP),
    ("sweep", "show", SWEEP),
    ("sweep", "run", "model.yaml", *_GRID, "--resume"),
    ("rm", SWEEP, "--yes"),
)
_OF_A_PROJECT = (
    ("validate", "model.yaml", "--build"),
    ("lint", "model.yaml"),
    ("train", "model.yaml", "--dry-run"),
    ("sweep", "model.yaml", *_GRID, "--dry-run"),
    ("predict", RUN, "rows.csv"),
    ("init", "rows.csv", "--target", "kind"),
    ("evaluate", RUN),
)


def _socket(path: Path) -> None:
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def _link(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


THINGS: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a folder": Path.mkdir,
    "/dev/zero": _link("/dev/zero"),
    "/dev/tty": _link("/dev/tty"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}

Case = tuple[Path, str, tuple[str, ...]]


def cases() -> list[Case]:
    """Returns every file, what it is replaced by, and a command, in a folder that is prepared."""
    of = {RUN: _OF_A_RUN, SWEEP: _OF_A_SWEEP}
    found: list[Case] = []
    for name, commands in of.items():
        inside = Path("kept") / name
        files = [path.relative_to("kept") for path in sorted(inside.rglob("*")) if path.is_file()]
        files.append(Path(name))
        files = [path for path in files if "trials" not in path.parts]
        found += [(Path("runs") / p, t, c) for p in files for t in THINGS for c in commands]
    project = [path for path in sorted(Path().iterdir()) if path.is_file()]
    return found + [(path, thing, c) for path in project for thing in THINGS for c in _OF_A_PROJECT]


def campaign(seed: int, size: int, folder: Path) -> tuple[Counter[int], list[str]]:
    """Tries `size` of the cases in an empty folder; all of them, where there are fewer.

    Returns:
        How often each exit code came, and what broke.
    """
    prepare(folder, [])
    codes: Counter[int] = Counter()
    failures = []
    with contextlib.chdir(folder):
        made = dl("sweep", "model.yaml", *_GRID, waiting=300)
        if made.code:
            return codes, [f"the sweep failed: {made.err}"]
        shutil.move("runs", "kept")
        listed = cases()
        for path, thing, command in with_progress(
            random.Random(seed).sample(listed, min(size, len(listed)))
        ):
            shutil.copytree("kept", "runs")
            outside = path.read_bytes() if path.parts[0] != "runs" else None
            _removed(path)
            THINGS[thing](path)
            outcome = dl(*command, waiting=_WAITING)
            codes[outcome.code] += 1
            if outcome.broken:
                failures.append(f"{path} is {thing}, {' '.join(command)}: {outcome.broken}")
            shutil.rmtree("runs")
            if outside is not None:
                _removed(path)
                path.write_bytes(outside)
    return codes, failures


def _removed(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 10_000)
    folder = Path(tempfile.mkdtemp(prefix="dl-odd-"))
    codes, failures = campaign(chosen.seed, chosen.size, folder)
    shutil.rmtree(folder)
    refused = sum(codes[code] for code in (2, 3, 4, 5, 7))
    report(f"{sum(codes.values())} odd files, {refused} refused, {codes[0]} done", failures)


if __name__ == "__main__":
    main()
