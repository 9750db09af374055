"""Train what docs/images shows, and put the pictures of the runs there.

python scripts/draw_images.py [NAME...]     # all pictures, or these
python scripts/draw_images.py --check       # whether those that are there still look like that

The check trains and draws anew. Processors round differently, so it does not ask for the same
bytes, but for the same size and nearly the same colours.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from dl.cli.main import run

ROOT = Path(__file__).resolve().parents[1]
CONFIGS, PICTURES = ROOT / "configs", ROOT / "docs" / "images"
WIDTH, COLOURS = 640, 256
MOST_APART = 4.0
"""Of 255: the mean difference of two pictures that are still taken for the same."""
HIDDEN = "model.layers.hidden.activation"
PATH, BOUNDARY, CURVES = "parameter_path", "boundary", "learning_curves"

SHOWN: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("learning_curves.png", "digits", CURVES, ()),
    ("boundary.gif", "moons", BOUNDARY, ()),
    ("course/perceptron-and.png", "course/01-perceptron", BOUNDARY, ()),
    ("course/perceptron-xor.png", "course/01-perceptron", BOUNDARY, ("data.dataset=xor",)),
    ("course/perceptron-xor-curves.png", "course/01-perceptron", CURVES, ("data.dataset=xor",)),
    ("course/loss-batch.png", "course/02-loss-minimisation", PATH, ()),
    ("course/loss-stochastic.png", "course/02-loss-minimisation", PATH, ("training.batch_size=1",)),
    (
        "course/loss-mini-batch.png",
        "course/02-loss-minimisation",
        PATH,
        ("training.batch_size=10",),
    ),
    (
        "course/loss-replacement.png",
        "course/02-loss-minimisation",
        PATH,
        ("training.batch_size=1", "training.sampling=with_replacement"),
    ),
    ("course/logistic.png", "course/03-logistic-unit", BOUNDARY, ()),
    ("course/xor-one-unit.png", "course/04a-xor-one-unit", BOUNDARY, ()),
    ("course/xor-and-or.png", "course/04b-xor-and-or", BOUNDARY, ()),
    ("course/xor-hidden.png", "course/04c-xor-hidden", BOUNDARY, ()),
    ("course/four-layers.png", "course/05-four-layers", BOUNDARY, ()),
    ("course/output-linear.png", "course/06a-output-linear", "predicted_true", ()),
    ("course/output-sigmoid.png", "course/06b-output-sigmoid", "confusion_matrix", ()),
    ("course/output-softmax.png", "course/06c-output-softmax", "confusion_matrix", ()),
    ("course/output-tanh.png", "course/06d-output-tanh", BOUNDARY, ()),
    ("course/hidden-linear.png", "course/06e-hidden-activations", BOUNDARY, (f"{HIDDEN}=linear",)),
    ("course/hidden-tanh.png", "course/06e-hidden-activations", BOUNDARY, (f"{HIDDEN}=tanh",)),
    (
        "course/hidden-sigmoid.png",
        "course/06e-hidden-activations",
        BOUNDARY,
        (f"{HIDDEN}=sigmoid",),
    ),
    ("course/hidden-relu.png", "course/06e-hidden-activations", BOUNDARY, (f"{HIDDEN}=relu",)),
    ("course/dying-relu.png", "course/06f-dying-relu", CURVES, ()),
    ("course/outliers-mae.png", "course/07a-outliers", PATH, ()),
    ("course/outliers-mse.png", "course/07a-outliers", PATH, ("training.loss=mean_squared_error",)),
    ("course/normal-equation.png", "course/08a-normal-equation", PATH, ()),
    ("course/gradient-descent.png", "course/08b-gradient-descent", PATH, ()),
    ("course/sgd.png", "course/08c-sgd", PATH, ()),
    ("course/mini-batch.png", "course/08d-mini-batch", PATH, ()),
    ("course/hyperparameters.png", "course/09-hyperparameters", CURVES, ()),
)
"""The picture, the config, which of the run's pictures it is, and what is set."""


def main(arguments: list[str]) -> int:
    """Draws all pictures, or those that are named, or checks them; returns the exit code."""
    check, wanted, stale = "--check" in arguments, {*arguments} - {"--check"}, []
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in _drawn(Path(folder), wanted):
            content = picture.read_bytes() if picture.suffix == ".gif" else _small(picture, name)
            file = PICTURES / name
            if not check:
                file.write_bytes(content)
                print(f"drew {name}", file=sys.stderr)
            elif not file.exists() or _apart(file.read_bytes(), content) > MOST_APART:
                stale.append(name)
    if stale:
        print(f"stale: run python scripts/draw_images.py {' '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


def _drawn(runs: Path, wanted: set[str]) -> Iterator[tuple[str, Path]]:
    """Trains once for each config with its settings, and yields each picture's name and file."""
    trained: dict[tuple[str, tuple[str, ...]], str] = {}
    for name, config, picture, settings in SHOWN:
        if wanted and name not in wanted:
            continue
        path = Path(name)
        run_name = trained.setdefault((config, settings), path.stem)
        if run_name == path.stem:
            options = [part for setting in settings for part in ("--set", setting)]
            if path.parent.name == "course":
                options += ["--name", run_name]
            file = str(CONFIGS / f"{config}.yaml")
            run(["train", file, "--runs", str(runs / run_name), "-q", *options])
        [folder] = (runs / run_name).glob("*/0001/plots")
        yield name, folder / f"{picture}{path.suffix}"


def _small(picture: Path, name: str) -> bytes:
    """Returns a PNG of few colours; those of the course, which stand side by side, are narrow."""
    with Image.open(picture) as image:
        width = WIDTH if name.startswith("course/") else image.width
        height = round(image.height * width / image.width)
        small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _apart(one: bytes, other: bytes) -> float:
    """Returns the mean difference of the last frames of two pictures, from 0 to 255."""
    frames = [list(ImageSequence.Iterator(Image.open(io.BytesIO(each)))) for each in (one, other)]
    first, second = (np.asarray(each[-1].convert("RGB"), np.float32) for each in frames)
    if len(frames[0]) != len(frames[1]) or first.shape != second.shape:
        return 255.0
    return float(np.abs(first - second).mean())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
