"""Advice on data: each rule fires with column, count and line, and its line makes it silent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from conftest import Dl
from dl.config.load import load_config
from dl.config.rules import Note, placed
from dl.config.schema import OF_DATA
from dl.data.load import read_dataset
from dl.data.rules import advice_for, advice_on_data
from dl.errors import ConfigError
from dl.progress import SilentReporter

CONFIG = """\
name: case
data:
  source: csv
  path: rows.csv
  target: y
preprocess: {missing: median}
model: {layers: [{type: Dense, units: 1}]}
training: {loss: mean_squared_error}
"""
CLASSES = {
    "model.layers.0": "{type: Dense, units: 3, activation: softmax}",
    "training.loss": "sparse_categorical_crossentropy",
}
BINARY = {
    "model.layers.0": "{type: Dense, units: 1, activation: sigmoid}",
    "training.loss": "binary_crossentropy",
}
CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = [
    path
    for path in sorted({*CONFIGS.glob("*.yaml"), *CONFIGS.glob("course/*.yaml")})
    if not re.search("source: (keras|npz|images)", path.read_text(encoding="utf-8"))
]
Cell = Callable[[int], object]


def wave(i: int) -> float:
    return round(10 + 7 * np.sin(i * 1.7), 3)


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A table with one flaw: its columns by the number of the row, and what is said of it."""

    rule: str
    said: str
    mended: str
    columns: Mapping[str, Cell]
    rows: int = 100
    settings: Mapping[str, str] = field(default_factory=dict)


FLAWS = (
    Doubtful(
        "identifier",
        "data.exclude lacks `id`, which numbers the rows (1 to 100)",
        "below data: exclude: [id]",
        {"id": lambda i: i + 1, "a": wave},
    ),
    Doubtful(
        "identifier",
        "data.exclude lacks `order_no`, which is an identifier: all 100 values differ",
        "below data: exclude: [order_no]",
        {"order_no": lambda i: 3000 - i * i, "a": wave},
    ),
    Doubtful(
        "identifier",
        "data.features takes in `Name`, which is an identifier: all 100 values differ",
        "features: [a]",
        {"Name": lambda i: f"P. number{i}", "a": wave},
        settings={"data.features": "[Name, a]"},
    ),
    Doubtful(
        "free-text",
        "data.columns takes `text` for categories, which is free text (50 different values)",
        "below data: columns: {text: text}",
        {"text": lambda i: f"a film that I saw {i % 50} times", "a": wave},
    ),
    Doubtful(
        "free-text",
        "data.columns takes `text` for categories, which is free text (100 different values)",
        "below data: columns: {text: text}",
        {"text": lambda i: f"a film that I saw {i} times"},
    ),
    Doubtful(
        "many-categories",
        "data.exclude lacks `ticket`, which has too many categories (80 in 100 rows)",
        "below data: exclude: [ticket]",
        {"ticket": lambda i: f"T{i % 80}x", "a": wave},
    ),
    Doubtful(
        "constant-column",
        "data.exclude lacks `country`, which is the same in all 100 rows",
        "below data: exclude: [country]",
        {"country": lambda i: "fr", "a": wave},
    ),
    Doubtful(
        "constant-column",
        "preprocess.columns.b.clip makes `b` 20 in all 100 rows",
        "remove preprocess.columns.b.clip",
        {"a": wave, "b": lambda i: wave(i + 3)},
        settings={"preprocess.columns": "{b: {clip: [20, 30]}}"},
    ),
    Doubtful(
        "empty-column",
        "data.exclude lacks `cabin`, which is mostly empty (75 of 100 rows)",
        "below data: exclude: [cabin]",
        {"cabin": lambda i: "" if i % 4 else "C85" if i % 8 else "B2", "a": wave},
    ),
    Doubtful(
        "repeated-column",
        "data.exclude lacks `b`, which is `a` again in all 100 rows",
        "below data: exclude: [b]",
        {"a": wave, "b": wave},
    ),
    Doubtful(
        "target-leak",
        "data.exclude lacks `fahrenheit`, which is on a straight line with the target `y` in "
        "all 100 rows",
        "below data: exclude: [fahrenheit]",
        {"a": wave, "y": lambda i: wave(i * 3), "fahrenheit": lambda i: wave(i * 3) * 1.8 + 32},
    ),
    Doubtful(
        "target-leak",
        "data.exclude lacks `alive`, which names the target `y` in all 100 rows",
        "below data: exclude: [alive]",
        {"a": wave, "alive": lambda i: "ny"[i % 2], "y": lambda i: i % 2},
        settings=BINARY,
    ),
    Doubtful(
        "months",
        "data.columns does not say that `month` holds dates: its months, such as 1949-01, are "
        "taken for 96 categories",
        "below data: columns: {month: date}",
        {"month": lambda i: f"{1949 + i // 12}-{i % 12 + 1:02}"},
        rows=96,
    ),
    Doubtful(
        "stand-in",
        "data.missing_values does not name -999, which `pressure` has in 10 of 100 rows, far from "
        "all its other values",
        'below data: missing_values: {pressure: ["-999"]}',
        {"pressure": lambda i: -999 if i % 10 == 0 else 60 + i % 30},
    ),
    Doubtful(
        "stand-in",
        "data.missing_values does not name 9999-12-31, which `until` has in 25 of 100 rows, far "
        "from all its other values",
        'below data: missing_values: {until: ["9999-12-31"]}',
        {"until": lambda i: "9999-12-31" if i % 4 == 0 else f"2024-{i % 12 + 1:02}-03"},
    ),
    Doubtful(
        "few-validation-rows",
        "data.split.validation leaves 4 of 40 rows for validation",
        "below data: split: {validation: 0.3}",
        {"a": wave},
        rows=40,
    ),
    Doubtful(
        "unscaled-target",
        "preprocess.target is none: the numbers to predict reach from 1,000 to 6,300",
        "preprocess: {missing: median, target: standardize}",
        {"a": wave, "y": lambda i: 1000 + 100 * (i % 54)},
    ),
    Doubtful(
        "unused-threshold",
        "evaluation.threshold is 0.3, but decides nothing: this is a model of 3 outputs: the "
        "largest one decides",
        "--set evaluation.threshold=0.5",
        {"a": wave, "y": lambda i: "abc"[i % 3]},
        settings={**CLASSES, "evaluation.threshold": "0.3"},
    ),
    Doubtful(
        "texts-cut",
        "preprocess.text.length is 2, and 100% of the texts of t are longer",
        "--set preprocess.text.length=4",
        {"t": lambda i: f"a film of {i}"},
        settings={
            "data.columns": "{t: text}",
            "preprocess.text.length": "2",
            "model.layers": "[{type: Embedding, output_dim: 2}, Flatten, {type: Dense, units: 1}]",
        },
    ),
    Doubtful(
        "missing-class",
        "data.split.stratify true by default, cannot hold: `rare` has 1 row in all, and none is "
        "in the validation and the test part",
        "below data: split: {stratify: false}",
        {"a": wave, "y": lambda i: "rare" if i == 7 else "ab"[i % 2]},
        settings=CLASSES,
    ),
)


PAST = {
    "data.features": "[y, a]",
    "data.window.length": "4",
    "data.split": "{order: rows}",
    "model.layers": "[Flatten, {type: Dense, units: 1}]",
}


def written(folder: Path, flaw: Doubtful) -> Path:
    columns = {"y": lambda i: wave(i * 5 + 1), **flaw.columns}
    lines = [",".join(str(cell(i)) for cell in columns.values()) for i in range(flaw.rows)]
    (folder / "rows.csv").write_text("\n".join([",".join(columns), *lines]) + "\n")
    (folder / "case.yaml").write_text(CONFIG)
    return folder / "case.yaml"


def said(path: Path, settings: Mapping[str, str]) -> list[Note]:
    loaded = load_config(path, [f"{key}={value}" for key, value in settings.items()])
    return placed(loaded, advice_on_data(loaded.config, read_dataset(loaded, SilentReporter())))


def mending(note: Note) -> dict[str, str]:
    """Returns the change that the line to write makes."""
    if note.path == "preprocess.target":
        return {note.path: "standardize"}
    if note.path == "preprocess.columns.b.clip":
        return {note.path: "null"}
    if note.path == "evaluation.threshold":
        return {note.path: "0.5"}
    if note.path == "preprocess.text.length":
        return {note.path: "4"}
    text = note.mended.removeprefix("below data: ").removeprefix("data.")
    key, _, value = text.partition(": ")
    return {f"data.{key}": value} if key != "split" else {note.path: value[1:-1].partition(": ")[2]}


def test_a_part_smaller_than_the_classes_is_told_by_its_own_share(tmp_path: Path) -> None:
    flaw = Doubtful("", "", "", {"a": wave, "y": lambda i: "aabc"[i % 4]}, rows=40)
    settings = {**CLASSES, "data.split.validation": "0", "data.split.test": "0.025"}
    [note] = said(written(tmp_path, flaw), settings)
    assert note.rule == "missing-class"
    assert f"{note.path} {note.message}" == (
        "data.split.test leaves 1 row for 3 classes: none of `b` and `c`"
    )
    assert note.mended == "--set data.split.test=0.15"
    assert said(tmp_path / "case.yaml", {**settings, "data.split.test": "0.15"}) == []


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.rule)
def test_advice_names_column_count_and_line(flaw: Doubtful, tmp_path: Path) -> None:
    [note] = said(written(tmp_path, flaw), flaw.settings)
    assert (note.rule, f"{note.path} {note.message}") == (flaw.rule, flaw.said)
    assert note.mended.removeprefix("--set data.").replace("features=", "features: ") == flaw.mended
    assert note.why.endswith((".", "`."))


@pytest.mark.parametrize(
    "flaw", [flaw for flaw in FLAWS if "text_1" not in flaw.mended], ids=lambda flaw: flaw.rule
)
def test_the_line_to_write_makes_it_silent(flaw: Doubtful, tmp_path: Path) -> None:
    path = written(tmp_path, flaw)
    settings = {k: v for k, v in flaw.settings.items() if k != "data.features"}
    [note] = said(path, settings)
    assert said(path, {**settings, **mending(note)}) == []


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.rule)
def test_advice_on_data_can_be_switched_off(flaw: Doubtful, tmp_path: Path) -> None:
    path = written(tmp_path, flaw)
    assert said(path, {**flaw.settings, "lint.ignore": f"[{flaw.rule}]"}) == []


def test_every_rule_on_data_has_a_flaw_here() -> None:
    assert {flaw.rule for flaw in FLAWS} == set(OF_DATA)


@pytest.mark.parametrize(
    ("columns", "settings"),
    [
        ({"zip": lambda i: f"z{i % 15}", "a": wave}, {}),
        ({"year": lambda i: 1900 + i, "a": wave, "b": lambda i: i % 3}, {"data.columns": "{}"}),
        ({"step": lambda i: i}, {}),
        ({"balance": lambda i: -9 if i == 3 else i % 40 - 20}, {}),
        ({"sensor": lambda i: -9 if i == 3 else i % 40}, {}),
        ({"day": lambda i: f"2024-0{i % 9 + 1}-03"}, {}),
        ({"season": lambda i: f"2024-0{i % 4 + 1}"}, {"data.columns": "{season: categorical}"}),
        ({"ticket": lambda i: f"T{i % 80}x", "a": wave}, {"preprocess.columns.ticket.hash": "8"}),
        ({f"p{n}": lambda i, n=n: 0 if n == 0 else i * n % 255 for n in range(64)}, {}),
        ({"a": wave}, PAST),
    ],
    ids=[
        *("zip", "year", "only index", "below 0", "not far", "dates", "told", "hashed", "pixels"),
        "the past of the target",
    ],
)
def test_good_columns_get_no_advice(
    columns: Mapping[str, Cell], settings: Mapping[str, str], tmp_path: Path
) -> None:
    if "year" in columns:
        columns = {**columns, "year": lambda i: 1900 + i // 2}
    assert said(written(tmp_path, Doubtful("", "", "", columns)), settings) == []


@pytest.mark.slow
@pytest.mark.parametrize("memory", ["auto", "1"])
def test_of_many_rows_some_are_looked_at_all_over(memory: str, tmp_path: Path) -> None:
    waves: dict[str, Cell] = {f"w{n}": lambda i, n=n: wave(i + n) for n in range(6)}  # type: ignore[misc]
    columns = {"year": lambda i: 1990 + i // 30_000, "id": lambda i: i, **waves}
    path = written(tmp_path, Doubtful("", "", "", columns, rows=60_000))
    loaded = load_config(path, [f"engine.memory={memory}"])
    dataset = read_dataset(loaded, SilentReporter())
    assert dataset.storage.streamed == (memory == "1")
    [advice] = dataset.advice
    assert (advice.rule, advice.message) == (
        "identifier",
        "lacks `id`, which numbers the rows (0 to 59997), by 20,000 rows spread over all",
    )


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_tables_get_no_advice(path: Path) -> None:
    assert said(path, {}) == []


def test_two_numbers_to_predict_are_classes(tmp_path: Path) -> None:
    flaw = Doubtful("", "", "", {"a": wave, "y": lambda i: i * i % 3 % 2})
    path = written(tmp_path, flaw)
    [note] = said(path, {})
    assert (note.rule, note.message) == (
        "loss-for-classes",
        "is mean_squared_error, a loss for numbers, but the target is always 0 or 1",
    )
    assert note.mended == "training: {loss: binary_crossentropy}"
    assert said(path, {"data.task": "regression"}) == []
    assert said(path, BINARY) == []


def test_pixels_of_floats_are_to_be_scaled(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (200, 4, 4)).astype("float32")
    np.savez(tmp_path / "x.npz", x_train=x, y_train=np.arange(200) % 3)
    text = CONFIG.replace("csv", "npz").replace("rows.npz", "x.npz").replace("  target: y\n", "")
    (tmp_path / "case.yaml").write_text(text)
    layers = "[Flatten, {type: Dense, units: 3, activation: softmax}]"
    settings = {"model.layers": layers, "training.loss": "sparse_categorical_crossentropy"}
    path = tmp_path / "case.yaml"
    [note] = [note for note in said(path, settings) if note.rule == "unscaled-inputs"]
    assert note.message == "is missing: the inputs reach from 0 to 255"
    assert said(path, {**settings, "preprocess.scale": "255"}) == []


def test_lint_and_train_tell_the_same(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flaw = FLAWS[0]
    written(tmp_path, flaw)
    done = dl("lint", "case.yaml")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        f"case.yaml:2:1: identifier: {flaw.said}\n    2 | data:\n      | ^^^^\n"
        "why: A name of the row says nothing about the target; the network can only learn it by "
        "heart, and has never seen that of a new row.\nwrite: below data: exclude: [id]\n"
    )
    done = dl("train", "case.yaml", "--dry-run")
    assert f"advice: {flaw.said} (identifier)\n" in done.err


def test_text_for_a_missing_value_among_the_classes_is_told_unless_it_must_be_one(
    tmp_path: Path,
) -> None:
    lacking: dict[str, Callable[[int], object]] = {
        "a": wave,
        "y": lambda i: ("NA", "a", "b")[i % 3],
    }
    path = written(tmp_path, Doubtful("", "", "", lacking))
    [note] = said(path, CLASSES)
    assert (note.rule, note.message, note.mended) == (
        "stand-in",
        "does not name NA, which the target `y` has in 34 of 100 rows: "
        "taken for a class to predict",
        'below data: missing_values: {"y": [NA]}',
    )
    assert said(path, {**CLASSES, "data.classes": "[b, a, NA]"}) == []
    signs: dict[str, Callable[[int], object]] = {"a": wave, "y": lambda i: "-+"[i % 2]}
    assert said(written(tmp_path, Doubtful("", "", "", signs)), BINARY) == []


def test_advice_on_the_config_counts_the_rows_that_were_read(tmp_path: Path) -> None:
    labels = ["yes" if i % 20 == 0 else "no" for i in range(200)]
    table = pyarrow.table({"a": [wave(i) for i in range(200)], "y": labels})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    config = CONFIG.replace("source: csv", "source: parquet").replace("rows.csv", "rows.parquet")
    (tmp_path / "case.yaml").write_text(config)
    loaded = load_config(
        tmp_path / "case.yaml", [f"{key}={value}" for key, value in BINARY.items()]
    )
    dataset = read_dataset(loaded, SilentReporter())
    told = {advice.rule: advice.message for advice in advice_for(loaded.config, dataset)}
    assert told["imbalance"] == "is 0.5, but 190 rows are 'no', only 10 are 'yes'"


@pytest.mark.parametrize("one_hot", [False, True])
def test_classes_at_several_places_of_a_row_are_not_counted_as_rows(
    one_hot: bool, tmp_path: Path
) -> None:
    x, y = np.zeros((60, 4, 2)), np.zeros((60, 4), int)
    y[:, 3] = np.arange(60) % 12
    np.savez(tmp_path / "rows.npz", x_train=x, y_train=np.eye(13)[y] if one_hot else y)
    config = tmp_path / "case.yaml"
    units = 13 if one_hot else 12
    config.write_text(
        "data: {source: npz, path: rows.npz}\n"
        f"model: {{layers: [{{type: Dense, units: {units}, activation: softmax}}]}}\n"
        "training: {loss: categorical_crossentropy, metrics: [accuracy]}\n"
    )
    loaded = load_config(config)
    advice = advice_for(loaded.config, read_dataset(loaded, SilentReporter()))
    rules = {note.rule for note in placed(loaded, advice)}
    assert not rules & {"imbalance", "loss-encoding"}


def test_a_declared_shape_that_is_not_that_of_the_table_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, Doubtful("", "", "", {"a": wave}))
    loaded = load_config(path, ["model.input_shape=[7]"])
    with pytest.raises(ConfigError, match="is not the shape of a row of the data"):
        read_dataset(loaded, SilentReporter())
