"""The rows that a model was judged on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dl.data import predictions
from dl.data.predictions import Predictions, read_predictions, write_predictions
from dl.errors import RunError
from support.runs import make_run

ROWS = Predictions("test", np.array([0, 1], np.int32), np.array([[0.5, 0.5], [0.1, 0.9]], "f4"))


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_predictions(run, ROWS)
    read = read_predictions(run)
    assert read is not None
    assert read.part == "test"
    np.testing.assert_array_equal(read.y, ROWS.y)
    np.testing.assert_array_equal(read.outputs, ROWS.outputs)


def test_a_run_without_them_has_none(tmp_path: Path) -> None:
    assert read_predictions(make_run(tmp_path)) is None


def test_too_many_rows_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "MOST_BYTES", 8)
    run = make_run(tmp_path)
    write_predictions(run, ROWS)
    assert not run.outputs.exists()


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_predictions(run, ROWS)
    content = bytearray(run.outputs.read_bytes())
    content[40] ^= 1
    run.outputs.write_bytes(content)
    with pytest.raises(RunError, match=r"outputs\.npz is damaged or was edited"):
        read_predictions(run)
