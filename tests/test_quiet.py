"""What native libraries write to the standard error stream."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from dl.imports import quiet_stderr


def test_what_is_written_inside_is_swallowed(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"noise\n")
    os.write(2, b"after\n")

    assert capfd.readouterr().err == "after\n"


def test_what_is_written_inside_is_replayed_after_a_failure(
    capfd: pytest.CaptureFixture[str],
) -> None:
    @quiet_stderr()
    def failing() -> None:
        os.write(2, b"reason\n")
        raise ImportError

    with pytest.raises(ImportError):
        failing()

    assert capfd.readouterr().err == "reason\n"


def test_the_last_of_overlapping_blocks_ends_the_silence(
    capfd: pytest.CaptureFixture[str],
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def other() -> None:
        with quiet_stderr():
            begun.set()
            ended.wait()
            os.write(2, b"noise\n")

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait()
    with pytest.raises(ImportError), quiet_stderr(), quiet_stderr():
        raise ImportError
    ended.set()
    thread.join()
    os.write(2, b"after\n")

    assert capfd.readouterr().err == "noise\nafter\n"


def test_an_error_that_an_outer_block_handles_replays_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with quiet_stderr():
        os.write(2, b"noise\n")
        with suppress(ImportError), quiet_stderr():
            raise ImportError

    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_importing_and_compiling_says_nothing() -> None:
    code = (
        "import dl.model, tensorflow as tf\n"
        "print(tf.function(lambda x: x + 1, jit_compile=True)(tf.ones(2)).numpy().sum())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("4.0\n", "")
