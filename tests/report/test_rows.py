"""Which rows a page shows: the worst, and some of each kind of answer, to be picked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dl.data.recording import Frame, Recording, WeightShape
from dl.data.types import Part
from dl.report.facts import RunFacts
from dl.report.rows import mistakes_of
from dl.report.scrubber import MOST_BYTES, scrubber_of
from support.training import dataset, inputs, labels, number_target, part, preprocessing

CLASSES = ("a", "b", "c")


def _facts(**fields: object) -> RunFacts:
    return RunFacts(name="case", history=[], **fields)  # type: ignore[arg-type]


def test_four_rows_of_each_cell_are_kept_beside_the_mistakes() -> None:
    true = np.repeat([0, 1, 2], 10)
    predicted = true.copy()
    predicted[:3] = 1
    facts = _facts(task="multiclass", classes=CLASSES, true=true, predicted=predicted)
    rows = Part(inputs(30, 2), true, np.arange(30) + 100)
    fitted = replace(preprocessing(number_target(), (2,)))
    worst, others = mistakes_of(facts, rows, fitted)
    assert [(row.row, row.true, row.predicted) for row in worst] == [
        (100, "a", "b"),
        (101, "a", "b"),
        (102, "a", "b"),
    ]
    assert others == []  # arrays have no columns to show


def test_a_number_has_its_error() -> None:
    true = np.linspace(0, 10, 40)[:, None]
    facts = _facts(task="regression", targets=("y",), true=true, predicted=true + 0.5)
    rows = Part(inputs(40, 2), true, np.arange(40))
    worst, _ = mistakes_of(facts, rows, preprocessing(number_target(), (2,)))
    assert len(worst) == 24
    assert {round(row.error or 0, 3) for row in worst} == {0.5}


def test_rows_that_are_to_come_back_have_pictures_of_their_own() -> None:
    x = inputs(20, 2)
    facts = _facts(task="regression", targets=("u", "v"), true=x, predicted=x + 1)
    assert mistakes_of(facts, Part(x, x, np.arange(20)), preprocessing(number_target(), (2,))) == (
        [],
        [],
    )


def _recording(rows: int, arrays: int = 1) -> Recording:
    frame = Frame(1, (1,) * rows, (50,) * rows, (WeightShape(-1.0, 1.0, (1, 2)),) * arrays)
    names = tuple(f"layer {number} kernel" for number in range(arrays))
    return Recording(rows, tuple(range(rows)), tuple(range(rows)), (0,) * rows, names, (frame,) * 3)


def test_a_recording_that_is_too_large_for_a_page_is_left_out() -> None:
    data = dataset(inputs(30, 2), labels(30), validation=part(inputs(9, 2), labels(9)))
    facts = _facts(task="multiclass", classes=CLASSES, true=labels(9), predicted=labels(9))
    found = scrubber_of(facts, data, _recording(9))
    assert found is not None
    assert [row.place for row in found.rows] == list(range(8))
    assert scrubber_of(facts, data, _recording(9, MOST_BYTES // 100)) is None
    assert scrubber_of(facts, data, None) is None
