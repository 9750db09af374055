"""The manifest knows what was published, and nothing else passes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dl.errors import DiskError, RunError
from dl.rundir import files
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.rundir.manifest import (
    check,
    manifest_text,
    publish,
    publishing,
    read_checked,
    sha256,
)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    with create_run(tmp_path, "digits", {"config.yaml": b"name: digits\n"}) as created:
        return created


def test_a_published_file_reads_as_it_was_written(run: RunDirectory) -> None:
    publish(run.metrics, b"{}")
    assert read_checked(run.metrics) == b"{}"
    check(run.metrics)


def test_a_file_can_be_written_in_place_of_its_path(run: RunDirectory) -> None:
    with publishing(run.model) as temporary:
        temporary.write_bytes(b"arrays")
    assert read_checked(run.model) == b"arrays"
    assert sorted(os.listdir(run.path)) == [".lock", "config.yaml", "manifest.json", "model.h5"]


def test_the_content_before_verifies_when_the_rename_fails(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(run.metrics, b"first")
    rename = os.replace

    def broken(source: Path, target: Path) -> None:
        if target.name == "metrics.json":
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(files.os, "replace", broken)
    with pytest.raises(DiskError):
        publish(run.metrics, b"second")
    assert read_checked(run.metrics) == b"first"


def test_every_flipped_bit_of_a_file_and_of_the_manifest_is_found(run: RunDirectory) -> None:
    publish(run.metrics, b'{"test": {"loss": 0.5}}')
    for path in (run.metrics, run.manifest):
        content = path.read_bytes()
        for bit in range(8 * len(content)):
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            path.write_bytes(flipped)
            with pytest.raises(RunError):
                read_checked(run.metrics)
        path.write_bytes(content)
    check(run.metrics)


def test_an_altered_file_is_named_with_what_to_do(run: RunDirectory) -> None:
    run.config.write_bytes(b"name: digit\n")
    with pytest.raises(RunError) as caught:
        read_checked(run.config)
    (problem,) = caught.value.problems
    assert problem.message == f"{run.config} is damaged or was edited"
    assert problem.hint == f"restore it from a copy, or train again: dl train {run.config}"


def test_a_file_that_was_never_published_is_refused(run: RunDirectory) -> None:
    run.metrics.write_text("{}")
    with pytest.raises(RunError, match=r"metrics\.json is damaged or was edited"):
        read_checked(run.metrics)


def test_a_manifest_of_a_newer_dl_is_said(run: RunDirectory) -> None:
    values = json.loads(run.manifest.read_text()) | {"schema": 99}
    run.manifest.write_text(json.dumps(values))
    with pytest.raises(RunError, match="was made by a newer dl"):
        check(run.config)


@pytest.mark.parametrize("sums", [{}, {"a": ()}, {'b"\n': ("1", "2"), "a": ("3",)}], ids=str)
def test_the_text_is_what_json_indents(sums: dict[str, tuple[str, ...]]) -> None:
    files = {name: list(sums[name]) for name in sorted(sums)}
    own = sha256(json.dumps(files).encode())
    whole = json.dumps({"schema": 1, "files": files, "sha256": own}, indent=2)
    assert manifest_text(sums) == f"{whole}\n"
