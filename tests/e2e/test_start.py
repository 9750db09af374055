"""A network begins from an earlier run: what is taken, left, refused, repeated and resumed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.record import read_record

pytestmark = pytest.mark.slow

LAYERS = """
  layers:
    - {type: Dense, units: 6, activation: relu, name: front}
    - {type: BatchNormalization, name: norm}
    - {type: Dense, units: 2, activation: softmax, name: head}
training:
  loss: sparse_categorical_crossentropy
  phases: [{epochs: 1, freeze: [norm]}, {epochs: 1}]
"""


def _config(folder: Path, name: str, classes: str, start: str = "") -> Path:
    rows = [f"{i % 7},{i % 3},{classes[i % 2]}" for i in range(40)]
    (folder / f"{name}.csv").write_text("\n".join(["a,b,kind", *rows]) + "\n")
    data = f"data: {{source: csv, path: {name}.csv, target: kind}}\nmodel:\n"
    path = folder / f"{name}.yaml"
    path.write_text(data + (f"  start: {start}" if start else "") + LAYERS)
    return path


def test_a_run_begins_from_another_and_is_repeated(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert dl("train", _config(tmp_path, "first", "xy"), "-q").code == 0
    assert dl("train", _config(tmp_path, "second", "uv", "{from: first}"), "-q").code == 0

    start = read_record(RunDirectory(tmp_path / "runs/second/0001")).start
    assert start is not None
    assert start.source == str(tmp_path / "runs/first/0001")
    assert start.taken == ("front", "norm")
    assert start.left == {"head": "the classes x and y there, the classes u and v here"}
    assert dl("reproduce", "second", "-q").code == 0

    listed = dl("train", _config(tmp_path, "third", "uv", "{from: first, layers: [head]}"), "-q")
    assert listed.code == 2
    assert "names head, which cannot be taken from there\n" in listed.err
    (tmp_path / "runs").rename(tmp_path / "others")
    there = (_config(tmp_path, "third", "uv", "{from: first}"), "--runs", "others", "--dry-run")
    assert dl("train", *there).code == 0
    (tmp_path / "others").rename(tmp_path / "runs")
    shutil.rmtree(tmp_path / "runs/first")
    gone = dl("reproduce", "second", "-q")
    assert gone.err == (
        f"error: second/0001 has begun from {start.source}, which is gone\n"
        "hint: bring it back: the first epoch begins from its weights\n"
    )
