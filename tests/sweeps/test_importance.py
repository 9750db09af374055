"""What the importance of parameters rests on, and where nothing is said."""

from __future__ import annotations

from pathlib import Path

from dl.sweeps.importance import importance
from dl.sweeps.parameters import Setting, grid
from dl.sweeps.results import TrialSummary
from support.sweeps import make_sweep

TEXT = """\
parameters:
  training.batch_size: [8, 16, 32]
  training.epochs: [1, 2, 3]
"""


def _summaries(settings: list[Setting]) -> list[TrialSummary]:
    return [
        TrialSummary(
            number, setting, "completed", (float(str(setting.values["training.epochs"])),), (1,)
        )
        for number, setting in enumerate(settings, start=1)
    ]


def test_what_decides_is_important(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, TEXT)
    found = importance(_summaries(list(grid(sweep.parameters))), sweep.parameters, True)
    assert found["training.epochs"] > 0.95
    assert found["training.batch_size"] < 0.05


def test_of_few_settings_nothing_is_said(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, TEXT)
    assert importance(_summaries(list(grid(sweep.parameters))[:3]), sweep.parameters, True) == {}


def test_of_settings_without_common_parameters_nothing_is_said(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, TEXT)
    listed = [Setting(setting.values, {}) for setting in grid(sweep.parameters)]
    assert importance(_summaries(listed), sweep.parameters, True) == {}
