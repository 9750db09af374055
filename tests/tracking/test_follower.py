"""What becomes of a store that fails, of a config without MLflow, and of the place of a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Dl
from dl import tracking
from dl.tracking import Destination, destination_of
from dl.tracking.mlflow_copy import Follower, absolute_uri

CONFIG = """\
name: flowers
data: {source: builtin, dataset: iris}
model: {layers: [{type: Dense, units: 3, activation: softmax}]}
training: {loss: sparse_categorical_crossentropy, epochs: 2}
tracking: {mlflow: true}
"""


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def broken(last: bool) -> None:
    try:
        raise ConnectionRefusedError(111, "Connection refused")
    except OSError as error:
        raise RuntimeError("API request failed with a long text\nand a second line") from error


def test_a_failure_is_worded_by_its_cause() -> None:
    assert Follower(broken).finish() == "Connection refused"


def test_nothing_is_tried_for_a_while_after_a_failure() -> None:
    tries = []

    def count(last: bool) -> None:
        tries.append(last)
        broken(last)

    clock = Clock()
    follower = Follower(count, clock)
    follower.look()
    follower.look()
    clock.now += 31
    follower.look()
    follower.finish()
    assert tries == [False, False, True]


def test_a_store_that_is_there_again_at_the_end_is_no_failure() -> None:
    follower = Follower(lambda last: None if last else broken(last))
    follower.look()
    assert follower.finish() is None


@pytest.mark.parametrize("command", [["train"], ["train", "--dry-run"], ["sweep"]], ids=" ".join)
def test_a_config_that_needs_mlflow_is_refused_before_the_training_without_it(
    command: list[str], dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "flowers.yaml"
    config.write_text(CONFIG)
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    grid = ["--grid", "training.batch_size=8,16"] if command == ["sweep"] else []

    outcome = dl(*command, config, *grid, "--runs", tmp_path / "runs")

    assert outcome.code == 2
    assert outcome.err == (
        f"error: {config}:5:20: tracking.mlflow needs the package mlflow, which is not installed\n"
        "    5 | tracking: {mlflow: true}\n"
        "      |                    ^^^^\n"
        "hint: pip install 'dl-keras[mlflow]', or leave the section out\n"
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("written", "environment", "expected"),
    [
        ("true", {}, Destination("sqlite:///mlflow.db", "flowers", True)),
        ("true", {"MLFLOW_TRACKING_URI": "http://a"}, Destination("http://a", "flowers", True)),
        (
            "{uri: 'http://b', experiment: e, artifacts: false}",
            {"MLFLOW_TRACKING_URI": "http://a"},
            Destination("http://b", "e", False),
        ),
        ("false", {}, None),
    ],
)
def test_the_store_is_that_of_the_config_then_of_the_environment(
    written: str, environment: dict[str, str], expected: Destination | None, tmp_path: Path
) -> None:
    from dl.config.load import load_config

    path = tmp_path / "flowers.yaml"
    path.write_text(CONFIG.replace("mlflow: true", f"mlflow: {written}"))
    assert destination_of(load_config(path).config, environment) == expected


def test_an_sqlite_file_is_found_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_uri("sqlite:///mlflow.db") == f"sqlite:///{tmp_path}/mlflow.db"
    assert absolute_uri("sqlite:////data/mlflow.db") == "sqlite:////data/mlflow.db"
    assert absolute_uri("http://localhost:5000") == "http://localhost:5000"
