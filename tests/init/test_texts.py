"""`dl init` of texts: a column of sentences, and a folder of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from dl.config.load import load_text
from dl.data.load import load_dataset
from dl.errors import DataError
from dl.init.draft import first_config
from dl.progress import SilentReporter

WORDS = ("the", "a", "film", "plot", "good", "bad", "dull", "very", "moving", "was")


def sentence(seed: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, 10)) + "."


def test_column_of_sentences_is_one_of_texts(tmp_path: Path) -> None:
    rows = [f'"{sentence(i)}",{i % 5},{"yes" if i % 2 else "no"}' for i in range(60)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["review,stars,liked", *rows]))
    text = first_config(path, ["liked"])
    said = yaml.safe_load(text)
    assert said["data"]["columns"] == {"review": "text"}
    assert said["preprocess"]["text"] == {"output": "tf_idf", "tokens": 5000, "ngrams": 2}
    data = load_dataset(load_text(tmp_path / "c.yaml", text.encode()).config, SilentReporter())
    assert {"stars", "review=the"} <= set(data.preprocessing.feature_names)


@pytest.mark.parametrize(
    "value",
    [lambda i: f"Mrs. Ann Mary {i}th of X", lambda i: sentence(i % 9)],
    ids=["names", "nine sentences"],
)
def test_names_and_a_few_sentences_are_none(value: Callable[[int], str], tmp_path: Path) -> None:
    rows = [f'"{value(i)}",{i % 5},{"yes" if i % 2 else "no"}' for i in range(60)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["name,stars,liked", *rows]))
    assert yaml.safe_load(first_config(path, ["liked"]))["data"].get("exclude") == ["name"]


@pytest.mark.parametrize("parts", [("",), ("train", "test")], ids=["whole", "in parts"])
def test_folder_of_texts_has_a_config(parts: tuple[str, ...], tmp_path: Path) -> None:
    for part in parts:
        for name in ("neg", "pos"):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(20):
                (tmp_path / part / name / f"{i}.txt").write_text(sentence(i))
    text = first_config(tmp_path, [])
    said = yaml.safe_load(text)
    assert said["data"]["source"] == "text"
    assert ("test_path" in said["data"]) == (len(parts) == 2)
    data = load_dataset(load_text(tmp_path / "c.yaml", text.encode()).config, SilentReporter())
    assert data.target.classes == ("neg", "pos")


def test_single_class_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "neg").mkdir()
    (tmp_path / "neg" / "0.txt").write_text("bad")
    with pytest.raises(DataError) as caught:
        first_config(tmp_path, [])
    [problem] = caught.value.problems
    assert problem.message == f"{tmp_path}: has a single class folder, 'neg'"
    assert problem.expected == "a folder of texts for each class, two or more"
