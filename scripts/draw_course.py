"""Train the configs of the course and put the pictures of the runs into docs/images/course/."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from dl.cli.main import run

ROOT = Path(__file__).resolve().parents[1]
CONFIGS, PICTURES = ROOT / "configs" / "course", ROOT / "docs" / "images" / "course"
WIDTH, COLOURS = 640, 256
HIDDEN = "model.layers.hidden.activation"
PATH, BOUNDARY, CURVES = "parameter_path", "boundary", "learning_curves"

SHOWN: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("perceptron-and", "01-perceptron", BOUNDARY, ()),
    ("perceptron-xor", "01-perceptron", BOUNDARY, ("data.dataset=xor",)),
    ("perceptron-xor-curves", "01-perceptron", CURVES, ("data.dataset=xor",)),
    ("loss-batch", "02-loss-minimisation", PATH, ()),
    ("loss-stochastic", "02-loss-minimisation", PATH, ("training.batch_size=1",)),
    ("loss-mini-batch", "02-loss-minimisation", PATH, ("training.batch_size=10",)),
    (
        "loss-replacement",
        "02-loss-minimisation",
        PATH,
        ("training.batch_size=1", "training.sampling=with_replacement"),
    ),
    ("logistic", "03-logistic-unit", BOUNDARY, ()),
    ("xor-one-unit", "04a-xor-one-unit", BOUNDARY, ()),
    ("xor-and-or", "04b-xor-and-or", BOUNDARY, ()),
    ("xor-hidden", "04c-xor-hidden", BOUNDARY, ()),
    ("four-layers", "05-four-layers", BOUNDARY, ()),
    ("output-linear", "06a-output-linear", "predicted_true", ()),
    ("output-sigmoid", "06b-output-sigmoid", "confusion_matrix", ()),
    ("output-softmax", "06c-output-softmax", "confusion_matrix", ()),
    ("output-tanh", "06d-output-tanh", BOUNDARY, ()),
    ("hidden-linear", "06e-hidden-activations", BOUNDARY, (f"{HIDDEN}=linear",)),
    ("hidden-tanh", "06e-hidden-activations", BOUNDARY, (f"{HIDDEN}=tanh",)),
    ("hidden-sigmoid", "06e-hidden-activations", BOUNDARY, (f"{HIDDEN}=sigmoid",)),
    ("hidden-relu", "06e-hidden-activations", BOUNDARY, (f"{HIDDEN}=relu",)),
    ("dying-relu", "06f-dying-relu", CURVES, ()),
    ("outliers-mae", "07a-outliers", PATH, ()),
    ("outliers-mse", "07a-outliers", PATH, ("training.loss=mean_squared_error",)),
    ("normal-equation", "08a-normal-equation", PATH, ()),
    ("gradient-descent", "08b-gradient-descent", PATH, ()),
    ("sgd", "08c-sgd", PATH, ()),
    ("mini-batch", "08d-mini-batch", PATH, ()),
    ("hyperparameters", "09-hyperparameters", CURVES, ()),
)
"""The picture, the config, which of the run's pictures it is, and what is set."""


def main(wanted: list[str]) -> int:
    """Draws all pictures, or those whose names are given; returns the exit code."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in _drawn(Path(folder), wanted):
            (PICTURES / f"{name}.png").write_bytes(_small(picture))
            print(f"drew {name}", file=sys.stderr)
    return 0


def _drawn(runs: Path, wanted: list[str]) -> Iterator[tuple[str, Path]]:
    """Trains once for each config with its settings, and yields each picture's name and file."""
    trained: dict[tuple[str, tuple[str, ...]], str] = {}
    for name, config, picture, settings in SHOWN:
        if wanted and name not in wanted:
            continue
        run_name = trained.setdefault((config, settings), name)
        if run_name == name:
            options = [part for setting in settings for part in ("--set", setting)]
            path = str(CONFIGS / f"{config}.yaml")
            run(["train", path, "--name", name, "--runs", str(runs), "-q", *options])
        yield name, runs / run_name / "0001" / "plots" / f"{picture}.png"


def _small(picture: Path) -> bytes:
    with Image.open(picture) as image:
        height = round(image.height * WIDTH / image.width)
        small = image.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1).save(stream, "PNG", optimize=True)
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
