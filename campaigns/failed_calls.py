"""A system call of a command fails: no byte can be read, a file not opened, no thread started.

`strace` lets the n-th call of a command fail, after Python has begun with `dl`: half of the time
any call, half of the time one that touches the project. The command must end, soon, without a
traceback and with an exit code that says what happened, or with its result; runs that were there
must be as they were. It needs `strace`.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from campaigns.command import options, report, with_progress
from campaigns.published import runs_of, verify
from dl.errors import DlError

_LONGEST = 240.0
_HANGS = -99
_CODES = (0, 2, 3, 4, 7, 130)
"""130: OpenBLAS answers a thread that it does not get with a SIGINT of its own."""
CONFIG = """\
name: model
data: {source: csv, path: rows.csv, target: kind, split: {validation: 0.2, test: 0.2}}
model:
  layers:
    - {type: Dense, units: 4, activation: relu}
    - {type: Dense, units: 1, activation: sigmoid}
training: {loss: binary_crossentropy, optimizer: adam, batch_size: 16, epochs: 1}
engine: {compile: false}
"""
RUN = "model/0001"
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("list",),
    ("predict", RUN, "rows.csv"),
    ("train", "model.yaml"),
    ("evaluate", RUN),
    ("report", RUN),
)
CALLS = {
    "openat": ("EIO", "EMFILE"),
    "read": ("EIO",),
    "write": ("EIO", "ENOSPC"),
    "fsync": ("EIO",),
    "rename": ("EIO",),
    "mmap": ("ENOMEM",),
    "clone3": ("EAGAIN",),
    "connect": ("EIO",),
}
"""System calls, and with which errors they fail."""
_LINE = re.compile(r"(\d+) +(\w+)\((.*)")
_OF_HASHLIB = re.compile(
    r"ERROR:root:code for hash (\w+) was not found\.\nTraceback .*?unsupported hash type \1\n",
    re.DOTALL,
)
"""Python's `hashlib` tells so of an algorithm that it cannot open, such as blake2, and goes on
without it. It could be hushed only by loading `logging` at every start; `dl` uses SHA-256 alone."""
_SIGNALS = re.compile(r"cli/(?:__pycache__/)?process\.")
"""The module with which `dl` begins to answer signals: its source, or what was compiled of it."""


@dataclass(frozen=True, slots=True)
class Case:
    """The call of a command that fails."""

    command: tuple[str, ...]
    call: str
    error: str
    number: int

    def __str__(self) -> str:
        """Returns it as a failure names it."""
        return f"dl {' '.join(self.command)}, {self.call} {self.number}: {self.error}"


def campaign(
    seed: int, size: int, folder: Path, commands: tuple[tuple[str, ...], ...] = COMMANDS
) -> tuple[Counter[int], list[str]]:
    """Tries `size` cases in an empty folder; returns how often each code came, and failures."""
    _prepare(folder)
    chance = random.Random(seed)
    logs = {command: _calls(folder, command) for command in commands}
    codes: Counter[int] = Counter()
    failures = []
    for case in with_progress([_drawn(chance, logs) for _ in range(size)]):
        code, said = _tried(folder, case)
        codes[code] += 1
        failures += [f"{case}: {wrong}" for wrong in _judged(folder, code, said)]
    return codes, failures


def write_project(folder: Path) -> None:
    """Writes a table and a config."""
    chance = random.Random(1)
    rows = [(chance.random(), chance.random()) for _ in range(60)]
    lines = [f"{a:.4f},{b:.4f},{'yes' if a > b else 'no'}" for a, b in rows]
    (folder / "rows.csv").write_text("\n".join(["a,b,kind", *lines, ""]))
    (folder / "model.yaml").write_text(CONFIG)


def _prepare(folder: Path) -> None:
    write_project(folder)
    code, said = _run(folder, [], ("train", "model.yaml"))
    if code:
        raise SystemExit(f"the undisturbed training ended with {code}: {said}")
    (folder / "runs").rename(folder / "kept")


def _calls(folder: Path, command: tuple[str, ...]) -> dict[str, list[tuple[int, bool]]]:
    """Returns of each call of the main thread its numbers, and whether it touches the project."""
    log = folder / "calls.txt"
    code, said = _run(folder, ["-y", "-o", str(log), "-e", f"trace={','.join(CALLS)}"], command)
    if code:
        raise SystemExit(f"the undisturbed command ended with {code}: {said}")
    count: Counter[str] = Counter()
    found: dict[str, list[tuple[int, bool]]] = {}
    main, begun = "", False
    for line in log.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        main = main or match[1]
        if match[1] != main:
            continue
        count[match[2]] += 1
        begun = begun or _SIGNALS.search(match[3]) is not None
        if begun:
            arguments = re.sub(r"AT_FDCWD<[^>]*>", "", match[3])
            found.setdefault(match[2], []).append((count[match[2]], str(folder) in arguments))
    return found


def _drawn(
    chance: random.Random, logs: dict[tuple[str, ...], dict[str, list[tuple[int, bool]]]]
) -> Case:
    command = chance.choice(list(logs))
    call = chance.choice(sorted(logs[command]))
    numbers = logs[command][call]
    touching = [number for number in numbers if number[1]]
    if touching and chance.random() < 0.5:
        numbers = touching
    return Case(command, call, chance.choice(CALLS[call]), chance.choice(numbers)[0])


def _tried(folder: Path, case: Case) -> tuple[int, str]:
    inject = f"inject={case.call}:error={case.error}:when={case.number}"
    return _run(folder, ["-o", os.devnull, "-e", f"trace={case.call}", "-e", inject], case.command)


def _run(folder: Path, traced: list[str], command: tuple[str, ...]) -> tuple[int, str]:
    """Runs a command on runs as they were; returns its exit code and what it said on stderr."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    if (folder / "kept").is_dir():
        shutil.copytree(folder / "kept", folder / "runs")
    words = ["strace", "-f", "-qq", *traced] if traced else []
    process = subprocess.Popen(
        [*words, sys.executable, "-m", "dl", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=_LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return _HANGS, "did not end"
    return process.returncode, said


def _judged(folder: Path, code: int, said: str) -> list[str]:
    found = []
    said = _OF_HASHLIB.sub("", said)
    if code not in _CODES or "Traceback" in said or "bug in dl" in said:
        found.append(f"exit code {code}: {said[-1500:]}")
    elif (
        code not in (0, 130) and sum(line.startswith("error: ") for line in said.splitlines()) != 1
    ):
        found.append(f"exit code {code}, and not one error: {said[-1500:]}")
    for run in runs_of(folder / "runs", "model"):
        try:
            verify(run)
        except (DlError, KeyError) as error:
            found.append(f"{run.path}: {error}")
    first = folder / "runs" / RUN
    for path in sorted((folder / "kept" / RUN).rglob("*")):
        if path.is_file() and path.name not in ("report.html", "manifest.json"):
            now = first / path.relative_to(folder / "kept" / RUN)
            if not now.is_file() or now.read_bytes() != path.read_bytes():
                found.append(f"{now} has changed")
    return found


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 500)
    folder = Path(tempfile.mkdtemp(prefix="dl-failed-"))
    codes, failures = campaign(chosen.seed, chosen.size, folder)
    shutil.rmtree(folder)
    told = ", ".join(f"{count} with {code}" for code, count in sorted(codes.items()))
    report(f"failed_calls: {sum(codes.values())} commands ended, {told}", failures)


if __name__ == "__main__":
    main()
