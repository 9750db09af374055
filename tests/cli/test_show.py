"""`dl show`, and the verdicts of `dl list`: the result first, fitted to the screen."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import publish
from dl.rundir.record import (
    Ending,
    Judgement,
    Trivial,
    read_record,
    write_history,
    write_record,
)
from support.runs import make_run

SENTENCE = "97.5% of 40 unseen digits; guessing gives 10%. Stopped early, best at 2. Healthy."


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = make_run(tmp_path, accuracy=0.975)
    record = replace(
        read_record(made),
        epochs=12,
        planned=20,
        data={"test": {"rows": 40, **dict.fromkeys(("inputs", "targets"), ARRAY)}},
        trivial=Trivial((0.1,) * 10, "always 3", {"test": {"loss": 2.3, "accuracy": 0.1}}),
        ending=Ending("the validation loss did not improve in 1 epoch", True, 2, 2),
        judgement=Judgement("digits", beats=True, layers=True),
    )
    write_record(made, record)
    made.resolved.unlink()  # it is no whole config
    return made


ARRAY = {"shape": [64], "type": "float32", "bytes": 256}


def test_show_begins_with_the_verdict_and_the_result(
    dl: Dl, run: RunDirectory, tmp_path: Path
) -> None:
    write_history(run, [{"epoch": e, "loss": 1.0 / e} for e in (1, 2, 3)])
    shown = dl("show", "digits", "--runs", tmp_path)
    assert shown.code == 0, shown.err
    head, *rest = shown.out.split("\n\n")
    assert re.sub(r"started .* ago", "started AGO", head) == (
        f"digits/0001: completed, started AGO, 12 of 20 epochs in 2.5 s\n{SENTENCE}"
    )
    assert rest[0] == (
        "part        loss  accuracy\n"
        "train     0.1000\n"
        "test      0.5000    0.9750\n"
        "always 3   2.300    0.1000"
    )
    assert rest[1].startswith("loss by epoch  training\n")
    assert rest[2].startswith("                first  best: 3    last\nloss  training")
    assert rest[3].startswith("The curves have the training part as it was met")
    assert rest[-1] == (
        "stopped  early: the validation loss did not improve in 1 epoch\n"
        "weights  those of epoch 2\n"
        "started  2026-01-02 00:00\n"
        "seed     7\n"
        "command  dl train digits.yaml\n"
        f"folder   {run.path}\n"
        f"more     dl show -v {run.typed}\n"
    )


def test_show_lists_the_files_where_asked_for_more(
    dl: Dl, run: RunDirectory, tmp_path: Path
) -> None:
    shown = dl("show", "-v", "digits", "--runs", tmp_path)
    files = shown.out.rpartition("\n\n")[2].splitlines()
    assert re.fullmatch(r"3 files, \d.* kB", files[0])
    assert files[1:] == [
        "  manifest.json",
        "  metrics.json",
        "  run.json",
    ]
    assert "dl show -v" not in shown.out


def test_show_of_a_failed_run_says_why_at_once(dl: Dl, tmp_path: Path) -> None:
    run = make_run(tmp_path, status="failed", accuracy=None)
    run.resolved.unlink()
    write_record(run, replace(read_record(run), error="the disk is full\nand more"))
    lines = dl("show", "digits", "--runs", tmp_path).out.splitlines()
    assert lines[1] == "Failed after 3 epochs: the disk is full."
    assert lines[-2] == f"try      dl diagnose {run.typed}"


@pytest.mark.parametrize("width", [40, 80])
def test_show_fits_the_screen(
    dl: Dl, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("dl.report.terminal.screen_width", lambda: width)
    monkeypatch.setattr("dl.cli.texts.screen_width", lambda: width)
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    write_history(run, [{"epoch": e, **dict.fromkeys(names, 0.12345)} for e in range(1, 90)])
    publish(
        run.metrics, json.dumps({"test": {"loss": 0.5, "root_mean_squared_error": 3.0}}).encode()
    )
    lines = dl("show", "-v", "digits", "--runs", tmp_path).out.splitlines()
    words = [line for line in lines if max(map(len, line.split()), default=0) <= width - 10]
    assert max(map(len, words)) <= width  # but for a path, which is to be copied


def test_the_verdict_is_in_every_document(dl: Dl, run: RunDirectory, tmp_path: Path) -> None:
    shown = json.loads(dl("show", "digits", "--runs", tmp_path, "--json").out)["verdict"]
    listed = json.loads(dl("list", "--runs", tmp_path, "--json").out)["runs"][0]["verdict"]
    assert shown == listed
    assert shown == {
        "sentence": SENTENCE,
        "result": "97.5% of 40 unseen digits; guessing gives 10%",
        "stopped": "Stopped early, best at 2",
        "confuses": "",
        "health": "Healthy",
        "good": True,
    }


def test_list_tells_the_verdict_below_each_run_where_asked_for_more(
    dl: Dl, run: RunDirectory, tmp_path: Path
) -> None:
    make_run(tmp_path, "iris", status="interrupted", accuracy=None, minute=5)
    header, *lines = dl("list", "-v", "--runs", tmp_path).out.splitlines()
    assert header.split() == ["run", "status", "age", "took", "epochs", "result", "metric"]
    assert re.sub(r"\d+ d", "AGE", lines[0]) == (
        "digits/0001  completed    AGE  2.5 s  12/20   0.9750  test accuracy"
    )
    assert lines[1] == f"  {SENTENCE}"
    assert lines[3] == "  Interrupted after 3 epochs."


def test_list_tells_how_far_a_training_is(dl: Dl, tmp_path: Path) -> None:
    run = make_run(tmp_path, status="running", accuracy=None)
    write_record(run, replace(read_record(run), status="running", planned=40))
    write_history(run, [{"epoch": 1, "loss": 2.0, "val_loss": 3.0}])
    run.resolved.unlink()
    with locked(run):
        line = dl("list", "--runs", tmp_path).out.splitlines()[1]
        head, said, *_ = dl("show", "digits", "--runs", tmp_path).out.splitlines()
    assert re.fullmatch(r"digits/0001: training, started .* ago, 1 of 40 epochs in .*", head)
    assert said == "In training."
    assert re.fullmatch(r"digits/0001  running  .*  1/40 +3\.000  validation loss", line)


def test_list_is_in_colours_on_a_terminal_alone(
    dl: Dl, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in dl("list", "-v", "--runs", tmp_path).out
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    monkeypatch.setattr("dl.cli.runs.painted", lambda text, style: f"<{style}>{text}")
    assert "<green>  97.5% of 40 unseen digits" in dl("list", "-v", "--runs", tmp_path).out
