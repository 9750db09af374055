"""Which environment variables act on a result, and what becomes of them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Dl
from dl.variables import HARMLESS, RECORDED, recorded, settle, unheeded
from e2e.conftest import Project

_NAME = re.compile(rb"(?<![A-Z0-9_])(?:TF|TF2|XLA|ONEDNN|DNNL|TFRT|PJRT)_[A-Z0-9_]{4,}\0")
_ODD = {
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "1",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
    "OMP_NUM_THREADS": "1",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "PYTHONWARNINGS": "error",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL": "TREAT_INFER_AS_ALLOW",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_SET_ONEDNN_FPMATH_MODE": "BF16",
    "TF_USE_LEGACY_KERAS": "1",
}
"""Variables that would change a training, or end it."""

_TRAIN = """
import json, sys
from dl.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def test_variables_of_libraries_are_taken_away_but_for_those_in_the_tables() -> None:
    kept = dict.fromkeys((*RECORDED, *HARMLESS), "1")
    environment = {**_ODD, **kept, "HOME": "/home/somebody"}

    settle(environment)

    assert _ODD.keys() & environment.keys() == {"KERAS_BACKEND"}
    assert environment["KERAS_BACKEND"] == "tensorflow"
    assert environment.items() >= {**kept, "HOME": "/home/somebody"}.items()
    assert recorded(environment) == dict.fromkeys(sorted(RECORDED), "1")


def test_no_variable_of_tensorflow_stays_that_is_in_no_table() -> None:
    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None
    assert spec.origin is not None
    binary = Path(spec.origin).parent / "libtensorflow_framework.so.2"
    names = {match.group()[:-1].decode() for match in _NAME.finditer(binary.read_bytes())}
    environment = dict.fromkeys(names, "1")

    settle(environment)

    assert "TF_DETERMINISTIC_OPS" in names
    assert environment.keys() & names <= RECORDED.keys() | HARMLESS.keys()


def test_a_variable_that_nothing_heeds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dl.variables._unheeded", [])

    settle({"TF_DETERMINISTIC_OPS": "1", "KERAS_BACKEND": "jax", "TF_VAR_x": "", "PATH": "/bin"})

    assert unheeded() == ["KERAS_BACKEND", "TF_DETERMINISTIC_OPS"]


_IMPORTING = """
import importlib, os, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as notebooks do
from dl.variables import settle, unheeded
settle(os.environ)
print(unheeded())
"""


@pytest.mark.slow
def test_a_variable_that_a_library_sets_is_not_named() -> None:
    libraries = ["sklearn", "matplotlib.pyplot", "pyarrow", "scipy", "tensorflow", "keras", "h5py"]
    libraries += ["ray", "mlflow"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    ended = subprocess.run(
        [sys.executable, "-c", _IMPORTING, *libraries],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout == "[]\n"


def _train(project: Project, runs: Path, *more: str, **environment: str) -> Path:
    arguments = ["train", str(project.config), "--runs", str(runs), "-q", *more]
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return runs / "fruit" / "0001"


@pytest.mark.slow
def test_odd_variables_and_settings_of_keras_change_no_bit(
    project: Project, tmp_path: Path
) -> None:
    home = tmp_path / "home" / ".keras"
    home.mkdir(parents=True)
    odd = {"floatx": "float64", "image_data_format": "channels_first", "epsilon": 0.1}
    (home / "keras.json").write_text(json.dumps(odd))

    run = _train(project, tmp_path, HOME=str(home.parent), **_ODD)

    assert (run / "model.h5").read_bytes() == (project.run / "model.h5").read_bytes()


@pytest.mark.slow
def test_no_file_of_keras_is_read_or_written(project: Project, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keras.json")

    run = _train(project, tmp_path, KERAS_HOME=str(tmp_path))

    assert (run / "model.h5").read_bytes() == (project.run / "model.h5").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"fruit", "keras.json"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECORDED if name != "GLIBC_TUNABLES"])
def test_a_variable_that_acts_is_compared_when_a_run_is_gone_on_with(
    project: Project, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, dl: Dl
) -> None:
    shutil.copytree(project.runs, tmp_path / "runs")
    before = os.environ.get(name, "not set")
    monkeypatch.setenv(name, "--odd=1")

    outcome = dl("train", "--resume", "fruit", "--epochs", 5, "--runs", tmp_path / "runs", "-q")

    assert outcome.code == 4
    assert outcome.err == (
        f"error: machine.{name} has changed since fruit/0001 was trained\n"
        f"expected: {before}\n"
        "found: --odd=1\n"
        "hint: undo the change; or resume with it, no longer exactly repeatable: --force\n"
    )
