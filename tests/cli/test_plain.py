"""The reporter that writes whole lines."""

from __future__ import annotations

import io

from dl.progress import PlainReporter


def lines_of(planned: int, trained: int) -> list[str]:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter.fit_begin(epochs=planned, steps=1)
    for epoch in range(1, trained + 1):
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
        "epoch    1",
        *(f"epoch {epoch:4d}" for epoch in range(200, 1201, 200)),
        "epoch 1234",
    ]
    assert len(lines_of(planned=2000, trained=2000)) == 11


def test_no_line_is_written_twice() -> None:
    assert len(lines_of(planned=3, trained=3)) == 3
