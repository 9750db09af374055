"""The page of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from dl.report.sweep_page import sweep_page
from dl.rundir.directory import SweepDirectory
from dl.sweeps.results import Results
from support.sweeps import FakePool, make_sweep, run_loop

GRID = """\
name: search
method: grid
parameters: {model.layers.hidden.units: [4, 8, 16]}
"""


@pytest.fixture
def results(tmp_path: Path) -> Results:
    sweep = make_sweep(tmp_path, GRID)
    loop = run_loop(sweep, tmp_path, FakePool(lambda task: [0.1 * task.key[0], 0.2 * task.key[0]]))
    record = sweep.first_record(("dl", "sweep", "sweep.yaml"))
    return Results.of(SweepDirectory(tmp_path / "run"), record, loop.journal)


def test_the_leaderboard_has_a_row_for_each_setting(results: Results) -> None:
    text = sweep_page(results)
    assert text.count("not tested: one training each") == 2
    assert "<td>0.6</td>" in text
    assert '<section id="learning"' in text


def test_pictures_of_the_sweep_are_in_the_page(results: Results) -> None:
    results.directory.plots.mkdir()
    for name in ("importance", "learning_curves"):
        Image.new("RGB", (4, 4)).save(results.directory.plots / f"{name}.png")
    text = sweep_page(results)
    assert text.count('<figure class="picture">') == 1
    assert 'alt="importance"' in text


def test_the_board_leads_to_the_trainings(results: Results) -> None:
    training = {
        "address": "search/0001/trials/0001/0001",
        "run": "0001/0001",
        "status": "completed",
        "epochs": 2,
        "seconds": 1.0,
        "metric": "accuracy",
        "value": None,
    }
    text = sweep_page(results, [training])
    assert '<a href="/run/search/0001/trials/0001/0001">0001/0001</a>' in text
    assert '<section id="trainings"' not in sweep_page(results)
