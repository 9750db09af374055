"""The reporter that writes whole lines."""

from __future__ import annotations

import io

import pytest

from dl.progress import PlainReporter
from dl.vocabulary.labels import metric_label


def lines_of(planned: int, trained: int, before: int = 0) -> list[str]:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter.fit_begin(epochs=planned, steps=1)
    for epoch in range(before + 1, before + trained + 1):
        row = {"epoch": epoch, "loss": 5 / epoch**2, "learning_rate": 1e-3, "seconds": 2.0}
        reporter.fit_epoch(epoch, row)
    reporter.fit_end()
    return stream.getvalue().splitlines()


def test_lines_of_epochs_have_their_numbers_below_each_other() -> None:
    assert lines_of(planned=10, trained=10)[::3] == [
        "epoch  1/10  loss    5.000   2.0 s",
        "epoch  4/10  loss   0.3125   2.0 s",
        "epoch  7/10  loss   0.1020   2.0 s",
        "epoch 10/10  loss  0.05000   2.0 s",
    ]


def test_a_long_training_takes_a_dozen_lines_and_ends_with_its_last_epoch() -> None:
    lines = lines_of(planned=2000, trained=1234)
    assert [line.split("/")[0] for line in lines] == [
        *(f"epoch {epoch:4d}" for epoch in (1, 2, 5, 10, 20, 50, 100)),
        *(f"epoch {epoch:4d}" for epoch in range(200, 1201, 200)),
        "epoch 1234",
    ]
    assert len(lines_of(planned=2000, trained=2000)) == 17


@pytest.mark.parametrize(
    ("before", "planned", "trained", "told"),
    [
        (0, 4000, 9, [1, 2, 5, 9]),
        (0, 200, 74, [1, 2, 5, 10, 20, 40, 60, 74]),
        (200, 215, 15, [201, 202, 205, 210, 215]),
        (1990, 2000, 10, [1991, 1992, 1995, 2000]),
    ],
)
def test_what_ends_early_or_goes_on_has_lines_too(
    before: int, planned: int, trained: int, told: list[int]
) -> None:
    lines = lines_of(planned, trained, before)
    assert [int(line[6:].split("/")[0]) for line in lines] == told


def test_both_parts_have_the_names_that_people_read() -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream, metric_label)
    reporter.fit_begin(epochs=1, steps=1)
    row = {"epoch": 1, "loss": 1.0, "mae": 2.0, "val_loss": 3.0, "val_mae": 4.0, "seconds": 0.047}
    reporter.fit_epoch(1, row)
    assert stream.getvalue() == (
        "epoch 1/1  loss    1.000  mean absolute error    2.000"
        "  validation loss    3.000  mean absolute error    4.000   47 ms\n"
    )


def test_no_line_is_written_twice() -> None:
    assert len(lines_of(planned=3, trained=3)) == 3
