"""What a system lacks is done another way, or not at all; nothing of it stops a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dl import system
from dl.errors import BusyError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import Process, is_held, locked
from dl.rundir.notes import change_tags

CONFIG = """\
data: {source: builtin, dataset: iris}
model: {layers: [{type: Dense, units: 3, activation: softmax}]}
training: {loss: sparse_categorical_crossentropy, epochs: 1}
"""
BARE = """\
import asyncio, multiprocessing.connection, subprocess, tempfile, threading
import mmap, os, signal, sys
for module in ("fcntl", "resource"):
    sys.modules[module] = None
for name in ("sched_getaffinity", "O_NONBLOCK", "O_CLOEXEC", "O_NOFOLLOW", "O_DIRECTORY", "getuid",
             "nice", "memfd_create", "setsid", "fork", "pwrite"):
    delattr(os, name)
for name in ("SIGHUP", "SIGALRM", "setitimer", "pthread_sigmask"):
    delattr(signal, name)
del mmap.MADV_DONTNEED
sys.modules["msvcrt"] = type(sys)("msvcrt")
vars(sys.modules["msvcrt"]).update(LK_LOCK=1, LK_NBLCK=2, locking=lambda *arguments: None)
from dl import system
system._PROC = type(system._PROC)("/nowhere")
from dl.cli.main import main
main()
"""
"""Takes away what POSIX or Linux have beside Windows, then runs the command line."""


class Msvcrt:
    """Locks of Windows, as far as they are used: a byte is locked once, whoever asks."""

    LK_LOCK, LK_NBLCK = 1, 2

    def __init__(self) -> None:
        self.locked: set[int] = set()

    def locking(self, handle: int, mode: int, size: int) -> None:
        """Locks bytes of a file; the files are told apart by their inodes."""
        file = os.fstat(handle).st_ino
        if file in self.locked:
            raise PermissionError(13, "locked")
        assert (os.lseek(handle, 0, os.SEEK_CUR), size) == (system._FAR, 1)
        self.locked.add(file)


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_PROC", Path("/nowhere"))


@pytest.fixture
def msvcrt(monkeypatch: pytest.MonkeyPatch) -> Msvcrt:
    """Has a system without `fcntl`."""
    made = Msvcrt()
    monkeypatch.setattr(system, "_fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", made)  # type: ignore[arg-type]
    return made


def test_all_processors_count_where_those_of_a_process_are_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert system.processors() == os.cpu_count()


@pytest.mark.usefixtures("without_proc")
def test_without_proc_all_memory_is_available() -> None:
    assert system.available_memory() == system.physical_memory() > 1e6


@pytest.mark.usefixtures("without_proc")
def test_memory_has_no_limit_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sysconf")
    assert system.available_memory() == float("inf")


@pytest.mark.usefixtures("without_proc")
@pytest.mark.parametrize(("platform", "unit"), [("linux", 1e3), ("darwin", 1e6)])
def test_without_proc_the_most_memory_counts(
    monkeypatch: pytest.MonkeyPatch, platform: str, unit: float
) -> None:
    usage = SimpleNamespace(
        RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=5 * unit)
    )
    monkeypatch.setattr(system, "_resource", usage)
    monkeypatch.setattr(sys, "platform", platform)
    assert system.process_memory() == 5.0


@pytest.mark.usefixtures("without_proc")
def test_the_memory_of_a_process_is_unknown_without_a_way_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system, "_resource", None)
    assert system.process_memory() == 0.0


@pytest.mark.usefixtures("without_proc")
def test_without_proc_a_process_is_known_by_its_number_alone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert Process.current().started == 0
    assert Process.current().is_alive()
    assert not Process(Process.current().host, ended.pid, 0).is_alive()


def test_on_windows_nobody_is_asked_whether_he_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, number: int) -> None:
        raise AssertionError("on Windows this would be a Ctrl-C")

    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(os, "kill", kill)
    assert system.is_running(1)


@pytest.mark.usefixtures("msvcrt")
def test_a_run_is_locked_without_flock(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with locked(run):
        assert is_held(run)
        with pytest.raises(BusyError, match="in use by process"), locked(run):
            raise AssertionError("it is locked")


def test_tags_change_where_folders_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_DIRECTORY")
    assert change_tags(RunDirectory(tmp_path), lambda tags: tags | {"best"}) == ["best"]


def test_windows_brings_files_to_the_disk_and_leaves_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Path, int]] = []
    plain, file = os.open, tmp_path / "file"
    file.touch()

    def opening(path: Path, flags: int) -> int:
        opened.append((path, flags))
        return plain(path, flags)

    monkeypatch.setattr(os, "open", opening)
    monkeypatch.setattr(os, "name", "nt")
    system.sync(tmp_path)
    system.sync(file)
    assert opened == [(file, os.O_RDWR)]


def test_folders_without_an_owner_are_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "getuid")
    monkeypatch.setenv("USERNAME", "ada")
    assert system.is_own(tmp_path)
    assert system.user_name() == "ada"


def bare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command where the system has nothing that is not everywhere."""
    command = [sys.executable, "-c", BARE, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_commands_work_where_the_system_has_nothing_special(tmp_path: Path) -> None:
    (tmp_path / "iris.yaml").write_text(CONFIG, encoding="utf-8")
    for arguments in (
        ("validate", "iris.yaml"),
        ("train", "iris.yaml", "-q"),
        ("tag", "iris", "best"),
        ("list",),
        ("predict", "iris", "--split", "test", "-o", "rows.csv"),
    ):
        done = bare(tmp_path, *arguments)
        assert done.returncode == 0, (arguments, done.stderr)


@pytest.mark.slow
def test_a_sweep_is_refused_where_its_processes_cannot_share_a_socket(tmp_path: Path) -> None:
    (tmp_path / "iris.yaml").write_text(CONFIG, encoding="utf-8")
    done = bare(tmp_path, "sweep", "iris.yaml", "--grid", "seed=1,2")
    assert done.returncode == 2
    assert "run dl in WSL 2" in done.stderr


@pytest.mark.slow
def test_a_sweep_runs_where_processes_cannot_be_copied(tmp_path: Path) -> None:
    (tmp_path / "iris.yaml").write_text(CONFIG, encoding="utf-8")
    site = tmp_path / "site"
    site.mkdir()
    no_fork = "import dl.system\ndl.system.FORKS = False\n"
    (site / "sitecustomize.py").write_text(no_fork, encoding="utf-8")
    command = [sys.executable, "-m", "dl", "sweep", "iris.yaml", "--grid", "seed=1,2", "-q"]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL)
    board = (tmp_path / "runs/iris-sweep/0001/leaderboard.csv").read_text(encoding="utf-8")
    assert board.count(",completed,") == 2
