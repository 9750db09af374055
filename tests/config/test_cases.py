"""Every config in tests/cases/bad gives exactly the text beside it; every good one loads.

`scripts/rewrite_bad_cases.py` writes the texts anew; read what it changed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.config.load import load_config
from dl.config.schema import resolved_text
from dl.errors import ConfigError, error_text

CASES = Path(__file__).resolve().parents[1] / "cases"
BAD = sorted((CASES / "bad").glob("*.yaml"))
GOOD = sorted((CASES / "good").glob("*.yaml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_config_gives_the_text_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(ConfigError) as caught:
        load_config(Path(path.name))
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert error_text(caught.value) + "\n" == expected


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_config_round_trips(path: Path, tmp_path: Path) -> None:
    config = load_config(path).config
    again = tmp_path / "resolved.yaml"
    again.write_text(resolved_text(config), encoding="utf-8")
    assert load_config(again).config == config


def test_every_expected_text_has_its_config() -> None:
    assert {path.stem for path in BAD} == {path.stem for path in (CASES / "bad").glob("*.txt")}


def test_there_are_bad_configs() -> None:
    assert len(BAD) >= 60
