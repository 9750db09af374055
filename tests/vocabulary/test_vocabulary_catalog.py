"""The catalog: every spelling finds its entry, and what is left out says why."""

from __future__ import annotations

import json

import pytest

from dl.vocabulary.catalog import entries, find, left_out, names
from dl.vocabulary.spec import Kind, facts


@pytest.mark.parametrize(
    ("kind", "spelled", "name"),
    [
        (Kind.LAYER, "Dense", "Dense"),
        (Kind.LAYER, "dense", "Dense"),
        (Kind.LAYER, "MaxPool2D", "MaxPooling2D"),
        (Kind.LAYER, "Convolution2D", "Conv2D"),
        (Kind.LAYER, "AvgPool1D", "AveragePooling1D"),
        (Kind.LAYER, "batch_normalization", "BatchNormalization"),
        (Kind.LAYER, "InputLayer", "Input"),
        (Kind.ACTIVATION, "swish", "silu"),
        (Kind.ACTIVATION, "hard_swish", "hard_silu"),
        (Kind.ACTIVATION, "ReLU", "relu"),
        (Kind.INITIALIZER, "glorot_uniform", "GlorotUniform"),
        (Kind.INITIALIZER, "normal", "RandomNormal"),
        (Kind.REGULARIZER, "l2", "L2"),
        (Kind.REGULARIZER, "l1_l2", "L1L2"),
        (Kind.CONSTRAINT, "max_norm", "MaxNorm"),
        (Kind.LOSS, "mse", "MeanSquaredError"),
        (Kind.LOSS, "MAE", "MeanAbsoluteError"),
        (Kind.LOSS, "mape", "MeanAbsolutePercentageError"),
        (Kind.LOSS, "msle", "MeanSquaredLogarithmicError"),
        (Kind.LOSS, "kld", "KLDivergence"),
        (Kind.LOSS, "kl_divergence", "KLDivergence"),
        (Kind.LOSS, "logcosh", "LogCosh"),
        (Kind.LOSS, "log_cosh", "LogCosh"),
        (Kind.LOSS, "bce", "BinaryCrossentropy"),
        (Kind.LOSS, "ce", "crossentropy"),
        (Kind.METRIC, "acc", "accuracy"),
        (Kind.METRIC, "accuracy", "accuracy"),
        (Kind.METRIC, "ACCURACY", "accuracy"),
        (Kind.METRIC, "Accuracy", "accuracy"),
        (Kind.METRIC, "logcosh", "LogCoshError"),
        (Kind.METRIC, "auc", "AUC"),
        (Kind.METRIC, "mean_iou", "MeanIoU"),
        (Kind.OPTIMIZER, "adam", "Adam"),
        (Kind.OPTIMIZER, "SGD", "SGD"),
        (Kind.OPTIMIZER, "rmsprop", "RMSprop"),
        (Kind.SCHEDULE, "cosine_decay", "CosineDecay"),
        (Kind.CALLBACK, "early_stopping", "EarlyStopping"),
        (Kind.CELL, "lstm_cell", "LSTMCell"),
    ],
)
def test_find_takes_every_spelling_of_keras(kind: Kind, spelled: str, name: str) -> None:
    entry = find(kind, spelled)

    assert entry is not None
    assert entry.name == name


@pytest.mark.parametrize("spelled", ["", "Dens", "Lambda", "keras.layers.Dense", "layer"])
def test_find_returns_none_for_what_is_not_there(spelled: str) -> None:
    assert find(Kind.LAYER, spelled) is None


@pytest.mark.parametrize("kind", list(Kind))
def test_every_name_finds_an_entry(kind: Kind) -> None:
    assert [name for name in names(kind) if find(kind, name) is None] == []


@pytest.mark.parametrize("kind", list(Kind))
def test_no_spelling_belongs_to_two_entries(kind: Kind) -> None:
    spellings = [s for entry in entries(kind).values() for s in (entry.name, *entry.aliases)]

    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_entry_and_parameter_is_described(kind: Kind) -> None:
    for entry in entries(kind).values():
        assert entry.summary.endswith((".", "?"))
        assert [p.name for p in entry.parameters.values() if not p.description.endswith(".")] == []


@pytest.mark.parametrize(
    ("kind", "spelled", "reason"),
    [
        (Kind.LAYER, "Lambda", "a config must not run code"),
        (Kind.LAYER, "TFSMLayer", "a config must not read files or the network"),
        (Kind.LAYER, "add", "it needs several inputs; a Sequential model passes one tensor"),
        (Kind.LAYER, "MultiHeadAttention", "it needs several inputs; a Sequential model passes"),
        (Kind.LAYER, "StringLookup", "it needs text as input; the data are numbers"),
        (
            Kind.LAYER,
            "MixUp",
            "it mixes labels, too: write `mixing: {type: mixup}` below",
        ),
        (Kind.LAYER, "Layer", "it is a base class"),
        (Kind.CALLBACK, "CSVLogger", "dl does this itself: every run has a history.csv"),
        (Kind.CALLBACK, "RemoteMonitor", "a config must not read files or the network"),
        (Kind.METRIC, "Mean", "it does not compare targets with predictions"),
    ],
)
def test_left_out_says_why(kind: Kind, spelled: str, reason: str) -> None:
    assert (left_out(kind, spelled) or "").startswith(reason)


def test_left_out_is_none_for_an_entry() -> None:
    assert left_out(Kind.LAYER, "Dense") is None


@pytest.mark.parametrize("metric", list(entries(Kind.METRIC).values()), ids=lambda e: e.name)
def test_every_metric_has_a_name(metric: object) -> None:
    assert metric.parameters["name"].default == metric.default_name  # type: ignore[attr-defined]


def test_tables_hold_no_row_that_nothing_uses() -> None:
    used = {
        ("base" if kind is Kind.BASE else entry.name, parameter)
        for kind in Kind
        for entry in entries(kind).values()
        for parameter in entry.parameters
    }
    overrides = {(entry, name) for several, name, *_ in facts()["overrides"] for entry in several}
    common = {parameter for entry, parameter in used if (entry, parameter) not in overrides}

    assert (set(facts()["parameters"]) - common, overrides - used) == (set(), set())


def test_shared_types_are_used() -> None:
    text = json.dumps([facts()["parameters"], facts()["overrides"]])

    assert [name for name in facts()["types"] if f'"{name}' not in text] == []
