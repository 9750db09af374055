"""Grades a made-up class, hostile answers among it, and kills the grading at random moments.

python -m campaigns.grading [--seed 1] [--size 200] [--kills 6]

A grading that nobody disturbs is timed. Then it is killed by SIGKILL and begun again until it ends:
the table of marks must be the same, but for seconds. Hostile answers must have no mark, be named
as what they are, and leave nothing outside of the folder of the results; what each student is told
must say nothing of the hidden checks.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import indent

EXERCISE = """\
name: digits
title: Digits on a budget
task: Recognise at least 92% of the digits, with at most 3,000 parameters.
marks: 20
ranking: 4
late: 0.5
given:
  data: {source: builtin, dataset: digits, split: {validation: 0.1, test: 0.2}}
limits: {seconds: 20, memory: 1500}
checks:
  - {measure: validation.accuracy, at_least: 0.92, beyond_chance: true, miss: Look at the pixels.}
  - {measure: parameters, at_most: 3000, miss: Fewer units.}
  - {measure: test.accuracy, at_least: 0.92, points: 2, hidden: true, miss: HIDDEN-WORDS}
hints: [Bring the pixels between 0 and 1.]
"""
ANSWER = """\
preprocess: {{numeric: {numeric}}}
model:
  layers:
    - {{type: Dense, units: {units}, activation: {activation}}}
    - {{type: Dense, units: 10, activation: softmax}}
training:
  loss: sparse_categorical_crossentropy
  optimizer: {{type: {optimizer}, learning_rate: {rate}}}
  metrics: [accuracy]
  batch_size: {batch}
  epochs: {epochs}
"""
GOOD = ANSWER.format(
    numeric="minmax",
    units=32,
    activation="relu",
    optimizer="adam",
    rate=0.01,
    batch=32,
    epochs=15,
)
_WIDE = "[{type: Dense, units: 12000}, {type: Dense, units: 12000}, {type: Dense, units: 10}]"
_BOMB = "".join(
    f"{name}: &{name} [{', '.join([f'*{before}' if before else 'x'] * 9)}]\n"
    for before, name in zip(["", *"abcdefgh"], "abcdefghi", strict=True)
)
HOSTILE: Mapping[str, tuple[str, Callable[[Path], object] | str]] = {
    "reads-outside": ("graded", f"data: {{source: csv, path: /etc/passwd, target: x}}\n{GOOD}"),
    "path-in-its-name": ("graded", f"name: ../../../escaped\n{GOOD}"),
    "extends": ("refused", f"extends: ../exercise.yaml\n{GOOD}"),
    "extends-itself": ("refused", f"extends: extends-itself.yaml\n{GOOD}"),
    "begins-from": ("refused", GOOD.replace("model:", "model:\n  start: {from: /etc/passwd}")),
    "vectors": ("refused", GOOD.replace("units: 32", "from: /etc/passwd, units: 32")),
    "downloads": (
        "refused",
        GOOD.replace("type: Dense, units: 32, activation: relu", "ResNet50: 1"),
    ),
    "base": ("refused", GOOD.replace("{type: Dense, units: 32, activation: relu}", "ResNet50")),
    "writes": (
        "refused",
        f"{GOOD}  callbacks: [{{type: ModelCheckpoint, filepath: ../../escaped.keras}}]\n",
    ),
    "tracks": ("refused", f"{GOOD}tracking: {{mlflow: {{uri: 'http://localhost:1'}}}}\n"),
    "bomb": ("refused", _BOMB),
    "not-yaml": ("refused", ": : :\n"),
    "binary": ("refused", "\x00\x01\x02"),
    "deep": ("refused", "a: " + "[" * 5000),
    "huge-layer": ("refused", GOOD.replace("units: 32", "units: 2000000000")),
    "memory": (
        "memory",
        re.sub(r"layers:\n.*\n.*\n", f"layers: {_WIDE}\n", GOOD).replace(
            "10}]", "10, activation: softmax}]"
        ),
    ),
    "endless": ("slow", GOOD.replace("epochs: 15", "epochs: 100000")),
    "a-link": ("refused", lambda path: path.symlink_to("/etc/passwd")),
    "a-pipe": ("refused", lambda path: os.mkfifo(path)),
    "large": ("refused", "# " + "x" * 2_000_000),
    "=HYPERLINK()": ("graded", GOOD),
}
"""What each hostile answer must end as, and its text or what makes it."""


def main() -> None:
    """Runs the campaign and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--size", type=int, default=200, help="submissions")
    parser.add_argument("--kills", type=int, default=6, help="how often it is killed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, chosen = Path(name), random.Random(options.seed)
        hand_in(folder, options.size, chosen)
        before = outside(folder)
        began = time.monotonic()
        start(folder, "whole").wait()
        seconds = time.monotonic() - began
        rows = table(folder / "whole.csv")
        states = dict(Counter(row["status"] for row in rows.values()))
        processor = sum(float(row["seconds"]) for row in rows.values())
        print(
            f"{len(rows)} submissions in {seconds:.0f} s of the clock, "
            f"load {os.getloadavg()[0]:.1f}; trainings took {processor:.0f} s of processors"
        )
        print(f"they ended as {states}")
        problems = wrong(folder, rows, before)
        kills = killed(folder, options.kills, seconds, chosen) if options.kills else 0
        if kills and without_seconds(table(folder / "killed.csv")) != without_seconds(rows):
            problems.append("the marks after the kills are others")
        print(f"killed {kills} times; problems: {problems or 'none'}")
        if problems:
            raise SystemExit(1)


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def hand_in(folder: Path, size: int, chosen: random.Random) -> None:
    """Writes the exercise and the submissions: hostile, late, equal and various ones."""
    (folder / "exercise.yaml").write_text(EXERCISE + "start: |\n" + indent(GOOD, "  "))
    submissions = folder / "submissions"
    submissions.mkdir()
    for name, (_, made) in HOSTILE.items():
        path = submissions / f"{name}.yaml"
        path.write_text(made) if isinstance(made, str) else made(path)
    for number in range(size - len(HOSTILE)):
        text = GOOD
        if number % 10:  # every tenth says the same
            text = ANSWER.format(
                numeric=chosen.choice(["minmax", "standardize", "none"]),
                units=chosen.choice([8, 16, 24, 32, 64]),
                activation=chosen.choice(["relu", "tanh", "sigmoid"]),
                optimizer=chosen.choice(["adam", "SGD", "RMSprop"]),
                rate=chosen.choice([0.001, 0.01, 0.1]),
                batch=chosen.choice([16, 32, 64]),
                epochs=chosen.choice([5, 10, 15]),
            )
        if number % 20 == 0:
            text = f"# mine\nname: own-{number}\n{text}"
        path = submissions / f"student-{number:03d}.yaml"
        path.write_text(text)
        if number % 25 == 24:
            os.utime(path, (2e9, 2e9))


def start(folder: Path, out: str) -> subprocess.Popen[bytes]:
    """Begins the grading."""
    command = [sys.executable, "-m", "dl", "grade", "exercise.yaml", "submissions", "-q"]
    options = ["-o", f"{out}.csv", "--deadline", "2030-01-01T00:00"]
    return subprocess.Popen([*command, *options], cwd=folder, stdout=subprocess.DEVNULL)


def table(path: Path) -> dict[str, dict[str, str]]:
    """Returns the rows of a table of marks by name."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


def without_seconds(rows: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Returns the rows without what no two gradings have alike."""
    return {
        name: {key: value for key, value in row.items() if key != "seconds"}
        for name, row in rows.items()
    }


def outside(folder: Path) -> set[str]:
    """Returns what lies in and around the folder, but for the results."""
    return {
        p.name for place in (folder, folder.parent, folder / "submissions") for p in place.iterdir()
    }


def wrong(folder: Path, rows: Mapping[str, Mapping[str, str]], before: set[str]) -> list[str]:
    """Returns what is not as promised."""
    found = [
        f"{name} is {row['status']}, not {wanted}"
        for name, (wanted, _) in HOSTILE.items()
        if (row := rows[f"'{name}" if name.startswith("=") else name])["status"] != wanted
    ]
    escaped = [name for name in outside(folder) - before if "escaped" in name or "grade" in name]
    found += [f"{name} was left outside" for name in escaped]
    for path in (folder / "whole" / "feedback").iterdir():
        text = path.read_text(encoding="utf-8")
        if any(word in text for word in ("HIDDEN", "test.accuracy", "root:")):
            found.append(f"{path.name} tells what is hidden")
    return found


def killed(folder: Path, times: int, seconds: float, chosen: random.Random) -> int:
    """Kills the grading at random moments until it ends; returns how often."""
    for kills in range(times):
        process = start(folder, "killed")
        try:
            process.wait(chosen.uniform(0.05, 0.5) * seconds)
            return kills
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
    start(folder, "killed").wait()
    return times


if __name__ == "__main__":
    main()
