"""A checkpoint that somebody else wrote, with a checksum that fits, is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.errors import RunError
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import list_checkpoints, read_checkpoint, write_checkpoint
from dl.training.checkpoint import Checkpoints, Stateful, Variables, last_checkpoint
from support.runs import make_run


class _Variable:
    """A variable as Keras has it."""

    path = "dense/kernel"
    shape = (2,)
    dtype = "float32"

    def numpy(self) -> Any:
        return np.zeros(2, np.float32)

    def assign(self, values: object) -> None:
        pass


GOOD: Mapping[str, Any] = {
    "history": [{"epoch": 1, "loss": 0.5}],
    "parts": {"model": {"names": ["dense/kernel"]}},
    "arrays": {"model": [["float32", 2]]},
}


def _begun(run: RunDirectory, header: Mapping[str, Any]) -> None:
    write_checkpoint(run, 1, header, [memoryview(b"12345678")])
    parts: dict[str, Stateful] = {"model": Variables(lambda: [_Variable()])}
    Checkpoints(run, {}, last_checkpoint(run, SilentReporter())).begin(parts)


def test_a_checkpoint_as_it_was_written_is_taken(tmp_path: Path) -> None:
    _begun(make_run(tmp_path), GOOD)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"parts": []}, "AttributeError"),
        ({"parts": {"model": 7}}, "TypeError"),
        ({"parts": {"model": {}}}, "KeyError"),
        ({"parts": {"model": {"names": []}}}, "ValueError"),
        ({"arrays": {}}, "KeyError"),
        ({"arrays": {"model": [["object", 2]]}}, "ValueError"),
        ({"arrays": {"model": [["float32", 3]]}}, "ValueError"),
        ({"arrays": {"model": [["float32", "2"]]}}, "TypeError"),
        ({"arrays": {"model": [["float32", 2]] * 2}}, "StopIteration"),
    ],
    ids=str,
)
def test_a_state_that_no_training_keeps_is_told(
    tmp_path: Path, change: Mapping[str, Any], found: str
) -> None:
    run = make_run(tmp_path)
    with pytest.raises(RunError) as caught:
        _begun(run, {**GOOD, **change})
    (problem,) = caught.value.problems
    assert problem.message == f"the checkpoint of {run.label} holds what a training does not keep"
    assert (problem.found or "").startswith(f"{found}: ")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"history": 7}, "`history` must be a list"),
        ({"history": [{"loss": "x"}]}, "`history[0].loss` must be a number"),
        ({}, "`history` is missing"),
    ],
)
def test_a_header_of_other_types_is_told(
    tmp_path: Path, header: Mapping[str, Any], said: str
) -> None:
    run = make_run(tmp_path)
    write_checkpoint(run, 1, header, [])
    ((_, path),) = list_checkpoints(run)
    with pytest.raises(RunError) as caught:
        read_checkpoint(path)
    assert str(caught.value) == f"{path} is damaged: {said}"
