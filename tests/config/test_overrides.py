"""`--set KEY=VALUE` on top of a config."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl.config.document import read_document
from dl.config.nodes import MapNode, place, plain
from dl.config.overrides import override
from dl.errors import ConfigError, error_text

CONFIG = b"""
model:
  layers:
    - Flatten
    - {type: Dense, units: 128, name: hidden}
training:
  optimizer: adam
  epochs: 20
"""


def root() -> MapNode:
    """Returns the tree of the config above."""
    return read_document(CONFIG, "c.yaml").root


def changed(*options: str) -> Any:
    """Returns the config above as plain data, with overrides that must be fine."""
    tree, problems = override(root(), options)
    assert problems == []
    return plain(tree)


def refusal(*options: str) -> str:
    """Returns the full error text of overrides of the config above."""
    return error_text(ConfigError.of(override(root(), options)[1]))


def test_value_is_replaced() -> None:
    assert changed("training.epochs=5")["training"] == {"optimizer": "adam", "epochs": 5}


def test_value_is_read_strictly_as_yaml() -> None:
    got = changed("a.b=1e-3", "a.c=[1, x]", "a.d={type: sgd}", "a.e=", "a.f='5'", "a.g= x ")["a"]
    assert got == {"b": 0.001, "c": [1, "x"], "d": {"type": "sgd"}, "e": None, "f": "5", "g": "x"}


def test_option_splits_at_its_first_equals_sign() -> None:
    assert changed("data.path=a=b.csv")["data"] == {"path": "a=b.csv"}


def test_later_override_wins() -> None:
    assert changed("seed=1", "seed=2")["seed"] == 2


def test_missing_mappings_are_made() -> None:
    assert changed("preprocess.numeric=minmax")["preprocess"] == {"numeric": "minmax"}


@pytest.mark.parametrize("path", ["model.layers.1.units", "model.layers[1].units"])
def test_layer_is_found_by_its_position(path: str) -> None:
    assert changed(f"{path}=64")["model"]["layers"][1]["units"] == 64


def test_layer_is_found_by_its_name() -> None:
    layers = changed("model.layers.hidden.units=64")["model"]["layers"]
    assert layers == ["Flatten", {"type": "Dense", "units": 64, "name": "hidden"}]


def test_whole_layer_is_replaced() -> None:
    assert changed("model.layers.0=ReLU")["model"]["layers"][0] == "ReLU"


def test_bare_layer_becomes_a_mapping() -> None:
    layers = changed("model.layers.0.name=flat")["model"]["layers"]
    assert layers[0] == {"type": "Flatten", "name": "flat"}


def test_bare_optimizer_becomes_a_mapping() -> None:
    optimizer = changed("training.optimizer.learning_rate=0.1")["training"]["optimizer"]
    assert optimizer == {"type": "adam", "learning_rate": 0.1}


def test_optimizer_that_is_not_written_is_the_default_one() -> None:
    tree, problems = override(
        read_document(b"training: {epochs: 1}", "c.yaml").root,
        ["training.optimizer.learning_rate=0.1"],
    )
    assert problems == []
    assert plain(tree) == {
        "training": {"epochs": 1, "optimizer": {"type": "adam", "learning_rate": 0.1}}
    }


def test_place_of_a_value_is_the_option() -> None:
    tree, _ = override(root(), ["model.layers.1.units=64"])
    assert str(place(tree, ("model", "layers", 1, "units"))) == "--set model.layers.1.units=64"
    assert str(place(tree, ("model", "layers", 1, "name"))) == "c.yaml:5:39"


def test_long_option_is_cut_in_its_place() -> None:
    tree, _ = override(root(), ["name=" + "x" * 500])
    assert str(place(tree, ("name",))) == "--set name=" + "x" * 94 + "…"


def test_position_out_of_range_names_what_exists() -> None:
    assert refusal("model.layers.2.units=1") == (
        "error: --set model.layers.2.units=1: model.layers has no item 2\n"
        "expected: a position from 0 to 1, or a name: hidden"
    )


def test_unknown_layer_name_gives_the_nearest() -> None:
    assert refusal("model.layers.hiden.units=1") == (
        "error: --set model.layers.hiden.units=1: model.layers has no item hiden\n"
        "expected: a position from 0 to 1, or a name: hidden\n"
        "hint: did you mean hidden?"
    )


@pytest.mark.parametrize("position", ["-1", "٣", "99999999999999999999", "1x"])
def test_odd_position_is_no_item(position: str) -> None:
    assert f"model.layers has no item {position}" in refusal(f"model.layers.{position}=1")


def test_nothing_can_be_set_below_a_number() -> None:
    assert refusal("training.epochs.x=1") == (
        "error: --set training.epochs.x=1: nothing can be set below training.epochs: it is not a "
        "mapping\nfound: 20"
    )


@pytest.mark.parametrize("option", ["epochs", "", "=3", " =3"])
def test_option_without_key_or_value_is_refused(option: str) -> None:
    assert refusal(option) == (
        f"error: --set {option}: an override must be KEY=VALUE\n"
        "hint: for example --set training.epochs=5"
    )


@pytest.mark.parametrize("key", ["a..b", ".a", "a.", "a." * 40 + "b"])
def test_odd_path_is_refused(key: str) -> None:
    assert "this is not a path into the config" in refusal(f"{key}=1")


def test_extends_cannot_be_set() -> None:
    assert "extends can only be written in a file" in refusal("extends=x.yaml")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no", "a: `no` is ambiguous: YAML 1.1 reads it as false, YAML 1.2 as text"),
        ("[1", "the list that starts here is not closed"),
        ("!!set {x}", "the tag `!!set` is not allowed"),
        ("{x: 1, x: 2}", "x is given twice, first on line 1"),
        ("*x", "the alias *x has no anchor &x"),
        ("a\0b", "the character NUL is not allowed in a config"),
        ("\udcff", "the control character U+DCFF is not allowed in a config"),
        ("1\n---\n2", "a second document starts here"),
    ],
)
def test_value_that_the_file_could_not_hold_is_refused(value: str, message: str) -> None:
    first = refusal(f"a={value}").splitlines()[0]
    assert first.startswith("error: --set a=")
    assert message.removeprefix("a: ").removesuffix(" on line 1") in first


def test_all_wrong_options_are_reported() -> None:
    assert refusal("a", "b.=1", "training.epochs=no").count("error: ") == 3


@given(st.lists(st.text(max_size=40), max_size=3), st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_options_are_applied_or_refused(options: list[str], value: str) -> None:
    tree, problems = override(root(), [*options, f"model.layers.{value}={value}"])
    assert isinstance(plain(tree), dict)
    assert not problems or error_text(ConfigError.of(problems)).startswith("error: --set ")
