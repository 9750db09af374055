"""The source `images`."""

from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dl.config.data import ImagesData
from dl.data import storage
from dl.data.sources import images as picture
from dl.data.sources.media import FileReader
from dl.data.types import RawArrays, RawParts
from dl.errors import DataError, Problem
from dl.progress import SilentReporter
from dl.vocabulary.sections import read_section

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def save(path: Path, color: object = RED, size: tuple[int, int] = (6, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)  # type: ignore[arg-type]
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two pictures of cats and one of a dog."""
    root = tmp_path / "pictures"
    save(root / "dog" / "1.png", BLUE)
    save(root / "cat" / "2.png", GREEN)
    save(root / "cat" / "10.png", RED)
    return root


def settings(root: Path, **options: object) -> ImagesData:
    fields = {"source": "images", "path": str(root), "image_size": (4, 3), **options}
    return read_section(ImagesData, fields)


def reader(data: ImagesData) -> FileReader:
    return FileReader(picture.medium(data), SilentReporter(), skip=data.corrupt == "skip")


def read_parts_of(root: Path, **options: object) -> RawParts:
    data = settings(root, **options)
    return reader(data).parts(data)


def read(root: Path, **options: object) -> RawArrays:
    train = read_parts_of(root, **options).train
    assert isinstance(train, RawArrays)
    return train


def problem_of(root: Path, **options: object) -> Problem:
    with pytest.raises(DataError) as raised:
        read(root, **options)
    (problem,) = raised.value.problems
    return problem


def names(rows: RawArrays, root: Path) -> list[str]:
    return [str(Path(file).relative_to(root)) for file in rows.files]


def test_pictures_come_by_class_and_name(folder: Path) -> None:
    rows = read(folder)
    assert names(rows, folder) == ["cat/10.png", "cat/2.png", "dog/1.png"]
    assert rows.y is not None
    assert rows.y.tolist() == ["cat", "cat", "dog"]
    assert rows.x.shape == (3, 4, 3, 3)
    assert rows.x.dtype == np.uint8
    assert [tuple(pixels[0, 0]) for pixels in rows.x] == [RED, GREEN, BLUE]


def test_grayscale_has_one_channel(folder: Path) -> None:
    rows = read(folder, color="grayscale")
    assert rows.x.shape == (3, 4, 3, 1)
    assert rows.x[:, 0, 0, 0].tolist() == [76, 150, 29]


def test_other_files_are_left_out(folder: Path) -> None:
    (folder / "cat" / "notes.txt").write_text("soft")
    (folder / "cat" / ".hidden.png").write_text("soft")
    (folder / ".cache").mkdir()
    (folder / "README.md").write_text("pictures")
    assert len(read(folder)) == 3


def test_deeper_folders_belong_to_their_class(folder: Path) -> None:
    save(folder / "dog" / "old" / "3.jpg")
    assert names(read(folder), folder)[2:] == ["dog/1.png", "dog/old/3.jpg"]


def test_parts_have_folders_of_their_own(folder: Path, tmp_path: Path) -> None:
    save(tmp_path / "test" / "dog" / "1.png")
    parts = read_parts_of(folder, test_path=str(tmp_path / "test"))
    assert parts.image
    assert parts.validation is None
    assert isinstance(parts.test, RawArrays)
    assert parts.test.y is not None
    assert parts.test.y.tolist() == ["dog"]


def test_fingerprint_follows_the_bytes(folder: Path) -> None:
    before = read_parts_of(folder).fingerprint
    assert read_parts_of(folder).fingerprint == before
    save(folder / "dog" / "1.png", RED)
    assert read_parts_of(folder).fingerprint != before


def test_class_of_another_part_is_refused(folder: Path, tmp_path: Path) -> None:
    save(tmp_path / "test" / "fox" / "1.png")
    problem = problem_of(folder, test_path=str(tmp_path / "test"))
    assert problem == Problem(
        f"{tmp_path}/test/fox: is a class that the training folder does not have",
        expected="class folders among cat, dog",
        found="fox",
        hint="rename the folder, or add pictures of the class to the training folder",
    )


def rotated_jpeg(path: Path) -> None:
    """Writes a picture whose left half is red, stored turned to the right as a camera does."""
    upright = Image.new("RGB", (16, 8), BLUE)
    upright.paste(RED, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=95)


def test_picture_is_turned_upright(folder: Path) -> None:
    rotated_jpeg(folder / "dog" / "2.jpg")
    pixels = read(folder, image_size=(8, 16)).x[-1]
    assert pixels[4, 2, 0] > 200
    assert pixels[4, 13, 2] > 200


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_any_mode_is_read(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I;16") else "a.png")
    Image.new(mode, (5, 5)).save(path)
    assert picture.read_picture(path, (2, 3, 3)).shape == (2, 3, 3)


def test_sixteen_bit_grays_keep_their_brightness(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((4, 4), 32_768, np.uint16)).save(path)
    pixels = picture.read_picture(path, (2, 2, 1))
    assert pixels.reshape(-1).tolist() == [128] * 4


def test_truncated_picture_names_its_path(folder: Path) -> None:
    path = save(folder / "dog" / "9.jpg", size=(200, 200))
    path.write_bytes(path.read_bytes()[:-200])
    problem = problem_of(folder)
    assert problem.message == f"{path}: the picture is truncated or damaged"
    assert problem.expected == "a complete picture: BMP, GIF, JPEG, PNG, TIFF, WEBP"
    assert problem.hint == "replace or delete the file"


def test_file_that_is_no_picture_names_its_path(folder: Path) -> None:
    (folder / "dog" / "9.jpg").write_text("I am no picture")
    assert problem_of(folder).message == f"{folder}/dog/9.jpg: is not a picture"


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_damaged_pictures_give_a_picture_or_a_data_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0)
    Image.fromarray(noise.integers(0, 255, (20, 20, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    shape = (4, 4, 3)
    for _ in range(60):
        damaged = bytearray(whole)
        for position in noise.integers(0, len(whole), 3):
            damaged[position] = noise.integers(0, 256)
        path.write_bytes(damaged[: noise.integers(1, len(whole) + 1)])
        with contextlib.suppress(DataError), picture.without_warnings():
            assert picture.read_picture(path, shape).shape == shape


def test_picture_above_the_pixel_limit_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "MOST_PIXELS", 20)
    assert problem_of(folder) == Problem(
        f"{folder}/cat/10.png: the picture is too large",
        expected="at most 20 pixels",
        found="6 x 4 pixels",
        hint="make it smaller, or delete it",
    )


def test_decompression_bomb_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "bomb.png")
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 20_000, 20_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    with pytest.raises(DataError, match="the picture is too large"):
        picture.read_picture(path, (2, 2, 3))


def test_more_pictures_than_the_memory_holds_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "available_memory", lambda: 2**29)
    assert problem_of(folder, image_size=(10_000, 10_000)) == Problem(
        f"{folder}/cat: 3 pictures do not fit in the memory",
        expected="at most 0.4 GiB",
        found="4.2 GiB, in the shape (3, 10000, 10000, 3)",
        hint="make `data.image_size` smaller, or let `engine.memory` be smaller: larger data is "
        "streamed",
    )


def test_empty_class_folder_is_refused(folder: Path) -> None:
    (folder / "fox").mkdir()
    assert problem_of(folder) == Problem(
        f"{folder}/fox: the class folder has no picture",
        expected="a picture or more in each class folder: "
        ".bmp, .gif, .jpeg, .jpg, .png, .tif, .tiff, .webp",
        found="none",
        hint="add pictures, or delete or move the folder",
    )


def test_pictures_outside_of_class_folders_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    assert problem_of(tmp_path) == Problem(
        f"{tmp_path}: has no class folders",
        expected="a folder of pictures for each class, such as cats/ and dogs/",
        found="pictures that are not in a class folder",
        hint="move the pictures of each class into a folder with the name of the class",
    )


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    assert problem_of(tmp_path).found == "no folder"


def test_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    secret = save(tmp_path / "elsewhere" / "1.png")
    (folder / "dog" / "link.png").symlink_to(secret)
    problem = problem_of(folder)
    assert problem.message == f"{folder}/dog/link.png: is a link out of the folder of the data"
    assert problem.found == f"a link to {secret}"


def test_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "dog" / "link.png").symlink_to(folder / "dog" / "1.png")
    assert len(read(folder)) == 4


def test_folder_that_is_a_link_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert len(read(tmp_path / "link")) == 3


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "dog" / "again").symlink_to(folder / "dog")
    assert len(read(folder)) == 3


def test_link_to_nothing_is_left_out(folder: Path) -> None:
    (folder / "dog" / "gone.png").symlink_to(folder / "dog" / "nothing.png")
    assert len(read(folder)) == 3


def test_single_picture_is_read_for_prediction(folder: Path) -> None:
    path = folder / "dog" / "1.png"
    rows = reader(settings(folder)).inputs(path)
    assert (rows.files, rows.y) == ((str(path),), None)
    assert rows.x.shape == (1, 4, 3, 3)


def test_all_pictures_of_a_folder_are_read_for_prediction(folder: Path) -> None:
    save(folder / "loose.png")
    rows = reader(settings(folder)).inputs(folder)
    assert names(rows, folder) == ["cat/10.png", "cat/2.png", "dog/1.png", "loose.png"]


def test_folder_without_pictures_is_refused_for_prediction(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        reader(settings(tmp_path)).inputs(tmp_path)
    assert str(raised.value) == f"{tmp_path}: there is no picture"


def test_labelled_folder_is_read_for_evaluation(folder: Path) -> None:
    rows = reader(settings(folder)).part(folder)
    assert rows.y is not None
    assert rows.y.tolist() == ["cat", "cat", "dog"]
