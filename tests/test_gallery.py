"""Every config of the gallery says what it answers, and trains."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conftest import Dl
from dl.config.data import TableFile
from dl.config.load import load_config
from dl.data.load import load_dataset
from dl.data.sources import named as keras_source
from dl.init.examples import GALLERY, SCHEMA_LINE, Example, examples
from dl.predict.evaluate import evaluate
from dl.progress import SilentReporter
from dl.sweeps.definition import load_sweep
from dl.training.fit import fit
from dl.training.setup import prepare
from dl.vocabulary.traits import KERAS

TOP = Path(__file__).parents[1]
CONFIGS = TOP / "configs" / GALLERY
MOST_BYTES = 3_000_000
_SHORT = ("data.length=12",)
_FEW_STEPS = "training.batch_size=256"
_FEW_WORDS = (*_SHORT, "data.words=300", "model.layers.0.num_tokens=300")
SMALL: Mapping[str, tuple[str, ...]] = {
    "alexnet": (
        "data.image_size=[96,96]",
        "model.layers.11.units=32",
        "model.layers.13.units=32",
    ),
    "cats-dogs-transfer": (
        _FEW_STEPS,
        "data.image_size=[32,32]",
        "model.layers.base={type: MobileNetV3Small, weights: none, alpha: 0.35, name: base, "
        "minimalistic: true, trainable_from: 100}",
    ),
    "cats-dogs-vgg16": ("data.image_size=[32,32]", "model.layers.base.weights=none"),
    "characters": ("data.window.stride=20", "data.window.length=20"),
    "fashion-brakes": (_FEW_STEPS,),
    "imdb-bidirectional": _SHORT,
    "imdb-cnn-lstm": _SHORT,
    "imdb-lstm": _SHORT,
    "imdb-multi-hot": _FEW_WORDS,
    "keywords": (_FEW_STEPS,),
    "mnist-checkpoints": ("training.callbacks=[]",),  # there is no run to keep them in
    "mnist-weights": ("training.callbacks=[]", "model.start=null"),  # nor one to begin from
    "reuters-multi-hot": _FEW_WORDS,
    "reviews-bidirectional": ("preprocess.text.length=12", _FEW_STEPS),
    "reviews-conv1d": (_FEW_STEPS,),
    "reviews-embedding": ("preprocess.text.length=60", _FEW_STEPS),
    "segmentation": (_FEW_STEPS,),
    "vgg16-augmented": ("data.image_size=[32,32]", "model.layers.base.weights=none"),
    "weather-day": ("data.window.outputs=4", "model.layers.2.units=4"),
    "weather-gru": ("data.window.length=8",),
    "weather-lstm": ("data.window.length=8",),
}
"""What makes a config small where few rows and one epoch do not: by its name, as of `--set`."""


def _script() -> ModuleType:
    path = TOP / "scripts" / "generate_gallery.py"
    spec = importlib.util.spec_from_file_location("generate_gallery", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate_gallery"] = module
    spec.loader.exec_module(module)
    return module


script = _script()
ALL: list[Example] = script.gallery()


def test_headers_are_whole_and_name_what_is_there() -> None:
    assert list(script.mistakes()) == []


def test_page_is_fresh() -> None:
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), (
        "run python scripts/generate_gallery.py"
    )


def test_data_is_small_and_each_file_belongs_to_a_config() -> None:
    files = [path for path in (CONFIGS / "data").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    # The examples may be those of the installed package.
    named = {str(path).rpartition(GALLERY)[2] for entry in ALL for path in entry.named_files}
    assert {str(path).rpartition(GALLERY)[2] for path in files} <= named


@pytest.mark.parametrize("entry", [e for e in ALL if e.is_sweep], ids=lambda entry: entry.name)
def test_sweep_of_the_gallery_is_right(entry: Example) -> None:
    assert load_sweep(entry.path).name == entry.name


@pytest.mark.parametrize("entry", [e for e in ALL if not e.is_sweep], ids=lambda entry: entry.name)
def test_config_of_the_gallery_trains(entry: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_source, "_loaded", _made_up)
    whole = load_config(entry.path).config
    phases = range(len(whole.training.phases))
    epochs = [f"training.phases.{i}.epochs=1" for i in phases] or ["training.epochs=1"]
    short = [*epochs, "engine.compile=false", *SMALL.get(entry.name, ())]
    if isinstance(whole.data, TableFile) and whole.data.window is None:
        short.append("data.rows=150")
    loaded = load_config(entry.path, short)
    reporter = SilentReporter()
    start = prepare(loaded, load_dataset(loaded.config, reporter), reporter)

    history = fit(start, reporter, lambda row: None)

    part = start.dataset.test or start.dataset.train
    metrics = evaluate(start.model, part, start.config)
    assert loaded.config.name == entry.name
    assert len(history) == len(epochs)
    assert all(math.isfinite(value) for value in metrics.values())


def _made_up(name: str, texts: Mapping[str, int]) -> Any:
    """Returns few rows of the shape of a data set of Keras."""
    random = np.random.default_rng(0)

    def part(rows: int) -> tuple[Any, Any]:
        shape, classes = KERAS[name].shape, max(2, len(KERAS[name].classes or ()))
        if texts:
            lengths = random.integers(1, 2 * texts["length"], rows)
            x: Any = np.empty(rows, object)
            for row, length in enumerate(lengths):
                x[row] = random.integers(1, texts["words"], length).tolist()
        elif KERAS[name].picture:
            x = random.integers(0, 256, (rows, *(shape or ())), dtype=np.uint8)
        else:
            x = random.normal(size=(rows, *(shape or ()))).astype(np.float32)
        y = np.arange(rows) % classes if KERAS[name].classes else random.uniform(1, 5, rows)
        return x, y

    return part(60), part(20)


def test_example_is_written_with_its_data(dl: Dl, tmp_path: Path) -> None:
    done = dl("init", "--example", "titanic", "--to", tmp_path / "new")

    files = [tmp_path / "new" / name for name in ("data/titanic.csv", "titanic.yaml")]
    assert (done.code, done.err) == (0, "")
    assert done.out == "".join(f"{file}\n" for file in files)
    assert files[0].read_bytes() == (CONFIGS / "data/titanic.csv").read_bytes()
    assert files[1].read_text("utf-8") == f"{SCHEMA_LINE}\n{examples()['titanic'].text}"
    assert load_config(files[1]).config.name == "titanic"
    assert dl("init", "--example", "titanic", "--to", tmp_path / "new").code == 0


def test_sweep_is_written_with_its_base_into_one_folder(dl: Dl, tmp_path: Path) -> None:
    assert dl("init", "--example", "digits-search", "--to", tmp_path).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits-search.yaml", "digits.yaml"]
    assert load_sweep(tmp_path / "digits-search.yaml").name == "digits-search"
    assert dl("init", "--example", "digits", "--to", tmp_path).code == 0  # it is there already


def test_another_file_in_the_place_stays_and_nothing_is_written(dl: Dl, tmp_path: Path) -> None:
    other = tmp_path / "bikes.csv"
    other.write_text("mine\n")

    done = dl("init", "--example", "bikes", "--to", tmp_path)

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {other} is there already, and is another file\n"
        "hint: dl init --example bikes --to ANOTHER_FOLDER\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["bikes.csv"]


def test_folder_that_cannot_be_made_is_a_matter_of_the_disk(dl: Dl, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = dl("init", "--example", "bikes", "--to", tmp_path / "file" / "folder")
    assert done.code == 7
    assert done.out == ""


def test_folder_is_for_examples_that_have_a_name(dl: Dl, tmp_path: Path) -> None:
    without = dl("init", "--to", tmp_path, "--example")
    assert (without.code, without.out) == (2, "")
    assert "--to needs the name of an example: dl init --example NAME --to FOLDER" in without.err
    assert "--to is for --example" in dl("init", "x.csv", "--to", tmp_path).err


def test_printed_example_tells_of_its_data(dl: Dl) -> None:
    printed = dl("init", "--example", "bikes")
    assert printed.out == f"{SCHEMA_LINE}\n{examples()['bikes'].text}"
    assert printed.err == "with its data: dl init --example bikes --to FOLDER\n"
    assert dl("init", "--example", "iris").err == ""
