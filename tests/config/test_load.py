"""The whole way from a file to a checked config, or to all of its problems."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dl.config.data import CsvData, ParquetData
from dl.config.load import Loaded, default_name, load_config, load_mapping
from dl.errors import ConfigError, ExitCode, error_text
from dl.vocabulary.spec import Finding

CSV = """\
data:
  source: csv
  path: rows/train.csv
  target: price
model:
  layers:
    - {type: Dense, units: 8, activation: relu, name: hidden}
    - {type: Dense, units: 1}
training:
  loss: mse
  epochs: 3
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str, *overrides: str, name: str | None = None, file: str = "c.yaml") -> Loaded:
    """Writes a config and loads it."""
    Path(file).write_text(text, encoding="utf-8")
    return load_config(Path(file), overrides, name)


def refusal(text: str, *overrides: str, name: str | None = None) -> str:
    """Returns the full error text of a config that must be refused."""
    with pytest.raises(ConfigError) as caught:
        load(text, *overrides, name=name)
    assert caught.value.exit_code == ExitCode.USAGE
    return error_text(caught.value)


def replaced(old: str, new: str) -> str:
    """Returns the config above with something else in one place."""
    assert old in CSV
    return CSV.replace(old, new)


def headlines(text: str) -> list[str]:
    """Returns the first line of each problem."""
    return [line.removeprefix("error: ") for line in text.splitlines() if line.startswith("error")]


def test_loaded_keeps_what_was_written(tmp_path: Path) -> None:
    loaded = load(CSV, "training.epochs=5")
    assert loaded.text == CSV.encode()
    assert loaded.path == Path("c.yaml")
    assert loaded.overrides == ("training.epochs=5",)
    assert loaded.folder == tmp_path
    assert loaded.config.training.epochs == 5


def test_exponent_without_a_point_is_a_number() -> None:
    loaded = load(CSV, "training.optimizer={type: adam, learning_rate: 1e-3}")
    assert loaded.config.training.optimizer.parameters["learning_rate"] == 0.001


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("mnist-mlp.yaml", "mnist-mlp"),
        ("my experiment (2).yaml", "my-experiment-2"),
        ("..yaml", "run"),
        ("_x.yml", "x"),
        ("été.yaml", "t"),
        ("日本.yaml", "run"),
        ("a" * 120, "a" * 100),
    ],
)
def test_default_name_is_the_stem_made_legal(file: str, name: str) -> None:
    assert default_name(Path(file)) == name


def test_name_of_the_option_wins() -> None:
    assert load("name: one\n" + CSV, "name=two", name="three").config.name == "three"


@pytest.mark.parametrize("name", ["../x", "/x", "", "a/b", "a\0b", "x" * 101, ".x", "a b", "a\n"])
def test_illegal_name_is_refused(name: str) -> None:
    assert "name must " in refusal(CSV, name=name)


def test_illegal_name_is_shown_at_its_option() -> None:
    assert refusal(CSV, name="../x") == (
        "error: --name ../x: name must be 1 to 100 letters, digits, dots, dashes and underscores, "
        "first a letter or digit\n"
        "found: '../x'"
    )


def test_paths_are_relative_to_the_file_in_which_they_are_written(tmp_path: Path) -> None:
    Path("bases").mkdir()
    Path("bases/base.yaml").write_text(replaced("target", "test_path: ../t.csv\n  target"))
    text = "extends: bases/base.yaml\ndata: {validation_path: v.csv}\n"
    Path("configs").mkdir()
    data = load(text.replace("bases", "../bases"), file="configs/c.yaml").config.data
    assert isinstance(data, CsvData)
    assert data.path == str(tmp_path / "bases/rows/train.csv")
    assert data.test_path == str(tmp_path / "t.csv")
    assert data.validation_path == str(tmp_path / "configs/v.csv")


def test_path_of_an_option_is_relative_to_the_working_directory(tmp_path: Path) -> None:
    Path("configs").mkdir()
    data = load(CSV, "data.path=x.csv", file="configs/c.yaml").config.data
    assert isinstance(data, CsvData)
    assert data.path == str(tmp_path / "x.csv")


@pytest.mark.parametrize("url", ["https://example.org/a.csv", "s3://bucket/a.csv"])
def test_url_stays_as_it_is(url: str) -> None:
    data = load(CSV, f"data.path={url}").config.data
    assert isinstance(data, CsvData)
    assert data.path == url


def test_absolute_path_and_home_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    data = load(CSV, "data.path=/a/b.csv", "data.test_path=~/c.csv").config.data
    assert isinstance(data, CsvData)
    assert (data.path, data.test_path) == ("/a/b.csv", "/home/somebody/c.csv")


def test_source_can_be_changed_by_an_option() -> None:
    assert isinstance(load(CSV, "data.source=parquet").config.data, ParquetData)


def test_missing_file_gives_the_nearest() -> None:
    Path("mnist.yaml").write_text("")
    with pytest.raises(ConfigError) as caught:
        load_config(Path("mnits.yaml"))
    assert error_text(caught.value) == (
        "error: mnits.yaml: there is no such file\nhint: did you mean mnist.yaml?"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "error: . is a directory, not a config\nhint: name a YAML file"),
        ("fifo", "error: fifo cannot be read: it is not a regular file"),
        ("/dev/zero", "error: /dev/zero cannot be read: it is not a regular file"),
        ("a\0b", "error: 'a\\x00b' cannot be read: embedded null byte"),
        ("c.yaml/x", "error: c.yaml/x cannot be read: Not a directory"),
    ],
)
def test_what_is_no_file_is_refused(name: str, message: str) -> None:
    Path("c.yaml").write_text(CSV)
    os.mkfifo("fifo")
    with pytest.raises(ConfigError) as caught:
        load_config(Path(name))
    assert error_text(caught.value) == message


def test_very_large_file_is_refused() -> None:
    assert refusal("#" * (1024 * 1024 + 1)) == (
        "error: c.yaml is larger than 1 MB\n"
        "hint: a config is a short text; name the file that holds the data in `data.path`"
    )


def test_unknown_key_gives_the_nearest() -> None:
    assert refusal(replaced("epochs", "epohs")) == (
        "error: c.yaml:11:3: training.epohs is not known\n"
        "   11 |   epohs: 3\n"
        "      |   ^^^^^\n"
        "expected: loss, optimizer, metrics, batch_size, solver, epochs, phases, "
        "time_limit, shuffle, sampling, class_weight, output_bias, mixing or callbacks\n"
        "hint: did you mean epochs?"
    )


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("epochs=3", "epochs belongs below `training:`"),
        ("layers=[]", "layers belongs below `model:`"),
        ("data.validation=0.1", "validation belongs below `data.split:`"),
        ("data.dataset=iris", "dataset is for builtin, keras or synthetic data"),
        ("training.seed=1", "seed belongs to the first level of the file, without indentation"),
        ("training.lr=1", "write `training.optimizer`: {type: adam, learning_rate: 0.001}"),
    ],
)
def test_misplaced_key_says_where_it_belongs(option: str, hint: str) -> None:
    assert refusal(CSV, option).splitlines()[-1] == f"hint: {hint}"


def test_missing_key_is_shown_at_the_mapping_that_lacks_it() -> None:
    assert refusal(replaced("  path: rows/train.csv\n", "")) == (
        "error: c.yaml:1:1: data.path is missing\n"
        "    1 | data:\n"
        "      | ^^^^\n"
        "expected: text, or a list of texts (the file, relative to the config)"
    )


def test_missing_sections_are_shown_at_the_file() -> None:
    assert refusal("seed: 1\n") == (
        "error: c.yaml: data is missing\n"
        "expected: a mapping (where the rows come from)\n\n"
        "error: c.yaml: model is missing\n"
        "expected: a mapping (the network)\n\n"
        "error: c.yaml: training is missing\n"
        "expected: a mapping (how the network learns)\n\n"
        "3 errors in c.yaml"
    )


def test_empty_section_is_explained() -> None:
    assert refusal("preprocess:\n" + CSV) == (
        "error: c.yaml:1:1: preprocess must be a mapping\n"
        "    1 | preprocess:\n"
        "      | ^^^^^^^^^^\n"
        "found: nothing\n"
        "hint: it is empty: remove the line, or write its settings below it, indented"
    )


def test_unknown_source_lists_the_choices() -> None:
    assert refusal(replaced("csv\n  path", "cvs\n  path")) == (
        "error: c.yaml:2:11: data.source must be a known source\n"
        "    2 |   source: cvs\n"
        "      |           ^^^\n"
        "expected: csv, parquet, jsonl, feather, stata, sas, spss, excel, "
        "characters, npz, images, audio, npy, nifti, text, builtin, keras or synthetic\n"
        "hint: did you mean csv?"
    )


def test_missing_source_lists_the_choices() -> None:
    assert refusal(replaced("  source: csv\n", "")).splitlines() == [
        "error: c.yaml:1:1: data.source is missing",
        "    1 | data:",
        "      | ^^^^",
        "expected: csv, parquet, jsonl, feather, stata, sas, spss, excel, "
        "characters, npz, images, audio, npy, nifti, text, builtin, keras or synthetic",
    ]


@pytest.mark.parametrize(
    ("option", "expected", "found", "hint"),
    [
        (
            "training.epochs=10.0",
            "a whole number above 0",
            "10.0",
            "write 10, without a decimal point",
        ),
        ("training.epochs=true", "a whole number above 0", "true", None),
        (
            "training.epochs='10'",
            "a whole number above 0",
            "'10'",
            "write 10, without quotes",
        ),
        ("training.epochs=0", "a whole number above 0", "0", None),
        ("training.epochs=.inf", "a whole number above 0", ".inf", None),
        (
            "training.epochs='1,000'",
            "a whole number above 0",
            "'1,000'",
            "write 1000",
        ),
        ("training.epochs=[3]", "a whole number above 0", "[3]", None),
        (
            "training.batch_size=ful",
            "a whole number above 0, or full",
            "'ful'",
            "did you mean full?",
        ),
        ("training.shuffle=1", "true or false", "1", None),
        ("training.shuffle='true'", "true or false", "'true'", "write true, without quotes"),
        (
            "data.split.test=1",
            "a number from 0 up to, but not including, 1",
            "1",
            None,
        ),
        (
            "data.split.test=.nan",
            "a number from 0 up to, but not including, 1",
            ".nan",
            None,
        ),
        ("data.target=3", "text, or a list of texts", "3", 'put it in quotes: "3"'),
        ("data.features=a", "a list of texts, or null", "'a'", "write a list, in brackets: [a]"),
        (
            "data.task=multi_class",
            "binary, multiclass, multilabel, regression or null",
            "'multi_class'",
            "did you mean multiclass?",
        ),
        ("data.separator=ab", "a single character, or blanks", "'ab'", None),
        (
            "model.input_shape=28",
            "a list of whole numbers above 0 or null",
            "28",
            "write a list, in brackets: [28]",
        ),
        (
            "training.class_weight=3",
            "balanced, or a mapping of names to numbers above 0, or null",
            "3",
            None,
        ),
        ("seed=-1", "a whole number from 0 to 4294967295", "-1", None),
        ("preprocess.scale=-1e-3", "a number above 0, or null", "-1e-3", None),
        (
            "preprocess.numeric=standardise",
            "standardize, minmax, robust, quantile, log1p or none",
            "'standardise'",
            "did you mean standardize?",
        ),
    ],
)
def test_wrong_value_is_explained(option: str, expected: str, found: str, hint: str | None) -> None:
    key = option.partition("=")[0]
    error, came, to_do = refusal(CSV, option).splitlines()
    assert error == f"error: --set {option}: {key} must be {expected}"
    assert came == f"found: {found}"
    meaning = f"`{key.split('.')[-1]}`: "
    assert to_do == f"hint: {hint}" if hint else to_do.startswith(f"hint: {meaning}")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "preprocess.crosses=[city]",
            "must be a list of 2 texts\nfound: 'city'\n"
            "hint: write a list of 2, in brackets: [city, …]",
        ),
        (
            "lint.ignore=[constantcolumns]",
            "must be one of 46 words, such as constant-column, repeated-column or empty-column\n"
            "found: 'constantcolumns'\nhint: did you mean constant-column?",
        ),
    ],
)
def test_a_wrong_item_is_explained(option: str, said: str) -> None:
    key = option.partition("=")[0]
    assert refusal(CSV, option) == f"error: --set {option}: {key}.0 {said}"


def test_wrong_element_is_shown_at_its_place() -> None:
    assert refusal(replaced("target: price", "target: [price, 3]")) == (
        "error: c.yaml:4:19: data.target.1 must be text\n"
        "    4 |   target: [price, 3]\n"
        "      |                   ^\n"
        'hint: put it in quotes: "3"'
    )


def test_wrong_parameter_of_a_layer_is_shown_at_its_place() -> None:
    lines = refusal(replaced("units: 8", "units: -8")).splitlines()
    assert lines[:3] == [
        "error: c.yaml:7:28: model.layers.0.units must be a whole number above 0",
        "    7 |     - {type: Dense, units: -8, activation: relu, name: hidden}",
        "      |                            ^^",
    ]


def test_problems_of_all_sections_come_at_once() -> None:
    text = CSV.replace("path: rows", "paht: rows").replace("units: 8", "unitz: 8")
    text = text.replace("epochs: 3", "epochs: no")
    assert headlines(refusal("seed: x\n" + text, "training.batch_size=0", name="a/b")) == [
        "--name a/b: name must be 1 to 100 letters, digits, dots, dashes and underscores, first a "
        "letter or digit",
        "--set training.batch_size=0: training.batch_size must be a whole number above 0, or full",
        "c.yaml:1:7: seed must be a whole number from 0 to 4294967295",
        "c.yaml:4:3: data.paht is not known",
        "c.yaml:8:21: model.layers.0.unitz is not a parameter of Dense",
        "c.yaml:12:11: training.epochs: `no` is ambiguous: YAML 1.1 reads it as false, YAML 1.2 as "
        "text",
    ]


def test_rules_see_the_valid_sections_beside_a_wrong_one() -> None:
    text = replaced("{type: Dense, units: 1}", "{type: Dense, units: 1, name: hidden}")
    found = headlines(refusal("preprocess: {numeric: x}\n" + text))
    assert len(found) == 2
    assert "preprocess.numeric" in found[0]
    assert "model.layers.1.name" in found[1]


def test_problem_of_a_base_is_shown_in_the_base() -> None:
    Path("base.yaml").write_text(replaced("epochs: 3", "epochs: 0"))
    assert headlines(refusal("extends: base.yaml\n")) == [
        "base.yaml:11:11: training.epochs must be a whole number above 0"
    ]


def test_missing_base_is_told_beside_the_rest() -> None:
    assert headlines(refusal("extends: x.yaml\n" + CSV, "training.epochs=0")) == [
        "--set training.epochs=0: training.epochs must be a whole number above 0",
        "c.yaml:1:10: extends: x.yaml: there is no such file",
    ]


def test_later_finding_gets_its_place() -> None:
    loaded = load(CSV, "model.layers.0.units=3")
    error = loaded.error(
        [
            Finding(("model", "layers", 1), "cannot take what comes", "(28, 28)", "(784,)", "help"),
            Finding(("model", "layers", 0, "units"), "must be 1"),
            Finding(("data", "target"), "is not there", at_key=True),
            Finding(("training", "batch_size"), "is too large"),
        ]
    )
    assert error_text(error) == (
        "error: --set model.layers.0.units=3: model.layers.0.units must be 1\n\n"
        "error: c.yaml:4:3: data.target is not there\n"
        "    4 |   target: price\n"
        "      |   ^^^^^^\n\n"
        "error: c.yaml:8:7: model.layers.1 cannot take what comes\n"
        "    8 |     - {type: Dense, units: 1}\n"
        f"      |       {'^' * 23}\n"
        "expected: (28, 28)\n"
        "found: (784,)\n"
        "hint: help\n\n"
        "error: c.yaml:9:1: training.batch_size is too large\n"
        "    9 | training:\n"
        "      | ^^^^^^^^\n\n"
        "4 errors"
    )


_VALUES = st.sampled_from(
    ["", "x", "3", "-1", "1e400", ".nan", "true", "[]", "[1, a]", "{a: 1}", "{type: x}", "null"]
) | st.sampled_from(
    ["{type: Dense}", "[[[1]]]", "'\\t'", "no", "9999999999", "0.5", "adam", "{source: npz}"]
)
_KEYS = st.sampled_from(
    """
    name seed data data.source data.path data.target data.split data.split.test data.classes
    data.columns preprocess preprocess.scale model model.layers model.layers.0 model.layers.0.type
    model.layers.hidden.units model.layers.1.activation model.input_shape training training.loss
    training.optimizer training.optimizer.learning_rate training.metrics training.callbacks
    training.class_weight training.batch_size training.class_weight.a engine engine.compile a
    data.arrays data.image_size
    """.split()  # noqa: SIM905
)


@given(st.lists(st.tuples(_KEYS, _VALUES), min_size=1, max_size=4))
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_values_are_taken_or_refused(pairs: list[tuple[str, str]]) -> None:
    with contextlib.suppress(ConfigError):
        load(CSV, *(f"{key}={value}" for key, value in pairs))


@given(st.integers(0, len(CSV)), st.integers(0, 12), st.text(max_size=6))
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_small_change_of_the_text_is_taken_or_refused(at: int, cut: int, put: str) -> None:
    with contextlib.suppress(ConfigError):
        load(CSV[:at] + put + CSV[at + cut :])


DICT = {
    "data": {"source": "builtin", "dataset": "wine", "classes": ["0", "1", "2"]},
    "model": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
}
LOSS = "sparse_categorical_crossentropy"


def test_whole_numbers_are_keys_of_a_dict_as_of_a_file() -> None:
    weights = {0: 1.0, 1: 2.0, 2: 5.0}
    loaded = load_mapping({**DICT, "training": {"loss": LOSS, "class_weight": weights}})
    assert loaded.config.training.class_weight == {"0": 1.0, "1": 2.0, "2": 5.0}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({0: 1, "0": 2}, "0 is given twice, as text and as a number"),
        ({True: 1}, "a key must be text"),
        ({"0": 10**5000}, "this is too large for a whole number"),
        ({"0": "a\0b"}, "the text holds a character that no text has"),
        ({"\ud800": 1}, "a key must be text"),
    ],
)
def test_odd_values_of_a_dict_are_refused(weights: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_mapping({**DICT, "training": {"loss": LOSS, "class_weight": weights}})
    assert caught.value.problems[0].message == message


def test_largest_whole_number_is_refused_by_its_type() -> None:
    assert refusal(CSV + f"seed: {2**63 - 1}\n").endswith("fixes everything random, for example 0")


def test_long_key_is_cut_in_the_message() -> None:
    assert f"{'k' * 199}… is not known" in refusal(CSV + f"{'k' * 900}: 1\n")
