"""The source `text`: folders of texts, whatever is wrong with them, and texts to predict."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset, load_part
from dl.errors import UsageError
from dl.progress import SilentReporter
from support.streaming import assert_same, both
from support.tables import config_with, told

FILMS = {"neg": ["dull, dull", "very bad"], "pos": ["a good film", "good and moving"]}
READ_AS = "utf-8"


def folder(root: Path, films: dict[str, list[str]] | None = None) -> Path:
    for name, rows in (FILMS if films is None else films).items():
        (root / name).mkdir(parents=True)
        for place, text in enumerate(rows):
            (root / name / f"{place}.txt").write_text(text, encoding=READ_AS)
    return root


def config(root: Path, **data: Any) -> Config:
    split = {"validation": 0, "test": 0}
    made = config_with(
        {"source": "text", "path": str(root), "split": split, **data},
        model={"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]},
        training={"loss": "binary_crossentropy"},
    )
    return replace(made, preprocess=replace(made.preprocess))


def loaded(root: Path, **data: Any) -> Dataset:
    return load_dataset(config(root, **data), SilentReporter())


def test_folder_is_a_table_of_texts_and_classes(tmp_path: Path) -> None:
    data = loaded(folder(tmp_path))
    assert data.target.classes == ("neg", "pos")
    assert data.train.y.reshape(-1).tolist() == [0, 0, 1, 1]
    names = data.preprocessing.feature_names
    assert names[:2] == ("text=dull", "text=good")
    np.testing.assert_array_equal(data.train.x[:, :2], [[1, 0], [0, 0], [0, 1], [0, 1]])


def test_files_at_any_depth_are_read_and_others_left_out(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "neg" / "more").mkdir()
    (root / "neg" / "more" / "9.TXT").write_text("bad")
    (root / "neg" / "notes.md").write_text("no text")
    (root / "neg" / ".hidden.txt").write_text("hidden")
    assert len(loaded(root).train) == 5


def test_parts_have_folders_of_their_own(tmp_path: Path) -> None:
    root, other = folder(tmp_path / "train"), folder(tmp_path / "test", {"neg": ["bad"]})
    data = loaded(root, test_path=str(other))
    assert (len(data.train), len(data.test or ())) == (4, 1)
    folder(tmp_path / "odd", {"bored": ["bad"]})
    assert told(lambda: loaded(root, test_path=str(tmp_path / "odd")), tmp_path) == (
        "odd/bored: is a class that the training folder does not have\n"
        "expected: class folders among neg, pos\n"
        "found: bored\n"
        "hint: rename the folder, or add texts of the class to the training folder"
    )


def test_streamed_texts_are_those_in_memory(tmp_path: Path) -> None:
    resident, streamed, *_ = both(config(folder(tmp_path)))
    assert_same(resident, streamed)


def test_mark_of_the_byte_order_is_no_text_and_encodings_are_read(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "neg" / "0.txt").write_bytes("\ufeffgrün".encode())
    assert "text=grün" in loaded(root).preprocessing.feature_names
    for file in root.rglob("*.txt"):
        file.write_bytes("schön".encode("cp1252"))
    assert loaded(root, encoding="cp1252").preprocessing.feature_names == ("text=schön",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"good\nb\xffd",
            "neg/0.txt:2: is not utf-8 text\nfound: byte 0xff\nhint: name its encoding: "
            "`encoding: cp1252` (Windows), `encoding: latin-1` or `encoding: utf-16`",
        ),
        (
            b"good\0bad",
            "neg/0.txt:1: holds a NUL byte\nexpected: a text file\n"
            "hint: the file is binary or damaged; export it again",
        ),
        (
            b"",
            "neg/0.txt: column 'text' has no value\nfound: 1 row without it\nhint: fill it in, or "
            "set `preprocess.missing` to mean, median, most_frequent or drop",
        ),
    ],
)
def test_file_that_is_no_text_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "neg" / "0.txt").write_bytes(content)
    assert told(lambda: loaded(root), tmp_path) == message


def test_folders_that_hold_no_classes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.txt").write_text("a")
    assert told(lambda: loaded(tmp_path / "flat"), tmp_path) == (
        "flat: has no class folders\n"
        "expected: a folder of texts for each class, such as neg/ and pos/\n"
        "found: texts that are not in a class folder\n"
        "hint: move the texts of each class into a folder with the name of the class"
    )
    root = folder(tmp_path / "films", {"neg": ["bad"], "so-so": []})
    assert told(lambda: loaded(root), tmp_path) == (
        "films/so-so: the class folder has no text\n"
        "expected: a text or more in each class folder: .txt\n"
        "found: none\n"
        "hint: add texts, or delete or move the folder"
    )


def predicted(root: Path, source: Any, *, lines: bool = False) -> tuple[list[str], np.ndarray]:
    made = config(root)
    fitted = load_dataset(made, SilentReporter()).preprocessing
    rows = open_blocks(made, fitted, source, SilentReporter(), lines=lines)
    found = list(rows.read(lambda done: None))
    files = [Path(name).name for block in found for name in block.files]
    return files, np.concatenate([block.x[:] for block in found])


def test_rows_to_predict_are_a_file_a_folder_a_table_or_lines(tmp_path: Path) -> None:
    root = folder(tmp_path / "films")
    names = loaded(root).preprocessing.feature_names
    new = folder(tmp_path, {"new": ["good, good", "unheard of"]}) / "new"
    (tmp_path / "rows.csv").write_text('text\n"good, good"\nunheard of\n')
    expected = np.zeros((2, len(names)))
    expected[0, names.index("text=good")] = 1
    files, x = predicted(root, new)
    assert files == ["0.txt", "1.txt"]
    for _, rows in (
        predicted(root, tmp_path / "rows.csv"),
        predicted(root, io.BytesIO(b"text\ngood good\nunheard of\n")),
        predicted(root, io.BytesIO(b"good, good\r\nunheard of"), lines=True),
        (files, x),
    ):
        np.testing.assert_array_equal(rows, expected)
    assert predicted(root, new / "0.txt")[0] == ["0.txt"]


def test_labelled_texts_may_be_another_folder_or_a_table(tmp_path: Path) -> None:
    root = folder(tmp_path / "films")
    made, reporter = config(root), SilentReporter()
    fitted = load_dataset(made, reporter).preprocessing
    (tmp_path / "rows.csv").write_text("class,text\npos,good\nneg,bad\n")
    assert load_part(made, fitted, tmp_path / "rows.csv", reporter).y.tolist() == [[1], [0]]
    other = folder(tmp_path / "other", {"pos": ["good"]})
    assert load_part(made, fitted, other, reporter).y.tolist() == [[1]]


def test_an_empty_line_is_no_text(tmp_path: Path) -> None:
    root = folder(tmp_path)
    assert told(lambda: predicted(root, io.BytesIO(b"good\n\nbad\n"), lines=True)) == (
        "standard input:2: column 'text' has no value\nfound: 1 row without it\nhint: fill it in, "
        "or set `preprocess.missing` to mean, median, most_frequent or drop"
    )


def test_lines_are_for_a_model_of_a_text_alone(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("t,a,y\n" + "a b,1,0\nb c,2,1\n" * 20)
    data = {"source": "csv", "path": str(tmp_path / "rows.csv"), "target": "y"}
    made = config_with({**data, "columns": {"t": "text"}})
    fitted = load_dataset(made, SilentReporter()).preprocessing
    with pytest.raises(UsageError) as caught:
        open_blocks(made, fitted, io.BytesIO(b"a"), SilentReporter(), lines=True)
    [problem] = caught.value.problems
    assert (problem.message, problem.found, problem.hint) == (
        "--lines is for a model that takes a text and nothing else",
        "one that takes t and a",
        "leave it out, and name a file of rows like those of the training",
    )
