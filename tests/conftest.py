"""What all tests share: running a command in this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import hypothesis  # noqa: F401  loaded late, it warns of what the import of `dl.train` has frozen
import pandas  # noqa: F401  pyarrow asks once whether it is there, and `dl.data` would hide it
import pytest
from selenium import webdriver

from dl.cli.main import run
from support.browser import open_browser
from support.drawing import Here, Nobody, drawn_by

# Under `nohup`, or in the background of a script, the tests would hand on to each command that they
# start that these signals are ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
# A developer may have a warm process, which would do their commands.
os.environ["DL_WARM"] = "0"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str


Dl = Callable[..., Outcome]


@pytest.fixture(scope="session", autouse=True)
def _undrawn() -> Iterator[None]:
    """Trainings in this process draw nothing and write no page, unless they are `drawn`."""
    with drawn_by(Nobody):
        yield


@pytest.fixture
def drawn() -> Iterator[None]:
    """Has pictures drawn and pages written, in this process."""
    with drawn_by(Here):
        yield


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A real browser; for tests that are marked with `needs_chromium`."""
    driver = open_browser(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def dl(capsys: pytest.CaptureFixture[str]) -> Dl:
    """Runs `dl` with the given arguments, as the command line would."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call
