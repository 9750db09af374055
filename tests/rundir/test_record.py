"""`run.json` tells what happened, also after a kill."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dl.errors import RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import Process
from dl.rundir.folders import create_run
from dl.rundir.manifest import publish
from dl.rundir.record import RunRecord, read_record, write_record


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with create_run(tmp_path, "digits", {"config.yaml": b""}) as created:
        yield created


def _record(process: Process) -> RunRecord:
    return RunRecord(
        name="digits",
        status="running",
        started="2026-01-02T03:04:05+00:00",
        process=process,
        seed=7,
        command=("dl", "train", "digits.yaml"),
        fingerprint="ab" * 32,
    )


def test_a_record_reads_as_it_was_written(run: RunDirectory) -> None:
    record = _record(Process.current())
    write_record(run, record)
    assert read_record(run) == record


def test_a_running_record_of_a_dead_process_reads_interrupted(run: RunDirectory) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    write_record(run, _record(replace(Process.current(), pid=child.pid)))
    assert read_record(run).status == "interrupted"


def test_a_reused_process_number_is_told_apart(run: RunDirectory) -> None:
    write_record(run, _record(replace(Process.current(), started=1)))
    assert read_record(run).status == "interrupted"


def test_a_process_on_another_machine_is_taken_to_run(run: RunDirectory) -> None:
    write_record(run, _record(Process("elsewhere", 1, 1)))
    assert read_record(run).status == "running"


def test_a_running_record_without_a_lock_reads_interrupted(tmp_path: Path) -> None:
    with create_run(tmp_path, "digits", {}) as run:
        write_record(run, _record(Process("elsewhere", 1, 1)))
    assert read_record(run).status == "interrupted"


def test_an_altered_record_is_refused(run: RunDirectory) -> None:
    write_record(run, _record(Process.current()))
    run.record.write_text(run.record.read_text().replace("running", "stopped"))
    with pytest.raises(RunError, match=r"run\.json is damaged or was edited"):
        read_record(run)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": "digits"}', b"\xff\xfe"])
def test_a_damaged_record_is_refused(run: RunDirectory, content: bytes) -> None:
    publish(run.record, content)
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        read_record(run)


def test_a_record_of_a_newer_dl_is_refused(run: RunDirectory) -> None:
    values = json.loads(_record(Process.current()).text()) | {"schema": 99}
    publish(run.record, json.dumps(values).encode())
    with pytest.raises(RunError, match="was made by a newer dl"):
        read_record(run)


def test_a_missing_record_is_said(run: RunDirectory) -> None:
    with pytest.raises(RunError, match=r"run\.json is missing"):
        read_record(run)
