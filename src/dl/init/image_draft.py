"""Drafts a config for a folder of pictures: a folder for each class."""

from __future__ import annotations

from pathlib import Path

from dl.config.data import Task
from dl.init.draft import Draft
from dl.init.facts import Target
from dl.init.image_folder import Folders, Look, find_folders, look_at
from dl.init.network import image_layers, training_lines
from dl.init.plan import image_plan
from dl.init.words import run_name, split_lines, target_words
from dl.init.yaml_text import commented, path_line, scalar, shown
from dl.text import plural

_LARGEST_SIDE = 64
_SMALLEST_SIDE = 8
_FEW_PICTURES = 5_000


def draft_images(path: Path) -> Draft:
    """Looks at the folder and a few of its pictures and drafts a config.

    Raises:
        DataError: There are no class folders, or no pictures in one of them.
    """
    folders = find_folders(path)
    look = look_at(folders.train)
    rows, target = sum(look.counts.values()), _target(look)
    height, width = _size(look)
    chosen = image_plan(rows)
    source = [*_source(folders), *_pixels(height, width, look)]
    return Draft(
        name=run_name(path.resolve()),
        title=[f"{shown(path.name)}: {plural(rows, 'picture')}.", target_words(target)],
        data=[*source, *split_lines(chosen, target, own_test=folders.test is not None)],
        preprocess=[commented("  scale: 255", "pixels between 0 and 1")],
        layers=[*_augmentation(rows), *image_layers(height, width, target)],
        training=training_lines(chosen, target, rows),
    )


def _target(look: Look) -> Target:
    task: Task = "binary" if len(look.counts) == 2 else "multiclass"
    rarest = min(look.counts.values())
    return Target(("folder",), task, tuple(look.counts), rarest=rarest)


def _size(look: Look) -> tuple[int, int]:
    """Returns the height and width to resize to: the usual shape, no side longer than 64."""
    share = min(1.0, _LARGEST_SIDE / max(look.height, look.width))
    sides = (max(_SMALLEST_SIDE, round(side * share)) for side in (look.height, look.width))
    height, width = sides
    return height, width


def _source(folders: Folders) -> list[str]:
    lines = ["  source: images", path_line(folders.train)]
    if folders.validation is not None:
        lines.append(f"  validation_path: {scalar(str(folders.validation))}")
    if folders.test is not None:
        lines.append(f"  test_path: {scalar(str(folders.test))}")
    return lines


def _pixels(height: int, width: int, look: Look) -> list[str]:
    usual = f"height, width; usually they have {look.height} x {look.width}"
    size = commented(f"  image_size: [{height}, {width}]", usual)
    return [size, f"  color: {'grayscale' if look.grey else 'rgb'}"]


def _augmentation(rows: int) -> list[str]:
    """Returns layers that vary the pictures a little in training, where there are few."""
    if rows >= _FEW_PICTURES:
        return []
    why = "few pictures: vary them a little in each epoch"
    return [
        commented("    - {type: RandomRotation, factor: 0.03}", why),
        "    - {type: RandomTranslation, height_factor: 0.1, width_factor: 0.1}",
    ]
