"""`dl compare`: texts and formats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Dl
from dl.config.load import load_config
from dl.config.schema import resolved_text
from dl.data.predictions import Predictions, write_predictions
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import publish
from dl.rundir.record import Status
from support.runs import make_run

LEARNED = {
    "fingerprint": "ab" * 32,
    "split": {"validation": 0.1, "test": 0.2},
    "features": [
        {
            "name": name,
            "scaling": "none",
            "center": 0.0,
            "spread": 1.0,
            "fill": None,
            "kind": "numeric",
        }
        for name in "ab"
    ],
    "target": {
        "task": "binary",
        "names": ["y"],
        "form": "single",
        "classes": ["no", "yes"],
        "values": ["no", "yes"],
        "units": 1,
        "probabilities": True,
    },
    "info": {
        "task": "binary",
        "input_shape": [2],
        "targets": ["y"],
        "classes": ["no", "yes"],
        "features": ["a", "b"],
        "image": False,
        "pixel_max": 1.0,
    },
}


def judged_run(root: Path, batch: int, right: int, rows: int = 40) -> RunDirectory:
    """Makes a run that predicted the first `right` rows rightly, the others wrongly."""
    run = make_run(root, accuracy=right / rows, minute=batch % 60, batch=batch)
    publish(run.preprocess, json.dumps(LEARNED).encode())
    y = np.arange(rows).reshape(-1, 1) % 2
    outputs = np.where(np.arange(rows).reshape(-1, 1) < right, y, 1 - y)
    write_predictions(run, Predictions("test", y.astype("f4"), outputs.astype("f4")))
    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    judged_run(tmp_path, 16, right=39)
    judged_run(tmp_path, 32, right=20)
    return tmp_path


def test_compare_shows_what_differs(dl: Dl, root: Path) -> None:
    outcome = dl("compare", "digits/1", "digits/2", "--runs", root)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        "digits/2 against digits/1: worse\n"
        "  accuracy -0.475 (95% interval -0.625 to -0.325), McNemar's p 3.8e-06\n"
        "  on the same 40 rows, row by row, at a level of 5% in all\n"
        "\n"
        "result         digits/1  digits/2   change\n"
        "training loss    0.1000    0.1000\n"
        "test loss        0.5000    0.5000\n"
        "test accuracy    0.9750    0.5000  -0.4750\n"
        "epochs                3         3\n"
        "seconds             2.5       2.5\n"
        "\n"
        "setting              digits/1  digits/2\n"
        "training.batch_size        16        32\n"
    )


def test_a_setting_that_an_earlier_version_did_not_have_is_its_default(
    dl: Dl, root: Path, tmp_path: Path
) -> None:
    config = tmp_path / "new.yaml"
    config.write_text(
        "data: {source: csv, path: rows.csv, target: y}\n"
        "model: {layers: [{type: Dense, units: 1}]}\n"
        "training: {loss: mse}\n"
    )
    text = resolved_text(load_config(config).config)
    young = ("columns: {}", "crosses: []", "header: true", "duplicates:")
    earlier = [line for line in text.splitlines() if not line.strip().startswith(young)]
    assert len(earlier) == len(text.splitlines()) - len(young)
    RunDirectory(root / "digits/0001").resolved.write_text("\n".join(earlier))
    RunDirectory(root / "digits/0002").resolved.write_text(text)
    outcome = dl("compare", "digits/1", "digits/2", "--runs", root)
    assert outcome.out.endswith("\nall settings are equal\n")


def test_compare_as_markdown(dl: Dl, root: Path) -> None:
    lines = dl("compare", "digits/1", "digits/2", "--md", "--runs", root).out.splitlines()
    assert lines[0] == "digits/2 against digits/1: worse"
    assert lines[-3:] == [
        "| setting | digits/1 | digits/2 |",
        "| --- | --- | --- |",
        "| training.batch_size | 16 | 32 |",
    ]


def test_compare_as_csv_with_all_settings(dl: Dl, root: Path) -> None:
    outcome = dl("compare", "digits/1", "digits/2", "--csv", "--all", "--runs", root)
    assert outcome.out.splitlines() == [
        "kind,key,digits/0001,digits/0002",
        "setting,training.batch_size,16,32",
        "setting,training.epochs,3,3",
        "metric,train.loss,0.1,0.1",
        "metric,test.loss,0.5,0.5",
        "metric,test.accuracy,0.975,0.5",
    ]


def test_compare_as_a_page(dl: Dl, root: Path, tmp_path: Path) -> None:
    target = tmp_path / "compared.html"
    outcome = dl("compare", "digits/1", "digits/2", "--html", target, "--runs", root)
    assert (outcome.code, outcome.out) == (0, f"{target}\n")
    text = target.read_text(encoding="utf-8")
    assert "<code>training.batch_size</code>" in text
    assert "<b>digits/0002: worse</b> accuracy -0.475" in text
    assert "http" not in text.partition("<script>")[0].rpartition("</style>")[2]


def test_compare_as_json(dl: Dl, root: Path) -> None:
    result = json.loads(dl("compare", "digits/1", "digits/2", "--json", "--runs", root).out)
    assert result["runs"] == ["digits/0001", "digits/0002"]
    assert result["settings"] == {"training.batch_size": [16, 32]}
    assert result["verdicts"][0]["real"] is True


def test_runs_without_answers_are_compared_by_their_metrics(dl: Dl, root: Path) -> None:
    make_run(root, "iris")
    outcome = dl("compare", "digits/1", "iris", "--runs", root)
    assert outcome.out.splitlines()[0] == (
        "iris/1 is not compared row by row: it kept no predictions"
    )


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("running", "it is still training"),
        ("failed", "its training failed before it answered any row"),
        ("interrupted", "its training was interrupted before it answered any row"),
    ],
)
def test_why_an_unfinished_run_is_not_compared(
    dl: Dl, root: Path, monkeypatch: pytest.MonkeyPatch, status: Status, why: str
) -> None:
    make_run(root, "iris", status=status, accuracy=None)
    monkeypatch.setattr("dl.rundir.record.is_held", lambda run: True)
    for runs in (["digits/1", "iris"], ["iris", "digits/1"]):
        lines = dl("compare", *runs, "--runs", root).out.splitlines()
        assert lines[0] == f"iris/1 is not compared row by row: {why}"


def test_quantiles_without_a_median_are_not_compared_by_row(dl: Dl, root: Path) -> None:
    run = judged_run(root, 8, 3)
    target = {"task": "regression", "names": ["y"], "form": "numbers", "units": 2}
    info = {**LEARNED["info"], "task": "regression", "classes": []}  # type: ignore[dict-item]
    learned = {**LEARNED, "target": {**target, "quantiles": [0.1, 0.9]}, "info": info}
    publish(run.preprocess, json.dumps(learned).encode())
    write_predictions(run, Predictions("test", np.zeros((3, 1), "f4"), np.zeros((3, 2), "f4")))
    outcome = dl("compare", "digits/1", run.path, "--runs", root)
    assert outcome.out.splitlines()[0] == (
        "digits/3 is not compared row by row: it predicts quantiles without the median, "
        "0.5, that would stand for the number"
    )


def test_a_metric_is_one_row_whatever_the_runs_call_it(dl: Dl, root: Path) -> None:
    first = make_run(root, "a")
    other = make_run(root, "b")
    publish(first.metrics, json.dumps({"test": {"loss": 1, "mae": 2.0}}).encode())
    publish(other.metrics, json.dumps({"test": {"loss": 1, "mean_absolute_error": 3}}).encode())
    outcome = dl("compare", "a", "b", "--runs", root, "--json")
    metrics = json.loads(outcome.out)["metrics"]
    assert metrics == {"test.loss": [1, 1], "test.mae": [2.0, 3]}


def test_other_rows_are_not_compared(dl: Dl, root: Path) -> None:
    judged_run(root, 48, right=10, rows=20)
    outcome = dl("compare", "digits/1", "digits/3", "--runs", root)
    assert outcome.out.splitlines()[0] == (
        "digits/3 is not compared row by row: the test parts hold other rows: another seed or split"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["digits"], "error: needs two or more different runs\n"),
        (["digits", "digits/2"], "error: needs two or more different runs\n"),
        (
            ["digits/1", "digits/2", "--md", "--csv"],
            "error: --json, --csv, --md, --html and --plots exclude",
        ),
    ],
    ids=str,
)
def test_wrong_use_is_refused(dl: Dl, root: Path, arguments: list[str], text: str) -> None:
    outcome = dl("compare", *arguments, "--runs", root)
    assert outcome.code == 2
    assert outcome.err.startswith(text)


def test_on_a_narrow_screen_settings_have_short_names(
    dl: Dl, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("comparison_text", "terminal"):
        monkeypatch.setattr(f"dl.report.{module}.screen_width", lambda: 40)
    out = dl("compare", "digits/1", "digits/2", "--runs", root).out
    assert out.endswith("setting     digits/1  digits/2\nbatch_size        16        32\n")
    assert max(map(len, out.splitlines())) <= 40


def test_on_a_narrow_screen_each_run_is_shown_beside_the_first(
    dl: Dl, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_run(root, 33, right=20)
    for module in ("comparison_text", "terminal"):
        monkeypatch.setattr(f"dl.report.{module}.screen_width", lambda: 34)
    out = dl("compare", "digits/1", "digits/2", "digits/3", "--runs", root).out
    assert out.endswith(
        "result         digits/1  digits/2\n"
        "test accuracy    0.9750    0.5000\n\n"
        "result         digits/1  digits/3\n"
        "test accuracy    0.9750    0.5000\n\n"
        "setting     digits/1  digits/2\n"
        "batch_size        16        32\n\n"
        "setting     digits/1  digits/3\n"
        "batch_size        16        33\n"
    )
    assert out.startswith("digits/2 against digits/1: worse\n")
    assert max(map(len, out.splitlines())) <= 34


def drawn_run(root: Path, name: str, plot: str = "boundary", size: int = 40) -> RunDirectory:
    run = make_run(root, name)
    run.plots.mkdir()
    Image.new("RGB", (size, 30), "red").save(run.plots / f"{plot}.png")
    return run


def test_pictures_of_runs_stand_beside_each_other(dl: Dl, tmp_path: Path) -> None:
    for name in ("linear", "tanh", "sigmoid", "relu"):
        drawn_run(tmp_path, name, size=50 if name == "tanh" else 40)
    four = tmp_path / "four.png"
    names = ("linear", "tanh", "sigmoid", "relu", "--runs", str(tmp_path))
    done = dl("compare", *names, "--plots", "boundary", "-o", str(four))
    assert (done.code, done.out) == (0, f"{four}\n")
    with Image.open(four) as picture:
        assert picture.size == (100, 60)
        assert picture.getpixel((45, 5)) == (255, 255, 255)
        assert picture.getpixel((95, 5)) == (255, 0, 0)


def test_a_picture_that_a_run_lacks_is_told_with_those_it_has(dl: Dl, tmp_path: Path) -> None:
    drawn_run(tmp_path, "one")
    drawn_run(tmp_path, "two", plot="residuals")
    out = str(tmp_path / "both.png")
    done = dl("compare", "one", "two", "--runs", str(tmp_path), "--plots", "boundary", "-o", out)
    assert (done.code, done.err) == (
        4,
        "error: two/0001 has no picture boundary\nexpected: one of residuals\n",
    )
    (tmp_path / "two" / "0001" / "plots" / "boundary.png").write_bytes(b"PNG")
    done = dl("compare", "one", "two", "--runs", str(tmp_path), "--plots", "boundary", "-o", out)
    assert "boundary.png is damaged" in done.err
    assert dl("compare", "one", "two", "--runs", str(tmp_path), "-o", out).code == 2
