"""One long text as a table of its characters: what a window of it is, and which texts are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import load_dataset, load_part
from dl.data.resolve import resolve_config
from dl.progress import SilentReporter
from support.streaming import both
from support.tables import config_with, told

TEXT = "To be, or not\tto be:\n1 café ␣ \U0001f600 " * 12
LOSS = {"type": "sparse_categorical_crossentropy", "from_logits": True}
WINDOW = {"length": 5, "outputs": "each", "stride": 2}


def case(folder: Path, text: str | bytes = TEXT, **changed: Any) -> Config:
    path = folder / "text.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    window = changed.pop("window", WINDOW)
    data = {"source": "characters", "path": str(path), "window": window, **changed}
    signs = text.decode("cp1252") if isinstance(text, bytes) else text
    units = len(set(signs.lower() if changed.get("lower") else signs))
    steps = {"type": "GRU", "units": 3, "return_sequences": True}
    layers = [steps, {"type": "Dense", "units": max(2, units)}]
    return config_with(data, model={"layers": layers}, training={"loss": LOSS})


def read(config: Config) -> Dataset:
    return load_dataset(config, SilentReporter())


@pytest.mark.parametrize("lower", [False, True])
def test_a_window_is_characters_and_asks_for_the_next_of_each(tmp_path: Path, lower: bool) -> None:
    found = read(case(tmp_path, lower=lower))
    text = TEXT.lower() if lower else TEXT
    shown = {" ": "␣", "␣": r"\u2423", "\t": r"\t", "\n": r"\n"}
    names = np.array(sorted(shown.get(c, c) for c in set(text)))
    train = np.array([shown.get(c, c) for c in text[: round(0.7 * len(text))]])
    windows = np.lib.stride_tricks.sliding_window_view(train, 6)[::2]

    assert list(found.target.classes) == list(names)
    assert np.array_equal(names[found.train.x[:].argmax(axis=-1)], windows[:, :5])
    assert np.array_equal(found.train.x[:].sum(axis=-1), np.ones((len(windows), 5)))
    assert np.array_equal(names[found.train.y[:]], windows[:, 1:])


def test_streamed_characters_are_the_same(tmp_path: Path) -> None:
    here, there, *_ = both(case(tmp_path))
    assert here.preprocessing == there.preprocessing
    for name, part in here.parts.items():
        assert np.array_equal(part.x[:], there.parts[name].x[:])
        assert np.array_equal(part.y[:], there.parts[name].y[:])


def test_figures_and_texts_of_other_encodings_are_characters(tmp_path: Path) -> None:
    found = read(case(tmp_path, "3.14 é ".encode("cp1252") * 40, encoding="cp1252"))
    assert list(found.target.classes) == [".", "1", "3", "4", "é", "␣"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "{path}: is empty\nexpected: a text\nhint: name another file"),
        (
            b"a\ncaf\xe9 is",
            "{path}:2: is not utf-8 text\nfound: byte 0xe9\nhint: name its encoding: `encoding: "
            "cp1252` (Windows), `encoding: latin-1` or `encoding: utf-16`",
        ),
        (
            b"a\0b",
            "{path}:1: holds a NUL byte\nexpected: a text file\nhint: the file is binary or "
            "damaged; export it again",
        ),
    ],
    ids=["empty", "other bytes", "binary"],
)
def test_what_is_no_text_is_refused(tmp_path: Path, text: bytes, expected: str) -> None:
    config = case(tmp_path, text)
    assert told(lambda: read(config)) == expected.format(path=tmp_path / "text.txt")


def test_a_next_character_that_the_run_does_not_know_is_refused(tmp_path: Path) -> None:
    config = case(tmp_path, "abcd " * 40, window={**WINDOW, "stride": 1})
    found = read(config)
    other = tmp_path / "other.txt"
    other.write_text("abcd abcd abxd")
    resolved = resolve_config(config, found)
    assert told(lambda: load_part(resolved, found.preprocessing, other, SilentReporter())) == (
        f"{other}: character 13: the target `character` has a value that is not a known class\n"
        "expected: one of 'a', 'b', 'c', 'd', '␣'\n"
        "found: 'x'\n"
        "hint: correct the value, or name all classes in `data.classes`"
    )
