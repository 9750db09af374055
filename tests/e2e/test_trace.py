"""`dl trace`: the table, the JSON, of a config and of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from conftest import Dl
from e2e.conftest import Project

pytestmark = pytest.mark.slow


def test_the_table_of_a_unit_by_hand(dl: Dl, tmp_path: Path) -> None:
    config = tmp_path / "and.yaml"
    config.write_text("""\
name: and
data: {source: synthetic, dataset: and, split: {validation: 0, test: 0}}
model:
  layers:
    - {type: Dense, units: 1, activation: sigmoid, kernel_initializer: zeros, name: unit}
training:
  loss: binary_crossentropy
  optimizer: {type: SGD, learning_rate: 0.5}
  batch_size: full
""")

    outcome = dl("trace", config, "-q")

    assert (outcome.code, outcome.err) == (0, "")
    assert (
        outcome.out
        == """\
a mini-batch of 4 rows of the training part

inputs x (4 x 2)
row               x1  x2
1 (source row 0)   0   0
2 (source row 1)   0   1
3 (source row 2)   1   0
4 (source row 3)   1   1

targets y (4 x 1)
row               y1
1 (source row 0)   0
2 (source row 1)   0
3 (source row 2)   0
4 (source row 3)   1

--------------------------------------------------------------------------------
layer 1: unit (Dense, sigmoid)

pre-activation z = x W + b (4 x 1)
row  z1
  1   0
  2   0
  3   0
  4   0

activation a = sigmoid(z)
row   a1
  1  0.5
  2  0.5
  3  0.5
  4  0.5

gradient of the loss by z
row     dz1
  1   0.125
  2   0.125
  3   0.125
  4  -0.125

--------------------------------------------------------------------------------
loss BinaryCrossentropy = 0.6931

--------------------------------------------------------------------------------
update by SGD, learning_rate 0.5
  new = weight - learning_rate * gradient (without momentum)

unit/kernel (2 x 1)
place   weight  gradient  change  new weight
[1, 1]       0         0       0           0
[2, 1]       0         0       0           0

unit/bias (1)
place  weight  gradient  change  new weight
[1]         0      0.25  -0.125      -0.125
"""
    )


def test_the_table_keeps_to_eighty_columns_and_says_what_is_left_out(
    dl: Dl, project: Project
) -> None:
    lines = dl("trace", project.config, "-q").out.splitlines()

    assert max(map(len, lines)) <= 80
    assert lines[0] == "a mini-batch of 16 rows of the training part"
    assert lines[-1] == "… marks what is left out; --json has everything"


def test_json_has_every_number(dl: Dl, project: Project) -> None:
    result = json.loads(dl("trace", project.config, "--rows", 3, "--json", "-q").out)

    assert len(result["rows"]) == len(result["x"]) == len(result["y"]) == 3
    hidden, out = result["layers"]
    kernel, bias = (np.array(weight["before"]) for weight in result["weights"][:2])
    z = np.array(result["x"]) @ kernel + bias
    assert np.array(hidden["pre_activation"]) == pytest.approx(z, abs=1e-5)
    assert np.array(hidden["output"]) == pytest.approx(np.maximum(z, 0), abs=1e-5)
    assert (out["activation"], result["optimizer"]["name"]) == ("softmax", "Adam")
    for weight in result["weights"]:
        before, update = np.array(weight["before"]), np.array(weight["update"])
        assert np.array(weight["after"]) == pytest.approx(before + update, abs=1e-7)


def test_a_run_is_traced_from_its_trained_weights(dl: Dl, project: Project) -> None:
    start = json.loads(dl("trace", project.config, "--json", "-q").out)
    end = json.loads(dl("trace", project.run, "--json", "-q").out)

    assert end["rows"] == start["rows"]
    assert end["x"] == start["x"]
    assert end["loss"]["value"] < start["loss"]["value"]


def test_a_run_takes_no_other_settings(dl: Dl, project: Project) -> None:
    outcome = dl("trace", project.run, "--set", "training.epochs=5")

    assert outcome.code == 2
    assert outcome.err == (
        "error: --set changes a config, but a run is as it was trained\n"
        f"hint: dl trace {project.run}/resolved.yaml --set training.epochs=5\n"
    )


def test_a_row_is_followed_and_its_smallest_change_turns_what_dl_predict_says(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    way = json.loads(dl("trace", project.run, "--row", 3, "--json", "-q").out)
    changed = tmp_path / "changed.csv"
    head, *rows = project.data.read_text().splitlines()
    values = rows[3].split(",")
    moved = {each["name"]: each for each in way["inputs"]}
    for key, said in (("own", way["said"]), ("own_changed", way["turned"])):
        numbers = [repr(moved[name][key]) for name in ("width", "height")]
        changed.write_text(f"{head}\n{','.join([*numbers, *values[2:]])}\n")
        predicted = dl("predict", project.run, changed, "-q").out.splitlines()
        assert predicted[1].split(",")[0] == said
    lines = dl("trace", project.run, "--row", 3, "-q").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"row 3 of the {way['part']} part"
    assert any(line.startswith("the smallest change that was found makes it") for line in lines)
