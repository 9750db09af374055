"""A run that travels: it arrives whole and verified, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.errors import RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run, pack, unpack
from dl.rundir.manifest import check, publish


@pytest.fixture
def packed(tmp_path: Path) -> dict[str, bytes]:
    with create_run(tmp_path / "there", "0001", {"run.json": b"{}"}) as run:
        publish(run.history, b"epoch\n1\n")
        run.checkpoints.mkdir()
        (run.checkpoints / "epoch-1").write_bytes(b"state")
    return pack(run)


def test_a_run_arrives_as_it_was(packed: dict[str, bytes], tmp_path: Path) -> None:
    here = RunDirectory(tmp_path / "here/0001/0002")
    unpack(packed, here)
    assert pack(here) == packed
    check(here.history)


@pytest.mark.parametrize(
    ("name", "content"),
    [("history.csv", b"epoch\n2\n"), ("../out", b""), ("/out", b"")],
    ids=["damaged", "above", "absolute"],
)
def test_a_bad_file_is_refused(
    packed: dict[str, bytes], tmp_path: Path, name: str, content: bytes
) -> None:
    here = RunDirectory(tmp_path / "here/0001")
    with pytest.raises(RunError):
        unpack({**packed, name: content}, here)
    assert list(here.path.parent.iterdir()) == []


def test_nothing_is_packed_of_a_run_that_is_not_there(tmp_path: Path) -> None:
    assert pack(RunDirectory(tmp_path / "none")) == {}
