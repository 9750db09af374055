"""The display of a training, on screens of a fixed width."""

from __future__ import annotations

import io
import math

from rich.console import Console

from dl.cli.live import FitDisplay, LossCurves


def text_of(curves: LossCurves, width: int, height: int = 4, *, ascii_only: bool = True) -> str:
    lines = curves.lines(width, height, ascii_only=ascii_only)
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def test_both_losses_share_a_scale_and_the_best_epoch_is_marked() -> None:
    curves = LossCurves()
    for epoch in range(1, 9):
        loss = 8.0 / epoch
        curves.see({"loss": loss, "val_loss": loss + (0 if epoch < 6 else epoch - 5)})
    assert text_of(curves, 20) == ("8 o\n   oo\n     oooo     oooooo\n1        oooOo******")
    assert curves.best == (5, 1.6)


def test_nothing_is_drawn_of_one_epoch() -> None:
    curves = LossCurves()
    curves.see({"loss": 1.0})
    assert curves.lines(80, 4) == []
    curves.see({"loss": 0.5})
    assert text_of(curves, 20) == ("  1 ***\n       *****\n            *****\n0.5              **O")


def test_many_epochs_stay_a_curve_of_their_means() -> None:
    curves = LossCurves()
    for epoch in range(10_000):
        curves.see({"loss": 2.0 - epoch / 10_000})
    assert text_of(curves, 24) == (
        "1.998 ***\n         ******\n               ******\n1.001                **O"
    )


def test_a_loss_that_is_no_number_leaves_a_gap() -> None:
    curves = LossCurves()
    for value in (2.0, 1.0, math.nan, 1.0, 2.0):
        curves.see({"loss": value})
    assert text_of(curves, 24) == (
        "2 *                    *\n"
        "   **                **\n"
        "     **            **\n"
        "1      *O         *"
    )


def drawn(width: int, height: int, *, colours: bool = False, epochs: int = 12) -> str:
    """Returns what a display of 20 epochs leaves that ended after 12."""
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        height=height,
        force_terminal=True,
        color_system="truecolor" if colours else None,
    )
    display = FitDisplay(console, 20, 10, clock=lambda: 0.0)
    for epoch in range(1, epochs + 1):
        row = {"loss": 2 / epoch**2, "mae": 1 / epoch, "val_mae": 1.1 / epoch, "seconds": 0.1}
        row["val_loss"] = row["loss"] + 0.02 * max(0, epoch - 6)
        display.epoch(epoch, row)
    console.print(display)
    return stream.getvalue()


def test_a_training_leaves_its_curves_beside_its_metrics() -> None:
    assert drawn(80, 30) == (
        "epoch 12/20  ━━━━━━━━━━━━━━━━━━━━━━━━────────────────  0.0 s\n"
        "\n"
        "      2 ⠑⡄                                                 training  validation\n"
        "         ⠈⢆                         loss                    0.01389      0.1339\n"
        "    log    ⠉⠢⣀                      mean absolute error     0.08333     0.09167\n"
        "              ⠉⠒⠤⣀⡀     ⢀⣀⡀ ⠤⠤⠄ ⠒⠒  ● best epoch 6\n"
        "                  ⠈⠑●⠫⠥⣀⣁\n"
        "0.01389                  ⠉⠉⠒⠒⠢⠤⠤⢄⣀\n"
    )


def test_a_narrow_window_has_the_metrics_below_the_curves() -> None:
    assert drawn(40, 30) == (
        "epoch 12/20  ━━━━━━━━━━━────────  0.0 s\n"
        "\n"
        "      2 ⠑⢄\n"
        "          ⠣⣀\n"
        "    log     ⠑⠢⣀\n"
        "               ⠉⠒⠢⠤⣀⡀       ⣀⣀⡀ ⠤⠤⠄ ⠒⠒⠂\n"
        "                    ⠈⠉●⠒⠭⠭⣁⣀⡀\n"
        "0.01389                     ⠈⠉⠉⠒⠒⠒⠤⠤⠤⣀⣀\n"
        "                   training  validation\n"
        "loss                0.01389      0.1339\n"
        "mean absol…rror     0.08333     0.09167\n"
        "● best epoch 6\n"
    )


def test_a_low_window_has_no_curves() -> None:
    assert drawn(80, 10) == (
        "epoch 12/20  ━━━━━━━━━━━━━━━━━━━━━━━━────────────────  0.0 s\n"
        "\n"
        "                       training  validation\n"
        "loss                    0.01389      0.1339\n"
        "mean absolute error     0.08333     0.09167\n"
        "● best epoch 6\n"
    )


def test_training_is_blue_and_validation_orange() -> None:
    line = drawn(80, 10, colours=True).splitlines()[2]
    assert "\x1b[38;2;0;114;178m    training\x1b[0m" in line
    assert "\x1b[38;2;213;94;0m  validation\x1b[0m" in line
