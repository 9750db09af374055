"""What `dl` writes, `dl` reads: forms of targets x losses, and every command that reads a run.

Each pair is trained for an epoch, or refused before there is a run directory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from conftest import Dl
from dl.pages.page import write_page
from dl.report.input import PlotInput
from dl.report.plots import draw
from dl.runs.directory import RunDirectory
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


FORMS: dict[str, tuple[Any, Any, list[Any]]] = {
    "a number": (ROW, ROW[:, 0] * 3, [_dense(1)]),
    "a share": (ROW, ROW[:, :1] ** 2 % 1, [_dense(1, "sigmoid")]),
    "numbers": (ROW, ROW[:, :3], [_dense(3)]),
    "shares": (ROW, np.abs(ROW[:, :3]) % 1, [_dense(3, "sigmoid")]),
    "distributions": (ROW, np.full((ROWS, 3), [0.2, 0.3, 0.5]), [_dense(3, "softmax")]),
    "two classes, one unit": (ROW, CLASSES % 2, [_dense(1, "sigmoid")]),
    "two classes, one logit": (ROW, CLASSES % 2, [_dense(1)]),
    "two classes, tanh": (ROW, CLASSES % 2 * 2 - 1, [_dense(1, "tanh")]),
    "two classes, heaviside": (ROW, CLASSES % 2, [_dense(1, "heaviside")]),
    "two classes, two units": (ROW, CLASSES % 2, [_dense(2, "softmax")]),
    "class numbers": (ROW, CLASSES, [_dense(3, "softmax")]),
    "class numbers, logits": (ROW, CLASSES, [_dense(3)]),
    "class numbers, sigmoid": (ROW, CLASSES, [_dense(3, "sigmoid")]),
    "class names": (ROW, np.array(["a", "b", "c"])[CLASSES], [_dense(3, "softmax")]),
    "one-hot": (ROW, EYE[CLASSES], [_dense(3, "softmax")]),
    "labels": (ROW, (ROW[:, :3] > 0).astype(int), [_dense(3, "sigmoid")]),
    "labels, logits": (ROW, (ROW[:, :3] > 0).astype(int), [_dense(3)]),
    "class of each step": (SEQUENCE, TAGS, [_dense(3, "softmax")]),
    "class name of each step": (SEQUENCE, np.array(list("abc"))[TAGS], [_dense(3, "softmax")]),
    "one-hot step": (SEQUENCE, EYE[TAGS], [_dense(3, "softmax")]),
    "yes or no for each step": (SEQUENCE, TAGS % 2, [_dense(1, "sigmoid")]),
    "labels of each step": (SEQUENCE, (SEQUENCE > 0).astype(int), [_dense(3, "sigmoid")]),
    "number for each step": (SEQUENCE, SEQUENCE[..., 0], [_dense(1)]),
    "numbers for each step": (SEQUENCE, SEQUENCE * 2, [_dense(3)]),
    "input as target": (ROW, ROW, [_dense(6)]),
    "bytes as target": (BYTES, BYTES, _picture("sigmoid")),
    "mask": (BYTES, (BYTES > 99).astype(int), _picture("sigmoid")),
}
READERS: tuple[Callable[[Path], tuple[object, ...]], ...] = (
    lambda run: ("show", run),
    lambda run: ("evaluate", run),
    lambda run: ("evaluate", run, "--split", "train", "--json"),
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


class DrawnHere:
    """Draws pictures and writes pages in this process, in the place of `Drawing`."""

    pictures = True

    def __enter__(self) -> DrawnHere:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin(self, folder: Path, run: PlotInput) -> None:
        if DrawnHere.pictures:
            draw(folder, run)

    def write_page(self, run: RunDirectory) -> None:
        write_page(run, run.report)

    def end(self) -> None:
        pass


def _write(folder: Path, form: str) -> dict[str, Any]:
    """Writes the rows of a form, and returns its config without a loss."""
    x, y, layers = FORMS[form]
    np.savez(folder / "rows.npz", x_train=x, y_train=y)
    return {
        "data": {"source": "npz", "path": "rows.npz", "split": {"validation": 0.2, "test": 0.2}},
        "model": {"layers": layers},
        "engine": {"compile": False},
    }


def _train(dl: Dl, folder: Path, name: str, config: dict[str, Any]) -> Path | None:
    """Trains a config; returns the run, or None where it was refused without a trace."""
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    outcome = dl("train", path, "--runs", folder / "runs", "-q")
    if outcome.code == 0:
        return Path(outcome.out.splitlines()[-1])
    assert outcome.code in (2, 3), outcome.err
    assert outcome.err.startswith("error: ")
    assert not (folder / "runs" / name).exists(), outcome.err
    return None


def _read(dl: Dl, run: Path, readers: tuple[Callable[[Path], tuple[object, ...]], ...]) -> None:
    for reader in readers:
        command = reader(run)
        outcome = dl(*command)
        assert outcome.code == 0, f"{command}: {outcome.err}"
        assert "Warning" not in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_run_that_is_written_is_read_by_every_command(
    form: str, dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dl.pages.drawing.Drawing", DrawnHere)
    base = _write(tmp_path, form)
    trained: list[str] = []
    for loss in LOSSES:
        monkeypatch.setattr(DrawnHere, "pictures", not trained)
        logits = "logit" in form and "from_logits" in entries(Kind.LOSS)[loss].parameters
        spec = {"type": loss, **({"from_logits": True} if logits else {})}
        config = {**base, "training": {"loss": spec, "epochs": 1, "batch_size": 8}}
        run = _train(dl, tmp_path, loss, config)
        if run is None:
            continue
        if not trained:
            assert _train(dl, tmp_path, loss, {**config, "seed": 5}) is not None
            _read(dl, run, ONCE)
        trained.append(loss)
        _read(dl, run, READERS)
    assert trained, form
    print(form, len(trained), "of", len(LOSSES), trained, flush=True)
