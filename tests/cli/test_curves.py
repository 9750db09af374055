"""The losses in the live display."""

from __future__ import annotations

import io
import re

from rich.console import Console

from dl.cli.live import LossCurves


def test_both_losses_share_a_scale_and_a_label_column() -> None:
    curves = LossCurves()
    for epoch in range(1, 9):
        curves.see({"epoch": epoch, "loss": 9 - epoch, "val_loss": 10 - epoch, "accuracy": 0.5})
    assert curves.lines(80) == [("loss      ", "█▇▆▅▄▃▂▁"), ("val_loss  ", "██▇▆▅▄▃▂")]


def test_nothing_is_drawn_of_one_epoch_or_without_room() -> None:
    curves = LossCurves()
    curves.see({"loss": 1.0})
    assert curves.lines(80) == []
    curves.see({"loss": 0.5})
    assert curves.lines(80) == [("loss  ", "█▁")]
    assert curves.lines(12) == []


def test_many_epochs_stay_a_line_of_their_means() -> None:
    curves = LossCurves()
    for epoch in range(100_000):
        curves.see({"loss": 2.0 - epoch / 100_000})
    ((_, chart),) = curves.lines(50, ascii_only=True)
    assert len(chart) == 40
    assert chart[0] == "#"
    assert chart[-1] == "_"
    assert list(chart) == sorted(chart, key="#*+=-:._".index)


def test_a_loss_that_is_no_number_is_marked() -> None:
    curves = LossCurves()
    for value in (2.0, 1.0, float("nan")):
        curves.see({"loss": value})
    assert curves.lines(80) == [("loss  ", "█▁!")]


def test_the_display_fits_a_narrow_terminal() -> None:
    from dl.cli.live import LiveReporter

    stream = io.StringIO()
    reporter = LiveReporter(stream)
    reporter._console = Console(file=stream, width=50, force_terminal=True, no_color=True)
    reporter.fit_begin(3, 10)
    for epoch in (1, 2, 3):
        reporter.fit_epoch(epoch, {"epoch": epoch, "loss": 1 / epoch, "val_loss": 2 / epoch})
    reporter.fit_end()
    drawn = stream.getvalue()
    assert "\x1b[2mval_loss  \x1b[0m█▄▂" in drawn
    assert max(map(len, re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", drawn).splitlines())) <= 50
