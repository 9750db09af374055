"""The examples of `docs/export.md`, run on exports of the shipped run that they name."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dl import train
from dl.export import check, runner

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ROWS = {
    "Pclass": ["3", "1"],
    "Sex": ["male", "female"],
    "Age": [28, np.nan],
    "SibSp": [0, 1],
    "Parch": [0, 0],
    "Fare": [13.5, 80],
    "Embarked": ["S", None],
}


@pytest.mark.slow
def test_every_example_says_what_dl_predict_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tf2onnx")

    def answered(kind: str, path: Path, rows: Any, batch: int | None) -> Any:
        return runner.answered(kind, str(path), rows, batch)

    monkeypatch.setattr(check, "_in_a_process", answered)
    monkeypatch.chdir(tmp_path)
    run = train(ROOT / "configs" / "gallery" / "titanic.yaml", {"training.epochs": 2}, runs="runs")
    for to, name in (
        ("onnx", "titanic.onnx"),
        ("keras", "titanic.keras"),
        ("saved_model", "titanic.saved_model"),
        ("litert", "titanic.tflite"),
    ):
        assert run.export(to, name).difference < 1e-6  # type: ignore[arg-type]
    said = run.predict(pd.DataFrame(ROWS))
    assert len(BLOCKS) == 4
    for block in BLOCKS:
        names: dict[str, Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(block, names)
        found = [each.decode() if isinstance(each, bytes) else each for each in names["prediction"]]
        assert found == said["prediction"].astype(str).tolist()
        wanted = said[["probability_0", "probability_1"]]
        np.testing.assert_allclose(names["probabilities"], wanted, atol=1e-6)
