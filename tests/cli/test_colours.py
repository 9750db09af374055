"""Errors and advice as a terminal shows them."""

from __future__ import annotations

import io

import pytest

from dl.cli.colours import coloured

ERROR = (
    "error: c.yaml:5:44: model.layers.0.activation is not a known activation\n"
    "    5 |     - {type: Dense, units: 10, activation: softmaxx}\n"
    "      |                                            ^^^^^^^^\n"
    "expected: the name of an activation, as Keras spells it\n"
    "hint: did you mean softmax?\n"
    "\n"
    "2 errors in c.yaml"
)
ADVICE = (
    "c.yaml:12:11: one-epoch: training.epochs is 1: each row is seen once\n"
    "   12 |   epochs: 1\n"
    "      |           ^\n"
    "why: A learning curve needs several epochs.\n"
    "write: epochs: 10  # a line of a config, which is copied whole as it is"
)
SIGNS = {"1": "*", "1;31": "!", "1;36": "+", "34": "|", "0": "."}


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


def seen(text: str) -> str:
    """Returns what a screen shows, with its colours as signs: `*bold.`, `!red.`, `|blue.`."""
    shown = coloured(text, Screen())
    for code, sign in SIGNS.items():
        shown = shown.replace(f"\x1b[{code}m", f"<{sign}>")
    return shown


def test_place_word_and_hint_stand_out() -> None:
    assert seen(ERROR) == (
        "<!>error: <.><*>c.yaml:5:44: <.>model.layers.0.activation is not a known activation\n"
        "<|>    5 | <.>    - {type: Dense, units: 10, activation: <!>softmaxx<.>}\n"
        "<|>      | <.>                                           <!>^^^^^^^^<.>\n"
        "<*>expected: <.>the name of an activation, as Keras spells it\n"
        "<+>hint: <.>did you mean softmax?\n"
        "\n"
        "2 errors in c.yaml"
    )


def test_advice_has_the_same_colours_and_its_line_is_whole() -> None:
    assert seen(ADVICE) == (
        "<*>c.yaml:12:11: <.>one-epoch: training.epochs is 1: each row is seen once\n"
        "<|>   12 | <.>  epochs: <!>1<.>\n"
        "<|>      | <.>          <!>^<.>\n"
        "<*>why: <.>A learning curve needs several epochs.\n"
        "<+>write: <.>epochs: 10  # a line of a config, which is copied whole as it is"
    )


def test_a_narrow_screen_breaks_between_words_and_keeps_the_carets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(ERROR, Screen()) == (
        "error: c.yaml:5:44:\n"
        "  model.layers.0.activation is not a\n"
        "  known activation\n"
        "    5 | units: 10, activation: softmaxx}\n"
        "      |                        ^^^^^^^^\n"
        "expected: the name of an activation, as\n"
        "  Keras spells it\n"
        "hint: did you mean softmax?\n"
        "\n"
        "2 errors in c.yaml"
    )


def test_a_pipe_gets_the_text_as_it_is() -> None:
    assert coloured(ERROR, io.StringIO()) == ERROR
