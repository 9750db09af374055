"""Masks beside the pictures of the source `images`: pictures whose pixels are classes.

A mask lies below the folder of masks where its picture lies below that of pictures, with the same
name but for the ending. Its pixels are numbers, gray or the entries of a palette, or colours. It is
resized by taking the nearest pixel, and kept as the positions of classes, a byte for each pixel.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from dl.config.data import MASKS, PATHS, ImagesData
from dl.data.files import ahead, fingerprint_files, unchanged
from dl.data.sources.found import media_files, parts_of
from dl.data.sources.images import medium, opened_picture, stored_pixels, without_warnings
from dl.data.sources.media import FileReader
from dl.data.storage import ScratchFile
from dl.data.types import IGNORED, Array, RawArrays, RawParts, Rows, blocks, made_of
from dl.errors import DataError
from dl.progress import Reporter
from dl.text import listing, plural
from dl.vocabulary.spec import Findings

FOLDERS = ("images", "masks")
"""What a folder of pictures with masks holds, to measure a model on."""
_MOST_CLASSES = IGNORED - 1
_STEPS_OF_GRAY = {"L;2": 85, "L;4": 17}
"""What Pillow makes of 1 in a picture of fewer than 8 bits: it stretches them to 255."""
_MOST_LISTED = 10

Codes = NDArray[np.int32]
"""Pixels of masks: numbers as they are, colours as -1 - red * 65536 - green * 256 - blue."""


def code_of(value: int | str) -> int:
    """Returns the code of a value of `data.mask_values`: a number, or a colour `#rrggbb`."""
    return value if isinstance(value, int) else -1 - int(value[1:], 16)


def _number_of(code: int) -> int:
    """Returns the number that a gray colour stands for; of another one its code."""
    red, green, blue = (-1 - code >> shift & 255 for shift in (16, 8, 0))
    return red if code < 0 and red == green == blue else code


def text_of(code: int) -> str:
    """Returns how a config writes what a code stands for."""
    return str(code) if code >= 0 else f"#{-1 - code:06x}"


@dataclass
class _Classes:
    """Turns codes into bytes, in the order in which they come; and says which are classes."""

    data: ImagesData
    found: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ignored = None if self.data.mask_ignore is None else code_of(self.data.mask_ignore)
        known = self.data.mask_values
        self.known = None if known is None else tuple(map(code_of, known))
        self.colours = any(code < 0 for code in (*(self.known or ()), self.ignored or 0))

    def bytes_of(self, codes: Codes, present: Codes, path: Path) -> NDArray[np.uint8]:
        """Returns the place in `found` of each code; `present` are those of the whole mask."""
        for code in present.tolist():
            plain = code if self.colours else _number_of(code)
            if self.known is not None and plain not in (*self.known, self.ignored):
                raise self._no_class(path, code)
            self.found.setdefault(code, len(self.found))
        if len(self.found) > _MOST_CLASSES:
            raise DataError(
                f"{path}: the masks hold more than {_MOST_CLASSES} different values up to this one",
                expected="a value for each class",
                hint="masks are no photographs: save them as PNG, since JPEG changes values",
            )
        places = np.array([self.found[code] for code in present.tolist()], np.uint8)
        return np.asarray(places[np.searchsorted(present, codes)])

    def _no_class(self, path: Path, code: int) -> DataError:
        codes = codes_of(path, colours=self.colours)
        row, column = np.argwhere(codes == code)[0].tolist()
        said = [text_of(known) for known in self.known or ()]
        value = text_of(code) if code >= 0 else f'"{text_of(code)}"'
        return DataError(
            f"{path}: the mask holds a value that is no class",
            expected=f"one of {listing(said, '', _MOST_LISTED)} (`data.mask_values`)",
            found=f"{text_of(code)} in {plural(int((codes == code).sum()), 'pixel')}, the first in "
            f"row {row}, column {column} (counted from 0)",
            hint="correct the mask, name the class in `data.mask_values` and `data.classes`, or "
            f"write `mask_ignore: {value}` where such pixels do not count",
        )

    def codes(self) -> tuple[int, ...]:
        """Returns the code of each class, in the order of the classes."""
        if self.known is not None:
            return self.known
        found = set(self._named.values()) - {self.ignored}
        if found and min(found) < 0 <= max(found):
            raise DataError(
                f"{self.data.masks}: some masks hold numbers, others colours",
                expected="numbers in all, or colours in all",
                found=listing(map(text_of, sorted(found)), "and", _MOST_LISTED),
                hint="save all in one way, or name the colours in `data.mask_values`",
            )
        ordered = tuple(sorted(found) if not found or min(found) >= 0 else sorted(found)[::-1])
        names = self.data.classes
        if names is None:
            return ordered
        if found <= set(range(len(names))):
            return tuple(range(len(names)))
        values = listing(map(text_of, ordered), "", _MOST_LISTED)
        quoted = ", ".join(text_of(c) if c >= 0 else f'"{text_of(c)}"' for c in ordered[:30])
        raise Findings.one(
            ("data", "classes"),
            "does not say which value of the masks each class has",
            expected=f"values from 0 to {len(names) - 1}, in the order of the classes",
            found=values,
            hint=f"write mask_values: [{quoted}], in the order of the classes"
            if len(ordered) == len(names)
            else f"name {len(ordered)} classes, and write mask_values in their order; values that "
            "do not count: mask_ignore",
        )

    @property
    def _named(self) -> dict[int, int]:
        """What each code stands for: where all colours are gray, their numbers."""
        numbers = {code: _number_of(code) for code in self.found}
        gray = not self.colours and all(code >= 0 for code in numbers.values())
        return numbers if gray else {code: code for code in self.found}

    def table(self) -> NDArray[np.uint8]:
        """Returns the position of the class of each place in `found`, or `IGNORED`."""
        position = {code: place for place, code in enumerate(self.codes())}
        return np.array([position.get(code, IGNORED) for code in self._named.values()], np.uint8)


def read_masked(data: ImagesData, reporter: Reporter, streamed: bool) -> RawParts:
    """Returns the parts: the pictures with their masks.

    Raises:
        DataError: A picture has no mask, or one of another size or with other values.
        Findings: The config does not say which value each class has.
    """
    pairs = {
        key: _pairs(Path(getattr(data, key)), Path(getattr(data, masks)), data, reporter)
        for key, masks in zip(PATHS, MASKS, strict=False)
        if getattr(data, key) is not None
    }
    listed = [file for part in pairs.values() for pair in part for file in pair]
    with unchanged(listed):
        classes = _Classes(data)
        read = {key: _part(part, classes, reporter, streamed) for key, part in pairs.items()}
        fingerprint = fingerprint_files(listed)
    parts = {key: make() for key, make in read.items()}
    values = tuple(map(text_of, classes.codes()))
    names = data.classes or values
    return parts_of(
        parts, class_names=names, class_values=values, image=True, fingerprint=fingerprint
    )


def read_masked_part(path: Path, data: ImagesData, reporter: Reporter, streamed: bool) -> RawArrays:
    """Returns other pictures with their masks: a folder that holds `images` and `masks`."""
    pictures, masks = (path / name for name in FOLDERS)
    for folder in (pictures, masks):
        if not folder.is_dir():
            raise DataError(
                f"{path}: has no folder {folder.name}",
                expected="a folder that holds `images` and `masks`, with a mask for each image",
                hint="put both into a folder by these names",
            )
    pairs = _pairs(pictures, masks, data, reporter)
    return _part(pairs, _Classes(data), reporter, streamed)()


def _pairs(
    pictures: Path, masks: Path, data: ImagesData, reporter: Reporter
) -> list[tuple[Path, Path]]:
    """Returns each picture of a folder with its mask."""
    kind = medium(data)
    by_name: Mapping[Path, Path] = {
        path.relative_to(masks).with_suffix(""): path for path in media_files(masks, kind)
    }
    files = [path for path in media_files(pictures, kind) if not path.is_relative_to(masks)]
    if not files:
        raise DataError(
            f"{pictures}: there is no picture",
            expected="pictures, each with a mask",
            hint="name another folder",
        )
    names = [path.relative_to(pictures).with_suffix("") for path in files]
    lacking = [path for path, name in zip(files, names, strict=True) if name not in by_name]
    if lacking:
        wanted = masks / lacking[0].relative_to(pictures).with_suffix(".png")
        others = f", as for {plural(len(lacking) - 1, 'other picture')}" if lacking[1:] else ""
        raise DataError(
            f"{lacking[0]}: has no mask",
            expected=f"{wanted}, or of another ending",
            found=f"none{others}",
            hint="give the mask the name of its picture, or take the picture out of the folder",
        )
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(
            f"{pictures / twice}: two pictures have this name and another ending",
            expected="a mask for each picture",
            hint="rename one of them, and its mask",
        )
    if spare := sorted(set(by_name) - set(names)):
        noun = plural(len(spare), "mask")
        reporter.warn(f"{masks}: {noun} without a picture, such as {by_name[spare[0]].name}")
    return [(path, by_name[name]) for path, name in zip(files, names, strict=True)]


def _part(
    pairs: Sequence[tuple[Path, Path]], classes: _Classes, reporter: Reporter, streamed: bool
) -> Callable[[], RawArrays]:
    """Reads pictures and masks; the rows can be had when the masks of all parts are read."""
    pictures = [picture for picture, _ in pairs]
    reader = FileReader(medium(classes.data), reporter, streamed)
    plain = reader.rows(pictures, str(pictures[0].parent))
    y = _read(pairs, classes, reporter, streamed)

    def make() -> RawArrays:
        table = classes.table()
        if isinstance(y, np.ndarray):
            for row in y:  # in place: there is no second copy of all masks
                row[:] = table[row]
        rows = y if isinstance(y, np.ndarray) else made_of(y, lambda some: table[some])
        return replace(plain, y=rows, masks=True)

    return make


def _read(
    pairs: Sequence[tuple[Path, Path]], classes: _Classes, reporter: Reporter, streamed: bool
) -> Rows:
    """Returns the masks as places in what is found of values, shape (rows, height, width)."""
    size, threads = classes.data.image_size, os.cpu_count() or 1
    tasks = (partial(_mask, *pair, size, colours=classes.colours) for pair in pairs)
    scratch = ScratchFile() if streamed else None
    y = np.empty((0 if scratch else len(pairs), *size), np.uint8)
    with (
        without_warnings(),
        reporter.stage("Decoding masks", len(pairs)) as advance,
        closing(ahead(tasks, threads, 2 * threads)) as masks,
    ):
        for place, (codes, present) in enumerate(masks):
            row = classes.bytes_of(codes, present, pairs[place][1])
            if scratch is None:
                y[place] = row
            else:
                scratch.write(row)
            advance(1)
    return y if scratch is None else scratch.array(np.uint8, (len(pairs), *size))


def _mask(
    picture: Path, path: Path, shape: tuple[int, int], *, colours: bool
) -> tuple[Codes, Codes]:
    """Returns the codes of a mask that is resized, and those that are in it, ascending."""
    codes = codes_of(path, colours=colours)
    if (size := upright_size(picture)) != codes.shape[::-1]:
        raise DataError(
            f"{path}: the mask has another size than its picture",
            expected=f"{size[0]} x {size[1]} pixels, as {picture}",
            found=f"{codes.shape[1]} x {codes.shape[0]}",
            hint="resize the mask by the nearest pixel, or the picture",
        )
    return resized(codes, shape), np.unique(codes)


def resized(mask: Array, shape: Sequence[int]) -> Array:
    """Returns a mask in another height and width: of each pixel the nearest one."""
    rows, columns = (
        ((np.arange(wanted) + 0.5) * there / wanted).astype(np.intp)
        for wanted, there in zip(shape, mask.shape, strict=True)
    )
    return np.asarray(mask[np.ix_(rows, columns)])


def upright_size(path: Path) -> tuple[int, int]:
    """Returns width and height of a picture as its EXIF data turns it."""
    with opened_picture(path) as opened:
        turned = opened.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        return (opened.height, opened.width) if turned else (opened.width, opened.height)


def codes_of(path: Path, *, colours: bool) -> Codes:
    """Returns the pixels of a mask, shape (height, width); `colours`: none of them as numbers."""
    with opened_picture(path) as opened:
        step = _STEPS_OF_GRAY.get(stored_pixels(opened)[0], 1)
        image: Image.Image = ImageOps.exif_transpose(opened)
        numbers = image.mode in ("1", "L", "P") or image.mode.startswith("I;16")
        if numbers and not colours:
            return np.asarray(image).astype(np.int32) // step
        red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")).astype(np.int32), -1, 0)
    return np.asarray(-1 - (red << 16) - (green << 8) - blue)


def weights_of_pixels(raw: RawArrays) -> Rows | None:
    """Returns 0 for pixels that do not count, in the mean over all 1; None if all count.

    Raises:
        DataError: No pixel counts.
    """
    y = raw.y
    if y is None:
        return None
    counted = sum(float((y[some] != IGNORED).mean(axis=(1, 2)).sum()) for some in blocks(y))
    share = counted / len(raw)
    if share == 0:
        raise DataError(
            f"{raw.source}: no pixel of the masks of one part counts",
            expected="pixels of a class",
            found="`data.mask_ignore` in all",
            hint="correct the masks, or `data.mask_ignore`",
        )
    if share == 1:
        return None
    return made_of(y, lambda some: ((some != IGNORED) / np.float32(share)).astype(np.float32))
