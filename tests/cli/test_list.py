"""`dl list`, `dl tag`, `dl rm` and `dl prune`."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import list_checkpoints, write_checkpoint
from dl.rundir.notes import read_tags
from support.runs import make_run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_run(tmp_path, accuracy=0.9, batch=16)
    make_run(tmp_path, accuracy=0.95, minute=1)
    make_run(tmp_path, "iris", status="failed", accuracy=None, minute=2)
    return tmp_path


def listed(dl: Dl, root: Path, *arguments: str) -> list[str]:
    outcome = dl("list", *arguments, "--runs", root, "--json")
    assert outcome.code == 0, outcome.err
    return [run["run"] for run in json.loads(outcome.out)["runs"]]


def test_list_shows_the_newest_last(dl: Dl, root: Path) -> None:
    assert listed(dl, root) == ["digits/0001", "digits/0002", "iris/0001"]


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        (["digits"], ["digits/0001", "digits/0002"]),
        (["--filter", "accuracy>0.92"], ["digits/0002"]),
        (["--filter", "acc>0.92"], ["digits/0002"]),
        (["--filter", "test.acc>0.92", "--sort", "acc", "--columns", "acc"], ["digits/0002"]),
        (["--filter", "status=failed"], ["iris/0001"]),
        (["--filter", "training.batch_size=16"], ["digits/0001"]),
        (["--sort", "-accuracy"], ["digits/0002", "digits/0001", "iris/0001"]),
        (["--sort", "training.batch_size", "digits"], ["digits/0001", "digits/0002"]),
        (["--limit", "1"], ["iris/0001"]),
    ],
    ids=str,
)
def test_list_chooses(dl: Dl, root: Path, arguments: list[str], runs: list[str]) -> None:
    assert listed(dl, root, *arguments) == runs


def test_list_tells_of_sweeps_beside_the_runs(dl: Dl, root: Path) -> None:
    sweep = root / "search" / "0001"
    sweep.mkdir(parents=True)
    (sweep / "sweep.json").write_text("{}")
    outcome = dl("list", "--runs", root)
    assert outcome.err == (
        "and 1 sweep: search/0001\nranked: dl compare search   all trials: dl list search\n"
    )
    assert dl("list", "digits", "--runs", root).err == ""
    assert dl("list", "--filter", "seed=7", "--runs", root).err == ""


def test_list_adds_columns(dl: Dl, root: Path) -> None:
    outcome = dl("list", "digits", "--columns", "training.batch_size, seed", "--runs", root)
    header, first, second = outcome.out.splitlines()
    assert header.split()[-2:] == ["training.batch_size", "seed"]
    assert (first.split()[-2:], second.split()[-2:]) == (["16", "7"], ["32", "7"])


def test_list_refuses_a_column_that_no_run_has(dl: Dl, root: Path) -> None:
    outcome = dl("list", "--columns", "training.batchsize", "--runs", root)
    assert (outcome.code, outcome.out) == (2, "")
    assert "hint: did you mean training.batch_size?" in outcome.err


def test_list_says_that_nothing_fulfils_the_conditions(dl: Dl, root: Path) -> None:
    outcome = dl("list", "--filter", "epochs>100", "--runs", root)
    assert (outcome.code, outcome.out, outcome.err) == (
        0,
        "",
        "no run meets these conditions\n",
    )


def test_list_warns_of_a_damaged_run_and_shows_the_others(dl: Dl, root: Path) -> None:
    (root / "iris" / "0001" / "run.json").write_text("{")
    outcome = dl("list", "--runs", root)
    assert outcome.err == (
        f"warning: {root}/iris/0001/run.json is damaged or was edited\n"
        "hint: restore it from a copy, or remove the run: dl rm RUN\n"
    )
    assert len(outcome.out.splitlines()) == 3


def test_a_damaged_run_alone_is_all_that_is_told(dl: Dl, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.record.write_text("{")
    first, hint = dl("list", "--runs", tmp_path).err.splitlines()
    assert first == f"warning: {run.record} is damaged or was edited"
    assert hint == "hint: restore it from a copy, or remove the run: dl rm RUN"


def test_tags_are_put_on_shown_and_taken_off(dl: Dl, root: Path) -> None:
    assert dl("tag", "digits/1", "best", "talk", "--runs", root).out == "best\ntalk\n"
    assert listed(dl, root, "--filter", "tags~talk") == ["digits/0001"]
    assert "best talk" in dl("list", "--runs", root).out
    assert dl("tag", "digits/1", "talk", "--remove", "--runs", root).out == "best\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["a b"], "error: 'a b' is not a tag\n"),
        (["x", "--remove"], "error: digits/0001 has no tag x\nexpected: a run with tags\n"),
        (["--remove"], "error: no tag to remove was named\nexpected: a run with tags\n"),
    ],
    ids=str,
)
def test_wrong_tags_are_refused(dl: Dl, root: Path, arguments: list[str], text: str) -> None:
    outcome = dl("tag", "digits/1", *arguments, "--runs", root)
    assert outcome.code == 2
    assert outcome.err.startswith(text)


def test_rm_removes_the_run_and_the_folder_of_the_last_one(dl: Dl, root: Path) -> None:
    outcome = dl("rm", "iris", "-y", "--runs", root)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.splitlines()[-1].startswith("removed 1 run, ")
    assert listed(dl, root) == ["digits/0001", "digits/0002"]
    assert not (root / "iris").exists()


class Terminal(io.StringIO):
    """A terminal at which somebody has typed."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "runs_left"), [("n\n", 3), ("\n", 3), ("y\n", 2)], ids=repr)
def test_rm_asks(
    dl: Dl, root: Path, monkeypatch: pytest.MonkeyPatch, answer: str, runs_left: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert dl("rm", "iris", "--runs", root).code == 0
    assert len(listed(dl, root)) == runs_left


def test_rm_where_nobody_can_answer_removes_nothing(
    dl: Dl, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    outcome = dl("rm", "iris", "--runs", root)
    assert outcome.code == 2
    assert outcome.err.splitlines()[1:] == [
        "error: nothing is removed without asking",
        "hint: where nobody can answer: -y",
    ]
    assert len(listed(dl, root)) == 3


def test_rm_of_a_run_in_training_is_refused(dl: Dl, root: Path) -> None:
    run = make_run(root, "busy", status="running")
    with locked(run):
        outcome = dl("rm", "busy", "iris", "-y", "--runs", root)
    assert outcome.code == 5
    first, second, error, hint = outcome.err.splitlines()
    assert first.startswith(f"{root / 'iris' / '0001'}  ")
    assert second.startswith("removed 1 run, ")
    assert error.startswith("error: busy/0001 is in use by")
    assert hint == "hint: wait until it ends, or stop it; dl list shows how far it is"
    assert run.record.exists()


def test_prune_dry_run_only_tells(dl: Dl, root: Path) -> None:
    outcome = dl("prune", "--keep", "1", "--dry-run", "--runs", root)
    assert outcome.out.startswith(f"{root}/digits/0001  ")
    assert len(listed(dl, root)) == 3


def test_prune_removes_by_its_rules_and_clears_leftovers(dl: Dl, root: Path) -> None:
    left = root / "digits" / ".new-abc"
    left.mkdir()
    (left / ".lock").touch()
    os.utime(left, (0, 0))
    assert dl("prune", "--keep", "1", "--unfinished", "-y", "--runs", root).code == 0
    assert listed(dl, root) == ["digits/0002"]
    assert not left.exists()


def checkpointed(root: Path) -> RunDirectory:
    run = make_run(root, "long")
    for epoch in (4, 5):
        write_checkpoint(run, epoch, {}, [])
    return run


def test_prune_takes_all_checkpoints_but_the_last_of_a_finished_run(dl: Dl, root: Path) -> None:
    run = checkpointed(root)
    outcome = dl("prune", "--checkpoints", "-y", "--runs", root)
    assert outcome.err == "removed 1 checkpoint, 69 B\n"
    assert [epoch for epoch, _ in list_checkpoints(run)] == [5]
    again = dl("prune", "--checkpoints", "-y", "--runs", root)
    assert again.err == "there is no checkpoint to remove\n"


def test_prune_takes_the_last_checkpoint_too_but_not_of_a_tagged_run(dl: Dl, root: Path) -> None:
    run, tagged = checkpointed(root), checkpointed(root)
    dl("tag", "long/2", "best", "--runs", root)
    told = dl("prune", "long", "--all-checkpoints", "--dry-run", "--runs", root)
    assert len(told.out.splitlines()) == 3
    assert dl("prune", "long", "--all-checkpoints", "-y", "--runs", root).code == 0
    assert list_checkpoints(run) == []
    assert [epoch for epoch, _ in list_checkpoints(tagged)] == [5]


def test_prune_leaves_the_checkpoints_of_what_is_not_finished(dl: Dl, root: Path) -> None:
    run = make_run(root, "stopped", status="interrupted")
    write_checkpoint(run, 1, {}, [])
    assert dl("prune", "--all-checkpoints", "-y", "--runs", root).code == 0
    assert len(list_checkpoints(run)) == 1


def test_prune_without_a_rule_says_so(dl: Dl, root: Path) -> None:
    outcome = dl("prune", "--runs", root)
    assert outcome.err == "no rule was given, so no run was removed: see dl prune --help\n"


def test_removing_keeps_tags_of_others(dl: Dl, root: Path) -> None:
    dl("tag", "digits/2", "best", "--runs", root)
    dl("prune", "--keep", "0", "-y", "--runs", root)
    (run,) = [path for path in (root / "digits").iterdir() if path.name == "0002"]
    assert run.is_dir()
    assert listed(dl, root) == ["digits/0002"]


def test_damaged_tags_are_told(dl: Dl, root: Path) -> None:
    run = make_run(root, "odd")
    run.tags.write_text("[")
    assert "tags.json is damaged" in dl("list", "odd", "--runs", root).err
    run.tags.unlink()
    assert read_tags(run) == ()


def test_a_note_is_written_and_found(dl: Dl, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    make_run(tmp_path, minute=1)
    assert dl("tag", "digits/1", "--note", "more dropout", "--runs", tmp_path).code == 0
    assert run.note.read_text() == "more dropout\n"
    found = dl("list", "--filter", "note~DROPOUT", "--runs", tmp_path, "--json").out
    assert [each["run"] for each in json.loads(found)["runs"]] == ["digits/0001"]
