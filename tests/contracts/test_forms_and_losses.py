"""What `dl` writes, `dl` reads: forms of targets, all losses, and all commands that read a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from conftest import Dl
from dl.config.load import load_config, load_resolved
from dl.config.schema import resolved_text
from dl.data.load import read_dataset
from dl.errors import ConfigError, DataError
from dl.progress import SilentReporter
from dl.training.setup import prepare
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind

LOSSES = sorted(entries(Kind.LOSS))
ROWS = 30
RANDOM = np.random.default_rng(3)
EYE = np.eye(3, dtype=np.float32)
ROW = RANDOM.normal(size=(ROWS, 6)).astype(np.float32)
SEQUENCE = RANDOM.normal(size=(ROWS, 4, 3)).astype(np.float32)
BYTES = RANDOM.integers(0, 256, (ROWS, 5, 5)).astype(np.uint8)
CLASSES = np.arange(ROWS) % 3
TAGS = np.arange(ROWS * 4).reshape(ROWS, 4) % 3


def _dense(units: int, activation: str = "linear") -> dict[str, Any]:
    return {"type": "Dense", "units": units, "activation": activation}


def _picture(activation: str) -> list[Any]:
    return ["Flatten", _dense(25, activation), {"type": "Reshape", "target_shape": [5, 5]}]


BINARY, SPARSE, ONE_HOT, MSE = (
    "BinaryCrossentropy",
    "SparseCategoricalCrossentropy",
    "CategoricalCrossentropy",
    "MeanSquaredError",
)
LABELS = (ROW[:, :3] > 0).astype(int)
NAMES = np.array(["a", "b", "c"])

Form = tuple[Any, Any, list[Any], tuple[str, ...]]
FORMS: dict[str, Form] = {
    # inputs, targets, layers, the losses with which the form is trained and read
    "a number": (ROW, ROW[:, 0] * 3, [_dense(1)], ("LogCosh", "Huber", "Quantile")),
    "a share": (ROW, ROW[:, :1] ** 2 % 1, [_dense(1, "sigmoid")], ("Poisson",)),
    "numbers": (ROW, ROW[:, :3], [_dense(3)], ("CosineSimilarity",)),
    "shares": (ROW, np.abs(ROW[:, :3]) % 1, [_dense(3, "sigmoid")], (BINARY, "Tversky")),
    "shares, logits": (ROW, np.abs(ROW[:, :3]) % 1, [_dense(3)], (BINARY,)),
    "distributions": (
        *(ROW, np.full((ROWS, 3), [0.2, 0.3, 0.5]), [_dense(3, "softmax")]),
        ("KLDivergence",),
    ),
    "two classes": (
        *(ROW, CLASSES % 2, [_dense(1, "sigmoid")]),
        ("BinaryFocalCrossentropy", "Circle", "Dice"),
    ),
    "two classes, one logit": (ROW, CLASSES % 2, [_dense(1)], (BINARY, "Hinge")),
    "two classes, tanh": (ROW, CLASSES % 2 * 2 - 1, [_dense(1, "tanh")], ("SquaredHinge",)),
    "two classes, 0 or 1": (ROW, CLASSES % 2, [_dense(1, "heaviside")], ("Perceptron",)),
    "two classes, two units": (ROW, CLASSES % 2, [_dense(2, "softmax")], ("crossentropy",)),
    "classes": (ROW, CLASSES, [_dense(3, "softmax")], ("CategoricalGeneralizedCrossEntropy",)),
    "classes, logits": (ROW, CLASSES, [_dense(3)], ("CategoricalHinge", SPARSE)),
    "classes, sigmoid": (ROW, CLASSES, [_dense(3, "sigmoid")], (BINARY,)),
    "class names": (ROW, NAMES[CLASSES], [_dense(3, "softmax")], ("CategoricalFocalCrossentropy",)),
    "one-hot": (ROW, EYE[CLASSES], [_dense(3, "softmax")], (ONE_HOT, "MeanAbsoluteError")),
    "labels": (ROW, LABELS, [_dense(3, "sigmoid")], (BINARY,)),
    "labels, logits": (ROW, LABELS, [_dense(3)], (BINARY,)),
    "class of each step": (SEQUENCE, TAGS, [_dense(3, "softmax")], (SPARSE, ONE_HOT, "CTC")),
    "name of each step": (SEQUENCE, NAMES[TAGS], [_dense(3, "softmax")], (SPARSE,)),
    "one-hot step": (SEQUENCE, EYE[TAGS], [_dense(3, "softmax")], (ONE_HOT,)),
    "yes or no for each step": (SEQUENCE, TAGS % 2, [_dense(1, "sigmoid")], (BINARY,)),
    "yes or no, logits": (SEQUENCE, TAGS % 2, [_dense(1)], (BINARY,)),
    "labels of each step": (SEQUENCE, SEQUENCE > 0, [_dense(3, "sigmoid")], (BINARY,)),
    "number for each step": (SEQUENCE, SEQUENCE[..., 0], [_dense(1)], (MSE,)),
    "numbers for each step": (
        *(SEQUENCE, np.abs(SEQUENCE) * 2, [_dense(3)]),
        ("MeanSquaredLogarithmicError", "MeanAbsolutePercentageError"),
    ),
    "input as target": (ROW, ROW, [_dense(6)], (MSE,)),
    "bytes as target": (BYTES, BYTES, _picture("sigmoid"), (BINARY,)),
    "mask": (BYTES, BYTES > 99, _picture("sigmoid"), (BINARY,)),
}
READ_BY_ALL = ("classes", "labels", "class of each step", "numbers for each step", "mask")
READERS: tuple[Callable[[Path], tuple[object, ...]], ...] = (
    lambda run: ("show", run),
    lambda run: ("evaluate", run),
    lambda run: ("predict", run, "--split", "test", "-o", run / "predicted.csv"),
    lambda run: ("diagnose", run),
    lambda run: ("report", run),
)
ONCE: tuple[Callable[[Path], tuple[object, ...]], ...] = (
    lambda run: ("trace", run),
    lambda run: ("reproduce", run),
    lambda run: ("lint", run / "resolved.yaml"),
    lambda run: ("validate", run / "resolved.yaml"),
    lambda run: ("list", "--runs", run.parents[1]),
    lambda run: ("train", "--resume", run, "--epochs", 2, "-q"),
    lambda run: ("compare", run, run.parent / "0002"),
)


def _write(folder: Path, form: str, loss: str) -> Path:
    """Writes the rows and the config of a form and a loss."""
    x, y, layers, _ = FORMS[form]
    if not (folder / "rows.npz").exists():
        np.savez(folder / "rows.npz", x_train=x, y_train=y)
    logits = "logit" in form and "from_logits" in entries(Kind.LOSS)[loss].parameters
    more = {"from_logits": True} if logits else {"quantile": 0.9} if loss == "Quantile" else {}
    config = {
        "data": {"source": "npz", "path": "rows.npz", "split": {"validation": 0.2, "test": 0.2}},
        "model": {"layers": layers},
        "training": {
            "loss": {"type": loss, **more},
            "epochs": 1,
            "batch_size": 8,
        },
        "engine": {"compile": False},
    }
    path = folder / f"{loss}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def _read(dl: Dl, run: Path, readers: tuple[Callable[[Path], tuple[object, ...]], ...]) -> None:
    for reader in readers:
        command = reader(run)
        outcome = dl(*command)
        assert outcome.code == 0, f"{command}: {outcome.err}"
        assert "could not be made" not in outcome.err


def test_every_loss_is_trained_with_a_form() -> None:
    assert {loss for *_, losses in FORMS.values() for loss in losses} == set(LOSSES)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_loss_is_refused_or_makes_a_config_that_can_be_read(form: str, tmp_path: Path) -> None:
    taken = []
    for loss in LOSSES:
        try:
            loaded = load_config(_write(tmp_path, form, loss))
            made = prepare(loaded, read_dataset(loaded, SilentReporter()), SilentReporter())
        except (ConfigError, DataError):
            continue
        text = resolved_text(made.config).encode()
        assert load_resolved(tmp_path / "resolved.yaml", text).config == made.config
        taken.append(loss)
    assert set(taken) >= set(FORMS[form][-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "loss"), [(form, loss) for form, (*_, losses) in FORMS.items() for loss in losses]
)
def test_a_run_that_is_written_is_read_by_every_command(
    form: str, loss: str, dl: Dl, drawn: None, tmp_path: Path
) -> None:
    config, runs = _write(tmp_path, form, loss), tmp_path / "runs"
    outcome = dl("train", config, "--runs", runs, "-q")
    assert outcome.code == 0, outcome.err
    run = Path(outcome.out.splitlines()[-1])
    _read(dl, run, READERS)
    if form in READ_BY_ALL and loss == FORMS[form][-1][0]:
        assert dl("train", config, "--runs", runs, "-q", "--set", "training.epochs=2").code == 0
        _read(dl, run, ONCE)
