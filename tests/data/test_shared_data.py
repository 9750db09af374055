"""The trainings of a sweep share their data where the configs ask for the same, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.load import load_mapping
from dl.config.nodes import flow
from dl.data.load import load_dataset
from dl.data.requirements import requirements_of
from dl.progress import SilentReporter

DENSE = [{"type": "Dense", "units": 2, "activation": "softmax"}]
LOOKED_UP = [{"type": "Embedding", "output_dim": 2}, "GlobalAveragePooling1D", *DENSE]
ONE = [{"type": "Dense", "units": 1}]
SPARSE = {"loss": "sparse_categorical_crossentropy"}
ONE_HOT = "categorical_crossentropy"


@pytest.fixture
def bases(tmp_path: Path) -> dict[str, dict[str, Any]]:
    words = np.random.default_rng(0).choice(["good", "bad", "dull", "long"], (40, 5))
    rows = [f"{i},{(i * 7) % 11},{' '.join(row)},{'xy'[i % 2]}" for i, row in enumerate(words)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["day,a,text,kind", *rows]))
    table = {"source": "csv", "path": str(path), "target": "kind"}
    texts = {**table, "features": ["text"], "columns": {"text": "text"}}
    in_order = {"split": {"order": "rows"}, "exclude": ["text", "kind"], "target": "a"}
    return {
        "counted": {"data": texts, "model": {"layers": DENSE}, "training": SPARSE},
        "looked up": {"data": texts, "model": {"layers": LOOKED_UP}, "training": SPARSE},
        "numbers": {
            "data": {**table, "features": ["day", "a"]},
            "model": {"layers": [{"type": "Dense", "units": 3, "name": "first"}, *DENSE]},
            "training": SPARSE,
        },
        "windows": {
            "data": {**table, **in_order, "window": {"length": 4}},
            "model": {"layers": ["Flatten", *ONE]},
            "training": {"loss": "mse"},
        },
        "quantiles": {
            "data": {**table, "features": ["day"], "target": "a"},
            "model": {"layers": [{"type": "Dense", "units": 2}]},
            "training": {"loss": {"type": "Quantile", "quantiles": [0.1, 0.9]}},
        },
    }


TF_IDF = {"preprocess.text.output": "tf_idf"}
PHASES = [{"epochs": 1, "freeze": ["first"]}, {"epochs": 1}]
CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("counted", {"preprocess.text.output": "multi_hot"}, TF_IDF, False),
    ("counted", {**TF_IDF, "preprocess.text.tokens": 3}, TF_IDF, False),
    ("counted", {**TF_IDF, "preprocess.text.ngrams": 2}, TF_IDF, False),
    ("looked up", {"preprocess.text.length": 3}, {"preprocess.text.length": 4}, False),
    ("looked up", {"preprocess.text.level": "character"}, {}, False),
    ("looked up", {"model.layers.0.output_dim": 5}, {}, True),
    ("windows", {"data.window.length": 5}, {}, False),
    ("windows", {"data.window.ahead": 2}, {}, False),
    ("windows", {"data.window.stride": 2}, {}, False),
    ("numbers", {"training.phases": PHASES}, {}, True),
    ("numbers", {"training.output_bias": "targets"}, {}, True),
    (
        "numbers",
        {"training.mixing.type": "mixup", "training.loss": "categorical_crossentropy"},
        {},
        False,
    ),
    ("numbers", {"model.start": {"from": "earlier"}}, {}, True),
    ("numbers", {"engine.front": "once"}, {}, True),
    ("numbers", {"seed": 1}, {}, False),
    ("quantiles", {"training.loss.quantiles": [0.2, 0.8]}, {}, False),
]


@pytest.mark.parametrize(
    ("base", "one", "other", "shared"), CASES, ids=[f"{c[0]}: {next(iter(c[1]))}" for c in CASES]
)
def test_data_are_shared_where_they_are_the_same(
    base: str,
    one: dict[str, Any],
    other: dict[str, Any],
    shared: bool,
    bases: dict[str, dict[str, Any]],
) -> None:
    configs = [
        load_mapping(bases[base], [f"{key}={flow(value)}" for key, value in changes.items()]).config
        for changes in (one, other)
    ]
    keys = {repr(requirements_of(config)) for config in configs}
    assert (len(keys) == 1) is shared
    if shared:
        first, second = (load_dataset(config, SilentReporter()) for config in configs)
        assert first.preprocessing == second.preprocessing
        np.testing.assert_array_equal(first.train.x, second.train.x)
        np.testing.assert_array_equal(first.train.y, second.train.y)
