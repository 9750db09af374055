"""Names that are counted in each config anew."""

from __future__ import annotations

import pytest

from dl.vocabulary.names import snake_case, with_names
from dl.vocabulary.spec import Kind, Spec


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("BatchNormalization", "batch_normalization"),
        ("LSTM", "lstm"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("ReLU", "re_lu"),
        ("AUC", "auc"),
    ],
)
def test_class_names_are_written_as_in_keras(name: str, snake: str) -> None:
    assert snake_case(name) == snake


def layer(name: str | None = None, **parameters: object) -> Spec:
    return Spec(Kind.LAYER, "Dense", {"name": name, **parameters})


def test_names_are_numbered_around_given_ones() -> None:
    named = with_names([layer(), layer("dense"), layer(), layer("dense_2"), layer()])

    names = [spec.parameters["name"] for spec in named]
    assert names == ["dense_1", "dense", "dense_3", "dense_2", "dense_4"]


def test_nested_things_are_named_too() -> None:
    (outer,) = with_names([layer(layer=layer(), layers=(layer(), layer()))])

    inner, several = outer.parameters["layer"], outer.parameters["layers"]
    assert isinstance(inner, Spec)
    assert isinstance(several, tuple)
    assert inner.parameters["name"] == "dense"
    assert [spec.parameters["name"] for spec in several] == ["dense", "dense_1"]
