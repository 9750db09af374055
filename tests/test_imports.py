"""Imports that leave out, or put off, what a library takes along."""

from __future__ import annotations

import gc
import importlib
import inspect
import sys
import threading
from pathlib import Path

import pytest

from dl.finders import deferred, hidden, lent
from dl.imports import uncollected

MODULE = "this"
"""A module of the standard library that nothing imports."""


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, MODULE, raising=False)


def test_a_hidden_package_cannot_be_imported() -> None:
    with hidden([MODULE]), pytest.raises(ImportError, match="this is hidden"):
        importlib.import_module(MODULE)


def test_a_hidden_package_is_there_again_afterwards() -> None:
    with hidden([MODULE]):
        pass
    assert importlib.import_module(MODULE).__name__ == MODULE


def test_a_package_is_hidden_from_one_thread_only() -> None:
    found: list[str] = []
    with hidden([MODULE]):
        thread = threading.Thread(
            target=lambda: found.append(importlib.import_module(MODULE).__name__)
        )
        thread.start()
        thread.join()
    assert found == [MODULE]


def test_a_package_that_is_imported_already_stays() -> None:
    with hidden(["json"]):
        assert importlib.import_module("json") is sys.modules["json"]


@pytest.fixture
def gathering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with two modules, each of which notes in `ran` that it has run."""
    folder = tmp_path / "gathering"
    folder.mkdir()
    (folder / "__init__.py").write_text("ran = []\n")
    for name in ("first", "second"):
        (folder / f"{name}.py").write_text(f"import gathering\ngathering.ran.append({name!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("gathering", "gathering.first", "gathering.second"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "gathering"


def test_a_deferred_module_runs_when_it_is_used(gathering: str) -> None:
    with deferred([f"{gathering}.first"]):
        package, first = (importlib.import_module(f"{gathering}{end}") for end in ("", ".first"))
    assert package.ran == []
    assert first.gathering is package
    assert package.ran == ["first"]


def test_a_deferred_module_can_be_looked_at_without_running_it(gathering: str) -> None:
    with deferred([f"{gathering}.first"]):
        package, first = (importlib.import_module(f"{gathering}{end}") for end in ("", ".first"))
    assert inspect.getmodule(test_garbage_is_collected_again_afterwards) is not None
    assert (first.__name__, hasattr(first, "__path__")) == ("gathering.first", False)
    assert package.ran == []


def test_a_deferred_module_runs_once_and_lacks_what_it_lacks(gathering: str) -> None:
    with deferred([f"{gathering}.first"]):
        package, first = (importlib.import_module(f"{gathering}{end}") for end in ("", ".first"))
    assert "gathering" in dir(first)
    with pytest.raises(
        AttributeError, match=r"module 'gathering\.first' has no attribute 'absent'"
    ):
        _ = first.absent
    assert package.ran == ["first"]


def test_a_lent_package_comes_whole_to_whoever_imports_it_afterwards(
    gathering: str, tmp_path: Path
) -> None:
    """As `requests`, whose adapters look at the package, which takes their names."""
    folder = tmp_path / gathering
    (folder / "__init__.py").write_text("ran = []\nfrom gathering.first import Name\n")
    with (folder / "first.py").open("a") as file:
        file.write("class Name: ...\n")
    with lent([gathering]):
        empty = importlib.import_module(gathering)
    first = importlib.import_module(f"{gathering}.first")
    assert (empty.ran, empty.Name) == (["first"], first.Name)


def test_only_what_stands_empty_is_lent(gathering: str) -> None:
    """Another thread may have drawn with Rich already, or do so meanwhile."""
    names = [gathering, f"{gathering}.first", f"{gathering}.second"]
    before = importlib.import_module(f"{gathering}.first")
    with lent(names):
        meanwhile = importlib.import_module(f"{gathering}.second")
        assert meanwhile.gathering.ran == ["first", "second"]
    assert [sys.modules[name] for name in names[1:]] == [before, meanwhile]
    assert sys.modules[gathering] is before.gathering


def test_a_module_is_deferred_inside_only(gathering: str) -> None:
    with deferred([f"{gathering}.first"]):
        pass
    importlib.import_module(f"{gathering}.first")
    assert importlib.import_module(gathering).ran == ["first"]


def test_garbage_is_collected_again_afterwards() -> None:
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
