"""The reporter that writes whole lines."""

from __future__ import annotations

import io

from dl.progress import PlainReporter


def test_a_line_of_an_epoch_has_its_losses_and_metrics_alone() -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter.fit_begin(epochs=2, steps=1)
    row = {"epoch": 1, "loss": 0.5, "val_loss": 0.25, "learning_rate": 1e-3, "seconds": 2.0}
    reporter.fit_epoch(1, row)
    assert stream.getvalue() == "epoch 1/2  loss 0.5000  val_loss 0.2500  2.0 s\n"
