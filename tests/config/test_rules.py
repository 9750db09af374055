"""The rules across fields; tests/cases/bad holds their full texts, this file their limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dl.config.rules import Facts, check, facts_of
from dl.config.rules.facts import output_of
from dl.config.rules.probe import Answer, Probe
from dl.config.schema import Config
from dl.vocabulary.sections import partly_valid, read_section
from dl.vocabulary.spec import Finding

IRIS = {"source": "builtin", "dataset": "iris"}
CANCER = {"source": "builtin", "dataset": "breast_cancer"}
DIABETES = {"source": "builtin", "dataset": "diabetes"}
UNKNOWN = {"source": "npz", "path": "a.npz"}


def dense(units: int, activation: str | None = None, **others: Any) -> dict[str, Any]:
    return {"type": "Dense", "units": units, "activation": activation, **others}


def reshape(*shape: int) -> dict[str, Any]:
    return {"type": "Reshape", "target_shape": list(shape)}


def config_of(data: dict[str, Any], layers: list[Any], loss: Any = "mse", **others: Any) -> Config:
    training = {key: value for key, value in others.items() if key != "preprocess"}
    document = {
        "name": "test",
        "data": data,
        "preprocess": others.get("preprocess", {}),
        "model": {"layers": layers},
        "training": {"loss": loss, **training},
    }
    return read_section(Config, document)


def partial(*arguments: Any, folder: Path = Path("."), **others: Any) -> Facts:
    return facts_of(config_of(*arguments, **others), folder)


def places(*arguments: Any, **options: Any) -> list[str]:
    findings = check(partial(*arguments, **options))
    return [".".join(str(part) for part in finding.path) for finding in findings]


@pytest.mark.parametrize(
    ("data", "layers", "loss"),
    [
        (IRIS, [dense(3, "softmax")], "sparse_categorical_crossentropy"),
        (IRIS, [dense(3, "softmax")], "categorical_crossentropy"),
        (IRIS, [dense(3), "Softmax"], "categorical_crossentropy"),
        (IRIS, [dense(3, "softmax"), {"type": "Dropout", "rate": 0.1}], "kl_divergence"),
        (IRIS, [dense(3, "sigmoid")], "categorical_crossentropy"),
        (IRIS, [dense(3, "sigmoid")], "binary_crossentropy"),
        (IRIS, [dense(3)], {"type": "categorical_crossentropy", "from_logits": True}),
        (IRIS, [dense(3, "softmax")], "crossentropy"),
        (IRIS, [dense(1)], "mse"),
        (IRIS, [dense(3, "softmax")], "mse"),
        (CANCER, [dense(1, "tanh")], "hinge"),
        (CANCER, [dense(1)], "squared_hinge"),
        (CANCER, [dense(1, "sigmoid")], "mse"),
        (CANCER, [dense(2, "softmax")], "sparse_categorical_crossentropy"),
        (CANCER, [dense(2, "sigmoid")], "binary_crossentropy"),
        (CANCER, [dense(1, "sigmoid")], "crossentropy"),
        (CANCER, [dense(2, "softmax")], "crossentropy"),
        (CANCER, [dense(1)], {"type": "binary_crossentropy", "from_logits": True}),
        (DIABETES, [dense(1)], "mae"),
        (DIABETES, [dense(1, "relu")], "poisson"),
        (UNKNOWN, [dense(7, "softmax")], "sparse_categorical_crossentropy"),
        (UNKNOWN, [dense(7, "sigmoid")], "binary_crossentropy"),
        (
            UNKNOWN,
            [dense(3, "softmax"), {"type": "Reshape", "target_shape": [3, 1]}],
            "crossentropy",
        ),
        (
            UNKNOWN,
            [dense(6), reshape(2, 3), "Softmax"],
            "crossentropy",
        ),
        (UNKNOWN, [dense(3, "softmax"), "UpSampling1D", "Cropping1D"], "crossentropy"),
        (UNKNOWN, [dense(1), {"type": "UpSampling2D", "interpolation": "bicubic"}], "crossentropy"),
        (UNKNOWN, [dense(3), "BatchNormalization"], "sparse_categorical_crossentropy"),
        (UNKNOWN, [dense(3), {"type": "Rescaling", "scale": 2.0}], "categorical_crossentropy"),
    ],
)
def test_what_fits_is_not_reported(data: dict[str, Any], layers: list[Any], loss: Any) -> None:
    assert places(data, layers, loss) == []


@pytest.mark.parametrize(
    ("data", "layers", "loss", "place"),
    [
        (UNKNOWN, [dense(3)], "sparse_categorical_crossentropy", "training.loss"),
        (UNKNOWN, [dense(3), {"type": "Dropout", "rate": 0.5}], "crossentropy", "training.loss"),
        (UNKNOWN, [dense(1, "softmax")], "mse", "model.layers.0.activation"),
        (UNKNOWN, [dense(1), "Softmax"], "mse", "model.layers.1"),
        (UNKNOWN, [dense(4, "softmax")], "binary_focal_crossentropy", "training.loss"),
        (UNKNOWN, [{"type": "LSTM", "units": 3}], "categorical_crossentropy", "training.loss"),
        (
            UNKNOWN,
            [{"type": "Conv2D", "filters": 4, "kernel_size": 1, "activation": "softmax"}],
            "binary_crossentropy",
            "training.loss",
        ),
        (UNKNOWN, [dense(3), "UpSampling1D"], "categorical_crossentropy", "training.loss"),
        (UNKNOWN, [dense(1), "Cropping2D"], "binary_crossentropy", "training.loss"),
        (
            UNKNOWN,
            [dense(18, "softmax"), reshape(6, 3)],
            "sparse_categorical_crossentropy",
            "model.layers.0.activation",
        ),
        (IRIS, [dense(2), "Softmax"], "categorical_crossentropy", "model.layers.0.units"),
        (IRIS, [dense(2, "sigmoid")], "binary_crossentropy", "training.loss"),
        (CANCER, [dense(3, "sigmoid")], "binary_crossentropy", "model.layers.0.units"),
        (IRIS, [dense(1, "sigmoid")], "crossentropy", "training.loss"),
        (IRIS, [dense(2, "softmax")], "crossentropy", "model.layers.0.units"),
        (DIABETES, [dense(3)], "log_cosh", "model.layers.0.units"),
    ],
)
def test_what_does_not_fit_is_reported_once(
    data: dict[str, Any], layers: list[Any], loss: Any, place: str
) -> None:
    assert places(data, layers, loss) == [place]


def test_probabilities_stay_what_they_are_where_pixels_are_repeated_or_left_out() -> None:
    layers = [dense(3, "softmax"), "Cropping1D", {"type": "UpSampling1D", "size": 3}]
    output = output_of(config_of(UNKNOWN, layers).model)
    assert output is not None
    assert (output.activation, output.channels, output.reshaped) == ("softmax", 3, None)


@pytest.mark.parametrize(
    "layers", [[dense(18, "softmax"), reshape(6, 3)], [dense(3), "Cropping1D"]]
)
def test_loss_and_activation_of_a_run_that_exists_are_not_judged_anew(layers: list[Any]) -> None:
    config = partial(UNKNOWN, layers, "sparse_categorical_crossentropy")
    assert check(config) != []
    assert check(config, trained=True) == []


def test_flatten_hides_the_number_of_outputs() -> None:
    assert places(IRIS, [dense(5, "softmax"), "Flatten"], "categorical_crossentropy") == []


def test_a_stated_task_silences_the_look_at_the_target() -> None:
    data = DIABETES | {"task": "multiclass"}
    assert places(data, [dense(3, "softmax")], "sparse_categorical_crossentropy") == []


def test_sections_that_are_wrong_are_left_out() -> None:
    whole = partial(IRIS, [dense(5)], "categorical_crossentropy", metrics=["acc", "acc"])
    valid = {
        "data": whole.config.data,
        "model": whole.config.model,
        "training": whole.config.training,
    }
    none, without_data, without_model, without_training = (
        facts_of(partly_valid(Config, {n: valid[n] for n in valid if n not in wrong}), Path("."))
        for wrong in (valid, ("data",), ("model",), ("training",))
    )
    assert check(none) == []
    assert [finding.path[0] for finding in check(without_data)] == ["training", "training"]
    assert [finding.path for finding in check(without_model)] == [("training", "metrics", 1)]
    assert check(without_training) == []


def write(folder: Path, *rows: str, name: str = "a.csv", encoding: str = "utf-8") -> None:
    (folder / name).write_text("\n".join(rows) + "\n", encoding=encoding)


def table(**others: Any) -> dict[str, Any]:
    return {"source": "csv", "path": "a.csv", "target": "y", **others}


def softmax_places(folder: Path, units: int = 4, **others: Any) -> list[str]:
    layers = [dense(units, "softmax")]
    return places(table(**others), layers, "sparse_categorical_crossentropy", folder=folder)


def test_whole_numbers_are_classes_under_a_cross_entropy(tmp_path: Path) -> None:
    write(tmp_path, "x,y", "1,0", "2,1", "3,2.0", "4,")
    assert softmax_places(tmp_path) == ["model.layers.0.units"]


def test_whole_numbers_are_numbers_under_a_regression_loss(tmp_path: Path) -> None:
    write(tmp_path, "x,y", "1,0", "2,1", "3,2")
    assert places(table(), [dense(1)], "mse", folder=tmp_path) == []


def test_classes_of_all_files_count(tmp_path: Path) -> None:
    write(tmp_path, "x,y", "1,a", "2,b", "3,c")
    write(tmp_path, "y,x", "d,1", name="b.csv")
    assert softmax_places(tmp_path, test_path="b.csv") == []


def test_stated_classes_win_over_the_data(tmp_path: Path) -> None:
    write(tmp_path, "x,y", "1,a", "2,b")
    assert softmax_places(tmp_path, classes=["a", "b", "c", "d"]) == []


def test_separator_encoding_and_quotes_are_those_of_the_config(tmp_path: Path) -> None:
    write(tmp_path, 'x;"y"', "1;ä;", '2;"b;b"', "3;c", encoding="latin-1")
    assert softmax_places(tmp_path, separator=";", encoding="latin-1") == ["model.layers.0.units"]


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ("x,z", "1,2"),
        ("x,y",),
        ("x,y", "1,a", "2,3"),
        ("x,y", "1,0.5", "2,1.5"),
        ("x,y", '1,"a'),
        ("x", "1"),
    ],
    ids=["empty", "no-column", "no-row", "mixed", "few-fractions", "open-quote", "short"],
)
def test_a_table_that_is_unclear_is_left_to_the_data(tmp_path: Path, rows: tuple[str, ...]) -> None:
    write(tmp_path, *rows)
    assert softmax_places(tmp_path) == []


@pytest.mark.parametrize("kind", ["missing", "folder", "bytes"])
def test_a_file_that_cannot_be_read_is_left_to_the_data(tmp_path: Path, kind: str) -> None:
    if kind == "folder":
        (tmp_path / "a.csv").mkdir()
    elif kind != "missing":
        (tmp_path / "a.csv").write_bytes(b"x,y\n1,\xff\n")
    assert softmax_places(tmp_path) == []


def test_a_large_table_is_left_to_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "x,y", "1,a", "2,b")
    monkeypatch.setattr("dl.config.rules.probe.MOST_BYTES", 10)
    assert softmax_places(tmp_path) == []


def test_folders_of_images_are_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog", ".cache"):
        (tmp_path / "pets" / name).mkdir(parents=True)
    (tmp_path / "pets" / "notes.txt").write_text("")
    data = {"source": "images", "path": "pets"}
    layers = ["Flatten", dense(2, "softmax")]
    assert places(data, layers, "sparse_categorical_crossentropy", folder=tmp_path) == []
    layers = ["Flatten", dense(3, "softmax")]
    found = places(data, layers, "sparse_categorical_crossentropy", folder=tmp_path)
    assert found == ["model.layers.1.units"]


def test_several_target_columns_need_an_output_each() -> None:
    data = {"source": "parquet", "path": "a.parquet", "target": ["a", "b"]}
    assert places(data, [dense(2)], "mse") == []
    assert places(data, [dense(3)], "mse") == ["model.layers.0.units"]
    assert places(data, [dense(1, "sigmoid")], "binary_crossentropy") == ["model.layers.0.units"]


def watched(callback: dict[str, Any], data: dict[str, Any] = UNKNOWN, **training: Any) -> list[str]:
    return places(data, [dense(1)], "mse", callbacks=[callback], **training)


@pytest.mark.parametrize(
    ("monitor", "metrics"),
    [
        ("loss", []),
        ("val_loss", []),
        ("val_mae", ["mae"]),
        ("val_mean_absolute_error", ["mae"]),
        ("val_mae", [{"type": "MeanAbsoluteError", "name": "off_by"}]),
        ("rmse", [{"type": "RootMeanSquaredError", "name": "rmse"}]),
        ("root_mean_squared_error", [{"type": "RootMeanSquaredError"}]),
    ],
)
def test_what_is_measured_can_be_watched(monitor: str, metrics: list[Any]) -> None:
    assert watched({"type": "EarlyStopping", "monitor": monitor}, metrics=metrics) == []


@pytest.mark.parametrize("monitor", ["learning_rate", "val_mse", "Loss"])
def test_what_is_not_measured_cannot_be_watched(monitor: str) -> None:
    found = watched({"type": "EarlyStopping", "monitor": monitor}, metrics=["mae"])
    assert found == ["training.callbacks.0.monitor"]


def test_validation_rows_of_their_own_can_be_watched() -> None:
    none = {"validation": 0, "test": 0}
    own = {"source": "csv", "path": "a.csv", "target": "y", "validation_path": "b.csv"}
    assert watched({"type": "EarlyStopping"}, own | {"split": none}) == []
    assert watched({"type": "EarlyStopping"}, UNKNOWN | {"split": none}) == ["training.callbacks.0"]


@pytest.mark.parametrize(
    ("metric", "mode", "wrong"),
    [
        ("mae", "min", False),
        ("mae", "max", True),
        ("mae", "auto", False),
        ("AUC", "max", False),
        ("AUC", "min", True),
        ("TruePositives", "auto", True),
        ("TruePositives", "max", False),
        ("FalsePositives", "min", False),
    ],
)
def test_mode_goes_the_way_of_the_metric(metric: str, mode: str, wrong: bool) -> None:
    named = {"type": metric, "name": "m"}
    callback = {"type": "ReduceLROnPlateau", "monitor": "val_m", "mode": mode}
    assert bool(watched(callback, metrics=[named])) == wrong


def test_a_metric_cannot_be_called_loss() -> None:
    metrics = [{"type": "AUC", "name": "loss"}]
    assert places(UNKNOWN, [dense(1)], "mse", metrics=metrics) == ["training.metrics.0"]


def test_shares_that_a_part_of_its_own_makes_idle_do_not_count() -> None:
    data = table(test_path="b.csv", split={"validation": 0.5, "test": 0.9})
    assert places(data, [dense(1)]) == []
    data = table(split={"validation": 0.5, "test": 0.5})
    assert places(data, [dense(1)]) == ["data.split"]


def test_class_weights_are_named_as_the_classes() -> None:
    data = CANCER | {"classes": ["benign", "malignant"]}
    weights = {"benign": 1, "malign": 2}
    found = places(data, [dense(1, "sigmoid")], "binary_crossentropy", class_weight=weights)
    assert found == ["training.class_weight.malign"]


def test_ema_weights_need_an_optimizer_that_averages() -> None:
    callbacks = ["SwapEMAWeights"]
    assert places(UNKNOWN, [dense(1)], callbacks=callbacks) == ["training.callbacks.0"]
    optimizer = {"type": "adam", "use_ema": True}
    assert places(UNKNOWN, [dense(1)], callbacks=callbacks, optimizer=optimizer) == []


@pytest.mark.parametrize(
    "layer",
    [
        dense(10**9),
        {"type": "LSTM", "units": 10**7},
        {"type": "Embedding", "input_dim": 10**9, "output_dim": 10**6},
        {"type": "Conv1D", "filters": 10**9, "kernel_size": 10**6},
        {"type": "Bidirectional", "layer": {"type": "GRU", "units": 10**7}},
    ],
)
def test_weights_beyond_the_memory_are_refused(
    layer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dl.config.rules.network.physical_memory", lambda: 1e9)
    (finding,) = check(partial(UNKNOWN, [layer]))
    assert finding.path[:3] == ("model", "layers", 0)
    assert finding.message.startswith("makes weights that do not fit into the memory")


def test_input_size_counts_for_the_first_dense_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dl.config.rules.network.physical_memory", lambda: 4 * 999)
    digits = {"source": "keras", "dataset": "mnist"}
    assert places(digits, ["Flatten", dense(1)]) == []
    assert places(digits, ["Flatten", dense(2)]) == ["model.layers.1.units"]


@pytest.mark.slow
def test_directions_of_metrics_are_those_of_keras() -> None:
    import inspect

    import keras

    from dl.vocabulary.catalog import entries
    from dl.vocabulary.spec import Kind
    from dl.vocabulary.traits import COUNTING, RISING

    for name in entries(Kind.METRIC):
        kind = getattr(keras.metrics, name, None)
        if kind is not None:
            source = "".join(inspect.getsource(base) for base in kind.__mro__[:-1])
            assert ('_direction = "up"' in source) == (name in RISING), name
            assert ("_direction = " in source) == (name not in COUNTING), name


@pytest.mark.slow
@pytest.mark.parametrize("source", ["builtin", "synthetic"])
def test_a_look_agrees_with_the_data(source: str) -> None:
    from dl.config.rules.probe import probe
    from dl.data.load import load_dataset
    from dl.progress import SilentReporter
    from dl.vocabulary.traits import BUILTIN, SYNTHETIC

    for name in BUILTIN if source == "builtin" else SYNTHETIC:
        whole = partial({"source": source, "dataset": name}, [dense(1, "sigmoid")], "mse")
        seen = probe(whole.config.data, Path("."))
        loss = "mse" if seen.target == "numbers" else "sparse_categorical_crossentropy"
        units, ending = seen.classes or 1, "softmax" if seen.classes else "linear"
        config = config_of({"source": source, "dataset": name}, [dense(units, ending)], loss)
        dataset = load_dataset(config, SilentReporter())
        assert dataset.preprocessing.input_shape == seen.input_shape
        assert dataset.target.classes == (seen.labels or ())


def test_declared_shapes_are_those_of_rows_that_were_read() -> None:
    layers = [{"type": "Input", "shape": [5]}, dense(1)]
    probe = Probe(input_shape=(6,), answer=Answer("number", 1, 1))
    assert check(facts_of(config_of(UNKNOWN, layers), probe)) == [
        Finding(
            ("model", "layers", 0, "shape"),
            "is not the shape of a row of the data",
            expected="[6]",
            found="[5]",
            hint="leave it out: the shape is taken from the data",
        )
    ]


def test_declared_shapes_are_the_same() -> None:
    layers = [{"type": "Input", "shape": [28, 28]}, "Flatten", dense(1)]
    config = config_of(UNKNOWN, layers)
    model = replace(config.model, input_shape=(28, 27))
    found = check(facts_of(replace(config, model=model), Probe()))
    assert [finding.path for finding in found] == [("model", "input_shape")]


@pytest.mark.parametrize(("shape", "fits"), [([28, 28], 1), ([28, 28, 1], 1), ([784], 0)])
def test_pictures_may_be_declared_with_an_axis_of_channels(shape: list[int], fits: int) -> None:
    data = {"source": "keras", "dataset": "mnist"}
    layers = [{"type": "Input", "shape": shape}, "Flatten", dense(10, "softmax")]
    assert (places(data, layers, "sparse_categorical_crossentropy") == []) == fits


def test_outputs_of_a_loss_that_is_decoded_are_not_counted(tmp_path: Path) -> None:
    data = {"source": "csv", "path": "a.csv", "target": ["a", "b"], "task": "regression"}
    assert places(data, [dense(5)], "ctc") == []


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        (["a", "b", "c"], "write units: 3 with activation: softmax and loss: sparse_"),
        (["1", "2", "3"], "to predict the number itself, use loss: mean_squared_error"),
    ],
)
def test_hint_for_one_output_depends_on_what_the_classes_are(
    labels: list[str], hint: str, tmp_path: Path
) -> None:
    write(tmp_path, "x,y", *(f"1,{label}" for label in labels))
    facts = partial(table(), [dense(1, "tanh")], "hinge", folder=tmp_path)
    [found] = check(facts)
    assert found.hint is not None
    assert hint in found.hint
