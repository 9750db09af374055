"""A module that is imported in a thread."""

from __future__ import annotations

import json

import pytest

from dl.imports import importing


def test_the_module_is_returned() -> None:
    with importing("json") as module:
        assert module() is json


def test_an_import_that_fails_raises_where_the_module_is_asked_for() -> None:
    with importing("dl.no_such_module") as module, pytest.raises(ModuleNotFoundError):
        module()


def test_an_error_meanwhile_is_not_hidden_by_a_failed_import() -> None:
    with pytest.raises(ZeroDivisionError), importing("dl.no_such_module"):
        raise ZeroDivisionError
