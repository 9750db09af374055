"""Commands are done warm while one of their processes is killed at random moments.

`python -m campaigns.warm --seed 1 --size 200` kills one of them with SIGKILL in the course of a
training: `warm` (the process that is copied), `copy` (what does the work), `command` (what waits),
the first two at once, `standby` (the copy that is there before the command, around the moment in
which it is offered it) or `spare` (what will draw for that). Then: a command ends with 0 and the
bytes of a cold training, or with 137 and its reason; nothing that worked for it is left after 10
seconds; and the next command is done. Every fifth case is a training of another config, cold and by
a copy that stands by, whose files must be the same bytes.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from campaigns.command import options, report, with_progress
from dl.cli.warm import found_warm
from dl.rundir.directory import RunDirectory
from dl.rundir.record import read_record

DL = (sys.executable, "-m", "dl")
CONFIG = """\
data: {{source: builtin, dataset: iris, split: {{validation: 0.2, test: 0.2}}}}
preprocess: {{numeric: standardize}}
model:
  layers: {layers}
training: {{loss: sparse_categorical_crossentropy, optimizer: {optimizer}, epochs: {epochs}}}
"""
LAYERS = (
    "[{type: Dense, units: 8, activation: relu}, {type: Dense, units: 3, activation: softmax}]",
    "[{type: Dense, units: 5}, {type: Dropout, rate: 0.3}, {type: Dense, units: 3, "
    "activation: softmax}]",
    "[BatchNormalization, {type: GaussianNoise, stddev: 0.2}, {type: Dense, units: 3, "
    "activation: softmax}]",
)
OPTIMIZERS = ("sgd", "adam", "{type: SGD, momentum: 0.9}", "rmsprop", "nadam")
VICTIMS = ("warm", "copy", "command", "warm and copy", "standby", "spare")
WITH_THE_COMMAND = ("standby", "spare")
"""They are killed in its first moments, the others at any time of it."""
SAME = ("model.h5", "metrics.json", "resolved.yaml", "preprocess.json", "predictions.npz")
_LONGEST = 120.0
_LEFT = 10.0
_GONE = "error: the process that did this command was killed, and the warm process with it\n"


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 200)
    with tempfile.TemporaryDirectory() as folder:
        failures = campaign(chosen.seed, chosen.size, Path(folder))
    report(f"warm: {chosen.size} cases", failures)


def campaign(seed: int, size: int, folder: Path) -> list[str]:
    """Returns what broke."""
    draw = random.Random(seed)
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    os.chdir(folder)
    whole = _train("whole", CONFIG.format(layers=LAYERS[0], optimizer="adam", epochs=3), cold=True)
    failures = []
    for case in with_progress(range(size)):
        subprocess.run([*DL, "warm", "-q"], stdout=subprocess.DEVNULL, check=True)
        if case % 5 == 0:
            problems = _same_bytes(draw, case)
        else:
            victim = draw.choice(VICTIMS)
            _wait_for_standby(draw.choice((0.0, 0.5, _LEFT)))
            most = 0.4 if victim in WITH_THE_COMMAND else 2.0
            problems = _kill(victim, draw.uniform(0, most), whole, case)
        failures += [f"case {case}: {problem}" for problem in problems]
    subprocess.run([*DL, "warm", "--stop"], stdout=subprocess.DEVNULL, check=True)
    return failures


def _train(name: str, config: str, *, cold: bool = False) -> RunDirectory:
    Path(f"{name}.yaml").write_text(config)
    _begin(name, cold=cold).communicate(timeout=_LONGEST)
    return RunDirectory(Path("runs", name, "0001").resolve())


def _begin(name: str, *, cold: bool = False) -> subprocess.Popen[str]:
    command = [*DL, "train", f"{name}.yaml", "-q"]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    environment = {**os.environ, "DL_WARM": "01"[not cold]}
    return subprocess.Popen(command, env=environment, text=True, **streams)


def _same_bytes(draw: random.Random, case: int) -> list[str]:
    config = CONFIG.format(
        layers=draw.choice(LAYERS), optimizer=draw.choice(OPTIMIZERS), epochs=draw.randint(1, 30)
    )
    cold = _train(f"cold{case}", config, cold=True)
    standby = _wait_for_standby(_LONGEST)
    warm = _train(f"warm{case}", config)
    problems = [] if read_record(warm).process.pid == standby else ["another process did it"]
    return problems + _differences(cold, warm, named=False)


def _wait_for_standby(seconds: float) -> int | None:
    """Waits so long at most; returns its number."""
    deadline = time.monotonic() + seconds
    standby = None
    while standby is None and time.monotonic() < deadline:
        found = found_warm()
        standby = found and found["standby"]
    return standby


def _differences(one: RunDirectory, other: RunDirectory, *, named: bool = True) -> list[str]:
    """Returns what is not the same in two runs; their names are in one of the files."""
    names = SAME if named else [name for name in SAME if name != "resolved.yaml"]
    files = [(one.path / name, other.path / name) for name in names if (one.path / name).exists()]
    problems = [
        f"{second} is not {first}"
        for first, second in files
        if not second.exists() or first.read_bytes() != second.read_bytes()
    ]
    histories = [
        [line.rpartition(",")[0] for line in run.history.read_text().splitlines()]
        for run in (one, other)
        if run.history.exists()
    ]
    return problems + ["another history"] * (len(histories) != 2 or histories[0] != histories[1])


def _kill(victim: str, seconds: float, whole: RunDirectory, case: int) -> list[str]:
    found = found_warm()
    if found is None:
        return ["there is no warm process"]
    name = f"killed{case}"
    Path(f"{name}.yaml").write_text(Path("whole.yaml").read_text())
    waiting = descendants(int(found["pid"]))
    command = _begin(name)
    time.sleep(seconds)
    copies = list(dict.fromkeys([*waiting, *descendants(int(found["pid"]))]))
    killed = {
        "warm": [found["pid"]],
        "copy": copies[:1],
        "command": [command.pid],
        "warm and copy": [found["pid"], *copies[:1]],
        "standby": waiting[:1],
        "spare": waiting[1:2],
    }
    for pid in killed[victim]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    said = command.communicate(timeout=_LONGEST)[1]
    problems = [f"{victim} after {seconds:.2f} s: {each}" for each in _left(copies)]
    run = RunDirectory(Path("runs", name, "0001").resolve())
    if command.returncode == 0:
        problems += _differences(whole, run, named=False)
    elif victim in ("warm", "spare") or command.returncode not in (137, -signal.SIGKILL):
        problems.append(f"{victim} after {seconds:.2f} s: code {command.returncode}: {said}")
    elif command.returncode == 137 and _GONE not in said:
        problems.append(f"{victim} after {seconds:.2f} s: it does not say why it ended: {said}")
    return problems


def descendants(pid: int) -> list[int]:
    """Returns the processes that a process has started, and theirs."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [each for child in map(int, listed) for each in (child, *descendants(child))]


def _left(pids: list[int]) -> list[str]:
    """Returns which processes are there still after a while, but for what stands by."""
    deadline = time.monotonic() + _LEFT
    while time.monotonic() < deadline:
        found = found_warm()
        standby = found and found["standby"]
        staying = [] if standby is None else [standby, *descendants(standby)]
        if not (left := [pid for pid in pids if _is_there(pid) and pid not in staying]):
            return []
        time.sleep(0.05)
    return [f"process {pid} is left" for pid in left]


def _is_there(pid: int) -> bool:
    try:
        return b"dl.cli.warm" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    main()
