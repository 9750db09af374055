"""A first config of a folder that holds pictures and their masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dl.config.load import load_text
from dl.data.load import read_dataset
from dl.errors import DataError
from dl.init.draft import first_config
from dl.progress import SilentReporter
from dl.training.setup import prepare

RANDOM = np.random.default_rng(1)


def save(root: Path, values: list[int]) -> Path:
    for number in range(40):
        mask = RANDOM.choice(values, (10, 14)).astype(np.uint8)
        for folder in ("images", "masks"):
            (root / folder).mkdir(exist_ok=True)
        pixels = RANDOM.integers(0, 256, (10, 14, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"{number}.jpg")
        Image.fromarray(mask).save(root / "masks" / f"{number}.png")
    return root


@pytest.mark.parametrize(
    ("values", "told", "units"),
    [([1, 2, 3], "[1, 2, 3]", 3), ([0, 255], "[0, 255]", 1), ([0, 1, 255], "[0, 1]", 1)],
)
def test_a_folder_of_masks_has_a_config_that_fits(
    values: list[int], told: str, units: int, tmp_path: Path
) -> None:
    text = first_config(save(tmp_path, values), [])
    assert f"mask_values: {told}" in text
    assert ("mask_ignore: 255" in text) is (values == [0, 1, 255])
    loaded = load_text(tmp_path / "first.yaml", text.encode(), ())
    made = prepare(loaded, read_dataset(loaded, SilentReporter()), SilentReporter())
    assert made.model.output_shape == (None, 8, 16, units)


def test_photographs_are_no_masks(tmp_path: Path) -> None:
    save(tmp_path, list(range(256)))
    with pytest.raises(DataError) as raised:
        first_config(tmp_path, [])
    (problem,) = raised.value.problems
    assert problem.message.endswith("the masks hold more than 60 values up to this one")
