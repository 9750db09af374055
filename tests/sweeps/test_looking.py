"""Looking at a sweep that is being worked on, or was killed: nothing of it is changed or lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from conftest import Dl
from dl.cli.sweep import failure_of
from dl.report.board import board
from dl.rundir.directory import SweepDirectory
from dl.rundir.folders import create_sweep
from dl.sweeps.journal import Ended, OwnJournal
from dl.sweeps.parameters import Setting
from dl.sweeps.results import read_results
from dl.sweeps.session import again_text
from support.sweeps import make_sweep

TEXT = "name: search\nparameters: {training.epochs: [1, 2, 3]}\n"


@pytest.fixture
def sweep(tmp_path: Path) -> SweepDirectory:
    """A sweep of which the first setting is done, and the second is just being written down."""
    record = make_sweep(tmp_path, TEXT).first_record(("dl", "sweep"))
    sweep = create_sweep(tmp_path / "runs", "search", {"sweep.json": record.text().encode()})
    journal = OwnJournal(sweep.journal)
    for trial in (1, 2):
        journal.ask(trial, Setting({"training.epochs": trial}, {"training.epochs": trial - 1.0}))
    journal.end(Ended(1, 1, "completed", (0.5,)))
    with sweep.journal.open("ab") as file:
        file.write(b'{"event": "ended", "trial": 2, "rep')
    return sweep


@pytest.mark.parametrize(
    "command",
    [("compare", "search"), ("report", "search"), ("list",), ("list", "search")],
    ids=lambda command: " ".join(command),
)
def test_a_command_leaves_the_journal_as_it_is(
    dl: Dl, sweep: SweepDirectory, command: tuple[str, ...]
) -> None:
    before = sweep.journal.read_bytes()
    assert dl(*command, "--runs", sweep.path.parents[1]).code == 0
    assert sweep.journal.read_bytes() == before


@pytest.mark.parametrize("page", ["/api/runs", "/sweep/search/0001"])
def test_a_page_of_the_board_leaves_the_journal_as_it_is(sweep: SweepDirectory, page: str) -> None:
    before = sweep.journal.read_bytes()
    client = TestClient(board(sweep.path.parents[1], ["testserver"]))
    assert client.get(page).status_code == 200
    assert sweep.journal.read_bytes() == before


def test_what_no_setting_has_is_no_column(dl: Dl, sweep: SweepDirectory) -> None:
    journal = OwnJournal(sweep.journal)
    journal.end(Ended(2, 1, "completed", (0.25,)))
    root = sweep.path.parents[1]
    head = dl("compare", "search", "--runs", root).out.splitlines()[0]
    assert head.split("  ")[0:2] == ["rank", "trial"]
    assert "spread" not in head
    assert "verdict" not in head
    client = TestClient(board(root, ["testserver"]))
    assert '<th scope="col">spread</th>' not in client.get("/sweep/search/0001").text


def test_a_line_that_was_torn_is_told(dl: Dl, sweep: SweepDirectory) -> None:
    with sweep.journal.open("ab") as file:
        file.write(b'eat": 1}{"event": "asked"}\n')
    told = (
        "journal.jsonl is torn and left out in line 4: what it recorded is done again "
        "with --resume."
    )
    assert told in dl("compare", "search", "--runs", sweep.path.parents[1]).out
    client = TestClient(board(sweep.path.parents[1], ["testserver"]))
    assert told in client.get("/sweep/search/0001").text


def test_what_failed_for_want_of_the_machine_is_told(sweep: SweepDirectory) -> None:
    journal = OwnJournal(sweep.journal)
    journal.end(Ended(2, 1, "failed", error="not enough memory", code=4, again=True))
    error = failure_of(read_results(sweep))
    assert error is not None
    (problem,) = error.problems
    assert (error.exit_code, problem.message) == (4, "1 of 2 trials failed")
    assert problem.hint == (
        f"the others are ranked; all messages: {sweep.leaderboard}; where memory, disk or a "
        "process failed, --resume tries again"
    )
    again = OwnJournal(sweep.journal).again
    assert again_text(again) == "done again, as memory, disk or a process failed: 1 training, 2.1"


def test_a_forged_sweep_is_left_out_by_the_board_and_told_when_named(
    dl: Dl, sweep: SweepDirectory
) -> None:
    sweep.journal.write_text('{"event": "ended", "trial": "1"}\n')
    client = TestClient(board(sweep.path.parents[1], ["testserver"]))
    assert client.get("/api/runs").json() == {
        "runs": [],
        "count": 0,
        "sweeps": [],
        "damaged": [f"{sweep.journal}:1 is damaged: `repeat` is missing"],
    }
    outcome = dl("compare", "search", "--runs", sweep.path.parents[1])
    assert outcome.code == 4
    assert outcome.err == (
        f"error: {sweep.journal}:1 is damaged: `repeat` is missing\n"
        "hint: remove that line: its trial is done again\n"
    )
