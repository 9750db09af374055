"""A training, epoch by epoch, as the slider of its page shows it."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from dl.data.dataset import Dataset
from dl.data.predictions import DecisionSurface
from dl.data.recording import Recording
from dl.data.types import Array
from dl.report.facts import RunFacts, pictures_of
from dl.report.rows import inputs_of, pictures_within

MOST_BYTES = 300_000
"""What the slider may add to a page; without a recording of that size the page has none."""
_MOST_PICTURE_BYTES = 90_000
WORST = 8
"""Mistakes that are shown at a time."""
_MOST_ROWS = 80
_SIDE = 50
"""Points of a frame of the plane along each axis."""
_LEVELS = 200


@dataclass(frozen=True, slots=True)
class PlaneFrame:
    """What a network of two inputs said on a grid after an epoch, row by row from the lower left.

    Attributes:
        epoch: How many epochs had ended.
        values: Base64 of a byte for each point: the class, or a number from 0 to 200.
    """

    epoch: int
    values: str


@dataclass(frozen=True, slots=True)
class Plane:
    """The plane of two inputs.

    Attributes:
        names: Its axes.
        low: Where they begin.
        high: Where they end.
        classes: How many classes its values name; 0 where they are degrees from 0 to 200.
        kinds: Whether the points are of classes.
        side: Points along each axis.
        ends: What 0 and 200 stand for.
        points: Some training rows: place on both axes, and class or degree.
        frames: The frames.
    """

    names: tuple[str, str]
    low: tuple[float, float]
    high: tuple[float, float]
    classes: int
    kinds: bool
    side: int
    ends: tuple[float, float]
    points: tuple[tuple[float, float, float], ...]
    frames: tuple[PlaneFrame, ...]


@dataclass(frozen=True, slots=True)
class FollowedRow:
    """A followed row that was among the worst at some epoch: its place there, and what it is."""

    place: int
    picture: str | None
    inputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Scrubber:
    """What the slider moves.

    Attributes:
        recording: What the network said of some validation rows, and its weights.
        rows: Those that are shown as mistakes at some epoch.
        plane: What it said over the plane of its inputs, where these are two numbers.
    """

    recording: Recording
    rows: tuple[FollowedRow, ...]
    plane: Plane | None = None


def scrubber_of(facts: RunFacts, dataset: Dataset, recording: Recording | None) -> Scrubber | None:
    """Returns what the slider moves; None where nothing was recorded, or too much for a page."""
    if recording is None or dataset.validation is None:
        return None
    part, fitted = dataset.validation, dataset.preprocessing
    worst = _ever_worst(facts, recording)
    rows = np.array(recording.positions, np.int64)[worst]
    if facts.pictures is None:
        told = inputs_of(part, rows, fitted)
        shown = [
            FollowedRow(int(p), None, dict(list(t.items())[:6]))
            for p, t in zip(worst, told, strict=True)
        ]
    else:
        own = replace(facts, pictures=pictures_of(part, fitted))
        uris = pictures_within(own, rows, _MOST_PICTURE_BYTES)
        shown = [
            FollowedRow(int(place), uri, {}) for place, uri in zip(worst, uris, strict=True) if uri
        ]
    found = Scrubber(recording, tuple(shown), _plane(facts.surface))
    return found if len(json.dumps(asdict(found))) <= MOST_BYTES else None


def _ever_worst(facts: RunFacts, recording: Recording) -> Array:
    """Returns the places of the rows that are among the worst after some epoch."""
    true, found = np.array(recording.true), dict[int, None]()
    for frame in recording.frames:
        predicted = np.array(frame.predicted)
        loss = np.abs(predicted - true)
        if facts.in_classes:
            missing = 100 - np.array(frame.truth) if frame.truth else np.ones(len(true))
            loss = np.where(predicted != true, 1 + missing, 0)
        order = np.argsort(-loss, kind="stable")[:WORST]
        found |= dict.fromkeys(order[loss[order] > 0].tolist())
    return np.array(list(found)[-_MOST_ROWS:], np.int64)  # the last ones are those that stay


def _plane(surface: DecisionSurface | None) -> Plane | None:
    if surface is None:
        return None
    frames = [frame for frame in surface.frames if not frame.final]
    plane, classes = surface.plane, surface.frames[0].values.shape[1]
    low, high = 0.0, 1.0
    if classes == 1:
        low = float(min(frame.values.min() for frame in frames))
        high = float(max(frame.values.max() for frame in frames))
    degrees = classes <= 2 and (classes == 1 or surface.probabilities)
    places = np.linspace(0, frames[0].side - 1, _SIDE).astype(np.int64)
    coded = []
    for frame in frames:
        grid = frame.values.reshape(frame.side, frame.side, -1)[places][:, places]
        if degrees:
            share = (grid[..., -1] - low) / ((high - low) or 1.0)
            codes = np.rint(_LEVELS * np.clip(share, 0, 1))
        else:
            codes = grid.argmax(axis=-1)
        coded.append(
            PlaneFrame(frame.epoch, base64.b64encode(codes.astype(np.uint8).tobytes()).decode())
        )
    step = max(1, len(surface.rows) // 250)
    kinds = surface.y if classes > 1 else _LEVELS * (surface.y - low) / ((high - low) or 1.0)
    points = np.column_stack([surface.rows, kinds])[::step]
    return Plane(
        plane.names,
        plane.low,
        plane.high,
        0 if degrees else classes,
        classes > 1,
        _SIDE,
        (low, high),
        tuple(tuple(float(f"{value:.4g}") for value in point) for point in points.tolist()),  # type: ignore[misc]
        tuple(coded),
    )
