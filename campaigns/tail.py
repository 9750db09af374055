"""`dl train` is disturbed after it has shown its result: nothing is lost, and what lacks is made.

`python -m campaigns.tail --seed 1 --size 200` trains so often. Between the result and the end, the
process that trains, the one that draws, or both are killed by SIGKILL at a random moment; or one of
the two is killed before, after or in the middle of its n-th write, fsync or rename, or that call
says that the disk is full (`--size 0`: all of these calls). At once, `list`, `show`, `report`,
`evaluate` and `predict` must answer as for a run that nobody disturbed, and no file be torn; then
`train --resume` must make what is missing.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from campaigns.command import options, report, with_progress
from campaigns.crash_at_every_write import MODES, Case, Fault
from campaigns.failed_calls import RUN, write_project
from campaigns.published import verify
from campaigns.warm import descendants
from dl.cli.main import run as dl
from dl.cli.process import stopping_at_once
from dl.errors import DlError, ExitCode
from dl.rundir.directory import RunDirectory
from dl.rundir.files import TEMPORARY
from dl.warm.children import copy_from_now_on
from dl.warm.server import load

TRAINS, DRAWS = ("dl.app.training", "_finish"), ("dl.report.process", "main")
"""What each of the processes does once there is a result, and the drawing one all the time."""
_WHO = {TRAINS: "trains", DRAWS: "draws"}
_TRAIN = ("train", "model.yaml", "-q")
_ANSWERS = {
    "evaluate": ("evaluate", RUN, "--json"),
    "predict": ("predict", RUN, "rows.csv", "-o", "answers.csv"),
    "show": ("show", RUN),
    "report": ("report", RUN, "-o", "page.html"),
    "report there": ("report", RUN),
    "list": ("list", "--json"),
}
_REMADE = ("model.h5", "metrics.json", "preprocess.json", "model.tflite", "outputs.npz", "plots/*")


@dataclass(frozen=True, slots=True)
class Moment:
    """Who is killed, and after which share of the time between the result and the end."""

    who: str
    share: float

    def __str__(self) -> str:
        return f"what {self.who} killed after {self.share:.0%}"


@dataclass(frozen=True, slots=True)
class Call:
    """Whose call that writes is struck."""

    who: tuple[str, str]
    case: Case

    def __str__(self) -> str:
        return f"what {_WHO[self.who]}: {self.case}"


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 200)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.seed, chosen.size, Path(folder))
    report(f"tail: {tried}", failures)


def campaign(seed: int, size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    load()
    os.chdir(folder)
    write_project(folder)
    chance = random.Random(seed)
    seconds = _whole()
    shutil.copytree("runs", "whole")
    for name in ("evaluate", "predict"):
        _answer(name)
    shutil.copy("answers.csv", "whole.csv")
    shutil.copy("out.txt", "whole.txt")
    calls = [Call(who, case) for who in _WHO for case in _calls(who)]
    moments = [
        Moment(chance.choice(("trains", "draws", "trains and what draws")), chance.random())
        for _ in range((size + 1) // 2)
    ]
    chosen = chance.sample(calls, min(size // 2, len(calls))) if size else calls
    failures = [
        f"{case}: {problem}"
        for case in with_progress([*moments, *chosen])
        for problem in _try(case, seconds)
    ]
    return f"{len(moments)} moments, {len(chosen)} of {len(calls)} calls", failures


def _whole() -> float:
    """Trains undisturbed; returns the seconds from the result on."""
    pid, out = _begin(_TRAIN)
    _read_result(out)
    started = time.monotonic()
    if _code(pid, out):
        raise SystemExit(f"the undisturbed training failed: {Path('err.txt').read_text()}")
    return time.monotonic() - started


def _answer(name: str) -> int:
    """Gives a command that looks at the run, and keeps what evaluate says; returns its code."""
    pid, out = _begin(_ANSWERS[name])
    if name == "evaluate":
        Path("out.txt").write_bytes(os.read(out, 1 << 16))
    return _code(pid, out)


def _calls(who: tuple[str, str]) -> Iterator[Case]:
    shutil.rmtree("runs")
    log = Path("calls.txt").absolute()
    _code(*_begin(_TRAIN, _striking(who, Fault(None, log))))
    for number, call in enumerate(log.read_text().split(), 1):
        yield from (Case(m, number) for m in MODES if call == "write" or m != MODES[2])
    log.unlink()


def _striking(who: tuple[str, str], fault: Fault) -> Callable[[], None]:
    """Returns what puts a fault in front of all that a process writes from its part on."""

    def install() -> None:
        module = importlib.import_module(who[0])
        part = getattr(module, who[1])

        def struck(*arguments: object) -> object:
            fault.install()
            return part(*arguments)

        setattr(module, who[1], struck)

    return install


def _begin(command: tuple[str, ...], prepare: Callable[[], None] = lambda: None) -> tuple[int, int]:
    """Begins a command in a copy of this process; returns its pid, and its output to read."""
    out, into = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = int(ExitCode.BUG)
        try:
            os.setpgrp()
            os.dup2(into, 1)
            os.dup2(os.open("err.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
            copy_from_now_on()
            prepare()
            with stopping_at_once():
                code = dl(list(command))
            sys.stdout.flush()
        finally:
            os._exit(code)
    os.close(into)
    return pid, out


def _read_result(out: int) -> None:
    """Returns when the last line of a training, the folder of its run, was written."""
    said = b""
    while not said.endswith(f"runs/{RUN}\n".encode()) and (more := os.read(out, 1 << 16)):
        said += more


def _code(pid: int, out: int) -> int:
    while os.read(out, 1 << 16):
        pass
    os.close(out)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _try(case: Moment | Call, seconds: float) -> Iterator[str]:
    shutil.rmtree("runs", ignore_errors=True)
    Path("err.txt").write_text("")
    if isinstance(case, Call):
        code = _code(*_begin(_TRAIN, _striking(case.who, Fault(case.case))))
        expected = {0, 7} if case.case.mode == "fails" else {0} if case.who == DRAWS else {-9}
    else:
        code, expected = _killed(case, seconds), {0, -9}
    if code not in expected:
        yield f"exit code {code}"
    if "Traceback" in (said := Path("err.txt").read_text()):
        yield f"a trace: {said[-1500:]}"
    # A page of the user's own, where only the training was killed: the pictures are all drawn.
    there = isinstance(case, Call) and case.who == TRAINS and case.case.mode != "fails"
    other = "report" if there else "report there"
    yield from _differences([name for name in _ANSWERS if name != other])


def _killed(case: Moment, seconds: float) -> int:
    pid, out = _begin(_TRAIN)
    _read_result(out)
    time.sleep(case.share * seconds)
    drawing = descendants(pid) if "draws" in case.who else []
    for each in [*([pid] if "trains" in case.who else []), *drawing]:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    return _code(pid, out)


def _differences(answers: list[str]) -> Iterator[str]:
    """Says what is other than of a run that nobody disturbed."""
    run, whole = RunDirectory(Path("runs", RUN)), RunDirectory(Path("whole", RUN))
    yield from _torn(run)
    for name in answers:
        if code := _answer(name):
            yield f"dl {name} ends with {code}: {Path('err.txt').read_text()[-800:]}"
    for answer, before in (("answers.csv", "whole.csv"), ("out.txt", "whole.txt")):
        if _rounded(answer) != _rounded(before):  # the lite copy answers in other last digits
            yield f"another {answer}: {Path(answer).read_text()[:800]}"
    yield from _torn(run)
    if code := _code(*_begin(("train", "--resume", RUN, "-q"))):
        yield f"dl train --resume ends with {code}: {Path('err.txt').read_text()[-800:]}"
    yield from _torn(run)
    if (status := json.loads(run.record.read_text())["status"]) != "completed":
        yield f"the run is {status} in the end"
    names = {str(path.relative_to(whole.path)) for path in whole.path.rglob("*")}
    there = {str(path.relative_to(run.path)) for path in run.path.rglob("*")}
    if names != there:
        yield f"missing: {sorted(names - there)}; too many: {sorted(there - names)}"
    for path in (path for name in _REMADE for path in whole.path.glob(name)):
        other = run.path / path.relative_to(whole.path)
        if other.is_file() and other.read_bytes() != path.read_bytes():
            yield f"another {other}"


def _rounded(file: str) -> str:
    text = Path(file).read_text()
    return re.sub(r"\d\.\d{4,}", lambda found: f"{float(found[0]):.3f}", text)


def _torn(run: RunDirectory) -> Iterator[str]:
    """Says which files are there that are not whole."""
    try:
        verify(run)
    except (DlError, KeyError) as error:
        yield f"not what was published: {error}"
    for path in run.path.rglob("*"):
        if not path.is_file() or path.name.startswith(TEMPORARY):
            continue
        if path.suffix == ".html" and not path.read_text().rstrip().endswith("</html>"):
            yield f"{path} is torn"
        kept = Path("whole", path.relative_to("runs"))
        if path.suffix == ".png" and path.read_bytes() != kept.read_bytes():
            yield f"{path} is torn"


if __name__ == "__main__":
    main()
