"""`evaluate`, `predict`, `summary`, `list` and `show` on a saved run."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from conftest import Dl
from dl import text
from dl.rundir.manifest import publish
from e2e.conftest import Project

pytestmark = pytest.mark.slow


HYPERPARAMETERS = """\
hyperparameter  value
layers          Dense (units 8, activation relu)
                Dense (units 3, activation softmax)
loss            SparseCategoricalCrossentropy
optimizer       Adam
learning rate   0.02
batch size      16
epochs          4""".splitlines()
SIZES = """\
part        rows  inputs     size    targets  size
train         90  5 float32  1.8 kB  1 int32  360 B
validation    30  5 float32  600 B   1 int32  120 B
test          30  5 float32  600 B   1 int32  120 B"""


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_evaluate_gives_the_numbers_of_the_training(dl: Dl, project: Project) -> None:
    outcome = dl("evaluate", project.run, "--json", "-q")
    result = json.loads(outcome.out)
    saved = json.loads((project.run / "metrics.json").read_text())
    always = ["run", "split", "rows", "metrics", "trivial"]
    assert list(result) == [*always, "by_step", "coverage", "interval"]
    assert result["split"] == "test"
    assert result["rows"] == 30
    assert result["metrics"] == pytest.approx(saved["test"], abs=1e-6)


def test_the_trivial_answer_stands_below_the_result(dl: Dl, project: Project) -> None:
    trivial = json.loads((project.run / "run.json").read_text())["trivial"]
    commonest = trivial["metrics"]["test"]["accuracy"]
    assert trivial["words"] in ("always apple", "always lemon", "always plum")
    assert trivial["metrics"]["test"]["loss"] == pytest.approx(1.0986, abs=0.1)
    for command in ("evaluate", "show"):
        lines = dl(command, project.run, *(["-q"] if command == "evaluate" else [])).out.split("\n")
        place = next(number for number, line in enumerate(lines) if line.startswith("test  "))
        assert lines[place + 1].split()[:2] == trivial["called"].split() == ["class", "shares"]
        assert float(lines[place + 1].split()[-1]) == pytest.approx(commonest, abs=1e-4)
    page = (project.run / "report.html").read_text()
    assert f'<th scope="row">{trivial["called"]} (test)</th>' in page
    assert f"<td>{text.number(commonest, padded=True)}</td>" in page


def test_a_run_without_a_trivial_answer_is_read(dl: Dl, project: Project, tmp_path: Path) -> None:
    run = tmp_path / "fruit" / "0001"
    shutil.copytree(project.run, run)
    record = json.loads((run / "run.json").read_text())
    del record["trivial"]
    publish(run / "run.json", json.dumps(record).encode())
    for command in (("evaluate", run, "-q"), ("show", run), ("report", run)):
        outcome = dl(*command)
        assert outcome.code == 0
        assert "always" not in outcome.out


@pytest.mark.parametrize("split", ["train", "validation"])
def test_evaluate_takes_any_part(dl: Dl, project: Project, split: str) -> None:
    outcome = dl("evaluate", "fruit", "--runs", project.runs, "--split", split, "--json", "-q")
    saved = json.loads((project.run / "metrics.json").read_text())
    assert json.loads(outcome.out)["metrics"] == pytest.approx(saved[split], abs=1e-6)


def test_evaluate_takes_another_file(dl: Dl, project: Project) -> None:
    outcome = dl("evaluate", project.run, "--data", project.data, "--json", "-q")
    result = json.loads(outcome.out)
    assert result["split"] == "fruit.csv"
    assert result["rows"] == 150
    assert result["metrics"]["accuracy"] > 0.9


def test_predict_keeps_the_order_of_the_rows(dl: Dl, project: Project) -> None:
    rows = _rows(dl("predict", project.run, project.data, "-q").out)
    truth = [row["kind"] for row in _rows(project.data.read_text())]
    assert len(rows) == len(truth)
    right = sum(row["prediction"] == kind for row, kind in zip(rows, truth, strict=True))
    assert right / len(truth) > 0.9
    names = ["prediction", "probability_apple", "probability_lemon", "probability_plum"]
    assert list(rows[0]) == names


def test_predict_needs_no_target_and_no_order_of_columns(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    rows = _rows(project.data.read_text())
    lines = ["extra,colour,height,width"]
    lines += [f"x,{row['colour']},{row['height']},{row['width']}" for row in rows]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    with_target = dl("predict", project.run, project.data, "-q").out
    assert dl("predict", project.run, tmp_path / "new.csv", "-q").out == with_target


def test_predict_reads_stdin(
    dl: Dl, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with project.data.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        outcome = dl("predict", project.run, "-", "-o", tmp_path / "out.csv", "-q")
    assert outcome.code == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 151


def test_predict_takes_the_test_part_by_default(dl: Dl, project: Project) -> None:
    assert len(_rows(dl("predict", project.run, "-q").out)) == 30


def test_predict_refuses_a_file_and_a_split(dl: Dl, project: Project) -> None:
    outcome = dl("predict", project.run, project.data, "--split", "test")
    assert outcome.code == 2
    assert outcome.err == (
        "error: FILE and --split exclude each other\nhint: leave one of them out\n"
    )


def test_predict_names_a_missing_column(dl: Dl, project: Project, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("width,colour\n1,red\n")
    outcome = dl("predict", project.run, tmp_path / "new.csv", "-q")
    assert outcome.code == 3
    assert "height" in outcome.err


def test_data_that_changed_since_the_run_is_refused(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(project.folder, folder)
    resolved = folder / "runs" / "fruit" / "0001" / "resolved.yaml"
    publish(resolved, resolved.read_bytes().replace(bytes(project.folder), bytes(folder)))
    (folder / "fruit.csv").write_text(project.data.read_text() + "0,0,red,apple\n")
    outcome = dl("evaluate", folder / "runs" / "fruit" / "0001", "-q")
    assert outcome.code == 4
    assert "has changed since the run" in outcome.err


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "missing"])
def test_a_damaged_model_exits_with_4(
    dl: Dl, project: Project, tmp_path: Path, damage: str
) -> None:
    shutil.copytree(project.run, tmp_path / "run")
    model = tmp_path / "run" / "model.h5"
    content = model.read_bytes()
    model.unlink()
    if damage != "missing":
        damaged = {"truncated": content[: len(content) // 2], "empty": b"", "text": b"hello"}
        model.write_bytes(damaged[damage])
    outcome = dl("evaluate", tmp_path / "run", "-q")
    assert outcome.code == 4
    assert outcome.err.startswith("error: ")
    assert "Traceback" not in outcome.err


def test_an_unknown_run_exits_with_4(dl: Dl, project: Project) -> None:
    outcome = dl("evaluate", "fruits", "--runs", project.runs)
    assert outcome.code == 4
    assert outcome.err == (
        f"error: there is no run named fruits in {project.runs}\nhint: did you mean fruit?\n"
    )


@pytest.mark.parametrize("which", ["config", "run"])
def test_summary_shows_the_layers(dl: Dl, project: Project, which: str) -> None:
    outcome = dl("summary", getattr(project, which))
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[1].split() == [
        *("layer", "type", "output", "shape"),
        *("weights", "biases", "parameters"),
    ]
    assert lines[2].split() == ["hidden", "Dense", "8", "40", "8", "48"]
    assert lines[3].split() == ["dense", "Dense", "3", "24", "3", "27"]
    assert lines[4] == "75 parameters: 64 weights, 11 biases"
    assert lines[6:] == HYPERPARAMETERS


def test_summary_json_counts_the_parameters(dl: Dl, project: Project) -> None:
    result = json.loads(dl("summary", project.run, "--json").out)
    assert [layer["parameters"] for layer in result["layers"]] == [48, 27]
    assert result["parameters"] == result["trainable"] == 75
    assert result["hyperparameters"]["learning rate"] == ["0.02"]


def test_list_shows_the_run_with_its_result(dl: Dl, project: Project) -> None:
    outcome = dl("list", "--runs", project.runs)
    assert outcome.out.splitlines()[1].startswith("fruit/0001  completed")
    entry = json.loads(dl("list", "--runs", project.runs, "--json").out)["runs"][0]
    assert entry["run"] == "fruit/0001"
    assert entry["epochs"] == 4


def test_show_tells_what_happened(dl: Dl, project: Project) -> None:
    outcome = dl("show", "fruit/1", "--runs", project.runs)
    assert outcome.code == 0
    assert outcome.out.startswith("fruit/0001: completed, started ")
    assert "plots/learning_curves.png" not in outcome.out
    files = dl("show", "-v", "fruit/1", "--runs", project.runs)
    assert "plots/learning_curves.png" in files.out
    assert SIZES in outcome.out
    assert "\n".join(HYPERPARAMETERS) in outcome.out
    record = json.loads(dl("show", "fruit", "--runs", project.runs, "--json").out)
    assert record["status"] == "completed"
    assert record["engine"]["reason"]


def test_validate_build_builds_the_model(dl: Dl, project: Project) -> None:
    outcome = dl("validate", project.config, "--build")
    assert (outcome.code, outcome.out) == (0, f"{project.config}: valid\n")
