"""`check_object`: specs with everything explicit, and every mistake at once with its full text."""

from __future__ import annotations

import pytest

from dl.vocabulary.spec import Finding, Kind, Spec, document
from support.vocabulary import check_object


def findings_of(kind: Kind, value: object) -> list[Finding]:
    spec, findings = check_object(kind, value)
    assert spec is None
    return findings


def spec_of(kind: Kind, value: object) -> Spec:
    spec, findings = check_object(kind, value)
    assert findings == []
    assert spec is not None
    return spec


def test_spec_holds_every_parameter() -> None:
    spec = spec_of(Kind.LAYER, {"type": "dropout", "rate": 0.2})

    assert spec == Spec(
        Kind.LAYER,
        "Dropout",
        {
            "rate": 0.2,
            "noise_shape": None,
            "seed": None,
            "name": None,
            "trainable": True,
            "dtype": None,
        },
        frozenset({"rate"}),
    )


def test_default_objects_become_specs() -> None:
    spec = spec_of(Kind.LAYER, {"type": "Dense", "units": 3})

    assert spec.parameters["kernel_initializer"] == spec_of(Kind.INITIALIZER, "glorot_uniform")
    assert spec.parameters["activation"] == Spec(Kind.ACTIVATION, "linear")
    assert spec.parameters["kernel_regularizer"] is None


def test_every_way_to_write_an_object_gives_the_same_spec() -> None:
    assert spec_of(Kind.OPTIMIZER, "adam") == spec_of(Kind.OPTIMIZER, {"type": "Adam"})


def test_nested_layer_becomes_a_spec() -> None:
    layer = {"type": "Bidirectional", "layer": {"type": "LSTM", "units": 4}}

    nested = spec_of(Kind.LAYER, layer).parameters["layer"]

    assert isinstance(nested, Spec)
    assert (nested.kind, nested.type, nested.given) == (Kind.LAYER, "LSTM", frozenset({"units"}))


def test_learning_rate_takes_a_schedule() -> None:
    schedule = {"type": "exponential_decay", "initial_learning_rate": 0.1, "decay_steps": 10}
    optimizer = {"type": "SGD", "learning_rate": {**schedule, "decay_rate": 0.9}}

    rate = spec_of(Kind.OPTIMIZER, optimizer).parameters["learning_rate"]

    assert isinstance(rate, Spec)
    assert rate.type == "ExponentialDecay"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("mae", "mae"),
        ("AUC", "AUC"),
        ("accuracy", "accuracy"),
        ("acc", "acc"),
        ({"type": "mae"}, "mean_absolute_error"),
        ({"type": "AUC"}, "auc"),
        ({"type": "AUC", "name": "area"}, "area"),
    ],
)
def test_metric_is_called_what_keras_calls_it(written: object, name: str) -> None:
    assert spec_of(Kind.METRIC, written).parameters["name"] == name


@pytest.mark.parametrize(
    ("kind", "value", "finding"),
    [
        (
            Kind.LAYER,
            "Dens",
            Finding(
                (),
                "is not a known layer",
                "the name of a layer, as Keras spells it",
                "'Dens'",
                "did you mean Dense?",
            ),
        ),
        (
            Kind.SCHEDULE,
            {"type": "xyz"},
            Finding(
                ("type",),
                "is not a known learning-rate schedule",
                "CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, OneCycle, "
                "PiecewiseConstantDecay or PolynomialDecay",
                "'xyz'",
                "`dl schema` lists all names",
            ),
        ),
        (
            Kind.LAYER,
            "Lambda",
            Finding(
                (),
                "names Lambda, which is left out: a config must not run code",
                "the name of a layer, as Keras spells it",
                "Lambda",
                "what to do instead: docs/limits.md",
            ),
        ),
        (
            Kind.LAYER,
            "Dense",
            Finding(
                (),
                "needs `units`",
                "units: a whole number above 0",
                None,
                "write {type: Dense, units: ...}",
            ),
        ),
        (
            Kind.LAYER,
            {"Dense": {"units": 3}},
            Finding(
                (),
                "has no `type`",
                "`type`, the name of a layer",
                "{Dense: {units: 3}}",
                "write {type: Dense, units: 3}",
            ),
        ),
        (
            Kind.LOSS,
            3,
            Finding((), "must be a loss", None, "3", "write its name, or a mapping with `type`"),
        ),
        (
            Kind.LOSS,
            {"type": None},
            Finding(("type",), "must be the name of a loss", None, "null"),
        ),
        (
            Kind.OPTIMIZER,
            {"type": "RMSprop", "learning_rate": -1},
            Finding(
                ("learning_rate",),
                "must be a number above 0, or a learning-rate schedule",
                None,
                "-1",
                "`learning_rate`: size of a step, for example 0.001",
            ),
        ),
        (
            Kind.CONSTRAINT,
            {"type": "UnitNorm", "axes": 1},
            Finding(
                ("axes",),
                "is not a parameter of UnitNorm",
                "axis",
                "axes",
                "did you mean axis?",
                at_key=True,
            ),
        ),
        (
            Kind.CALLBACK,
            {"type": "ReduceLROnPlateau", "verbose": 1},
            Finding(
                ("verbose",),
                "is left out: dl itself shows the progress",
                "monitor, factor, patience, mode, min_delta, cooldown or min_lr",
                "verbose",
                at_key=True,
            ),
        ),
        (
            Kind.ACTIVATION,
            {"type": "leaky_relu", "negative_slope": 0.1},
            Finding(
                ("negative_slope",),
                "is not a parameter of leaky_relu",
                "no parameter",
                "negative_slope",
                "an activation is only a name; for parameters use a layer, such "
                "as ReLU, LeakyReLU, ELU or Softmax",
                at_key=True,
            ),
        ),
        (
            Kind.CALLBACK,
            {"type": "TensorBoard", "log_dir": "../logs"},
            Finding(
                ("log_dir",),
                "must be a folder below the run's, without `..`, and not one of its own",
                None,
                "'../logs'",
                "`log_dir`: folder of the logs, in the run's folder",
            ),
        ),
    ],
)
def test_finding_says_what_is_wrong(kind: Kind, value: object, finding: Finding) -> None:
    assert findings_of(kind, value) == [finding]


@pytest.mark.parametrize(
    "folder",
    ["run.json", "checkpoint", "plots/x", "model.h5", "x.csv", "a" * 101, "/".join("a" * 11)],
)
def test_the_logs_have_a_folder_of_their_own(folder: str) -> None:
    (finding,) = findings_of(Kind.CALLBACK, {"type": "TensorBoard", "log_dir": folder})
    assert finding.path == ("log_dir",)


@pytest.mark.parametrize("folder", ["logs", "logs.v1/a", "checkpoints", "model"])
def test_other_folders_can_have_the_logs(folder: str) -> None:
    _, findings = check_object(Kind.CALLBACK, {"type": "TensorBoard", "log_dir": folder})
    assert findings == []


def test_all_mistakes_come_at_once() -> None:
    layer = {
        "type": "Dense",
        "unit": 3,
        "activation": "rleu",
        "kernel_initializer": {"type": "he_normal", "seed": -1},
        "use_bias": "yes",
    }

    assert [(finding.path, finding.message) for finding in findings_of(Kind.LAYER, layer)] == [
        (("unit",), "is not a parameter of Dense"),
        (("activation",), "is not a known activation"),
        (("use_bias",), "must be true or false"),
        (("kernel_initializer", "seed"), "must be a whole number of 0 or more, or null"),
    ]


def test_what_is_not_a_layer_names_those_that_fit() -> None:
    layer = {"type": "Bidirectional", "layer": {"type": "LSTM", "units": 2}, "backward_layer": -1}

    (finding,) = findings_of(Kind.LAYER, layer)

    assert finding.message.startswith("must be a layer (LSTM, GRU, SimpleRNN, RNN, ")
    assert finding.message.endswith("), or null")
    assert finding.hint == "write its name, or a mapping with `type`"


@pytest.mark.parametrize(
    ("layer", "key", "hint"),
    [
        ({"type": "Dense", "units": 3, "input_shape": [4]}, "input_shape", "write `model."),
        ({"type": "Dense", "units": 3, "W_regularizer": "l2"}, "W_regularizer", "did you mean k"),
        ({"type": "LeakyReLU", "alpha": 0.1}, "alpha", "did you mean negative_slope?"),
        ({"type": "Dropout", "rate": 0.5, "p": 0.5}, "p", "did you mean rate?"),
    ],
)
def test_hint_knows_older_names(layer: dict[str, object], key: str, hint: str) -> None:
    (finding,) = findings_of(Kind.LAYER, layer)

    assert finding.path == (key,)
    assert (finding.hint or "").startswith(hint)


@pytest.mark.parametrize("path", ["/tmp/x.keras", "../x.keras", "a/x.keras", "x.h5", ".keras", ""])
def test_checkpoint_is_a_plain_file_of_the_run(path: str) -> None:
    (finding,) = findings_of(Kind.CALLBACK, {"type": "ModelCheckpoint", "filepath": path})

    expected = "the plain name of a file that ends in .keras or .weights.h5"
    message = f"must be {expected}" if path else "must not be empty"
    assert (finding.path, finding.message) == (("filepath",), message)


@pytest.mark.parametrize("path", ["{epoch.__class__}.keras", "{0[a]}.keras", "{epoch!r}.keras"])
def test_checkpoint_takes_no_attribute_of_a_value(path: str) -> None:
    assert findings_of(Kind.CALLBACK, {"type": "ModelCheckpoint", "filepath": path})


def test_checkpoint_takes_epoch_and_metrics_in_its_name() -> None:
    path = "best-{epoch:02d}-{val_loss:.2f}.keras"

    spec = spec_of(Kind.CALLBACK, {"type": "ModelCheckpoint", "filepath": path})

    assert spec.parameters["filepath"] == path


def test_lookup_takes_numbers_and_never_a_file() -> None:
    (finding,) = findings_of(Kind.LAYER, {"type": "IntegerLookup", "vocabulary": "/etc/passwd"})

    assert finding.message == "must be a list of whole numbers"


def test_found_is_short() -> None:
    (finding,) = findings_of(Kind.LOSS, list(range(1000)))

    assert len(finding.found or "") == 60


def test_found_is_short_for_a_key_too() -> None:
    (finding,) = findings_of(Kind.CONSTRAINT, {"type": "NonNeg", "x" * 1000: 1})

    assert len(finding.found or "") == 60


def test_document_of_a_thing_without_parameters_is_its_name() -> None:
    assert document(spec_of(Kind.ACTIVATION, "swish")) == "silu"


def test_document_is_plain_and_explicit() -> None:
    layer = {"type": "zero_padding2d", "padding": [[1, 2], [0, 0]], "name": "frame"}

    assert document(spec_of(Kind.LAYER, layer)) == {
        "type": "ZeroPadding2D",
        "padding": [[1, 2], [0, 0]],
        "data_format": None,
        "name": "frame",
        "trainable": True,
        "dtype": None,
    }
