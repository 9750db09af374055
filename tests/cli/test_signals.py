"""A signal ends a command at the next moment that is no import, and once only."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from dl.cli import process
from dl.cli.process import STOPPING, Stopped, stop_requests, stopping_at_once
from dl.imports import importing, is_importing

_SLOW_MODULE = """
import os, signal, time
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(0.1)
whole = True
"""


def _wait() -> None:
    time.sleep(5)
    raise AssertionError("nothing was raised")


@stopping_at_once()
def _stopped(number: signal.Signals, cleaning: float = 0.0) -> None:
    try:
        os.kill(os.getpid(), number)
        _wait()
    finally:
        time.sleep(cleaning)


@stopping_at_once()
def _importing(name: str = "slow_module") -> None:
    importlib.import_module(name)
    _wait()


class _Deleted:
    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)


@stopping_at_once()
def _deleting() -> None:
    made = _Deleted()
    del made
    _wait()


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_raises_in_the_main_thread(number: signal.Signals) -> None:
    with pytest.raises(Stopped) as caught:
        _stopped(number)
    assert caught.value.number == number


@stopping_at_once()
def test_a_training_that_has_begun_is_asked_to_stop() -> None:
    with stop_requests(once_asked=True) as request:
        assert request() is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert request() == signal.SIGTERM


@stopping_at_once()
def test_a_training_that_prepares_itself_is_stopped_at_once() -> None:
    with pytest.raises(Stopped), stop_requests(once_asked=True) as request:
        os.kill(os.getpid(), signal.SIGTERM if request else 0)


def test_a_signal_in_an_import_raises_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_module.py").write_text(_SLOW_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(Stopped):
        _importing()

    assert sys.modules["slow_module"].whole


def test_an_import_that_takes_long_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(process, "_LONGEST_IMPORT", 0.0)
    monkeypatch.setattr(os, "_exit", ended.append)
    (tmp_path / "longer_module.py").write_text(_SLOW_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(Stopped):
        _importing("longer_module")

    assert ended[0] == 143


def test_an_import_in_a_thread_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "module_of_a_thread.py").write_text("import time\ntime.sleep(0.5)\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(KeyboardInterrupt), importing("module_of_a_thread") as load:
        raise KeyboardInterrupt
    assert is_importing()
    load()


def test_a_signal_that_python_throws_away_is_raised_again() -> None:
    with pytest.raises(Stopped):
        _deleting()


def test_a_command_that_hangs_while_it_cleans_up_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(process, "_LONGEST", 0.05)
    monkeypatch.setattr(os, "_exit", ended.append)

    with pytest.raises(Stopped):
        _stopped(signal.SIGHUP, cleaning=0.2)

    assert ended[0] == 129


def test_nothing_stays_behind() -> None:
    before = [signal.getsignal(number) for number in (*STOPPING, signal.SIGALRM)]
    with pytest.raises(Stopped):
        _stopped(signal.SIGINT)
    assert [signal.getsignal(number) for number in (*STOPPING, signal.SIGALRM)] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
