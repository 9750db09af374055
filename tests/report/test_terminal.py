import io
import math
import subprocess
import sys

import pytest

from dl.report.terminal import learning_curves, table
from dl.text import painted

HISTORY = [
    {
        "epoch": float(epoch),
        "loss": 2.0 - 0.2 * epoch,
        "accuracy": 0.1 * epoch,
        "val_loss": 2.2 - 0.2 * epoch + 0.02 * epoch**2,
        "val_accuracy": 0.09 * epoch,
        "learning_rate": 0.001,
        "seconds": 0.5,
    }
    for epoch in range(1, 9)
]


def test_table_aligns_numbers_right_and_text_left() -> None:
    rows = [["digits/0001", "completed", 0.9691234, 12], ["iris/1", None, 1.2e-5, 3]]

    assert table(rows, ["run", "status", "accuracy", "epochs"]) == (
        "run          status     accuracy  epochs\n"
        "digits/0001  completed    0.9691      12\n"
        "iris/1                   1.2e-05       3"
    )


def test_table_aligns_right_where_numbers_come_as_text() -> None:
    assert table([["a", "1,234"], ["b", "56"], ["c", ""]], ["layer", "parameters"]) == (
        "layer  parameters\na           1,234\nb              56\nc"
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.9, 0.97], ["0.90", "0.97"]),
        ([0.001, 0.01], ["0.001", "0.010"]),
        ([1234.567, 2.0], ["1235", "   2"]),
        ([math.nan, 0.5], ["nan", "0.5"]),
        ([-0.25, 12.5], ["-0.25", "12.50"]),
        ([2.5e9, 1.0], ["2.5e+09", "      1"]),
        ([0.0, 0.0], ["0", "0"]),
    ],
)
def test_table_gives_a_column_of_floats_its_decimals(
    values: list[float], expected: list[str]
) -> None:
    lines = table([[value] for value in values], ["v"]).splitlines()[1:]

    assert lines == expected


def test_table_counts_the_columns_that_wide_characters_take() -> None:
    assert table([["日本", "x"], ["abc", "y"]], ["name", "v"]) == ("name  v\n日本  x\nabc   y")


def test_table_keeps_control_characters_from_the_terminal() -> None:
    assert table([["a\x1b[31m\nb"]], ["name"]) == "name\na [31m b"


def test_table_without_rows_is_its_header() -> None:
    assert table([], ["run", "status"]) == "run  status"


RUNS = [
    ["digits-with-dropout-and-noise/0001", "completed", 0.9691, 12],
    ["digits-with-dropout/0002", "interrupted", 0.25, 1234567],
]
COLUMNS = ["run", "status", "validation accuracy", "epochs"]


def test_table_fits_a_screen_by_cutting_words_and_never_numbers() -> None:
    assert table(RUNS, COLUMNS, width=60) == (
        "run                 status       validation a…uracy   epochs\n"
        "digits-with-…/0001  completed                0.9691       12\n"
        "digits-with-…/0002  interrupted              0.2500  1234567"
    )


def test_table_leaves_out_the_columns_that_can_be_missed_and_says_which() -> None:
    assert table(RUNS, COLUMNS, width=36, spare=["status"]) == (
        "run           validati…racy   epochs\n"
        "digits-w…001         0.9691       12\n"
        "digits-w…002         0.2500  1234567\n"
        "not shown: status"
    )
    assert table(RUNS, COLUMNS, width=24, spare=["status"]) == (
        "run           valida…acy\n"
        "digits-w…001      0.9691\n"
        "digits-w…002      0.2500\n"
        "not shown: status,\nepochs"
    )


def test_table_keeps_its_first_column_on_any_screen() -> None:
    assert table([["digits/0001", 1]], ["run", "epochs"], width=8) == (
        "run\ndigit…01\nnot\nshown:\nepochs"
    )


def test_table_counts_wide_characters_where_it_cuts() -> None:
    assert table([["日本語日本語日本語日本語", 1]], ["name", "n"], width=16) == (
        "name           n\n日本語日…本語  1"
    )


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_painted_is_for_terminals_that_want_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert painted("error", "bold red", Screen()) == "\x1b[1;31merror\x1b[0m"
    assert painted("error", "", Screen()) == "error"
    assert painted("error", "bold red", io.StringIO()) == "error"
    monkeypatch.setenv("TERM", "dumb")
    assert painted("error", "bold red", Screen()) == "error"
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "")
    assert painted("error", "bold red", Screen()) == "error"


def test_learning_curves_are_drawn_over_their_numbers() -> None:
    assert learning_curves(HISTORY) == (
        "loss by epoch  training  validation (dashed)\n"
        "2.02 ⣉⡉⠁ ⠒⠒⠂ ⠢⠤⠄ ⠤⠤⠄ ⣀⣀⡀ ⣀⣀⡀                                         ⣀⣀⡀ ⣀⣀⡀ ⠤⠤⠄\n"
        "      ⠈⠉⠉⠉⠑⠒⠒⠒⠤⠤⠤⠤⣀⣀⣀⡀       ⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠒⠂●⠊⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁\n"
        "                     ⠈⠉⠉⠉⠑⠒⠒⠒⠤⠤⠤⠤⣀⣀⣀⡀\n"
        "                                    ⠈⠉⠉⠉⠑⠒⠒⠒⠤⠤⠤⠤⣀⣀⣀⡀\n"
        "                                                   ⠈⠉⠉⠉⠑⠒⠒⠒⠤⠤⠤⠤⣀⣀⣀⡀\n"
        " 0.4                                                              ⠈⠉⠉⠉⠑⠒⠒⠒⠤⠤⠤⠤⣀⣀\n"
        "\n"
        "                        first  best: 5    last\n"
        "loss      training      1.800    1.000  0.4000\n"
        "          validation    2.020    1.700   1.880\n"
        "accuracy  training     0.1000   0.5000  0.8000\n"
        "          validation  0.09000   0.4500  0.7200"
    )


def test_learning_curves_have_an_ascii_form() -> None:
    text = learning_curves(HISTORY, width=40, ascii_only=True)
    assert text.isascii()
    assert text == (
        "loss by epoch  training  validation (o)\n"
        "2.02 oooooo                           oo\n"
        "     ******ooooooooooooooOoooooooooooo\n"
        "            ********\n"
        "                    ********\n"
        "                            ********\n"
        " 0.4                                ****\n"
        "\n"
        "                      best: 5    last\n"
        "loss      training      1.000  0.4000\n"
        "          validation    1.700   1.880\n"
        "accuracy  training     0.5000  0.8000\n"
        "          validation   0.4500  0.7200\n"
        "not shown: first"
    )


def test_learning_curves_show_means_where_epochs_are_too_many() -> None:
    losses = [float(value) for value in (1, 3, 6, 8) for _ in range(20)]
    history = [{"epoch": float(i), "loss": loss} for i, loss in enumerate(losses, start=1)]
    assert learning_curves(history, width=24, ascii_only=True) == (
        "loss by epoch  training\n"
        "8                  *****\n"
        "             ******\n"
        "             *\n"
        "             *\n"
        "        *****\n"
        "1 O*****\n"
        "\n"
        "                best: 1\n"
        "loss  training    1.000\n"
        "not shown: first, last"
    )


def test_learning_curves_of_one_epoch_are_its_numbers() -> None:
    assert learning_curves(HISTORY[:1]) == (
        "                      epoch 1\n"
        "loss      training      1.800\n"
        "          validation    2.020\n"
        "accuracy  training     0.1000\n"
        "          validation  0.09000"
    )


def test_learning_curves_are_logarithmic_from_a_decade_on() -> None:
    history = [{"epoch": float(e), "loss": 10.0 ** (4 - e)} for e in range(1, 5)]
    assert learning_curves(history, width=24, ascii_only=True) == (
        "loss by epoch  training\n"
        "1000 **\n"
        "       ****\n"
        " log       ****\n"
        "               ***\n"
        "                  ****\n"
        "   1                  *O\n"
        "\n"
        "                best: 4\n"
        "loss  training    1.000\n"
        "not shown: first, last"
    )


def test_learning_curves_have_a_gap_where_there_is_no_number() -> None:
    losses = [3.0, 2.0, math.nan, 2.0, 3.0]
    history = [{"epoch": float(i), "loss": loss} for i, loss in enumerate(losses, start=1)]
    assert learning_curves(history, width=24, ascii_only=True) == (
        "loss by epoch  training\n"
        "3 *                    *\n"
        "   *                  *\n"
        "    *                *\n"
        "     *              *\n"
        "      *            *\n"
        "2      *O         *\n"
        "\n"
        "                best: 2\n"
        "loss  training    2.000\n"
        "not shown: first, last"
    )


def test_learning_curves_of_no_number_are_their_table() -> None:
    history = [{"epoch": float(e), "loss": math.nan} for e in (1, 2)]
    assert learning_curves(history) == "                first  last\nloss  training    nan   nan"


@pytest.mark.parametrize("epochs", [2, 50, 5000])
def test_learning_curves_fit_into_the_width(epochs: int) -> None:
    name = "sparse_top_k_categorical_accuracy"
    history = [{"loss": 1e-5 * e, name: -123.456 / e} for e in range(1, epochs + 1)]

    assert max(map(len, learning_curves(history).splitlines())) <= 80


def test_learning_curves_of_no_epoch_are_empty() -> None:
    assert not learning_curves([])


def test_terminal_loads_nothing_heavy() -> None:
    heavy = ["numpy", "matplotlib", "pandas", "keras", "tensorflow"]
    code = f"import sys, dl.report.terminal; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
