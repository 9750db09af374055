"""A command that a warm process does is as it would be without: streams, limits, signals, ends."""

from __future__ import annotations

import ctypes
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conftest import Dl
from dl.variables import environment_of_child
from dl.warm import COMMANDS, SUPPORTED, folder, open_folder, socket_name, surroundings
from dl.warm.client import ask
from support.warm import assert_gone, children, serve, standing_by, status, told

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SUPPORTED, reason="needs a system where processes can be copied"),
]
_COLD = "error: tell: there is no such file\n"
_TESTS = Path(__file__).parents[1]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module", params=["fresh", "rehearsed"])
def warm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The variables with which commands find the warm process of this module."""
    place = tmp_path_factory.mktemp("runtime")
    variables = {**environment_of_child(), "XDG_RUNTIME_DIR": str(place), "PYTHONPATH": str(_TESTS)}
    del variables["PYTHONSAFEPATH"], variables["DL_WARM"]
    process = serve(variables, how=request.param)
    if request.param == "rehearsed":
        variables["_WAIT"] = "1"
    yield variables
    process.terminate()
    assert process.wait(10) == 0
    assert not list((place / "dl").iterdir())


@pytest.fixture
def begin(warm: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts `dl train ACT` where the warm process is found."""
    commands: list[subprocess.Popen[str]] = []

    def started(*arguments: str, **options: Any) -> subprocess.Popen[str]:
        variables = {**warm, **options.pop("variables", {})}
        if "_WAIT" in variables:
            standing_by(warm)
        command = [sys.executable, "-m", "dl", "train", *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        streams = {"cwd": tmp_path, "stdin": subprocess.DEVNULL, **streams}
        commands.append(subprocess.Popen(command, env=variables, **streams))
        return commands[-1]

    yield started
    for each in commands:
        each.kill()
        each.communicate()


def begun(command: subprocess.Popen[str]) -> None:
    assert command.stdout is not None
    assert command.stdout.readline() == "begun\n"


def test_a_command_finds_what_it_was_called_with(begin: Start, tmp_path: Path) -> None:
    limits = (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

    def change() -> None:
        os.umask(0o027)
        os.nice(3)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    variables = {"NAME": "a\udcff", "TF_OTHER": "1", "COLUMNS": "71"}
    command = begin("tell", "--set", "a=ä", variables=variables, preexec_fn=change)
    assert command.communicate() == ("told\n", "")
    assert command.returncode == 0
    found = told(tmp_path)
    assert found["arguments"][1:] == ["train", "tell", "--set", "a=ä"]
    assert found["folder"] == str(tmp_path)
    assert (found["umask"], found["niceness"], found["files"]) == (
        0o027,
        os.nice(0) + 3,
        list(limits),
    )
    assert found["ignored"] is True
    assert found["terminal"] == [False, False, False]
    assert found["blocked"] == []
    environment = found["environment"]
    assert (environment["NAME"], environment["COLUMNS"]) == ("a\udcff", "71")
    assert "TF_OTHER" not in environment  # is taken away, as in any command
    assert found["pid"] != command.pid


def test_no_two_commands_draw_the_same_random_numbers(begin: Start, tmp_path: Path) -> None:
    drawn = []
    for _ in range(2):
        begin("tell").communicate()
        drawn.append(told(tmp_path)["random"])
    assert all(first != second for first, second in zip(*drawn, strict=True))


def test_a_closed_stream_and_a_terminal_stay_what_they_are(begin: Start, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = begin("tell", stdout=theirs, stderr=theirs, preexec_fn=lambda: os.close(0))
    assert command.wait(20) == 0
    assert os.read(ours, 100) == b"told\r\n"
    os.close(ours)
    os.close(theirs)
    assert told(tmp_path)["terminal"][1:] == [True, True]
    assert told(tmp_path)["missing"] == [True, False, False]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_is_passed_on(begin: Start, number: int, code: int) -> None:
    command = begin("wait")
    begun(command)
    command.send_signal(number)
    assert command.communicate(timeout=20) == ("", "interrupted\n")
    assert command.returncode == code


def test_a_stopped_command_stops_its_process(begin: Start) -> None:
    command = begin("answer", process_group=0)  # an orphaned group is not stopped
    begun(command)
    command.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(command.pid, os.WUNTRACED)
    assert os.WSTOPSIG(status) == signal.SIGTSTP
    command.send_signal(signal.SIGUSR1)
    time.sleep(0.05)
    assert command.poll() is None
    command.send_signal(signal.SIGCONT)
    assert command.wait(20) == 9


def test_a_command_dies_of_what_its_process_died_of(begin: Start) -> None:
    command = begin("die")
    assert command.communicate() == ("", "")
    assert command.returncode == -signal.SIGSEGV


def test_a_part_is_done_by_a_copy_of_the_copy(begin: Start) -> None:
    command = begin("part")
    assert command.communicate() == ("['a'], begun anew: False\n", "")
    assert command.returncode == 5


def test_nothing_is_left_of_a_command_that_is_killed(begin: Start, warm: dict[str, str]) -> None:
    command = begin("wait")
    begun(command)
    copies = set(children(status(warm)["pid"]))
    command.kill()
    command.communicate()
    assert_gone(copies)


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"LANG": "C.other"}, "the variable LANG"),
        ({"TF_NUM_INTEROP_THREADS": "1"}, "the variable TF_NUM_INTEROP_THREADS"),
        ({"PYTHONOPTIMIZE": "1"}, "the variable PYTHONOPTIMIZE"),
    ],
)
def test_a_command_with_other_variables_is_not_taken(
    begin: Start, warm: dict[str, str], variables: dict[str, str], why: str
) -> None:
    command = begin("tell", variables=variables)
    assert _COLD in command.communicate()[1]
    assert status({**warm, **variables})["cold"] == why


def test_a_command_that_is_confined_is_not_taken_whatever_it_says(
    begin: Start, warm: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def confine() -> None:
        ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS

    assert _COLD in begin("tell", preexec_fn=confine).communicate()[1]
    monkeypatch.setenv("XDG_RUNTIME_DIR", warm["XDG_RUNTIME_DIR"])
    forged = {**surroundings(), "the container": "another"}
    monkeypatch.setattr("dl.warm.client.surroundings", lambda: forged)
    answer = ask(None)
    assert answer is not None
    assert answer[1]["cold"] != "the container"  # what the system says counts


@pytest.mark.parametrize("variables", [{"DL_WARM": "0"}, {"XDG_RUNTIME_DIR": "/nowhere"}])
def test_a_command_starts_as_ever_where_it_is_not_to_be_warm(
    begin: Start, variables: dict[str, str]
) -> None:
    assert _COLD in begin("tell", variables=variables).communicate()[1]


def test_a_command_outlives_the_warm_process_and_tells_if_it_dies_too(
    warm: dict[str, str], begin: Start, tmp_path: Path
) -> None:
    own = {**warm, "XDG_RUNTIME_DIR": str(tmp_path)}
    own.pop("_WAIT", None)
    process = serve(own)
    command, other = begin("answer", variables=own), begin("wait", variables=own)
    begun(command)
    begun(other)
    copies = set(children(process.pid))
    process.kill()
    process.wait()
    command.send_signal(signal.SIGUSR1)
    command.communicate()
    assert command.returncode == 9
    for child in copies:  # the other one has ended, or is about to
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    assert other.communicate()[1] == (
        "error: the process that did this command was killed, and the warm process with it\n"
        "hint: what it had finished is kept; a training goes on with dl train --resume\n"
    )
    assert other.returncode == 137
    assert _COLD in begin("tell", variables=own).communicate()[1]


def test_it_ends_when_it_is_idle_and_when_a_file_changes(
    warm: dict[str, str], tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    for place in ("idle", "changed"):
        own = {**warm, "XDG_RUNTIME_DIR": str(tmp_path / place)}
        own["PYTHONPATH"] += os.pathsep + str(packages)
        process = serve(own, 0.05 if place == "idle" else 300)
        if place == "changed":
            (packages / "module.py").touch()
            assert status(own) is None
        assert process.wait(20) == 0
        assert not list((tmp_path / place / "dl").iterdir())


def test_a_second_one_takes_the_place_of_the_first(warm: dict[str, str], tmp_path: Path) -> None:
    own = {**warm, "XDG_RUNTIME_DIR": str(tmp_path)}
    first, second = serve(own), serve(own)
    assert status(own)["pid"] == second.pid
    for process in (second, first):
        process.terminate()
        assert process.wait(20) == 0


def test_the_socket_is_for_this_user_alone(
    monkeypatch: pytest.MonkeyPatch, warm: dict[str, str], tmp_path: Path
) -> None:
    place = Path(warm["XDG_RUNTIME_DIR"], "dl")
    assert place.stat().st_mode & 0o777 == 0o700
    assert (place / socket_name()).stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("XDG_RUNTIME_DIR", warm["XDG_RUNTIME_DIR"])
    assert ask(None) is not None
    for mode in (0o750, 0o701, 0o777):
        place.chmod(mode)
        assert ask(None) is None
    place.chmod(0o700)
    (place / socket_name()).chmod(0o666)
    assert ask(None) is None
    (place / socket_name()).chmod(0o600)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "dl").symlink_to(place)
    assert ask(None) is None
    assert folder() == str(tmp_path / "dl")
    assert "predict" not in COMMANDS


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
def test_another_user_is_refused_on_both_sides(
    monkeypatch: pytest.MonkeyPatch, warm: dict[str, str], tmp_path: Path
) -> None:
    place = Path(warm["XDG_RUNTIME_DIR"], "dl")
    script = (
        "import os, socket, sys; path = sys.argv[1]; there = os.open(os.path.dirname(path), 0)\n"
        "one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "os.setresuid(65534, 65534, 65534)\n"
        "one.connect(f'/proc/self/fd/{there}/' + os.path.basename(path)); print(one.recv(9))"
    )
    served = status(warm)["running"]
    place.chmod(0o777)
    (place / socket_name()).chmod(0o666)
    try:
        command = [sys.executable, "-c", script, str(place / socket_name())]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    finally:
        place.chmod(0o700)
        (place / socket_name()).chmod(0o600)
    assert (done.stdout, done.stderr) == ("b''\n", "")
    assert status(warm)["running"] == served

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    forged = tmp_path / "dl"
    forged.mkdir(mode=0o700)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(forged / socket_name()))
    (forged / socket_name()).chmod(0o600)
    os.setresuid(-1, 65534, -1)  # the listener's user is that of the moment
    listener.listen()
    os.setresuid(-1, 0, -1)
    assert ask(None) is None
    os.chown(forged, 65534, -1)
    with pytest.raises(PermissionError, match="is not for this user alone"):
        open_folder()
    listener.close()


@pytest.mark.parametrize(
    ("place", "reason", "own"),
    [
        ("open", "is not for this user alone (mode 0700)", True),
        ("link", "Not a directory", False),
        ("file", "File exists", False),
    ],
)
def test_a_folder_that_is_refused_is_told_with_what_to_do(
    dl: Dl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, reason: str, own: bool
) -> None:
    for name in ("open", "link", "file"):
        (tmp_path / name).mkdir()
    (tmp_path / "open/dl").mkdir()
    (tmp_path / "open/dl").chmod(0o777)
    (tmp_path / "link/dl").symlink_to(tmp_path / "open/dl")
    (tmp_path / "file/dl").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / place))
    found = tmp_path / place / "dl"
    hint = "for all commands, set XDG_RUNTIME_DIR to a folder of yours"
    if own:
        hint = f"make it one of yours alone: chmod 700 {found}"
    told = dl("warm", "-q")
    assert (told.code, told.err) == (7, f"error: {found}: {reason}\nhint: {hint}\n")
