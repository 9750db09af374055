"""The source `npz`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.data import Arrays, NpzData
from dl.data import storage
from dl.data.sources.numpy import read_npz, read_npz_inputs, read_npz_part
from dl.data.types import RawArrays, RawParts
from dl.errors import DataError, Problem
from dl.progress import SilentReporter

X = np.arange(12, dtype=np.float32).reshape(4, 3)
Y = np.array([0, 1, 0, 1])


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "rows.npz"
    np.savez(path, **arrays)
    return path


def read(path: Path, **names: str) -> RawParts:
    data = NpzData(source="npz", path=str(path), arrays=Arrays(**names))
    return read_npz(data, SilentReporter())


def problem_of(path: Path, **names: str) -> Problem:
    with pytest.raises(DataError) as raised:
        read(path, **names)
    (problem,) = raised.value.problems
    return problem


def arrays(part: object) -> RawArrays:
    assert isinstance(part, RawArrays)
    return part


def test_training_and_test_arrays_are_read(tmp_path: Path) -> None:
    parts = read(saved(tmp_path, x_train=X, y_train=Y, x_test=X[:1], y_test=Y[:1]))
    np.testing.assert_array_equal(arrays(parts.train).x, X)
    assert arrays(parts.train).y is not None
    assert len(arrays(parts.test)) == 1
    assert parts.validation is None
    assert not parts.image
    assert len(parts.fingerprint) == 64


def test_names_of_arrays_can_be_given(tmp_path: Path) -> None:
    path = saved(tmp_path, a=X, b=Y, c=X[:2], d=Y[:2])
    parts = read(path, x_train="a", y_train="b", x_validation="c", y_validation="d")
    assert len(arrays(parts.validation)) == 2


def test_one_number_for_each_row_is_one_input(tmp_path: Path) -> None:
    assert arrays(read(saved(tmp_path, x_train=X[:, 0], y_train=Y)).train).x.shape == (4, 1)


@pytest.mark.parametrize(
    ("shape", "dtype", "image"),
    [
        ((2, 8, 8), np.uint8, True),
        ((2, 8, 8, 3), np.float32, True),
        ((2, 8, 8), np.float32, False),
        ((2, 64), np.uint8, False),
    ],
)
def test_pictures_are_recognised(
    tmp_path: Path, shape: tuple[int, ...], dtype: type, image: bool
) -> None:
    path = saved(tmp_path, x_train=np.zeros(shape, dtype), y_train=Y[:2])
    assert read(path).image is image


def test_test_inputs_without_targets_are_left_out(tmp_path: Path) -> None:
    assert read(saved(tmp_path, x_train=X, y_train=Y, x_test=X)).test is None


def test_absent_array_names_those_that_are_there(tmp_path: Path) -> None:
    problem = problem_of(saved(tmp_path, X_train=X, y_train=Y))
    assert problem == Problem(
        f"{tmp_path}/rows.npz: there is no array `x_train`",
        expected="the array that `data.arrays.x_train` names",
        found="`X_train`, `y_train`",
        hint="did you mean `X_train`? Then name it in `data.arrays.x_train`",
    )


def test_other_number_of_targets_is_refused(tmp_path: Path) -> None:
    problem = problem_of(saved(tmp_path, x_train=X, y_train=Y[:3]))
    assert problem == Problem(
        f"{tmp_path}/rows.npz: the arrays `x_train` and `y_train` do not have the same rows",
        expected="4 targets in `y_train`, as `x_train` has 4 rows",
        found="the shape (3,)",
        hint="save one target for each row",
    )


def test_other_shape_of_test_rows_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=X, y_train=Y, x_test=X[:, :2], y_test=Y)
    problem = problem_of(path)
    assert problem.message.endswith("the rows of `x_test` and `x_train` have different shapes")
    assert (problem.expected, problem.found) == (
        "the shape (3,), as in `x_train`",
        "(2,) in `x_test`",
    )


def test_python_objects_are_never_read(tmp_path: Path) -> None:
    problem = problem_of(saved(tmp_path, x_train=np.array([[1], [2, 3]], object), y_train=Y[:2]))
    assert problem == Problem(
        f"{tmp_path}/rows.npz: the array `x_train` holds Python objects",
        expected="numbers or text: objects are never read, they could run code",
        found="the type object in the shape (2,)",
        hint="save rows of equal length, with a type such as float32 or int64",
    )


def test_text_as_input_is_refused(tmp_path: Path) -> None:
    problem = problem_of(saved(tmp_path, x_train=np.array(["a", "b"]), y_train=Y[:2]))
    assert problem.message.endswith("the array `x_train` does not hold numbers")


def test_empty_array_is_refused(tmp_path: Path) -> None:
    assert problem_of(saved(tmp_path, x_train=X[:0], y_train=Y[:0])).found == "the shape (0, 3)"


def test_targets_without_a_value_are_refused(tmp_path: Path) -> None:
    problem = problem_of(saved(tmp_path, x_train=X, y_train=np.empty((4, 0))))
    assert problem.message == f"{tmp_path}/rows.npz: the array `y_train` is empty"
    assert problem.found == "the shape (4, 0)"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = saved(tmp_path, x_train=X, y_train=Y)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert problem_of(path).message == f"{path}: is not a complete .npz file"


def test_damaged_array_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=X, y_train=Y)
    content = bytearray(path.read_bytes())
    content[content.index(X.tobytes()) + 5] ^= 1
    path.write_bytes(content)
    assert problem_of(path).message == f"{path}: the array `x_train` is damaged"


def write_member(path: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"{name}.npy", content)


def header(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    fields = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, fields)
    return stream.getvalue()


def test_array_larger_than_the_memory_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "available_memory", lambda: 2**30)
    path = tmp_path / "rows.npz"
    write_member(path, "x_train", header((2**20, 2**20)))
    assert problem_of(path) == Problem(
        f"{path}: the array `x_train` does not fit in the memory",
        expected="at most 0.8 GiB",
        found="4096.0 GiB, in the shape (1048576, 1048576)",
        hint="save fewer rows, or a smaller type such as uint8 or float32",
    )


def test_array_of_another_size_than_declared_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    write_member(path, "x_train", header((1000, 1000)) + bytes(16))
    assert problem_of(path).message == f"{path}: the array `x_train` is damaged"


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00" + bytes(99), b"\x93NUMPY\x01\x00\x02\x00(("]
)
def test_member_that_is_no_array_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.npz"
    write_member(path, "x_train", content)
    assert problem_of(path).message == f"{path}: the array `x_train` is damaged"


@pytest.mark.parametrize(
    ("names", "count"), [(("x", "y"), 4), (("x_test", "y_test"), 4), (("x_train", "y_train"), 4)]
)
def test_labelled_rows_are_found_by_usual_names(
    tmp_path: Path, names: tuple[str, str], count: int
) -> None:
    path = saved(tmp_path, **{names[0]: X, names[1]: Y})
    assert len(read_npz_part(path, Arrays())) == count


def test_labelled_rows_without_targets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        read_npz_part(saved(tmp_path, x=X), Arrays())
    (problem,) = raised.value.problems
    assert problem.expected == ("`x_test` and `y_test`, or `x` and `y`, or `x_train` and `y_train`")


def test_inputs_are_found_alone(tmp_path: Path) -> None:
    assert read_npz_inputs(saved(tmp_path, pixels=X), Arrays()).y is None


def test_inputs_among_unknown_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has none of the arrays that are looked for"):
        read_npz_inputs(saved(tmp_path, a=X, b=X), Arrays())


def test_folder_of_arrays_is_read_as_a_file_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "arrays"
    folder.mkdir()
    for name, values in {"x": X, "y": Y, "x_test": X[:1], "y_test": Y[:1]}.items():
        np.save(folder / f"{name}.npy", values)
    parts = read(folder, x_train="x", y_train="y")
    np.testing.assert_array_equal(arrays(parts.train).x, X)
    assert len(arrays(parts.test)) == 1
    np.testing.assert_array_equal(read_npz_inputs(folder, Arrays()).x, X)
    assert len(read_npz_part(folder, Arrays())) == 1
    (folder / "y.npy").write_bytes((folder / "y.npy").read_bytes()[:-1])
    assert problem_of(folder, x_train="x", y_train="y").message == (
        f"{folder}: the array `y` is damaged"
    )


def test_one_array_of_a_folder_is_no_file_of_them(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    assert problem_of(tmp_path / "x.npy").hint == f"name the folder of the arrays: {tmp_path}"
