import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from dl.errors import RunError
from dl.report.facts import RunFacts
from dl.report.plots import draw
from support.pictures import classified, history, multilabelled, regressed


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_draw_of_pictures_in_classes_makes_all_four(tmp_path: Path) -> None:
    drawn = draw(tmp_path, classified(3))

    assert [path.name for path in drawn] == [
        "learning_curves.png",
        "confusion_matrix.png",
        "examples.png",
        "mistakes.png",
    ]
    assert names(tmp_path) == sorted(path.name for path in drawn)
    for path in drawn:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L"))
        assert 300 < pixels.shape[0] < 2500
        assert 700 < pixels.shape[1] < 2500
        assert 0.01 < np.mean(pixels < 200) < 0.9


def test_draw_of_a_table_in_classes_has_no_pictures_of_rows(tmp_path: Path) -> None:
    draw(tmp_path, replace(classified(2), pictures=None))

    assert names(tmp_path) == ["confusion_matrix.png", "learning_curves.png"]


def test_draw_of_a_regression(tmp_path: Path) -> None:
    draw(tmp_path, regressed())

    assert names(tmp_path) == ["learning_curves.png", "predicted_true.png", "residuals.png"]


def test_draw_of_several_labels(tmp_path: Path) -> None:
    draw(tmp_path, multilabelled())

    assert names(tmp_path) == ["confusion_matrix.png", "learning_curves.png"]


def test_draw_without_rows_shows_only_the_history(tmp_path: Path) -> None:
    draw(tmp_path, RunFacts(name="a", history=history(1), task="binary"))

    assert names(tmp_path) == ["learning_curves.png"]


def test_draw_removes_its_own_earlier_pictures_only(tmp_path: Path) -> None:
    (tmp_path / "mistakes.png").write_bytes(b"old")
    (tmp_path / "mine.png").write_bytes(b"mine")

    draw(tmp_path, RunFacts(name="a", history=[], task="binary"))

    assert names(tmp_path) == ["mine.png"]


def test_draw_gives_the_same_bytes_again(tmp_path: Path) -> None:
    run = replace(classified(2, 4), history=[])

    first = [path.read_bytes() for path in draw(tmp_path, run)]
    second = [path.read_bytes() for path in draw(tmp_path, run)]

    assert first == second
    assert not any(b"Software" in data or b"tIME" in data for data in first)


def test_draw_does_not_depend_on_the_users_settings(tmp_path: Path) -> None:
    run = RunFacts(name="a", history=history(2), task="binary")
    usual = draw(tmp_path, run)[0].read_bytes()

    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "savefig.dpi": 20}):
        other = draw(tmp_path, run)[0].read_bytes()
        assert matplotlib.rcParams["font.size"] == 30

    assert other == usual


def test_draw_copes_with_any_name(tmp_path: Path) -> None:
    odd = ("$x^2", "日本語 \u0600\uffff", "a" * 300, "", "line\nbreak\x1b")
    run = replace(classified(5), name="$odd_{$\n", classes=odd)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(draw(tmp_path, run)) == 4


def test_draw_into_a_missing_folder_is_told(tmp_path: Path) -> None:
    run = RunFacts(name="a", history=history(1), task="binary")

    with pytest.raises(RunError, match="missing is gone"):
        draw(tmp_path / "missing", run)
