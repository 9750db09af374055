"""What the page shows of a network: the plane of two inputs as it sees it, its units, its weights.

Other inputs than the two are held at their mean in the training part.
"""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import numpy as np

from dl.config.nodes import yaml_text
from dl.data.dataset import Dataset
from dl.data.features import NumericFeature
from dl.data.predictions import InputPlane, answers, input_plane, one_answer
from dl.data.target import class_indexes, unscale
from dl.data.trivial import trivial_of
from dl.data.types import Array, Part
from dl.errors import UsageError
from dl.inspect.diagnose import diagnose
from dl.inspect.evidence import Evidence
from dl.inspect.layers import measure
from dl.inspect.trace import activation_of
from dl.model import keras, tf
from dl.model.checks import outputs_of_layers
from dl.play.settings import MOST_CLASSES, MOST_POINTS, MOST_UNITS, Seen
from dl.training.setup import Prepared
from dl.training.two_inputs import surface_values

SIDE = 64
"""Points of the plane along each axis; of that of a unit, half as many."""
_MARGIN, _MARGIN_OF_FEW, _FEW = 0.08, 0.4, 10
"""Room around the rows, as a fraction of their range; the corners of a gate need more."""

Arrays = list[tuple[str, Array]]


class Scene:
    """The plane of a prepared training, and what its network says on it.

    Args:
        prepared: The training.
        axes: The names of the two inputs; None for the first two.
        before: The scene of before.
        fixed: Whether its plane stays: points are painted on it.

    Raises:
        UsageError: The network has not two numbers to look at.
    """

    def __init__(
        self,
        prepared: Prepared,
        axes: tuple[str, str] | None,
        before: Scene | None,
        *,
        fixed: bool,
    ) -> None:
        self.prepared = prepared
        dataset, target = prepared.dataset, prepared.dataset.target
        if target.task == "multilabel" or target.places or target.units is None:
            raise UsageError(
                "the page shows networks that predict one class, or one number",
                found=f"a target that is {target.task}" if target.task else None,
                hint="choose a config with one target",
            )
        if target.form != "numbers" and len(target.classes) > MOST_CLASSES:
            raise UsageError(
                f"the page has colours for {MOST_CLASSES} classes",
                found=f"{len(target.classes)} classes",
                hint="choose a problem of fewer",
            )
        self._at, plane = _plane(dataset, axes)
        fixed = fixed and before is not None and before.plane.names == plane.names
        if fixed and before is not None:
            plane = replace(plane, low=before.plane.low, high=before.plane.high)
        self.plane: InputPlane = plane
        inputs = dataset.preprocessing.input_shape[0]
        self.points = points = _points(dataset, self._at, self.plane)
        name = target.names[0] if target.names else "class"
        paintable = inputs == 2 and len(points) <= MOST_POINTS
        self.seen = Seen(self.plane.names, name, target.form == "numbers", paintable)
        self._trivial = trivial_of(prepared.config, dataset)
        model = prepared.model
        self._shown = [
            (at, layer)
            for at, layer in enumerate(model.layers)
            if isinstance(layer, keras.layers.Dense)
        ]
        rows = np.tile(np.mean(dataset.train.x[:], axis=0, dtype=np.float64), (SIDE * SIDE, 1))
        rows[:, list(self._at)] = self.plane.grid(SIDE)
        self._grid = tf.constant(rows, tf.float32)
        if before is not None and before.prepared.model is model:
            self._forward: Any = before._forward
        else:
            self._forward = tf.function(
                lambda rows: tuple(outputs_of_layers(model, rows, False)), autograph=False
            )

    def document(self) -> dict[str, Any]:
        """Returns what does not change while it trains, as plain data."""
        dataset, target = self.prepared.dataset, self.prepared.dataset.target
        others = [n for n in dataset.preprocessing.feature_names if n not in self.seen.names]
        columns = [f.name for f in dataset.preprocessing.columns if isinstance(f, NumericFeature)]
        return {
            "names": list(self.seen.names),
            "target": self.seen.target,
            "classes": list(target.classes),
            "numbers": self.seen.numbers,
            "threshold": target.cut if target.form == "single" and target.probabilities else None,
            "low": list(self.plane.low),
            "high": list(self.plane.high),
            "points": self.points[:MOST_POINTS],
            "rows": {name: len(part) for name, part in dataset.parts.items()},
            "paintable": self.seen.paintable,
            "others": others if len(others) + 2 == dataset.preprocessing.input_shape[0] else [],
            "columns": columns,
            "at": list(self._at),
            "inputs": list(dataset.preprocessing.feature_names or self.seen.names),
            "side": SIDE,
        }

    def frame(self) -> Arrays:
        """Returns what the network says now, by name.

        `plane`: the probability of each class, or the number, float32 (values, side, side). For
        each layer, `unit N`: what its units say, from -1 to 1 of `scale N` as bytes; `kernel N`
        and `bias N`.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # of a loss that diverges
            return self._arrays(self._forward(self._grid))

    def _arrays(self, outputs: tuple[Any, ...]) -> Arrays:
        target = self.prepared.dataset.target
        values = surface_values(outputs[-1].numpy(), target).astype(np.float32)
        arrays: Arrays = [("plane", np.ascontiguousarray(values.T).reshape(-1, SIDE, SIDE))]
        for number, (at, layer) in enumerate(self._shown):
            said = outputs[at].numpy()[:, :MOST_UNITS].reshape(SIDE, SIDE, -1)[::2, ::2]
            most = float(np.nan_to_num(np.abs(said)).max()) or 1.0
            small = np.nan_to_num(np.rint(127.5 + 127.5 * (said / most))).clip(0, 255)
            arrays.append((f"unit {number}", small.astype(np.uint8).transpose(2, 0, 1).copy()))
            arrays.append((f"scale {number}", np.array([most], np.float32)))
            arrays += [(f"{w.name} {number}", w.numpy().astype(np.float32)) for w in layer.weights]
        return arrays

    def layers(self) -> list[dict[str, Any]]:
        """Returns the layers whose units are shown, in the order of their numbers."""
        return [
            {"at": at, "units": layer.units, "activation": activation_of(layer)}
            for at, layer in self._shown
        ]

    def diagnosis(
        self, history: list[dict[str, float]], diverged: str = ""
    ) -> list[dict[str, Any]]:
        """Returns what `dl diagnose` finds so far; that it is not at its end is no finding."""
        model, dataset, config = self.prepared.model, self.prepared.dataset, self.prepared.config
        said, network = "", None
        if not diverged:
            few = dataset.train.take(slice(MOST_POINTS))
            outputs = model(tf.constant(few.x[:]), training=False).numpy()
            said = one_answer(("train", answers(few.y[:], outputs, dataset.target)), dataset.target)
            network = measure(model, dataset, config, trained=True)
        case = Evidence(config, history, diverged, network, said, self._trivial)
        return [
            {"id": name, "message": f.message, "why": f.why, "yaml": yaml_text(f.change)}
            for name, f in diagnose(case)
            if name != "unfinished"
        ]


def _plane(dataset: Dataset, axes: tuple[str, str] | None) -> tuple[tuple[int, int], InputPlane]:
    """Returns which two inputs of the network are shown, and their plane."""
    fitted, x = dataset.preprocessing, dataset.train.x
    if not isinstance(x, np.ndarray) or x.ndim != 2:
        raise UsageError(
            "the page shows networks whose inputs are columns of a table in memory",
            hint="choose two columns of numbers, or another config",
        )
    plane = input_plane(fitted, x)
    if plane is not None:
        at = (0, 1)
        if axes == plane.names[::-1]:
            at, plane = (1, 0), InputPlane(*(pair[::-1] for pair in astuple(plane)))
    else:
        linear = [f for f in fitted.columns if isinstance(f, NumericFeature) and f.is_linear]
        chosen = [f for name in axes or () for f in linear if f.name == name] or linear[:2]
        if len(chosen) != 2 or fitted.window is not None:
            raise UsageError(
                "the page needs two inputs that are numbers",
                hint="choose two columns of numbers, or another config",
            )
        one, other = chosen
        places = fitted.feature_names
        at = (places.index(one.name), places.index(other.name))
        center, spread = (one.center, other.center), (one.spread, other.spread)
        plane = InputPlane((one.name, other.name), center, spread, (0.0, 0.0), (0.0, 0.0))
    original = plane.original(x[:, list(at)])
    low, high = original.min(axis=0), original.max(axis=0)
    room = (_MARGIN_OF_FEW if len(x) < _FEW else _MARGIN) * np.where(high > low, high - low, 1.0)
    low, high = low - room, high + room
    ends = ((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))
    return at, replace(plane, low=ends[0], high=ends[1])


def _points(dataset: Dataset, at: tuple[int, int], plane: InputPlane) -> list[list[Any]]:
    """Returns the rows as x, y, class or number, and part, in the data's own unit."""
    return [
        [float(f"{x:.6g}"), float(f"{y:.6g}"), value, name]
        for name, part in dataset.parts.items()
        for (x, y), value in zip(
            plane.original(part.x[: MOST_POINTS + 1][:, list(at)]),
            _said(part, dataset),
            strict=False,
        )
    ]


def _said(part: Part, dataset: Dataset) -> list[Any]:
    target, y = dataset.target, part.y[: MOST_POINTS + 1]
    if target.form == "numbers":
        return [float(f"{v:.6g}") for v in unscale(y, target).reshape(len(y), -1)[:, 0]]
    return [target.classes[int(index)] for index in class_indexes(y, target)]
