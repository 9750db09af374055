"""Groups, times and weights, from the command line and from Python: whatever is done with a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import dl as library
from conftest import Dl

pytestmark = pytest.mark.slow

SPLITS: dict[str, dict[str, Any]] = {
    "groups": {"by": "patient"},
    "time": {"by": "day", "order": "time", "gap": "3d"},
    "written": {"column": "part"},
}


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = 120
    x = random.normal(size=(rows, 2))
    return pd.DataFrame(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "kind": np.where(x[:, 0] + random.normal(size=rows) > 0, "ill", "well"),
            "patient": [f"p{number}" for number in random.integers(0, 20, rows)],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) // 2, unit="D"),
            "part": np.array(["train", "validation", "test"])[
                random.choice(3, rows, p=[0.6, 0.2, 0.2])
            ],
            "w": random.random(rows),
        }
    )


def config(split: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {
        "name": "ward",
        "data": {"target": "kind", "features": ["a", "b"], "split": split, **data},
        "model": {"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]},
        "training": {"loss": "binary_crossentropy", "metrics": ["accuracy"], "epochs": 2},
    }


@pytest.mark.parametrize("name", SPLITS)
def test_a_run_from_a_frame_is_evaluated_resumed_and_reproduced(
    dl: Dl, tmp_path: Path, name: str
) -> None:
    asked = config(SPLITS[name], weight="w")
    run = library.train(asked, data=table(), runs=tmp_path / "runs", report=False)
    for part, metrics in run.metrics.items():
        assert run.evaluate(split=part) == pytest.approx(metrics)
    known = json.loads((run.path / "run.json").read_text())["data"]["train"]
    assert {"groups": "groups", "time": "from", "written": "rows"}[name] in known
    outcome = dl("reproduce", run.path, "-q")
    assert outcome.out == "identical: 2 epochs and model.h5, bit for bit\n"
    whole = library.train(
        asked, {"training.epochs": 4}, data=table(), runs=tmp_path / "other", report=False
    )
    resumed = library.resume(run, epochs=4)
    assert (resumed.path / "model.h5").read_bytes() == (whole.path / "model.h5").read_bytes()


@pytest.mark.parametrize("name", [*SPLITS, "random"])
def test_the_folds_of_a_sweep_leave_the_test_part_of_its_best_config(
    dl: Dl, tmp_path: Path, name: str
) -> None:
    table().to_csv(tmp_path / "rows.csv", index=False)
    wanted = SPLITS.get(name, {"validation": 0.1})
    asked = config(wanted, source="csv", path="rows.csv")
    asked["training"]["callbacks"] = [{"type": "EarlyStopping", "monitor": "val_loss"}]
    (tmp_path / "ward.yaml").write_text(yaml.safe_dump(asked))
    grid = "parameters: {training.optimizer.learning_rate: [0.01, 0.1]}"
    (tmp_path / "sweep.yaml").write_text(f"base: ward.yaml\nfolds: 3\njobs: 1\n{grid}\n")
    runs = tmp_path / "runs"
    assert dl("sweep", tmp_path / "sweep.yaml", "--runs", runs, "-q").code == 0
    tested = {
        json.loads(path.read_text())["data"]["test"]["rows"]
        for path in runs.glob("sweep/0001/**/run.json")
    }
    best = dl("sweep", "best", "sweep", "--runs", runs)
    split = yaml.safe_load(best.out)["data"]["split"]
    assert {key: split[key] for key in wanted} == wanted
    assert (split["folds"], split["validation"]) == (None, 0.1)
    (tmp_path / "best.yaml").write_text(best.out)
    assert dl("train", tmp_path / "best.yaml", "--runs", runs, "-q").code == 0
    (alone,) = runs.glob("*/0001/run.json")
    assert tested == {json.loads(alone.read_text())["data"]["test"]["rows"]}
