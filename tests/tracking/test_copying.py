"""Copies of runs in a real store of MLflow, read back with its client."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dl.rundir.directory import RunDirectory
from dl.rundir.files import take_lock
from dl.rundir.manifest import publish
from dl.rundir.record import read_record, write_history, write_record
from dl.tracking import Destination
from dl.tracking.mlflow_copy import Store, read_known
from support.runs import make_run
from tracking.conftest import epochs_of, files_of, the_run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ROWS = [{"epoch": n, "loss": 1 / n, "val_loss": 2 / n, "learning_rate": 0.1} for n in range(1, 5)]


def store_of(uri: str, experiment: str, *, artifacts: bool = True) -> Store:
    return Store(Destination(uri, experiment, artifacts))


def with_status(run: RunDirectory, status: Any) -> None:
    write_record(run, replace(read_record(run), status=status))


def test_settings_metrics_tags_and_files_are_copied_of_a_whole_run(
    uri: str, client: Any, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "runs")
    write_history(run, ROWS)
    run.plots.mkdir()
    for path in (run.model, run.report, run.plots / "learning_curves.png"):
        path.write_bytes(b"something")

    store_of(uri, "whole").bring(run.path, last=True)

    copy = the_run(client, "whole", "digits/0001")
    assert copy.info.status == "FINISHED"
    assert copy.data.params == {
        "name": "digits",
        "training.batch_size": "32",
        "training.epochs": "3",
    }
    assert epochs_of(client, copy, "val_loss") == [(1, 2.0), (2, 1.0), (3, 2 / 3), (4, 0.5)]
    assert copy.data.metrics["test.accuracy"] == 0.9
    assert (
        copy.data.tags.items()
        >= {
            "dl.name": "digits",
            "dl.seed": "7",
            "dl.directory": str(run.path),
            "mlflow.source.name": "dl train digits.yaml",
        }.items()
    )
    assert files_of(client, copy) == {
        "history.csv",
        "metrics.json",
        "model.h5",
        "plots",
        "report.html",
        "resolved.yaml",
    }
    assert files_of(client, copy, "plots") == {"plots/learning_curves.png"}


def test_epochs_appear_while_a_run_is_trained(uri: str, client: Any, tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", status="running", accuracy=None)
    store = store_of(uri, "live", artifacts=False)
    lock = take_lock(run)
    for done in (1, 3):
        write_history(run, ROWS[:done])
        store.bring(run.path, last=False)
        copy = the_run(client, "live", "digits/0001")
        assert copy.info.status == "RUNNING"
        assert [step for step, _ in epochs_of(client, copy, "loss")] == list(range(1, done + 1))
    os.close(lock)


@pytest.mark.parametrize(
    ("status", "there"), [("interrupted", "KILLED"), ("failed", "FAILED"), ("running", "KILLED")]
)
def test_a_run_that_ended_otherwise_says_so(
    status: Any, there: str, uri: str, client: Any, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "runs", status=status, accuracy=None)

    store_of(uri, f"ended {status}").bring(run.path, last=True)

    assert the_run(client, f"ended {status}", "digits/0001").info.status == there


def test_a_run_that_is_gone_on_with_goes_on_in_the_same_copy(
    uri: str, client: Any, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "runs", status="interrupted", accuracy=None)
    write_history(run, ROWS[:2])
    store_of(uri, "resumed").bring(run.path, last=True)

    write_history(run, ROWS)
    with_status(run, "completed")
    publish(run.resolved, b"name: digits\ntraining: {batch_size: 32, epochs: 4}\n")
    store_of(uri, "resumed").bring(run.path, last=True)

    copy = the_run(client, "resumed", "digits/0001")
    assert copy.info.status == "FINISHED"
    assert [step for step, _ in epochs_of(client, copy, "loss")] == [1, 2, 3, 4]
    assert copy.data.params["training.epochs"] == "3"
    assert copy.data.tags["dl.changed.training.epochs"] == "4"


def test_a_copy_that_was_deleted_is_made_anew(uri: str, client: Any, tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs")
    store_of(uri, "deleted").bring(run.path, last=True)
    client.delete_run(the_run(client, "deleted", "digits/0001").info.run_id)

    store_of(uri, "deleted").bring(run.path, last=True)

    assert the_run(client, "deleted", "digits/0001").info.lifecycle_stage == "active"


def test_no_file_is_copied_where_artifacts_are_not_wanted(
    uri: str, client: Any, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "runs")

    store_of(uri, "bare", artifacts=False).bring(run.path, last=True)

    assert files_of(client, the_run(client, "bare", "digits/0001")) == set()


def test_another_store_gets_a_copy_of_its_own(uri: str, client: Any, tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs")
    elsewhere = {"asked": "http://elsewhere", "store": "http://elsewhere", "run": "1" * 32}
    run.tracked.write_text(json.dumps(elsewhere))

    store_of(uri, "moved").bring(run.path, last=True)

    known = read_known(run.path)
    assert known is not None
    assert known.run == the_run(client, "moved", "digits/0001").info.run_id
    assert known.complete


def test_names_and_values_that_mlflow_refuses_are_made_fit(
    uri: str, client: Any, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "runs")
    publish(run.resolved, f"data: {{'a (cm), b': {'x' * 7000}}}\n".encode())
    write_history(run, [{"epoch": 1, "loss": float("nan"), "f1(macro)": 0.5}])

    store_of(uri, "names").bring(run.path, last=True)

    copy = the_run(client, "names", "digits/0001")
    assert copy.data.params == {"data.a _cm__ b": "x" * 6000}
    assert copy.data.metrics["f1_macro_"] == 0.5
