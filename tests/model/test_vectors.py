"""First weights of an Embedding from a file of vectors of words."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.load import Loaded, load_mapping
from dl.data.load import read_dataset
from dl.progress import SilentReporter
from dl.rundir.manifest import file_sha256
from dl.training.setup import Prepared, prepare
from support.tables import told

GLOVE = "good 0.5 -1\nbad -0.5 1e-1\nzebra 9 9\n. . . 1 1\ngood 7 7\n"


class _Notes(SilentReporter):
    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def config(folder: Path, **embedding: Any) -> Loaded:
    (folder / "rows.csv").write_text("t,y\n" + "good film,1\nbad film,0\n" * 20)
    vectors = {"type": "Embedding", "output_dim": 2, "from": str(folder / "v.txt"), **embedding}
    return load_mapping(
        {
            "data": {
                **{"source": "csv", "path": str(folder / "rows.csv"), "target": "y"},
                "columns": {"t": "text"},
            },
            "model": {
                "layers": [
                    vectors,
                    "GlobalAveragePooling1D",
                    {"type": "Dense", "units": 1, "activation": "sigmoid"},
                ]
            },
            "training": {"loss": "binary_crossentropy"},
        }
    )


def prepared(loaded: Loaded, reporter: SilentReporter | None = None) -> Prepared:
    reporter = reporter or SilentReporter()
    return prepare(loaded, read_dataset(loaded, reporter), reporter)


@pytest.mark.parametrize("header", ["", "4 2\n"], ids=["glove", "word2vec"])
def test_tokens_begin_with_their_vectors_and_others_with_0(header: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(header + GLOVE)
    reporter = _Notes()
    made = prepared(config(tmp_path, trainable=False), reporter)
    weights = made.model.layers[0].embeddings.numpy()
    # film is the commonest token; of good and bad, the first in the alphabet is numbered first.
    np.testing.assert_array_equal(
        weights, np.array([[0, 0], [0, 0], [0, 0], [-0.5, 0.1], [0.5, -1]], np.float32)
    )
    assert not made.model.layers[0].trainable_weights
    assert (
        f"embedding: 2 of 3 tokens (67%) have a vector in {tmp_path / 'v.txt'}; the others "
        "begin with 0" in reporter.notes
    )
    assert made.config.model.layers[0].parameters["input_dim"] == 5
    assert made.bases == {"embedding": {"file": "v.txt", "sha256": file_sha256(tmp_path / "v.txt")}}


def test_packed_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(gzip.compress(GLOVE.encode()))
    assert prepared(config(tmp_path)).model.layers[0].embeddings.numpy()[4].tolist() == [0.5, -1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "good 1 2 3\n",
            "v.txt:1: has vectors of another size\nexpected: 2 numbers\nfound: 3\n"
            "hint: write `output_dim: 3`",
        ),
        (
            "good 1 2\nbad 1\n",
            "v.txt:2: has vectors of another size\nexpected: 2 numbers\nfound: 1\nhint: name a "
            "file of GloVe, or one of word2vec that is text: `word 0.1 -0.2 …` in each line",
        ),
        (
            "the 1 2\ngood 1 x\n",
            "v.txt:2: is damaged\nexpected: a word and its numbers, with blanks\n"
            "found: good 1 x\nhint: name a file of GloVe, or one of word2vec that is text: "
            "`word 0.1 -0.2 …` in each line",
        ),
        (
            "good nan 1\n",
            "v.txt:1: is damaged\nexpected: a word and its numbers, with blanks\n"
            "found: good nan 1\nhint: name a file of GloVe, or one of word2vec that is text: "
            "`word 0.1 -0.2 …` in each line",
        ),
        (
            "zebra 1 2\n",
            "v.txt: has a vector of none of the 3 tokens\n"
            "expected: words such as 'film', 'bad', 'good'\nhint: name a file of the same "
            "language, with words as `preprocess.text` makes them: in small letters, without signs",
        ),
    ],
)
def test_file_that_does_not_fit_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(content)
    assert told(lambda: prepared(config(tmp_path)), tmp_path) == message


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert told(lambda: prepared(config(tmp_path)), tmp_path) == ("v.txt: there is no such file")
