"""`facts.json`: what only the training knew of layers, weights, data and mistakes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np

from dl.data.dataset import Dataset, Preprocessing
from dl.data.glance import Glance, glance
from dl.data.preprocessing.features import original_columns
from dl.data.types import Array, Part
from dl.diagnose.checks import NetworkStatistics
from dl.pages.pictures import data_uris
from dl.report.answers import predicted_shares, predicted_words, words, worst_rows
from dl.report.input import PlotInput
from dl.report.pixels import has_pictures
from dl.runs.directory import RunDirectory
from dl.runs.manifest import publish
from dl.runs.record import read_json
from dl.runs.typed import Count, Keys
from dl.text import number

Facts = dict[str, Any]

_Layer = Annotated[
    dict[str, Any],
    Keys(
        {
            "name": str,
            "type": str,
            "activation": str | None,
            "output_shape": list[Count | None],
            "parameters": Count,
            "trainable": Count,
        },
        required=True,
    ),
]
_Weights = Annotated[
    dict[str, Any],
    Keys(
        {
            **dict.fromkeys(("layer", "name"), str),
            **dict.fromkeys(("mean", "deviation", "least", "greatest", "norm", "zeros"), float),
            "shape": list[Count],
            "counts": list[Count],
        },
        required=True,
    ),
]
_Mistake = Annotated[
    dict[str, Any],
    Keys(
        {
            "row": Count,
            **dict.fromkeys(("true", "predicted", "share"), str),
            "picture": str | None,
            "inputs": dict[str, str],
        },
        required=True,
    ),
]
_Facts = Annotated[
    Facts,
    Keys(
        {
            "layers": list[_Layer],
            "weights": list[_Weights],
            "signals": NetworkStatistics | None,
            "glance": Glance | None,
            "examples": list[
                Annotated[Facts, Keys(dict.fromkeys(("picture", "true"), str), required=True)]
            ],
            "mistakes": list[_Mistake],
        }
    ),
]
"""What the sections of a page rely on; a run of an earlier version may lack some of it."""

_MOST_MISTAKES = 24
_MOST_EXAMPLES = 24
_MOST_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Network:
    """What the training knew of its network.

    Attributes:
        layers: The rows of its summary: dataclasses.
        weights: Its weights in a few numbers each: dataclasses.
        signals: What its layers say about some training rows.
    """

    layers: Sequence[Any]
    weights: Sequence[Any]
    signals: NetworkStatistics


def facts_of(dataset: Dataset, part: Part, judged: PlotInput, network: Network) -> Facts:
    """Returns the facts as plain data.

    Args:
        dataset: The data of the training.
        part: The rows of the part that tells most.
        judged: These rows with the model's answers.
        network: The network.
    """
    return {
        "layers": [asdict(row) for row in network.layers],
        "weights": [asdict(row) for row in network.weights],
        "signals": asdict(network.signals),
        "glance": asdict(glance(dataset)),
        "examples": _examples(judged),
        "mistakes": _mistakes(judged, part, dataset.preprocessing),
    }


def write_facts(run: RunDirectory, facts: Facts) -> None:
    """Publishes the facts; raises `DiskError`."""
    publish(run.facts, json.dumps(facts, ensure_ascii=False).encode())


def read_facts(run: RunDirectory) -> Facts:
    """Reads the facts; empty where the run kept none. Raises `RunError` where they are damaged."""
    if not run.facts.exists():
        return {}
    facts: Facts = read_json(run.facts, _Facts)
    return facts


def _examples(judged: PlotInput) -> list[dict[str, str]]:
    if judged.y_true is None or not len(judged.y_true) or judged.places > 1:
        return []
    rows = np.arange(min(_MOST_EXAMPLES, len(judged.y_true)))
    true = words(judged, judged.y_true[rows])
    pairs = zip(data_uris(judged, rows), true, strict=True)
    return [{"picture": uri, "true": text} for uri, text in pairs if uri]


def _mistakes(judged: PlotInput, part: Part, fitted: Preprocessing) -> list[Facts]:
    if judged.predictions is None or judged.y_true is None or judged.places > 1:
        return []
    rows = worst_rows(judged, _MOST_MISTAKES)
    columns = {
        "row": [int(row) for row in part.rows[rows]],
        "true": words(judged, judged.y_true[rows]),
        "predicted": predicted_words(judged, rows),
        "share": predicted_shares(judged, rows),
        "picture": data_uris(judged, rows),
        "inputs": [{}] * len(rows) if has_pictures(judged) else _inputs(part.x[rows], fitted),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _inputs(x: Array, fitted: Preprocessing) -> list[dict[str, str]]:
    """Returns the first columns of each row in the table's own values."""
    shown = list(original_columns(x, fitted.columns).items())[:_MOST_COLUMNS]
    return [{name: _text(values[place]) for name, values in shown} for place in range(len(x))]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else number(float(value))
