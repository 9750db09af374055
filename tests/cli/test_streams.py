"""What becomes of a command whose streams are closed, full or unread."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dl.cli.main import _exit_code
from dl.cli.process import unfailing

_FULL = "error: reading or writing failed: No space left on device\n"


def test_a_message_that_cannot_be_written_ends_nothing() -> None:
    with unfailing(os.open("/dev/full", os.O_WRONLY), "utf-8") as stream:
        assert stream.write("lost\n") == 5
        stream.flush()


def test_a_message_to_a_reader_that_does_not_read_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with unfailing(writing, "utf-8") as stream:
        assert stream.write("x" * 1_000_000 + "\n") == 1_000_001
    os.close(reading)


def test_a_stream_without_unicode_gets_plain_signs(tmp_path: Path) -> None:
    path = tmp_path / "told"
    with unfailing(os.open(path, os.O_WRONLY | os.O_CREAT), "ascii") as stream:
        stream.write("✓ 64 numbers → 10 classes · \u00fc…\n")
    assert path.read_text() == "+ 64 numbers -> 10 classes - \\xfc~\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "code", "err"),
    [
        ('exec "$@" >&-', 0, ""),
        ('exec "$@" <&- >&- 2>&-', 0, ""),
        ('exec "$@" >/dev/full', 7, _FULL),
        ('exec "$@" >/dev/full 2>/dev/full', 7, ""),
        ('exec "$@" > >(exec true)', 0, ""),
        ('PYTHONIOENCODING=ascii PYTHONWARNINGS=error exec "$@"', 0, ""),
    ],
)
def test_streams_that_are_closed_or_full_give_the_right_code(
    tmp_path: Path, shell: str, code: int, err: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", shell, "bash", sys.executable, "-P", "-m", "dl", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, err)


def test_a_removed_folder_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gone").mkdir()
    with contextlib.chdir(tmp_path / "gone"):
        (tmp_path / "gone").rmdir()
        code = _exit_code(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    assert (code, capsys.readouterr().err) == (
        7,
        "error: the current folder has been removed\nhint: change to a folder that is there: cd\n",
    )


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("can't start new thread"),
        ImportError("libx.so: failed to map segment from shared object"),
        ImportError("libx.so: cannot open shared object file: Cannot allocate memory"),
    ],
)
def test_a_limit_of_the_system_is_told_of(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    code = _exit_code(error)

    assert (code, capsys.readouterr().err) == (
        7,
        "error: the system gives no more memory or threads\n"
        "hint: see what this process may use: ulimit -a\n",
    )
