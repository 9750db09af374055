"""The journal: durable lines, of which the last may be torn."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.errors import RunError
from dl.sweep.definition.space import Setting
from dl.sweep.results.journal import Ended, Journal

SETTING = Setting({"training.epochs": 3}, {"training.epochs": 0.0})


def _written(path: Path) -> Journal:
    journal = Journal(path)
    journal.ask(1, SETTING)
    journal.end(Ended(1, 1, "completed", (0.5, 0.75), {"validation": {"loss": 0.1}}, 1.5))
    return journal


def test_a_journal_reads_what_it_wrote(tmp_path: Path) -> None:
    written = _written(tmp_path / "journal.jsonl")
    read = Journal(tmp_path / "journal.jsonl")
    assert (read.settings, read.ended) == (written.settings, written.ended)


@pytest.mark.parametrize("cut", [1, 20])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    _written(path)
    path.write_bytes(path.read_bytes()[:-cut])
    journal = Journal(path)
    assert journal.ended == {}
    journal.end(Ended(1, 1, "completed", (0.5,)))
    assert Journal(path).ended[1, 1].values == (0.5,)


def test_damage_before_the_last_line_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"event": "asked"\n{"event": "asked", "trial": 1}\n')
    with pytest.raises(RunError, match=r"journal.jsonl is damaged in line 1"):
        Journal(path)
