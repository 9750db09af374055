"""The source `keras`, with loaders that stand in for those of Keras."""

from __future__ import annotations

import importlib.util
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dl.config.data import KerasData
from dl.config.rules.data import words_are_of_texts
from dl.data.sources import named
from dl.data.sources.named import padded, read_keras, text_settings
from dl.data.types import RawArrays, RawParts
from dl.errors import DataError, Problem
from dl.progress import SilentReporter
from dl.vocabulary.sections import read_section
from dl.vocabulary.traits import KERAS

Loader = Callable[..., Any]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Loader], None]:
    """Replaces the loaders of Keras by a function; the cache is an empty folder."""
    monkeypatch.setenv("DL_KERAS_HOME", str(tmp_path))

    def put(loader: Loader) -> None:
        module = SimpleNamespace(load_data=loader)
        monkeypatch.setattr(named.importlib, "import_module", lambda name: module)

    return put


def read(dataset: str, **options: int) -> RawParts:
    data = read_section(KerasData, {"source": "keras", "dataset": dataset, **options})
    return read_keras(data, SilentReporter())


def pictures() -> Any:
    print("Downloading data from somewhere")
    x, y = np.zeros((3, 28, 28), np.uint8), np.array([[0], [1], [2]])
    return (x, y), (x[:1], y[:1])


def texts(num_words: int) -> Any:
    sequences = np.array([[1, 2, 3], [4]], object)
    return (sequences, np.array([0, 1])), (sequences[:1], np.array([1]))


def test_pictures_and_their_test_part_are_read(
    install: Callable[[Loader], None], capsys: pytest.CaptureFixture[str]
) -> None:
    install(pictures)
    parts = read("cifar10")
    assert isinstance(parts.train, RawArrays)
    assert parts.train.x.dtype == np.uint8
    assert parts.train.y is not None
    assert parts.train.y.shape == (3,)
    assert parts.test is not None
    assert parts.image
    assert parts.class_names is not None
    assert parts.class_names[:2] == ("airplane", "automobile")
    assert capsys.readouterr() == ("", "")


def test_texts_are_padded_to_one_length(install: Callable[[Loader], None]) -> None:
    install(texts)
    parts = read("imdb", length=2)
    assert isinstance(parts.train, RawArrays)
    assert parts.train.x.tolist() == [[2, 3], [0, 4]]
    assert parts.train.x.dtype == np.int32
    assert parts.class_names == ("negative", "positive")


def test_number_of_words_is_handed_on(install: Callable[[Loader], None]) -> None:
    asked: list[int] = []

    def loader(num_words: int) -> Any:
        asked.append(num_words)
        return texts(num_words)

    install(loader)
    read("reuters")
    read("reuters", words=50)
    assert asked == [10_000, 50]


def test_settings_of_texts_have_defaults() -> None:
    imdb, mnist = (KerasData(source="keras", dataset=name) for name in ("imdb", "mnist"))
    assert text_settings(imdb) == {"words": 10_000, "length": 200}
    assert text_settings(mnist) == {}


def test_padding_comes_first_and_the_last_words_stay() -> None:
    assert padded([[1, 2, 3, 4], [5], []], 3).tolist() == [[2, 3, 4], [0, 0, 5], [0, 0, 0]]


def test_words_of_pictures_are_refused() -> None:
    options = {"source": "keras", "dataset": "mnist", "words": 10, "length": 5}
    found = words_are_of_texts(read_section(KerasData, options))
    assert [finding.path for finding in found] == [("data", "words"), ("data", "length")]


def test_no_network_tells_where_the_file_belongs(
    install: Callable[[Loader], None], tmp_path: Path
) -> None:
    def loader() -> Any:
        raise Exception("URL fetch failure on https://example.org/mnist.npz: None -- no name")

    install(loader)
    with pytest.raises(DataError) as raised:
        read("mnist")
    place = tmp_path / "datasets" / "mnist.npz"
    assert raised.value.problems == (
        Problem(
            "mnist: the data set cannot be downloaded",
            expected=f"a connection to the network, or the data set in {place}",
            found="URL fetch failure on https://example.org/mnist.npz: None -- no name",
            hint=f"copy it from another machine to {place}, or save the arrays in an .npz file "
            "and write `source: npz` with its `path`",
        ),
    )


def test_no_network_tells_of_another_file_in_the_place(
    install: Callable[[Loader], None], tmp_path: Path
) -> None:
    def loader() -> Any:
        raise Exception("no network")

    install(loader)
    place = tmp_path / "datasets" / "mnist.npz"
    place.parent.mkdir()
    place.touch()
    with pytest.raises(DataError) as raised:
        read("mnist")
    assert raised.value.problems[0].found == (
        f"another file than Keras knows is {place}; no network"
    )


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), pickle.UnpicklingError("refused"), EOFError(), zipfile.BadZipFile("cut")],
)
def test_damaged_file_is_to_be_deleted(
    install: Callable[[Loader], None], tmp_path: Path, error: Exception
) -> None:
    def loader() -> Any:
        raise error

    install(loader)
    with pytest.raises(DataError) as raised:
        read("boston_housing")
    (problem,) = raised.value.problems
    place = tmp_path / "datasets" / "boston_housing.npz"
    assert problem.message == "boston_housing: the data set cannot be read"
    assert problem.hint == f"delete {place}, so that it is downloaded again"


def test_mistake_in_a_loader_is_not_hidden(install: Callable[[Loader], None]) -> None:
    def loader() -> Any:
        raise AttributeError("a bug")

    install(loader)
    with pytest.raises(AttributeError):
        read("mnist")


def test_every_data_set_has_a_loader_in_keras() -> None:
    spec = importlib.util.find_spec("keras")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (place,) = spec.submodule_search_locations
    assert all((Path(place) / "datasets" / name).is_dir() for name in KERAS)
