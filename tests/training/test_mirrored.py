"""Several devices that share each batch, against a single one."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dl.progress import SilentReporter
from dl.training.steps import device_scope, devices_of
from support.training import DENSE, built, config, dataset, inputs, labels

CHILD = Path(__file__).parents[1] / "support" / "two_devices.py"
TOLERANCE = 1e-6


@pytest.mark.slow
def test_two_devices_train_as_one(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, CHILD, tmp_path]
    child = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert child.returncode == 0, child.stderr
    told = json.loads(child.stdout)
    for name, difference in told["cases"].items():
        assert difference.pop("devices") == 2, name
        assert max(difference.values()) < TOLERANCE, (name, difference)
    assert math.isfinite(told["noise"])
    assert told["refused"] == (
        "training.batch_size cannot be divided equally among all devices; a multiple of 2: so many "
        "devices share each batch; write 8, or engine.distribute: none"
    )
    assert told["run"] == 0
    assert "each batch is shared among 2 CPUs" in child.stderr
    record = json.loads((tmp_path / "moons" / "0001" / "run.json").read_text())
    assert record["engine"]["devices"] == 2
    assert record["engine"]["reason"] == "a compiled step cannot wait for other devices"


def test_a_single_device_shares_nothing() -> None:
    chosen = config([DENSE], {"distribute": "mirrored"})

    class Notes(SilentReporter):
        def note(self, text: str) -> None:
            self.warnings.append(text)

    reporter = Notes()
    with device_scope(chosen, reporter):
        model = built(chosen, dataset(inputs(9, 5), labels(9)))
    assert devices_of(model) == 1
    assert reporter.warnings == ["engine.distribute: there is a single CPU, so no batch is shared"]
