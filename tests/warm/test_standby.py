"""A copy that stands by does the next command, or leaves it; if it is killed, nobody notices."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dl.variables import environment_of_child
from dl.warm import SUPPORTED
from dl.warm import children as children_of_commands
from support.warm import assert_gone, children, serve, standing_by, status, told

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SUPPORTED, reason="needs a system where processes can be copied"),
]
_TESTS = Path(__file__).parents[1]


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables with which commands find a warm process that has a copy stand by."""
    found = {**environment_of_child(), "XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(_TESTS)}
    del found["PYTHONSAFEPATH"], found["DL_WARM"]
    process = serve(found, how="rehearsed")
    yield found
    process.terminate()
    process.wait(10)


def train(variables: dict[str, str], folder: Path, act: str, **options: object) -> str:
    command = [sys.executable, "-m", "dl", "train", act]
    done = subprocess.run(  # type: ignore[call-overload]
        command, env=variables, cwd=folder, capture_output=True, text=True, timeout=60, **options
    )
    return str(done.stdout + done.stderr)


def test_it_does_the_next_command_and_another_one_takes_its_place(
    variables: dict[str, str], tmp_path: Path
) -> None:
    pids = []
    for _ in range(2):
        pids.append(standing_by(variables))
        assert train(variables, tmp_path, "tell") == "told\n"
        assert told(tmp_path)["pid"] == pids[-1]
    assert pids[0] != pids[1]


def test_it_leaves_a_command_of_other_limits_to_a_fresh_copy(
    variables: dict[str, str], tmp_path: Path
) -> None:
    standby = standing_by(variables)
    limits = (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    for change in (limit, lambda: os.nice(2)):
        assert train(variables, tmp_path, "tell", preexec_fn=change) == "told\n"
        assert told(tmp_path)["pid"] != standby
    assert status(variables)["standby"] == standby
    assert status(variables)["commands"] == 2


def test_a_part_begins_anew_where_what_was_made_for_it_was_killed(
    variables: dict[str, str], tmp_path: Path
) -> None:
    [spare] = children(standing_by(variables))
    os.kill(spare, signal.SIGKILL)
    assert train(variables, tmp_path, "part") == "['a'], begun anew: True\n"
    standing_by(variables)
    assert train(variables, tmp_path, "part") == "['a'], begun anew: False\n"


def test_nothing_stays_open_of_a_part_that_could_not_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(*_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(children_of_commands, "_spares", [killed])
    before = os.listdir("/proc/self/fd")
    child = children_of_commands.start("this", piped=True)
    assert (child.communicate(), child.returncode) == ((None, b""), 0)
    assert os.listdir("/proc/self/fd") == before


def test_a_command_is_done_where_it_was_killed(variables: dict[str, str], tmp_path: Path) -> None:
    standby = standing_by(variables)
    os.kill(standby, signal.SIGKILL)
    assert train(variables, tmp_path, "tell") == "told\n"
    assert told(tmp_path)["pid"] != standby
    assert standing_by(variables) != standby


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_the_warm_process(variables: dict[str, str], number: int) -> None:
    standby = standing_by(variables)
    left = {standby, *children(standby)}
    os.kill(status(variables)["pid"], number)
    assert_gone(left)


def test_there_is_none_where_it_cannot_rehearse(variables: dict[str, str], tmp_path: Path) -> None:
    own = {**variables, "XDG_RUNTIME_DIR": str(tmp_path / "own")}
    process = serve(own, how="failing")
    assert train(own, tmp_path, "tell") == "told\n"
    assert (status(own)["standby"], children(process.pid)) == (None, [])
    process.terminate()
    assert process.wait(10) == 0


def test_it_waits_at_rest_for_the_last_command(variables: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dl", "train", "wait"]
    running = subprocess.Popen(
        command, env=variables, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    pid = status(variables)["pid"]
    os.kill(pid, signal.SIGTERM)
    while any((tmp_path / "dl").iterdir()):  # it listens still
        time.sleep(0.01)
    before = processor_ticks(pid)
    time.sleep(0.5)
    taken = processor_ticks(pid) - before
    running.kill()
    running.communicate()
    assert taken < 12


def processor_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
