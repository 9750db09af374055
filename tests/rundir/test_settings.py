"""Settings of runs, and the memory of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.rundir import settings
from dl.rundir.settings import SettingsMemory, read_settings
from support.runs import make_run


def test_read_settings_gives_dotted_paths(tmp_path: Path) -> None:
    run = make_run(tmp_path, batch=64)
    assert read_settings(run) == {
        "name": "digits",
        "training.batch_size": 64,
        "training.epochs": 3,
    }


def test_read_settings_of_a_damaged_config_is_empty(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.resolved.write_text("a: [")
    assert read_settings(run) == {}


def test_memory_reads_a_config_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path)
    first = SettingsMemory(tmp_path)
    known = first.of(run)
    first.save()
    monkeypatch.setattr(settings, "read_settings", lambda run: {"read": "again"})
    assert SettingsMemory(tmp_path).of(run) == known


def test_memory_reads_a_changed_config_again(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    memory = SettingsMemory(tmp_path)
    memory.of(run)
    memory.save()
    run.resolved.write_text("name: other\n")
    assert SettingsMemory(tmp_path).of(run) == {"name": "other"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"schema": 1, "runs": {"a": 1}}',
        "null",
        '{"schema": 1, "runs": {"digits/0001": {"stamp": [1, 2], "settings": "x"}}}',
    ],
)
def test_damaged_memory_is_forgotten(tmp_path: Path, content: str) -> None:
    run = make_run(tmp_path)
    (tmp_path / ".settings.json").write_text(content)
    assert SettingsMemory(tmp_path).of(run)["name"] == "digits"
