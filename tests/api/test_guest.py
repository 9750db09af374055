"""What `dl` leaves of a process that is not its own: everything as it was."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

_UNCHANGED = """
import gc, json, os, signal, sys, threading, warnings
import absl.logging, keras, tensorflow, sklearn.base, pandas  # what these change is not of dl
keras.config.set_dtype_policy("mixed_float16")
def state():
    return {
        "environment": dict(os.environ), "finders": [str(finder) for finder in sys.meta_path],
        "filters": list(map(str, warnings.filters)), "frozen": gc.get_freeze_count(),
        "collecting": gc.isenabled(), "path": list(sys.path), "hooks": str(sys.unraisablehook),
        "signals": [str(signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM)],
        "logging": [absl.logging.get_verbosity(), tensorflow.get_logger().level],
        "policy": keras.config.dtype_policy().name,
        "interactive": keras.config.is_interactive_logging_enabled(),
        "threads": threading.active_count(), "folder": os.getcwd(),
    }
before = state()
import dl
imported = state()
first = dl.train("fruit.yaml")
keras.layers.Dense(3)
second = dl.train("fruit.yaml")
third = []
thread = threading.Thread(target=lambda: third.append(dl.train("fruit.yaml")))
thread.start()
thread.join()
first.predict("fruit.csv"), first.evaluate(), first.model, first.history
after = state()
changed = [key for key in before if not before[key] == imported[key] == after[key]]
print(json.dumps([changed, [str(run.path) for run in (first, second, *third)]]))
"""
_INTERRUPTED = """
import os, signal, threading, time
import dl
def interrupt():
    while not list(__import__("pathlib").Path("runs").glob("fruit/0001/checkpoint/*")):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    dl.train("fruit.yaml", {"training.epochs": 100000})
except KeyboardInterrupt as error:
    print(error)
run = dl.load("fruit")
print(run.status, len(run.history) == run.record.epochs > 0)
print(len(dl.resume(run, run.record.epochs + 1).history) == run.record.epochs)
"""
_SETTINGS = """
import keras, dl
keras.config.set_floatx("float64")
try:
    dl.train("fruit.yaml")
except dl.UsageError as error:
    print(error, error.problems[0].hint)
"""


def guest(script: str, folder: Path) -> str:
    """Runs a script as a user would, and returns what it prints."""
    environment = {key: value for key, value in os.environ.items() if key != "DL_PROCESS"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_of_the_process_changes_and_the_bits_are_those_of_the_command(folder: Path) -> None:
    command = [sys.executable, "-m", "dl", "train", "fruit.yaml", "-q", "--name", "own"]
    subprocess.run(command, check=True, capture_output=True)

    changed, runs = json.loads(guest(_UNCHANGED, folder))

    assert changed == []
    sums = {hashlib.sha256((folder / run / "model.h5").read_bytes()).hexdigest() for run in runs}
    own = folder / "runs" / "own" / "0001"
    assert sums == {hashlib.sha256((own / "model.h5").read_bytes()).hexdigest()}
    assert len(runs) == 3


def test_ctrl_c_keeps_what_was_finished(folder: Path) -> None:
    told, state, longer = guest(_INTERRUPTED, folder).splitlines()

    assert told.startswith("interrupted after ")
    assert told.endswith("; resume it: dl train --resume fruit/0001")
    assert state == "interrupted True"
    assert longer == "True"


def test_another_floatx_of_the_host_is_refused(folder: Path) -> None:
    assert guest(_SETTINGS, folder) == (
        "Keras' floatx is float64 in this process keras.config.set_floatx('float32')\n"
    )
