"""Packages that are hidden from a library, and only from it."""

from __future__ import annotations

import importlib
import sys
import threading

import pytest

from dl.imports import hidden

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
