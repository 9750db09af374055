"""Masks beside pictures: a class for each pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from dl.config.load import Loaded, load_config
from dl.data.load import load_dataset, load_part
from dl.data.resolve import resolve_config
from dl.data.types import Array, Part
from dl.errors import ConfigError, DataError, Problem
from dl.predict.evaluate import evaluate, predict
from dl.progress import SilentReporter
from dl.training.setup import prepare
from support.streaming import assert_same, both

RANDOM = np.random.default_rng(3)
SIZE = (6, 8)
CLASSES = RANDOM.integers(0, 3, (8, *SIZE)).astype(np.uint8)
NETWORK = [{"type": "Conv2D", "filters": 3, "kernel_size": 1, "activation": "softmax"}]
LOSS = "sparse_categorical_crossentropy"


def save(root: Path, masks: Callable[[Array], Image.Image], classes: Array = CLASSES) -> Path:
    """Saves pictures, and a mask for each."""
    for number, mask in enumerate(classes):
        for folder in ("images", "masks"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        pixels = RANDOM.integers(0, 256, (*mask.shape, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"{number}.png")
        masks(mask).save(root / "masks" / f"{number}.png")
    return root


def gray(mask: Array) -> Image.Image:
    return Image.fromarray(mask)


def loaded(root: Path, *overrides: str, network: Any = NETWORK, **data: Any) -> Loaded:
    section = {"source": "images", "path": "images", "masks": "masks", "image_size": list(SIZE)}
    document = {
        "data": {**section, "split": {"validation": 0, "test": 0.25}, **data},
        "model": {"layers": network},
        "training": {"loss": LOSS},
    }
    (root / "case.yaml").write_text(yaml.safe_dump(document))
    return load_config(root / "case.yaml", overrides)


def classes_of(part: Part) -> Array:
    """The class of each pixel, by the place of its picture."""
    order = np.argsort(part.rows)
    return np.asarray(part.y[:])[order]


def whole(root: Path, **data: Any) -> Array:
    config = loaded(root, split={"validation": 0, "test": 0}, **data).config
    return classes_of(load_dataset(config, SilentReporter()).train)


def problem(root: Path, **data: Any) -> Problem:
    one = loaded(root, **data)
    with pytest.raises((DataError, ConfigError)) as raised:
        read(one)
    (found,) = raised.value.problems
    return found


def read(one: Loaded) -> Any:
    from dl.data.load import read_dataset

    return read_dataset(one, SilentReporter())


def palette(mask: Array) -> Image.Image:
    image = Image.fromarray(mask).convert("P")
    image.putdata(mask.reshape(-1).tolist())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    return image


def colours(mask: Array) -> Image.Image:
    table = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    return Image.fromarray(table[mask])


def gray_as_colours(mask: Array) -> Image.Image:
    return Image.fromarray(np.repeat(mask[..., None], 3, axis=-1))


def two_bits(mask: Array) -> Image.Image:
    return Image.fromarray(mask * 85)  # as Pillow opens them


@pytest.mark.parametrize("form", [gray, palette, gray_as_colours])
def test_pixels_are_classes_in_any_form(form: Any, tmp_path: Path) -> None:
    save(tmp_path, form)
    np.testing.assert_array_equal(whole(tmp_path, classes=["a", "b", "c"]), CLASSES)
    np.testing.assert_array_equal(whole(tmp_path), CLASSES)


def test_values_have_their_classes(tmp_path: Path) -> None:
    save(tmp_path, lambda mask: gray(mask * 100 + 5))
    found = whole(tmp_path, classes=["a", "b", "c"], mask_values=[205, 5, 105])
    np.testing.assert_array_equal(found, (CLASSES + 1) % 3)


def test_colours_are_classes(tmp_path: Path) -> None:
    save(tmp_path, colours)
    named = whole(tmp_path, mask_values=["#0000ff", "#000000", "#ff0000"])
    np.testing.assert_array_equal(named, (CLASSES + 1) % 3)
    one = loaded(tmp_path)
    dataset = read(one)
    assert dataset.target.classes == ("#000000", "#0000ff", "#ff0000")
    resolved = resolve_config(one.config, dataset).data
    assert getattr(resolved, "mask_values", None) == dataset.target.classes


def test_masks_are_resized_by_the_nearest_pixel(tmp_path: Path) -> None:
    large = CLASSES.repeat(5, axis=1).repeat(5, axis=2)
    save(tmp_path, gray, large)
    np.testing.assert_array_equal(whole(tmp_path), CLASSES)


def test_masks_of_two_bits_hold_small_numbers(tmp_path: Path) -> None:
    save(tmp_path, gray)
    for number, mask in enumerate(CLASSES):
        image = Image.fromarray(mask).convert("P")
        image.putdata(mask.reshape(-1).tolist())
        image.save(tmp_path / "masks" / f"{number}.png", bits=2)
    np.testing.assert_array_equal(whole(tmp_path), CLASSES)


def test_streamed_masks_are_those_in_memory(tmp_path: Path) -> None:
    save(tmp_path, lambda mask: gray(np.where(mask == 2, 255, mask).astype(np.uint8)))
    for ignored in (None, 255):
        config = loaded(tmp_path, mask_ignore=ignored).config
        in_memory, on_disk, *_ = both(config)
        assert_same(in_memory, on_disk)
        assert not isinstance(on_disk.train.y, np.ndarray)
        first, second = in_memory.train.targets()[1], on_disk.train.targets()[1]
        assert (first is None) == (second is None) == (ignored is None)
        if first is not None:
            np.testing.assert_array_equal(first, second)


def test_pixels_that_are_ignored_count_nowhere(tmp_path: Path) -> None:
    hidden = np.where(RANDOM.random(CLASSES.shape) < 0.3, 255, CLASSES).astype(np.uint8)
    save(tmp_path, gray, hidden)
    names = ["accuracy", {"type": "MeanIoU", "num_classes": 3}, "SparseCategoricalCrossentropy"]
    names += [{"type": "OneHotMeanIoU", "num_classes": 3}, "Precision", "AUC"]
    names += [{"type": "IoU", "num_classes": 3, "target_class_ids": [1]}]
    one = loaded(tmp_path, f"training.metrics={names}".replace("'", ""), mask_ignore=255)
    made = prepare(one, read(one), SilentReporter())
    part = made.dataset.parts["test"]
    measured = list(evaluate(made.model, part, made.config).values())
    outputs = predict(made.model, part.x, SilentReporter())
    counts = hidden[part.rows] != 255
    true, said = hidden[part.rows][counts].astype(int), outputs[counts]
    guess = said.argmax(axis=-1)
    entropy = -np.log(said[np.arange(len(true)), true])
    both_are = np.array([((true == c) & (guess == c)).sum() for c in range(3)])
    either = np.array([((true == c) | (guess == c)).sum() for c in range(3)])
    hits = (said > 0.5) & (np.eye(3)[true] == 1)
    np.testing.assert_allclose(
        [*measured[:5], measured[5], measured[7]],
        [
            entropy.mean(),
            (guess == true).mean(),
            (both_are / either).mean(),
            entropy.mean(),
            (both_are / either).mean(),
            hits.sum() / max(1, (said > 0.5).sum()),
            both_are[1] / either[1],
        ],
        rtol=1e-5,
    )
    assert made.dataset.target.classes == ("0", "1", "2")


def test_ignored_pixels_do_not_train(tmp_path: Path) -> None:
    """What stands in the picture at such a pixel changes no weight."""
    from dl.training.fit import fit

    hidden = np.where(RANDOM.random(CLASSES.shape) < 0.3, 255, CLASSES).astype(np.uint8)
    weights = []
    for folder, shade in (("a", 0), ("b", 200)):
        root = save(tmp_path / folder, gray, hidden)
        for number, mask in enumerate(hidden):
            pixels = np.zeros((*SIZE, 3), np.uint8) + mask[..., None] * 50
            pixels[mask == 255] = shade
            Image.fromarray(pixels).save(root / "images" / f"{number}.png")
        one = loaded(root, "training.epochs=2", mask_ignore=255)
        made = prepare(one, read(one), SilentReporter())
        fit(made, SilentReporter(), lambda row: None)
        weights.append(made.model.get_weights())
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_two_classes_fit_one_output(tmp_path: Path) -> None:
    save(tmp_path, lambda mask: gray((mask > 0).astype(np.uint8) * 255))
    network = [{"type": "Conv2D", "filters": 1, "kernel_size": 1, "activation": "sigmoid"}]
    metrics = "training.metrics=[accuracy, BinaryIoU, {type: MeanIoU, num_classes: 2}]"
    options = {"classes": ["ground", "pet"], "mask_values": [0, 255], "network": network}
    one = loaded(tmp_path, "training.loss=binary_crossentropy", metrics, **options)
    made = prepare(one, read(one), SilentReporter())
    part = made.dataset.parts["test"]
    measured = evaluate(made.model, part, made.config)
    guess = predict(made.model, part.x, SilentReporter())[..., 0] >= 0.5
    true = CLASSES[part.rows] > 0
    each = [((true == c) & (guess == c)).sum() / ((true == c) | (guess == c)).sum() for c in (0, 1)]
    assert measured["accuracy"] == pytest.approx((true == guess).mean())
    assert measured["BinaryIoU"] == measured["mean_io_u"] == pytest.approx(np.mean(each))


def test_another_folder_is_measured_by_the_same_values(tmp_path: Path) -> None:
    save(tmp_path, lambda mask: gray(mask + 1))
    one = loaded(tmp_path, classes=["a", "b", "c"], mask_values=[1, 2, 3])
    dataset = read(one)
    other = save(tmp_path / "other", lambda mask: gray(mask + 1), CLASSES[:2] * 0 + 2)
    resolved = resolve_config(one.config, dataset)
    part = load_part(resolved, dataset.preprocessing, other, SilentReporter())
    assert (part.y[:] == 2).all()
    with pytest.raises(DataError) as raised:
        load_part(resolved, dataset.preprocessing, other / "images", SilentReporter())
    assert raised.value.problems[0].message == f"{other / 'images'}: has no folder images"


def test_what_is_wrong_with_masks_is_said_with_the_file(tmp_path: Path) -> None:
    root = save(tmp_path, gray)
    (root / "masks" / "3.png").rename(root / "masks" / "mask3.png")
    found = problem(root)
    assert found.message == f"{root}/images/3.png: has no mask"
    assert found.expected == f"{root}/masks/3.png, or of another ending"
    (root / "masks" / "mask3.png").rename(root / "masks" / "3.png")

    found = problem(root, mask_values=[0, 1])
    assert found.message == f"{root}/masks/0.png: the mask holds a value that is no class"
    count, (row, column) = int((CLASSES[0] == 2).sum()), np.argwhere(CLASSES[0] == 2)[0]
    assert found.expected == "one of 0, 1 (`data.mask_values`)"
    assert found.found == (
        f"2 in {count} pixels, the first in row {row}, column {column} (counted from 0)"
    )
    assert found.hint == (
        "correct the mask, name the class in `data.mask_values` and `data.classes`, or write "
        "`mask_ignore: 2` where such pixels do not count"
    )

    found = problem(root, classes=["a", "b"])
    assert found.message.endswith(
        "data.classes does not say which value of the masks each class has"
    )
    assert found.found == "0, 1, 2"

    gray(CLASSES[0][:3]).save(root / "masks" / "0.png")
    found = problem(root)
    assert found.message == f"{root}/masks/0.png: the mask has another size than its picture"
    assert (found.expected, found.found) == (
        f"8 x 6 pixels, as {root}/images/0.png",
        "8 x 3",
    )
    (root / "masks" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    assert problem(root).message.startswith(f"{root}/masks/0.png: ")
    colours(CLASSES[0]).save(root / "masks" / "0.png")
    found = problem(root)
    assert found.message == f"{root / 'masks'}: some masks hold numbers, others colours"


def test_values_of_named_classes_are_asked_for_with_the_line_to_write(tmp_path: Path) -> None:
    root = save(tmp_path, lambda mask: gray(mask + 1))
    found = problem(root, classes=["a", "b", "c"])
    assert found.hint == "write mask_values: [1, 2, 3], in the order of the classes"


def test_masks_of_one_class_teach_nothing(tmp_path: Path) -> None:
    root = save(tmp_path, gray, CLASSES * 0 + 1)
    found = problem(root, classes=["a", "b", "c"])
    assert "has one class only in the training part" in found.message
    for number, rows in enumerate(CLASSES):
        gray(rows if number else rows * 0 + 255).save(root / "masks" / f"{number}.png")
    parts = {"validation_path": "one/images", "validation_masks": "one/masks"}
    save(root / "one", gray, CLASSES[:1] * 0 + 255)
    found = problem(root, mask_ignore=255, **parts)
    assert found.message.endswith("no pixel of the masks of one part counts")


def test_a_mask_without_a_picture_is_told(tmp_path: Path) -> None:
    root = save(tmp_path, gray)
    gray(CLASSES[0]).save(root / "masks" / "more.png")
    reporter = SilentReporter()
    load_dataset(loaded(root).config, reporter)
    assert reporter.warnings == [f"{root}/masks: 1 mask without a picture, such as more.png"]
