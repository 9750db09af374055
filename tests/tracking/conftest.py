"""A real store of MLflow, an SQLite file, made once for all tests: making one takes seconds."""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest

from dl.tracking import ENVIRONMENT


@pytest.fixture(scope="session")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The store that all tests share; each test names an experiment of its own."""
    os.environ |= ENVIRONMENT
    with warnings.catch_warnings(action="ignore"):
        from mlflow import MlflowClient

        store = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
        MlflowClient(tracking_uri=store).search_experiments()
    return store


@pytest.fixture
def client(uri: str) -> Any:
    """What reads the store back."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def the_run(client: Any, experiment: str, name: str) -> Any:
    """Returns the one run of that name."""
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], f"attributes.run_name = '{name}'")
    assert len(runs) == 1
    return runs[0]


def epochs_of(client: Any, run: Any, metric: str) -> list[tuple[int, float]]:
    """Returns what was measured after each epoch."""
    return [(item.step, item.value) for item in client.get_metric_history(run.info.run_id, metric)]


def files_of(client: Any, run: Any, folder: str | None = None) -> set[str]:
    """Returns the artefacts of a run, of which folders are one."""
    return {item.path for item in client.list_artifacts(run.info.run_id, folder)}
