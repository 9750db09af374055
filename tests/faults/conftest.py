"""A folder with a good config, its data and a trained run of it."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from dl.cli.main import run
from support.faults import GOOD, ROWS, RUN


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it was after the training; nothing changes it."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "good.yaml").write_text(GOOD)
    (folder / "rows.csv").write_text("\n".join(ROWS) + "\n")
    with contextlib.chdir(folder):
        assert run(["train", "good.yaml", "-q"]) == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder to spoil, in which the test works; the run knows its data there."""
    copied = tmp_path / "folder"
    shutil.copytree(trained, copied)
    from dl.rundir.manifest import publish

    resolved = copied / RUN / "resolved.yaml"
    publish(resolved, resolved.read_bytes().replace(os.fsencode(trained), os.fsencode(copied)))
    monkeypatch.chdir(copied)
    return copied
