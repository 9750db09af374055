from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from dl.data.predictions import DecisionSurface, InputPlane, SurfaceFrame
from dl.data.types import Array
from dl.report import surface
from dl.report.facts import RunFacts
from dl.report.plots import draw
from support.pictures import classified, history

SIDE = 11
PLANE = InputPlane(("width (cm)", "height"), (0.0, 0.0), (1.0, 1.0), (0.0, 0.0), (10.0, 10.0))
ACROSS = np.tile(np.linspace(0, 1, SIDE), SIDE)
"""A value that grows from left to right."""


def divided(values: Array, y: Array, epochs: int = 1, **look: float) -> DecisionSurface:
    """Returns a plane that stays as it is over the epochs, with rows on its diagonal."""
    frames = tuple(SurfaceFrame(epoch, values) for epoch in range(epochs))
    rows = np.column_stack([np.linspace(1, 9, len(y))] * 2)
    return DecisionSurface(
        PLANE, (*frames, SurfaceFrame(epochs, values, final=True)), rows, y, **look
    )  # type: ignore[arg-type]


def two_classes(epochs: int = 1, **look: float) -> RunFacts:
    plane = divided(np.column_stack([1 - ACROSS, ACROSS]), np.arange(6) % 2, epochs, **look)
    return RunFacts(
        name="toy/0001", history=history(5), task="binary", classes=("no", "yes"), surface=plane
    )


def many_classes(count: int) -> RunFacts:
    winner = np.minimum((ACROSS * count).astype(int), count - 1)
    values = 0.2 / count + 0.8 * np.eye(count)[winner]
    names = tuple(f"class {index}" for index in range(count))
    plane = divided(values, np.arange(count))
    return RunFacts(name="toy/0001", history=[], task="multiclass", classes=names, surface=plane)


def numbers() -> RunFacts:
    plane = divided(100 * ACROSS[:, None], np.array([3.0, 50.0, 97.0]))
    return RunFacts(
        name="toy/0001", history=[], task="regression", targets=("price (k€)",), surface=plane
    )


def ground(figure: Figure) -> Array:
    return np.asarray(figure.axes[0].images[0].get_array())


def built(run: RunFacts) -> Figure:
    figure = surface.picture(run)
    assert figure is not None
    return figure


def test_the_plane_has_names_and_units() -> None:
    axes = built(two_classes()).axes[0]

    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width (cm)", "height")
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 10), (0, 10))


def test_each_half_has_the_colour_of_its_class() -> None:
    colours = ground(built(two_classes()))

    left, middle, right = colours[5, 0], colours[5, colours.shape[1] // 2], colours[5, -1]
    assert left[2] > left[0]
    assert right[0] > right[2]
    assert middle.min() > 220


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.8])
def test_the_line_is_where_the_prediction_changes(cut: float) -> None:
    axes = built(two_classes(threshold=cut)).axes[0]

    [line] = axes.collections[0].get_paths()
    assert line.vertices[:, 0] == pytest.approx(np.full(len(line.vertices), 10 * cut))


def test_classes_differ_in_marker_and_filling_also_in_grey() -> None:
    figure = built(two_classes())
    [legend] = [figure.axes[0].get_legend()]
    assert legend is not None

    first, second = legend.get_lines()
    assert [text.get_text() for text in legend.get_texts()] == ["no", "yes"]
    assert (first.get_marker(), second.get_marker()) == ("o", "s")
    assert to_rgb(second.get_markerfacecolor()) == (1, 1, 1)
    assert to_rgb(first.get_markerfacecolor()) != (1, 1, 1)


@pytest.mark.parametrize("count", [3, 20])
def test_many_classes_have_a_look_each(count: int) -> None:
    figure = built(many_classes(count))

    legend = figure.axes[0].get_legend()
    assert legend is not None
    looks = {(line.get_marker(), line.get_color()) for line in legend.get_lines()}
    assert len(looks) == len(legend.get_lines()) == min(count, 16)


def test_numbers_have_a_scale_with_the_name_of_the_target() -> None:
    figure = built(numbers())

    assert figure.axes[1].get_ylabel() == "price (k€)"
    colours = ground(figure)
    assert colours[5, 0].sum() > colours[5, 160].sum() > colours[5, -1].sum()


def test_a_run_without_a_plane_has_neither_picture() -> None:
    run = classified(2)

    assert (surface.picture(run), surface.film(run)) == (None, None)


def test_the_film_has_a_frame_for_each_epoch_and_the_weights_that_were_kept() -> None:
    film = surface.film(two_classes(epochs=4))

    assert film is not None
    with Image.open(io.BytesIO(film)) as picture:
        assert (picture.format, picture.n_frames, picture.info["loop"]) == ("GIF", 5, 0)  # type: ignore[attr-defined]
        assert picture.info["duration"] == 1000
        picture.seek(4)
        assert picture.info["duration"] == 3000


def test_the_film_does_not_move_where_there_are_no_epochs() -> None:
    assert surface.film(two_classes(epochs=1)) is None


def test_captions_tell_the_weights_and_the_loss() -> None:
    nothing = np.zeros((4, 2))
    rows = [{"epoch": 1.0, "loss": 0.52341}]

    assert surface.caption(SurfaceFrame(0, nothing), rows) == "epoch 0: the initial weights"
    assert surface.caption(SurfaceFrame(1, nothing), rows) == "epoch 1, loss 0.5234"
    assert surface.caption(SurfaceFrame(1000, nothing), rows) == "epoch 1,000"
    assert surface.caption(SurfaceFrame(1, nothing, True), rows) == "the weights that were kept"


def test_draw_writes_the_picture_and_the_film(tmp_path: Path) -> None:
    drawn = draw(tmp_path, two_classes(epochs=3))

    assert [path.name for path in drawn] == ["learning_curves.png", "boundary.png", "boundary.gif"]
    again = [path.read_bytes() for path in drawn]
    assert [path.read_bytes() for path in draw(tmp_path, two_classes(epochs=3))] == again


def test_numbers_on_both_sides_of_0_have_colours_of_their_own() -> None:
    plane = divided(100 * ACROSS[:, None] - 50, np.array([-50.0, 0.0, 50.0]))
    colours = ground(built(replace(numbers(), surface=plane))).astype(int)

    left, right = colours[0, 0, :3], colours[0, -1, :3]
    assert left[2] > left[0]
    assert right[0] > right[2]
    assert colours[0, colours.shape[1] // 2, :3].min() > 180


@pytest.mark.parametrize(
    ("run", "note"),
    [
        (
            two_classes(),
            "Colour: the class that is predicted, the darker the surer. Line: where it changes, at "
            "a probability of 0.5.",
        ),
        (
            two_classes(probabilities=False),
            "Colour: the class that is predicted. Line: where it changes.",
        ),
        (
            many_classes(3),
            "Colour: the most probable class, the darker the surer. Line: where it changes.",
        ),
        (
            many_classes(1),
            "Colour: the most probable class, the darker the surer. It is the same everywhere.",
        ),
        (numbers(), "Colour: the predicted number; of a point: the true one, on the same scale."),
    ],
    ids=["two classes", "no probabilities", "three classes", "one class", "numbers"],
)
def test_the_note_says_how_to_read_it(run: RunFacts, note: str) -> None:
    assert run.surface is not None
    assert surface.note_of(run, run.surface, run.surface.frames) == note
