"""Every command in odd surroundings: streams, folders and locales, and signals at odd moments.

Each command is a process of its own. It must end, soon, without a traceback and with an exit code
that says what happened: where only its messages are lost, with the one it has elsewhere; where its
result cannot be written, with 7; after a signal with 128 and the signal's number, or with its
result.
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
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dl
from campaigns.command import options, report, with_progress
from campaigns.hostile_files import prepare
from dl.cli.process import STOPPING

_LONGEST = 180.0
_HANGS = -99
_FRAME = re.compile(rf'File "{re.escape(str(Path(dl.__file__).parent))}/(\S+)", line \d+, in (\S+)')
_FIRST_FILES = ("__init__.py", "variables.py")
_LATEST_SIGNAL = 9.0
"""Seconds after which most commands have ended."""
RUN = "model/0001"
_SWEEP = ("sweep", "model.yaml", "--grid", "training.epochs=1,2", "--set", "training.batch_size=16")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("--help",),
    ("--version",),
    ("schema",),
    ("completion", "bash"),
    ("init", "rows.csv", "--target", "kind"),
    ("init", "--example", "digits"),
    ("validate", "model.yaml"),
    ("validate", "model.yaml", "--build"),
    ("lint", "model.yaml"),
    ("list",),
    ("show", RUN),
    ("show", RUN, "--json"),
    ("summary", RUN),
    ("diagnose", RUN),
    ("compare", RUN, RUN),
    ("report", RUN),
    ("tag", RUN, "best"),
    ("rm", RUN, "--yes"),
    ("prune", "--keep", "1", "--yes"),
    ("trace", RUN),
    ("evaluate", RUN),
    ("predict", RUN, "rows.csv"),
    ("predict", RUN, "-"),
    ("reproduce", RUN),
    ("train", "model.yaml"),
    ("train", "model.yaml", "--dry-run"),
    ("train", "--resume", RUN, "--epochs", "2"),
    _SWEEP,
    (*_SWEEP, "--dry-run"),
)


@dataclass(frozen=True, slots=True)
class State:
    """Surroundings of a command.

    Attributes:
        shell: What a shell does, before it becomes the command, `"$@"`.
        environment: Variables; None for one that is not set.
        codes: Exit codes beside the usual one.
    """

    shell: str = 'exec "$@"'
    environment: dict[str, str | None] = field(default_factory=dict)
    codes: tuple[int, ...] = ()


STATES: dict[str, State] = {
    "as usual": State(),
    "stdout closed": State('exec "$@" >&-'),
    "stderr closed": State('exec "$@" 2>&-'),
    "stdin closed": State('exec "$@" <&-', codes=(3,)),
    "all closed": State('exec "$@" <&- >&- 2>&-', codes=(3,)),
    "stdout full": State('exec "$@" >/dev/full', codes=(7,)),
    "stderr full": State('exec "$@" 2>/dev/full'),
    "both full": State('exec "$@" >/dev/full 2>&1', codes=(7,)),
    "stdout unread": State('exec "$@" > >(exec true)', codes=()),
    "stderr unread": State('exec "$@" 2> >(exec true)', codes=()),
    "no temporary folder named": State(environment={"TMPDIR": "/nowhere"}),
    "temporary folder is a file": State(environment={"TMPDIR": "/etc/passwd"}),
    "no home": State(environment={"HOME": None, "XDG_CONFIG_HOME": None}),
    "home that is not there": State(environment={"HOME": "/nowhere"}),
    "home that is a file": State(environment={"HOME": "/dev/null"}),
    "folder removed": State(
        'mkdir gone && cd gone && rmdir ../gone; exec "$@"', codes=(2, 3, 4, 7)
    ),
    "ascii streams": State(environment={"PYTHONIOENCODING": "ascii"}),
    "locale C": State(environment={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    "locale that is not there": State(environment={"LC_ALL": "xx_YY.ISO-8859-99"}),
    "no terminal width": State(environment={"COLUMNS": "0", "LINES": "x", "TERM": ""}),
    "few files": State('ulimit -n 40; exec "$@"', codes=(3, 7)),
    "files of 1 kB": State('ulimit -f 1; exec "$@"', codes=(7,)),
    "optimized": State(environment={"PYTHONOPTIMIZE": "2"}),
    "warnings are errors": State(environment={"PYTHONWARNINGS": "error"}),
}
MOUNTED = {
    "nothing can be written": "mount -o bind,ro / / && mount -t tmpfs -o ro none /dev/shm && "
    "for each in /tmp /var/tmp; do mount -o bind,ro $each $each; done",
    "no /dev/shm": "mount -t tmpfs -o ro,size=4k none /dev/shm",
}
"""States that need a name space of their own, and what is mounted there."""
_UNSHARE = ["unshare", "--map-root-user", "--mount", "bash", "-c"]

Commands = Sequence[tuple[str, ...]]
Case = tuple[str, tuple[str, ...], float]


def cases(commands: Commands = COMMANDS) -> Iterator[Case]:
    """Yields a name of surroundings, a command, and for signals the moment."""
    for command in commands:
        for name in (*STATES, *MOUNTED):
            yield name, command, 0.0


def signalled(chance: random.Random, commands: Commands = COMMANDS) -> Case:
    """Returns a signal, a command, and a moment: half of them in the first second."""
    latest = chance.choice([1.0, _LATEST_SIGNAL])
    return chance.choice(STOPPING).name, chance.choice(commands), chance.uniform(0.03, latest)


def campaign(
    seed: int, size: int, folder: Path, commands: Commands = COMMANDS
) -> tuple[Counter[int], list[str]]:
    """Tries `size` cases in an empty folder, half of them signals.

    Returns:
        How often each exit code came, and what broke.
    """
    prepare(folder, [])
    (folder / "runs").rename(folder / "kept")
    chance = random.Random(seed)
    listed = list(cases(commands))
    drawn = chance.sample(listed, min(size - size // 2, len(listed)))
    drawn += [signalled(chance, commands) for _ in range(size // 2)]
    usual: dict[tuple[str, ...], int] = {}
    codes: Counter[int] = Counter()
    failures = []
    for name, command, moment in with_progress(drawn):
        if command not in usual:
            usual[command] = tried(folder, "as usual", command, 0.0)[0]
        code, said = tried(folder, name, command, moment)
        codes[code] += 1
        if wrong := _judged(name, command, usual[command], code, said):
            failures.append(f"{' '.join(command)}, {name} {moment:.2f}: {wrong}")
    return codes, failures


def tried(folder: Path, name: str, command: tuple[str, ...], moment: float) -> tuple[int, str]:
    """Runs a command in its surroundings; returns its exit code and what stderr got."""
    with _renewed(folder) as errors:
        state = STATES.get(name, State())
        environment = {**os.environ, **state.environment, "PYTHONPATH": ""}
        program = [sys.executable, "-m", "dl", *command]
        words = ["bash", "-c", f"exec 2>{errors}; {state.shell}", "bash", *program]
        if name in MOUNTED:
            words = [
                *_UNSHARE,
                f'exec 2>{errors}; {MOUNTED[name]}; cd "$PWD"; exec "$@"',
                "bash",
                *program,
            ]
        process = subprocess.Popen(
            words,
            cwd=folder,
            env={key: value for key, value in environment.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            if moment:
                time.sleep(moment)
                process.send_signal(signal.Signals[name])
            process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return _HANGS, "did not end"
        return process.returncode, errors.read_text(errors="replace")


@contextmanager
def _renewed(folder: Path) -> Iterator[Path]:
    """Gives runs as they were, and a file for stderr outside of what may become read-only."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    shutil.copytree(folder / "kept", folder / "runs")
    with tempfile.TemporaryDirectory(prefix="dl-said-") as said:
        yield Path(said) / "stderr"


def _is_before_dl(said: str) -> bool:
    """Tells whether Python itself answered a SIGINT: before `main` of `dl` began."""
    frames = [
        (file, where)
        for file, where in _FRAME.findall(said)
        if file not in _FIRST_FILES and (file, where) != ("__main__.py", "<module>")
    ]
    return ("KeyboardInterrupt" in said or "init_import_site" in said) and not frames


def _judged(name: str, command: tuple[str, ...], usual: int, code: int, said: str) -> str | None:
    if name == "SIGINT" and _is_before_dl(said):
        return None
    if "Traceback" in said or "Exception ignored" in said or "bug in dl" in said:
        return f"{code}: {said[-1500:]}"
    allowed = {usual, *STATES.get(name, State()).codes}
    if name in MOUNTED:
        allowed.add(7)
    if name in signal.Signals.__members__:
        number = signal.Signals[name]
        # Before Python runs the first line of `dl`, a signal ends the process by itself.
        allowed |= {128 + number, -number}
    return None if code in allowed else f"exit code {code}, not {sorted(allowed)}: {said[-800:]}"


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 1_500)
    folder = Path(tempfile.mkdtemp(prefix="dl-surroundings-"))
    codes, failures = campaign(chosen.seed, chosen.size, folder)
    shutil.rmtree(folder)
    report(f"{sum(codes.values())} odd surroundings, {dict(sorted(codes.items()))}", failures)


if __name__ == "__main__":
    main()
