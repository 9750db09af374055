"""A wrong command line: the hint names what was meant, or the help."""

from __future__ import annotations

import pytest

from conftest import Dl
from dl.cli.main import dl as group
from dl.config.load import other_tools


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("train c.yaml --epoch 3", "No such option '--epoch'.\nhint: did you mean --epochs?"),
        ("train c.yaml --batch-size 3",
         "No such option '--batch-size'.\nhint: --set training.batch_size=VALUE"),
        ("train c.yaml --seed 3", "No such option '--seed'.\nhint: --set seed=VALUE"),
        ("train c.yaml --lr 0.1",
         "No such option '--lr'.\n"
         "hint: write `training.optimizer`: {type: adam, learning_rate: 0.001}"),
        ("init a.csv --set x", "No such option '--set'.\nhint: dl init --help"),
        ("train c.yaml --frobnicate", "No such option '--frobnicate'.\nhint: dl train --help"),
        ("trian c.yaml", "No such command 'trian'.\nhint: dl train --help"),
        ("fit c.yaml", "No such command 'fit'.\nhint: dl train --help"),
        ("frobnicate", "No such command 'frobnicate'.\nhint: dl --help"),
        ("train c.yaml d", "Got unexpected extra argument (d)\nhint: dl train --help"),
    ],
)  # fmt: skip
def test_hint_names_what_was_meant(arguments: str, error: str, dl: Dl) -> None:
    done = dl(*arguments.split())
    assert (done.code, done.out, done.err) == (2, "", f"error: {error}\n")


def test_other_names_lead_to_commands_that_there_are() -> None:
    meant = other_tools()["commands"]
    assert {command.split()[0] for command in meant.values()} <= set(group.commands)
    assert not set(meant) & set(group.commands)
