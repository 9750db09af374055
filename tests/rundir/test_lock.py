"""One process at a time works on a run, and a dead one holds nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dl.errors import BusyError, DiskError, ExitCode
from dl.rundir.directory import RunDirectory
from dl.rundir.files import is_held, locked

_HOLD = """
import sys, time
from pathlib import Path
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
with locked(RunDirectory(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    path = tmp_path / "digits" / "0001"
    path.mkdir(parents=True)
    return RunDirectory(path)


def test_a_lock_is_held_in_its_block_only(run: RunDirectory) -> None:
    with locked(run):
        assert is_held(run)
    assert not is_held(run)


def test_a_second_holder_is_told_who_holds_it(run: RunDirectory) -> None:
    with locked(run), pytest.raises(BusyError) as caught, locked(run):
        pass
    assert caught.value.exit_code == ExitCode.BUSY
    assert str(caught.value) == (
        f"digits/0001 is in use by process {os.getpid()} on {socket.gethostname()}"
    )


@pytest.mark.slow
def test_a_killed_process_leaves_no_lock(run: RunDirectory) -> None:
    command = [sys.executable, "-c", _HOLD, str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=f"in use by process {child.pid} on"), locked(run):
            pass
        child.send_signal(signal.SIGKILL)
    with locked(run):
        assert is_held(run)


def test_a_pipe_in_the_place_of_the_lock_is_not_waited_for(run: RunDirectory) -> None:
    os.mkfifo(run.lock)

    assert is_held(run)
    with pytest.raises(DiskError, match="it is not a regular file"), locked(run):
        pass
