"""The resolved config: explicit, readable, and the same config again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dl.config.builder import Places
from dl.config.document import read_node
from dl.config.load import load_config
from dl.config.nodes import flow, plain, scalar, yaml_text
from dl.config.schema import Config, document_of, flat, resolved_text
from dl.config.summary import changed, hyperparameters
from dl.errors import Mark

GOOD = Path(__file__).resolve().parents[1] / "cases" / "good"

# Control characters and unassigned ones are refused by the reader, wherever they come from.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=12)
WORDS = st.one_of(
    TEXT,
    st.from_regex(r"[-+0-9.:_exEinfaXyYnNoO~#,&*!|>%@`?'\" \[\]{}]{0,8}", fullmatch=True),
    st.sampled_from(
        ["a\tb", "a\nb", "no", "On", "y", "null", "~", "1e3", "0o7", ".inf", "12:30", "2024-01-31"]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False),
    WORDS,
)
DOCUMENTS = st.dictionaries(
    WORDS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
        max_leaves=12,
    ),
    min_size=1,
    max_size=4,
)


def read(text: str) -> object:
    node, problems = read_node(text, Places(Mark("--test")))
    assert node is not None
    assert problems == []
    return plain(node)


@given(SCALARS)
def test_a_value_is_read_as_it_was(value: object) -> None:
    assert read(f"key: {scalar(value)}\n") == {"key": value}


@given(DOCUMENTS)
@settings(max_examples=100, deadline=None)
def test_a_document_is_read_as_it_was(document: dict[str, object]) -> None:
    assert read(yaml_text(document)) == document


@given(DOCUMENTS)
@settings(max_examples=100, deadline=None)
def test_other_readers_of_yaml_read_the_same(document: dict[str, object]) -> None:
    assert yaml.safe_load(yaml_text(document)) == document


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("relu", "relu"),
        ("no", '"no"'),
        ("12:30", '"12:30"'),
        ("007", '"007"'),
        ("1e-3", '"1e-3"'),
        ("a/b.csv", "a/b.csv"),
        ("my file.csv", "my file.csv"),
        ("", '""'),
        (1e-3, "0.001"),
        (1e-7, "1.0e-07"),
        (3.0, "3.0"),
        (True, "true"),
        (None, "null"),
        ([1, [2, "x"]], "[1, [2, x]]"),
        ({"type": "Dense", "units": 3}, "{type: Dense, units: 3}"),
        ({}, "{}"),
        ([], "[]"),
    ],
)
def test_a_value_is_written_plainly(value: object, written: str) -> None:
    assert flow(value) == written


def test_long_values_take_several_lines() -> None:
    document = {"top": {"short": {"a": 1}, "long": ["x" * 60, "y" * 60], "things": [{"a": 1}]}}
    assert yaml_text(document) == (
        "top:\n"
        "  short: {a: 1}\n"
        "  long:\n"
        f"    - {'x' * 60}\n"
        f"    - {'y' * 60}\n"
        "  things:\n"
        "    - {a: 1}\n"
    )


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(GOOD / "everything-explicit.yaml").config


def test_resolved_text_resolves_to_itself(config: Config, tmp_path: Path) -> None:
    first = resolved_text(config)
    (tmp_path / "a.yaml").write_text(first, encoding="utf-8")
    assert resolved_text(load_config(tmp_path / "a.yaml").config) == first


def test_resolved_text_does_not_depend_on_its_folder(config: Config, tmp_path: Path) -> None:
    document = document_of(config)
    assert document["data"]["path"] == str(  # type: ignore[index]
        (GOOD / "../bad/data/flowers.csv").resolve()
    )


def test_lines_fit_on_a_screen(config: Config) -> None:
    assert max(map(len, resolved_text(config).splitlines())) <= 100


def test_flat_names_layers_and_metrics_by_their_names(config: Config) -> None:
    values = flat(config)
    assert values["model.layers.hidden.units"] == 8
    assert values["model.layers.1.units"] == 3
    assert values["training.metrics.top_2.k"] == 2
    assert values["data.features"] == ["length", "width", "colour"]
    assert values["training.class_weight.versicolor"] == 2.5


def test_columns_with_rules_are_told_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "sales.yaml"
    path.write_text(
        "data: {source: csv, path: rows.csv, target: y}\n"
        "preprocess:\n"
        "  columns: {Amount: {scale: log1p, clip: 0.01}, Day: {parts: {month: cyclic}}}\n"
        "  crosses: [[City, Device]]\n"
        "model: {layers: [{type: Dense, units: 1}]}\n"
        "training: {loss: mse}\n"
    )
    config = load_config(path).config
    assert hyperparameters(config)["columns"] == [
        "Amount (scale log1p, clip 0.01)",
        "Day (parts.month cyclic)",
        "City x Device",
    ]
    assert changed(config)["preprocess.columns.Amount.scale"] == "log1p"
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(resolved_text(config))
    assert load_config(resolved).config == config
