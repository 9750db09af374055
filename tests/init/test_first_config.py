"""`dl init DATA`: the text that it prints, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import yaml
from PIL import Image

Dl = Callable[..., Any]

EXPECTED = """\
# yaml-language-server: $schema=dl.schema.json
# A first config, written by `dl init`. Change whatever you like.
# Editors complete and check it beside its schema: dl schema > dl.schema.json
#
# `guests.csv`: 40 rows; inputs: 1 number, 1 category, 1 date.
# To predict: `came`, one of 2: `no`, `yes`.

name: guests
seed: 42

data:
  source: csv
  path: guests.csv                # relative to this file
  separator: ";"
  target: came
  # Left out:
  #   `id` numbers the rows (1 to 40)
  #   `note` is free text (40 different values)
  exclude: [id, note]
  split: {validation: 0.15, test: 0.2, stratify: true}  # the same mix of classes in each

preprocess:
  numeric: standardize            # mean 0, standard deviation 1
  categorical: one_hot            # `town`: a 0 or 1 for each category
  dates: parts                    # `booked`: year, month, day, …
  columns:
    booked:
      parts: {year: number, month: categories, day: number, weekday: categories}
  missing: median                 # missing in `age` (1 row)

model:
  layers:
    - {type: Dense, units: 64, activation: relu}
    - {type: Dropout, rate: 0.3}  # hides 30% of the units in each step, against overfitting
    - {type: Dense, units: 1, activation: sigmoid}  # the probability of `yes`

training:
  loss: binary_crossentropy
  optimizer: {type: adam, learning_rate: 1e-3}
  metrics: [accuracy, AUC]
  batch_size: 16
  epochs: 300                     # at most: it stops when validation no longer improves
  callbacks:
    - {type: EarlyStopping, monitor: val_loss, patience: 30, restore_best_weights: true}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def guests() -> Iterator[str]:
    yield "id;age;town;booked;note;came"
    for i in range(40):
        age = "" if i == 3 else str(20 + i * 7 % 50)
        note = f"guest {i} said that all was well"
        town, came = ["Ulm", "Köln"][i % 2], ["no", "yes"][i % 3 > 0]
        yield f"{i + 1};{age};{town};2024-01-{i % 28 + 1:02};{note};{came}"


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_table_gets_a_commented_config(folder: Path, dl: Dl) -> None:
    write(folder / "guests.csv", *guests())
    done = dl("init", "guests.csv", "--target", "came")
    assert (done.code, done.out, done.err) == (0, EXPECTED, "")


def test_the_config_is_right(folder: Path, dl: Dl) -> None:
    write(folder / "guests.csv", *guests())
    write(folder / "guests.yaml", dl("init", "guests.csv", "--target", "came").out)
    assert dl("validate", "guests.yaml").code == 0


def test_a_parquet_file_of_numbers_gets_a_regression(folder: Path, dl: Dl) -> None:
    table = pyarrow.table({"size": np.arange(50) * 1.5, "price": np.arange(50) ** 1.5})
    pyarrow.parquet.write_table(table, folder / "houses.parquet")
    config = yaml.safe_load(dl("init", "houses.parquet", "--target", "price").out)
    assert config["data"]["source"] == "parquet"
    assert config["preprocess"] == {
        "numeric": "standardize",
        "missing": "median",
        "target": "standardize",
    }
    assert config["model"]["layers"][-1] == {"type": "Dense", "units": 1}
    assert config["training"]["loss"] == "mean_squared_error"


def test_several_targets_get_an_output_each(folder: Path, dl: Dl) -> None:
    write(folder / "a.csv", "x,u,v", *(f"{i * 0.5},{i * 0.25},{-i * 1.5}" for i in range(40)))
    config = yaml.safe_load(dl("init", "a.csv", "--target", "u", "--target", "v").out)
    assert config["data"]["target"] == ["u", "v"]
    assert config["model"]["layers"][-1]["units"] == 2


def test_small_pictures_in_a_table_are_scaled_as_pixels(folder: Path, dl: Dl) -> None:
    rows = np.random.default_rng(0).integers(0, 17, (60, 64))
    rows[:, 0] = 0
    names = [f"p{i}" for i in range(64)]
    lines = [f"{','.join(map(str, row))},{i % 3}" for i, row in enumerate(rows)]
    write(folder / "a.csv", ",".join([*names, "y"]), *lines)
    config = yaml.safe_load(dl("init", "a.csv", "--target", "y").out)
    assert config["preprocess"]["numeric"] == "minmax"
    assert "features" not in config["data"]


@pytest.mark.parametrize("columns", [16, 60])
def test_few_columns_and_those_that_are_no_square_are_no_pixels(
    folder: Path, dl: Dl, columns: int
) -> None:
    rows = np.random.default_rng(0).integers(0, 101, (60, columns))
    names = [f"p{i}" for i in range(columns)]
    lines = [f"{','.join(map(str, row))},{i % 3}" for i, row in enumerate(rows)]
    write(folder / "a.csv", ",".join([*names, "y"]), *lines)
    config = yaml.safe_load(dl("init", "a.csv", "--target", "y").out)
    assert config["preprocess"]["numeric"] == "standardize"


def test_times_are_seen_by_their_parts(folder: Path, dl: Dl) -> None:
    days = np.datetime64("2024-01-01T00:30") + np.arange(60) * np.timedelta64(5, "h")
    write(folder / "a.csv", "at,x,y", *(f"{day},{i % 7},{i * 0.25}" for i, day in enumerate(days)))
    text = dl("init", "a.csv", "--target", "y").out
    assert yaml.safe_load(text)["preprocess"]["columns"]["at"]["parts"] == {
        **{"year": "number", "month": "categories", "day": "number", "weekday": "categories"},
        **{"hour": "categories", "minute": "number"},
    }
    assert max(map(len, text.splitlines())) <= 100


def test_a_month_is_a_year_and_a_category(folder: Path, dl: Dl) -> None:
    months = np.datetime64("2018-01") + np.arange(60)
    rows = (f"{month},{i % 7},{i * 0.25}" for i, month in enumerate(months))
    write(folder / "a.csv", "month,x,y", *rows)
    config = yaml.safe_load(dl("init", "a.csv", "--target", "y").out)
    assert config["preprocess"]["columns"] == {
        "month": {"parts": {"year": "number", "month": "categories"}}
    }


def test_some_hundreds_of_categories_are_an_input(folder: Path, dl: Dl) -> None:
    lines = [f"agent {i % 300},{i / 7:.2f},{i * 0.25}" for i in range(1500)]
    write(folder / "a.csv", "agent,x,y", *lines)
    config = yaml.safe_load(dl("init", "a.csv", "--target", "y").out)
    assert config["preprocess"]["categorical"] == "one_hot"


def test_from_10_000_rows_on_the_rate_falls_where_nothing_is_gained(folder: Path, dl: Dl) -> None:
    stops = ["EarlyStopping"]
    for rows, names in ((9_000, stops), (10_000, ["ReduceLROnPlateau", *stops])):
        write(folder / "a.csv", "x,y", *(f"{i / 7:.3f},{i / 3:.3f}" for i in range(rows)))
        training = yaml.safe_load(dl("init", "a.csv", "--target", "y").out)["training"]
        assert [each["type"] for each in training["callbacks"]] == names


def test_a_few_rows_are_not_split(folder: Path, dl: Dl) -> None:
    write(folder / "xor.csv", "a,b,y", "0,0,0", "0,1,1", "1,0,1", "1,1,0")
    config = yaml.safe_load(dl("init", "xor.csv", "--target", "y").out)
    assert config["data"]["split"] == {"validation": 0, "test": 0}
    assert "callbacks" not in config["training"]


def test_a_rare_class_is_offered_a_weight(folder: Path, dl: Dl) -> None:
    words = ["a", "b"] * 98 + ["c"] * 4
    write(folder / "a.csv", "x,y", *(f"{i / 7},{word}" for i, word in enumerate(words)))
    text = dl("init", "a.csv", "--target", "y").out
    offer = "  # class_weight: balanced        # the rarest class has 4 rows; this makes it count"
    assert offer in text
    assert "threshold" not in text


@pytest.mark.parametrize(("rare", "threshold"), [(1, 0.025), (0, 0.975)])
def test_a_rare_class_of_two_is_offered_a_threshold(
    folder: Path, dl: Dl, rare: int, threshold: float
) -> None:
    classes = [rare if i % 40 == 0 else 1 - rare for i in range(200)]
    write(folder / "a.csv", "x,y", *(f"{i / 7},{y}" for i, y in enumerate(classes)))
    text = dl("init", "a.csv", "--target", "y").out
    assert "class_weight" not in text
    assert text.endswith(
        "\n\n# evaluation:\n"
        f"#   threshold: {threshold:<19.2g}# the rarest class has 5 rows; "
        "cut there, it counts as much\n"
    )
    taken = text.replace("# evaluation:", "evaluation:").replace("#   thresh", "  thresh")
    (folder / "a.yaml").write_text(taken, encoding="utf-8")
    assert dl("validate", "a.yaml").code == 0


def test_a_class_of_two_rows_is_not_stratified(folder: Path, dl: Dl) -> None:
    words = ["a", "b"] * 30 + ["c"] * 2
    write(folder / "a.csv", "x,y", *(f"{i / 7},{word}" for i, word in enumerate(words)))
    config = yaml.safe_load(dl("init", "a.csv", "--target", "y").out)
    assert config["data"]["split"]["stratify"] is False


def test_a_column_that_training_would_refuse_is_left_out(folder: Path, dl: Dl) -> None:
    odd = [*map(str, range(100, 159)), "oops"]
    write(folder / "a.csv", "x,odd,y", *(f"{i / 7},{odd[i]},{i % 2}" for i in range(60)))
    text = dl("init", "a.csv", "--target", "y").out
    assert yaml.safe_load(text)["data"]["exclude"] == ["odd"]
    what = "column 'odd' is numeric, but this is text: 'oops'"
    reason = f"`odd` cannot be read yet (a.csv:61: {what})"
    assert f"  #   {reason}\n" in text


def test_days_that_could_be_months_are_left_out_with_the_line_to_write(
    folder: Path, dl: Dl
) -> None:
    days = [f"{i % 12 + 1:02}/{i * 5 % 12 + 1:02}/{2000 + i % 20}" for i in range(120)]
    write(folder / "a.csv", "x,day,y", *(f"{i / 7},{day},{i / 3}" for i, day in enumerate(days)))
    text = dl("init", "a.csv", "--target", "y").out
    comment = " ".join(line.strip(" #") for line in text.splitlines() if line.startswith("  #"))
    line = '{day: {kind: date, format: "%m/%d/%Y"}}'
    assert comment.startswith(
        "Left out: `day` fits the formats '%m/%d/%Y' and '%d/%m/%Y': state one, "
        f"`columns: {line}`, and exclude it no more"
    )
    config = yaml.safe_load(text)
    assert config["data"].pop("exclude") == ["day"]
    config["data"]["columns"] = yaml.safe_load(line)
    (folder / "b.yaml").write_text(yaml.safe_dump(config))
    assert dl("data", "b.yaml").code == 0


def test_arrays_of_pictures_get_convolutions(folder: Path, dl: Dl) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 12, 12), dtype=np.uint8)
    np.savez(folder / "a.npz", x_train=x, y_train=np.arange(60) % 3, x_test=x, y_test=np.arange(60))
    config = yaml.safe_load(dl("init", "a.npz").out)
    assert config["data"]["split"] == {"validation": 0.15, "stratify": True}
    assert config["model"]["layers"][0]["type"] == "Conv2D"
    assert config["preprocess"] == {"scale": 255}


def test_arrays_with_other_names_are_named(folder: Path, dl: Dl) -> None:
    np.savez(folder / "a.npz", X=np.random.default_rng(0).normal(size=(60, 4)), y=np.arange(60) % 2)
    config = yaml.safe_load(dl("init", "a.npz").out)
    assert config["data"]["arrays"] == {"x_train": "X", "y_train": "y"}
    assert config["preprocess"] == {"numeric": "standardize"}


def make_pictures(folder: Path, mode: str = "RGB", names: tuple[str, ...] = ("cat", "dog")) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(20):
            Image.new(mode, (128, 96), number).save(folder / name / f"{number}.png")


def test_few_coloured_pictures_name_a_base_in_a_comment(folder: Path, dl: Dl) -> None:
    make_pictures(folder / "pets")
    line = "    # - {type: MobileNetV2, weights: imagenet, pooling: avg, trainable: false}\n"
    assert line in dl("init", folder / "pets").out
    make_pictures(folder / "grey", mode="L")
    assert line not in dl("init", folder / "grey").out


def test_a_folder_of_pictures_keeps_their_shape(folder: Path, dl: Dl) -> None:
    make_pictures(folder / "pets", mode="L")
    config = yaml.safe_load(dl("init", "pets").out)
    assert config["data"]["image_size"] == [48, 64]
    assert config["data"]["color"] == "grayscale"
    assert config["model"]["layers"][-1] == {"type": "Dense", "units": 1, "activation": "sigmoid"}


def test_a_folder_that_is_split_already_stays_so(folder: Path, dl: Dl) -> None:
    make_pictures(folder / "pets" / "train", names=("a", "b", "c"))
    make_pictures(folder / "pets" / "test", names=("a", "b", "c"))
    data = yaml.safe_load(dl("init", "pets").out)["data"]
    assert (data["path"], data["test_path"]) == ("pets/train", "pets/test")
    assert data["split"] == {"validation": 0.15, "stratify": True}


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ([], 2, "error: give either DATA or --example\nhint: dl init --help\n"),
        (["a.csv", "--example", "xor"], 2,
         "error: give either DATA or --example\nhint: dl init --help\n"),
        (["a.csv"], 2, "error: a.csv: name the column to predict with --target\n"
         "expected: one of `x`, `label`, `z`\nhint: dl init a.csv --target label\n"),
        (["a.csv", "--target", "lable"], 3, "error: a.csv: there is no target column 'lable'\n"
         "expected: one of x, label, z\nhint: did you mean 'label'?\n"),
        (["b.csv", "--target", "z"], 3, "error: b.csv: there is no such file\n"),
        (["one.csv", "--target", "y"], 3,
         "error: one.csv: there is no column to predict from\n"
         "expected: numbers, categories or dates besides the target\nfound: only the target\n"),
        (["lonely", ], 3, "error: lonely: has a single class folder, 'cat'\n"
         "expected: a folder of pictures for each class, two or more\n"
         "hint: add a folder with pictures of something else\n"),
        (["lonely", "--target", "x"], 2, "error: lonely: --target is for tables\n"
         "expected: no --target: the name of its folder is the class of a file\n"
         "found: --target x\nhint: dl init lonely\n"),
        (["odd.npz"], 3, "error: odd.npz: it is unclear which arrays are the inputs and the "
         "targets\nexpected: arrays named `x_train` and `y_train`\nfound: `u`, `v`\n"
         "hint: numpy.savez(FILE, x_train=..., y_train=...)\n"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_used_is_refused(
    arguments: list[str], code: int, error: str, folder: Path, dl: Dl
) -> None:
    write(folder / "a.csv", "x,label,z", "1,a,2", "2,b,3")
    write(folder / "one.csv", "y", "1", "2")
    make_pictures(folder / "lonely", names=("cat",))
    np.savez(folder / "odd.npz", u=np.ones(3), v=np.ones(3))
    done = dl("init", *arguments)
    assert (done.code, done.out, done.err) == (code, "", error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "metric", "least", "most"),
    [
        ("breast_cancer", "accuracy", 0.93, 1),
        ("diabetes", "mean_absolute_error", 30, 52),
    ],
)
def test_a_first_config_trains_well_as_it_is(
    dataset: str, metric: str, least: float, most: float, folder: Path, dl: Dl
) -> None:
    import json

    from sklearn import datasets

    bunch = getattr(datasets, f"load_{dataset}")()
    names = [*bunch.feature_names, "target"]
    rows = np.column_stack([bunch.data, bunch.target])
    write(folder / "data.csv", ",".join(names), *(",".join(map(repr, map(float, r))) for r in rows))
    write(folder / "first.yaml", dl("init", "data.csv", "--target", "target").out)
    done = dl("train", "first.yaml", "--quiet", "--json")
    assert done.code == 0, done.err
    assert least <= json.loads(done.out)["metrics"]["test"][metric] <= most
