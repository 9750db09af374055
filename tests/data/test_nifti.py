"""The source `nifti`: volumes of scanners."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.data.sources.nifti import read_volume, shape_of
from dl.data.types import Array
from dl.errors import DataError
from dl.progress import SilentReporter
from support.nifti import save_nifti
from support.tables import config_with, told

NIBABEL = Path(__file__).parents[1] / "cases" / "nibabel"
EXPECTED = (
    "expected: a complete NIfTI-1 file, .nii or .nii.gz, with one volume of whole numbers or "
    "floats, at most 536,870,912 of them"
)
HINT = "hint: replace it, or save it again: nibabel.save(nibabel.Nifti1Image(array, affine), FILE)"


def scan(number: int, shape: tuple[int, ...] = (3, 4, 5)) -> Array:
    return np.random.default_rng(number).integers(-1000, 400, shape).astype("<i2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of each of two classes, one of them packed."""
    for number, name in enumerate(("healthy/0.nii", "ill/1.nii.gz", "healthy/2.nii", "ill/3.NII")):
        save_nifti(tmp_path / "scans" / name, scan(number))
    return tmp_path / "scans"


def load(path: Path, first: object = "Flatten", memory: object = "auto", **data: Any) -> Dataset:
    settings = {
        **{"source": "nifti", "path": str(path), "volume_size": [3, 4, 5]},
        **{"split": {"validation": 0, "test": 0}, **data},
    }
    last = {"type": "Dense", "units": 1, "activation": "sigmoid"}
    config = config_with(
        settings,
        model={"layers": [first, "Flatten", last]},
        training={"loss": "binary_crossentropy"},
        engine={"memory": memory},
    )
    return load_dataset(config, SilentReporter())


def test_each_file_is_a_row(folder: Path) -> None:
    dataset = load(folder)
    np.testing.assert_array_equal(dataset.train.x[:], [scan(n) for n in (0, 2, 1, 3)])
    assert dataset.train.y[:].reshape(-1).tolist() == [0, 0, 1, 1]


def test_files_of_a_table_are_rows(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "scans.csv"
    table.write_text("scan,age\nill/1,63\nill/1b,71\n")
    save_nifti(folder / "ill" / "1b.nii.gz", scan(9))
    settings = {"table": str(table), "column": "scan", "ending": ".nii.gz", "target": "age"}
    dataset = load(folder, **settings, classes=None, task="binary")
    np.testing.assert_array_equal(dataset.train.x[:], [scan(1), scan(9)])


def test_convolutions_get_an_axis_of_channels(folder: Path) -> None:
    convolution = {"type": "Conv3D", "filters": 2, "kernel_size": 2}
    assert load(folder, convolution).train.x.shape == (4, 3, 4, 5, 1)


@pytest.mark.parametrize("name", ["scaled.nii.gz", "bytes.nii", "extended.nii"])
def test_values_are_those_of_nibabel(name: str) -> None:
    """The files were written and read by nibabel 5.4: big-endian, scaled, with an extension."""
    expected = np.load(NIBABEL / f"{name.partition('.')[0]}.npy")
    found = read_volume(NIBABEL / name, expected.shape)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert shape_of(NIBABEL / name) == expected.shape


def test_values_are_clipped_and_scaled_then_resized(folder: Path) -> None:
    save_nifti(folder / "healthy/0.nii", np.float32([-2000, -1000, 400]).reshape(3, 1, 1))
    row = load(folder, volume_size=[5, 1, 1], intensity=[-1000, 400]).train.x[0]
    assert row.reshape(-1).tolist() == [0, 0, 0, 0.5, 1]


def test_streamed_rows_are_those_in_memory(folder: Path) -> None:
    kept, streamed = (load(folder, memory=m, volume_size=[64, 80, 60]) for m in ("auto", 1))
    assert streamed.storage.streamed
    np.testing.assert_array_equal(streamed.train.x[:], kept.train.x[:])


@pytest.mark.parametrize(
    ("fields", "message", "found"),
    [
        ({0: ("<i", 540)}, "is not a NIfTI-1 file", "a file of another kind, or its beginning"),
        (
            {344: ("4s", b"ni1\0")},
            "is not a NIfTI-1 file",
            "an .hdr file, whose values lie in another one",
        ),
        ({344: ("4s", b"xyz\0")}, "is not a NIfTI-1 file", r"b'xyz\x00'"),
        ({40: ("<h", 2)}, "does not hold a single volume", "the shape (3, 4)"),
        ({42: ("<h", -3)}, "does not hold a single volume", "the shape (-3, 4, 5)"),
        (
            {40: ("<h", 4), 48: ("<h", 2)},
            "does not hold a single volume",
            "the shape (3, 4, 5, 2)",
        ),
        (
            {42: ("<h", 32767), 44: ("<h", 32767), 46: ("<h", 32767)},
            "the volume is too large",
            "the shape (32767, 32767, 32767)",
        ),
        (
            {42: ("<h", 512), 44: ("<h", 512), 46: ("<h", 512)},
            "the volume is truncated or damaged",
            "268,435,808 bytes by its header, 472 at most in it",
        ),
        ({70: ("<h", 128)}, "does not hold numbers that can be read", "values of the type 128"),
        (
            {108: ("<f", float("nan"))},
            "does not tell where its values begin",
            "vox_offset nan",
        ),
        (
            {112: ("<f", float("inf"))},
            "scales its values by no number",
            "inf and 0",
        ),
    ],
)
def test_other_headers_are_refused(
    folder: Path, fields: dict[int, tuple[str, object]], message: str, found: str
) -> None:
    save_nifti(folder / "healthy/2.nii", scan(2), fields)
    assert told(lambda: load(folder), folder) == (
        f"healthy/2.nii: {message}\n{EXPECTED}\nfound: {found}\n{HINT}"
    )


def test_values_that_are_missing_from_a_packed_file_are_told(folder: Path) -> None:
    file = folder / "ill" / "1.nii.gz"
    save_nifti(file, scan(1), {42: ("<h", 300)})
    assert told(lambda: load(folder), folder) == (
        f"ill/1.nii.gz: the volume is truncated or damaged\n{EXPECTED}\n"
        f"found: 11,880 bytes are missing\n{HINT}"
    )
    save_nifti(file, scan(1))
    whole = file.read_bytes()
    file.write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    assert "found: CRC check failed" in told(lambda: load(folder), folder)


def test_header_that_promises_more_than_gzip_can_pack_is_refused_unread(folder: Path) -> None:
    file = folder / "ill" / "1.nii.gz"
    save_nifti(file, scan(1), {42: ("<h", 32767), 44: ("<h", 2000)})
    promised = 352 + 2 * 32767 * 2000 * 5
    assert f"found: {promised:,} bytes by its header, " in told(lambda: load(folder), folder)


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_files_that_are_cut_off_are_refused(name: str, tmp_path: Path) -> None:
    save_nifti(tmp_path / name, scan(0))
    whole = (tmp_path / name).read_bytes()
    for end in range(0, len(whole), 13):
        (tmp_path / name).write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"not a NIfTI-1 file|truncated or damaged"):
            read_volume(tmp_path / name, (3, 4, 5))


def test_any_byte_of_a_header_may_be_wrong(tmp_path: Path) -> None:
    file = tmp_path / "scan.nii"
    save_nifti(file, scan(0, (2, 2, 2)))
    whole = file.read_bytes()
    for place in (*range(4), *range(40, 56), *range(70, 74), *range(108, 120), *range(344, 348)):
        for value in (0, 1, 127, 128, 255):
            file.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            with suppress(DataError):
                assert read_volume(file, (2, 2, 2)).shape == (2, 2, 2)


def test_damaged_files_can_be_left_out(folder: Path) -> None:
    (folder / "healthy" / "2.nii").write_bytes(gzip.compress(b"no volume"))
    dataset = load(folder, corrupt="skip")
    np.testing.assert_array_equal(dataset.train.x[:], [scan(n) for n in (0, 1, 3)])


def test_value_that_is_no_number_names_its_file(folder: Path) -> None:
    save_nifti(folder / "ill" / "3.NII", np.full((3, 4, 5), np.nan, "<f4"))
    assert told(lambda: load(folder), folder).startswith(
        "ill/3.NII: an input is not a finite number"
    )
