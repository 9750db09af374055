"""What is followed through the epochs: which rows, and when; and that nothing changes by it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.recording import affordable, rows_followed
from dl.data.types import Array, Storage
from dl.progress import SilentReporter
from dl.training.checkpoint import State
from dl.training.fit import fit
from dl.training.recorder import Recorder
from support.training import DENSE, built, config, dataset, inputs, labels, part, ready

NOISY = [
    {"type": "Dense", "units": 4, "activation": "relu"},
    {"type": "BatchNormalization"},
    {"type": "Dropout", "rate": 0.4},
    DENSE,
]
EPOCHS = 6


@pytest.fixture
def data() -> Dataset:
    x, y = inputs(900, 3), labels(900)
    return dataset(x[:800], y[:800], validation=part(x[800:], y[800:]))


@pytest.fixture
def chosen() -> Config:
    return config(NOISY, epochs=EPOCHS, batch_size=64)


def _train(chosen: Config, data: Dataset, *, wanted: bool) -> tuple[Recorder, list[Array]]:
    model = built(chosen, data)
    recorder = Recorder(model, data, EPOCHS, wanted=wanted)
    recorder.begin()
    fit(ready(chosen, data, model), SilentReporter(), lambda row: recorder.see(int(row["epoch"])))
    return recorder, model.get_weights()


def test_a_training_that_is_recorded_ends_with_the_same_bits(chosen: Config, data: Dataset) -> None:
    (recorder, seen), (silent, unseen) = (_train(chosen, data, wanted=w) for w in (True, False))
    assert all(map(np.array_equal, seen, unseen))
    assert silent.recording(None) is None
    recording = recorder.recording(None)
    assert recording is not None
    assert recording.arrays == ("dense kernel", "dense_1 kernel")
    last = recording.frames[-1]
    assert last.epoch == EPOCHS
    assert len(recording.rows) == len(last.predicted) == len(last.truth) == 41
    assert [sum(weights.counts) for weights in last.weights] == [12, 12]


def test_a_resumed_training_goes_on_with_the_same_rows(chosen: Config, data: Dataset) -> None:
    recorder, _ = _train(chosen, data, wanted=True)
    kept = recorder.state()
    again = Recorder(built(chosen, data), data, 10 * EPOCHS, wanted=True)
    again.begin()
    again.set_state(State(json.loads(json.dumps(kept.values)), kept.arrays))
    assert again.recording(None) == recorder.recording(None)


def test_the_epoch_whose_weights_were_kept_is_among_the_frames(
    chosen: Config, data: Dataset
) -> None:
    recorder, _ = _train(chosen, data, wanted=True)
    before = recorder.state().values
    plain, kept = recorder.recording(None), recorder.recording(EPOCHS + 3)
    assert plain is not None
    assert kept is not None
    assert [f.epoch for f in kept.frames] == [*(f.epoch for f in plain.frames), EPOCHS + 3]
    assert kept.frames[-1].predicted == plain.frames[-1].predicted  # the same weights
    assert recorder.recording(EPOCHS) == plain
    assert recorder.state().values == before


def test_the_rows_that_are_looked_at_stay_within_two_percent_of_the_work() -> None:
    for validation, train, epochs in ((100, 800, 6), (5000, 55_000, 3), (180, 1258, 100)):
        rows = len(rows_followed(validation, train, epochs))
        frames = 1
        for epoch in range(1, epochs + 1):
            frames += affordable(frames, rows, train, epoch)
        assert 20 <= rows <= 500
        assert frames >= 3
        assert (frames - 1) * rows <= 0.02 * 3 * train * epochs


def test_of_a_short_training_of_few_rows_nothing_is_followed() -> None:
    assert len(rows_followed(30, 100, 2)) == 0


def test_rows_on_the_disk_and_rows_of_several_answers_are_not_followed(
    chosen: Config, data: Dataset
) -> None:
    labels_of_rows = replace(data.target, form="multilabel")
    for other in (
        replace(data, storage=Storage(True, "")),
        replace(data, validation=None),
        replace(data, preprocessing=replace(data.preprocessing, target=labels_of_rows)),
    ):
        recorder = Recorder(built(chosen, data), other, 100, wanted=True)
        recorder.begin()
        assert recorder.state().values["epochs"] == []
