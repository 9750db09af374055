"""The display of a training, on screens of a fixed width."""

from __future__ import annotations

import io
import math
import re

import pytest
from rich.console import Console

from dl.cli import live
from dl.cli.live import LiveReporter, LossCurves


def text_of(curves: LossCurves, width: int, height: int = 4, *, ascii_only: bool = True) -> str:
    lines = curves.lines(width, height, ascii_only=ascii_only)
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def test_both_losses_share_a_scale_and_the_best_epoch_is_marked() -> None:
    curves = LossCurves()
    for epoch in range(1, 9):
        loss = 8.0 / epoch
        curves.see({"loss": loss, "val_loss": loss + (0 if epoch < 6 else epoch - 5)})
    assert text_of(curves, 20) == ""
    assert curves.best == (5, 1.6)


def test_nothing_is_drawn_of_one_epoch() -> None:
    curves = LossCurves()
    curves.see({"loss": 1.0})
    assert curves.lines(80, 4) == []
    curves.see({"loss": 0.5})
    assert text_of(curves, 20) == ""


def test_many_epochs_stay_a_curve_of_their_means() -> None:
    curves = LossCurves()
    for epoch in range(10_000):
        curves.see({"loss": 2.0 - epoch / 10_000})
    assert text_of(curves, 24) == ""


def test_a_loss_that_is_no_number_leaves_a_gap() -> None:
    curves = LossCurves()
    for value in (2.0, 1.0, math.nan, 1.0, 2.0):
        curves.see({"loss": value})
    assert text_of(curves, 24) == ""


def drawn(width: int, height: int, *, colours: bool = False, epochs: int = 12) -> str:
    """Returns what a display of 20 epochs leaves that ended after 12."""
    stream = io.StringIO()
    reporter = LiveReporter(stream)
    reporter._console = Console(
        file=stream,
        width=width,
        height=height,
        force_terminal=True,
        no_color=not colours,
        color_system="truecolor",
    )
    reporter.fit_begin(20, 10)
    for epoch in range(1, epochs + 1):
        rising = 0.02 * max(0, epoch - 6)
        measured = {"loss": 2 / epoch**2, "accuracy": 1 - 0.5 / epoch}
        seen = {f"val_{name}": value + rising for name, value in measured.items()}
        reporter.fit_epoch(epoch, {"epoch": epoch, **measured, **seen, "seconds": 0.1})
    reporter.fit_end()
    last = stream.getvalue().rpartition("\x1b[2K")[2]
    return last if colours else re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", last)


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.time, "monotonic", lambda: 0.0)


def test_a_training_leaves_its_curves_beside_its_metrics() -> None:
    assert drawn(80, 30) == ""


def test_a_narrow_window_has_the_metrics_below_the_curves() -> None:
    assert drawn(40, 30) == ""


def test_a_low_window_has_no_curves() -> None:
    assert drawn(80, 10) == ""


def test_training_is_blue_and_validation_orange() -> None:
    lines = drawn(80, 10, colours=True).splitlines()
    assert lines[2] == ""
