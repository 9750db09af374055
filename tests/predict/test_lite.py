"""The lite copy on the disk: used when it is whole and of this model, and never else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.data.types import Array
from dl.errors import RunError, error_text
from dl.predict.convert import lite_copy
from dl.predict.lite import (
    LiteCopy,
    LiteModel,
    LiteRecord,
    UnusableError,
    open_files,
    open_lite,
    write_lite,
)
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import first_manifest, publish, sha256
from dl.rundir.record import Status
from support.runs import make_run
from support.training import DENSE, built, config, dataset, inputs, labels

DATA = dataset(inputs(20, 4), labels(20))


@pytest.fixture(scope="module")
def light() -> LiteCopy:
    """The lite copy of a small model."""
    return lite_copy(built(config([DENSE]), DATA), DATA.train.x)


@pytest.fixture
def run(tmp_path: Path, light: LiteCopy) -> RunDirectory:
    """A run with a `model.h5` (what is in it does not matter here) and its lite copy."""
    run = RunDirectory(tmp_path)
    run.model.write_bytes(b"weights")
    run.manifest.write_text(first_manifest({run.model.name: b"weights"}))
    write_lite(run, sha256(b"weights"), light)
    return run


def refusal(run: RunDirectory) -> UnusableError:
    """Returns why the copy cannot be used."""
    with pytest.raises(UnusableError) as caught:
        open_lite(run)
    return caught.value


def outputs(run: RunDirectory) -> Array:
    return open_lite(run)(DATA.train.x)


def test_copy_comes_back(run: RunDirectory, light: LiteCopy) -> None:
    record = json.loads(run.light_record.read_bytes())
    assert record == {
        "model": sha256(b"weights"),
        "light": sha256(light.content),
        "reason": "",
        "batch": 1024,
        "checked_rows": 1025,
        "difference": light.record.difference,
        "schema": 1,
    }
    assert record["difference"] < 1e-5
    assert outputs(run).shape == (20, 3)


def test_another_model_is_noticed(run: RunDirectory) -> None:
    run.model.write_bytes(b"weightz")
    error = refusal(run)
    assert str(error) == "model.tflite was made from another model.h5"
    assert error.suspicious


def test_run_without_a_copy_is_in_order(tmp_path: Path) -> None:
    error = refusal(RunDirectory(tmp_path))
    assert str(error) == "the run has none"
    assert not error.suspicious


def test_reason_for_having_none_is_kept(run: RunDirectory) -> None:
    refused = LiteCopy(b"", LiteRecord(reason="LiteRT has no operation AvgPool3D"))
    write_lite(run, sha256(b"weights"), refused)
    error = refusal(run)
    assert str(error) == "LiteRT has no operation AvgPool3D"
    assert not error.suspicious
    assert not run.light.exists()


def test_copy_that_is_gone_is_noticed(run: RunDirectory) -> None:
    run.light.unlink()
    error = refusal(run)
    assert str(error) == "model.tflite is missing or damaged"
    assert error.suspicious


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "model.tflite.json is damaged"),
        (b"[]", "model.tflite.json is damaged"),
        (b"[" * 100_000, "model.tflite.json is damaged"),
        (b"\xff{}", "model.tflite.json is damaged"),
        (b'{"model": "", "light": ""}', "model.tflite was made from another model.h5"),
        (b'{"model": "", "schema": 2}', "model.tflite.json is damaged"),
        (b'{"model": "", "batch": 0}', "model.tflite.json is damaged"),
        (b'{"model": "", "batch": true}', "model.tflite.json is damaged"),
        (b'{"model": "", "batch": 1e99}', "model.tflite.json is damaged"),
    ],
)
def test_wrong_record_is_noticed(run: RunDirectory, content: bytes, reason: str) -> None:
    publish(run.light_record, content)
    error = refusal(run)
    assert str(error) == reason
    assert error.suspicious


def test_a_copy_of_another_run_with_an_edited_record_is_noticed(
    run: RunDirectory, light: LiteCopy
) -> None:
    record: dict[str, Any] = json.loads(run.light_record.read_bytes())
    other = light.content + b"\0"
    run.light.write_bytes(other)
    run.light_record.write_text(json.dumps({**record, "light": sha256(other)}))
    assert str(refusal(run)) == "model.tflite.json is damaged"
    publish(run.light_record, json.dumps({**record, "light": sha256(other)}).encode())
    assert str(refusal(run)) == "model.tflite is missing or damaged"
    assert refusal(run).suspicious
    publish(run.light, light.content)
    assert str(refusal(run)) == "model.tflite is not the one of its record"


def test_a_copy_of_an_earlier_version_without_a_checksum_is_not_used(run: RunDirectory) -> None:
    run.manifest.write_text(first_manifest({run.model.name: b"weights"}))
    error = refusal(run)
    assert str(error) == "an earlier dl made it, without a checksum"
    assert not error.suspicious


def test_truncated_copy_is_noticed_at_every_length(run: RunDirectory) -> None:
    content = run.light.read_bytes()
    for length in range(0, len(content), max(1, len(content) // 100)):
        run.light.write_bytes(content[:length])
        assert str(refusal(run)) == "model.tflite is missing or damaged"


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bit_is_noticed(run: RunDirectory, seed: int) -> None:
    random = np.random.default_rng(seed)
    for file in (run.light, run.light_record, run.model):
        content = file.read_bytes()
        for bit in random.integers(0, len(content) * 8, 60).tolist():
            file.write_bytes(_flipped(content, bit))
            with pytest.raises(UnusableError):
                outputs(run)
        file.write_bytes(content)


def _flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_file_that_is_no_model_is_not_run(run: RunDirectory) -> None:
    fields: dict[str, Any] = json.loads(run.light_record.read_bytes())
    publish(run.light, b"no model at all")
    changed = {**fields, "light": sha256(b"no model at all")}
    publish(run.light_record, json.dumps(changed).encode())
    assert str(refusal(run)).startswith("LiteRT cannot run it: ")


@pytest.mark.parametrize("batch", [1, 7, 20, 64])
def test_outputs_are_the_same_in_batches_of_any_size(light: LiteCopy, batch: int) -> None:
    whole = LiteModel(light.content, len(DATA.train))(DATA.train.x)
    model = LiteModel(light.content, batch)
    assert whole.shape == (len(DATA.train), 3)
    for _ in range(2):  # the last batch of the first time was a smaller one
        assert model(DATA.train.x) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (
            "completed",
            "digits/0001 has no model.h5: of a sweep, only the best settings keep their models",
            "train it again: dl train {run.resolved}; or sweep with a larger `keep`",
        ),
        (
            "interrupted",
            "digits/0001 has no model.h5: its training did not end",
            "resume it: {run.command_to_resume}",
        ),
        (
            "failed",
            "digits/0001 has no model.h5: its training did not end",
            "why: dl diagnose {run.typed}",
        ),
        (
            "running",
            "digits/0001 has no model.h5: it is still training",
            "wait until it ends; how far it is: dl show {run.typed}",
        ),
    ],
)
def test_a_run_without_its_model_says_why(
    status: Status, message: str, hint: str, tmp_path: Path
) -> None:
    run = make_run(tmp_path, status=status)
    with locked(run), pytest.raises(RunError) as caught:
        open_files(run)
    assert error_text(caught.value) == f"error: {message}\nhint: {hint.format(run=run)}"


def test_a_run_without_its_model_names_an_earlier_one_that_has_it(tmp_path: Path) -> None:
    earlier, run = make_run(tmp_path), make_run(tmp_path, status="interrupted")
    earlier.model.touch()
    with locked(run), pytest.raises(RunError) as caught:
        open_files(run)
    assert error_text(caught.value) == (
        "error: digits/0002 has no model.h5: its training did not end\n"
        f"hint: resume it: {run.command_to_resume}; or name another run: {earlier.typed}"
    )
