"""A training is killed before and after its n-th write, fsync and rename, or that one fails.

`python -m campaigns.crash_at_every_write --size 0` takes n = 1, 2, … up to the last; another size
takes so many of all cases, drawn by the seed. After each the published files must verify, and
the run that is gone on with must end as the one that was never disturbed: the same bytes of
`model.h5`, optimizer, callbacks, metrics and history. A call that fails with a full disk must give
exit code 7.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns.command import options, report, with_progress
from campaigns.training import Small, kill
from dl.errors import ExitCode

EPOCHS = 2
MODES = ("killed before", "killed after", "half done and killed", "fails")
_KILLED = -9


@dataclass(frozen=True, slots=True)
class Case:
    """What happens at which of the calls that write."""

    mode: str
    number: int

    def __str__(self) -> str:
        return f"call {self.number} {self.mode}"


class Fault:
    """Stands before each call that writes, counts, and strikes at one."""

    def __init__(self, case: Case | None, log: Path | None = None) -> None:
        self._case = case
        self._log = log
        self._calls = 0

    def install(self) -> None:
        """Puts itself before the calls, in this process."""
        os.fsync = self._before(os.fsync, "fsync")
        os.replace = self._before(os.replace, "replace")
        os.rename = self._before(os.rename, "rename")
        Path.write_bytes = self._before(Path.write_bytes, "write")  # type: ignore[method-assign]

    def _before(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def struck(*arguments: Any, **named: Any) -> Any:
            self._calls += 1
            self._note(name)
            if self._case is None or self._calls != self._case.number:
                return call(*arguments, **named)
            return self._strike(self._case.mode, call, arguments, named)

        return struck

    def _strike(
        self, mode: str, call: Callable[..., Any], arguments: Any, named: dict[str, Any]
    ) -> Any:
        if mode == "killed before":
            kill()
        if mode == "fails":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if mode == "half done and killed" and len(arguments) == 2 and type(arguments[1]) is bytes:
            arguments = (arguments[0], arguments[1][: len(arguments[1]) // 2])
        result = call(*arguments, **named)
        kill()
        return result

    def _note(self, name: str) -> None:
        if self._log is not None:
            with self._log.open("a") as log:
                log.write(f"{name}\n")


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 0)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.seed, chosen.size, Path(folder))
    report(f"crash_at_every_write: {tried}", failures)


def campaign(seed: int, size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    small = Small(folder, EPOCHS, eager=True)
    calls = _calls(small, folder)
    cases = [Case(mode, number) for number in range(1, len(calls) + 1) for mode in MODES]
    cases = [case for case in cases if not _is_twice(case, calls)]
    if size:
        cases = random.Random(seed).sample(cases, size)
    failures = [failure for case in with_progress(cases) for failure in _try(small, folder, case)]
    return f"{len(cases)} cases at {len(calls)} calls", failures


def _calls(small: Small, folder: Path) -> list[str]:
    """Returns the names of the calls that write, in a whole training."""
    log = folder / "calls.txt"
    small.wait(small.begin(folder / "counted", Fault(None, log).install))
    return log.read_text().split()


def _is_twice(case: Case, calls: list[str]) -> bool:
    """Tells whether a case is the same as another: only a write can be half done."""
    return case.mode == "half done and killed" and calls[case.number - 1] != "write"


def _try(small: Small, folder: Path, case: Case) -> Iterator[str]:
    root = folder / "disturbed"
    shutil.rmtree(root, ignore_errors=True)
    code = small.wait(small.begin(root, Fault(case).install))
    expected = ExitCode.DISK if case.mode == "fails" else _KILLED
    if code != expected:
        yield f"{case}: exit code {code}, expected {expected}"
    yield from (f"{case}: {problem}" for problem in small.problems(root))
    yield from (f"{case}: {problem}" for problem in small.ended(root))


if __name__ == "__main__":
    main()
