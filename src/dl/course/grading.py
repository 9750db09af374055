"""Trains the answers of a class, each in a process of its own under limits, and keeps what came.

A process is a copy of this one, which has loaded Keras and read the data but computed nothing. It
ends with its answer: nothing that one leaves behind reaches the next. What is done is kept by the
content of exercise and answer, so that a grading that was stopped goes on.
"""

from __future__ import annotations

import gc
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

import dl
from dl.config.load import Loaded
from dl.config.nodes import ListNode, find, place
from dl.config.schema import document_of
from dl.course.checks import Outcome, answer_path, judge_answer, judge_config
from dl.course.exercise import FIRST, Check, Exercise, in_language, read_answer
from dl.course.measuring import Examiner
from dl.course.submissions import Submission, check_alone, safe_name
from dl.errors import BusyError, ConfigError, DlError, Mark, Problem, error_text, first_line
from dl.progress import SilentReporter
from dl.rundir.files import regular_descriptor, write_text
from dl.rundir.manifest import file_sha256
from dl.rundir.typed import MisfitError, parse_as
from dl.system import FORKS, NO_LINK, limit_process, lock_file
from dl.training.setup import use_threads

Status = Literal["graded", "refused", "slow", "memory", "failed"]
_OF_THE_MACHINE = ("failed", "memory")
"""What another grading may end otherwise: it is tried again."""
_SCRATCH = ".grading-"
"""How the folder is called in which answers are trained."""
_BYTES = 200_000_000
"""Bytes of the largest file that a training may write."""
_OUT_OF_MEMORY = "OOM when allocating"
"""What TensorFlow says where it gets no more memory."""
_PATIENCE = 10
"""How much longer than its processor time a training may take on a busy machine."""
_START = 30.0
"""Seconds beside that for its process to begin."""


@dataclass(frozen=True, slots=True)
class Graded:
    """What came of an answer.

    Attributes:
        name: The student.
        status: How it ended.
        problem: Why it is not graded, with line and hint; empty if it is.
        outcomes: Of each check.
        lines: The line of the answer that each check looks at, from 1; None where it has none.
        scores: Of each row of the last part how right the answer is; see `Facts`.
        config: What the answer says, but for names and formatting, as a checksum; empty if none.
        seconds: Of processor time.
    """

    name: str
    status: Status
    problem: str = ""
    outcomes: tuple[Outcome, ...] = ()
    lines: tuple[int | None, ...] = ()
    scores: tuple[float, ...] = ()
    config: str = ""
    seconds: float = 0.0


class Class:
    """Grades the answers of a class, and keeps the results in a folder, which it locks."""

    def __init__(self, exercise: Exercise, kept: Path, jobs: int) -> None:
        """Reads the data of the exercise.

        Raises:
            DlError: That cannot be done, or another grading has the folder.
        """
        self._exercise, self._kept, self._jobs = exercise, kept, jobs
        self._examiner = Examiner()
        data = self._read_data() if exercise.file.kind == "config" else ""
        rows = exercise.hidden_rows
        hidden = file_sha256(rows) if rows is not None and rows.is_file() else ""
        sums = (dl.__version__.encode(), exercise.text, data.encode(), hidden.encode())
        self._terms = _digest(*sums)
        kept.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(kept)

    def close(self) -> None:
        """Lets another grading have the folder."""
        os.close(self._lock)

    def _read_data(self) -> str:
        """Reads the data as the start of the exercise has it prepared, for all processes.

        Returns:
            Their checksum.

        Raises:
            ConfigError: The exercise gives no data, or wrong ones.
            DataError: They cannot be read.
        """
        exercise, source = self._exercise, str(self._exercise.path)
        if find(exercise.root, ("given", "data")) is None:
            raise ConfigError(
                "given has no section data, so each answer would choose its own rows",
                mark=Mark(source),
                hint="write the rows of the exercise below `given: {data: …}`",
            )
        text = in_language(exercise.file.start, FIRST).encode()
        try:
            start = exercise.config(Path("start.yaml"), text)
        except ConfigError as error:  # of the start itself: to mend it may be the task
            if any(problem.mark and problem.mark.source == source for problem in error.problems):
                raise
            return _digest(*(file_sha256(file).encode() for file in exercise.data_files()))
        return self._examiner.datasets.get(start, SilentReporter()).preprocessing.fingerprint

    def grade(
        self, submissions: Sequence[Submission], advance: Callable[[int], None]
    ) -> list[Graded]:
        """Returns what came of each answer, in their order."""
        done = {each.name: self._known(each) for each in submissions}
        waiting = deque(each for each in submissions if done[each.name] is None)
        advance(len(submissions) - len(waiting))
        gc.collect()
        gc.freeze()  # so that no process looks through, and copies, what it shares with the others
        working: list[_Worker] = []
        for left in self._kept.glob(f"{_SCRATCH}*"):  # of a grading that was killed
            shutil.rmtree(left, ignore_errors=True)
        scratch = tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=self._kept)
        try:
            while waiting or working:
                while waiting and len(working) < self._jobs:
                    arguments = (self._exercise, self._examiner, waiting.popleft())
                    working.append(_Worker(*arguments, Path(scratch.name), self._lock))
                for worker in _ended(working):
                    working.remove(worker)
                    result = worker.result()
                    done[result.name] = result
                    kept = asdict(_Kept(self._key(worker.submission), result))
                    write_text(self._file(worker.submission), json.dumps(kept) + "\n")
                    advance(1)
        finally:
            for worker in working:
                worker.kill()
            scratch.cleanup()
        return [result for result in done.values() if result is not None]

    def _file(self, submission: Submission) -> Path:
        return self._kept / f"{safe_name(submission.name)}.json"

    def _key(self, submission: Submission) -> str:
        return _digest(self._terms.encode(), submission.text or submission.problem.encode())

    def _known(self, submission: Submission) -> Graded | None:
        """Returns what an earlier grading of the same answer by the same exercise has kept."""
        if submission.text is None:
            return Graded(submission.name, "refused", f"{submission.path} {submission.problem}")
        try:
            kept = parse_as(_Kept, self._file(submission).read_bytes())
        except (OSError, MisfitError):  # nothing, or half of it: it is graded again
            return None
        again = kept.key != self._key(submission) or kept.result.status in _OF_THE_MACHINE
        return None if again else kept.result


def _locked(folder: Path) -> int:
    """Locks a folder of results, until what is returned is closed; raises `BusyError`."""
    handle = regular_descriptor(folder / ".lock", os.O_RDWR | os.O_CREAT | NO_LINK)
    try:
        lock_file(handle)
    except BlockingIOError as error:
        os.close(handle)
        raise BusyError(
            f"{folder.parent} is in use by another grading",
            hint="wait until it ends, or name another output with -o",
        ) from error
    except OSError:  # a file system without locks
        pass
    return handle


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of an answer, and what it is of."""

    key: str
    result: Graded


class _Worker:
    """A process that grades one answer."""

    def __init__(
        self,
        exercise: Exercise,
        examiner: Examiner,
        submission: Submission,
        scratch: Path,
        lock: int,
    ) -> None:
        context: Any = multiprocessing.get_context("fork" if FORKS else "spawn")
        self.submission, self._limits = submission, exercise.file.limits
        self.connection, theirs = context.Pipe(duplex=False)
        with warnings.catch_warnings():
            # The libraries' idle threads make Python 3.12 doubt the fork; none holds a lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            own = (examiner, lock) if FORKS else (Examiner(), None)
            arguments = (theirs, exercise, submission, scratch, *own)
            self._process = context.Process(target=_work, args=arguments)
            self._process.start()
        theirs.close()
        self._deadline = time.monotonic() + _PATIENCE * self._limits.seconds + _START

    @property
    def left(self) -> float:
        """Seconds that it may still take."""
        return self._deadline - time.monotonic()

    def result(self) -> Graded:
        """Returns its answer, or why it has none."""
        name, limits = self.submission.name, self._limits
        try:
            if self.connection.poll(0):
                return self.connection.recv()  # type: ignore[no-any-return]
            if self.left <= 0:
                return Graded(name, "failed", "did not end in time on a machine that is too busy")
        except (EOFError, OSError):
            pass
        finally:
            self.kill()
        if -(self._process.exitcode or 0) == getattr(signal, "SIGXCPU", None):
            said = f"took more than the {limits.seconds} s that the exercise allows"
            return Graded(name, "slow", said, seconds=limits.seconds)
        said = f"took more than the {limits.memory:,} MB that the exercise allows, or broke down"
        return Graded(name, "memory", said)

    def kill(self) -> None:
        """Ends its process, if it has not ended."""
        self._process.join(0.5 if self.left > 0 and not self.connection.closed else 0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


def _ended(working: Sequence[_Worker]) -> list[_Worker]:
    """Waits until a process has said something, has died, or has had its time."""
    soonest = max(0.0, min(worker.left for worker in working))
    spoke = wait([worker.connection for worker in working], soonest)
    return [each for each in working if each.connection in spoke or each.left <= 0]


def _work(
    connection: Connection,
    exercise: Exercise,
    submission: Submission,
    scratch: Path,
    examiner: Examiner,
    lock: int | None,
) -> None:
    """Grades an answer; the main function of its process."""
    if lock is not None:
        os.close(lock)  # it goes with the grading, which may be killed before this process ends
    for number in (signal.SIGINT, signal.SIGTERM):  # the command ends it
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
    limits = exercise.file.limits
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    limit_process(limits.seconds, limits.memory * 1e6, _BYTES)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        try:
            result = _graded(exercise, examiner, submission, Path(folder))
        except MemoryError:
            said = f"took more than the {limits.memory:,} MB that the exercise allows"
            result = Graded(submission.name, "memory", said)
    connection.send(replace(result, seconds=round(time.process_time(), 2)))
    connection.close()


def _graded(exercise: Exercise, examiner: Examiner, submission: Submission, folder: Path) -> Graded:
    name, text = submission.name, submission.text or b""
    path = Path(submission.path.name)
    try:
        if exercise.file.kind == "numbers":
            answer = read_answer(path, text)
            outcomes = tuple(judge_answer(exercise, answer))
            marks = [find(answer, answer_path(check.subject)) for check in exercise.file.checks]
            lines = tuple(None if node is None else node.mark.line for node in marks)
            return Graded(name, "graded", outcomes=outcomes, lines=lines)
        check_alone(path, text)
        use_threads(1)
        loaded = _unnamed(exercise, exercise.config(path, text))
        _, facts = examiner.examine(
            loaded, folder, SilentReporter(), hidden_rows=exercise.hidden_rows
        )
    except DlError as error:
        if _OUT_OF_MEMORY in error_text(error):
            raise MemoryError from error
        status: Status = "refused" if isinstance(error, ConfigError) else "failed"
        return Graded(name, status, _own(error_text(error), exercise))
    except MemoryError:
        raise
    except Exception as error:  # one answer costs no other its mark
        if _OUT_OF_MEMORY in str(error):
            raise MemoryError from error
        problem = Problem(
            f"its training ended with {type(error).__name__}", found=first_line(error)
        )
        return Graded(name, "failed", error_text(DlError.of([problem])))
    return Graded(
        name,
        "graded",
        outcomes=tuple(judge_config(exercise, facts)),
        lines=tuple(_line(loaded, check) for check in exercise.file.checks),
        scores=facts.scores,
        config=said_by(loaded),
    )


def _unnamed(exercise: Exercise, loaded: Loaded) -> Loaded:
    """Returns a config without the names of its layers, unless it needs them.

    Where a layer begins depends on its name: nobody is to gain by trying names.
    """
    layers = find(loaded.root, ("model", "layers"))
    named = [
        f"model.layers.{place}.name=null"
        for place, layer in enumerate(layers.items if isinstance(layers, ListNode) else ())
        if find(layer, ("name",)) is not None
    ]
    try:
        return exercise.config(loaded.path, loaded.text, named)
    except ConfigError:
        return loaded


def _own(text: str, exercise: Exercise) -> str:
    """Returns a message without the folder of the exercise, which is the teacher's."""
    return text.replace(f"{exercise.path.resolve().parent}{os.sep}", "").replace(
        str(exercise.path), exercise.path.name
    )


def _line(loaded: Loaded, check: Check) -> int | None:
    """Returns the line of the answer that a check of its config looks at, as near as there is."""
    if check.config is None:
        return None
    parts: list[str | int] = []
    for part in check.config.split("."):
        index = int(part) if part.lstrip("-").isdigit() else part
        if part == "*" or (isinstance(index, int) and index < 0):
            break
        parts.append(index)
    mark = place(loaded.root, tuple(parts))
    return mark.line if mark.source == str(loaded.path) else None


def said_by(loaded: Loaded) -> str:
    """Returns a checksum of what a config says, whatever it calls itself and its layers."""
    document = document_of(loaded.config)
    del document["name"]
    return _digest(json.dumps(_nameless(document), sort_keys=True, default=str).encode())


def _nameless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nameless(item) for key, item in value.items() if key != "name"}
    return [_nameless(item) for item in value] if isinstance(value, list | tuple) else value


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
