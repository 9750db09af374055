"""Trainings that share a traced model are the same as those that have one of their own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dl.config.load import Loaded, load_config
from dl.config.schema import Mixing
from dl.data.load import Datasets
from dl.model.held import Held
from dl.model.saving import save_model
from dl.progress import SilentReporter
from dl.training.fit import fit
from dl.training.programs import Programs, program_key
from dl.training.setup import Prepared, prepare
from support.training import config

TEXT = """\
name: iris
data: {source: builtin, dataset: iris, split: {validation: 0.2}}
model:
  layers:
    - {type: Dense, units: 5, activation: tanh}
    - BatchNormalization
    - {type: Dropout, rate: 0.3}
    - {type: Dense, units: 3, activation: softmax}
training:
  loss: sparse_categorical_crossentropy
  optimizer: {type: adam, learning_rate: 0.01}
  metrics: [accuracy]
  batch_size: 16
  epochs: 2
engine: {compile: false}
"""


def _loaded(folder: Path, *overrides: str) -> Loaded:
    path = folder / "iris.yaml"
    path.write_text(TEXT)
    return load_config(path, overrides)


def _prepared(loaded: Loaded, datasets: Datasets) -> Prepared:
    return prepare(loaded, datasets.get(loaded, SilentReporter()), SilentReporter())


def _history(prepared: Prepared) -> list[dict[str, float]]:
    rows = fit(prepared, SilentReporter(), lambda row: None)
    return [{key: row[key] for key in row if key != "seconds"} for row in rows]


@pytest.mark.parametrize(("layer", "same"), [("Dropout", True), ("AugMix", False)])
def test_a_program_knows_its_seed_only_where_it_draws_while_traced(layer: str, same: bool) -> None:
    layers = [{"type": layer, "rate": 0.1} if layer == "Dropout" else layer, "Flatten"]
    first, second = (program_key(config(layers, seed=seed)) for seed in (1, 2))
    assert (first == second) is same


@pytest.mark.slow
@pytest.mark.parametrize("compiled", ["false", "true"], ids=["plain", "XLA"])
def test_a_shared_program_trains_the_same(tmp_path: Path, compiled: str) -> None:
    datasets, programs = Datasets(), Programs()
    models = []
    for overrides in (
        [],
        ["training.optimizer.learning_rate=0.1", "training.batch_size=7"],
        ["training.epochs=3", "training.shuffle=false", "seed=5"],
    ):
        loaded = _loaded(tmp_path, f"engine.compile={compiled}", *overrides)
        together = programs.use(_prepared(loaded, datasets))
        models.append(together.model)
        assert _history(together) == _history(_prepared(loaded, datasets))
    assert models[0] is models[1] is models[2]


@pytest.mark.slow
@pytest.mark.parametrize("compiled", ["false", "true"], ids=["plain", "XLA"])
def test_numbers_are_data_of_a_shared_program(tmp_path: Path, compiled: str) -> None:
    datasets, programs = Datasets(), Programs()
    models = []
    for some, small in ((0.9, 0.01), (0.83, 0.0037)):
        optimizer = f"type: adamw, beta_1: {some}, weight_decay: {small}, clipnorm: {some}"
        loaded = _loaded(
            tmp_path,
            f"engine.compile={compiled}",
            f"training.optimizer={{{optimizer}, epsilon: {small}, beta_2: {some}}}",
            f"training.loss={{type: categorical_crossentropy, label_smoothing: {small}}}",
            f"model.layers.0.kernel_regularizer={{type: L1L2, l1: {small}, l2: {small}}}",
            f"model.layers.2.rate={small}",
        )
        alone, together = _prepared(loaded, datasets), programs.use(_prepared(loaded, datasets))
        assert _history(together) == _history(alone)
        for name, each in (("together", together), ("alone", alone)):
            save_model(each.model, tmp_path / name)
        assert (tmp_path / "together").read_bytes() == (tmp_path / "alone").read_bytes()
        models.append(together.model)
    assert models[0] is models[1]


@pytest.mark.parametrize(
    ("sign", "compute"),
    [
        ("**", lambda held: held**2),
        ("**", lambda held: 2**held),
        ("//", lambda held: 1 // held),
        ("%", lambda held: held % 0.3),
        ("divmod", lambda held: divmod(held, 0.3)),
        ("abs", abs),
        ("+", lambda held: +held),
        ("round", lambda held: round(held, 2)),
        ("floor", math.floor),
        ("ceil", math.ceil),
        ("int", int),
    ],
)
def test_what_would_be_a_constant_of_a_held_number_is_refused(
    sign: str, compute: Callable[[Held], object]
) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(sign)} cannot be computed of a number that"):
        compute(Held(0.9))


@pytest.mark.parametrize(
    "other",
    [
        "training.optimizer.amsgrad=true",
        "training.optimizer.clipnorm=1",
        "training.optimizer=sgd",
        "engine.steps_per_call=3",
        "training.metrics=[]",
        "model.layers.0.units=6",
        "model.layers.2.rate=0",
        "model.layers.0.kernel_regularizer=L2",
        "training.loss=categorical_crossentropy",
        "engine.compile=true",
    ],
)
def test_what_is_traced_into_a_program_is_not_shared(tmp_path: Path, other: str) -> None:
    config = _loaded(tmp_path).config
    assert program_key(config) != program_key(_loaded(tmp_path, other).config)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", ["false", "true"], ids=["plain", "XLA"])
def test_other_rows_and_class_weights_share_a_program_and_train_the_same(
    tmp_path: Path, compiled: str
) -> None:
    datasets, programs = Datasets(), Programs()
    models = []
    for weights in ("balanced", "{setosa: 2, versicolor: 1, virginica: 3}"):
        change = f"engine.compile={compiled}", f"training.class_weight={weights}"
        for seed in (1, 2):
            loaded = _loaded(tmp_path, *change, f"seed={seed}")
            alone, together = _prepared(loaded, datasets), _prepared(loaded, datasets)
            together = programs.use(together)
            assert _history(together) == _history(alone)
            for name, each in (("together", together), ("alone", alone)):
                save_model(each.model, tmp_path / name)
            assert (tmp_path / "together").read_bytes() == (tmp_path / "alone").read_bytes()
            models.append(together.model)
    assert len(set(map(id, models))) == 1


@pytest.mark.parametrize("change", ["training.class_weight=balanced", "data.split.validation=0.3"])
def test_rows_of_other_shapes_are_another_program(tmp_path: Path, change: str) -> None:
    datasets, programs = Datasets(), Programs()
    first, second = (
        programs.use(_prepared(_loaded(tmp_path, *overrides), datasets)).model
        for overrides in ((), (change,))
    )
    assert first is not second
    assert programs.use(_prepared(_loaded(tmp_path, change, "seed=5"), datasets)).model is second


def test_a_mixing_is_drawn_by_the_seed_of_its_program() -> None:
    mixed = [
        replace(each, training=replace(each.training, mixing=Mixing(type="mixup")))
        for each in (config(["Flatten"], seed=seed) for seed in (1, 2))
    ]
    assert program_key(mixed[0]) != program_key(mixed[1])


def test_only_the_last_programs_are_kept(tmp_path: Path) -> None:
    datasets, programs = Datasets(), Programs(most=1)
    loaded = _loaded(tmp_path)
    first = programs.use(_prepared(loaded, datasets))
    programs.use(_prepared(_loaded(tmp_path, "training.metrics=[]"), datasets))
    assert programs.use(_prepared(loaded, datasets)).model is not first.model
