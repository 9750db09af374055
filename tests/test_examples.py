"""Every shipped config is right and trains."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dl.config.load import load_config
from dl.init.examples import GALLERY, Example, examples, write_example

Dl = Callable[..., Any]
CONFIGS = Path(__file__).parents[1] / "configs"
NEEDS_NETWORK = {"mnist", "mnist-cnn"}
NEEDS_PICTURES = {"images"}
COURSE = "course"


def _configs() -> list[Example]:
    return [example for example in examples().values() if not example.is_sweep]


@pytest.mark.parametrize("example", _configs(), ids=lambda example: example.name)
def test_a_shipped_config_is_right(example: Example, tmp_path: Path) -> None:
    config = load_config(_written(example, tmp_path)).config
    assert config.name == example.name


def test_the_installed_configs_are_those_of_the_checkout() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in CONFIGS.rglob("*.yaml")}
    assert {example.name: example.text for example in examples().values()} == texts


def test_every_config_of_the_course_is_trained_by_its_tests() -> None:
    texts = [path.read_text() for path in (CONFIGS.parent / "tests" / "course").glob("test_*.py")]
    names = [example.name for example in examples().values() if example.group == COURSE]
    assert len(names) > 20
    assert not [name for name in names if not any(f'"{name}"' in text for text in texts)]


def test_list_fits_a_terminal_and_is_grouped(dl: Dl) -> None:
    lines = dl("init", "--example").out.splitlines()
    assert lines[lines.index("course") + 1].startswith("  01-perceptron ")
    assert not [line for line in lines if len(line) > 80]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        example.name
        for example in _configs()
        if example.name not in NEEDS_NETWORK and not example.group.startswith((COURSE, GALLERY))
    ],
)
def test_a_shipped_config_trains(name: str, tmp_path: Path, dl: Dl, drawn: None) -> None:
    if name in NEEDS_PICTURES:
        _make_pictures(tmp_path / "data" / "images")
    _train(dl, _written(examples()[name], tmp_path), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NEEDS_NETWORK))
def test_a_shipped_config_of_downloaded_data_trains_on_arrays_of_that_shape(
    name: str, tmp_path: Path, dl: Dl, drawn: None
) -> None:
    _make_mnist(tmp_path / "mnist.npz")
    text = examples()[name].text.replace("source: keras", "source: npz")
    path = tmp_path / f"{name}.yaml"
    path.write_text(text.replace("dataset: mnist ", "path: mnist.npz "), encoding="utf-8")
    _train(dl, path, tmp_path)


def _train(dl: Dl, config: Path, folder: Path) -> None:
    short = ["--set", "training.epochs=1", "--runs", folder / "runs", "--quiet", "--json"]
    done = dl("train", config, *short)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["status"] == "completed"


def _written(example: Example, folder: Path) -> Path:
    if example.group.startswith(GALLERY):
        return write_example(example.name, folder)[-1]
    for table in CONFIGS.rglob("*.csv"):
        shutil.copy(table, folder)
    path = folder / f"{example.name}.yaml"
    path.write_text(example.text, encoding="utf-8")
    return path


def _make_pictures(folder: Path) -> None:
    """Makes small pictures of three classes: bluish, greenish and reddish."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    colours = {"blue": (40, 40, 200), "green": (40, 200, 40), "red": (200, 40, 40)}
    for name, colour in colours.items():
        (folder / name).mkdir(parents=True)
        for number in range(10):
            noise = random.integers(-40, 40, (12, 16, 3))
            pixels = (np.array(colour) + noise).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def _make_mnist(path: Path) -> None:
    import numpy as np

    random = np.random.default_rng(0)
    arrays = {
        f"{axis}_{part}": random.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        if axis == "x"
        else np.arange(rows, dtype=np.uint8) % 10
        for axis in "xy"
        for part, rows in {"train": 200, "test": 40}.items()
    }
    np.savez(path, **arrays)
