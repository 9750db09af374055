"""`dl diagnose`: what it prints of healthy, ill, failed and damaged runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from conftest import Dl
from dl import app
from dl.cli.texts import diagnose_text
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from e2e.conftest import CONFIG, Project, write_fruit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with a run whose loss left the numbers in its first epoch."""
    from dl.cli.main import run

    folder = tmp_path_factory.mktemp("failed")
    write_fruit(folder / "fruit.csv")
    text = CONFIG.replace("{type: adam, learning_rate: 0.02}", "{type: SGD, learning_rate: 1e30}")
    (folder / "fruit.yaml").write_text(text)
    assert run(["train", str(folder / "fruit.yaml"), "--runs", str(folder / "runs"), "-q"]) == 6
    return folder


def test_a_healthy_run_says_so_in_a_sentence(dl: Dl, project: Project) -> None:
    outcome = dl("diagnose", project.run, "-q")

    line = " ".join(outcome.out.split())
    assert line.startswith("fruit/0001: completed, 4 epochs: nothing wrong was found; the lowest ")
    assert line.endswith(", in epoch 4")
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    ("status", "rows", "says"),
    [
        ("running", 4, "running, 4 of 9 epochs: nothing wrong is seen so far; the lowest"),
        (
            "running",
            0,
            "running, 0 of 9 epochs: none has ended yet, so there is nothing to look at",
        ),
        ("interrupted", 0, "interrupted, 0 epochs: none has ended, so there is nothing to look at"),
    ],
)
def test_a_run_without_an_end_says_how_far_it_is(
    project: Project, status: Literal["running", "interrupted"], rows: int, says: str
) -> None:
    found = app.diagnose(RunDirectory(project.run), SilentReporter())
    text = diagnose_text(
        replace(
            found,
            record=replace(found.record, status=status, planned=9),
            case=replace(found.case, history=found.case.history[:rows]),
        )
    )
    assert " ".join(text.split()).startswith(f"fruit/0001: {says}")


def test_json_has_the_layers_of_a_healthy_run(dl: Dl, project: Project) -> None:
    result = json.loads(dl("diagnose", project.run, "--json", "-q").out)

    assert (result["run"], result["status"], result["epochs"]) == ("fruit/0001", "completed", 4)
    assert (result["findings"], result["weights"]) == ([], "trained")
    assert result["rows"] == 90
    assert [layer["name"] for layer in result["layers"]] == ["hidden", "dense"]


def test_a_run_that_left_the_numbers_is_told_of_with_its_initial_weights(
    dl: Dl, failed: Path
) -> None:
    outcome = dl("diagnose", "fruit", "--runs", failed / "runs", "-q")
    place = outcome.out.partition("NaN or infinite in ")[2].splitlines()[0]

    assert outcome.code == 0
    assert outcome.out == (
        "fruit/0001: failed, 0 epochs\n"
        "\n"
        f"diverged: the loss became NaN or infinite in {place}\n"
        "why: Each step went further than the slope holds, so the next one was larger\n"
        "  still. Smaller steps help; inputs far from 0 make all of them too large.\n"
        "try:\n"
        "  training:\n"
        "    optimizer: {learning_rate: 0.1}\n"
    )
    result = json.loads(dl("diagnose", "fruit", "--runs", failed / "runs", "-q", "--json").out)
    assert result["weights"] == "initial"
    assert result["findings"][0]["yaml"] == "training:\n  optimizer: {learning_rate: 0.1}\n"


def test_without_its_data_the_history_has_to_do(dl: Dl, failed: Path) -> None:
    data = failed / "fruit.csv"
    away = data.rename(failed / "away.csv")

    outcome = dl("diagnose", "fruit", "--runs", failed / "runs", "-q")
    away.rename(data)

    assert outcome.code == 0
    assert outcome.out.startswith("fruit/0001: failed, 0 epochs\n\ndiverged: ")
    assert outcome.err.startswith("warning: the layers cannot be measured: ")


def test_train_proposes_a_diagnosis_where_the_history_needs_one(dl: Dl, tmp_path: Path) -> None:
    write_fruit(tmp_path / "fruit.csv")
    slow = CONFIG.replace("learning_rate: 0.02", "learning_rate: 1e-9")
    (tmp_path / "fruit.yaml").write_text(slow)

    outcome = dl("train", tmp_path / "fruit.yaml", "--runs", tmp_path / "runs")

    run = tmp_path / "runs" / "fruit" / "0001"
    assert outcome.out.splitlines()[-2:] == [f"try     dl diagnose {run}", str(run)]


def test_a_model_of_one_answer_is_told_of_by_train_diagnose_and_report(
    dl: Dl, drawn: None, tmp_path: Path
) -> None:
    write_fruit(tmp_path / "fruit.csv")
    config = tmp_path / "fruit.yaml"
    config.write_text(CONFIG)
    zeros = ["--set", "model.layers.1.kernel_initializer=zeros", "--epochs", "1"]
    still = ["--set", "training.optimizer={type: SGD, learning_rate: 1e-9}", *zeros]
    outcome = dl("train", config, "--runs", tmp_path / "runs", *still, "-q")
    run = outcome.out.splitlines()[-1]
    said = outcome.err.splitlines()[-1].removeprefix("warning: the model ")
    assert said.startswith("always answers `")
    found = json.loads(dl("diagnose", run, "--json", "-q").out)["findings"]
    assert said in [item["message"] for item in found if item["id"] == "one-answer"]
    assert "The model always answers <code>" in Path(run, "report.html").read_text()
