"""The front of this package: from a config to parts of rows, ready for Keras.

`load_dataset` learns the preprocessing and the target; everything else applies what was learned.
What is learned, `learned`, is the content of `preprocess.json`: `schema`, `source`, `fingerprint`,
`split`, `features` (a single one for arrays), `target` and `info`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dl.config.load import Loaded
from dl.config.schema import Config
from dl.data.advice import advice_on
from dl.data.complete import complete
from dl.data.division import Pieces, divided, split_of
from dl.data.division import document as split_document
from dl.data.inputs import InputsLearned, TableInputs, learn_inputs, learned_inputs
from dl.data.preprocessing import drop_missing
from dl.data.preprocessing.missing import TargetRule
from dl.data.raw import Raw, RawParts, RawTable
from dl.data.read import read_arrays, read_labelled, read_parts, source_title
from dl.data.streaming.tables import StoredTable, prepare_table
from dl.data.targets import (
    Target,
    check_units,
    describe_target,
    encode_target,
    fit_target,
    target_of,
)
from dl.data.targets.measured import check_metrics
from dl.data.types import DataInfo, Dataset, Inputs, Part, Rows
from dl.errors import DataError, RunError
from dl.progress import Reporter
from dl.runs.typed import read_key
from dl.vocabulary.spec import Findings

__all__ = [
    "complete",
    "info_of",
    "load_dataset",
    "load_part",
    "load_split",
    "read_dataset",
    "read_inputs",
]

SCHEMA = 1


def read_dataset(loaded: Loaded, reporter: Reporter) -> Dataset:
    """Loads the data of a config, and compares the target with the last layer and the metrics.

    Raises:
        ConfigError: The config asks for what makes no sense for this data; at its line.
        DataError: The data cannot be used as the config says.
    """
    try:
        dataset = load_dataset(loaded.config, reporter)
        check_units(target_of(dataset.learned), loaded.config)
        check_metrics(dataset, loaded.config)
    except Findings as error:
        raise loaded.error(error.findings) from error
    return dataset


def load_dataset(config: Config, reporter: Reporter) -> Dataset:
    """Reads the data, splits it, learns the preprocessing on the training part and applies it.

    Raises:
        DataError: The data cannot be used as the config says.
        Findings: The config asks for what makes no sense for this data.
    """
    parts = _read(config, reporter)
    with reporter.stage("Preparing the rows"):
        described = describe_target(parts.present(), config, parts.class_names)
        pieces = divided(config, parts, described, config.data.split)
        inputs = learn_inputs(config, parts, pieces.train, reporter)
        target = fit_target(described, pieces.train, config, inputs.scaling)
        train = _prepared(pieces.train, inputs, target, reporter)
        info = _info(train, inputs, target)
        dataset = Dataset(
            train=train,
            validation=_prepared_if_any(pieces.validation, inputs, target, reporter),
            test=_prepared_if_any(pieces.test, inputs, target, reporter),
            info=info,
            learned=_learned(config, parts, pieces, inputs, target, info),
            fingerprint=parts.fingerprint,
            held=parts.held,
        )
    return replace(dataset, advice=tuple(advice_on(config, parts.train, dataset)))


def load_part(config: Config, learned: dict[str, Any], path: Path, reporter: Reporter) -> Part:
    """Reads another labelled file (or folder) and prepares it with what was learned.

    Raises:
        DataError: The file cannot be used with this run.
    """
    with reporter.stage(f"Reading {path}"):
        raw = _without_gaps(read_labelled(config, learned, path, reporter), config, reporter)
    with reporter.stage("Preparing the rows"):
        return _prepared(raw, learned_inputs(learned, config), target_of(learned), reporter)


def load_split(config: Config, learned: dict[str, Any], split: str, reporter: Reporter) -> Part:
    """Reads a part of the run's own data again and prepares it with what was learned.

    Args:
        config: The config of the run.
        learned: What the run learned.
        split: `train`, `validation` or `test`.
        reporter: Told what happens.

    Raises:
        DataError: There is no such part, or the data cannot be read any more.
        RunError: The data has changed since the run, so its parts are others.
    """
    parts = _read(config, reporter)
    if parts.fingerprint != learned["fingerprint"]:
        raise RunError(
            f"{parts.train.source}: has changed since the run",
            expected=f"SHA-256 {learned['fingerprint'][:12]}…",
            found=f"{parts.fingerprint[:12]}…",
            hint="name labelled rows of your own with `--data FILE`, or train again",
        )
    with reporter.stage("Preparing the rows"):
        target = target_of(learned)
        pieces = divided(config, parts, target, split_of(learned))
        raw = {"train": pieces.train, "validation": pieces.validation, "test": pieces.test}[split]
        if raw is None:
            raise DataError(
                f"the run has no {split} part",
                hint=f"train with `data.split.{split}` above 0, or name rows with `--data FILE`",
            )
        return _prepared(raw, learned_inputs(learned, config), target, reporter)


def read_inputs(config: Config, learned: dict[str, Any], path: Path, reporter: Reporter) -> Inputs:
    """Reads arrays or images to predict; rows of a table come in chunks: `dl.data.chunks`.

    Raises:
        DataError: The rows cannot be used with this run.
    """
    with reporter.stage(f"Reading {path}"):
        raw = read_arrays(config, path, reporter)
    with reporter.stage("Preparing the rows"):
        return Inputs(learned_inputs(learned, config).apply(raw, reporter), raw.files)


def info_of(learned: Mapping[str, Any]) -> DataInfo:
    """Returns what the data said about the model."""
    return read_key(DataInfo, learned, "info")


def _read(config: Config, reporter: Reporter) -> RawParts:
    with reporter.stage(f"Reading {source_title(config)}"):
        parts = read_parts(config, reporter)
    if parts.held.streamed:
        reporter.note(f"streamed from the disk: {parts.held.reason}")
    own = (parts.validation, parts.test)
    validation, test = (
        None if raw is None else _without_gaps(raw, config, reporter) for raw in own
    )
    train = _without_gaps(parts.train, config, reporter)
    return replace(parts, train=train, validation=validation, test=test)


def _without_gaps(raw: Raw, config: Config, reporter: Reporter) -> Raw:
    if not isinstance(raw, RawTable):
        return raw
    target_rule: TargetRule = getattr(config.data, "missing_target", "error")
    return drop_missing(raw, config.preprocess.missing, target_rule, reporter.note)


def _prepared(raw: Raw, inputs: InputsLearned, target: Target, reporter: Reporter) -> Part:
    return Part(_numbers(raw, inputs, reporter), encode_target(raw, target), raw.rows)


def _numbers(raw: Raw, inputs: InputsLearned, reporter: Reporter) -> Rows:
    if isinstance(raw, StoredTable) and isinstance(inputs, TableInputs):
        return prepare_table(raw, inputs, reporter)
    return inputs.apply(raw, reporter)


def _prepared_if_any(
    raw: Raw | None, inputs: InputsLearned, target: Target, reporter: Reporter
) -> Part | None:
    return None if raw is None else _prepared(raw, inputs, target, reporter)


def _info(train: Part, inputs: InputsLearned, target: Target) -> DataInfo:
    return DataInfo(
        task=target.task,
        input_shape=tuple(train.x.shape[1:]),
        targets=target.names,
        classes=target.classes,
        features=inputs.names,
        image=inputs.image,
        pixel_max=inputs.pixel_max,
    )


def _learned(
    config: Config,
    parts: RawParts,
    pieces: Pieces,
    inputs: InputsLearned,
    target: Target,
    info: DataInfo,
) -> dict[str, Any]:
    plain = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(info).items()
    }
    return {
        "schema": SCHEMA,
        "source": config.data.source,
        "fingerprint": parts.fingerprint,
        "split": split_document(pieces),
        "features": inputs.document(),
        "target": target.document(),
        "info": plain,
    }
