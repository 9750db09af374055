"""`dl data`: what is shown of a config's table and of a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import Dl

CONFIG = """\
data:
  source: csv
  path: people.csv
  target: risk
  exclude: [patient]
model: {layers: [{type: Dense, units: 1, activation: sigmoid}]}
training: {loss: binary_crossentropy}
"""
SHOWN = """\
people.csv: 160 rows (train 112, validation 16, test 32)
to predict: risk, high 52%, low 48%

column   kind         missing  distinct  values                     AUC alone
risk     target                       2  high 52%, low 48%
age      numeric                     29  21 to 88, mean 54.02            0.93
dose     numeric                      3  1 to 3, mean 2.1                0.50
patient  categorical                 40  p00 2%, p01 2%, p02 2%, …       1.00
`patient` is left out

by class         high    low
age       mean  56.62  51.16
dose      mean   2.06  2.145

people.yaml:1:1: groups-across-parts: data.split parts rows of the same `patient`: 34 of its 40 \
values are in several parts. Trees reach accuracy 0.68 with other rows of it in their training \
part, 0.44 without
    1 | data:
      | ^^^^
why: Rows of the same group know each other, so the parts measure memory: a new group will be \
answered worse. With this line each group is in one part.
write: below data: split: {by: patient}
"""


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table in which each of 40 patients has four rows, and its config."""
    chance = np.random.default_rng(1)
    patient = np.arange(160) // 4
    table = pd.DataFrame(
        {
            "age": chance.integers(20, 90, 40)[patient],
            "dose": chance.integers(1, 4, 160),
            "patient": [f"p{number:02}" for number in patient],
            "risk": np.where(chance.random(40)[patient] < 0.5, "low", "high"),
        }
    )
    table.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "people.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "people.yaml"


def test_a_config_is_shown_with_its_table_and_its_leaks(dl: Dl, people: Path) -> None:
    outcome = dl("data", "people.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == SHOWN


def test_a_file_is_shown_as_init_reads_it(dl: Dl, people: Path) -> None:
    outcome = dl("data", "people.csv", "--target", "dose", "--rows", "2")
    assert outcome.code == 0
    assert "to predict: dose" in outcome.out
    assert "-> risk=low" in outcome.out


def test_json_has_the_columns_the_findings_and_the_sample(dl: Dl, people: Path) -> None:
    found = json.loads(dl("data", "people.yaml", "--rows", "1", "--json").out)
    assert found["rows"] == {"train": 112, "validation": 16, "test": 32}
    assert [column["name"] for column in found["columns"]] == ["risk", "age", "dose", "patient"]
    [finding] = found["findings"]
    assert (finding["rule"], finding["line"]) == ("groups-across-parts", 1)
    assert finding["mended"] == "below data: split: {by: patient}"
    assert [column["name"] for column in found["sample"]["columns"]] == ["age", "dose", "risk"]


def test_the_line_to_write_makes_it_silent(dl: Dl, people: Path) -> None:
    assert dl("data", "people.yaml", "--set", "data.split={by: patient}").out.endswith(
        "Nothing doubtful was found.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["people.yaml", "--target", "risk"],
            "error: --target is for a FILE; a config names its target\n"
            "hint: --set data.target=risk\n",
        ),
        (
            ["people.csv", "--set", "seed=1"],
            "error: --set is for a CONFIG\n"
            "hint: dl init people.csv --target COLUMN > config.yaml\n",
        ),
        (
            ["people.csv", "--rows", "2"],
            "error: --rows needs rows that a training can prepare\n"
            "found: it is not said which column is to be predicted\n"
            "hint: dl data people.csv --target COLUMN --rows 2\n",
        ),
        (["none.csv"], "error: none.csv: there is no such file\n"),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: list[str], said: str, dl: Dl, people: Path
) -> None:
    outcome = dl("data", *arguments)
    assert (outcome.code, outcome.out) == (3 if "none.csv" in arguments else 2, "")
    assert outcome.err == said


def test_a_file_of_which_no_config_can_be_made_is_still_shown(dl: Dl, tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    pd.DataFrame(
        {"text": [f"so many words {n} in a row" for n in range(60)], "y": [0, 1] * 30}
    ).to_csv(path, index=False)
    outcome = dl("data", path, "--target", "y")
    assert outcome.code == 0
    assert "`text` is free text (60 different values)" in outcome.out
    assert outcome.out.endswith(
        "Leaks are not looked for: there is no column to predict from; found 'text' is\n"
        "  free text (60 different values).\n"
    )
    assert dl("data", path, "--target", "z").code == 3


def test_leaks_are_not_looked_for_in_few_rows(dl: Dl, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    pd.DataFrame({"x": range(20), "y": ["a", "b"] * 10}).to_csv(path, index=False)
    outcome = dl("data", path, "--target", "y")
    assert outcome.code == 0
    assert outcome.out.endswith(
        "Leaks are not looked for: in fewer than 50 rows all may be chance.\n"
    )
