"""Rows of a run as an export takes them, and whether it answers as `dl predict` does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dl.data.features import FIRST_TOKEN, CategoricalFeature, TextFeature
from dl.data.target import Target, classes_of, own_numbers
from dl.data.tokens import tokenizer
from dl.data.types import Array, Column, Raw, RawTable
from dl.export import RefusedError
from dl.export.graph import DATE, MISSING, UNSEEN, Graph, Input

TOLERANCE = 1e-5
"""How far an answer may be from that of `dl predict`: a probability absolutely, a number relative
to the greater of itself and the mean size of the predicted numbers."""
MOST_ROWS = 10_000
"""Rows that an export is compared on."""
_RUNNER = Path(__file__).with_name("runner.py")
_MADE = "made.py"


@dataclass(frozen=True, slots=True)
class Answers:
    """What is predicted for some rows: names of classes, 0 or 1, or numbers; and probabilities."""

    prediction: Array
    probabilities: Array | None


def raw_inputs(graph: Graph, raw: Raw, *, as_text: bool) -> dict[str, Array]:
    """Returns rows as an export takes them.

    Args:
        graph: Names the inputs.
        raw: The rows as they were read.
        as_text: Whether categories, dates and texts are texts; else their numbers.
    """
    found = {}
    for each in graph.inputs:
        if not isinstance(raw, RawTable):
            return {
                each.name: np.asarray(raw.x[:]).reshape(len(raw), *each.shape).astype(each.dtype)
            }
        column = raw.columns[each.name]
        values = _texts(column) if as_text and each.kind != "number" else _numbers(column, each)
        if raw.windows is not None:
            at = raw.windows.ends[:, np.newaxis] + np.array(raw.windows.form.input_rows)
            values = values[at]
        found[each.name] = values
    return found


def _texts(column: Column) -> Array:
    if column.kind == "date":
        return np.where(column.missing(), "", np.datetime_as_string(column.values, unit="s"))
    texts = ["" if place < 0 else column.categories[place] for place in column.values.tolist()]
    return np.array(texts, np.str_)


def _numbers(column: Column, each: Input) -> Array:
    match each.feature:
        case TextFeature() as feature:
            return _token_numbers(column, feature)
        case CategoricalFeature(edges=()) as feature:
            position = feature.position()
            known = [*map(position, column.categories), MISSING]
            return np.array(known, np.int32)[column.values]
        case _ if each.kind == "date":
            days = column.values.astype("datetime64[D]")
            months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
            minutes = (column.values - days).astype("timedelta64[m]").astype(np.int64)
            parts = [
                years.astype(np.int64) + 1970,
                (months - years).astype(np.int64) + 1,
                (days - months).astype(np.int64) + 1,
                minutes // 60,
                minutes % 60,
            ]
            gone = column.missing()[:, np.newaxis]
            return (
                np.where(gone, 0, np.stack(parts, axis=-1)).astype(np.int32).reshape(-1, len(DATE))
            )
        case _:
            return column.values.astype(each.dtype)


def _token_numbers(column: Column, feature: TextFeature) -> Array:
    """Returns the numbers of the tokens of texts, or how often each token is there."""
    known = {token: place for place, token in enumerate(feature.tokens)}
    cut, rows = tokenizer(feature), np.zeros((len(column.values), feature.width), np.float32)
    for row, place in enumerate(column.values.tolist()):
        tokens = cut("" if place < 0 else column.categories[place])
        for at, token in enumerate(tokens[: feature.length or None]):
            if feature.output == "int":
                rows[row, at] = known.get(token, UNSEEN) + FIRST_TOKEN
            elif token in known:
                rows[row, known[token]] += 1
    return rows.astype(np.int32) if feature.output == "int" else rows


def made_by(blocks: Sequence[str], parts: Path, name: str) -> dict[str, Any]:
    """Returns what a script makes before it trains: inputs and targets of each part, and weights.

    Args:
        blocks: Its lines, in blocks.
        parts: The file that says the part of each row.
        name: What it is called in the script.

    Raises:
        RefusedError: The script fails.
    """
    lines = "\n\n".join(["import sys\nsys.modules['dl'] = None", *blocks, _SAVE])
    with tempfile.TemporaryDirectory(prefix="dl-export-") as folder:
        shutil.copy(parts, Path(folder, name))
        Path(folder, _MADE).write_text(lines, encoding="utf-8")  # too long for an argument
        _process([_MADE], folder)
        with np.load(Path(folder, "made.npz")) as file:
            found = {each: file[each] for each in file.files}
    shapes = [tuple(shape) for shape in json.loads(str(found["weights"]))]
    names = dict.fromkeys(each[:-2] for each in found if each != "weights")
    pairs = {each: (found[f"{each}_x"], found[f"{each}_y"]) for each in names}
    return {**pairs, "weights": shapes}


_SAVE = """
import json
made = {f"{name}_{key}": value for name, pair in data.items() for key, value in zip("xy", pair)}
shapes = json.dumps([list(weight.shape) for weight in model.weights])
np.savez("made.npz", **made, weights=np.array(shapes))
"""


def _process(arguments: Sequence[str], folder: str) -> None:
    """Runs Python in a process of its own; raises `RefusedError` with its last line."""
    done = subprocess.run(
        [sys.executable, "-P", *arguments],  # no file beside the script is a library
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise RefusedError(f"its runtime cannot run it: {last[:300]}")


def answers_of(outputs: Array, target: Target) -> Answers:
    """Returns what `dl predict` says of rows with these outputs of the network."""
    if target.form == "numbers":
        return Answers(own_numbers(outputs, target), None)
    chosen, probabilities = classes_of(outputs, target)
    if target.form != "multilabel":
        chosen = np.array(target.classes)[chosen]
    return Answers(chosen, probabilities)


def run(
    kind: str, path: Path, rows: Mapping[str, Array], target: Target, batch: int | None
) -> tuple[Answers, float]:
    """Returns what an export says of rows, run by its runtime in a process of its own.

    Args:
        kind: The runtime: keras, saved_model, onnx or litert.
        path: The export.
        rows: The rows, by input.
        target: Names the classes.
        batch: How many rows it takes at once; None for any number.

    Returns:
        The answers, and the rows that it predicts in a second.

    Raises:
        RefusedError: The runtime cannot run it.
    """
    found, seconds = _in_a_process(kind, path, rows, batch)
    said = found["prediction"]
    if target.classes and target.form != "multilabel" and said.dtype.kind != "U":
        said = np.array([*target.classes, ""])[said]
    count = len(next(iter(rows.values())))
    answers = Answers(said, found.get("probabilities"))
    return answers, count / max(seconds, 1e-9)


def _in_a_process(
    kind: str, path: Path, rows: Mapping[str, Array], batch: int | None
) -> tuple[dict[str, Array], float]:
    with tempfile.TemporaryDirectory(prefix="dl-export-") as folder:
        sent, told = Path(folder, "rows.npz"), Path(folder, "answers.npz")
        about = json.dumps({"inputs": list(rows), "batch": batch})
        named: dict[str, Any] = {f"input_{place}": v for place, v in enumerate(rows.values())}
        np.savez(sent, about=np.array(about), **named)
        _process([str(_RUNNER), kind, str(path.absolute()), str(sent), str(told)], folder)
        with np.load(told) as file:
            found = {name: file[name] for name in file.files}
    return found, float(found.pop("seconds"))


def compared(found: Answers, expected: Answers, target: Target) -> float:
    """Returns the greatest difference: see `TOLERANCE`; infinite where a class is another one.

    A class whose probability is within the tolerance of the deciding one counts as the same.
    """
    if target.form == "numbers":
        numbers = expected.prediction.reshape(found.prediction.shape)
        size = np.maximum(np.abs(numbers), np.abs(numbers).mean())
        return greatest(np.abs(found.prediction - numbers) / np.where(size > 0, size, 1))
    other = found.prediction != expected.prediction
    if found.probabilities is None or expected.probabilities is None:
        return float("inf") if other.any() else 0.0
    if target.form in ("multilabel", "single"):
        doubtful = np.abs(expected.probabilities - target.cut) <= TOLERANCE
        doubtful = doubtful[..., -1] if target.form == "single" else doubtful
    else:
        ordered = np.sort(expected.probabilities, axis=-1)
        doubtful = ordered[..., -1] - ordered[..., -2] <= 2 * TOLERANCE
    if (other & ~doubtful).any():
        return float("inf")
    return greatest(np.abs(found.probabilities - expected.probabilities))


def largest(found: Answers, expected: Answers) -> float:
    """Returns the greatest difference of probabilities, or of numbers where there are none."""
    if found.probabilities is not None and expected.probabilities is not None:
        return greatest(np.abs(found.probabilities - expected.probabilities))
    if expected.prediction.dtype.kind != "f":
        return float((found.prediction != expected.prediction).any())
    return greatest(np.abs(found.prediction - expected.prediction.reshape(found.prediction.shape)))


def greatest(differences: Array) -> float:
    return float(differences.max()) if np.isfinite(differences).all() else float("inf")
